"""The paper's preventive augmentation."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets import augmentation
from datasets.augmentation import NUM_VARIANTS, add_noise, augment, full_range
from datasets.errors import InputError
from datasets.phantom.phantom import draw_phantom
from datasets.sample import mask_centroid

# (down, right) in pixels of 400, variants 2, 3, 4 of seed 7, JPCLN001
GOLDEN_SHIFTS = [(0, 2), (-1, 0), (2, 7)]


@pytest.fixture(scope='module')
def sample():
    return draw_phantom(0, 1, 100)


def _square(size, rows, columns):
    mask = np.zeros((size, size), bool)
    mask[rows, columns] = True
    return mask


def test_variant_0_is_the_original(sample):
    for mode in ('separate', 'composed'):
        image, masks = augment(sample.image, sample.masks, 0, 'a', 0, mode=mode)
        np.testing.assert_array_equal(image, sample.image)
        assert masks is sample.masks


@pytest.mark.parametrize('mode', ['separate', 'composed'])
def test_a_further_picture_moves_alike_without_noise(sample, mode):
    """At half the size too, where its pixels are others."""
    half = sample.image[::2, ::2]
    for variant in range(NUM_VARIANTS):
        expected = augment(sample.image, {}, 3, 'x', variant, mode=mode)[0]
        found = augmentation.moved(sample.image, 3, 'x', variant, mode)
        if mode == 'separate' and variant < 5:
            np.testing.assert_array_equal(found, expected)
        assert 0 < np.abs(found.astype(float) - expected).mean() < 4 or mode == 'separate' or variant == 0
        small = augmentation.moved(half, 3, 'x', variant, mode).astype(float)
        inner = np.s_[5:-5, 5:-5]
        apart, still = (np.abs(one - found[::2, ::2])[inner].mean() for one in (small, half.astype(float)))
        assert apart <= still
    np.testing.assert_array_equal(augmentation.moved(sample.image, 3, 'x', 5), sample.image)


def test_golden_numbers():
    """Pins the draws: an experiment repeated next year must see the same variants."""
    block = {'a': _square(400, slice(150, 250), slice(150, 250))}
    image = block['a'].astype(np.uint8) * 200
    shifts = []
    for variant in (2, 3, 4):
        _, masks = augment(image, block, 7, 'JPCLN001', variant)
        y, x = mask_centroid(masks['a'])
        shifts.append((round((y - 0.5) * 400), round((x - 0.5) * 400)))
    assert shifts == GOLDEN_SHIFTS


@pytest.mark.parametrize('mode', ['separate', 'composed'])
def test_reproducible_from_its_key(sample, mode):
    for variant in range(1, NUM_VARIANTS):
        a = augment(sample.image, sample.masks, 3, 'x', variant, mode=mode)
        b = augment(sample.image, sample.masks, 3, 'x', variant, mode=mode)
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1]['heart'], b[1]['heart'])
        for seed, id in ((4, 'x'), (3, 'y')):
            other, _ = augment(sample.image, sample.masks, seed, id, variant, mode=mode)
            assert (other != a[0]).any()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2 ** 32), variant=st.integers(2, 4))
def test_shifts_stay_within_three_percent_and_on_their_axis(seed, variant):
    masks = {'a': _square(200, slice(60, 140), slice(70, 130))}
    image = masks['a'].astype(np.uint8) * 255
    moved, moved_masks = augment(image, masks, seed, 'x', variant)
    y, x = mask_centroid(moved_masks['a'])
    shift_y, shift_x = (y - 0.5) * 200, (x - 0.5) * 200
    assert abs(shift_y) <= 6.5 and abs(shift_x) <= 6.5
    if variant == 2:
        assert shift_y == pytest.approx(0)
    if variant == 3:
        assert shift_x == pytest.approx(0)
    # image and mask move together
    np.testing.assert_array_equal(moved > 127, moved_masks['a'])


def test_all_of_the_range_is_used():
    mask = {'a': _square(1000, slice(400, 600), slice(400, 600))}
    image = mask['a'].astype(np.uint8)
    moved = [mask_centroid(augment(image, mask, 0, str(i), 4)[1]['a']) for i in range(40)]
    shifts = (np.array(moved) - 0.5) / 0.03
    assert (shifts.min(axis=0) < -0.8).all() and (shifts.max(axis=0) > 0.8).all()
    assert abs(np.corrcoef(shifts.T)[0, 1]) < 0.5


def test_rotation_stays_within_two_degrees():
    bar = {'a': _square(401, slice(199, 202), slice(50, 351))}
    image = bar['a'].astype(np.uint8) * 255
    angles = []
    for i in range(30):
        _, masks = augment(image, bar, 0, str(i), 1)
        rows, columns = np.nonzero(masks['a'])
        angles.append(np.degrees(np.arctan(np.polyfit(columns, rows, 1)[0])))
        assert mask_centroid(masks['a']) == pytest.approx((0.5, 0.5), abs=1e-3)
    assert max(np.abs(angles)) <= 2.05
    assert min(angles) < -1.4 and max(angles) > 1.4


@pytest.mark.parametrize('variant', [1, 4])
def test_masks_of_another_size_move_with_the_image(variant):
    sample = draw_phantom(0, 1, 400)
    large = {organ: mask.repeat(3, 0).repeat(2, 1) for organ, mask in sample.masks.items()}
    _, own = augment(sample.image, sample.masks, 1, 'x', variant)
    _, enlarged = augment(sample.image, large, 1, 'x', variant)
    for organ in own:
        expected = mask_centroid(own[organ])
        # shifts are rounded to half a pixel of the smaller mask
        assert mask_centroid(enlarged[organ]) == pytest.approx(expected, abs=1.5e-3)
        assert np.hypot(*np.subtract(expected, mask_centroid(sample.masks[organ]))) > 1.5e-3


@pytest.mark.parametrize('axis', [0, 1])
def test_a_mirrored_mask_of_another_size_is_mirrored_to_the_pixel(axis):
    """Pixels are areas: the middle of a picture of 10 pixels lies at 4.5, that of a mask of 30 at 14.5."""
    mask = np.random.default_rng(0).random((20, 30)) < 0.5
    matrix = np.eye(3)[:2]
    matrix[1 - axis] = -matrix[1 - axis]
    matrix[1 - axis, 2] = 9
    np.testing.assert_array_equal(augmentation._warp_mask(mask, matrix, (10, 10)), np.flip(mask, axis))


def test_borders_are_replicated_in_the_image_and_empty_in_masks():
    image = np.full((50, 50), 90, np.uint8)
    masks = {'a': np.ones((50, 50), bool)}
    moved, moved_masks = augment(image, masks, 0, 'x', 4)
    assert (moved == 90).all()
    lost = 2500 - moved_masks['a'].sum()
    assert 0 < lost < 2500 - 47 ** 2


@pytest.mark.parametrize('dtype, level, top', [(np.uint8, 128, 255), (np.uint16, 2000, 4095),
                                               (np.uint16, 30000, 65535)])
@pytest.mark.parametrize('noise, low, high', [('variance', 1.59, 2.77), ('std', 2.55, 7.65)])
def test_noise_has_the_strength_of_its_reading_at_any_depth(dtype, level, top, noise, low, high):
    image = np.full((200, 200), level, dtype)
    spreads = []
    for i in range(30):
        noisy = add_noise(image, np.random.default_rng(i), noise)
        assert noisy.dtype == dtype
        difference = (noisy.astype(float) - image) * 255 / top
        assert abs(difference.mean()) < 0.1
        spreads.append(difference.std())
    # 0.29 = the rounding of whole grey levels
    assert 0.98 * low < min(spreads) < 1.2 * low
    assert 0.85 * high < max(spreads) < np.hypot(high, 0.29) * 1.02


def test_noise_touches_the_image_only_and_stays_in_range(sample):
    image, masks = augment(sample.image, sample.masks, 0, 'x', 5)
    assert masks is sample.masks
    assert 0.3 < (image != sample.image).mean() < 1
    dark = add_noise(np.zeros((50, 50), np.uint8), np.random.default_rng(0), 'std')
    light = add_noise(np.full((50, 50), 4095, np.uint16), np.random.default_rng(0), 'std')
    assert dark.max() < 50 and light.min() > 3500 and light.max() == 4095


def test_separate_variants_have_no_noise_and_composed_ones_all(sample):
    flat = np.full((64, 64), 100, np.uint8)
    mask = {'a': _square(64, slice(20, 40), slice(20, 40))}
    for variant in range(1, 5):
        assert (augment(flat, mask, 0, 'x', variant)[0] == 100).all()
    for variant in range(1, 6):
        image, masks = augment(flat, mask, 0, 'x', variant, mode='composed')
        assert image.std() > 1 and (masks['a'] != mask['a']).any()


def test_full_range():
    assert full_range(np.zeros((2, 2), np.uint8)) == 255
    assert full_range(np.full((2, 2), 4095, np.uint16)) == 4095
    assert full_range(np.full((2, 2), 4096, np.uint16)) == 65535


@pytest.mark.parametrize('wrong, message', [
    (dict(variant=6), 'variant: expected 0 to 5, found 6'),
    (dict(variant=1, noise='sd'), "noise: expected 'variance' or 'std', found 'sd'"),
    (dict(variant=1, mode='all'), "mode: expected 'separate' or 'composed', found 'all'"),
])
def test_errors(sample, wrong, message):
    with pytest.raises(InputError, match=message):
        augment(sample.image, sample.masks, 0, 'x', **wrong)
