"""What the documents show of the study of the retina, single-stage against multi-stage: parts of its report."""
import re

from pipelines.report.thin_section import OBSERVER
from pipelines.scores.table import Table, to_markdown
from tests.pipelines.studies.markdown import missing, section, table_of, with_columns

VESSELS = 'Vessels and other scattered structures'
COLUMNS = ('Trained on', 'AUC', 'Sensitivity', 'Specificity', 'DSC', 'clDice')
TITLE = re.compile(r'### (Differences: )?[^\s/,]+(?:/(\w+))?, (\d+) real images')
MULTI = re.compile(r'FINETUNE 2(.*?) - FINETUNE 1')
NONE = 'Nothing was scored there yet.\n'


def blocks_of(markdown: str) -> dict:
    """Block by name, each of whole lines."""
    scores, differences = parts(section(markdown, VESSELS))
    samples = table_of(section(markdown, 'Quality of the samples'), 'Are scattered structures')
    return {'missing': missing(markdown), 'table': _shown(together(scores)), 'stages': _shown(together(differences)),
            'samples': to_markdown([samples]) if samples else NONE}


def found(markdown: str) -> str:
    """What multi-stage is worth against single-stage after fine-tuning, for each number of images and network."""
    told = []
    for arm, table in parts(section(markdown, VESSELS))[1]:
        column = table.header.index('DSC')
        told += [f'{arm} photographs{network}: {row[column]}' for row in table.rows
                 for network in MULTI.findall(row[0])]
    return f'FINETUNE 2 less FINETUNE 1, DSC: {"; ".join(told)}' if told else NONE.strip()


def parts(text: str) -> tuple:
    """([(real images and arm, scores)], [(the same, differences)])."""
    scores, differences = [], []
    for part in re.split(r'(?m)^(?=### )', text):
        title = TITLE.match(part)
        if title:
            table = table_of(part, '')
            columns = range(len(table.header)) if title[1] else [table.header.index(name) for name in COLUMNS]
            arm = title[3] + (f' ({title[2]})' if title[2] else '')
            (differences if title[1] else scores).append((arm, with_columns(table, columns)))
    return scores, differences


def together(tables: list):
    """One table; the second observer, who learned from none of the images, stands below, once at each size."""
    if not tables:
        return None
    rows = [[arm, *row] for arm, table in tables for row in table.rows if row[0] != OBSERVER]
    observed = dict.fromkeys(tuple(row) for _, table in tables for row in table.rows if row[0] == OBSERVER)
    return Table('', ['Real images', *tables[0][1].header], [*rows, *(['-', *row] for row in observed)], [])


def _shown(table) -> str:
    return to_markdown([table]) if table else NONE
