"""Styles: where their numbers go, that normalisation leaves them, and what mode seeking is worth by hand."""
import numpy as np
import pytest
import tensorflow as tf

from models.pix2pixhd.networks import GlobalGenerator
from models.pix2pixhd.style import mode_seeking, with_style


def test_a_grid_is_spread_over_its_own_picture():
    source = tf.reshape(tf.range(60, dtype=tf.float32), [2, 5, 3, 2])
    found = with_style(source, tf.constant([[[0.0, 2], [4, 6]], [[1, 1], [1, 1]]])).numpy()
    np.testing.assert_array_equal(found[..., :2], source)
    np.testing.assert_allclose(found[0, ..., 2], [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6]])
    np.testing.assert_array_equal(found[1, ..., 2], 1)
    assert with_style(tf.cast(source, tf.float16), tf.ones([2, 2, 2])).dtype == tf.float16


def test_normalisation_does_not_take_a_style_away():
    """As it takes away a number that is the same all over."""
    source = tf.random.stateless_normal([1, 16, 16, 2], [1, 2])
    generator = GlobalGenerator(3, 1, ngf=4, downsamplings=1, blocks=1, seed=3)

    def apart(one, other):
        return float(tf.reduce_max(tf.abs(generator(with_style(source, one)) - generator(with_style(source, other)))))

    grid = tf.random.stateless_normal([1, 4, 4], [3, 4])
    assert apart(grid, -grid) > 0.01 > 1e-4 > apart(tf.ones([1, 4, 4]), -tf.ones([1, 4, 4]))


def test_mode_seeking_is_one_over_pictures_apart_for_styles_apart():
    """Pictures 0.5 apart of styles 2 apart: 0.25, so 1 / (0.25 + 1e-5); float16 is no matter."""
    ones, styles = tf.ones([2, 4, 4, 1]), tf.zeros([2, 3, 3])
    assert float(mode_seeking(ones, 0.5 * ones, styles, styles - 2)) == pytest.approx(3.99984, rel=1e-6)
    half = tf.cast(ones, tf.float16)
    assert float(mode_seeking(half, half / 2, styles, styles - 2)) == pytest.approx(3.99984, rel=1e-6)
    assert float(mode_seeking(ones, ones, styles, styles - 2)) == pytest.approx(1e5)
