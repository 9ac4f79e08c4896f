import copy
import json

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.files import sealed
from pipelines.scores import metrics, results
from tests.evaluations import make_counts, make_evaluation


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'results.jsonl'


def altered(row, *keys, value):
    """The row with what stands at keys replaced."""
    row = copy.deepcopy(row)
    inner = row
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    return row


def test_rows_come_back_as_they_were_appended(path):
    rows = [make_evaluation(), make_evaluation(regime='real')]
    assert results.append_results(path, rows) == 2
    assert results.read_results(path) == json.loads(json.dumps(rows))
    assert len(path.read_text().splitlines()) == 2


def test_appending_again_changes_no_byte(path):
    rows = [make_evaluation(protocol={'spacing_mm': (0.7, 0.7)})]  # a tuple is read back as a list
    results.append_results(path, rows)
    before = path.read_bytes()
    assert results.append_results(path, rows) == 0
    assert path.read_bytes() == before


def test_newest_line_of_a_key_wins_and_keeps_its_place(path):
    first, second = make_evaluation(), make_evaluation(seed=1)
    better = make_evaluation(make_counts([(0.95, 0.95, 0.95)]))
    results.append_results(path, [first, second])
    results.append_results(path, [better])
    pooled = [row['scores']['jaccard_pooled']['heart'][0] for row in results.read_results(path)]
    assert pooled == [95.0, 80.0]
    # going back to an older line is a change too
    assert results.append_results(path, [first]) == 1
    assert results.read_results(path)[0] == first


@pytest.mark.parametrize('name, value', [
    ('experiment', 'other'), ('arm', 'grey'), ('num_real', 22), ('draw', 1), ('regime', 'finetune3'),
    ('segmenter', 'unet'), ('num_synthetic', 100), ('labelled', 5.0), ('seed', 1), ('split', 'left_out'), ('division', 'folds'), ('fold', 1)])
def test_each_part_of_the_key_tells_rows_apart(path, name, value):
    results.append_results(path, [make_evaluation(), make_evaluation(**{name: value})])
    assert len(results.read_results(path)) == 2


def test_every_way_to_tear_the_last_line_is_survived(path):
    small = make_evaluation(make_counts([(0.5, 0.5, 0.5)]), versions={}, protocol={})
    results.append_results(path, [small, make_evaluation(seed=1)])
    whole = path.read_bytes()
    end = whole.index(b'\n') + 1
    for length in [*range(end, len(whole) - 1, 97), len(whole) - 2]:
        path.write_bytes(whole[:length])
        assert [row['seed'] for row in results.read_results(path)] == [0]
    path.write_bytes(whole[:-9])
    assert results.append_results(path, [make_evaluation(seed=2)]) == 1
    assert [row['seed'] for row in results.read_results(path)] == [0, 2]


def test_torn_tail_of_zero_bytes_is_dropped(path):
    results.append_results(path, [make_evaluation()])
    path.write_bytes(path.read_bytes() + b'\0' * 64)
    assert len(results.read_results(path)) == 1


def test_corrupt_line_in_the_middle_names_file_and_line(path):
    results.append_results(path, [make_evaluation(seed=seed) for seed in range(3)])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'{"experiment": \n' + lines[2])
    with pytest.raises(InputError, match=r'results.jsonl, line 2: expected a JSON object'):
        results.read_results(path)


@pytest.mark.parametrize('changes, message', [
    ({'experiment': ''}, "expected experiment to be a name, found ''"),
    ({'segmenter': 3}, "expected segmenter to be a name, found '3'"),
    ({'regime': ''}, "expected regime to be a name, found ''"),
    ({'schema': 4}, 'expected schema to be 1 .* a newer version of this program wrote it'),
    ({'fold': -1}, 'expected fold to be a whole number from 0 on'),
    ({'split': 'train'}, "expected split to be one of test, left_out, or the name of a data set, found 'train'"),
    ({'split': 'a/b'}, "the name of a data set, found 'a/b'"),
    ({'seed': 1.0}, 'expected seed to be a whole number from 0 on'),
    ({'draw': True}, 'expected draw to be a whole number from 0 on'),
    ({'scores': {}}, 'expected scores to be some scores'),
    ({'scores': {'accuracy': {'heart': [1.0]}}}, 'expected scores to be by metric'),
    ({'scores': {'dice_pooled': {'heart': [101.0]}}}, r'\[value\] or \[value, low, high\]'),
    ({'scores': {'dice_pooled': {'heart': [float('nan')]}}}, r'\[value\] or \[value, low, high\]'),
    ({'images': {}}, 'expected images with names and measures'),
    ({'versions': 'by hand'}, 'expected versions to be a mapping'),
    ({'colour': 'red'}, 'missing or unknown: colour')])
def test_a_row_that_is_no_result_is_refused_and_nothing_written(path, changes, message):
    with pytest.raises(InputError, match=message):
        results.append_results(path, [make_evaluation(), make_evaluation(**changes)])
    assert not path.exists()


@pytest.mark.parametrize('keys, value', [
    (('scores', 'jaccard_pooled', 'average'), [99.0, 98.0, 99.5]),
    (('scores', 'dice_per_image', 'heart'), [99.0]),
    (('scores', 'hd95_mm', 'heart'), [0.1]),
    (('images', 'counts', 0, 2, 0), 5000),
    (('images', 'distances', 1, 0, 0), 0.0)])
def test_a_number_that_does_not_follow_from_the_images_is_refused(path, keys, value):
    row = make_evaluation(distances=[[[4.0, 1.0]] * 3, [[2.0, None]] * 3])
    assert results.append_results(path, [row]) == 1
    line = altered(json.loads(path.read_text()), *keys, value=value)
    path.write_text(json.dumps(line) + '\n')
    with pytest.raises(InputError, match='line 1: damaged or altered since it was written'):
        results.read_results(path)
    del line['seal']  # by somebody who knows how
    path.write_text(json.dumps(sealed(line)) + '\n')
    with pytest.raises(InputError, match='line 1: .* the images give .*altered: evaluate anew'):
        results.read_results(path)


def test_a_score_that_is_left_out_is_missed(path):
    row = make_evaluation()
    del row['scores']['jaccard_pooled']['heart']
    with pytest.raises(InputError, match='jaccard_pooled of heart: the images give 80.0'):
        results.append_results(path, [row])


def test_missing_file_is_an_input_error(path):
    with pytest.raises(InputError, match='expected a JSON-lines file, found none'):
        results.read_results(path)


def test_an_experiment_is_its_folder_and_those_of_its_arms(tmp_path):
    with pytest.raises(InputError, match='nothing is scored yet'):
        results.collect(tmp_path)
    for folder, arm in (('', 'demo'), ('tiny-draw0', 'tiny'), ('full', 'full')):
        (tmp_path / folder).mkdir(exist_ok=True)
        results.append_results(tmp_path / folder / 'results.jsonl', [make_evaluation(arm=arm)])
    assert [row['arm'] for row in results.collect(tmp_path)] == ['demo', 'full', 'tiny']
    assert [row['arm'] for row in results.collect(tmp_path / 'full' / 'results.jsonl')] == ['full']


def test_score_rows_are_one_number_each():
    rows = results.score_rows([make_evaluation(distances=np.ones([2, 3, 2]).tolist())])
    assert len(rows) == 6 * 4
    row = next(r for r in rows if (r['metric'], r['organ']) == ('jaccard_pooled', 'heart'))
    assert row['value'] == 80.0 and row['interval'] == [79.0, 81.0]
    assert row['segmenter'] == 'smanet' and row['protocol']['num_test_images'] == 2


def test_lines_of_schema_1_read_as_if_they_were_written_now(path):
    """As a line of the study in the repository stands: confusion matrices, no division."""
    new = make_evaluation(distances=[[[4.0, 1.0]] * 3, [[2.0, None]] * 3])
    old = {key: value for key, value in new.items() if key not in ('schema', 'division', 'fold', 'labelled')}
    confusions = []
    for image in new['images']['counts']:
        matrix = np.diag([9000, *(right for right, _, _ in image)])
        matrix[1:, 0] = [missed for _, _, missed in image]
        confusions.append(matrix.tolist())
    old['images'] = {'names': new['images']['names'], 'confusions': confusions,
                     'distances': new['images']['distances']}
    path.write_text(json.dumps(sealed(old)) + '\n')
    assert results.read_results(path) == json.loads(json.dumps([new]))
    assert results.append_results(path, [new]) == 0  # nothing new is said


def test_lines_of_schema_2_learned_from_no_other_hospital(path):
    new = make_evaluation()
    old = {key: value for key, value in new.items() if key != 'labelled'}
    path.write_text(json.dumps(sealed({**old, 'schema': 2})) + '\n')
    assert results.read_results(path) == json.loads(json.dumps([{**new, 'labelled': None}]))


def test_a_metric_or_a_method_that_is_no_more_hides_no_line(path):
    gone = make_evaluation(regime='synth9')
    gone['scores']['sharpness'] = {'heart': [3.0]}
    path.write_text(json.dumps(sealed(gone)) + '\n')
    row, = results.read_results(path)
    assert row['regime'] == 'synth9' and 'sharpness' not in row['scores']


def test_a_metric_that_came_later_is_not_missed_in_older_lines(path, monkeypatch):
    results.append_results(path, [make_evaluation()])
    monkeypatch.setitem(metrics.METRICS, 'missed', metrics.Metric(
        'missed', 'counts', lambda counted: counted[..., 2], '', highest=1e9))
    row, = results.read_results(path)
    assert 'missed' not in row['scores']
    later = make_evaluation(seed=1)
    assert later['scores']['missed']['heart'][0] == 200  # of 1,000 pixels 0.3 and 0.1 are missed
    assert results.append_results(path, [later]) == 1
