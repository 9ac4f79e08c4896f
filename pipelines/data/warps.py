"""Resampling of pictures, by TensorFlow Addons: the only place that meets it, to be swapped here alone."""
from __future__ import annotations

import warnings

import tensorflow as tf

with warnings.catch_warnings():  # Addons announces its end of life at every import
    warnings.simplefilter('ignore')
    import tensorflow_addons as tfa


def project(pictures: tf.Tensor, matrices: tf.Tensor, interpolation: str, fill: str) -> tf.Tensor:
    """Pictures [N, H, W, C] under projective matrices [N, 8], which map output pixels to input ones.

    Args:
      interpolation: 'nearest' or 'bilinear'.
      fill: beyond the frame 'constant' zeros, or the 'nearest' edge.
    """
    return tfa.image.transform(pictures, matrices, interpolation, fill_mode=fill)


def flow(pictures: tf.Tensor, displacements: tf.Tensor) -> tf.Tensor:
    """Pictures [N, H, W, C] sampled bilinearly at each pixel minus its (y, x) displacement in px."""
    return tfa.image.dense_image_warp(pictures, displacements)
