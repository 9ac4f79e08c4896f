"""Tables of vessels from rows made by hand: figures of images, the second observer, what is left out."""
import numpy as np
import pytest

from datasets.files import write_json
from pipelines.report import quality_section, report, thin_section, thresholds
from pipelines.report.thin_section import Observed
from pipelines.scores import metrics, results
from tests.evaluations import make_counts, make_evaluation
from tests.finished_run import QUALITY, write_run

NAMES = ['eye1', 'eye2']


def images(*of_images):
    """Measures of two images with one organ: right, invented, missed, rest, and the area under the curve; lines as if
    they were pixels."""
    rows = [[[r, i, m, rest, r, r + i, r, r + m, area]] for r, i, m, rest, area in of_images]
    return {'names': NAMES, 'counts': [[row[0][:3]] for row in rows], 'distances': None, 'thin': rows}


def row(regime, measured, seed=0, **changes):
    arrays = {name: np.array(measured[name], np.float64) for name in ('counts', 'thin')}
    scores = metrics.scores(arrays, ['vessels'])
    return make_evaluation(make_counts([(1, 1, 1)] * 2), regime=regime, organs=['vessels'], images=measured,
                           scores=scores, seed=seed, **{'num_synthetic': 0, **changes})


REAL = images((60, 20, 40, 880, 96.0), (80, 20, 20, 880, 98.0))   # DSC 200/3 and 80
TUNED = images((70, 30, 30, 870, 97.0), (90, 10, 10, 890, None))
ROWS = [row('real', REAL), row('finetune2', TUNED, num_synthetic=448)]


def shown(rows, observers=()):
    return [block.markdown for block in thin_section.scattered(rows, observers)]


def test_means_over_images_by_hand_with_their_intervals():
    table, _, each = shown(ROWS)
    line = next(line for line in table.splitlines() if line.startswith('| REAL '))
    cells = [cell.strip() for cell in line.strip('|').split('|')]
    dice, found, left = (100 * 120 / 180 + 80) / 2, (60 + 80) / 2, 100 * 880 / 900
    assert cells == ['REAL', '97.00 [96.00, 98.00]', f'{found:.2f} [60.00, 80.00]', f'{left:.2f} [97.78, 97.78]',
                     '95.00 [94.00, 96.00]', f'{dice:.2f} [66.67, 80.00]', '58.33 [50.00, 66.67]',
                     f'{dice:.2f} [66.67, 80.00]', 'none']
    assert '| FINETUNE 2 | 97.00 |' in table       # of the one image that has an area there is no interval
    assert '2 test images, vessels (SMANet)' in table and 'no threshold was chosen' in table and 'largest mean' not in table
    assert '| eye1 | 66.67 | 70.00 |' in each and '| eye2 | 80.00 | 90.00 |' in each


def test_multi_stage_stands_against_single_stage_image_by_image():
    """DSC of the two images: REAL 200/3 and 80, TUNED 70 and 90; trainings without a partner are left out."""
    rows = [*ROWS, row('finetune1', REAL, num_synthetic=448), row('finetune1', TUNED, seed=1, num_synthetic=448),
            row('synth1', TUNED, num_synthetic=448), row('synth2', TUNED, num_synthetic=64),
            row('finetune2', REAL, segmenter='unet', num_synthetic=448)]
    table = next(markdown for markdown in shown(rows) if 'Differences: ' in markdown)
    found = {cells[0]: cells[1:] for cells in ([cell.strip() for cell in line.strip('| ').split('|')]
                                               for line in table.splitlines() if ' - ' in line and '[' in line)}
    gap = '+6.67 [+3.33, +10.00]'
    assert {name: (cells[1], cells[-1]) for name, cells in found.items()} == {
        'FINETUNE 1 (SMANet) - REAL (SMANet)': ('+0.00 [+0.00, +0.00]', '1'),
        'FINETUNE 2 (SMANet) - REAL (SMANet)': (gap, '1'), 'FINETUNE 2 (SMANet) - FINETUNE 1 (SMANet)': (gap, '1')}
    assert found['FINETUNE 2 (SMANet) - REAL (SMANet)'][0] == '+1.00'   # an area of the one image that has two
    assert thin_section.BETWEEN in table and not any('Differences' in one for one in shown(ROWS[:1]))


def chosen(regime, threshold, place, **changes):
    plain = row(regime, REAL, **changes)
    return {**plain, 'protocol': {**plain['protocol'], 'threshold': threshold, 'threshold_chosen_on': place}}


def test_a_threshold_is_told_with_the_images_that_chose_it():
    rows = [chosen('real', 0.46, 'held_out'), chosen('real', 0.413, 'held_out', seed=1),
            chosen('finetune2', 0.5, 'train', num_synthetic=448)]
    table, *_ = shown(rows, [Observed(64, REAL)])
    ends = {line.split('|')[1].strip(): line.split('|')[-2].strip() for line in table.splitlines() if line.startswith('| ')}
    assert (ends['REAL'], ends['FINETUNE 2'], ends['Second observer']) == ('0.41 to 0.46', '0.50', '-')
    assert 'learning images (those that were held out, or those that it learned from) as the one with' in table
    assert 'no threshold was chosen' not in table
    table, *_ = shown([*rows[:2], ROWS[1]])
    assert 'largest mean DSC' in table and 'no threshold was chosen' in table and '| none |' in table


def test_folds_together_have_several_and_other_programs_none():
    together, foreign = row('real', REAL), row('finetune2', REAL, num_synthetic=448)
    together['thresholds'] = [0.3, 0.6, None]
    foreign['protocol'] = {**foreign['protocol'], 'foreign': True}
    assert thresholds.cell([together]) == '0.30 to 0.60, none' and thresholds.cell([foreign]) == '-'
    assert thresholds.told([foreign]) == [] and len(thresholds.told([together])) == 1


def test_several_trainings_are_averaged_image_by_image():
    table, each = shown([ROWS[0], row('real', TUNED, seed=1)])
    assert '| eye1 | 68.33 |' in each and '| eye2 | 85.00 |' in each
    assert f'| {np.mean([68.3333, 85]):.2f} [68.33, 85.00] |' in table


def test_the_second_observer_is_a_row_where_it_saw_these_images_at_this_size():
    table, _, each = shown(ROWS, [Observed(64, images((50, 0, 50, 900, None), (50, 0, 50, 900, None)))])
    assert '| Second observer | - | 50.00 [50.00, 50.00] | 100.00' in table and 'what another person drew' in table
    assert '| eye1 | 66.67 | 70.00 | 66.67 |' in each
    for other in (Observed(32, TUNED), Observed(64, {**TUNED, 'names': ['eye1', 'eye3']})):
        assert 'Second observer' not in shown(ROWS, [other])[0]


def test_organs_in_one_piece_and_other_splits_have_no_such_table():
    assert shown([make_evaluation()]) == [] and shown([row('real', REAL, split='left_out')]) == []


def test_a_report_reads_the_second_observer_of_its_workdir(tmp_path):
    run = write_run(tmp_path / 'run')
    results.append_results(run / 'results.jsonl', ROWS)
    assert report._observers([('', run)]) == []
    write_json(run / 'observer.json', {'size': 64, 'images': TUNED})
    text = report.write_report(run).with_suffix('.md').read_text()
    assert '## Vessels and other scattered structures' in text and '| Second observer | 97.00 |' in text
    (run / 'observer.json').write_text('{"size": 64')
    assert report._observers([('', run)]) == []   # damaged: its row is missing


def test_samples_are_judged_by_the_shape_of_their_vessels():
    def of(quantity, real, generated):
        return {'quantity': f'vessels {quantity}', 'real_mean': real, 'real_sd': 0.01, 'generated_mean': generated,
                'generated_sd': 0.02, 'distance': 1.5}

    organs = [of('area', .1, .08), of('width', .012, .02), of('length', 8., 5.), of('branchings', 60., None)]
    (line,) = quality_section._shapes('tiny', {**QUALITY, 'organs': organs})
    assert line == ('tiny, vessels', '0.08 ± 0.02, real 0.1 ± 0.01 [1.50]', '0.02 ± 0.02, real 0.012 ± 0.01 [1.50]',
                    '5 ± 0.02, real 8 ± 0.01 [1.50]', '-')
    assert quality_section._shapes('tiny', QUALITY) == []


@pytest.mark.parametrize('measure', ['counts', 'thin'])
def test_figures_are_those_of_the_results(measure):
    """The means over images that results.py keeps of DSC and area under the curve are the table's."""
    scores = ROWS[0]['scores']
    metric = {'counts': 'dice_per_image', 'thin': 'auc_per_image'}[measure]
    name = {'counts': 'DSC', 'thin': 'AUC'}[measure]
    assert thin_section._cell([REAL], *thin_section.COLUMNS[name]).split()[0] == f'{scores[metric]["vessels"][0]:.2f}'
