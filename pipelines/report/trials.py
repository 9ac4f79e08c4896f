"""What was tried and what was varied, as tables and lines of a figure: pure functions of results' rows."""
from __future__ import annotations

import collections
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from pipelines.plan import regimes, segmenters
from pipelines.report.findings import bounds, pooled, signed
from pipelines.report.groups import configuration_of
from pipelines.runtime.json_lines import Row
from pipelines.scores import bootstrap
from pipelines.scores.table import Table


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
        others = [_counterpart(row, found, configuration) for row in found]
        told = sum(other is not None for other in others)
        tables.append(Table(
            f'{experiment} ({configuration}): {num_real} real images, draw {draw}',
            ('Arm', 'Trained on', 'Seed', 'J [95 %]', f'Against the arm {configuration} [95 %, all lines]'),
            [_try(row, other, told) for row, other in zip(found, others)],
            [f'{len(found[0]["images"]["names"])} learning images that the draw left out; no test '
             f'image was looked at for a choice. One training a line: the intervals know of the images alone, and '
             f'what they say is of these two trainings.']))
    return tables


def _counterpart(row: Row, rows: Sequence[Row], configuration: str) -> Optional[Row]:
    """The same training in the configuration's own arm, of as many pairs where there is one."""
    same = [other for other in rows if other['arm'] == configuration and other is not row
            and all(other[name] == row[name] for name in ('regime', 'segmenter', 'seed'))]
    same.sort(key=lambda other: other['num_synthetic'] != row['num_synthetic'])
    return None if row['arm'] == configuration or not same or pooled(row) is None else same[0]


def _try(row: Row, other: Optional[Row], told: int) -> tuple:
    words = regimes.short_of(row['regime']) + ('' if row['segmenter'] == segmenters.foremost()
                                               else f' ({segmenters.label_of(row["segmenter"])})')
    own, counted = pooled(row), np.array(row['images']['counts'])[None]
    line = (row['arm'], words + f', {row["num_synthetic"]} pairs' * bool(row['num_synthetic']), str(row['seed']),
            f'{row["scores"]["jaccard_pooled"]["average"][0]:.2f}' + (f' {bounds(own)}' if own else ''))
    if other is None:
        return (*line, '-')
    found = bootstrap.difference(counted, np.array(other['images']['counts'])[None], row['organs'], paired=True,
                                 told=told)['average']
    return (*line, f'{signed(found.value)} {bounds(found)}')


def sweeps(rows: Sequence[Row]) -> Dict[str, Dict[str, List[Tuple[int, float]]]]:
    """What varies in number: axis -> line -> (number, pooled J) of each training on test images."""
    found: dict = {}
    for axis, words in (('num_synthetic', 'synthetic pairs'), ('num_real', 'real images')):
        lines = collections.defaultdict(list)
        other = {'num_synthetic': 'num_real', 'num_real': 'num_synthetic'}[axis]
        for row in rows:
            if row['split'] == 'test' and not (axis == 'num_synthetic' and not row['num_synthetic']):
                name = (f'{regimes.short_of(row["regime"])}, {segmenters.label_of(row["segmenter"])}, {row["arm"]}, {row[other]} '
                        f'{"real" if other == "num_real" else "pairs"}')
                lines[name].append((row[axis], row['scores']['jaccard_pooled']['average'][0]))
        several = {name: sorted(points) for name, points in lines.items()
                   if len({number for number, _ in points}) > 1}
        if several:
            found[words] = several
    return found
