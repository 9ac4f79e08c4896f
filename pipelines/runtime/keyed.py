"""Random numbers addressed by sample: a function of (stage seed, sample number, use), nothing else.

Sample number k of a training run is step * batch size + position, so a resumed run, and one spread
over several devices, draws the same numbers as an undisturbed one on a single device.
"""
from __future__ import annotations

import warnings
from typing import Sequence

import tensorflow as tf

with warnings.catch_warnings():  # Addons announces its end of life at every import
    warnings.simplefilter('ignore')
    import tensorflow_addons as tfa  # the only use of Addons: to be swapped here alone

# uses: every independent draw for one sample has its own number
LATENT, LATENT_GENERATOR, MIXING, AFFINE, TONE, NOISE, CROP, POOL, ELASTIC = range(9)
NOISE_STRENGTH = 104
ELASTIC_GRID = 5  # [ours] random displacements a side, smoothly joined


def sample_keys(seed: int, numbers: tf.Tensor) -> tf.Tensor:
    """Sample numbers [N] -> keys int32 [N, 2]."""
    numbers = tf.cast(numbers, tf.int32)
    return tf.stack([tf.fill(tf.shape(numbers), seed), numbers], axis=-1)


def _per_sample(draw, keys: tf.Tensor, use: int, shape: Sequence[int]) -> tf.Tensor:
    numbers = tf.map_fn(lambda key: draw(shape, tf.random.experimental.stateless_fold_in(key, use)),
                        keys, fn_output_signature=tf.float32)
    return tf.ensure_shape(numbers, [keys.shape[0], *shape])


def normal(keys: tf.Tensor, use: int, shape: Sequence[int]) -> tf.Tensor:
    """Standard normal numbers float32 [N, *shape]."""
    return _per_sample(tf.random.stateless_normal, keys, use, shape)


def uniform(keys: tf.Tensor, use: int, shape: Sequence[int]) -> tf.Tensor:
    """Numbers in [0, 1), float32 [N, *shape]."""
    return _per_sample(tf.random.stateless_uniform, keys, use, shape)


def shuffled(numbers: tf.Tensor, count: int, seed: int) -> tf.Tensor:
    """Sample numbers int64 [N] -> rows 0..count-1: every epoch a permutation, by its own key."""
    epochs = tf.cast(numbers // count, tf.int32)
    zeros = tf.zeros_like(epochs)
    keys = tf.stack([zeros + seed, epochs, zeros], axis=-1)
    # the raw op: the public wrapper pads a batch of keys along the wrong axis
    return tf.raw_ops.RandomIndexShuffle(
        index=tf.cast(numbers % count, tf.int32), seed=keys,
        max_index=tf.fill(tf.shape(epochs), count - 1), rounds=4)


def augment(images: tf.Tensor, labels: Sequence[tf.Tensor], keys: tf.Tensor, how):
    """Warps pictures and label maps alike; tone and noise change the pictures only.

    Args:
      images: float32 [N, H, W, 1], any scale. labels: maps of codes [N, H, W] each.
      how: a config.Augmentation.

    Returns:
      (images, [labels]). Outside the frame pictures repeat their edge; label maps are background, but
      repeat theirs in an elastic warp.
    """
    if how.rotation or how.shift or how.scale:
        height, width = images.shape[1:3]
        matrices = _affine(uniform(keys, AFFINE, [4]) * 2 - 1, height, width, how)
        images = tfa.image.transform(images, matrices, 'bilinear', fill_mode='nearest')
        labels = [tf.cast(tfa.image.transform(l[..., None], matrices, 'nearest')[..., 0], l.dtype)
                  for l in labels]
    if how.elastic:
        images, labels = _warp(images, labels, how.elastic * normal(
            keys, ELASTIC, [ELASTIC_GRID, ELASTIC_GRID, 2]))
    if how.gamma:
        low = tf.reduce_min(images, axis=[1, 2, 3], keepdims=True)
        span = tf.reduce_max(images, axis=[1, 2, 3], keepdims=True) - low + 1e-6
        exponent = tf.exp(how.gamma * (uniform(keys, TONE, [1, 1, 1]) * 2 - 1))
        images = low + span * ((images - low) / span) ** exponent
    if how.noise:
        size = how.noise * uniform(keys, NOISE_STRENGTH, [1, 1, 1])
        images += size * normal(keys, NOISE, images.shape[1:]) * tf.math.reduce_std(
            images, axis=[1, 2, 3], keepdims=True)
    return images, labels


def _warp(images: tf.Tensor, labels: Sequence[tf.Tensor], displacements: tf.Tensor):
    """Moves pictures and label maps by a smooth field; beyond the frame both repeat their edge.

    Args:
      displacements: [N, g, g, 2], (y, x) as shares of the sides, on a coarse grid.
    """
    height, width = images.shape[1:3]
    flow = tf.image.resize(displacements, [height, width], 'bicubic') * [float(height), float(width)]
    grid = tf.stack(tf.meshgrid(tf.range(height), tf.range(width), indexing='ij'), -1)
    nearest = tf.round(tf.cast(grid, tf.float32) - flow)
    at = tf.cast(tf.clip_by_value(nearest, 0.0, [height - 1.0, width - 1.0]), tf.int32)
    return (tfa.image.dense_image_warp(images, flow),
            [tf.gather_nd(label, at, batch_dims=1) for label in labels])


def _affine(draws: tf.Tensor, height: int, width: int, how) -> tf.Tensor:
    """Draws in [-1, 1], [N, 4] -> projective matrices [N, 8] that turn and scale about the centre."""
    angle = draws[:, 0] * how.rotation * 3.14159265 / 180
    scale = tf.exp(draws[:, 1] * tf.math.log1p(how.scale))
    cosine, sine = tf.cos(angle) / scale, tf.sin(angle) / scale
    x, y = (width - 1) / 2, (height - 1) / 2
    shift_x, shift_y = draws[:, 2] * how.shift * width, draws[:, 3] * how.shift * height
    zeros = tf.zeros_like(angle)
    return tf.stack([cosine, -sine, x - x * cosine + y * sine + shift_x,
                     sine, cosine, y - x * sine - y * cosine + shift_y, zeros, zeros], axis=-1)


def random_crop(images: tf.Tensor, labels: tf.Tensor, keys: tf.Tensor, size: int):
    """[N, H, W, 1] and [N, H, W] -> the same random window of side `size` from each pair."""
    height, width = images.shape[1:3]
    draws = uniform(keys, CROP, [2])
    top = tf.cast(draws[:, 0] * (height - size + 1), tf.int32)
    left = tf.cast(draws[:, 1] * (width - size + 1), tf.int32)
    rows = top[:, None] + tf.range(size)
    columns = left[:, None] + tf.range(size)

    def cut(pictures):
        picked = tf.gather(pictures, rows, axis=1, batch_dims=1)
        return tf.gather(picked, columns, axis=2, batch_dims=1)

    return cut(images), cut(labels)
