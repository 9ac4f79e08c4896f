"""Classes chosen apart from codes: unions, one organ alone, masks that overlap."""
import numpy as np
import pytest

from datasets.errors import InputError
from datasets.labels import CHEST, LUNGS, UNLABELLED, Code, LabelCoding
from datasets.targets import Scored, Targets, scored_on, targets_of

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


def _found(**organs):
    """A segmenter's classes."""
    return Targets(tuple(organs), tuple(map(tuple, organs.values())))


def test_classes_that_a_data_set_does_not_show_are_not_scored():
    """A segmenter of JSRT on Montgomery, which has lungs only."""
    scored = scored_on(targets_of(CHEST), LUNGS)
    assert scored.targets.names == ('left_lung', 'right_lung') and scored.left_out == ('heart',)
    assert scored.members == ((0,), (2,))   # its order: left lung, heart, right lung
    masks = np.zeros((3, 2, 2), bool)
    masks[0, 0, 0] = masks[1, 0, 1] = masks[2, 1, 1] = True
    np.testing.assert_array_equal(scored.united(masks), masks[[0, 2]])
    np.testing.assert_array_equal(scored.targets.masks(LUNGS, np.array([[1, 0], [0, 2]], np.uint8)), masks[[0, 2]])


def test_on_its_own_data_set_a_segmenter_is_scored_as_before():
    found = targets_of(CHEST)
    assert scored_on(found, CHEST) == Scored(found, ((0,), (1,), (2,)), ())


@pytest.mark.parametrize('found, members', [
    (targets_of(CHEST), ((0, 2),)), (_found(both=['left_lung', 'right_lung'], heart=['heart']), ((0,),))])
def test_both_lungs_are_one_class_whether_they_are_found_apart_or_together(found, members):
    scored = scored_on(found, LUNGS, {'lungs': ['left_lung', 'right_lung']})
    assert scored.targets.names == ('lungs',) and scored.members == members and scored.left_out == ('heart',)
    labels = np.array([[1, 0], [0, 2]], np.uint8)
    np.testing.assert_array_equal(scored.targets.masks(LUNGS, labels), [[[True, False], [False, True]]])
    masks = np.zeros((len(found.names), 2, 2), bool)
    masks[[0, -1], [0, 1]] = True
    np.testing.assert_array_equal(scored.united(masks), [masks[list(members[0])].any(axis=0)])


def test_codes_that_count_for_nothing_at_home_count_where_a_segmenter_finds_them():
    """A data set that scores the left lung alone, by its own coding; a segmenter of both."""
    coding = LabelCoding('x', LUNGS.organs, (CHEST.codes[0], CHEST.codes[1], Code(('right_lung',), (1, 1, 1), None)),
                         ('left_lung',))
    assert scored_on(targets_of(CHEST), coding).targets.members(coding).tolist() == [
        [False, False], [True, False], [False, True]]


@pytest.mark.parametrize('found, coding, chosen, message', [
    (targets_of(CHEST), UNLABELLED, None, 'there: expected labels to compare with, found pictures alone'),
    (_found(liver=['liver']), LUNGS, None, r"there: expected the classes of the model, \['background', 'liver'\], "
                                           r"found the organs left_lung, right_lung"),
    (_found(left_lung=['left_lung']), LUNGS, {'lungs': ['left_lung', 'right_lung']},
     r"there.lungs: expected organs that the segmenter finds \(left_lung\), found 'right_lung'"),
    (_found(lungs=['left_lung', 'right_lung']), LUNGS, {'left': ['left_lung']},
     r"there.left: expected organs that the segmenter finds \(lungs = left_lung \+ right_lung\), found 'left_lung'"),
    (targets_of(CHEST), LUNGS, {'heart': ['heart']},
     r"there.heart: expected organs of the data set \(left_lung, right_lung\), found 'heart'"),
    (targets_of(CHEST), LUNGS, {'lungs': []}, 'there.lungs: expected at least one organ, found none')])
def test_what_cannot_be_compared_is_refused(found, coding, chosen, message):
    with pytest.raises(InputError, match=message):
        scored_on(found, coding, chosen, 'there')
