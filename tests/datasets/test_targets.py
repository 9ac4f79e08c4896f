"""Classes chosen apart from codes: unions, one organ alone, masks that overlap."""
import numpy as np
import pytest

from datasets.errors import InputError
from datasets.labels import CHEST
from datasets.targets import Targets, targets_of

# codes: 1 left lung, 2 right lung, 3 heart, 4, 5 clavicles, 6, 7 clavicles over lungs
MAP = np.arange(8, dtype=np.uint8).reshape(2, 4)


def test_without_a_choice_they_are_those_of_the_coding():
    targets = targets_of(CHEST)
    assert targets.names == CHEST.targets and targets.num_outputs == CHEST.num_classes
    np.testing.assert_array_equal(targets.projection(CHEST), CHEST.projection)
    np.testing.assert_array_equal(targets.colours(CHEST), CHEST.class_colours)
    np.testing.assert_array_equal(targets.class_map(targets.masks(CHEST, MAP)), CHEST.projection[MAP])


def test_a_class_of_two_organs_and_one_organ_alone():
    lungs = targets_of(CHEST, {'lungs': ['left_lung', 'right_lung']})
    assert lungs.projection(CHEST).tolist() == [0, 1, 1, 0, 0, 0, 1, 1] and lungs.num_outputs == 2
    clavicles = targets_of(CHEST, {'clavicles': ['left_clavicle', 'right_clavicle']})
    assert clavicles.projection(CHEST).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    both = targets_of(CHEST, {'clavicles': ['left_clavicle', 'right_clavicle'],
                              'lungs': ['left_lung', 'right_lung']})
    # a pixel has one class: where a clavicle lies on a lung, that of the code's own target
    assert both.projection(CHEST).tolist() == [0, 2, 2, 0, 1, 1, 2, 2]


def test_masks_that_overlap():
    targets = targets_of(CHEST, {'lungs': ['left_lung', 'right_lung'],
                                 'clavicles': ['left_clavicle', 'right_clavicle']}, is_overlapping=True)
    assert targets.num_outputs == 2
    lungs, clavicles = targets.masks(CHEST, MAP)
    assert lungs.ravel().tolist() == [False, True, True, False, False, False, True, True]
    assert clavicles.ravel().tolist() == [False] * 4 + [True] * 4
    assert targets.class_map(targets.masks(CHEST, MAP)).ravel().tolist() == [0, 1, 1, 0, 2, 2, 2, 2]
    assert Targets.from_dict(targets.to_dict()) == targets


@pytest.mark.parametrize('chosen, message', [
    ({'liver': ['liver']}, r"segmenter.targets.liver: expected organs of the data set \(left_lung"),
    ({'nothing': []}, 'segmenter.targets.nothing: expected at least one organ'),
    ({'lung': ['left_lung'], 'again': ['left_lung']}, 'segmenter.targets.again: no pixel is left for it')])
def test_refusals(chosen, message):
    with pytest.raises(InputError, match=message):
        targets_of(CHEST, chosen)
