"""Means over images with their intervals, as figures and as numbers."""
from __future__ import annotations

import collections
import math
from typing import Dict, List, Sequence, Tuple

from pipelines.plan.regimes import order_of, short_of
from pipelines.plan.segmenters import foremost, label_of
from pipelines.report import document, groups, plots
from pipelines.report.document import Block
from pipelines.runtime.json_lines import Row
from pipelines.scores.table import Table


def per_image(rows: Sequence[Row]) -> List[Block]:
    """A figure and a table for each group and metric; rows are results.score_rows."""
    blocks = []
    for (configuration, group), measured in groups.by_group(rows).items():
        for metric, words in (('jaccard_per_image', 'J'), ('dice_per_image', 'DSC')):
            found = [row for row in measured if row['metric'] == metric]
            found.sort(key=lambda row: (row['segmenter'], order_of(row['regime']),
                                        row['draw'], row['seed']))
            if not found:
                continue
            figure = document.figure(
                f'{group}-{metric}', plots.intervals(_points(found), f'{words} per image (%)'),
                f'{group} ({configuration}): mean {words} over the test images, one point a '
                f'training, with its 95 % percentile bootstrap interval over images.', scale=plots.SCALE)
            blocks += [figure, document.folded(f'{words} per image as numbers', [
                document.table(_interval_table(found), css='scores')])]
    return blocks or [document.missing('No per-image scores yet.')]


def _line_of(row: Row) -> str:
    return short_of(row['regime']) + ('' if row['segmenter'] == foremost() else f', {label_of(row["segmenter"])}')


def _points(rows: Sequence[Row]) -> Dict[str, Dict[str, List[Tuple[float, float, float]]]]:
    points = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in rows:
        low, high = row['interval'] or (math.nan, math.nan)
        points[_words(row['organ'])][_line_of(row)].append((row['value'], low, high))
    return points


def _interval_table(rows: Sequence[Row]) -> Table:
    organs = list(dict.fromkeys(row['organ'] for row in rows))
    lines = collections.defaultdict(dict)
    for row in rows:
        bounds = ' [{:.2f}, {:.2f}]'.format(*row['interval']) if row['interval'] else ''
        key = _line_of(row), row['num_synthetic'], row['draw'], row['seed']
        lines[key][row['organ']] = f'{row["value"]:.2f}{bounds}'
    body = [(*map(str, key), *[cells.get(organ, '-') for organ in organs])
            for key, cells in lines.items()]
    return Table('', ('Trained on', 'Pairs', 'Draw', 'Seed', *map(_words, organs)), body, [])


def _words(organ: str) -> str:
    return organ.replace('_', ' ').capitalize()
