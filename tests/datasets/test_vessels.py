"""Vessels in numbers: drawn trees by hand, and a drawn retina."""
import numpy as np
import pytest

from datasets.vessels import LEAVING, line_length, measure, num_branchings
from tests.retinas import drawn_once


def drawn(*rows):
    return np.array([[letter == '#' for letter in row] for row in rows])


@pytest.mark.parametrize('lines, length', [
    (drawn('#'), 1), (drawn('#####'), 5), (drawn('#', '#', '#'), 3),
    (drawn('#..', '.#.', '..#'), 1 + 2 * np.sqrt(2)), (drawn('..#', '.#.', '#..'), 1 + 2 * np.sqrt(2)),
    (drawn('#..', '##.', '.##'), 5),                       # in steps: no corner is cut
    (drawn('##.', '..#'), 2 + np.sqrt(2)),
    (drawn('#.#', '...'), 2),                              # two pieces of one pixel
    (np.zeros((2, 3), bool), 0)])
def test_length_by_hand(lines, length):
    assert line_length(lines) == pytest.approx(length)
    assert line_length(lines.T) == pytest.approx(length)


@pytest.mark.parametrize('lines, branchings', [
    (drawn('#####'), 0), (drawn('#....', '.####'), 0), (np.zeros((2, 2), bool), 0),
    (drawn('#######', '...#...', '...#...'), 1),
    (drawn('..#..', '..#..', '#####', '..#..', '..#..'), 1),            # a crossing is one
    (drawn('#...#', '.#.#.', '..#..', '..#..'), 1),
    (drawn('#########', '..#...#..', '..#...#..'), 2)])
def test_branchings_by_hand(lines, branchings):
    assert num_branchings(lines) == branchings
    assert num_branchings(lines[::-1]) == branchings and num_branchings(lines.T) == branchings


def test_lines_that_leave_a_pixel():
    assert LEAVING[0] == 0 and LEAVING[255] == 0
    assert LEAVING[0b00000111] == 1 and LEAVING[0b10000001] == 1     # neighbours side by side are one line
    assert LEAVING[0b01010101] == 4 and LEAVING[0b00010001] == 2


def test_a_line_of_one_pixel_by_hand():
    mask = np.zeros((10, 20), bool)
    mask[4, 2:12] = True
    found = measure(mask)
    assert found == (10 / 200, 1, 10, 0)
    field = np.zeros_like(mask)
    field[:, 4:] = True                                              # 160 pixels, 8 of the line
    assert measure(mask, field) == (8 / 160, 1, 8, 0)


@pytest.mark.parametrize('width', [1, 3, 5, 8])
def test_the_width_of_a_bar(width):
    """Its centre line is shorter by up to its width: 200 px are long against that."""
    mask = np.zeros((20, 210), bool)
    mask[5:5 + width, 5:205] = True
    found = measure(mask)
    assert found.width == pytest.approx(width, rel=0.05) and found.branchings == 0
    assert 200 - width <= found.length <= 200


def test_no_vessels():
    found = measure(np.zeros((8, 8), bool))
    assert found[0] == found.length == found.branchings == 0 and np.isnan(found.width)


def test_a_drawn_retina_at_two_sizes():
    small, large = (measure(drawn.masks['vessels'], ~drawn.ignored)
                    for drawn in (drawn_once(1, 2, 384), drawn_once(1, 2, 576)))
    assert large.share == pytest.approx(small.share, rel=0.1) and 0.06 < large.share < 0.16
    assert large.length == pytest.approx(1.5 * small.length, rel=0.1)
    assert large.width == pytest.approx(1.5 * small.width, rel=0.1)
    assert 60 < small.branchings < 300 and large.branchings == pytest.approx(small.branchings, rel=0.2)
