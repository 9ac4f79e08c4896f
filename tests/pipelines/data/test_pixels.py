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
        np.testing.assert_array_equal(square[0], place(inside.numpy(), expected, size, inside.numpy().min()))
    check()


@pytest.mark.parametrize('side', [1, 2, 3, 511, 512, 2500, 40000])
def test_the_box_of_large_pictures_is_the_same_too(side):
    for other in (1, 2, side // 3 + 1, side - 1, side):
        image = tf.zeros([1, side, max(other, 1), 1]) if side < 3000 else tf.zeros([1, side, 2, 1])
        for size in (1, 377, 512, 1024):
            _, box = FITTED['pad'](image, size)
            assert tuple(map(int, box)) == box_of(*image.shape[1:3], size)
