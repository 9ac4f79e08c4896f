"""Where a picture of any shape lies in a square."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.fitting import Box, box_of, crop, place

SIDES = st.integers(1, 5000)


@pytest.mark.parametrize('shape, size, box', [
    ((260, 300), 64, (4, 0, 55, 64)),       # 260 / 300 * 64 = 55.47
    ((300, 260), 64, (0, 4, 64, 55)),
    ((100, 100), 64, (0, 0, 64, 64)),
    ((1, 4000), 64, (31, 0, 1, 64)),        # never less than a row
    ((2, 1), 5, (0, 1, 5, 3))])             # 2.5 is rounded up
def test_by_hand(shape, size, box):
    assert box_of(*shape, size) == box
    assert box_of(*shape, size, 'stretch') == Box(0, 0, size, size)


@settings(deadline=None, max_examples=200)
@given(SIDES, SIDES, st.integers(1, 600))
def test_the_longer_side_fills_the_square_and_the_aspect_stays_within_a_pixel(height, width, size):
    box = box_of(height, width, size)
    assert max(box.height, box.width) == size
    assert 0 <= box.top and box.top + box.height <= size and 0 <= box.left and box.left + box.width <= size
    assert abs(box.height * max(height, width) - height * size) <= max(height, width)
    assert abs((size - box.height) - 2 * box.top) <= 1 and abs((size - box.width) - 2 * box.left) <= 1


def test_cropping_undoes_placing():
    picture = np.arange(24).reshape(4, 3, 2)
    box = box_of(4, 3, 4)
    square = place(picture, box, 4, fill=7)
    assert (crop(square, box) == picture).all() and (square[:, 3] == 7).all()
