"""What the documents show of the study in folds, which network: parts of its report."""
import re

from pipelines.scores.table import Table, to_markdown
from tests.pipelines.studies.markdown import section, table_of

TASKS = ('Lungs', 'Heart', 'Clavicles')
QUESTION = re.compile(r'^\*\*Which network is best at (\w+)\?\*\* \*(.+?)\.\* J is (\S+ ± \S+)', re.M)
NONE = 'No two networks have all their folds yet.\n'
NONE_TRIED = 'Nothing was tried yet.\n'


def blocks_of(markdown: str) -> dict:
    """Block by name, each of whole lines."""
    answer = section(markdown, 'The answer')
    told = [line for line in answer.splitlines() if QUESTION.match(line)]
    missing = [line.lstrip('> ') for line in answer.splitlines() if 'scores that the config asks for' in line]
    tried = section(markdown, 'What was tried')
    return {'tried': tried.split('###', 1)[1].split('\n', 1)[1].strip() + '\n' if '### Tried in one fold' in tried else NONE_TRIED,
            'answers': ''.join(f'- {line}\n' for line in (*told, *missing)) or NONE,
            'table': to_markdown([beside(table_of(section(markdown, 'Published and measured'), 'Table I of'))])
            if told else NONE}


def found(markdown: str) -> str:
    """The highest network of every task and its J, mean and deviation over folds."""
    highest = {task: f'{network.split(",")[0]} {score}'
               for task, network, score in QUESTION.findall(section(markdown, 'The answer'))}
    return '; '.join(f'{task.lower()}: {highest[task.lower()]}' for task in TASKS if task.lower() in highest) or NONE.strip()


def beside(first: Table) -> Table:
    """Table I turned: a line a network, a column a task."""
    cells = {}
    for task, method, published, ours, *_ in first.rows:
        cells.setdefault(re.sub(r' \(\d\)$', '', method), {})[task] = f'{published} / {ours}'
    return Table('', ['Network', *(f'{task}, J published / ours' for task in TASKS)],
                 [[name, *(of_task.get(task, '- / -') for task in TASKS)] for name, of_task in cells.items()], [])
