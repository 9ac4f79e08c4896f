"""What the results of an experiment say, as tables: pure functions of the rows of results.jsonl.

Runs are compared on the very same images only, by name: the test images are those of all draws, but
each draw leaves out other learning images, so there each has tables of its own.
"""
from __future__ import annotations

import collections
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from pipelines.plan import regimes, segmenters
from pipelines.report.published import configuration_of, group_of, variant_of
from pipelines.runtime.json_lines import Row
from pipelines.scores import bootstrap, comparison
from pipelines.scores.table import Table, mean_and_deviation

FEW_RUNS = (
    'Intervals resample images and, where there are several, draws and the seeds of each. With few '
    'they are too narrow: in simulations of equal regimes two trainings were told apart in 26 % of '
    'the cases instead of 5 %, three in 13 %, two draws of one seed in 22 %, two draws of three seeds '
    'in 6 % or less. A line of one training each speaks of these two trainings only.')
HEADER = ('Trained on', 'Trainings', 'J', '95 % interval', 'Difference from REAL', '95 % interval',
          'p, Wilcoxon and Holm', 'Interval excludes 0', 'HD95 mm', 'ASSD mm')
RULES = (
    'J: average over organs of the pooled J, per cent; mean ± standard deviation over trainings.',
    FEW_RUNS,
    'p: two-sided Wilcoxon signed-rank test over the images\' J, means over organs and trainings, '
    'against REAL; adjusted over the lines of a table (Holm). It takes the trainings as given.',
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

    def values(self, metric: str) -> List[float]:
        """Of the average over organs, one for each training; none where it is not measured."""
        return [row['scores'][metric]['average'][0] for row in self.rows
                if 'average' in row['scores'].get(metric, {})]


def by_images(rows: Sequence[Row]) -> List[List[Row]]:
    """Rows of one arm on the same images, a list for each: what may stand in one table."""
    groups = collections.defaultdict(list)
    for row in rows:
        groups[configuration_of(row), group_of(row), row['split'],
               tuple(row['images']['names'])].append(row)
    return list(groups.values())


def _words(rows: Sequence[Row]) -> str:
    """'jsrt_study, 11 real images: 62 test images'."""
    draws = ' and '.join(sorted({str(row['draw']) for row in rows}))
    of = 'test images' if rows[0]['split'] == 'test' else f'learning images that draw {draws} left out'
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
        words = [segmenter] if len(networks) > 1 else []
        if sum(key[:2] == (segmenter, regime) for key in lines) > 1:
            words.append(f'{variant[1]} pairs')
        label = regimes.label_of(regime[1]) + (f' ({", ".join(words)})' if words else '')
        made.append(Trained(label, lines[segmenter, regime, variant]))
    return made


def comparisons(rows: Sequence[Row]) -> List[Table]:
    """Every line against REAL of each network, on the same images: a table for each REAL.

    Args:
      rows: one list of `by_images`.
    """
    lines = trained(rows)
    tables = []
    for baseline in (line for line in lines if line.rows[0]['regime'] == 'real'):
        tables.append(_table(lines, baseline, f'{_words(rows)}, against {baseline.label}',
                             [] if tables else RULES))
    return tables or [_table(lines, None, _words(rows), RULES)]


def differences(rows: Sequence[Row]) -> Dict[str, Dict[str, List[Tuple[float, float, float]]]]:
    """The differences of `comparisons` for a figure: against REAL -> line -> [(value, low, high)]."""
    lines = trained(rows)
    found = {f'Against {baseline.label}': {
        label: [(one.value, one.low, one.high)] for label, one in _compared(lines, baseline).items()}
        for baseline in lines if baseline.rows[0]['regime'] == 'real'}
    return {name: of_lines for name, of_lines in found.items() if of_lines}


def _compared(lines: Sequence[Trained], baseline: Optional[Trained]) -> dict:
    """label -> comparison.Comparison with the baseline, of every other line."""
    if baseline is None or len(lines) < 2 or not _pooled(baseline.counts, baseline.rows[0]):
        return {}
    return {found.regime: found for found in comparison.compare_regimes(
        {line.label: line.counts for line in lines}, {line.label: line.keys for line in lines},
        baseline.label, lines[0].rows[0]['organs'])}


def _table(lines: Sequence[Trained], baseline: Optional[Trained], title: str,
           notes: Sequence[str]) -> Table:
    compared, body = _compared(lines, baseline), []
    for line in lines:
        pooled = _pooled(line.counts, line.rows[0], [draw for draw, _ in line.keys])
        found = compared.get(line.label)
        body.append((
            line.label, str(len(line.rows)), mean_and_deviation(line.values('jaccard_pooled')),
            _bounds(pooled), *_difference(found, min(len(line.rows), len(baseline.rows)
                                                     if baseline else 1)),
            *[mean_and_deviation(line.values(metric)) for metric in ('hd95_mm', 'assd_mm')]))
    return Table(title, HEADER, body, list(notes))


def _difference(found, fewest: int) -> Tuple[str, str, str, str]:
    if found is None:
        return '-', '-', '-', '-'
    told = 'no'
    if found.is_difference:
        told = 'yes, higher' if found.value > 0 else 'yes, lower'
        told += ' (one training each)' if fewest == 1 else ''
    p = '< 0.001' if found.p_holm < 0.001 else f'{found.p_holm:.3f}'
    return f'{found.value:+.2f}', _bounds(found), p, told


def _pooled(counted: np.ndarray, row: Row, draws: Optional[Sequence[int]] = None):
    """Interval of the average pooled J, None where fewer than two images show an organ."""
    try:
        return bootstrap.pooled_interval(counted, row['organs'], draws=draws)['average']
    except ValueError:
        return None


def _bounds(interval) -> str:
    return '-' if interval is None else f'[{interval.low:.2f}, {interval.high:.2f}]'


def tries(rows: Sequence[Row]) -> List[Table]:
    """What was tried, on images that a draw left out: each arm against that of the configuration.

    A try is an arm with another name than its configuration; of one draw, all see the same images.
    """
    groups = collections.defaultdict(list)
    for row in rows:
        if row['split'] == 'left_out':
            groups[row['experiment'], configuration_of(row), row['num_real'], row['draw'],
                   tuple(row['images']['names'])].append(row)
    tables = []
    for (experiment, configuration, num_real, draw, _), found in groups.items():
        if {row['arm'] for row in found} == {configuration}:
            continue
        body = [_try(row, found, configuration) for row in found]
        tables.append(Table(
            f'{experiment} ({configuration}): {num_real} real images, draw {draw}',
            ('Arm', 'Trained on', 'Seed', 'J', '95 % interval', 'Against the arm ' + configuration,
             '95 % interval', 'Interval excludes 0'), body,
            [f'{len(found[0]["images"]["names"])} learning images that the draw left out; no test '
             f'image was looked at for a choice. One training a line: a difference of one speaks '
             f'of these two trainings.']))
    return tables


def _try(row: Row, rows: Sequence[Row], configuration: str) -> tuple:
    organs, counted = row['organs'], np.array(row['images']['counts'])[None]
    pooled, value = _pooled(counted, row), row['scores']['jaccard_pooled']['average'][0]
    words = regimes.label_of(row['regime']) + ('' if row['segmenter'] == segmenters.foremost()
                                     else f' ({row["segmenter"]})')
    line = (row['arm'], words + f', {row["num_synthetic"]} pairs' * bool(row['num_synthetic']),
            str(row['seed']), f'{value:.2f}', _bounds(pooled))
    same = [other for other in rows if other['arm'] == configuration and other is not row
            and all(other[name] == row[name] for name in ('regime', 'segmenter', 'seed'))]
    same.sort(key=lambda other: other['num_synthetic'] != row['num_synthetic'])
    if row['arm'] == configuration or not same or pooled is None:
        return (*line, '-', '-', '-')
    base = np.array(same[0]['images']['counts'])[None]
    found = bootstrap.difference(counted, base, organs, paired=True)['average']
    return (*line, f'{found.value:+.2f}', _bounds(found),
            ('yes, higher' if found.value > 0 else 'yes, lower') if found.is_difference else 'no')


def counted(rows: Sequence[Row]) -> str:
    """How often the test images were scored, a sentence."""
    scored = [row for row in rows if row['split'] == 'test']
    images = {len(row['images']['names']) for row in scored}
    return (f'The {" or ".join(map(str, sorted(images)))} test images were scored '
            f'{len(scored)} times, once for each trained segmenter of the tables.'
            if scored else 'No test image was scored.')


def sweeps(rows: Sequence[Row]) -> Dict[str, Dict[str, List[Tuple[int, float]]]]:
    """What varies in number: axis -> line -> (number, pooled J) of each training on test images."""
    found: dict = {}
    for axis, words in (('num_synthetic', 'synthetic pairs'), ('num_real', 'real images')):
        lines = collections.defaultdict(list)
        other = {'num_synthetic': 'num_real', 'num_real': 'num_synthetic'}[axis]
        for row in rows:
            if row['split'] == 'test' and not (axis == 'num_synthetic' and not row['num_synthetic']):
                name = (f'{regimes.label_of(row["regime"])}, {row["segmenter"]}, {row["arm"]}, {row[other]} '
                        f'{"real" if other == "num_real" else "pairs"}')
                lines[name].append((row[axis], row['scores']['jaccard_pooled']['average'][0]))
        several = {name: sorted(points) for name, points in lines.items()
                   if len({number for number, _ in points}) > 1}
        if several:
            found[words] = several
    return found
