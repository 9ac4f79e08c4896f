"""What a report says of measures of samples, of files made by hand."""
import copy

import pytest

from pipelines.report import quality_section, validity
from pipelines.report.validity import Samples
from pipelines.scores import results
from tests.evaluations import make_counts, make_evaluation
from tests.finished_run import QUALITY, write_json


def sets(*triples):
    return [Samples(method, {'fid_random': fid, 'kid_random': fid / 10, 'kid_random_error': 9, 'precision': precision,
                             'recall': None}, j) for method, fid, precision, j in triples]


def test_a_measure_that_works():
    table, wrong = validity.judge(sets(('single', 9, .1, 80), ('single', 8, .2, 81), ('two', 3, .5, 90),
                                       ('two', 2, .6, 91)))
    assert [row[0] for row in table.rows] == ['FID', 'KID', 'Precision']  # no recall was measured
    assert [row[2:4] for row in table.rows] == [('-1.00', '-1'), ('-1.00', '-1'), ('+1.00', '1')]
    assert wrong == '' and 'two-stage is best (90.5) and single-stage worst (80.5)' in table.notes[0]


def test_a_measure_that_ranks_the_worst_method_best_is_named():
    table, wrong = validity.judge(sets(('single', 1, .1, 80), ('two', 1.2, .2, 91), ('single', 1.5, .3, 81),
                                       ('two', 3, .6, 92)))
    # J has the ranks 1 3 2 4, FID 1 2 3 4: 1 - 6 * 2 / (4 * 15)
    assert table.rows[0][2:] == ('+0.80', '-1', 'Single-stage')
    assert wrong.startswith('FID and KID rank single-stage samples best') and 'Precision' not in wrong


def test_j_is_that_of_the_samples_own_arm_on_test_images(tmp_path):
    found = []
    for draw in (0, 1):
        folder = tmp_path / f'draw{draw}'
        for code, share in ((1, .6), (3, .9)):
            results.append_results(folder / 'results.jsonl', [
                make_evaluation(make_counts([(share,) * 3] * 3), draw=draw, regime=f'synth{code}', seed=seed, split=split)
                for seed in (0, 1) for split in ('test', 'left_out')])
        for method, fid in (('single', 1.), ('three', 2.)):
            found.append((folder, method, {'scores': {'fid_random': fid + draw / 10}}))
    table, wrong = [block.markdown for block in validity.blocks(found)]
    assert 'three-stage is best (90.0) and single-stage worst (60.0)' in table and '4 sets of samples' in table
    assert wrong.startswith('FID ranks single-stage samples best')
    assert validity.blocks(found[:3]) == []  # three sets are too few
    assert validity.blocks([(tmp_path / 'none', 'single', found[0][2])]) == []


@pytest.fixture
def arms(tmp_path):
    folders = []
    for name in ('a', 'b'):
        for method in ('single', 'three') if name == 'b' else ('three',):
            made = copy.deepcopy({**QUALITY, 'method': method, 'made_from': {'generated': [method]}})
            write_json(tmp_path / name / 'quality' / f'{method}.json', made)
        folders.append((name, tmp_path / name))
    return folders


def lines(blocks):
    return [line.split(' | ')[0].strip('| ') for line in blocks[0].markdown.splitlines() if line.startswith('|')][2:]


def test_both_columns_of_the_nearest_real_image_and_samples_once(arms, tmp_path):
    blocks = quality_section.quality(arms, tmp_path)
    # the three-stage samples of a are those of b
    assert lines(blocks) == ['b, three-stage', 'b, single-stage', 'b: real training images']
    assert '| 72.0 % (2.0 to 42.0 %, above) | 30.0 % (2.0 to 42.0 %) |' in blocks[0].markdown
    assert quality_section.HEADER[-2:] == ('Nearest real was trained on, by features', '... by correlation')


@pytest.mark.parametrize('compared, fid', [({}, '-'), ({'num_compared': 64}, '1.50')])
def test_real_images_are_a_yardstick_in_equal_numbers_only(tmp_path, compared, fid):
    write_json(tmp_path / 'quality' / 'three.json', {**QUALITY, **compared})
    text = quality_section.quality([('', tmp_path)], tmp_path)[0].markdown
    real = next(line for line in text.splitlines() if line.startswith('| real training images'))
    assert real.split(' | ')[1:4] == [fid, '0.0000 ± 0.0000', '1.00' if compared else '-']
    assert ('no yardstick' in text) == (not compared)
    assert ('of either 64 are compared' in text) == bool(compared)
