"""What a discriminator is shown: golden values by scipy and by hand, gradients, and how the probability moves."""
import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from models import discriminator_augmentation as shown

SIDE = 16
PICTURES = np.random.default_rng(0).normal(size=(3, SIDE, SIDE, 2)).astype(np.float32)


def draws_of(shift=None, scale=None, turn=None):
    """Draws in [0, 1) for changes in [-1, 1], the same of all three pictures; None = not this one."""
    whether = [0.0 if value is not None else 1.0 for value in (shift, scale, turn)]
    how = [*(shift or (0, 0)), scale or 0, turn or 0]
    return tf.constant([whether + [(value + 1) / 2 for value in how]] * 3, tf.float32)


def test_nothing_is_changed_with_probability_0():
    draws = tf.random.stateless_uniform([3, shown.DRAWS], [1, 2])
    np.testing.assert_allclose(shown.changed(tf.constant(PICTURES), draws, 0.0), PICTURES, atol=1e-5)


def test_shifts_are_whole_pixels_and_repeat_the_edge():
    found = shown.changed(tf.constant(PICTURES), draws_of(shift=(1, -0.5)), 0.5).numpy()   # 2 down, 1 to the left
    wanted = np.pad(PICTURES, [(0, 0), (2, 0), (0, 1), (0, 0)], 'edge')[:, :SIDE, 1:]
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize('scale, turn', [(1, None), (-1, None), (None, 1), (None, -0.4), (0.5, 0.7)])
def test_sizes_and_turns_are_those_of_scipy(scale, turn):
    angle, size = (turn or 0) * shown.TURN, math.exp((scale or 0) * shown.SCALE)
    matrix = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) / size
    centre = np.full(2, (SIDE - 1) / 2)
    wanted = ndimage.affine_transform(PICTURES[0, ..., 1], matrix, centre - matrix @ centre, order=1, mode='nearest')
    found = shown.changed(tf.constant(PICTURES), draws_of(scale=scale, turn=turn), 0.5).numpy()[0, ..., 1]
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_gradients_are_exact_and_reach_every_picture():
    draws = tf.random.stateless_uniform([2, shown.DRAWS], [3, 4])
    given = tf.constant(PICTURES[:2, :5, :5])
    theory, numbers = tf.test.compute_gradient(lambda x: shown.changed(x, draws, 1.0), [given])
    np.testing.assert_allclose(theory[0], numbers[0], atol=1e-3)


def test_the_probability_is_that_of_each_change_of_each_picture_by_itself():
    draws = tf.random.stateless_uniform([2000, shown.DRAWS], [5, 6])
    pictures = tf.tile(tf.constant(PICTURES[:1, :8, :8, :1]), [2000, 1, 1, 1])
    same = np.abs(shown.changed(pictures, draws, 0.3) - pictures).max(axis=(1, 2, 3)) < 1e-5
    assert same.mean() == pytest.approx(0.7 ** 3, abs=0.05)   # and so what stays is the commonest


def test_it_rises_where_real_pictures_are_known_and_falls_where_not():
    probability = shown.Probability(0.0, 0.6, images=160)
    known, unknown = tf.ones([8, 1]), tf.constant([[1.0], [-1.0]] * 4)
    assert [float(probability.observe(known)) for _ in range(3)] == [1.0] * 3 and float(probability.value) == 0
    probability.observe(known)
    assert float(probability.value) == pytest.approx(8 * 4 / 160)
    for _ in range(4):
        assert float(probability.observe(unknown)) == 0
    assert float(probability.value) == 0
    for _ in range(40):
        probability.observe(known)
    assert float(probability.value) == pytest.approx(shown.HIGHEST)


def test_without_a_target_it_stays():
    probability = shown.Probability(0.3, 0.0, images=10)
    for _ in range(8):
        probability.observe(tf.ones([8, 1]))
    assert float(probability.value) == pytest.approx(0.3)
