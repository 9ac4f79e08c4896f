"""The anatomical check and the cleaning of label maps."""
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from datasets.anatomy import AnatomyRange, clean_labels, warp_labels
from datasets.errors import InputError
from datasets.labels import CHEST, Code, LabelCoding
from datasets.phantom.phantom import draw_phantom

COLOUR = (1, 2, 3)
PAIR = LabelCoding('pair', ('left', 'right'),
                   (Code((), COLOUR, None), Code(('left',), COLOUR, 'left'),
                    Code(('right',), COLOUR, 'right'), Code(('left', 'right'), COLOUR, 'left')),
                   ('left', 'right'), (('left', 'right'),))


def _map(left=(slice(30, 50), slice(60, 80)), right=(slice(30, 50), slice(20, 40))):
    label_map = np.zeros((100, 100), np.uint8)
    label_map[left], label_map[right] = 1, 2
    return label_map


def _rows(*rows):
    return np.array([[int(v) for v in row] for row in rows], np.uint8)


@pytest.fixture(scope='module')
def limits():
    return AnatomyRange.of([_map(), _map(left=(slice(30, 60), slice(60, 80)))], PAIR)


def test_golden_range(limits):
    assert limits.areas['left'] == pytest.approx((0.04 * 0.75, 0.06 * 1.25))
    assert limits.areas['right'] == pytest.approx((0.03, 0.05))
    assert limits.centroids['left'] == pytest.approx((0.35, 0.65, 0.50, 0.75))
    wide = AnatomyRange.of([_map()], PAIR, area_margin=0.5, centroid_margin=0.1)
    assert wide.areas['left'] == pytest.approx((0.02, 0.06))
    assert wide.centroids['right'] == pytest.approx((0.3, 0.2, 0.5, 0.4))


def test_an_organ_has_all_codes_that_name_it():
    both = _map()
    both[40:50, 20:40] = 3  # half of the right one is under the left one
    assert AnatomyRange.of([both], PAIR, 0, 0).areas == {
        'left': pytest.approx((0.06, 0.06)), 'right': pytest.approx((0.04, 0.04))}


def test_range_survives_json(limits):
    again = AnatomyRange.from_dict(json.loads(json.dumps(limits.to_dict())))
    assert again == limits


def test_training_maps_pass_at_any_size(limits):
    assert limits.violations(_map()) == []
    assert limits.violations(_map().repeat(3, 0).repeat(3, 1)) == []


@pytest.mark.parametrize('left, right, wrong', [
    ((slice(30, 50), slice(20, 40)), (slice(30, 50), slice(60, 80)), [
        'left: centroid y 0.40, x 0.30 outside y 0.35 to 0.50, x 0.65 to 0.75',
        'right: centroid y 0.40, x 0.70 outside y 0.35 to 0.45, x 0.25 to 0.35',
        'left and right: sides swapped']),
    ((slice(35, 45), slice(65, 75)), (slice(30, 50), slice(20, 40)),
     ['left: area 0.0100 outside 0.0300 to 0.0750']),
    ((slice(0, 0), slice(0, 0)), (slice(30, 50), slice(20, 40)), ['left: missing']),
    ((slice(30, 50), slice(55, 95)), (slice(30, 50), slice(20, 40)),
     ['left: area 0.0800 outside 0.0300 to 0.0750']),
])
def test_violations(limits, left, right, wrong):
    assert limits.violations(_map(left, right)) == wrong


def test_pieces(limits):
    broken = _map(left=(slice(30, 54), slice(60, 80)))
    broken[39, 60:80] = 0
    assert limits.violations(broken) == ['left: in pieces, the largest has 61%']
    chipped = _map()
    chipped[31, 60:80] = 0  # the rest has 95 % of what is left
    assert limits.violations(chipped) == []


def test_range_errors():
    with pytest.raises(InputError, match='organ left is missing in one'):
        AnatomyRange.of([_map(left=(slice(0, 0), slice(0, 0)))], PAIR)
    with pytest.raises(InputError, match='expected at least one with an organ, found none'):
        AnatomyRange.of([], PAIR)


def test_cleaning_removes_a_rim():
    rimmed = _rows(*['000002111111'] * 8)
    cleaned, changed = clean_labels(rimmed, PAIR)
    np.testing.assert_array_equal(cleaned, _rows(*['000000111111'] * 8))
    assert changed == 8 and cleaned.dtype == np.uint8


def test_a_pixel_keeps_its_code_in_a_tie():
    # the third column sees three pixels of each code
    striped = _rows(*['000211'] * 3)
    cleaned, _ = clean_labels(striped, PAIR, window=3, speck_area=0)
    np.testing.assert_array_equal(cleaned, striped)


def test_specks_take_what_is_around_them():
    speckled = _rows('0000000000',
                     '0200000000',
                     '0000000000',
                     '0000111111',
                     '0000111111',
                     '0002211331',
                     '0000111321',
                     '0000111111')
    cleaned, changed = clean_labels(speckled, PAIR, window=1, speck_area=0.1)
    np.testing.assert_array_equal(cleaned, _rows('0000000000',
                                                 '0000000000',
                                                 '0000000000',
                                                 '0000111111',
                                                 '0000111111',
                                                 '0000011111',
                                                 '0000111111',
                                                 '0000111111'))
    assert changed == 7


def test_specks_within_specks_are_decided_last():
    nested = np.zeros((40, 40), np.uint8)
    nested[10:15, 10:15] = 1
    nested[12, 12] = 2
    nested[11:14, 11] = 3
    cleaned, changed = clean_labels(nested, PAIR, window=1, speck_area=0.02)
    assert cleaned.max() == 0 and changed == 25


def test_nothing_but_specks_stays():
    board = (np.indices((4, 4)).sum(axis=0) % 4).astype(np.uint8)
    cleaned, changed = clean_labels(board, PAIR, window=1, speck_area=1)
    np.testing.assert_array_equal(cleaned, board)
    assert changed == 0


@settings(max_examples=40, deadline=None, derandomize=True)
@given(arrays(np.uint8, st.tuples(st.integers(5, 14), st.integers(5, 14)),
              elements=st.integers(0, 3)))
def test_majority_is_what_counting_gives(label_map):
    cleaned, changed = clean_labels(label_map, PAIR, window=3, speck_area=0)
    padded = np.pad(label_map, 1, mode='reflect')
    for y, x in np.ndindex(label_map.shape):
        votes = np.bincount(padded[y:y + 3, x:x + 3].ravel(), minlength=4)
        expected = label_map[y, x] if votes[label_map[y, x]] == votes.max() else votes.argmax()
        if (cleaned == expected)[y, x]:
            continue
        # single pixels that the filter left are specks
        around = cleaned[max(y - 1, 0):y + 2, max(x - 1, 0):x + 2]
        assert cleaned[y, x] in around and (around == expected).sum() == 0
    assert changed == (cleaned != label_map).sum()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(arrays(np.uint8, (12, 12), elements=st.integers(0, 3)), st.integers(2, 20))
def test_no_speck_is_left(label_map, least):
    from scipy import ndimage
    cleaned, changed = clean_labels(label_map, PAIR, window=1, speck_area=least / 144)

    def areas(of):
        for code in range(4):
            regions, count = ndimage.label(of == code, np.ones((3, 3)))
            yield from np.bincount(regions.ravel())[1:count + 1]

    if max(areas(label_map)) >= least:
        assert min(areas(cleaned)) >= least
    else:
        assert changed == 0
    assert set(np.unique(cleaned)) <= set(np.unique(label_map))


def test_cleaning_leaves_a_drawn_chest_almost_alone():
    for index in range(5):
        label_map = CHEST.encode(draw_phantom(0, index, 256).masks)
        cleaned, changed = clean_labels(label_map, CHEST)
        assert changed < 0.006 * label_map.size
        for organ in CHEST.organs[:3]:
            before, after = (CHEST.organ_mask(m, organ) for m in (label_map, cleaned))
            assert (before & after).sum() > 0.985 * (before | after).sum()


def test_cleaning_repairs_a_noisy_chest():
    rng = np.random.default_rng(0)
    clean = CHEST.encode(draw_phantom(0, 1, 256).masks)
    noisy = np.where(rng.random(clean.shape) < 0.15, rng.integers(0, 8, clean.shape), clean)
    cleaned, changed = clean_labels(noisy.astype(np.uint8), CHEST)
    assert (noisy != clean).mean() > 0.1
    assert (cleaned != clean).mean() < 0.01
    limits = AnatomyRange.of([clean], CHEST)
    assert limits.violations(noisy.astype(np.uint8)) and limits.violations(cleaned) == []


def test_a_warp_changes_shapes_keeps_organs_and_follows_its_seed():
    label_map = CHEST.encode(draw_phantom(0, 1, 128).masks)
    warped = [warp_labels(label_map, 0.02, [seed, 7]) for seed in (1, 1, 2)]
    assert (warped[0] == warped[1]).all() and (warped[0] != warped[2]).any()
    assert warped[0].dtype == np.uint8 and 0.01 < (warped[0] != label_map).mean() < 0.2
    assert set(np.unique(warped[0])) == set(np.unique(label_map))
    assert (warp_labels(label_map, 0.0, [1, 7]) == label_map).all()


def test_a_rim_along_the_edge_of_the_picture_is_removed():
    """As single-stage samples have: one pixel wide, the whole side long."""
    label_map = np.zeros((32, 32), np.uint8)
    label_map[8:24, 8:24] = 1
    rimmed = label_map.copy()
    rimmed[:, 0], rimmed[-1] = 2, 3
    for window in (3, 5):
        assert clean_labels(label_map, CHEST, window)[1] <= 12  # its corners
        cleaned, _ = clean_labels(rimmed, CHEST, window)
        assert not np.isin(cleaned, (2, 3)).any()
