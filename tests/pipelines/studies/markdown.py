"""Parts of a report in Markdown."""
import re

from pipelines.scores.table import Table


def section(markdown: str, name: str) -> str:
    """What stands below a heading of the second level."""
    return markdown.split(f'\n## {name}\n')[1].split('\n## ')[0]


def table_of(text: str, title: str):
    """The first table below a heading of that pattern, None = of all; None if there is none."""
    above = '' if title is None else rf'^### {title}.*?'
    found = re.search(rf'{above}((?:^\|[^\n]*\n)+)', text, re.S | re.M)
    if not found:
        return None
    header, _, *rows = [[cell.strip() for cell in line.strip('| \n').split(' | ')]
                        for line in found[1].splitlines()]
    return Table('', header, rows, [])
