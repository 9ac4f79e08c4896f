"""Antialiased bilinear resizing as two sparse matrix products, in plain ops: what is exported takes it.

The weights are those of `tf.image.resize(antialias=True)`: a triangle, as wide as a pixel of the coarser grid, each
row divided by its sum. TensorFlow's own op exists on the CPU alone and has no counterpart in ONNX (that of ONNX
weighs otherwise, by up to 2e-2). Positions are whole numbers here, and exact; there they are float32.
"""
from __future__ import annotations

from typing import Tuple

import tensorflow as tf


def resampled(images: tf.Tensor, height, width, is_enlarged: bool = False) -> tf.Tensor:
    """[N, H, W, C], C static -> float32 [N, height, width, C].

    Args:
      height, width: from 1 on, as all sides here at most 16,384: products of them are int32.
      is_enlarged: which axis comes first, and with it the time: rows are the faster where pictures mostly shrink,
        columns where they mostly grow. The result is the same but for rounding.
    """
    images = tf.cast(images, tf.float32)
    if is_enlarged:
        return _rows(_turned(_rows(_turned(images), width)), height)
    return _turned(_rows(_turned(_rows(images, height)), width))


def taps(before, after) -> Tuple[tf.Tensor, tf.Tensor]:
    """Of `before` pixels in a row, which count for each of `after`: places int32 [after, K] and weights float32
    [after, K]; those of a place beyond an end are 0.

    Pixel i has its middle at (2 i + 1) before and pixel j of the row at (2 j + 1) after, both in 1 / (2 after) of a
    pixel of the row; the triangle reaches 2 max(before, after) of these.
    """
    reach = 2 * tf.maximum(before, after)
    count = (reach + after - 1) // after
    middle = ((2 * tf.range(after) + 1) * before)[:, tf.newaxis]
    first = (middle - reach - after + 2 * after * count) // (2 * after) + 1 - count  # // of what is not below 0
    places = first + tf.range(count)
    weights = tf.cast(tf.maximum(reach - tf.abs((2 * places + 1) * after - middle), 0), tf.float32)
    weights = tf.where((places >= 0) & (places < before), weights, 0.0)
    return tf.clip_by_value(places, 0, before - 1), weights / tf.reduce_sum(weights, 1, keepdims=True)


def _rows(images: tf.Tensor, height) -> tf.Tensor:
    """[N, H, W, C] -> [N, height, W, C]."""
    batch, before, width = tf.unstack(tf.shape(images)[:3])
    places, weights = taps(before, tf.convert_to_tensor(height))
    rows = tf.gather(tf.reshape(images, [batch, before, width * images.shape[3]]), places, axis=1)
    return tf.reshape(tf.matmul(weights[:, tf.newaxis], rows), [batch, height, width, images.shape[3]])


def _turned(images: tf.Tensor) -> tf.Tensor:
    return tf.transpose(images, [0, 2, 1, 3])
