"""Sides of another hospital's organs are known, or nothing is trained; one of its pictures is read before ours are records."""
import shutil

import cv2
import numpy as np
import pytest

from datasets.errors import InputError
from pipelines.experiment.possible import check_external, check_possible
from pipelines.plan import matrix
from tests.conftest import tiny_config
from tests.hospitals import MONTGOMERY, draw_montgomery

LUNGS = {'lungs': ['left_lung', 'right_lung']}
APART = {'left': ['left_lung'], 'right': ['right_lung']}
UNSAID = 'organs: [left_lung, right_lung]\n'
SAID = UNSAID + 'left_right: [[left_lung, right_lung]]\n'
ADD = r"to be known as the patient's sides, .* add left_right: \[\[left_lung, right_lung\]\] to its coding.yaml"


def folder_of(place, coding):
    """A drawn Montgomery as a data set of one's own."""
    drawn, own = draw_montgomery(place / 'drawn', MONTGOMERY[:2]) / 'MontgomerySet', place / 'own'
    shutil.copytree(drawn / 'CXR_png', own / 'images')
    for organ, masks in (('left_lung', 'leftMask'), ('right_lung', 'rightMask')):
        shutil.copytree(drawn / 'ManualMask' / masks, own / 'masks' / organ)
    (own / 'coding.yaml').write_text(coding)
    (own / 'train.txt').write_text('\n'.join(MONTGOMERY[:2]))
    return {'dataset': 'folder', 'source': str(own)}


def scored_there(external, **sections):
    arm, = matrix.arms_of(tiny_config(regimes=['real'], external={'there': external}, **sections))
    return arm


def brought_there(source):
    config = tiny_config(matrix=[{'regimes': ['tuned'], 'labelled': [100]}], sources={'target': source},
                         segmenter={'targets': APART})
    return matrix.arms_of(config)[0]


@pytest.mark.parametrize('coding, targets', [(UNSAID, {'targets': LUNGS}), (SAID, {})])
def test_sides_that_are_known_or_do_not_matter_are_taken(tmp_path, coding, targets):
    check_external(scored_there({**folder_of(tmp_path, coding), **targets}), tmp_path / 'run')


def test_sides_that_ours_knows_must_be_known_by_what_is_scored(tmp_path):
    with pytest.raises(InputError, match='external.there: expected left_lung and right_lung ' + ADD):
        check_external(scored_there(folder_of(tmp_path, UNSAID)), tmp_path / 'run')


def test_and_by_what_is_learned_from_elsewhere(tmp_path):
    source = {**folder_of(tmp_path, UNSAID), 'num_train': None, 'division': 'official'}
    with pytest.raises(InputError, match='sources.target: expected left_lung and right_lung ' + ADD):
        check_possible(brought_there(source), False)


def test_and_by_ours_where_the_other_knows_them(tmp_path):
    ours = {**folder_of(tmp_path, UNSAID), 'num_train': None, 'num_test': None}
    with pytest.raises(InputError, match='data: expected left_lung and right_lung ' + ADD):
        check_external(scored_there({'dataset': 'phantom', 'part': 'train', 'num_train': 2}, data=ours), tmp_path / 'run')


def test_colours_there_are_found_first(tmp_path):
    there = folder_of(tmp_path, SAID)
    path = tmp_path / 'own' / 'images' / f'{MONTGOMERY[0]}.png'
    cv2.imwrite(str(path), np.dstack([cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)] * 2 + [np.zeros((64, 64), np.uint8)]))
    with pytest.raises(InputError, match=f'{MONTGOMERY[0]}.png.*colour'):
        check_external(scored_there(there), tmp_path / 'run')
