"""The first study in the repository: what is said of it by hand, its rows, how its report is read."""
import collections
import re

from pipelines.report import published
from pipelines.runtime.json_lines import read_json_lines
from pipelines.scores import results
from tests.evaluations import make_evaluation
from tests.pipelines.studies import synthesis
from tests.pipelines.studies.markdown import table_of
from tests.pipelines.studies.pages import BLOCK, FOLDER, REPOSITORY, STUDIES

STUDY = FOLDER / STUDIES['study'][0]


def test_words_between_the_tables_have_numbers_of_the_report(reports):
    """What is said of the study by hand: differences that stand in the report, with intervals that hold 0."""
    text = (REPOSITORY / 'pipelines' / 'studies' / 'README.md').read_text()
    words = BLOCK.sub('', text.split('## The study, on real radiographs')[1].split('\n## ')[0])
    for value, told in (('+0.12', '0.12\n  and 0.33 above REAL'), ('+0.33', '0.33 above REAL'),
                        ('-0.29', "0.29 below the U-Net's REAL"), ('+0.06', 'FINETUNE 3 adds 0.06')):
        found = re.findall(rf'\| FINETUNE 3 [^|]*\| {re.escape(value)} \[(-?[\d.]+), (-?[\d.]+)\]', reports['study'])
        assert told in words and any(float(low) < 0 < float(high) for low, high in found), value


def test_shares_of_copying_are_those_of_the_files(reports):
    """The paragraph on copying rests on the nearest real image, by both distances."""
    words = (REPOSITORY / 'pipelines' / 'studies' / 'README.md').read_text().split('what they learned from.**')[1]
    lines = {line.split(' | ')[0]: line for line in reports['study'].splitlines() if line.startswith('| tiny-draw')}
    for name, share in (('tiny-draw0, three-stage', '25.5 %'), ('tiny-draw1, two-stage', '23.3 %')):
        assert share in words.split('- **')[0] and f'| {share} (' in lines[f'| {name}'], name
        assert lines[f'| {name}'].split(' | ')[-2].endswith('above)')
    for name, share in (('tiny-draw0, three-stage', 58), ('tiny-draw1, three-stage', 45),
                        ('tiny-draw0, two-stage', 42), ('tiny-draw1, two-stage', 45)):
        cell = lines[f'| {name}'].split(' | ')[-1]
        assert round(float(cell.split(' %')[0])) == share and 'above' in cell, name


def test_the_row_of_table_3_says_what_is_taken():
    """FIDELITY's words are those of `published._our_row`: the paper's regime, whatever it scored."""
    row = next(line for line in (REPOSITORY / 'pipelines' / 'FIDELITY.md').read_text().splitlines()
               if line.startswith('| Table 3'))
    rows = [make_evaluation(regime=regime, protocol={'dataset': 'jsrt', 'configuration': 'tiny'})
            for regime in ('real', 'finetune1', 'finetune3')]
    for low, one in enumerate(rows):  # the later the worse
        for of_organ in one['scores'].values():
            of_organ.update({organ: [value[0] - 9 * low, *value[1:]] for organ, value in of_organ.items()})
    table = published.tables(results.score_rows(rows))[-1]
    assert 'Three-stage, Finetune' in table.rows[-1][0]
    words = 'the regime that the paper puts here, three-stage and fine-tuned, or the nearest to it that was measured, ' \
            'whatever it scored'
    assert words in row and any(words in note for note in table.notes) and 'highest' not in row


def test_a_placebo_that_is_appended_is_shown():
    """Rows of RESTART appear in every block as soon as they are in the report."""
    table = '| Trained on | Difference |\n|---|---|\n| RESTART (SMANet) | - |\n| FINETUNE 3 (SMANet) | +0.10 |\n'
    text = f'### x, against REAL (SMANet)\n\n{table}\n### x, against RESTART (SMANet)\n\n{table}'
    assert table_of(text, r'[^\n]*against RESTART[^\n]*').rows[1] == ['FINETUNE 3 (SMANet)', '+0.10']
    assert synthesis.shortened(table_of(text, '')).rows[0] == ['RESTART (SMANet)', '-']
    assert table_of(text.split('### x, against RESTART')[0], r'[^\n]*against RESTART[^\n]*') is None


def test_every_result_was_scored_once():
    """No test image was looked at twice for a row: an appended line would stay in the file."""
    for path in STUDY.glob(f'*/{results.RESULTS}'):
        counts = collections.Counter(tuple(str(row.get(key)) for key in results.KEY)
                                     for _, row in read_json_lines(path))
        assert set(counts.values()) == {1}, path
    rows = results.collect(STUDY)
    assert {len(row['images']['names']) for row in rows if row['split'] == 'test'} == {62}
    assert {len(row['images']['names']) for row in rows if row['split'] == 'left_out'} == {113}
