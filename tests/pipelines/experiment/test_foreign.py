"""The predictions of another program beside an experiment's own networks: results, statistics, report."""
import json
import shutil

import cv2
import numpy as np
import pytest

from datasets.errors import InputError
from pipelines.experiment import foreign
from pipelines.scores import results
from tests.command import call, refused


@pytest.fixture
def experiment(finished, tmp_path):
    """A copy of a finished run without what weighs, and label maps of a program that finds a little too much."""
    folder = tmp_path / 'run'
    shutil.copytree(finished[1], folder, ignore=shutil.ignore_patterns('stages', 'exports', 'train', 'synthetic'))
    from datasets import records
    info = records.read_info(folder / 'records' / 'test')
    (tmp_path / 'found').mkdir()
    for row in records.read(info):
        classes = info.coding.projection[row['labels']]
        cv2.imwrite(str(tmp_path / 'found' / f'{row["source_id"].decode()}.png'),
                    cv2.dilate(classes, np.ones((3, 3), np.uint8)))
    return folder, tmp_path / 'found'


def scored(folder, found, *more, output='theirs.json'):
    return call('evaluate_segmenter', '--predictions', found, '--records', folder / 'records' / 'test', '--output',
                folder.parent / output, '--classes', 'left_lung=1', 'heart=2', 'right_lung=3', '--workdir', folder, *more)


def test_they_stand_in_results_and_report(experiment):
    folder, found = experiment
    before = results.read_results(folder / 'results.jsonl')
    done = scored(folder, found, '--name', 'nnunet', '--regime', 'real', '--seed', 4)
    assert done.returncode == 0 and 'report:' in done.stdout, done.stderr
    rows = results.read_results(folder / 'results.jsonl')
    assert rows[:-1] == before and len(rows) == len(before) + 1
    row = rows[-1]
    assert (row['segmenter'], row['regime'], row['seed'], row['num_synthetic']) == ('nnunet', 'real', 4, 0)
    assert (row['num_real'], row['draw'], row['arm']) == tuple(before[0][key] for key in ('num_real', 'draw', 'arm'))
    assert 80 < row['scores']['jaccard_pooled']['average'][0] < 100
    text = (folder / 'report.md').read_text()
    assert 'REAL (nnunet)' in text and 'Predicted by another program: nnunet.' in text
    assert scored(folder, found, '--name', 'nnunet', '--regime', 'real', '--seed', 4).returncode == 0
    assert len(results.read_results(folder / 'results.jsonl')) == len(rows)  # nothing twice


def test_synthetic_pairs_are_counted(experiment):
    folder, found = experiment
    like = foreign.line_like(folder, 'test', 'nnunet', 'synth3')
    assert scored(folder, found, '--name', 'nnunet', '--regime', 'synth3').returncode == 0
    assert results.read_results(folder / 'results.jsonl')[-1]['num_synthetic'] == like['num_synthetic'] > 0
    assert '--num-synthetic: expected how many' in refused(scored(folder, found, '--name', 'nnunet', '--regime', 'synth1'))


def test_refused_before_anything_is_scored(experiment, tmp_path):
    folder, found = experiment
    lines = (folder / 'results.jsonl').read_text()
    for more, message in (
            (('--name', 'smanet', '--regime', 'real'), 'none of the networks of this program'),
            (('--name', 'a b', '--regime', 'real'), 'a name of letters, digits and _'),
            (('--name', 'nnunet', '--regime', 'rael'), 'rael'),
            (('--name', 'nnunet', '--regime', 'real', '--num-synthetic', 9), '--num-synthetic 9: expected with synth1..3'),
            (('--name', 'nnunet'), 'expected --predictions of another program, its --name and its --regime')):
        assert message in refused(scored(folder, found, *more))
    assert '--records' in refused(call(
        'evaluate_segmenter', '--predictions', found, '--records', tmp_path, '--output', tmp_path / 'x.json',
        '--workdir', folder, '--name', 'nnunet', '--regime', 'real'))
    (folder / 'results.jsonl').write_text('')
    assert 'expected scores of the experiment on test' in refused(scored(folder, found, '--name', 'a', '--regime', 'real'))
    (folder / 'results.jsonl').write_text(lines)
    assert not (folder.parent / 'theirs.json').exists()


def test_other_images_or_classes_are_refused(experiment):
    folder, _ = experiment
    like = foreign.line_like(folder, 'test', 'nnunet', 'real')
    scores = json.loads(json.dumps({key: like[key] for key in ('organs', 'images', 'scores', 'versions')}))
    assert foreign.row_of(like, scores, 'nnunet', 'real', 0, None)['segmenter'] == 'nnunet'
    for change, message in (({'images': {**like['images'], 'names': ['other']}}, 'the images of the experiment'),
                            ({'organs': ['lungs']}, 'the classes of the experiment')):
        with pytest.raises(InputError, match=f'expected {message}'):
            foreign.row_of(like, {**scores, **change}, 'nnunet', 'real', 0, None)
