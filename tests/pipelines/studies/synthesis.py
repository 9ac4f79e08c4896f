"""What the documents show of the first study, whether synthesis helps: parts of its report."""
import re

from pipelines.scores.table import Table, to_markdown
from tests.pipelines.studies.markdown import section, table_of, with_columns

IN_SHORT = ('REAL (SMANet)', 'RESTART (SMANet)', 'SYNTH 3 (SMANet)', 'FINETUNE 3 (SMANet)', 'REAL (U-Net)')
SHORT_COLUMNS = ('Trained on', 'Difference', 'Differs?', 'Pairs', 'J [', 'HD95')


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


def found(markdown: str) -> str:
    """What is said of FINETUNE 3 beside REAL and beside its placebo."""
    told = re.findall(r'^\*\*Is FINETUNE 3 better than (REAL|RESTART).*?\*\* \*(.*?)\.\* (J is .*?\])',
                      section(markdown, 'The answer'), re.M)
    return '; '.join(f'{verdict.lower()} against {other}, {words}' for other, verdict, words in told)


def sure(answer: str) -> str:
    """How often intervals of the main table are wrong."""
    told = next(line for line in answer.splitlines() if 'paired differences between' in line)
    table = table_of(answer, 'How often such intervals are wrong')
    note = answer.split('### How often')[1].split('\n- ')[1].splitlines()[0]
    return f'{told}\n\n{to_markdown([table])}\n{note}\n'


def measures(text: str) -> str:
    """Copying by both distances, then whether the measures of samples agree with J."""
    validity, copying = table_of(text, 'Do these'), table_of(text.split('### Do these')[1].split('\n\n', 3)[-1], None)
    drawn = copying._replace(rows=[row for row in copying.rows if 'real' not in row[0]])
    wrong = next(line for line in text.splitlines() if 'no stand-in' in line)
    return to_markdown([with_columns(drawn, [0, *range(7, 12)])]) + '\n' + to_markdown([validity]) + f'\n{wrong}\n'


def shortened(table: Table) -> Table:
    """The lines and columns that the first page has room for."""
    columns = [i for i, name in enumerate(table.header) if name.startswith(SHORT_COLUMNS)]
    return with_columns(table._replace(rows=[row for row in table.rows if row[0] in IN_SHORT]), columns)
