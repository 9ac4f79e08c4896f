"""Dots: drawing, decoding, cleaning, and what is wrong with them."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.dots import (Dot, clean_dots, decode_dots, disc_area, dots_violations, draw_dots,
                           jittered, mask_dots)
from datasets.labels import CHEST, Code, LabelCoding
from datasets.phantom.phantom import draw_phantom
from tests.datasets.test_scattered import EYE, eye

COLOUR = (1, 2, 3)
PAIR = LabelCoding('pair', ('left', 'right'),
                   (Code((), COLOUR, None), Code(('left',), COLOUR, 'left'),
                    Code(('right',), COLOUR, 'right')), ('left', 'right'), (('left', 'right'),))


def test_golden_discs():
    drawn = draw_dots([Dot('left', 0.5, 0.72), Dot('right', 0.5, 0.2)], PAIR, size=11, radius=2)
    assert drawn.dtype == np.uint8
    assert [''.join(str(v) for v in row) for row in drawn] == [
        '00000000000',
        '00000000000',
        '00000000000',
        '00200001000',
        '02220011100',
        '22222111110',
        '02220011100',
        '00200001000',
        '00000000000',
        '00000000000',
        '00000000000']


def test_disc_area():
    assert [disc_area(radius) for radius in (0, 1, 2, 3)] == [1, 5, 13, 29]


def test_mask_dots_are_centroids_in_the_order_of_the_coding():
    left, right = np.zeros((10, 20), bool), np.zeros((10, 20), bool)
    left[2:4, 15:20] = True
    right[9, 0] = True
    assert mask_dots({'right': right, 'left': left}, PAIR) == [
        Dot('left', pytest.approx(0.3), pytest.approx(0.875)),
        Dot('right', pytest.approx(0.95), pytest.approx(0.025))]


def test_later_dots_cover_earlier_ones_and_edges_cut_them():
    drawn = draw_dots([Dot('left', 0.0, 0.0), Dot('right', 0.999, 1.0)], PAIR, 8, 1)
    assert drawn[0, 0] == drawn[0, 1] == drawn[1, 0] == 1 and drawn[7, 7] == drawn[6, 7] == 2
    assert (drawn > 0).sum() == 6
    same = draw_dots([Dot('left', 0.5, 0.5), Dot('right', 0.5, 0.5)], PAIR)
    assert set(np.unique(same)) == {0, 2}


places = st.floats(0.06, 0.94)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(places, places), min_size=5, max_size=5))
def test_dots_survive_drawing_and_decoding(positions):
    dots = [Dot(organ, y, x) for organ, (y, x) in zip(CHEST.organs, positions)]
    points = np.array(positions)
    apart = np.abs(points[:, None] - points[None]).max(axis=-1) + np.eye(5)
    if apart.min() < 7 / 64:  # dots that touch are one blob
        return
    drawn = draw_dots(dots, CHEST)
    decoded = decode_dots(drawn, CHEST)
    assert [dot.organ for dot in decoded] == list(CHEST.organs)
    for dot, found in zip(dots, decoded):
        assert abs(dot.y - found.y) <= 0.5 / 64 + 1e-9 and abs(dot.x - found.x) <= 0.5 / 64 + 1e-9
    np.testing.assert_array_equal(clean_dots(drawn, CHEST), drawn)


def test_decoding_takes_the_majority_and_drops_specks():
    ragged = np.zeros((64, 64), np.uint8)
    ragged[10:14, 50:54] = 1
    ragged[10, 50:54] = 2       # a wrong rim
    ragged[14, 54] = 1          # joined over a corner
    ragged[40:43, 10:13] = 2
    ragged[60, 60:63] = 2       # three pixels: a speck
    assert decode_dots(ragged, PAIR) == [
        Dot('left', pytest.approx((11.5 * 16 + 14) / 17 / 64 + 0.5 / 64),
            pytest.approx((51.5 * 16 + 54) / 17 / 64 + 0.5 / 64)),
        Dot('right', pytest.approx(41.5 / 64), pytest.approx(11.5 / 64))]
    ragged[60, 63] = 2          # four are a quarter of a dot and count
    assert len(decode_dots(ragged, PAIR)) == 3
    assert decode_dots(ragged, PAIR, radius=1)[1].organ == 'right'


def test_cleaning_draws_whole_discs():
    ragged = np.zeros((64, 64), np.uint8)
    ragged[30:33, 40:44] = 1
    ragged[5, 5] = 2
    cleaned = clean_dots(ragged, PAIR)
    assert cleaned.shape == (64, 64) and cleaned.dtype == np.uint8
    assert (cleaned == 1).sum() == 13 and (cleaned == 2).sum() == 0
    assert clean_dots(np.zeros((32, 32), np.uint8), PAIR).max() == 0


def test_violations():
    good = [Dot('left', 0.5, 0.7), Dot('right', 0.5, 0.3)]
    assert dots_violations(draw_dots(good, PAIR), PAIR) == []
    assert dots_violations(draw_dots(good[:1], PAIR), PAIR) == ['right: expected one dot, found 0']
    assert dots_violations(draw_dots(good + [Dot('left', 0.1, 0.7)], PAIR), PAIR) == [
        'left: expected one dot, found 2']
    swapped = [Dot('left', 0.5, 0.3), Dot('right', 0.5, 0.7)]
    assert dots_violations(draw_dots(swapped, PAIR), PAIR) == ['left and right: sides swapped']
    assert len(dots_violations(np.zeros((64, 64), np.uint8), CHEST)) == 5


def test_dots_of_a_chest():
    dots = mask_dots(draw_phantom(0, 0, 256).masks, CHEST)
    code_map = draw_dots(dots, CHEST)
    assert np.bincount(code_map.ravel()).tolist() == [64 * 64 - 65, 13, 13, 13, 13, 13]
    for dot, found in zip(dots, decode_dots(code_map, CHEST)):
        assert (found.y, found.x) == pytest.approx((dot.y, dot.x), abs=0.5 / 64 + 1e-6)


def test_absent_organs_have_no_dot_and_scattered_ones_never():
    masks = {organ: EYE.organ_mask(eye(), organ) for organ in EYE.organs}
    assert [dot.organ for dot in mask_dots(masks, EYE)] == ['disc', 'lesion']
    without = {**masks, 'lesion': masks['lesion'] & False}
    assert [dot.organ for dot in mask_dots(without, EYE)] == ['disc']
    for some in (masks, without):
        assert dots_violations(draw_dots(mask_dots(some, EYE), EYE, 32, 2), EYE, 2) == []
    twice = draw_dots([Dot('disc', .2, .2), Dot('disc', .8, .8), Dot('vessels', .2, .8)], EYE, 32, 2)
    assert dots_violations(twice, EYE, 2) == ['disc: expected one dot, found 2', 'vessels: expected no dot, found 1']


def test_jittered_dots_are_others_near_by_and_the_same_for_the_same_seed():
    code_map = draw_dots([Dot('left', 0.5, 0.7), Dot('right', 0.5, 0.3)], PAIR)
    one, again, other = (jittered(code_map, PAIR, 0.05, seed) for seed in ([1, 7], [1, 7], [2, 7]))
    assert (one == again).all() and (one != code_map).any() and (one != other).any()
    for before, after in zip(decode_dots(code_map, PAIR), decode_dots(one, PAIR)):
        assert after.organ == before.organ and abs(after.y - before.y) <= 0.05 + 1 / 64 >= abs(after.x - before.x)
    assert (jittered(code_map, PAIR, 0.0, [1, 7]) == code_map).all()
    moves = [decode_dots(jittered(code_map, PAIR, 0.05, [seed]), PAIR)[0].x - 0.7 for seed in range(60)]
    assert min(moves) < -0.02 and max(moves) > 0.02
