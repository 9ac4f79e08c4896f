"""With how many real images synthesis helps: differences against their number, the first thing in the report of a sweep.

Blocks of a report: pure functions of results' rows. A sweep are trainings of one network in one arm from several numbers
of real images, scored on the very same images.
"""
from __future__ import annotations

import collections
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from pipelines.plan import regimes, segmenters
from pipelines.report import document, findings
from pipelines.report.document import Block
from pipelines.report.findings import PLACEBO, Trained, bounds, signed, verdict
from pipelines.report.groups import configuration_of
from pipelines.runtime.json_lines import Row
from pipelines.scores import comparison, gap
from pipelines.scores.bootstrap import Interval
from pipelines.scores.comparison import Comparison
from pipelines.scores.table import Table, spread

REAL = 'real'
BASELINES = {REAL: 'REAL', PLACEBO: 'RESTART'}
LEARNS_MORE = ('finetune', 'mixed', 'synth', 'self')   # than real pairs
RULES = (
    'Differences of the average pooled J, points, of trainings with the same draw and seed (pairs); their intervals hold with '
    '95 % for all lines of the table together (Bonferroni). "Yes" where one leaves out 0.',
    'Of the gap: (this - REAL) / (REAL of the most images - REAL), per cent, each with its own 95 % interval over images and '
    'trainings (Fieller\'s); "-" where the gap itself is not told from nothing, or one training tells of a side.')


class Line(NamedTuple):
    """One regime at one number of real images.

    Attributes:
      found: by the regime that it is compared with.
      share: of the gap to REAL of the most images that it closes, see scores/gap.py.
    """
    count: int
    line: Trained
    found: Dict[str, Tuple[Trained, Comparison]]
    share: Optional[Interval]


def sweeps(rows: Sequence[Row]) -> List[Block]:
    """Of every sweep an answer, a figure and a table, with the rules below the first."""
    blocks: List[Block] = []
    for number, (title, lines, reals) in enumerate(_sweeps(rows)):
        blocks += [document.answer(*answered(title, lines)), _figure(number, title, lines, reals),
                   document.table(table(title, lines, reals, RULES if not number else ()), css='scores')]
    return blocks


def answered(title: str, lines: Sequence[Line]) -> Tuple[str, str, str]:
    """With which numbers the foremost regime is better than all that it is compared with."""
    first = min(lines, key=lambda one: regimes.rank_of(one.line.regime)).line.label
    own = [one for one in lines if one.line.label == first]
    against = [name for name in BASELINES if any(name in one.found for one in own)]
    better = [one.count for one in own if all(name in one.found and _verdict(one, name) == 'yes, higher' for name in against)]
    counts = ', '.join(str(one.count) for one in own)
    names = ' and '.join(BASELINES[name] for name in against)
    told = '; '.join(f'{one.count}: ' + ', '.join(
        f'{signed(one.found[name][1].difference.value)} {bounds(one.found[name][1].difference)} over {BASELINES[name]}'
        for name in against if name in one.found) + (f', {one.share.value:.0f} % of the gap' if one.share else '')
        for one in own)
    placebo = '' if PLACEBO in against else ' RESTART was not trained, so what a second start alone gains is not known.'
    return (f'With how many real images is {first} better than {names}? ({title})',
            f'With {", ".join(map(str, better))} of {counts}.' if better else f'Not shown with any of {counts}.',
            f'J is higher by: {told}.{placebo}')


def table(title: str, lines: Sequence[Line], reals: Dict[int, Trained], notes: Sequence[str]) -> Table:
    """REAL of every number, and below it each regime against it and against the placebo."""
    body = []
    for count, real in sorted(reals.items()):
        body.append((str(count), real.label, spread(real.values('jaccard_pooled')), *['-'] * 5, str(len(real.rows))))
        for one in (one for one in lines if one.count == count):
            cells = [cell for name in BASELINES for cell in _cells(one, name)]
            share = f'{one.share.value:.0f} % [{one.share.low:.0f}, {one.share.high:.0f}]' if one.share else '-'
            body.append((str(count), one.line.label, spread(one.line.values('jaccard_pooled')), *cells, share,
                         str(len(one.line.rows))))
    return Table(title, ('Real images', 'Trained on', 'J', 'Above REAL [95 %, all lines]', 'Differs?',
                         'Above RESTART [95 %, all lines]', 'Differs?', f'Of the gap to {max(reals)}', 'Trainings'),
                 body, list(notes))


def _cells(one: Line, name: str) -> Tuple[str, str]:
    if name not in one.found:
        return '-', '-'
    found = one.found[name][1].difference
    return f'{signed(found.value)} {bounds(found)}', _verdict(one, name)


def _verdict(one: Line, name: str) -> str:
    baseline, found = one.found[name]
    return verdict(found, one.line, baseline)


def _figure(number: int, title: str, lines: Sequence[Line], reals: Dict[int, Trained]) -> Block:
    from pipelines.report import plots  # takes a moment: not for who prints tables
    drawn: dict = collections.defaultdict(dict)
    for one in lines:
        for name, (_, found) in one.found.items():
            drawn[f'{one.line.label} - {BASELINES[name]}'][one.count] = found.difference[:3]
    picture = plots.against(drawn, {}, sorted(reals), 'real images', 'difference of average pooled J, points')
    return document.figure(f'sweep-{number}', picture, f'{title}: what is gained over REAL, and over RESTART, against the '
                           f'number of real images; intervals of all lines together.', scale=plots.SCALE)


def _sweeps(rows: Sequence[Row]) -> List[Tuple[str, List[Line], Dict[int, Trained]]]:
    """(title, lines, REAL by number of real images) of every sweep."""
    groups: dict = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in rows:
        groups[row['experiment'], configuration_of(row), row['arm'], row['division'], row['fold'], row['split'],
               row['segmenter'], tuple(row['organs']), tuple(row['images']['names'])][row['num_real']].append(row)
    made = []
    for (experiment, configuration, arm, _, _, split, network, _, names), of_counts in groups.items():
        trained = {count: findings.trained(found) for count, found in of_counts.items()}
        reals = {count: line for count, some in trained.items() for line in some if line.regime == REAL}
        drawn = [(count, line) for count, some in trained.items() for line in some
                 if count in reals and line.regime.startswith(LEARNS_MORE)]
        if len({count for count, _ in drawn}) < 2:
            continue
        words = experiment + ('' if arm == configuration else f'/{arm}') + f', {segmenters.label_of(network)}'
        title = f'{words}: {len(names)} {"test images" if split == "test" else f"images of {split}"}'
        made.append((title, _lines(trained, reals, sorted(drawn, key=lambda pair: pair[0])), reals))
    return made


def _lines(trained: Dict[int, List[Trained]], reals: Dict[int, Trained], drawn: Sequence[Tuple[int, Trained]]) -> List[Line]:
    bases = {count: {line.regime: line for line in some if line.regime in BASELINES} for count, some in trained.items()}
    asked = [(count, line, name) for count, line in drawn for name in bases[count] if name == REAL or findings.is_tuned(line)]
    most, made = max(reals), []
    for count, line in drawn:
        found = {name: (bases[count][name], _compared(line, bases[count][name], len(asked)))
                 for at, one, name in asked if at == count and one is line}
        share = _share(line, reals[count], reals[most]) if count < most else None
        made.append(Line(count, line, found, share))
    return made


def _compared(line: Trained, baseline: Trained, told: int) -> Comparison:
    found, = comparison.compare_regimes({line.label: line.counts, baseline.label: baseline.counts},
                                        {line.label: line.keys, baseline.label: baseline.keys}, baseline.label,
                                        line.rows[0]['organs'], told)
    return found


def _share(line: Trained, real: Trained, full: Trained) -> Optional[Interval]:
    """None too where one training, or none, is shared by draw and seed: how trainings vary it does not tell."""
    common = sorted({*line.keys} & {*real.keys})
    if min(len(common), len(full.keys)) < 2:
        return None
    tuned, base = (gap.Side(np.stack([one.counts[one.keys.index(key)] for key in common]), [draw for draw, _ in common])
                   for one in (line, real))
    return gap.share_closed(tuned, base, gap.Side(full.counts, [draw for draw, _ in full.keys]))
