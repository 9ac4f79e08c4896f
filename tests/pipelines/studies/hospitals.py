"""What the documents show of the study of another hospital: parts of its report."""
import re

from pipelines.report import label_section
from pipelines.scores.table import Table, to_markdown
from tests.pipelines.studies.markdown import section, table_of, with_columns

WORTH = re.compile(r'^\*\*\S+?/(\w+), .*?: is translation worth more .*?, with (\S+ %) of the labels there\?\*\* \*(.+?)\.\* '
                   r'(.+?): J is (\S+ \w+ \[\S+, \S+\]) than (.+?), the best', re.M)
TITLE = re.compile(r'^### (?:What labels are worth: )?\S+?/(\w+), [^\n:]*(?:: [^\n]*)?$')
EACH = label_section.EACH
NONE = 'Nothing was scored there yet.\n'


def blocks_of(markdown: str) -> dict:
    """Block by name, each of whole lines."""
    answer, elsewhere = section(markdown, 'The answer'), section(markdown, 'At another hospital')
    told = [line for line in answer.splitlines() if WORTH.match(line) or 'scores that the config asks for' in line]
    parts = sorted((part for part in re.split(r'(?m)^(?=### )', elsewhere) if part.startswith('### ')),
                   key=lambda part: _arm(part) != 'main')  # which is first
    converged = table_of(elsewhere, 'Have the translators')
    main = next((part for part in parts if EACH in part), '')
    return {'answers': ''.join(f'- {line.lstrip("> ")}\n' for line in told) or NONE, 'labels': _shown(labels(parts)),
            'home': _shown(home(parts)), 'images': _shown(images(main)), 'converged': to_markdown([converged]) if converged else NONE}


def found(markdown: str) -> str:
    """What translation is worth in the main arm, with each share of labels, and without them where it learns from augmented
    pictures, too."""
    told = [one for one in WORTH.findall(section(markdown, 'The answer')) if one[:2] == ('varied', '0 %') or one[0] == 'main']
    few = '; one training each' * any('one training each' in verdict for _, _, verdict, *_ in told)
    return '; '.join(f'with {share} of its labels {best}{" on augmented pictures" * (arm == "varied")}: J {gap} than {other}'
                     for arm, share, _, best, gap, other in told) + few or NONE.strip()


def labels(parts: list):
    """Table II: the lines of all arms together, and the shares that were measured here."""
    tables = {_arm(part): table_of(part, 'What labels') for part in parts if part.startswith('### What labels')}
    if not tables:
        return None
    header = next(iter(tables.values())).header
    rows = []
    for arm, table in tables.items():
        named = '' if arm == 'main' else f' (arm {arm})'
        rows += [[f'{row[0]}{named}', *row[1:]] for row in table.rows if arm == 'main' or not row[0].startswith('Published')]
    columns = [i for i in range(len(header)) if any(row[i] != '-' for row in rows if not row[0].startswith('Published'))]
    return with_columns(Table('', header, rows, []), columns)


def images(part: str):
    """J of every image by what learned from no labels there."""
    table = table_of(part.split(EACH)[1], None) if part else None
    return with_columns(table, [i for i, name in enumerate(table.header) if not i or name.endswith(', 0 %')]) if table else None


def home(parts: list):
    """Pooled J at home beside that elsewhere, of what learned nothing there: a line an arm."""
    rows = []
    for part in parts:
        table = table_of(part, '')
        if table and _arm(part) and not part.startswith('### What labels') and 'Trainings' in table.header[1]:
            at_home = next((i for i, name in enumerate(table.header) if name.startswith('J at home: lungs')), None)
            there = next((i for i, name in enumerate(table.header) if name.startswith('J on')), None)
            rows += [[_arm(part), row[0], '-' if at_home is None else row[at_home], row[there]]
                     for row in table.rows if there and row[0] in ('REAL', 'TONE')]
    return Table('', ['Arm', 'Trained on', 'J at home', 'J on montgomery'], rows, []) if rows else None


def _arm(part: str) -> str:
    return (TITLE.match(part.splitlines()[0]) or [None, ''])[1]


def _shown(table) -> str:
    return to_markdown([table]) if table else NONE
