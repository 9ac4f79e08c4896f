import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.report import protocols
from pipelines.report.papers import load_paper
from pipelines.report.published import tables
from pipelines.scores import results
from pipelines.scores.table import to_markdown, to_text
from tests.evaluations import make_evaluation

REPOSITORY = Path(__file__).resolve().parents[3]
TOOL = REPOSITORY / 'tools' / 'compare_published.py'
PAPERS = dict(dataset='jsrt', size=512, train_size=512, gan_size=1024, num_test_images=123,
              updates=5000, configuration='tiny', augmentation=True)


KEY = dict(arm='tiny', num_real=11, draw=0, segmenter='smanet', num_synthetic=10_000, labelled=None, division='official',
           fold=None, split='test')


def rows_of(regime='synth3', seed=0, j=(94.0, 87.0, 95.0), experiment='mine', **changes):
    """Rows as of results.score_rows; changes of the key or of the protocol."""
    values = dict(zip(('left_lung', 'heart', 'right_lung'), j))
    values['average'] = sum(values.values()) / 3
    scores = {('jaccard_pooled', organ): value for organ, value in values.items()}
    scores.update({('dice_pooled', organ): 200 * value / (100 + value)
                   for organ, value in values.items()})
    changes.setdefault('arm', changes.get('configuration', 'tiny'))
    key = {name: changes.pop(name, value) for name, value in KEY.items()}
    return [{**key, 'experiment': experiment, 'regime': regime, 'seed': seed, 'metric': metric,
             'organ': organ, 'value': value, 'interval': None, 'protocol': {**PAPERS, **changes}}
            for (metric, organ), value in scores.items()]


def find(made, start):
    return next(table for table in made if table.title.startswith(start))


def cells(table, metric, label):
    return next(row[2:] for row in table.rows if row[0] == metric and row[1].startswith(label))


def test_published_numbers_obey_dsc_of_j_as_pooled_scores_do():
    published = load_paper()
    for configuration in ('full', 'tiny'):
        for regime, numbers in published[configuration].items():
            for j, dsc in zip(numbers['J'][:3], numbers['DSC'][:3]):
                assert dsc == pytest.approx(200 * j / (100 + j), abs=0.02), regime
            assert numbers['J'][3] == pytest.approx(sum(numbers['J'][:3]) / 3, abs=0.011)


def test_without_results_every_published_number_stands_beside_a_dash():
    made = tables([])
    assert [table.title[:7] for table in made] == ['Table 1', 'Table 2', 'Table 3']
    assert cells(made[0], 'J', 'REAL') == ('96.10 / -', '90.78 / -', '96.85 / -', '94.58 / -')
    assert cells(made[1], 'DSC', 'Three-stage, Finetune')[-1] == '96.28 / -'
    assert all(len(table.rows) == 14 for table in made[:2])
    assert 'Ours: not measured.' in made[0].notes and 'Ours: not measured.' in made[2].notes


def test_measured_values_stand_beside_the_published_ones_of_their_table():
    table1, table2, _ = tables(rows_of())
    assert cells(table2, 'J', 'Three-stage, Synth 3') == (
        '94.96 / 94.00', '87.27 / 87.00', '95.90 / 95.00', '92.71 / 92.00')
    assert cells(table2, 'DSC', 'Three-stage, Synth 3')[1] == '93.20 / 93.05'
    assert cells(table2, 'J', 'REAL')[0] == '93.70 / -'
    assert cells(table1, 'J', 'Three-stage, Synth 3')[0] == '95.30 / -'
    full = tables(rows_of(configuration='full', num_real=124))[0]
    assert cells(full, 'J', 'Three-stage, Synth 3')[0] == '95.30 / 94.00'


def test_seeds_become_mean_and_sample_deviation():
    rows = [row for seed, heart in enumerate((86, 87, 88)) for row in rows_of(
        seed=seed, j=(94, heart, 95))]
    table = find(tables(rows), 'Table 2')
    assert cells(table, 'J', 'Three-stage, Synth 3')[1] == '87.27 / 87.00 ± 1.00 (3)'
    assert cells(table, 'J', 'Three-stage, Synth 3')[0] == '94.96 / 94.00 ± 0.00 (3)'


def test_experiments_are_not_averaged_together():
    made = tables(rows_of() + rows_of(experiment='other', j=(50, 50, 50)))
    assert [table.title for table in made].count(made[1].title) == 2
    assert cells(made[1], 'J', 'Three-stage, Synth 3')[0] == '94.96 / 94.00'
    assert cells(made[2], 'J', 'Three-stage, Synth 3')[0] == '94.96 / 50.00'


@pytest.mark.parametrize('change, words', [
    ({'segmenter': 'unet'}, ('SMANet', 'U-Net')),
    ({'num_synthetic': 600}, ('10000 pairs', '600 pairs'))])
def test_variants_of_one_regime_get_rows_of_their_own(change, words):
    table = find(tables(rows_of() + rows_of(j=(50, 50, 50), **change)), 'Table 2')
    labels = [row[1] for row in table.rows if row[0] == 'J']
    assert labels[-3:-1] == [f'Three-stage, Synth 3 ({word})' for word in words]


def test_draws_and_seeds_are_averaged_but_numbers_of_images_are_not():
    rows = rows_of() + rows_of(draw=1, j=(92, 87, 95)) + rows_of(num_real=22, j=(50, 50, 50))
    made = tables(rows)
    assert cells(made[1], 'J', 'Three-stage, Synth 3')[0] == '94.96 / 93.00 ± 1.41 (2)'
    assert cells(made[2], 'J', 'Three-stage, Synth 3')[0] == '94.96 / 50.00'


def test_left_out_images_are_in_no_table_of_the_paper():
    assert cells(tables(rows_of(split='left_out'))[1], 'J', 'Three-stage, Synth 3') == (
        cells(tables([])[1], 'J', 'Three-stage, Synth 3'))


def test_arxiv_only_columns_are_marked():
    table1, table2, table3 = tables([])
    marked = [row[1] for row in table1.rows if row[0] == 'J' and '†' in row[1]]
    assert len(marked) == 4 and all('Single' in label or 'Two' in label for label in marked)
    note = load_paper()['arxiv_note']
    assert note in table1.notes and note not in table2.notes
    assert sum('†' in row[0] for row in table3.rows) == 2


def test_the_papers_own_protocol_draws_no_remark():
    assert protocols.differences(rows_of(), 'tiny') == []
    table = find(tables(rows_of()), 'Table 2')
    assert ('Ours: mine, 11 real images. Data set jsrt; trained at 512 px, scored at 512 px on 123 '
            'test images; 11 real images, 10000 synthetic ones generated at 1024 px; updates: '
            '5000 (SYNTH 3).'
            ) in table.notes


@pytest.mark.parametrize('changes, remark', [
    ({'size': 256}, r'scored at 256 px \(paper: 512\)'),
    ({'train_size': 128}, r'trained at 128 px \(paper: 512\)'),
    ({'gan_size': 128}, r'generated at 128 px \(paper: 1,024\)'),
    ({'num_test_images': 62}, r'62 test images \(paper: 123\)'),
    ({'num_synthetic': 600}, r'600 synthetic images \(paper: 10,000\)'),
    ({'num_real': 12}, r'12 real images \(paper: 11\)')])
def test_each_difference_from_the_paper_is_said(changes, remark):
    notes = '\n'.join(find(tables(rows_of(**changes)), 'Table 2').notes)
    assert re.search(remark, notes)


def test_real_alone_is_not_blamed_for_having_no_synthetic_images():
    assert protocols.differences(rows_of('real', num_synthetic=0, gan_size=64), 'tiny') == []


def test_millimetres_at_the_detector_are_said():
    assert 'at the detector' not in protocols.describe(rows_of())
    assert 'Millimetres are those at the detector' in protocols.describe(rows_of(at_detector=True))


def test_pictures_that_were_enlarged_are_said():
    assert protocols.differences(rows_of(enlarged=0), 'tiny') == []
    assert protocols.differences(rows_of(enlarged=11), 'tiny') == [
        'ENLARGED PICTURES: 11 of the real images were smaller than the 1024 px that the GANs learned, which adds '
        'no detail.']


def test_unequal_updates_are_said():
    real = rows_of('real', updates=100)
    equal = rows_of('finetune3', updates=100)
    assert protocols.differences(real + equal, 'tiny') == []
    assert protocols.differences(real + rows_of('finetune3'), 'tiny') == [
        'UNEQUAL TRAINING of SMANet: REAL had 100 updates, the fine-tuned ones 5000.']


def test_other_configurations_stand_beside_table_2_with_a_warning():
    made = tables(rows_of(configuration='demo', size=64))
    table = find(made, "Configuration 'demo' beside Table 2")
    assert cells(table, 'J', 'Three-stage, Synth 3')[0] == '94.96 / 94.00'
    notes = '\n'.join(table.notes)
    assert 'nothing published corresponds to it' in notes and 'scored at 64 px' in notes
    assert cells(find(made, 'Table 2'), 'J', 'Three-stage, Synth 3')[0] == '94.96 / -'


def test_other_data_sets_stand_beside_nothing_published():
    assert tables(rows_of(dataset='phantom')) == tables([])


def test_other_organs_get_their_own_columns():
    row = rows_of('synth2', experiment='bones', configuration='bones')[0]
    rows = [{**row, 'metric': 'jaccard_pooled', 'organ': organ, 'value': 60.0}
            for organ in ('clavicle', 'average')]
    made = tables(rows)
    table = find(made, "Configuration 'bones'")
    assert table.header[2:] == ('Clavicle', 'Average')
    assert cells(table, 'J', 'Two-stage, Synth 2') == ('- / 60.00', '92.60 / 60.00')
    assert not any(row[0].startswith('Ours') for row in made[-1].rows)


def test_table3_takes_the_papers_regime_whatever_it_scored_and_the_mean_of_both_lungs():
    rows = rows_of('real', j=(97, 92, 97)) + rows_of(j=(94, 87, 96))
    table = tables(rows)[-1]
    ours = table.rows[-1]
    assert ours[:4] == ('Ours: mine, 11 real images (tiny), Three-stage, Synth 3', '512 × 512', 'yes',
                        'jsrt, 123 test images')
    assert ours[5] == '95.00' and ours[7] == '87.00' and ours[6] == '93.05'
    assert next(row for row in table.rows if row[0] == 'Human expert')[4:] == (
        '-', '94.6', '-', '87.8')


def test_no_text_claims_to_be_best():
    made = tables(rows_of() + rows_of(configuration='demo'))
    for text in (to_text(made), to_markdown(made)):
        assert 'best' not in text.lower() and 'state of the art' not in text.lower()


def test_markdown_and_text_hold_the_same_cells():
    made = tables(rows_of())
    markdown, text = to_markdown(made), to_text(made)
    for table in made:
        for row in table.rows:
            assert '| ' + ' | '.join(row) + ' |' in markdown
            assert all(cell in text for cell in row)
    lines = text.splitlines()
    header = next(i for i, line in enumerate(lines) if line.startswith('Metric'))
    column = lines[header].index('Average')
    assert lines[header + 2][column:] == '94.58 / -'


def run_tool(*arguments):
    return subprocess.run([sys.executable, str(TOOL), *map(str, arguments)], capture_output=True,
                          text=True, cwd='/')


def test_tool_prints_and_writes_the_tables(tmp_path):
    path, out = tmp_path / 'results.jsonl', tmp_path / 'tables.md'
    foreign = make_evaluation(experiment='kidneys', protocol={'dataset': 'kidneys'})
    results.append_results(path, [make_evaluation(protocol={'dataset': 'jsrt'}), foreign])
    rows = results.score_rows(results.read_results(path))
    done = run_tool('--results', path, '--markdown', out)
    assert done.returncode == 0 and '94.96 / 85.00' in done.stdout
    assert done.stdout.endswith('left out, for nothing is published on it: kidneys\n')
    assert out.read_text(encoding='utf-8') == to_markdown(tables(rows))


def test_tool_answers_bad_input_in_one_line(tmp_path):
    path = tmp_path / 'results.jsonl'
    results.append_results(path, [make_evaluation(protocol={'dataset': 'kidneys'})])
    for asked, words in ((tmp_path / 'none.jsonl', 'none.jsonl'),
                         (path, 'expected scores on JSRT with SCR, of which numbers are published, or of MIXED D or MIXED P, found kidneys')):
        done = run_tool('--results', asked)
        assert done.returncode == 2 and not done.stdout and words in done.stderr
        assert done.stderr.startswith('error: ') and done.stderr.count('\n') == 1


def test_tool_helps_at_once_and_without_heavy_imports():
    code = ('import runpy, sys; sys.argv = ["x", "--help"]\n'
            f'try: runpy.run_path({str(TOOL)!r}, run_name="__main__")\n'
            'except SystemExit: pass\n'
            'heavy = {"tensorflow", "scipy", "matplotlib"} & set(sys.modules)\n'
            'sys.exit(3 if heavy else 0)')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'examples:' in done.stdout
    fastest = min(_seconds_of_help() for _ in range(3))
    assert fastest < 1


def _seconds_of_help():
    start = time.monotonic()
    run_tool('--help')
    return time.monotonic() - start
