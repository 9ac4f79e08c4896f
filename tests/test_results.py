import json

import numpy as np
import pytest

from datasets.errors import InputError
from pipelines import results


def make_row(**changes):
    row = dict(experiment='demo', method='three', regime='synth3', seed=0,
               metric='jaccard_pooled', organ='heart', value=87.25,
               protocol={'dataset': 'phantom', 'size': 64}, versions={'python': '3.11'})
    return {**row, **changes}


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'results.jsonl'


def test_rows_come_back_as_they_were_appended(path):
    rows = [make_row(), make_row(organ='average', value=92.9)]
    assert results.append_results(path, rows) == 2
    assert results.read_results(path) == rows
    assert len(path.read_text().splitlines()) == 2


def test_appending_again_changes_no_byte(path):
    rows = [make_row(protocol={'interval_95': (86.0, 88.0)})]  # a tuple is read back as a list
    results.append_results(path, rows)
    before = path.read_bytes()
    assert results.append_results(path, rows) == 0
    assert path.read_bytes() == before


def test_newest_value_of_a_key_wins_and_keeps_its_place(path):
    results.append_results(path, [make_row(value=10.0), make_row(seed=1, value=20.0)])
    results.append_results(path, [make_row(value=30.0)])
    assert [row['value'] for row in results.read_results(path)] == [30.0, 20.0]
    # going back to an older value is a change too
    assert results.append_results(path, [make_row(value=10.0)]) == 1
    assert results.read_results(path)[0]['value'] == 10.0


@pytest.mark.parametrize('name, value', [
    ('experiment', 'other'), ('method', 'two'), ('regime', 'real'), ('seed', 1),
    ('metric', 'dice_pooled'), ('organ', 'average')])
def test_each_part_of_the_key_tells_rows_apart(path, name, value):
    results.append_results(path, [make_row(), make_row(**{name: value})])
    assert len(results.read_results(path)) == 2


def test_every_way_to_tear_the_last_line_is_survived(path):
    first, second = make_row(), make_row(seed=1)
    results.append_results(path, [first])
    kept = path.read_bytes()
    results.append_results(path, [second])
    whole = path.read_bytes()
    for length in range(len(kept), len(whole)):
        path.write_bytes(whole[:length])
        complete = length == len(whole) - 1  # only the line's end is lost
        assert results.read_results(path) == ([first, second] if complete else [first])
        assert results.append_results(path, [second]) == (0 if complete else 1)
        assert results.append_results(path, [make_row(seed=2)]) == 1
        assert [row['seed'] for row in results.read_results(path)] == [0, 1, 2]
        assert path.read_bytes().startswith(whole)


def test_torn_tail_of_zero_bytes_is_dropped(path):
    results.append_results(path, [make_row()])
    path.write_bytes(path.read_bytes() + b'\0' * 100)
    assert len(results.read_results(path)) == 1


def test_corrupt_line_in_the_middle_names_file_and_line(path):
    results.append_results(path, [make_row(), make_row(seed=1)])
    first, second = path.read_text().splitlines()
    path.write_text(f'{first}\n{{"experiment": \n{second}\n')
    with pytest.raises(InputError, match=r'results\.jsonl, line 2: expected a JSON object'):
        results.read_results(path)


@pytest.mark.parametrize('changes, message', [
    ({'value': 100.5}, 'value to be a percentage from 0 to 100, found 100.5'),
    ({'value': float('nan')}, 'value to be a percentage from 0 to 100, found nan'),
    ({'value': True}, 'value to be a percentage'),
    ({'metric': 'jaccard'}, "metric to be one of jaccard_pooled, .* found 'jaccard'"),
    ({'regime': 'synth4'}, "regime to be one of real, .* found 'synth4'"),
    ({'regime': ['real']}, 'regime to be one of real'),
    ({'seed': '0'}, "seed to be an integer, found '0'"),
    ({'organ': ''}, "organ to be a name, found ''"),
    ({'protocol': None}, 'protocol to be a mapping, found None'),
    ({'note': 'x'}, 'missing or unknown: note'),
])
def test_a_row_that_is_no_result_is_refused_and_nothing_written(path, changes, message):
    with pytest.raises(InputError, match=message) as error:
        results.append_results(path, [make_row(seed=5), make_row(**changes)])
    assert '\n' not in str(error.value)
    assert not path.exists()


def test_a_missing_key_in_the_file_names_the_line(path):
    row = make_row()
    del row['seed']
    path.write_text(json.dumps(make_row()) + '\n' + json.dumps(row) + '\n')
    with pytest.raises(InputError, match='line 2: expected exactly the keys .*: seed$'):
        results.read_results(path)


def test_missing_file_is_an_input_error(path):
    with pytest.raises(InputError, match='expected a JSON-lines file, found none'):
        results.read_results(path)


def test_rows_of_scores_keep_intervals_in_the_protocol(path):
    scores = {('jaccard_pooled', 'heart'): np.float32(50),
              ('jaccard_per_image', 'heart'): np.float64(49)}
    intervals = {('jaccard_per_image', 'heart'): (np.float64(48), np.float64(51))}
    pooled, per_image = results.rows_of_scores(scores, intervals, 'demo', 'real', 'real', 3,
                                               {'size': 64})
    assert pooled['protocol'] == {'size': 64}
    assert per_image['protocol'] == {'size': 64, 'interval_95': [48.0, 51.0]}
    assert results.append_results(path, [pooled, per_image]) == 2
    assert results.read_results(path) == [pooled, per_image]


def test_versions_are_those_that_are_installed():
    found = results.versions()
    assert list(found) == ['python', 'tensorflow', 'keras', 'numpy']
    assert found['numpy'] == np.__version__
