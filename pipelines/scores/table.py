"""Tables of text, as Markdown and for a terminal."""
from __future__ import annotations

import statistics
from typing import List, NamedTuple, Sequence


class Table(NamedTuple):
    """A table for any renderer; all cells are text, the notes stand below it."""
    title: str
    header: Sequence[str]
    rows: List[Sequence[str]]
    notes: List[str]


def mean_and_deviation(values: Sequence[float]) -> str:
    """'92.71' of one seed, '92.71 ± 0.20 (3)' (sample deviation) of three, '-' of none."""
    return spread(values) + (f' ({len(values)})' if len(values) > 1 else '')


def spread(values: Sequence[float]) -> str:
    """`mean_and_deviation` without the number: '92.71 ± 0.20'."""
    if not values:
        return '-'
    return f'{statistics.fmean(values):.2f}' + (f' ± {statistics.stdev(values):.2f}' if len(values) > 1 else '')


def to_markdown(made: Sequence[Table]) -> str:
    """GitHub Markdown: heading (none if the title is empty), table and notes, one after another."""
    def line(cells):
        return '| ' + ' | '.join(cell.replace('|', r'\|') for cell in cells) + ' |'

    parts = []
    for table in made:
        rule = '|' + '---|' * len(table.header)
        lines = [line(table.header), rule, *map(line, table.rows)]
        notes = [f'- {note}' for note in table.notes]
        parts += [f'### {table.title}' if table.title else '', '\n'.join(lines), '\n'.join(notes)]
    return '\n\n'.join(part for part in parts if part) + '\n'


def to_text(made: Sequence[Table]) -> str:
    """Aligned columns for a terminal, the notes below."""
    parts = []
    for table in made:
        widths = [max(map(len, column)) for column in zip(table.header, *table.rows)]
        rule = '-' * (sum(widths) + 2 * len(widths) - 2)

        def line(cells):
            return '  '.join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()

        parts += [table.title, rule, line(table.header), rule, *map(line, table.rows), rule,
                  *table.notes, '']
    return '\n'.join(parts)
