"""Organ statistics of drawn label maps whose numbers are known."""
import math

import numpy as np
import pytest
from scipy import stats

from datasets.labels import CHEST, VESSELS, Code, LabelCoding
from datasets.phantom.phantom import draw_phantom
from pipelines.evaluation.organs import compare, measure

PAIR = LabelCoding('pair', ('left', 'right'),
                   (Code((), (0, 0, 0), None), Code(('left',), (1, 1, 1), 'left'),
                    Code(('right',), (2, 2, 2), 'right')), ('left', 'right'), (('left', 'right'),))


def label_map(*boxes, size=20):
    """Boxes (code, top, bottom, left, right) on an empty map."""
    drawn = np.zeros((size, size), np.uint8)
    for code, top, bottom, left, right in boxes:
        drawn[top:bottom, left:right] = code
    return drawn


def measured(*boxes):
    return {name: values[0] for name, values in measure(label_map(*boxes)[None], PAIR).items()}


def test_two_boxes_by_hand():
    found = measured((1, 4, 8, 14, 18), (2, 2, 10, 2, 6))
    assert found == pytest.approx({
        'left area': 16 / 400, 'left centroid y': 0.3, 'left centroid x': 0.8, 'left pieces': 1,
        'left once': 1, 'right area': 32 / 400, 'right centroid y': 0.3, 'right centroid x': 0.2,
        'right pieces': 1, 'right once': 1, 'left / right area ratio': 0.5,
        'left / right height difference': 0, 'left / right mirrored overlap': 0.5})


def test_mirrored_overlap_ignores_place_but_not_shape():
    # an L and its mirror image, at different heights
    mirrored = measured((1, 4, 10, 12, 14), (1, 8, 10, 12, 16), (2, 8, 14, 6, 8), (2, 12, 14, 4, 8))
    same = measured((1, 4, 10, 12, 14), (1, 8, 10, 12, 16), (2, 8, 14, 4, 6), (2, 12, 14, 4, 8))
    assert mirrored['left / right mirrored overlap'] == 1
    assert mirrored['left / right height difference'] == pytest.approx(-0.2)
    assert same['left / right mirrored overlap'] < 0.7


def test_pieces_and_specks():
    once = measured((1, 0, 10, 0, 10), (1, 15, 16, 15, 16))
    assert once['left pieces'] == 1 and once['left once'] == 1
    twice = measured((1, 0, 10, 0, 10), (1, 12, 17, 12, 17))
    assert twice['left pieces'] == 2 and twice['left once'] == 0


def test_a_missing_organ():
    found = measured((1, 4, 8, 14, 18))
    assert found['right pieces'] == 0 and found['right once'] == 0
    for name in ('right area', 'right centroid y', 'left / right area ratio',
                 'left / right mirrored overlap'):
        assert math.isnan(found[name])


def test_scattered_organs_are_measured_as_vessels_too():
    found = measure(np.stack([label_map((1, 3, 4, 0, 10)), label_map((1, 0, 20, 5, 6), (1, 8, 9, 0, 20)),
                              label_map()]), VESSELS)
    assert found['vessels length'][:2].tolist() == [10 / 20, 39 / 20] and np.isnan(found['vessels length'][2])
    assert found['vessels width'][:2].tolist() == [1 / 20, 1 / 20] and np.isnan(found['vessels width'][2])
    assert found['vessels branchings'].tolist() == [0, 1, 0]
    assert not any('branchings' in name for name in measure(label_map((1, 3, 4, 0, 10))[None], PAIR))


def test_a_phantom_has_every_organ_once_at_any_size():
    found = {}
    for size in (64, 256):
        label_maps = np.stack([CHEST.encode(draw_phantom(0, i, size).masks) for i in range(3)])
        found[size] = measure(label_maps, CHEST)
        assert all((found[size][f'{organ} once'] == 1).all() for organ in CHEST.organs)
    for name in ('heart area', 'left_lung centroid y', 'left_lung / right_lung mirrored overlap'):
        np.testing.assert_allclose(found[64][name], found[256][name], atol=0.03)
    # the patient's left is on the right of the picture
    assert (found[64]['left_lung centroid x'] > found[64]['right_lung centroid x']).all()


def test_compare_by_hand():
    real = {'area': np.array([1., 3., np.nan]), 'pieces': np.array([1., 1., 1.]),
            'gone': np.array([1., 2., 3.])}
    generated = {'area': np.array([2., 6.]), 'pieces': np.array([1., 2.]),
                 'gone': np.array([np.nan, np.nan])}
    area, pieces, gone = compare(real, generated)
    # in order, 1 moves to 2 and 3 to 6: 2 on average, twice the deviation 1
    assert area == ('area', 2, 1, 4, 2, 2)
    assert pieces[:5] == ('pieces', 1, 0, 1.5, 0.5) and math.isnan(pieces.distance)
    assert gone[:2] == ('gone', 2) and all(math.isnan(value) for value in gone[3:])


def test_compare_with_itself_and_with_other_counts():
    values = np.random.default_rng(0).normal(size=50)
    assert compare({'x': values}, {'x': np.repeat(values, 3)})[0].distance == pytest.approx(0)
    shifted = compare({'x': values}, {'x': values + 1})[0].distance
    assert shifted == pytest.approx(1 / values.std())
    assert stats.wasserstein_distance(values, values + 1) == pytest.approx(1)
