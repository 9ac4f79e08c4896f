"""What segmenters share, against loops and by hand."""
import numpy as np
import pytest
import tensorflow as tf

from models.segmenters.layers import (batch_norm, check_sides, dropouts, pool_with_positions, resize, scaled,
                                      unpool)


def pooled_by_loops(x):
    """-> maxima, and {(n, row, column, channel) of each maximum: its value}; the first of equal ones, row by row."""
    count, height, width, channels = x.shape
    rows, columns = -(-height // 2), -(-width // 2)
    maxima, places = np.zeros([count, rows, columns, channels], x.dtype), {}
    for n, i, j, c in np.ndindex(maxima.shape):
        window = [(r, s) for r in (2 * i, 2 * i + 1) for s in (2 * j, 2 * j + 1) if r < height and s < width]
        best = max(window, key=lambda place: x[n, place[0], place[1], c])  # max keeps the first
        maxima[n, i, j, c], places[n, best[0], best[1], c] = x[n, best[0], best[1], c], (n, i, j, c)
    return maxima, places


@pytest.mark.parametrize('height, width', [(4, 6), (5, 7), (1, 1), (3, 2)])
def test_pool_and_unpool_with_many_ties_at_any_size(height, width):
    x = np.random.default_rng(0).integers(-1, 2, [2, height, width, 3]).astype(np.float32)
    maxima, places = pooled_by_loops(x)
    values = 1 + np.arange(maxima.size, dtype=np.float32).reshape(maxima.shape)
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        pooled, kept = pool_with_positions(given)
        weighted = tf.reduce_sum(pooled * values)
    np.testing.assert_array_equal(pooled, maxima)
    spread, gradient = np.zeros_like(x), np.zeros_like(x)
    for place, source in places.items():
        spread[place], gradient[place] = values[source], values[source]
    np.testing.assert_array_equal(unpool(tf.constant(values), kept, height, width), spread)
    np.testing.assert_array_equal(tape.gradient(weighted, given), gradient)


def test_aligned_and_half_pixel_resizing_by_hand():
    row = tf.constant([0.0, 3.0])[None, None, :, None]
    np.testing.assert_allclose(resize(row, 1, 4, True)[0, 0, :, 0], [0, 1, 2, 3], atol=1e-6)
    np.testing.assert_allclose(resize(row, 1, 4, False)[0, 0, :, 0], [0, 0.75, 2.25, 3], atol=1e-6)
    assert resize(tf.cast(row, tf.float16), 2, 2).dtype == tf.float16


def test_each_dropout_of_a_call_has_noise_of_its_own_and_of_each_sample():
    keys, x = tf.constant([[1, 2], [3, 4]]), tf.ones([2, 8, 8, 4])
    first, second = (lambda drop: (drop(x, 0.5).numpy(), drop(x, 0.5).numpy()))(dropouts(keys, True))
    assert not np.array_equal(first, second) and not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(dropouts(keys[1:], True)(x[1:], 0.5), first[1:])
    assert abs(first.mean() - 1) < 0.2 and set(np.unique(first)) == {0.0, 2.0}
    for drop in (dropouts(None, True), dropouts(keys, False)):
        np.testing.assert_array_equal(drop(x, 0.5), x)


def test_batch_norm_stores_a_tenth_of_the_unbiased_variance():
    norm, x = batch_norm(shift=0.5), np.random.default_rng(0).normal(size=[2, 2, 1, 3]).astype(np.float32)
    y = norm(tf.constant(x), training=True)
    np.testing.assert_allclose(norm.moving_variance, 0.9 + 0.1 * x.var((0, 1, 2), ddof=1), rtol=1e-5)
    np.testing.assert_allclose(norm.moving_mean, 0.1 * x.mean((0, 1, 2)), rtol=1e-4)
    np.testing.assert_allclose(y, (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5) + 0.5, atol=1e-5)


def test_scaled():
    assert [scaled(64, width) for width in (1.0, 0.3, 0.01)] == [64, 16, 8]
    assert scaled(256, 0.01, 16) == 16


@pytest.mark.parametrize('sides, rule, message', [
    ((33, 64), (32, 32), 'divisible by 32 for it, found 33 x 64'),
    ((187, 300), (1, 188), 'from 188 px on for it, found 187 x 300'), ((0, None), (16, 16), 'found 0 x None')])
def test_sides_are_refused_in_one_line(sides, rule, message):
    with pytest.raises(ValueError, match=message) as error:
        check_sides('it', sides, *rule)
    assert '\n' not in str(error.value)
    check_sides('it', (None, 2 * max(rule)), *rule)
