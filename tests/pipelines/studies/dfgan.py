"""What the documents show of the studies of DF-GAN, lesions and hearts: parts of their reports."""
from pipelines.scores.table import Table, to_markdown
from tests.pipelines.studies.markdown import missing, section, table_of, with_columns

TABLES = {'table1': 'Table 1 of DF-GAN', 'table2': 'Table 2 of DF-GAN', 'gain': 'What the gain in Dice is made of'}
# line of the gain, with its arm where there are several: how README calls it
PARTS = {'MIXED D - REAL: all of it': 'all', 'MIXED D - MIXED P: the Frechet loss': 'by the Frechet loss',
         'REAL, flipped - REAL, plain: reflections alone': 'by reflections without synthesis'}
ARM = 'plain'  # which README speaks of
SAMPLES = '| Samples | FID '
NONE = 'Nothing was scored there yet.\n'


def blocks_of(markdown: str) -> dict:
    """Block by name, each of whole lines."""
    shown = section(markdown, 'Published and measured')
    tables = {name: table_of(shown, title) for name, title in TABLES.items()}
    tables['table1'] = measured(tables['table1'])
    samples = table_of(''.join(section(markdown, 'Quality of the samples').partition(SAMPLES)[1:]), None)
    tables['samples'] = samples and with_columns(samples, [0, 1, 2, 3, 4, 9, 11])
    return {'missing': missing(markdown),
            **{name: to_markdown([table]) if table else NONE for name, table in tables.items()}}


def found(markdown: str) -> str:
    """What synthesis gains in Dice where nothing varies while learning, and what else gains, by number of images."""
    table = table_of(section(markdown, 'Published and measured'), TABLES['gain'])
    lines = {row[0]: row for row in table.rows} if table else {}
    parts = {words: lines.get(f'{line}, {ARM}', lines.get(line)) for line, words in PARTS.items()}
    told = []
    for column, count in enumerate(table.header[1:] if table else (), 1):
        gains = [f'{row[column]} {words}' for words, row in parts.items() if row and row[column] != '-']
        told += [f'{count}: {", ".join(gains)}'] if gains else []
    return f'gain in Dice by DF-GAN, mean ± standard error (trainings): {"; ".join(told)}' if told else NONE.strip()


def measured(table):
    """Table 1 with the numbers of images that were measured here."""
    if table is None:
        return None
    ours = [row for row in table.rows if not row[1].endswith('published')]
    return with_columns(Table('', table.header, table.rows, []), [
        i for i in range(len(table.header)) if any(row[i] != '-' for row in ours)])
