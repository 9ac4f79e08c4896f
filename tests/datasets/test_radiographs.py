"""Polarity and sides of radiographs, found in the picture, and what is told of it."""
import numpy as np
import pytest

from datasets.errors import InputError
from datasets.phantom.phantom import draw_phantom
from datasets.radiographs import by_side, check_polarity, parted, told


def test_polarity_is_that_of_lungs_against_their_surroundings():
    drawn = draw_phantom(0, 1, 96)
    check_polarity(drawn.image, drawn.masks, 'a')
    check_polarity(np.stack([drawn.image] * 3, -1), drawn.masks, 'a')  # in colours
    with pytest.raises(InputError, match='a: expected lungs darker .* the picture is inverted'):
        check_polarity(255 - drawn.image, drawn.masks, 'a')


def test_the_left_lung_lies_right():
    drawn = draw_phantom(0, 2, 64).masks
    for masks in (('left_lung', 'right_lung'), ('right_lung', 'left_lung')):
        found = by_side(*(drawn[name] for name in masks))
        assert found['left_lung'] is drawn['left_lung'] and found['right_lung'] is drawn['right_lung']


@pytest.mark.parametrize('index', range(6))
def test_both_lungs_in_one_mask_are_parted(index):
    drawn = draw_phantom(5, index, 96).masks
    found = parted(drawn['left_lung'] | drawn['right_lung'], 'a')
    for name in found:
        np.testing.assert_array_equal(found[name], drawn[name])


def test_a_slanted_chest_is_not_cut_and_specks_go_to_their_side():
    """The right lung reaches beyond the column that parts them; a piece is not cut for that."""
    lungs = np.zeros((20, 20), bool)
    lungs[2:8, 1:8], lungs[8:18, 1:11] = True, True      # the right one, below as far as column 10
    lungs[2:18, 13:19] = True
    lungs[0, 3] = lungs[0, 16] = True
    found = parted(lungs, 'a')
    right = lungs.copy()
    right[:, 12:] = False
    np.testing.assert_array_equal(found['right_lung'], right)
    np.testing.assert_array_equal(found['left_lung'], lungs & ~right)


def test_lungs_that_touch_are_cut_between_them():
    lungs = np.zeros((20, 20), bool)
    lungs[2:18, 1:9] = lungs[2:18, 12:19] = True
    lungs[10:12] |= True                                  # a bridge over all columns
    found = parted(lungs, 'a')
    assert (found['left_lung'] | found['right_lung'] == lungs).all() and not (
        found['left_lung'] & found['right_lung']).any()
    assert found['left_lung'][2:10, 12:19].all() and found['right_lung'][2:10, 1:9].all()


def test_one_lung_alone_is_refused():
    upright = np.zeros((20, 20), bool)
    upright[2:18, 4:11] = True                            # as full in the middle as anywhere: not to be cut in two
    for lung in (draw_phantom(5, 0, 96).masks['left_lung'], upright):
        with pytest.raises(InputError, match='a: expected a mask of both lungs, found one lung'):
            parted(lung, 'a')


def test_a_border_above_a_hundredth_is_told():
    image = np.random.default_rng(0).integers(60, 255, (300, 80)).astype(np.uint8)
    assert told(image) == ()
    image[298:] = 0
    assert told(image) == ()
    image[296:] = 0
    assert told(image) == told(np.stack([image] * 3, -1)) == ('a black border',)
