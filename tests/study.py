"""What the documents show of the study: blocks between two marks, taken from its report.

    python -m tests.study       # writes the blocks anew from the results in the repository

A block stands between `<!-- study: NAME -->` and `<!-- end -->`; `tests/test_study.py` holds it to the report.
"""
import re
import tempfile
from pathlib import Path

from pipelines.report import report
from pipelines.scores.table import Table, to_markdown

REPOSITORY = Path(__file__).resolve().parents[1]
STUDY = REPOSITORY / 'pipelines' / 'studies' / 'jsrt_study_cpu'
PAGES = [REPOSITORY / 'README.md', REPOSITORY / 'pipelines' / 'studies' / 'README.md']
BLOCK = re.compile(r'(<!-- study: (\w+) -->\n).*?(<!-- end -->)', re.S)
IN_SHORT = ('REAL (SMANet)', 'RESTART (SMANet)', 'SYNTH 3 (SMANet)', 'FINETUNE 3 (SMANet)', 'REAL (U-Net)')
SHORT_COLUMNS = ('Trained on', 'Difference', 'Differs?', 'Pairs', 'J [', 'HD95')


def report_of(folder) -> str:
    """The study's report as Markdown."""
    report.write_report(STUDY, folder)
    return (Path(folder) / 'report.md').read_text(encoding='utf-8')


def blocks_of(markdown: str) -> dict:
    """Block by name, each of whole lines."""
    answer = section(markdown, 'The answer')
    answers = ''.join(f'- {line}\n' for line in answer.split('**The words')[0].splitlines() if line.startswith('**'))
    main = table_of(answer, '')
    placebo = table_of(answer, r'[^\n]*against RESTART[^\n]*')
    return {
        'answers': answers, 'table': to_markdown([main]) + '\n' + next(
            line for line in answer.splitlines() if line.endswith('segmenter of the tables.')) + '\n',
        'short': answers + '\n' + to_markdown([shortened(main)]),
        'placebo': to_markdown([placebo]) if placebo else 'RESTART, the placebo, is not trained yet.\n',
        'full': to_markdown([table_of(section(markdown, 'Side experiments'), '')]),
        'sure': sure(answer), 'measures': measures(section(markdown, 'Quality of the samples'))}


def sure(answer: str) -> str:
    """How often intervals of the main table are wrong."""
    told = next(line for line in answer.splitlines() if 'paired differences between' in line)
    table = table_of(answer, 'How often such intervals are wrong')
    note = answer.split('### How often')[1].split('\n- ')[1].splitlines()[0]
    return f'{told}\n\n{to_markdown([table])}\n{note}\n'


def measures(text: str) -> str:
    """Copying by both distances, then whether the measures of samples agree with J."""
    validity, copying = table_of(text, 'Do these'), table_of(text.split('### Do these')[1].split('\n\n', 3)[-1], None)
    columns = [0, *range(7, 12)]
    header, *rows = [[row[i] for i in columns] for row in (copying.header, *copying.rows) if 'real' not in row[0]]
    wrong = next(line for line in text.splitlines() if 'no stand-in' in line)
    return to_markdown([Table('', header, rows, [])]) + '\n' + to_markdown([validity]) + f'\n{wrong}\n'


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


def shortened(table: Table) -> Table:
    """The lines and columns that the first page has room for."""
    columns = [i for i, name in enumerate(table.header) if name.startswith(SHORT_COLUMNS)]
    lines = [row for row in (table.header, *table.rows) if row is table.header or row[0] in IN_SHORT]
    header, *rows = [[row[i] for i in columns] for row in lines]
    return Table('', header, rows, [])


def filled(text: str, blocks: dict) -> str:
    """A page with its blocks anew."""
    return BLOCK.sub(lambda found: f'{found[1]}{blocks[found[2]]}{found[3]}', text)


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as scratch:
        made = blocks_of(report_of(scratch))
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding='utf-8'), made), encoding='utf-8')
