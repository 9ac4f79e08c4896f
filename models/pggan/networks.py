"""The networks of progressive growing (Karras et al. 2017, "Progressive Growing of GANs").

Images are [N, side, side, channels] in [-1, 1], and side = 2**level: level 2 is 4x4. Growing only
rewires: the variables of all levels exist from construction, and each call says how far grown the
network is:
  level: Python int from 2 to log2(resolution); each level is a graph of its own.
  alpha: in (0, 1], how much `level` counts beside the level below: a tensor, scalar or [N]. The
    Python number 1.0 means a stable phase and builds no blend at all. Level 2 ignores alpha.
Keras cannot guess a level: a SavedModel tracks `network.variables`, not the network itself.
Weights start as N(0, 1) and follow `tf.keras.utils.set_random_seed`. Under mixed precision the
generated images, the scores, the norms and the standard deviation stay float32.
"""
from __future__ import annotations

import math
from typing import Tuple, Union

import tensorflow as tf

from models.pggan.layers import (Equalized, box_downscale, contract_all, contract_last, convolve,
                                 equalized_conv, fused_convolve_downscale, fused_upscale_convolve,
                                 nearest_upscale, upscale_convolve)

Alpha = Union[float, tf.Tensor]

_EPSILON = 1e-8


def level_of(resolution: int) -> int:
    """log2 of a side; ValueError unless it is a power of two of at least 4."""
    level = int(resolution).bit_length() - 1
    if level < 2 or 2 ** level != resolution:
        raise ValueError(f'resolution: expected a power of two from 4 on, found {resolution}')
    return level


def feature_maps(level: int, fmap_base: int, fmap_max: int) -> int:
    """Channels of the features at 2**level."""
    return min(int(fmap_base / 2 ** (level - 1)), fmap_max)


def level_and_alpha(lod: float, top_level: int) -> Tuple[int, float]:
    """An official level of detail as the (level, alpha) that a call takes.

    Args:
      lod: halvings below the finished resolution: 0 is finished, 1 one halving lower; between them
        the fraction is what has not been faded in: 0.4 is 60 % faded in at the finished resolution.
        Out of range means the nearest end, as in the official networks.
    """
    lod = min(max(lod, 0), top_level - 2)
    halvings = math.floor(lod)
    return top_level - halvings, 1.0 - (lod - halvings)


def grow_images(images: tf.Tensor, level: int, alpha: Alpha = 1.0) -> tf.Tensor:
    """Real images as a discriminator at (level, alpha) must see them.

    Args:
      images: float [N, side, side, C], side a multiple of 2**level.

    Returns:
      [N, 2**level, 2**level, C], averaged down, and while fading blended with their own coarser
      version by the fraction that the generator's are (else the blur gives the generated away).

    Raises:
      ValueError: images that are not square, or whose side is unknown or no multiple of 2**level.
    """
    _, height, width, _ = images.shape
    if height is None or height != width or height % 2 ** level:
        raise ValueError(f'images: expected [N, side, side, C], side a multiple of {2**level} '
                         f'(level {level}), found {images.shape}; resize them first')
    images = box_downscale(images, height // 2 ** level)
    if level == 2 or _is_stable(alpha):
        return images
    return _fade(nearest_upscale(box_downscale(images, 2), 2), images, alpha)


class Generator(tf.keras.Model):
    """Latents [N, latent_size] -> images [N, 2**level, 2**level, channels], linear, float32.

    Args:
      resolution: side of the finished images, a power of two.
      channels: of the images; any number.
      latent_size: of the latents, drawn from N(0, 1).
      fmap_base: the feature maps at 2**level are min(fmap_base / 2**(level - 1), fmap_max).
      fmap_max: 64 in Ciano et al. 2021.
      fused_scale: upscale inside the convolution: the same function at less cost.

    Raises:
      ValueError: a resolution that is no power of two, a level the network does not have.
    """

    def __init__(self, resolution: int, channels: int, latent_size: int = 64, fmap_base: int = 8192,
                 fmap_max: int = 64, fused_scale: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.resolution, self.channels, self.latent_size = resolution, channels, latent_size
        self.top_level = level_of(resolution)
        maps = {level: feature_maps(level, fmap_base, fmap_max)
                for level in range(2, self.top_level + 1)}
        upscale = fused_upscale_convolve if fused_scale else upscale_convolve
        self.dense = Equalized(contract_last, [latent_size, 4, 4, maps[2]], latent_size,
                               gain=math.sqrt(2.0) / 4.0, name='4x4_dense')
        self.conv = equalized_conv(3, maps[2], maps[2], name='4x4_conv')
        self.blocks = [
            [equalized_conv(3, maps[level - 1], maps[level], upscale, name=f'{2**level}px_conv0'),
             equalized_conv(3, maps[level], maps[level], name=f'{2**level}px_conv1')]
            for level in range(3, self.top_level + 1)]
        self.to_rgb = [equalized_conv(1, maps[level], channels, gain=1.0, dtype=tf.float32,
                                      name=f'{2**level}px_to_rgb') for level in maps]
        self.built = True

    def call(self, latents: tf.Tensor, level: int, alpha: Alpha = 1.0) -> tf.Tensor:
        _check_level(level, self.top_level)
        x = _activate_and_normalise(self.dense(_pixel_norm(latents)))
        x = _activate_and_normalise(self.conv(x))
        coarser = x
        for block in self.blocks[:level - 2]:
            coarser = x
            for conv in block:
                x = _activate_and_normalise(conv(x))
        images = self.to_rgb[level - 2](x)
        if level == 2 or _is_stable(alpha):
            return images
        return _fade(nearest_upscale(self.to_rgb[level - 3](coarser), 2), images, alpha)


class Discriminator(tf.keras.Model):
    """Images [N, 2**level, 2**level, channels] -> scores [N, 1], float32; higher is more real.

    Args:
      resolution, channels, fmap_base, fmap_max: as for `Generator`.
      fused_scale: True takes the mean of 2x2 features before bias and activation, inside the
        convolution (the official default, faster); False after them (the paper's table).
      group_size: samples that share one minibatch standard deviation; divides N, or N is less. Up
        to 1 there is none, nor its feature map.

    Raises:
      ValueError: a resolution that is no power of two, a level the network does not have, images
        of another side than 2**level, a batch that does not split into groups.
    """

    def __init__(self, resolution: int, channels: int, fmap_base: int = 8192, fmap_max: int = 64,
                 fused_scale: bool = True, group_size: int = 4, **kwargs):
        super().__init__(**kwargs)
        self.resolution, self.channels = resolution, channels
        self.fused_scale, self.group_size = fused_scale, group_size
        self.top_level = level_of(resolution)
        maps = {level: feature_maps(level, fmap_base, fmap_max)
                for level in range(1, self.top_level + 1)}
        downscale = fused_convolve_downscale if fused_scale else convolve
        self.from_rgb = [equalized_conv(1, channels, maps[level], name=f'{2**level}px_from_rgb')
                         for level in range(2, self.top_level + 1)]
        self.blocks = [
            [equalized_conv(3, maps[level], maps[level], name=f'{2**level}px_conv0'),
             equalized_conv(3, maps[level], maps[level - 1], downscale, name=f'{2**level}px_conv1')]
            for level in range(3, self.top_level + 1)]
        self.conv = equalized_conv(3, maps[2] + (group_size > 1), maps[2], name='4x4_conv')
        self.dense0 = Equalized(contract_all, [4, 4, maps[2], maps[1]], 16 * maps[2],
                                name='4x4_dense0')
        self.dense1 = Equalized(contract_last, [maps[1], 1], maps[1], gain=1.0, dtype=tf.float32,
                                name='4x4_dense1')
        self.built = True

    def call(self, images: tf.Tensor, level: int, alpha: Alpha = 1.0) -> tf.Tensor:
        _check_level(level, self.top_level)
        if images.shape[1:] != (2 ** level, 2 ** level, self.channels):
            raise ValueError(f'images: expected [N, {2**level}, {2**level}, {self.channels}] at '
                             f'level {level}, found {images.shape}; see grow_images')
        x = _activate(self.from_rgb[level - 2](images))
        for index in range(level - 3, -1, -1):
            for conv in self.blocks[index]:
                x = _activate(conv(x))
            if not self.fused_scale:
                x = box_downscale(x, 2)
            if index == level - 3 and not _is_stable(alpha):
                coarser = _activate(self.from_rgb[level - 3](box_downscale(images, 2)))
                x = _fade(coarser, x, alpha)
        if self.group_size > 1:
            x = tf.concat([x, minibatch_stddev(x, self.group_size)], axis=-1)
        return self.dense1(_activate(self.dense0(_activate(self.conv(x)))))


def minibatch_stddev(x: tf.Tensor, group_size: int) -> tf.Tensor:
    """The extra feature map that shows a discriminator how varied its batch is (section 3).

    Sample i belongs to group i mod (N / group_size): groups are strided, as in the official code.

    Args:
      x: features [N, H, W, C].

    Returns:
      [N, H, W, 1]: the standard deviation within the sample's group, averaged over H, W and C.
    """
    _, height, width, channels = x.shape
    count = x.shape[0] or tf.shape(x)[0]
    if isinstance(count, int):
        group_size = min(group_size, count)
        if count % group_size:
            raise ValueError(f'batch of {count} samples does not split into groups of {group_size} '
                             'for the minibatch standard deviation; choose a multiple of it')
    else:
        group_size = tf.minimum(group_size, count)
    groups = tf.reshape(tf.cast(x, tf.float32), [group_size, -1, height, width, channels])
    deviation = tf.sqrt(tf.math.reduce_variance(groups, axis=0) + _EPSILON)
    per_group = tf.cast(tf.reduce_mean(deviation, axis=[1, 2, 3]), x.dtype)
    return tf.broadcast_to(tf.tile(per_group, [group_size])[:, None, None, None],
                           [count, height, width, 1])


def _activate(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.leaky_relu(x, 0.2)


def _activate_and_normalise(x: tf.Tensor) -> tf.Tensor:
    return _pixel_norm(_activate(x))


def _pixel_norm(x: tf.Tensor) -> tf.Tensor:
    """Unit mean square over the channels; in float32, as half precision cannot hold epsilon."""
    exact = tf.cast(x, tf.float32)
    mean_square = tf.reduce_mean(tf.square(exact), axis=-1, keepdims=True)
    return tf.cast(exact * tf.math.rsqrt(mean_square + _EPSILON), x.dtype)


def _fade(coarser: tf.Tensor, finer: tf.Tensor, alpha: Alpha) -> tf.Tensor:
    """Blend [N, H, W, C] features; written so that alpha 1 gives `finer` to the bit."""
    rest = tf.cast(1.0 - tf.cast(alpha, tf.float32), finer.dtype)
    return finer + (coarser - finer) * tf.reshape(rest, [-1, 1, 1, 1])


def _is_stable(alpha: Alpha) -> bool:
    return isinstance(alpha, (int, float)) and alpha == 1


def _check_level(level: int, top_level: int) -> None:
    if not isinstance(level, int) or not 2 <= level <= top_level:
        raise ValueError(f'level: expected an int from 2 (4x4) to {top_level} '
                         f'({2**top_level}x{2**top_level}), found {level!r}')
