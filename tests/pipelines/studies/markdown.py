"""Parts of a report in Markdown."""
import re
from typing import Sequence

from pipelines.scores.table import Table


def section(markdown: str, name: str) -> str:
    """What stands below a heading of the second level; '' where there is none of that name."""
    return f'{markdown}\n'.partition(f'\n## {name}\n')[2].split('\n## ')[0]


def missing(markdown: str) -> str:
    """A line on scores of the config that are not here; nothing where the report names none."""
    told = [line.lstrip('> ') for line in section(markdown, 'The answer').splitlines()
            if 'scores that the config asks for' in line]
    return ''.join(f'{line}\n' for line in told)


def with_columns(table: Table, columns: Sequence[int]) -> Table:
    """These columns of a table, by number."""
    header, *rows = [[row[i] for i in columns] for row in (table.header, *table.rows)]
    return Table(table.title, header, rows, table.notes)


def table_of(text: str, title: str):
    """The first table below a heading of that pattern, None = of all; None if there is none."""
    above = '' if title is None else rf'^### {title}.*?'
    found = re.search(rf'{above}((?:^\|[^\n]*\n)+)', text, re.S | re.M)
    if not found:
        return None
    header, _, *rows = [[cell.strip() for cell in line.removeprefix('| ').removesuffix(' |').split(' | ')]
                        for line in found[1].splitlines()]
    return Table('', header, rows, [])
