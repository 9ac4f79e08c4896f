"""Resampling of pictures: by TensorFlow Addons where it is installed, else by the same sums written out.

The only place that meets Addons, which ended with TensorFlow 2.15; both ways give the same bits there.
"""
from __future__ import annotations

import importlib.util
import warnings

import tensorflow as tf

HAS_ADDONS = importlib.util.find_spec('tensorflow_addons') is not None

if HAS_ADDONS:
    with warnings.catch_warnings():  # it announces its end of life at every import
        warnings.simplefilter('ignore')
        import tensorflow_addons as tfa


def project(pictures: tf.Tensor, matrices: tf.Tensor, interpolation: str, fill: str) -> tf.Tensor:
    """Pictures [N, H, W, C] under projective matrices [N, 8], which map output pixels to input ones.

    Args:
      interpolation: 'nearest' or 'bilinear'.
      fill: beyond the frame 'constant' zeros, or the 'nearest' edge.
    """
    if HAS_ADDONS:
        return tfa.image.transform(pictures, matrices, interpolation, fill_mode=fill)
    return own_project(pictures, matrices, interpolation, fill)


def flow(pictures: tf.Tensor, displacements: tf.Tensor) -> tf.Tensor:
    """Pictures [N, H, W, C] sampled bilinearly at each pixel minus its (y, x) displacement in px."""
    if HAS_ADDONS:
        return tfa.image.dense_image_warp(pictures, displacements)
    return own_flow(pictures, displacements)


def own_project(pictures: tf.Tensor, matrices: tf.Tensor, interpolation: str, fill: str) -> tf.Tensor:
    """`project` without Addons."""
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pictures, transforms=matrices, output_shape=tf.shape(pictures)[1:3], fill_value=0.0,
        interpolation=interpolation.upper(), fill_mode=fill.upper())


def own_flow(pictures: tf.Tensor, displacements: tf.Tensor) -> tf.Tensor:
    """`flow` without Addons: the four pixels around each place, weighted; beyond the frame its edge."""
    height, width = pictures.shape[1:3]
    grid = tf.stack(tf.meshgrid(tf.range(height), tf.range(width), indexing='ij'), -1)
    places = tf.cast(grid, displacements.dtype) - displacements
    corner = tf.clip_by_value(tf.floor(places), 0.0, [height - 2.0, width - 2.0])
    down, right = tf.split(tf.cast(tf.clip_by_value(places - corner, 0.0, 1.0), pictures.dtype), 2, axis=-1)
    at = tf.cast(corner, tf.int32)

    def pixel(row: int, column: int) -> tf.Tensor:
        return tf.gather_nd(pictures, at + [row, column], batch_dims=1)

    top = right * (pixel(0, 1) - pixel(0, 0)) + pixel(0, 0)
    bottom = right * (pixel(1, 1) - pixel(1, 0)) + pixel(1, 0)
    return down * (bottom - top) + top
