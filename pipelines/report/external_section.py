"""What segmenters are worth at another hospital, as blocks of a report: pure functions of results' rows."""
from __future__ import annotations

import collections
from typing import Dict, List, Sequence, Tuple

from pipelines.plan.data_checks import SCORED
from pipelines.report import document, findings, groups
from pipelines.report.document import Block
from pipelines.runtime.json_lines import Row
from pipelines.scores.table import Table, spread

NOTE = ('J: average over the classes named above it of the pooled J, per cent; mean ± standard deviation over '
        'trainings. Columns of other classes are no comparison. Nothing was learned from, or chosen on, these other images.')


def elsewhere(rows: Sequence[Row]) -> List[Block]:
    """For each experiment what it reaches at home and elsewhere, then every regime against REAL there."""
    blocks = [document.table(table, css='scores') for table in overview(rows)]
    for of_images in findings.by_images([row for row in rows if row['split'] not in SCORED]):
        compared = findings.against(of_images)
        if any(one.found for one in compared):
            blocks.append(document.folded(
                f'Differences on {of_images[0]["split"]}, {groups.group_of(of_images[0])}', [
                    document.table(table, css='scores') for table in findings.tables(compared)]))
    return blocks


def overview(rows: Sequence[Row]) -> List[Table]:
    """One table for each group with results of other data sets: a line for each regime and network."""
    found: Dict[tuple, List[Row]] = collections.defaultdict(list)
    for row in rows:
        if row['split'] != 'left_out':
            found[groups.configuration_of(row), groups.group_of(row)].append(row)
    return [_table(of_group) for of_group in found.values() if any(row['split'] not in SCORED for row in of_group)]


def _table(rows: Sequence[Row]) -> Table:
    columns: Dict[Tuple[str, tuple], List[Row]] = collections.defaultdict(list)
    for row in sorted(rows, key=lambda row: row['split'] != 'test'):
        columns[row['split'], tuple(row['organs'])].append(row)
    lines = {line.label: line for line in findings.trained(rows)}
    header, body = ['Trained on', 'Trainings'], [[label, ''] for label in lines]
    for (split, organs), own in columns.items():
        images = ' and '.join(str(count) for count in sorted({len(row['images']['names']) for row in own}))
        there = 'at home' if split == 'test' else f'on {split}'
        header += [f'J {there}: {", ".join(organ.replace("_", " ") for organ in organs)} ({images} images)',
                   f'HD95 mm {there}']
        for cells, line in zip(body, lines.values()):
            mine = [row for row in line.rows if (row['split'], tuple(row['organs'])) == (split, organs)]
            values = line._replace(rows=mine)
            cells += [spread(values.values('jaccard_pooled')), spread(values.values('hd95_mm'))]
            if split != 'test':
                cells[1] = str(max(len(mine), int(cells[1] or 0)))
    trimmed = sorted({row['split'] for row in rows if row['protocol'].get('trimmed')})
    notes = [NOTE] + [f'Cut to the film, and so without black borders: the pictures of {", ".join(trimmed)}.'] * bool(
        trimmed)
    return Table(groups.group_of(rows[0]), header, [tuple(cells) for cells in body], notes)
