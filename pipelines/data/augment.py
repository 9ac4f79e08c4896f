"""Random changes of pictures and label maps while training, keyed by sample."""
from __future__ import annotations

import math
from typing import Sequence

import tensorflow as tf

from pipelines.data import warps
from pipelines.runtime import keyed

ELASTIC_GRID = 5  # [ours] random displacements a side, smoothly joined


def augment(images: tf.Tensor, labels: Sequence[tf.Tensor], keys: tf.Tensor, how):
    """Warps pictures and label maps alike; tone and noise change the pictures only.

    Args:
      images: float32 [N, H, W, C], any scale. labels: maps of codes [N, H, W] each.
      how: a plan.augmentation.Augmentation.

    Returns:
      (images, [labels]), see `moved`.
    """
    images, labels = moved(images, labels, keys, how)
    return noised(toned(images, keys, how), keys, how), labels


def moved(images: tf.Tensor, labels: Sequence[tf.Tensor], keys: tf.Tensor, how):
    """What `augment` does to where things are; any number of channels move alike.

    Returns:
      (images, [labels]). Outside the frame pictures repeat their edge; label maps are background, but
      repeat theirs in an elastic warp.
    """
    if how.flip:
        chosen = keyed.uniform(keys, keyed.FLIP, [1]) < how.flip
        images, *labels = [_mirrored(values, chosen) for values in (images, *labels)]
    if how.rotation or how.shift or how.scale:
        height, width = images.shape[1:3]
        matrices = _affine(keyed.uniform(keys, keyed.AFFINE, [4]) * 2 - 1, height, width, how)
        images = warps.project(images, matrices, 'bilinear', 'nearest')
        labels = [tf.cast(warps.project(l[..., None], matrices, 'nearest', 'constant')[..., 0], l.dtype)
                  for l in labels]
    if how.elastic:
        images, labels = warp(images, labels, how.elastic * keyed.normal(
            keys, keyed.ELASTIC, [ELASTIC_GRID, ELASTIC_GRID, 2]))
    return images, labels


def toned(images: tf.Tensor, keys: tf.Tensor, how) -> tf.Tensor:
    """What `augment` does to tone: the exponent is the sample's, for any picture of it; its range stays."""
    if how.gamma:
        low = tf.reduce_min(images, axis=[1, 2, 3], keepdims=True)
        span = tf.reduce_max(images, axis=[1, 2, 3], keepdims=True) - low + 1e-6
        exponent = tf.exp(how.gamma * (keyed.uniform(keys, keyed.TONE, [1, 1, 1]) * 2 - 1))
        images = low + span * ((images - low) / span) ** exponent
    return images


def noised(images: tf.Tensor, keys: tf.Tensor, how) -> tf.Tensor:
    """What `augment` adds."""
    if how.noise:
        size = how.noise * keyed.uniform(keys, keyed.NOISE_STRENGTH, [1, 1, 1])
        images += size * keyed.normal(keys, keyed.NOISE, images.shape[1:]) * tf.math.reduce_std(
            images, axis=[1, 2, 3], keepdims=True)
    return images


def warp(images: tf.Tensor, labels: Sequence[tf.Tensor], displacements: tf.Tensor):
    """Moves pictures and label maps by a smooth field; beyond the frame both repeat their edge.

    Args:
      displacements: [N, g, g, 2], (y, x) as shares of the sides, on a coarse grid.
    """
    height, width = images.shape[1:3]
    flow = tf.image.resize(displacements, [height, width], 'bicubic') * [float(height), float(width)]
    grid = tf.stack(tf.meshgrid(tf.range(height), tf.range(width), indexing='ij'), -1)
    nearest = tf.round(tf.cast(grid, tf.float32) - flow)
    at = tf.cast(tf.clip_by_value(nearest, 0.0, [height - 1.0, width - 1.0]), tf.int32)
    return (warps.flow(images, flow),
            [tf.gather_nd(label, at, batch_dims=1) for label in labels])


def _mirrored(values: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """[N, H, W, ...] with left and right changed where `chosen` [N, 1] says so."""
    return tf.where(tf.reshape(chosen, [-1] + [1] * (values.shape.rank - 1)), tf.reverse(values, [2]), values)


def _affine(draws: tf.Tensor, height: int, width: int, how) -> tf.Tensor:
    """Draws in [-1, 1], [N, 4] -> projective matrices [N, 8] that turn and scale about the centre."""
    angle = draws[:, 0] * how.rotation * math.pi / 180
    scale = tf.exp(draws[:, 1] * tf.math.log1p(how.scale))
    cosine, sine = tf.cos(angle) / scale, tf.sin(angle) / scale
    x, y = (width - 1) / 2, (height - 1) / 2
    shift_x, shift_y = draws[:, 2] * how.shift * width, draws[:, 3] * how.shift * height
    zeros = tf.zeros_like(angle)
    return tf.stack([cosine, -sine, x - x * cosine + y * sine + shift_x,
                     sine, cosine, y - x * sine - y * cosine + shift_y, zeros, zeros], axis=-1)


def random_crop(images: tf.Tensor, labels: tf.Tensor, keys: tf.Tensor, size: int):
    """[N, H, W, 1] and [N, H, W] -> the same random window of side `size` from each pair."""
    return random_window(images, keys, size), random_window(labels, keys, size)


def random_window(pictures: tf.Tensor, keys: tf.Tensor, size: int) -> tf.Tensor:
    """Of each of [N, H, W, ...] the window of side `size` that its key says, of anything of that sample the same."""
    height, width = pictures.shape[1:3]
    draws = keyed.uniform(keys, keyed.CROP, [2])
    top = tf.cast(draws[:, 0] * (height - size + 1), tf.int32)
    left = tf.cast(draws[:, 1] * (width - size + 1), tf.int32)
    picked = tf.gather(pictures, top[:, None] + tf.range(size), axis=1, batch_dims=1)
    return tf.gather(picked, left[:, None] + tf.range(size), axis=2, batch_dims=1)
