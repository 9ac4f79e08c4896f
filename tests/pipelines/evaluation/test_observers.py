"""Two observers of drawn data sets, and the tool that compares them."""
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.files import read_json
from datasets.readers import Request, open_dataset
from pipelines.data.prepare import resize_sample
from pipelines.evaluation.observers import agreement, score_second_observer
from tests.conftest import tiny_config
from tests.retinas import draw_chase, draw_drive, eye_of, save, second

TOOL = Path(__file__).resolve().parents[3] / 'tools' / 'compare_observers.py'


@pytest.fixture(scope='module')
def chase(tmp_path_factory):
    return draw_chase(tmp_path_factory.mktemp('chase'))


def opened(folder, name, split='all'):
    return open_dataset(name, Request(str(folder), split, channels=3))


def test_masks_are_compared_inside_the_field(chase):
    first, other = opened(chase, 'chase_db1'), opened(chase, 'chase_db1_second')
    found = agreement(first, other)
    assert found.names == first.ids and found.organs == ('vessels',) and found.dice.shape == (10, 1)
    agreed = known = 0
    for name, dice in zip(found.names, found.dice[:, 0]):
        sample = first.load(name)
        one, two = (of.load(name).masks['vessels'] & ~sample.ignored for of in (first, other))
        assert dice == pytest.approx(100 * 2 * (one & two).sum() / (one.sum() + two.sum()))
        agreed, known = agreed + ((one == two) & ~sample.ignored).sum(), known + (~sample.ignored).sum()
    scores = {metric: of['vessels'][0] for metric, of in found.scores.items()}
    assert scores['accuracy_pooled'] == pytest.approx(100 * agreed / known, abs=1e-3)
    assert scores['sensitivity_pooled'] == 100 > scores['specificity_pooled']    # the second drew all, and wider
    assert scores['dice_per_image'] == pytest.approx(found.dice.mean(), abs=1e-3) and 'auc_per_image' not in scores
    same = agreement(first, first)
    assert (same.dice == 100).all() and same.scores['cldice_per_image']['vessels'][0] == 100


def test_pictures_that_one_of_them_lacks_are_left_out(tmp_path):
    draw_drive(tmp_path)
    found = agreement(opened(tmp_path, 'drive'), opened(tmp_path, 'drive_second'))
    assert found.names == ('01_test', '02_test', '20_test')


def test_nothing_in_common_and_other_sizes_are_refused(chase, tmp_path):
    draw_drive(tmp_path)
    with pytest.raises(InputError, match='expected the same pictures and organs, found none in common'):
        agreement(opened(tmp_path, 'drive'), opened(chase, 'chase_db1'))
    one = opened(chase, 'chase_db1')
    half = one._replace(load=lambda id: one.load(id)._replace(masks={'vessels': np.ones((3, 3), bool)}))
    with pytest.raises(InputError, match=r'Image_01L: expected masks of one size, found \(64, 64\) of chase_db1_all'):
        agreement(one, half)


def test_the_tool_prints_every_picture_and_every_score(chase, tmp_path):
    arguments = ['--reference', 'chase_db1', '--other', 'chase_db1_second', '--split', 'test', '--source']
    done = subprocess.run([sys.executable, str(TOOL), *arguments, str(chase)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ['Image_11L', 'Image_11R', 'Image_14L', 'Image_14R']
    assert lines[-1] == '4 pictures of chase_db1, chase_db1_second against it'
    assert 'sensitivity_pooled' in done.stdout
    lost = subprocess.run([sys.executable, str(TOOL), *arguments, str(tmp_path)], capture_output=True, text=True)
    assert lost.returncode == 2 and 'error: ' in lost.stderr and 'Traceback' not in lost.stderr
    save(tmp_path / 'Image_11L.jpg', eye_of(0)[0])
    save(tmp_path / 'Image_11L_1stHO.png', second(eye_of(0)[1]))
    lost = subprocess.run([sys.executable, str(TOOL), *arguments, str(tmp_path)], capture_output=True, text=True)
    assert 'expected the vessels that the second observer drew, found none of Image_11L' in lost.stderr


def test_an_experiment_keeps_what_the_second_observer_of_its_test_images_reaches(chase, tmp_path):
    data = {'dataset': 'chase_db1', 'source': str(chase), 'channels': 3, 'num_train': None, 'size': 32}
    config = tiny_config(data=data, evaluation={'size': 48}, regimes=['real'])
    score_second_observer(config, tmp_path)
    found = read_json(tmp_path / 'observer.json')
    assert found['observer'] == 'chase_db1_second' and found['size'] == 48 and found['organs'] == ['vessels']
    assert found['images']['names'] == ['Image_11L', 'Image_11R', 'Image_14L', 'Image_14R']
    thin = np.array(found['images']['thin'], np.float64)
    sample = resize_sample(opened(chase, 'chase_db1').load('Image_11L'), 48)
    assert thin[0, 0, :4].sum() == (~sample.ignored).sum()               # at the size at which segmenters are scored
    assert thin[0, 0, 0] + thin[0, 0, 2] == (sample.masks['vessels'] & ~sample.ignored).sum()


def test_without_a_second_observer_nothing_is_kept(chase, tmp_path):
    told = []
    score_second_observer(tiny_config(), tmp_path, told.append)
    for path in chase.iterdir():
        if '2ndHO' not in path.name:
            (tmp_path / path.name).symlink_to(path)
    config = tiny_config(data={'dataset': 'chase_db1', 'source': str(tmp_path), 'channels': 3, 'num_train': None})
    score_second_observer(config, tmp_path, told.append)
    assert not (tmp_path / 'observer.json').exists()
    assert len(told) == 1 and told[0].startswith('note: without a second observer: ')
    assert 'that the second observer drew' in told[0]
