"""Centre lines: drawn shapes by hand, and what any shape keeps."""
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from datasets.skeleton import neighbours, skeleton


def drawn(*rows):
    return np.array([[letter == '#' for letter in row] for row in rows])


@pytest.mark.parametrize('shape', [
    drawn('#'), drawn('####'), drawn('#..', '.#.', '..#'), drawn('.#.', '#.#', '.#.'), np.zeros((3, 4), bool),
    drawn('..#..', '..#..', '#####', '..#..', '..#..')])
def test_lines_of_one_pixel_stay(shape):
    np.testing.assert_array_equal(skeleton(shape), shape)


def test_a_ring_loses_its_corners_and_stays_a_ring():
    np.testing.assert_array_equal(skeleton(drawn('###', '#.#', '###')), drawn('.#.', '#.#', '.#.'))


def test_a_bar_is_worn_to_its_middle():
    bar = np.zeros((7, 25), bool)
    bar[2:5, 2:23] = True
    found = skeleton(bar)
    rows, columns = np.nonzero(found)
    assert (rows == 3).all() and columns.min() in (2, 3) and columns.max() in (21, 22)
    assert len(columns) == columns.max() - columns.min() + 1


def test_a_square_of_four_is_not_worn_away():
    assert skeleton(np.ones((2, 2), bool)).sum() == 1
    assert skeleton(np.ones((9, 9), bool)).sum() == 1


def test_the_edge_of_the_picture_is_no_neighbour():
    inner = np.zeros((12, 12), bool)
    inner[1:-1, 1:-1] = np.random.default_rng(0).random((10, 10)) < 0.7
    np.testing.assert_array_equal(skeleton(inner)[1:-1, 1:-1], skeleton(inner[1:-1, 1:-1]))


def count(mask, connectivity):
    return cv2.connectedComponents(np.pad(mask.astype(np.uint8), 1), connectivity=connectivity)[0]


@settings(max_examples=80, deadline=None)
@given(hnp.arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14))))
def test_pieces_and_holes_stay_and_nothing_more_can_go(mask):
    found = skeleton(mask)
    assert not (found & ~mask).any()
    assert count(found, 8) == count(mask, 8)
    outside, before = (np.pad(~one, 1, constant_values=True) for one in (found, mask))
    assert count(outside, 4) == count(before, 4)
    np.testing.assert_array_equal(skeleton(found), found)


def test_codes_of_neighbours():
    # the one above is bit 0, then clockwise
    assert neighbours(drawn('##', '.#')).tolist() == [1 << 2 | 1 << 3, 1 << 4 | 1 << 6, 1 << 0 | 1 << 7]
