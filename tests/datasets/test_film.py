"""Film and plate: straight and slanted borders by hand, what is black beside a patient, specks, and drawn chests."""
import numpy as np
import pytest

from datasets.film import BEYOND, box_of_film, edge, film, trimmed
from datasets.fitting import Box
from datasets.phantom.phantom import draw_phantom
from datasets.phantom.second_hospital import draw_second
from datasets.sample import Sample


def grey(height=100, width=80, seed=0):
    """A picture without a black pixel but one, so that black is known."""
    image = np.random.default_rng(seed).integers(60, 255, (height, width)).astype(np.uint8)
    image[height // 2, width // 2] = 0
    return image


def test_straight_borders_are_found_line_by_line():
    image, expected = grey(), np.ones((100, 80), bool)
    assert film(image).all()
    image[:, :3], expected[:, :3] = 0, False
    image[90:], expected[90:] = np.random.default_rng(1).integers(0, 8, (10, 80)), False   # nearly the darkest
    image[0], expected[0] = 0, False
    np.testing.assert_array_equal(film(image), expected)
    np.testing.assert_array_equal(film(np.stack([image] * 3, -1)), expected)
    np.testing.assert_array_equal(film(image.astype(np.uint16) * 200), expected)


@pytest.mark.parametrize('side', range(4))
@pytest.mark.parametrize('slope', [-0.06, -0.02, 0.03, 0.08])
def test_a_slanted_border_is_cut_along_its_edge(side, slope):
    image = np.rot90(grey(240, 200), side).copy()
    turned = np.rot90(image, -side)
    beyond = np.arange(240)[:, None] < 20 + slope * (np.arange(200) - 99.5)
    turned[beyond] = 0
    found = np.rot90(film(image), -side)
    assert (found == beyond).sum() < 200                       # within a line of the edge
    assert not (beyond & found)[:5].any()


def test_the_edge_of_a_border_by_hand():
    black = np.zeros((20, 64), bool)
    black[:5] = True
    assert edge(black) == (5, 0)
    black[:15, :50] = True                                     # a black flank below it is no border
    depth, slope = edge(black)
    assert 5 <= depth < 8 and slope < 0
    black[0] = False                                           # nothing begins at the side
    assert edge(black) == (0, 0)
    assert edge(np.ones((20, 64), bool))[0] == 20


def test_black_flanks_stay_film():
    """Air beside a patient is as black as the plate, but does not reach along the whole side."""
    image = grey(120, 120)
    image[40:, :30] = image[40:, 90:] = 0
    assert film(image).all()


def test_what_is_written_on_the_plate_does_not_hide_it():
    image = grey(120, 120)
    image[100:] = 0
    image[104:110, 20:21] = image[112, 60:61] = 255            # narrower than half a part
    assert not film(image)[100:].any() and film(image)[:100].all()


def test_pictures_without_a_border_are_film():
    assert film(np.full((8, 8), 7, np.uint8)).all()
    for index in range(6):
        assert film(draw_phantom(0, index, 96).image).mean() > 0.98   # but where a name plate is as wide as it


def test_no_lung_of_the_second_hospital_lies_beyond_its_film():
    shares = []
    for index in range(12):
        sample = draw_second(1, index, 96)
        found = film(sample.image)
        assert found[sample.masks['left_lung'] | sample.masks['right_lung']].all()
        assert sample.image[~found].mean() < 8
        shares.append(1 - found.mean())
    assert min(shares) > 0.01 and max(shares) > 0.15


def test_the_box_of_a_film_loses_nothing_of_it():
    image = grey(100, 80)
    image[92:] = image[:, :4] = 0
    for column in range(80):
        image[:6 + column // 20, column] = 0                   # slanted: a wedge of it stays
    found = box_of_film(image)
    assert found.top in (5, 6) and found == Box(found.top, 4, 92 - found.top, 76)
    assert box_of_film(grey(30, 40)) == Box(0, 0, 30, 40)
    image[:80] = 0                                             # a tenth of the picture is no film with a border
    assert box_of_film(image) == Box(0, 0, 100, 80)


def test_a_sample_is_cut_with_all_that_it_brings():
    image = grey(100, 80)
    image[:10] = image[:, 70:] = 0
    mask, ignored = np.zeros((200, 160), bool), np.zeros((100, 80), bool)
    mask[20:60, 30:140] = ignored[10:12, 69] = True            # masks of twice the size
    found = trimmed(Sample('a', image, {'lung': mask}, ignored, np.stack([image // 2] * 3, -1), ('told',)))
    np.testing.assert_array_equal(found.image, image[10:, :70])
    np.testing.assert_array_equal(found.masks['lung'], mask[20:, :140])
    np.testing.assert_array_equal(found.ignored, ignored[10:, :70])
    assert found.bone_suppressed.shape == (90, 70, 3) and found.cut_from == (10, 0, 100, 80)
    assert found.told == ('told',)
    mask[19, 50] = True
    assert trimmed(Sample('a', image, {'lung': mask})).told == (BEYOND,)


def test_a_picture_without_a_border_stays_the_same_object():
    sample = Sample('a', grey(), {})
    assert trimmed(sample) is sample
