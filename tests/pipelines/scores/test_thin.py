"""Scores of thin structures by hand: rates, area under the curve, centre lines, what is not known."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipelines.scores import overlap, thin
from pipelines.scores.thin import Column

EVERYWHERE = np.ones((7, 10), bool)


def masks(*boxes, shape=(7, 10)):
    """bool [1, H, W] of boxes (top, bottom, left, right)."""
    drawn = np.zeros((1, *shape), bool)
    for top, bottom, left, right in boxes:
        drawn[0, top:bottom, left:right] = True
    return drawn


def scored(measured):
    return {name: round(float(of(measured)[0]), 6) for name, of in (
        ('sensitivity', thin.sensitivity), ('specificity', thin.specificity), ('accuracy', thin.accuracy),
        ('centreline_dice', thin.centreline_dice))}


def test_rates_by_hand():
    # 70 pixels; the target has 10 (row 3), the prediction 8 of them and 2 others
    found = thin.measure(masks((3, 4, 0, 10)), masks((3, 4, 0, 8), (5, 6, 0, 2)), EVERYWHERE)
    assert found[0, :4].tolist() == [8, 2, 2, 58] and np.isnan(found[0, Column.AUC])
    assert scored(found) == {
        'sensitivity': 80, 'specificity': round(100 * 58 / 60, 6), 'accuracy': round(100 * 66 / 70, 6),
        'centreline_dice': 80}  # lines of one pixel are their own centre lines: 8 of 10 both ways
    np.testing.assert_allclose(overlap.dice(found[:, :3]), [80])


def test_only_what_is_known_counts():
    """The right half alone: what lies in the other changes nothing, and is no true negative."""
    known = EVERYWHERE.copy()
    known[:, :5] = False
    found = thin.measure(masks((3, 4, 0, 10)), masks((3, 4, 0, 8), (5, 6, 0, 2)), known)
    assert found[0, :8].tolist() == [3, 0, 2, 30, 3, 3, 3, 5]
    half = thin.measure(masks((3, 4, 5, 10)), masks((3, 4, 5, 8)), known)
    np.testing.assert_array_equal(found, half)


def test_centre_lines_weigh_branches_alike():
    """A wide vessel and a thin one as long: missing the thin one costs half of its line, and a fifth of its pixels."""
    wide, fine = (1, 6, 0, 20), (8, 9, 0, 20)
    shape = (12, 20)
    found = thin.measure(masks(wide, fine, shape=shape), masks(wide, shape=shape), np.ones(shape, bool))
    line = found[0, Column.LINE]                # of the bar, a little shorter than it
    assert 15 <= line <= 20 and found[0, Column.LINE_RIGHT] == line
    assert found[0, Column.LINE_WANTED] == line + 20 and found[0, Column.LINE_FOUND] == line
    share = line / (line + 20)
    assert thin.centreline_dice(found)[0] == pytest.approx(100 * 2 * share / (1 + share))
    assert thin.sensitivity(found)[0] == pytest.approx(100 * 100 / 120)
    wider = thin.measure(masks(fine, shape=shape), masks((7, 10, 0, 20), shape=shape), np.ones(shape, bool))
    assert thin.centreline_dice(wider)[0] == 100  # a wider vessel of the same course is right
    assert overlap.dice(wider[:, :3])[0] == pytest.approx(50)


def test_a_line_beside_the_middle_is_right_but_does_not_find_it():
    shape = (7, 20)
    found = thin.measure(masks((1, 6, 0, 20), shape=shape), masks((2, 3, 0, 20), shape=shape), np.ones(shape, bool))
    assert found[0, Column.LINE_RIGHT] == found[0, Column.LINE] == 20
    assert found[0, Column.LINE_FOUND] == 0 < found[0, Column.LINE_WANTED]
    assert thin.centreline_dice(found)[0] == 0


@pytest.mark.parametrize('target, predicted, wanted', [
    ((), (), {'sensitivity': np.nan, 'specificity': 100, 'accuracy': 100, 'centreline_dice': np.nan}),
    ((), ((0, 1, 0, 7),), {'sensitivity': np.nan, 'specificity': 90, 'accuracy': 90, 'centreline_dice': 0}),
    (((0, 1, 0, 7),), (), {'sensitivity': 0, 'specificity': 100, 'accuracy': 90, 'centreline_dice': 0}),
    (((0, 1, 0, 7),), ((6, 7, 0, 7),), {'sensitivity': 0, 'specificity': round(100 * 56 / 63, 6), 'accuracy': 80,
                                        'centreline_dice': 0})])
def test_what_is_not_there(target, predicted, wanted):
    found = scored(thin.measure(masks(*target), masks(*predicted), EVERYWHERE))
    assert found == pytest.approx(wanted, nan_ok=True)


@pytest.mark.parametrize('target, probabilities, wanted', [
    ([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], 100),
    ([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9], 0),
    ([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1], 75),          # of 4 pairs one is the wrong way round
    ([1, 1, 0, 0], [0.5, 0.5, 0.5, 0.5], 50),
    ([1, 1, 0, 0], [0.7, 0.5, 0.5, 0.1], 87.5),        # one pair of four is equal
    ([1, 0, 0], [3.0, -2.0, 5.0], 50)])
def test_area_under_the_curve_by_hand(target, probabilities, wanted):
    assert thin.roc_auc(np.array(target, bool), np.array(probabilities)) == pytest.approx(wanted)


def test_area_of_one_kind_of_pixels_is_none():
    assert np.isnan(thin.roc_auc(np.ones(3, bool), np.arange(3.0)))
    assert np.isnan(thin.roc_auc(np.zeros(3, bool), np.arange(3.0)))
    assert np.isnan(thin.roc_auc(np.zeros(0, bool), np.zeros(0)))


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(bool, 12), hnp.arrays(np.float32, 12, elements=st.sampled_from([0, 0.25, 0.5, 1])))
def test_area_is_the_share_of_pairs_in_order(target, probabilities):
    pairs = [(a > b) + (a == b) / 2 for a in probabilities[target] for b in probabilities[~target]]
    found = thin.roc_auc(target, probabilities)
    assert found == pytest.approx(100 * np.mean(pairs)) if pairs else np.isnan(found)
    if pairs:   # any rising scale gives the same
        assert thin.roc_auc(target, np.exp(3.0 * probabilities)) == pytest.approx(found)


def test_probabilities_are_of_the_known_pixels():
    known = EVERYWHERE.copy()
    known[0] = False
    target, probabilities = masks((1, 2, 0, 10)), np.zeros((1, 7, 10))
    probabilities[0, :2] = 0.9                          # high also where nobody knows
    assert thin.auc(thin.measure(target, target, known, probabilities))[0] == 100
    assert thin.auc(thin.measure(target, target, EVERYWHERE, probabilities))[0] < 100


def test_organs_and_images_side_by_side():
    target, predicted = masks((3, 4, 0, 10)), masks((3, 4, 0, 8))
    both = thin.measure(np.concatenate([target, predicted]), np.concatenate([predicted, predicted]), EVERYWHERE)
    assert both.shape == (2, 9) and thin.sensitivity(both).tolist() == [80, 100]
    images = np.stack([both, both])
    assert thin.centreline_dice(images).shape == (2, 2)
    assert thin.sensitivity(images.sum(axis=0)).tolist() == [80, 100]    # pooled


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match='expected target and prediction of one shape'):
        thin.measure(masks((0, 1, 0, 1)), np.zeros((2, 7, 10), bool), EVERYWHERE)
    with pytest.raises(ValueError, match='expected a probability of every pixel, found'):
        thin.roc_auc(np.zeros(3, bool), np.zeros(4))
    with pytest.raises(ValueError, match='expected probabilities, found NaN'):
        thin.roc_auc(np.zeros(2, bool), np.array([0, np.nan]))
