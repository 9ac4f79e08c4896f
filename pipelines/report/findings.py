"""What the results of an experiment say, as tables: pure functions of the rows of results.jsonl.

Runs are compared on the very same images only, by name: the test images are those of all draws, but
each draw leaves out other learning images, so there each has tables of its own.
"""
from __future__ import annotations

import collections
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from pipelines.plan import regimes, segmenters
from pipelines.report.groups import Variant, configuration_of, group_of, variant_of, variant_words
from pipelines.runtime.json_lines import Row
from pipelines.scores import bootstrap, comparison
from pipelines.scores.comparison import Comparison
from pipelines.scores.table import Table, spread

PLACEBO = 'restart'   # the regime beside REAL that everything is measured against that is trained twice
SELF = 'self'
ONE_EACH = 'one training each'
RULES = (
    'J: average over organs of the pooled J, per cent; mean ± standard deviation over trainings, and its own 95 % '
    'interval. Pairs: trainings with the same draw and seed on both sides; the difference is theirs alone (0: none '
    'are shared, and all stand against all).',
    'Differences have intervals that hold with 95 % for all lines of a table together (Bonferroni): they resample '
    'images, draws and the seeds of each. "Yes" where one leaves out 0; "undecided" where 0 lies within its '
    'Monte-Carlo error; one training each tells of these two trainings only, so it gets neither.',
    'p: two-sided Wilcoxon signed-rank test over the images\' J, means over organs and pairs, adjusted for all lines '
    'of a table (Holm). It takes the trainings as given.',
    'HD95 and ASSD: means over images and organs. An organ that only one of target and prediction '
    'shows counts with the picture\'s diagonal; one that neither shows leaves the mean.')


class Trained(NamedTuple):
    """All trainings of one line: same regime, network and number of pairs."""
    label: str
    rows: List[Row]

    @property
    def keys(self) -> List[Tuple[int, int]]:
        """(draw, seed) of each training."""
        return [(row['draw'], row['seed']) for row in self.rows]

    @property
    def counts(self) -> np.ndarray:
        """[runs, images, organs, 3], see overlap."""
        return np.array([row['images']['counts'] for row in self.rows])

    @property
    def regime(self) -> str:
        """Its name."""
        return self.rows[0]['regime']

    @property
    def network(self) -> str:
        """Its name."""
        return self.rows[0]['segmenter']

    def values(self, metric: str) -> List[float]:
        """Of the average over organs, one for each training; none where it is not measured."""
        return [row['scores'][metric]['average'][0] for row in self.rows
                if 'average' in row['scores'].get(metric, {})]


class Against(NamedTuple):
    """Lines on the same images against one of them, None where there is no baseline.

    Attributes:
      shown: lines of the table.
      found: by label, of every line that was compared.
    """
    title: str
    baseline: Optional[Trained]
    shown: List[Trained]
    found: Dict[str, Comparison]


def by_images(rows: Sequence[Row]) -> List[List[Row]]:
    """Rows of one arm of the same classes on the same images, a list for each: what may stand in one table.

    The list of most trainings, which the experiment is about, comes first.
    """
    groups = collections.defaultdict(list)
    for row in rows:
        groups[configuration_of(row), group_of(row), row['split'], row['fold'],  # none, but at other hospitals
               tuple(row['organs']), tuple(row['images']['names'])].append(row)
    return sorted(groups.values(), key=len, reverse=True)


def _words(rows: Sequence[Row]) -> str:
    """'jsrt_study, 11 real images: 62 test images'."""
    draws = ' and '.join(sorted({str(row['draw']) for row in rows}))
    of = {'test': 'test images', 'left_out': f'learning images that draw {draws} left out'}.get(
        rows[0]['split'], f'images of {rows[0]["split"]}')
    of += '' if rows[0]['fold'] is None else f', fold {rows[0]["fold"]}'
    return f'{group_of(rows[0])}: {len(rows[0]["images"]["names"])} {of}'


def trained(rows: Sequence[Row]) -> List[Trained]:
    """The lines of a table, in the order of the paper's tables, the networks one after another."""
    lines = collections.defaultdict(list)
    for row in rows:
        lines[row['segmenter'], regimes.order_of(row['regime']), variant_of(row)].append(row)
    networks = list(dict.fromkeys(row['segmenter'] for row in rows))
    networks.sort(key=segmenters.order_of)
    made = []
    for segmenter, regime, variant in sorted(lines, key=lambda k: (networks.index(k[0]), k[1:])):
        others = [key[2] for key in lines if key[:2] == (segmenter, regime)]
        others += [Variant(network) for network in networks if network != segmenter]
        label = regimes.short_of(regime[1]) + variant_words(variant, others)
        made.append(Trained(label, lines[segmenter, regime, variant]))
    return made


def against(rows: Sequence[Row]) -> List[Against]:
    """Every line against REAL of each network, and every FINETUNE k against its placebo and against SELF.

    Args:
      rows: one list of `by_images`.
    """
    lines, made = trained(rows), []
    for baseline in (line for line in lines if line.regime == 'real'):
        made.append(_against(rows, baseline, lines))
    for baseline in (line for line in lines if line.regime in (PLACEBO, SELF)):
        tuned = [line for line in lines if line.network == baseline.network and is_tuned(line) and line is not baseline]
        if tuned:
            made.append(_against(rows, baseline, [baseline, *tuned]))
    return made or [Against(_words(rows), None, lines, {})]


def is_tuned(line: Trained) -> bool:
    """Whether it is trained twice, and not on real pairs both times: a FINETUNE k, or SELF."""
    return line.regime.startswith('finetune') or line.regime == SELF


def _against(rows: Sequence[Row], baseline: Trained, lines: List[Trained]) -> Against:
    found = {}
    if len(lines) > 1 and _pooled(baseline.counts, baseline.rows[0]):
        found = {one.regime: one for one in comparison.compare_regimes(
            {line.label: line.counts for line in lines}, {line.label: line.keys for line in lines},
            baseline.label, rows[0]['organs'])}
    return Against(f'{_words(rows)}, against {baseline.label}', baseline, lines, found)


def tables(compared: Sequence[Against], rules: bool = False) -> List[Table]:
    """A table for each baseline; with the rules below the first, which a report says once."""
    return [_table(one, RULES if rules and not number else []) for number, one in enumerate(compared)]


def differences(compared: Sequence[Against]) -> Dict[str, Dict[str, Tuple[float, float, float, bool]]]:
    """The differences of the tables for a figure: baseline -> line -> (value, low, high, is it a difference)."""
    return {one.baseline.label: {
        line.label: (*one.found[line.label].difference[:3],
                      verdict(one.found[line.label], line, one.baseline).startswith('yes'))
        for line in one.shown if line.label in one.found} for one in compared if one.found}


def _table(one: Against, notes: Sequence[str]) -> Table:
    body, label = [], one.baseline.label if one.baseline else 'REAL'
    for line in one.shown:
        pooled = _pooled(line.counts, line.rows[0], [draw for draw, _ in line.keys])
        found = one.found.get(line.label)
        body.append((
            line.label, *(_cells(found, verdict(found, line, one.baseline)) if found else '----'),
            spread(line.values('jaccard_pooled')) + (f' {bounds(pooled)}' if pooled else ''), str(len(line.rows)),
            *[spread(line.values(metric)) for metric in ('hd95_mm', 'assd_mm')]))
    error = max((found.difference.error for found in one.found.values()), default=0)
    notes = [*notes, *([f'Bounds of the differences: {bootstrap.RESAMPLES:,} resamples, Monte-Carlo error at most '
                        f'{digits(error)}.'] if error else [])]
    return Table(one.title, ('Trained on', f'Difference from {label} [95 %, all lines]', 'Differs?', 'Pairs',
                             'p (Holm)', 'J [95 %]', 'Trainings', 'HD95 mm', 'ASSD mm'), body, notes)


def _cells(found: Comparison, told: str) -> Tuple[str, str, str, str]:
    return (f'{signed(found.difference.value)} {bounds(found.difference)}', told, str(found.pairs),
            p_words(found.p_holm))


def p_words(p: float) -> str:
    """'0.032', or '< 0.001'."""
    return '< 0.001' if p < 0.001 else f'{p:.3f}'


def verdict(found: Comparison, line: Trained, baseline: Trained) -> str:
    """'yes, higher', 'yes, lower', 'no', 'undecided' or ONE_EACH."""
    if (found.pairs or min(len(line.rows), len(baseline.rows))) == 1:
        return ONE_EACH
    if found.difference.is_undecided:
        return 'undecided'
    if not found.difference.is_difference:
        return 'no'
    return 'yes, higher' if found.difference.value > 0 else 'yes, lower'


def pooled(row: Row) -> Optional[bootstrap.Interval]:
    """The average pooled J of one training, None where fewer than two images show an organ."""
    return _pooled(np.array(row['images']['counts'])[None], row)


def _pooled(counted: np.ndarray, row: Row, draws: Optional[Sequence[int]] = None):
    """Interval of the average pooled J, None where fewer than two images show an organ."""
    try:
        return bootstrap.pooled_interval(counted, row['organs'], draws=draws)['average']
    except ValueError:
        return None


def bounds(interval) -> str:
    """'[-0.04, 0.40]'."""
    return f'[{digits(interval.low)}, {digits(interval.high)}]'


def digits(value: float) -> str:
    """Two digits, and more where these would hide on which side of 0 a number lies: never '-0.00'."""
    for places in (2, 3, 4):
        if value == 0 or round(value, places) != 0:
            return f'{value:.{places}f}'
    return '0.00'


def signed(value: float) -> str:
    """As `digits`, with its sign: '+0.16'; '0.00' for nothing."""
    words = digits(value)
    return words if value <= 0 or words == '0.00' else f'+{words}'


def counted(rows: Sequence[Row]) -> str:
    """How often the test images were scored, a sentence."""
    scored = [row for row in rows if row['split'] == 'test']
    images = {len(row['images']['names']) for row in scored}
    return (f'The {" or ".join(map(str, sorted(images)))} test images were scored '
            f'{len(scored)} times, once for each trained segmenter of the tables.'
            if scored else 'No test image was scored.')
