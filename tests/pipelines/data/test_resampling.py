"""The sparse resize against the plain formula, against TensorFlow's, and by hand."""
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data.resampling import resampled, taps

TAPS = tf.function(taps, input_signature=[tf.TensorSpec([], tf.int32)] * 2)
SPEC = [tf.TensorSpec([None, None, None, 2]), tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int32)]
RESAMPLED = {order: tf.function(lambda x, height, width, order=order: resampled(x, height, width, order),
                                input_signature=SPEC) for order in (False, True)}


def dense(before, after):
    """The matrix float64 [after, before] by its formula: a triangle as wide as a pixel of the coarser grid."""
    ratio = before / after
    distance = np.arange(before) + 0.5 - (np.arange(after)[:, None] + 0.5) * ratio
    weights = np.maximum(0, 1 - np.abs(distance) / max(ratio, 1))
    return weights / weights.sum(1, keepdims=True)


def matrix(before, after):
    places, weights = (value.numpy() for value in TAPS(before, after))
    found = np.zeros([after, before])
    np.add.at(found, (np.arange(after)[:, None], places), weights)
    return found


def test_by_hand():
    np.testing.assert_allclose(matrix(4, 2), np.array([[3, 3, 1, 0], [0, 1, 3, 3]]) / 7, atol=1e-7)
    np.testing.assert_allclose(matrix(2, 4), [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]], atol=1e-7)
    np.testing.assert_array_equal(matrix(5, 5), np.eye(5))


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 400), st.integers(1, 400))
def test_the_weights_are_those_of_the_formula(before, after):
    np.testing.assert_allclose(matrix(before, after), dense(before, after), atol=1e-6)


def test_the_largest_sides_do_not_overflow():
    assert np.abs(matrix(16384, 3) - dense(16384, 3)).max() < 1e-9
    places, weights = TAPS(16384, 16384)
    assert (places.numpy()[weights.numpy() > 0] == np.arange(16384)).all()


@pytest.mark.parametrize('order', [False, True])
@pytest.mark.parametrize('sides', [(70, 55, 48, 38), (48, 38, 130, 103), (33, 90, 90, 33), (1, 7, 5, 1), (300, 4, 7, 4)])
def test_pictures_become_those_of_tensorflow(order, sides):
    """Each by itself: two in a batch, two channels."""
    image = np.random.default_rng(0).normal(size=(2, *sides[:2], 2)).astype(np.float32)
    found = RESAMPLED[order](image, *sides[2:])
    np.testing.assert_allclose(found, tf.image.resize(image, sides[2:], antialias=True), atol=3e-5)
    wanted = np.einsum('yh,nhwc,xw->nyxc', dense(sides[0], sides[2]), image, dense(sides[1], sides[3]))
    np.testing.assert_allclose(found, wanted, atol=2e-6)
