"""The shape model: distances by hand, what it learns of discs, and what it gives back."""
import numpy as np
import pytest
import tensorflow as tf

from models.shape_model import REACH, ShapeModel, described, distances, moved

SIDE = 32


def disc(row, column, radius):
    y, x = np.mgrid[:SIDE, :SIDE]
    return (y - row) ** 2 + (x - column) ** 2 <= radius ** 2


def bar(row, column):
    y, x = np.mgrid[:SIDE, :SIDE]
    return (abs(y - row) < 1.5) & (abs(x - column) < 6)


def model_of(masks, latent_size=4, deviations=2.0):
    made = ShapeModel(latent_size, masks.shape[-1], SIDE, deviations)
    return made, made.fit(masks)


def test_distances_by_hand():
    mask = np.zeros([8, 8], bool)
    mask[2:5, :] = True
    wanted = np.array([-1.5, -0.5, 0.5, 1.5, 0.5, -0.5, -1.5, -2.5]) / (REACH * 8)
    found = distances(mask)
    np.testing.assert_allclose(found[:, 4], np.clip(wanted, -1, 1), atol=1e-6)
    assert (found[3, 0], found[3, 7]) == (0.5, 0.5)      # beyond the frame is outside
    assert (distances(np.zeros([8, 8], bool)) == -1).all()


def test_an_outline_is_taken_about_the_middle_and_comes_back_to_its_place():
    masks = np.stack([disc(10, 20, 4), np.zeros([SIDE, SIDE], bool)], -1)
    outline, place = described(masks)
    np.testing.assert_allclose(place, [[10 / SIDE, 20 / SIDE], [15.5 / SIDE, 15.5 / SIDE]], atol=1e-6)
    rows, columns = np.nonzero(outline[..., 0] > 0)
    assert (rows.mean(), columns.mean()) == pytest.approx((15.5, 15.5), abs=0.2) and (outline[..., 1] == -1).all()
    back = moved(tf.constant(outline[None]), tf.constant(place[None])).numpy()[0]
    assert (back[..., 0] > 0)[masks[..., 0]].mean() > 0.9 and (back[..., 0] > 0).sum() < 1.1 * masks[..., 0].sum()


def test_two_shapes_are_a_mean_and_one_component_which_gives_both_back():
    masks = np.stack([np.stack([disc(16, 10, 5), bar(6, 16)], -1), np.stack([disc(16, 20, 8), bar(12, 20)], -1)])
    made, shares = model_of(masks)
    assert shares == pytest.approx([1.0])
    drawn = made(tf.constant([[1.0, 0, 0, 0], [-1.0, 0, 0, 0], [0.0, 3, 3, 3]])).numpy() > 0
    found = sorted(drawn[:2], key=lambda one: one[..., 0].sum())
    for one, real in zip(found, masks):
        overlap = (one & real).sum((0, 1)) / (one | real).sum((0, 1))
        assert (overlap > 0.85).all()
    assert masks[0, ..., 0].sum() < drawn[2, ..., 0].sum() < masks[1, ..., 0].sum()   # the mean, and nothing beside it


def test_a_thin_organ_that_moves_is_not_lost():
    rng = np.random.default_rng(0)
    masks = np.stack([np.stack([disc(16, 16, 9), bar(*rng.integers(4, 28, 2))], -1) for _ in range(8)])
    made, _ = model_of(masks)
    drawn = made(tf.random.stateless_normal([20, 4], [1, 2])).numpy() > 0
    areas = drawn[..., 1].sum((1, 2))
    assert areas.min() > 0.5 * masks[..., 1].sum((1, 2)).min()


def test_no_shape_is_farther_than_the_deviations():
    masks = np.stack([disc(16, 16, radius)[..., None] for radius in (4, 5, 6, 7, 8)])
    made, shares = model_of(masks, deviations=1.5)
    assert shares.sum() == pytest.approx(1, abs=1e-5) and (np.diff(shares) <= 0).all()
    far, limit = made(tf.constant([[9.0, 0, 0, 0], [1.5, 0, 0, 0]])).numpy()
    np.testing.assert_array_equal(far, limit)
