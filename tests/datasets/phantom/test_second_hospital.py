"""Drawn chests of the second hospital: the same anatomy, another film, a black border that no lung lies under."""
import cv2
import numpy as np
import pytest

from datasets.errors import InputError
from datasets.labels import CHEST, LUNGS
from datasets.phantom.phantom import draw_anatomy, draw_phantom, masks_of
from datasets.phantom.second_hospital import STREAM, _letters, draw_second, open_phantom_b
from datasets.radiographs import check_polarity
from datasets.readers import Request, open_dataset
from datasets.sample import check_sides

SIDES = {'bottom': (-1, slice(None)), 'top': (0, slice(None)), 'left': (slice(None), 0), 'right': (slice(None), -1)}


@pytest.fixture(scope='module')
def chests():
    return [draw_second(0, index, 96) for index in range(40)]


def lungs_of(sample):
    return sample.masks['left_lung'] | sample.masks['right_lung']


def test_is_drawn_from_seed_and_index_alone_and_is_nobody_of_the_first_hospital():
    first, again = draw_second(1, 2, 64), draw_second(1, 2, 64)
    np.testing.assert_array_equal(first.image, again.image)
    for other in (draw_second(1, 3, 64), draw_second(2, 2, 64), draw_phantom(1, 2, 64)):
        assert (lungs_of(first) != lungs_of(other)).mean() > 0.04 and first.id != other.id


@pytest.mark.parametrize('size', [8, 33, 64])
def test_lungs_and_nothing_else_at_every_size(size):
    for index in range(4):
        sample = draw_second(5, index, size)
        assert sample.image.shape == (size, size) and sample.image.dtype == np.uint8
        assert tuple(sample.masks) == LUNGS.organs and all(mask.any() for mask in sample.masks.values())
        check_sides(LUNGS, sample.masks, sample.id)


def test_same_chest_at_every_size():
    small, large = draw_second(4, 7, 64), draw_second(4, 7, 256)
    shrunk = cv2.resize(large.image, (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(float) - small.image).mean() < 4
    area = cv2.resize(lungs_of(large).astype(np.float32), (64, 64), interpolation=cv2.INTER_AREA) >= 0.5
    assert (area & lungs_of(small)).sum() > 0.96 * (area | lungs_of(small)).sum()


def test_one_to_three_sides_are_black_and_no_lung_is(chests):
    black = [[(sample.image[where] == 0).mean() > 0.5 for where in SIDES.values()] for sample in chests]
    assert {sum(of_one) for of_one in black} == {1, 2, 3}
    assert all(np.mean(side) > 0.15 for side in zip(*black)), 'each side is in some'
    for sample in chests:
        assert sample.image[lungs_of(sample)].min() > 0


def test_a_lung_ends_where_the_heart_begins():
    """As the label maps of the first hospital have it, whose later codes hide what lies behind."""
    organs = masks_of(draw_anatomy(np.random.default_rng([0, 3, STREAM])), 128)
    found = draw_second(0, 3, 128).masks['left_lung']
    assert (organs['left_lung'] & organs['heart']).any()
    np.testing.assert_array_equal(found, CHEST.organ_mask(CHEST.encode(organs), 'left_lung'))


def test_lungs_are_darker_than_what_surrounds_them(chests):
    for sample in chests:
        check_polarity(sample.image, sample.masks, sample.id)


def test_letters_are_burnt_in_above():
    drawn = _letters(np.random.default_rng(0), 128)
    assert drawn[:26, :32].max() > 0.7 and drawn[:26, 96:].max() > 0.7 and not drawn[26:].any()


def test_is_a_row_without_files():
    dataset = open_dataset('phantom_b', Request(None, 'test', count=3, size=32))
    assert dataset.coding is LUNGS and dataset.name == 'phantom_b_test' and not dataset.files(dataset.ids[0])
    assert dataset.load(dataset.ids[2]).id == dataset.ids[2] == 'phantom_b_0_1000002'
    assert not set(dataset.ids) & set(open_dataset('phantom_b', Request(None, 'train', count=3, size=32)).ids)


def test_errors():
    with pytest.raises(InputError, match='pictures of phantom_b have no files to name'):
        open_dataset('phantom_b', Request(None, 'train', ['a']))
    with pytest.raises(InputError, match='phantom_b count: expected 1 to 1000000, found 0'):
        open_phantom_b('train', 0, 64, 0)
    with pytest.raises(InputError, match='bone_suppressed: expected a data set with bone-suppressed pictures'):
        open_dataset('phantom_b', Request(None, 'train', count=1, bone_suppressed=True))
    with pytest.raises(InputError, match='size: expected at least 8 pixels, found 4'):
        draw_second(0, 0, 4)
