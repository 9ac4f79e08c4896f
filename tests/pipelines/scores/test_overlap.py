import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipelines.scores import metrics, overlap

ORGANS = ('left_lung', 'heart')

# by hand: class 1 is right on 2 of 3 target pixels and invents one; class 2 on 1 of 2
TARGET = np.array([[0, 1, 1], [1, 2, 2]], np.uint8)
PREDICTION = np.array([[1, 1, 1], [2, 2, 0]], np.uint8)
CONFUSION = [[0, 1, 0], [0, 2, 1], [1, 0, 1]]


def counts(*pairs, num_classes=3):
    return np.stack([overlap.counts(np.array(t), np.array(p), num_classes) for t, p in pairs])


def values(counted, organs=ORGANS):
    return metrics.values({'counts': counted}, organs)


def test_confusion_matrix_by_hand():
    found = overlap.confusion_matrix(TARGET, PREDICTION, 3)
    np.testing.assert_array_equal(found, CONFUSION)
    assert found.dtype == np.int64


def test_jaccard_and_dice_by_hand():
    found = overlap.counts(TARGET, PREDICTION, 3)
    np.testing.assert_array_equal(found, [[2, 1, 1], [1, 1, 1]])  # right, invented, missed
    # class 1: 2 common of 3 + 3 - 2 = 4; class 2: 1 common of 2 + 2 - 1 = 3
    np.testing.assert_allclose(overlap.jaccard(found), [50, 100 / 3])
    np.testing.assert_allclose(overlap.dice(found), [200 / 3, 50])


@pytest.mark.parametrize('target, prediction, message', [
    (np.zeros((2, 2), int), np.zeros((2, 3), int), r'one shape, found \(2, 2\) and \(2, 3\)'),
    (np.full(4, 3), np.zeros(4, int), 'target: expected classes 0 to 2, found 3 to 3'),
    (np.zeros(4, int), np.full(4, -1), 'prediction: expected classes 0 to 2, found -1 to -1')])
def test_bad_class_maps_are_refused(target, prediction, message):
    with pytest.raises(ValueError, match=message):
        overlap.confusion_matrix(target, prediction, 3)


def test_measures_of_another_number_of_organs_are_refused():
    with pytest.raises(ValueError, match=r'\[images, 3, ...\] of the organs a, b, c, found'):
        values(np.zeros((2, 2, 3), int), 'abc')


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.int64, (4, 2, 3), elements=st.integers(0, 50)))
def test_pooled_dice_is_2j_over_1_plus_j_for_each_organ(counted):
    scores = values(counted)
    for organ in ORGANS:
        if ('jaccard_pooled', organ) in scores:
            j = scores['jaccard_pooled', organ] / 100
            assert scores['dice_pooled', organ] == pytest.approx(100 * 2 * j / (1 + j))


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.uint8, (6, 5), elements=st.integers(0, 2)),
       hnp.arrays(np.uint8, (6, 5), elements=st.integers(0, 2)))
def test_confusion_matrix_sums_and_symmetry(target, prediction):
    found = overlap.confusion_matrix(target, prediction, 3)
    assert found.sum() == target.size
    np.testing.assert_array_equal(found.T, overlap.confusion_matrix(prediction, target, 3))
    np.testing.assert_array_equal(found.sum(axis=1), np.bincount(target.ravel(), minlength=3))


def test_pooled_and_per_image_differ_as_they_should():
    # image 1: 1 of 1 pixel right; image 2: 1 of 9 target pixels found
    pairs = counts(([1, 0], [1, 0]), ([1] * 9, [1] + [0] * 8), num_classes=2)
    assert values(pairs, ['lung'])['jaccard_pooled', 'lung'] == pytest.approx(20)
    per_image = values(pairs, ['lung'])
    assert per_image['jaccard_per_image', 'lung'] == pytest.approx((100 + 100 / 9) / 2)


def test_average_is_the_plain_mean_over_organs():
    pairs = counts((TARGET, PREDICTION))
    found = {key: value for key, value in values(pairs).items() if key[0].endswith('_pooled')}
    assert found == pytest.approx({
        ('jaccard_pooled', 'left_lung'): 50, ('jaccard_pooled', 'heart'): 100 / 3,
        ('jaccard_pooled', 'average'): 125 / 3, ('dice_pooled', 'left_lung'): 200 / 3,
        ('dice_pooled', 'heart'): 50, ('dice_pooled', 'average'): 175 / 3})


def test_organ_absent_in_both_leaves_that_image_out():
    # image 1 shows no heart at all, image 2 misses it: only image 2 counts for the heart
    pairs = counts(([1, 0], [1, 0]), ([1, 2], [1, 0]))
    scores = values(pairs)
    intervals = overlap.intervals(overlap.jaccard(pairs), ORGANS)
    assert scores['jaccard_per_image', 'heart'] == 0
    assert scores['jaccard_per_image', 'average'] == 50
    assert 'heart' not in intervals  # of one image
    assert intervals['left_lung'] == [100, 100]


def test_organ_absent_from_the_whole_test_set_has_no_score():
    pairs = counts(([1, 0], [1, 0]), ([1, 1], [1, 0]))
    pooled = values(pairs)
    assert ('jaccard_pooled', 'heart') not in pooled
    assert pooled['jaccard_pooled', 'average'] == pooled['jaccard_pooled', 'left_lung']
    assert ('dice_per_image', 'heart') not in values(pairs)


def test_intervals_hold_the_mean_and_repeat():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, (30, 400))
    right = rng.random((30, 400)) < rng.uniform(.6, 1, (30, 1))
    pairs = counts(*zip(targets, np.where(right, targets, 0)))
    scores = values(pairs)
    intervals = overlap.intervals(overlap.jaccard(pairs), ORGANS)
    assert set(intervals) == {*ORGANS, 'average'}
    for organ, (low, high) in intervals.items():
        assert low < scores['jaccard_per_image', organ] < high
    assert overlap.intervals(overlap.jaccard(pairs), ORGANS) == intervals
    # about 1.96 standard errors either way
    of_images = overlap.jaccard(pairs)[:, 0]
    low, high = intervals['left_lung']
    error = of_images.std(ddof=1) / np.sqrt(30)
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=.1)


def test_interval_of_identical_images_is_a_point():
    assert overlap.bootstrap_interval(np.full((5, 1), 50.)) == [50, 50]
