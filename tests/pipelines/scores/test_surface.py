import numpy as np
import pytest

from pipelines.scores import metrics, overlap, surface

ORGANS = ('left_lung', 'heart')


def rectangle(top, left, height, width, shape=(24, 30)):
    mask = np.zeros(shape, np.uint8)
    mask[top:top + height, left:left + width] = 1
    return mask


def blobs(rng, shape=(30, 26)):
    """Three ragged organs that touch each other, not the picture's edge."""
    classes = np.zeros(shape, np.uint8)
    for k in range(1, 4):
        top, left = rng.integers(1, 14, 2)
        classes[top:top + 14, left:left + 11][rng.random((14, 11)) < .7] = k
    classes[[0, -1]] = classes[:, [0, -1]] = 0
    return classes


def test_rectangles_moved_sideways_by_hand():
    # h = 8 rows of 2 mm, w = 10 columns of 0.5 mm, moved by 3 columns = 1.5 mm, less than a row.
    # Each outline: two sides of 7 corners of length 2 at 1.5 mm, two tips of length c at 1.5 mm, of
    # top and bottom two corners each of length 0.5 at 1.0 and 0.5 mm, the rest at 0.
    (found,) = surface.surface_distances(rectangle(5, 6, 8, 10), rectangle(5, 9, 8, 10), 2,
                                         (2., .5))
    c = np.sqrt(2 ** 2 + .5 ** 2) / 2
    length = 2 * 7 * 2 + 2 * 9 * .5 + 4 * c
    np.testing.assert_allclose(found, [
        1.5, (1.5 * (2 * 7 * 2 + 2 * c) + 2 * .5 * (1. + .5)) / length])


def test_spacing_is_row_then_column():
    # moved by one row of 2 mm: whatever a column is, nothing lies further
    (found,) = surface.surface_distances(rectangle(5, 6, 8, 10), rectangle(6, 6, 8, 10), 2,
                                         (2., .5))
    assert found[0] == 2
    mirrored = surface.surface_distances(rectangle(5, 6, 8, 10).T, rectangle(6, 6, 8, 10).T, 2,
                                         (.5, 2.))
    np.testing.assert_allclose(mirrored, [found])


@pytest.mark.parametrize('n, hd95', [(10, np.sqrt(2)), (16, 1.)])
def test_nested_squares_by_hand(n, hd95):
    # All of the inner outline lies at 1 px, and all of the outer one but its four tips, at sqrt 2.
    # The tips are 6 % of the outer outline for n = 10, and count; 4 % for n = 16.
    inner, outer = rectangle(3, 3, n, n), rectangle(2, 2, n + 2, n + 2)
    (found,) = surface.surface_distances(inner, outer, 2, (1., 1.))
    tips = 4 * np.sqrt(2) / 2
    both = (4 * (n - 1) + tips) + (4 * (n + 1) + tips)
    np.testing.assert_allclose(found, [hd95, (both - tips + tips * np.sqrt(2)) / both])
    # weighted by length: not the mean of the two directed means
    outer_mean = (4 * (n + 1) + tips * np.sqrt(2)) / (4 * (n + 1) + tips)
    assert found[1] > (1 + outer_mean) / 2 + 1e-4


def test_organs_touching_the_edge_have_an_outline_there():
    whole = np.ones((6, 8), np.uint8)
    (found,) = surface.surface_distances(whole, rectangle(0, 0, 6, 7, (6, 8)), 2, (1., 1.))
    assert found[0] == 1


def test_missing_organs():
    target, prediction = np.zeros((6, 8), int), np.zeros((6, 8), int)
    target[1:3, 1:3] = prediction[1:3, 1:3] = 1
    target[4, 4] = 2      # missed
    prediction[5, 0] = 3  # invented; 4 is on neither
    found = surface.surface_distances(target, prediction, 5, (2, .625))
    assert found.dtype == np.float64
    # the picture measures 12 by 5 mm
    np.testing.assert_array_equal(found, [[0, 0], [13, 13], [13, 13], [np.nan, np.nan]])


def test_no_pair_of_masks_is_further_apart_than_the_diagonal():
    far = surface.surface_distances(rectangle(0, 0, 1, 1), rectangle(23, 29, 1, 1), 2, (.5, .5))
    missed = surface.surface_distances(rectangle(0, 0, 1, 1), rectangle(0, 0, 0, 0), 2, (.5, .5))
    assert (far < missed).all()
    np.testing.assert_allclose(missed, np.hypot(12, 15))


@pytest.mark.parametrize('seed', range(6))
def test_the_picture_around_the_organs_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    target, prediction = blobs(rng), blobs(rng)
    found = surface.surface_distances(target, prediction, 4, (.7, .4))
    assert (found > 0).all()
    wide = [np.pad(classes, ((3, 40), (25, 1))) for classes in (target, prediction)]
    np.testing.assert_array_equal(surface.surface_distances(*wide, 4, (.7, .4)), found)
    tight = [classes[1:-1, 1:-1] for classes in (target, prediction)]
    np.testing.assert_array_equal(surface.surface_distances(*tight, 4, (.7, .4)), found)


@pytest.mark.parametrize('seed', range(4))
def test_symmetry_and_scale(seed):
    rng = np.random.default_rng(seed)
    target, prediction = blobs(rng), blobs(rng)
    found = surface.surface_distances(target, prediction, 4, (.7, .4))
    np.testing.assert_allclose(surface.surface_distances(prediction, target, 4, (.7, .4)), found)
    np.testing.assert_allclose(surface.surface_distances(target, prediction, 4, (7, 4)),
                               10 * found)
    np.testing.assert_array_equal(surface.surface_distances(target, target, 4, (.7, .4)), 0)


@pytest.mark.parametrize('target, prediction, spacing, message', [
    ((4, 5), (4, 6), (1, 1), r'one shape \[height, width\], found \(4, 5\) and \(4, 6\)'),
    ((2, 4, 5), (2, 4, 5), (1, 1), r'one shape \[height, width\], found \(2, 4, 5\)'),
    ((4, 5), (4, 5), (1, 0), r'spacing_mm: expected two positive numbers.*found \(1, 0\)'),
    ((4, 5), (4, 5), (1, np.nan), r'spacing_mm: .*found \(1, nan\)'),
    ((4, 5), (4, 5), (1, 1, 1), r'spacing_mm: .*found \(1, 1, 1\)'),
    ((4, 5), (4, 5), .7, r'spacing_mm: .*found 0.7'),
    ((4, 5), (4, 5), '11', r"spacing_mm: .*found '11'"),
    ((4, 5), (4, 5), None, 'spacing_mm: .*found None')])
def test_bad_arguments_are_refused(target, prediction, spacing, message):
    with pytest.raises(ValueError, match=message) as raised:
        surface.surface_distances(np.zeros(target, int), np.zeros(prediction, int), 2, spacing)
    assert '\n' not in str(raised.value)


def test_means_by_hand():
    nan = np.nan
    of_images = np.array([[[1, .5], [nan, nan]], [[3, 1.5], [10, 4]], [[nan, nan], [nan, nan]]])
    assert metrics.values({'distances': of_images}, ORGANS) == pytest.approx({
        ('hd95_mm', 'left_lung'): 2, ('hd95_mm', 'heart'): 10, ('hd95_mm', 'average'): 6,
        ('assd_mm', 'left_lung'): 1, ('assd_mm', 'heart'): 4, ('assd_mm', 'average'): 2.5})
    # two images: a quarter of the resamples is twice the first, a quarter twice the second
    intervals = overlap.intervals(of_images[..., 0], ORGANS)
    assert intervals['left_lung'] == [1, 3]
    assert 'heart' not in intervals  # of one image


def test_organ_that_no_image_shows_is_left_out():
    shown = np.array([[[2., 1.], [np.nan, np.nan]]] * 3)
    means = metrics.values({'distances': shown}, ORGANS)
    assert set(means) == {(metric, organ) for metric in ('hd95_mm', 'assd_mm')
                          for organ in ('left_lung', 'average')}
    assert means['hd95_mm', 'average'] == 2
    assert overlap.intervals(shown[..., 1], ORGANS)['average'] == [1, 1]
    assert metrics.values({'distances': np.full((2, 2, 2), np.nan)}, ORGANS) == {}


@pytest.mark.parametrize('shape', [(3, 2), (3, 3, 2)])
def test_distances_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r'\[images, 2, ...\] of the organs .*found shape \(' + str(shape[0])):
        metrics.values({'distances': np.zeros(shape)}, ORGANS)


def test_the_library_is_named_with_its_version():
    assert surface.LIBRARY == 'surface-distance 0.1'
