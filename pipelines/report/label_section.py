"""What labels of the other hospital are worth: Table II and figure 8 of Oliveira & dos Santos 2018, published and ours.

Blocks of a report: pure functions of results' rows, those scored on other data sets by segmenters that came there in one
of the ways of plan/transfers.py, and REAL as it is.
"""
from __future__ import annotations

import collections
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np

from pipelines.plan import regimes, segmenters
from pipelines.plan.data_checks import SCORED
from pipelines.plan.transfers import TRANSFERS
from pipelines.report import document, groups
from pipelines.report.document import Block
from pipelines.report.papers import load_paper
from pipelines.runtime.json_lines import Row
from pipelines.scores import overlap, resampling
from pipelines.scores.table import Table

AS_IS = 'real'
PAPER = 'oliveira2018'
PUBLISHED = {'ours': 'Published: MUNIT, supervised', 'finetune': 'Published: fine-tuned', 'scratch': 'Published: from scratch'}
RESAMPLES = 10_000
NOTE = ('J: mean over images and classes, per cent, mean over trainings, with its 95 % interval over images (trainings taken as '
        'given). A as it is, and with its tone, learn nothing there and stand at 0. "-": not trained or not printed.')
PRINTED = ('Published: mean ± standard deviation over 27 test images of Montgomery, 247 radiographs of JSRT, 256 px; one '
           'training each.')
CAPTION = 'J per image against the share of labels, with 95 % intervals over images'
EACH = 'J of every image there'
BESIDE = ', published ones dashed: figure 8 of Oliveira and dos Santos 2018'


class Point(NamedTuple):
    """J of one way at one share: mean over images, 95 % interval, number of trainings, and of each image [N], mean over
    these (NaN: nothing to find in it); the regime and the segmenter."""
    mean: float
    low: float
    high: float
    trainings: int
    per_image: np.ndarray
    regime: str
    segmenter: str


def labels(rows: Sequence[Row]) -> List[Block]:
    """For each data set elsewhere a table, a figure, and whether the translators converged."""
    from pipelines.report import plots  # takes a moment: not for who prints tables
    blocks = []
    for title, points, of_group in by_data_set(rows):
        shares = sorted({share for line in points.values() for share in line})
        printed = _published(of_group)
        shares = sorted({*shares, *(share for line in printed.values() for share in line)})
        blocks.append(document.table(_table(title, points, printed, shares), css='scores'))
        blocks.append(document.folded(EACH, [document.table(_each(points, of_group), css='scores')]))
        if len(shares) > 1:
            picture = plots.against(points, printed, shares, 'labels of the other hospital (%)', 'J per image (%)')
            blocks.append(document.figure(f'labels-{len(blocks)}', picture, f'{CAPTION}{BESIDE if printed else ""}.',
                                          scale=plots.SCALE))
    converged = convergence(rows)
    return blocks + ([document.table(converged, css='scores')] if converged.rows else [])


def convergence(rows: Sequence[Row]) -> Table:
    """A line for each training with a translator: what its convergence is told by."""
    found: Dict[str, Sequence[str]] = {}
    for row in rows:
        told = row['protocol'].get('convergence')
        if told:
            name = (f'{row["arm"]}, {_words(row["regime"])}, {segmenters.label_of(row["segmenter"])}, seed {row["seed"]}, '
                    f'{row["labelled"]:g} %')
            distance = '-' if told['kid_random'] is None else (
                f'{told["kid_random"]:.3f} (untranslated {told["kid_random_before"]:.3f})')
            found[name] = (name, f'{told["cycle_error_a"]:.3f}, {told["cycle_error_b"]:.3f}', f'{told["agreement"]:.1f}',
                           distance, str(row['protocol'].get('restarts', 0)), 'yes' if told['has_converged'] else 'NO')
    return Table('Have the translators converged?', (
        'Training', 'Cycle error of a, b', 'Agreement on a and back, J', 'Kernel distance to A', 'Restarts', 'Converged?'),
        list(found.values()), ['Cycle error: mean change of a picture in [-1, 1] that went to the other side and back. '
                               'Agreement: of what the segmenter finds in a picture of A and in what came back of it. Kernel '
                               'distance: of translated pictures of B from A, by features of a random network (no KID).'])


def by_data_set(rows: Sequence[Row]) -> Iterator[Tuple[str, Dict[str, Dict[float, Point]], List[Row]]]:
    """(title, {way: {share: Point}}, rows) of each data set elsewhere on which something was brought there."""
    found: Dict[tuple, List[Row]] = collections.defaultdict(list)
    for row in rows:
        if row['split'] not in SCORED and row['regime'] in (AS_IS, *TRANSFERS):
            found[groups.configuration_of(row), groups.group_of(row), row['split'], tuple(row['organs'])].append(row)
    for (_, group, split, organs), of_group in found.items():
        if all(row['labelled'] is None for row in of_group):
            continue
        lines: Dict[Tuple[int, str], Dict[float, List[Row]]] = collections.defaultdict(lambda: collections.defaultdict(list))
        networks = {row['segmenter'] for row in of_group}
        for row in of_group:
            name = _words(row['regime']) + (f' ({segmenters.label_of(row["segmenter"])})' if len(networks) > 1 else '')
            lines[regimes.order_of(row['regime'])[0], name][row['labelled'] or 0.0].append(row)
        points = {name: {share: _point(some) for share, some in sorted(lines[rank, name].items())}
                  for rank, name in sorted(lines)}
        yield f'{group}: {", ".join(o.replace("_", " ") for o in organs)} on {split}', points, of_group


def at_home(rows: Sequence[Row], of_group: Sequence[Row]) -> Dict[str, Point]:
    """Segmenter -> A as it is on its own test images, of the same classes: of rows, what belongs to those of `by_data_set`."""
    like, found = of_group[0], collections.defaultdict(list)
    for row in rows:
        if row['split'] == 'test' and row['regime'] == AS_IS and row['organs'] == like['organs'] and (
                groups.configuration_of(row), groups.group_of(row)) == (groups.configuration_of(like), groups.group_of(like)):
            found[row['segmenter']].append(row)
    return {segmenter: _point(some) for segmenter, some in found.items()}


def _words(regime: str) -> str:
    return 'A as it is' if regime == AS_IS else regimes.label_of(regime)


def _point(rows: Sequence[Row]) -> Point:
    per_image = np.nanmean([np.nanmean(overlap.jaccard(np.array(row['images']['counts'])), axis=-1) for row in rows], axis=0)
    return Point(*mean_of(per_image), len(rows), per_image, rows[0]['regime'], rows[0]['segmenter'])


def mean_of(values: np.ndarray) -> Tuple[float, float, float]:
    """Mean of a value of each image [N], NaN left out, with its 95 % interval over images."""
    seen = values[~np.isnan(values)]
    counted = resampling.counted(np.random.default_rng(overlap.BOOTSTRAP_SEED), RESAMPLES, len(seen), len(seen))
    low, high = np.quantile(counted @ seen / len(seen), (.025, .975))
    return float(seen.mean()), float(low), float(high)


def _published(rows: Sequence[Row]) -> Dict[str, Dict[float, Tuple[float, float]]]:
    """Table II, where ours is of its data sets and task."""
    protocol, organs = rows[0]['protocol'], rows[0]['organs']
    if not (organs == ['lungs'] and protocol.get('dataset') == 'montgomery' and protocol.get('learned_from') == 'jsrt'):
        return {}
    table = load_paper(PAPER)['table2']
    return {words: {float(share): tuple(line[key]) for share, line in table.items() if line[key]}
            for key, words in PUBLISHED.items()}


def _table(title: str, points, printed, shares: Sequence[float]) -> Table:
    body = [(name, *(_ours(line.get(share)) for share in shares)) for name, line in points.items()]
    body += [(name, *('{:.2f} ± {:.2f}'.format(*line[share]) if share in line else '-' for share in shares))
             for name, line in printed.items()]
    return Table(f'What labels are worth: {title}', ('Way', *(f'{share:g} % of labels' for share in shares)), body,
                 [NOTE, *([PRINTED] if printed else [])])


def _each(points: Dict[str, Dict[float, Point]], rows: Sequence[Row]) -> Table:
    columns = {f'{name}, {share:g} %': point.per_image for name, line in points.items() for share, point in line.items()}
    return Table('', ('Image', *columns), [(name, *('-' if np.isnan(values[i]) else f'{values[i]:.1f}' for values in columns.values()))
                                           for i, name in enumerate(rows[0]['images']['names'])], [])


def _ours(point) -> str:
    if point is None:
        return '-'
    several = f', {point.trainings} trainings' * (point.trainings > 1)
    return f'{point.mean:.2f} [{point.low:.2f}, {point.high:.2f}]{several}'
