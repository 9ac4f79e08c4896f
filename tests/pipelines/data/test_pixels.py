"""Pixels of the graph against those of records."""
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.fitting import FITS, box_of, place
from pipelines.data import pixels

FITTED = {fit: tf.function(lambda images, size, fit=fit: pixels.fitted(images, size, fit), input_signature=[
    tf.TensorSpec([1, None, None, 1]), tf.TensorSpec([], tf.int32)]) for fit in FITS}


@pytest.mark.parametrize('fit', FITS)
def test_a_served_picture_lies_in_the_square_where_that_of_a_record_lies(fit):
    @settings(deadline=None, max_examples=150)
    @given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 80))
    def check(height, width, size):
        image = tf.random.stateless_uniform([1, height, width, 1], [height, width], 5, 200)
        square, box = FITTED[fit](image, size)
        expected = box_of(height, width, size, fit)
        assert tuple(map(int, box)) == expected
        inside = pixels.resize(image[0], expected.height, expected.width)
        np.testing.assert_allclose(square[0], place(inside.numpy(), expected, size, inside.numpy().min()), atol=0.02)
    check()


@pytest.mark.parametrize('side', [1, 2, 3, 511, 512, 2500, 40000])
def test_the_box_of_large_pictures_is_the_same_too(side):
    for other in (1, 2, side // 3 + 1, side - 1, side):
        image = tf.zeros([1, side, max(other, 1), 1]) if side < 3000 else tf.zeros([1, side, 2, 1])
        for size in (1, 377, 512, 1024):
            _, box = FITTED['pad'](image, size)
            assert tuple(map(int, box)) == box_of(*image.shape[1:3], size)


def test_tone_is_matched_by_rank():
    """By hand: ranks 0, 1, 2, 3 of 4 pixels on a curve that rises from 10 to 40; equal pixels share their middle rank."""
    curve = np.linspace(10, 40, pixels.TONES)
    made = pixels.with_tone(np.array([7, -3, 99, 8], np.float32).reshape(1, 2, 2, 1), curve)
    np.testing.assert_allclose(made[0, ..., 0], [[20, 10], [40, 30]], rtol=1e-5)
    made = pixels.with_tone(np.array([0, 0, 0, 5], np.float32).reshape(1, 2, 2, 1), curve)
    np.testing.assert_allclose(made[0, ..., 0], [[20, 20], [20, 40]], rtol=1e-5)


def test_a_picture_has_its_own_tone_and_takes_that_of_another_whatever_its_contrast():
    rng = np.random.default_rng(0)
    own, other = (rng.gamma(shape, size=(1, 64, 64, 1)).astype(np.float32) for shape in (2.0, 7.0))
    assert np.abs(pixels.with_tone(own, pixels.tones(own[0])) - own).mean() < 0.01
    curve = pixels.tones(other[0]).numpy()
    made = pixels.with_tone(own, curve).numpy()
    np.testing.assert_allclose(np.quantile(made, (.1, .5, .9)), np.quantile(other, (.1, .5, .9)), rtol=0.03)
    assert (np.diff(made.ravel()[np.argsort(own.ravel())]) >= -1e-5).all()
    np.testing.assert_allclose(pixels.with_tone(np.exp(own), curve), made, atol=1e-4)


def test_several_pictures_are_stretched_each_by_itself():
    rng = np.random.default_rng(1)
    some = rng.uniform(0, 255, (3, 16, 16, 1)).astype(np.float32) * np.array([1, 9, .1], np.float32)[:, None, None, None]
    together = pixels.stretch(some)
    for one, alone in zip(together, some):
        np.testing.assert_array_equal(one, pixels.stretch(alone))
