"""Pix2PixHD's networks: global generator, local enhancer, multi-scale discriminator.

Tensors are NHWC: label maps in any channel coding, pictures in [-1, 1]. The three compute what the
official PyTorch networks compute (`tests/test_parity.py`), sizes that are no multiple of
the strides included. All variables exist after construction; `seed` alone decides their values.
Source: Wang et al. 2018, sections 3.1-3.2 and appendix, and the official code.
"""
from __future__ import annotations

from typing import List, Optional

import tensorflow as tf

from models.pix2pixhd.layers import (Convolution, UpConvolution, halve, instance_norm, norm_of,
                                     normal_initializers, normed)


def _norm_relu(layer: tf.keras.layers.Layer, x: tf.Tensor, statistics: str = 'running') -> tf.Tensor:
    return tf.nn.relu(normed(layer, x, statistics))


class ResidualBlock(tf.keras.layers.Layer):
    """Two reflect-padded 3x3 convolutions around an identity, no activation after the sum.

    Call: see GlobalGenerator; `drop` comes after the ReLU between them, None = no dropout.
    """

    def __init__(self, channels: int, initializers, norm: str = 'instance'):
        super().__init__()
        self.first, self.second = [
            Convolution(channels, channels, 3, next(initializers), padding=1, reflect=True,
                        **norm_of(norm, channels, initializers)) for _ in range(2)]

    def call(self, x, drop=None, statistics='running'):
        y = _norm_relu(self.first, x, statistics)
        return x + normed(self.second, y if drop is None else drop(y, 0.5), statistics)


class Trunk(tf.keras.layers.Layer):
    """Encoder, residual blocks, decoder: a global generator without its last convolution.

    [N, H, W, channels_in] -> [N, H', W', ngf]; H', W' rounded up to multiples of 2^downsamplings.
    """

    def __init__(self, channels_in: int, ngf: int, downsamplings: int, blocks: int, initializers,
                 norm: str = 'instance'):
        super().__init__()
        self.ngf, self.downsamplings = ngf, downsamplings
        norm_for = lambda channels: norm_of(norm, channels, initializers)
        self.first = Convolution(channels_in, ngf, 7, next(initializers), padding=3, reflect=True, **norm_for(ngf))
        self.downs = [
            Convolution(ngf * 2 ** i, ngf * 2 ** (i + 1), 3, next(initializers), 2, padding=1,
                        **norm_for(ngf * 2 ** (i + 1))) for i in range(downsamplings)]
        self.blocks = [ResidualBlock(ngf * 2 ** downsamplings, initializers, norm)
                       for _ in range(blocks)]
        self.ups = [UpConvolution(ngf * 2 ** i, ngf * 2 ** (i - 1), next(initializers),
                                  **norm_for(ngf * 2 ** (i - 1))) for i in range(downsamplings, 0, -1)]

    def call(self, x, drop=None, statistics='running'):
        smallest = max(4, 2 ** self.downsamplings + 1)  # reflection needs more rows than it adds
        if any(size and size < smallest for size in x.shape[1:3]):
            raise ValueError(f'Pix2PixHD generator: height and width must be at least {smallest} '
                             f'where it downsamples, got {x.shape[1]} x {x.shape[2]}: enlarge the '
                             f'input or lower `downsamplings`.')
        for convolution in [self.first] + self.downs:
            x = _norm_relu(convolution, x, statistics)
        for block in self.blocks:
            x = block(x, drop, statistics)
        for convolution in self.ups:
            x = _norm_relu(convolution, x, statistics)
        return x


class Enhancer(tf.keras.layers.Layer):
    """One local enhancer: adds detail to the features of a network that saw half the size.

    ([N, H, W, channels_in], coarse [N, H/2, W/2, 2 * ngf]) -> [N, H, W, ngf]; halves round up.
    """

    def __init__(self, channels_in: int, ngf: int, blocks: int, initializers):
        super().__init__()
        self.first = Convolution(channels_in, ngf, 7, next(initializers), padding=3, reflect=True)
        self.down = Convolution(ngf, 2 * ngf, 3, next(initializers), 2, padding=1)
        self.blocks = [ResidualBlock(2 * ngf, initializers) for _ in range(blocks)]
        self.up = UpConvolution(2 * ngf, ngf, next(initializers))

    def call(self, x, coarse):
        x = _norm_relu(self.down, _norm_relu(self.first, x))
        if not x.shape.is_compatible_with(coarse.shape):
            raise ValueError(
                f'LocalEnhancer: height and width must be multiples of 2^(enhancers + '
                f'downsamplings), got a half size of {x.shape[1]} x {x.shape[2]} against '
                f'{coarse.shape[1]} x {coarse.shape[2]} from the trunk: pad the input.')
        x = x + coarse
        for block in self.blocks:
            x = block(x)
        return _norm_relu(self.up, x)


class GlobalGenerator(tf.keras.Model):
    """Label map to picture at one scale; the coarse half of coarse-to-fine training.

    With 2 downsamplings it is CycleGAN's ResNet generator (Zhu et al. 2017), layer for layer.

    Args:
      channels_in: channels of the label map.
      channels_out: channels of the picture.
      ngf: channels at full size; they double with every downsampling.
      downsamplings: number of halvings.
      blocks: residual blocks at the lowest size.
      seed: of the initial weights, N(0, 0.02).
      trunk: of a `LocalEnhancer`, to train in its place; it must have the channels of the others.
      norm: 'instance' or 'batch' (CycleGAN's option).

    Call: [N, H, W, channels_in] -> float32 [N, H', W', channels_out] in [-1, 1], where H' is H
    rounded up to a multiple of 2^downsamplings. H and W above 2^downsamplings, else ValueError.
    `drop`: (x, rate) -> x, dropout in the residual blocks (CycleGAN's option), None = none.
    `statistics`: of batch norm, see layers.normed.
    """

    def __init__(self, channels_in: int, channels_out: int, ngf: int = 64, downsamplings: int = 4,
                 blocks: int = 9, seed: int = 0, trunk: Optional[Trunk] = None, norm: str = 'instance'):
        super().__init__()
        initializers = normal_initializers(seed)
        self.trunk = trunk or Trunk(channels_in, ngf, downsamplings, blocks, initializers, norm)
        self.head = Convolution(ngf, channels_out, 7, next(initializers), padding=3, reflect=True)
        self.built = True

    def call(self, x, drop=None, statistics='running'):
        return tf.tanh(tf.cast(self.head(self.trunk(x, drop, statistics)), tf.float32))


class LocalEnhancer(tf.keras.Model):
    """A global generator's trunk at low size and enhancers that each double the size.

    Coarse to fine (section 3.1): train `global_generator()`, which owns the same trunk, at the low
    size; then `enhancer_variables` alone for the first epochs; then everything.

    Args:
      channels_in: channels of the label map.
      channels_out: channels of the picture.
      ngf: channels at full size.
      enhancers: number of enhancers, each of which doubles the size.
      blocks_local: residual blocks of one enhancer.
      downsamplings: halvings of the trunk.
      blocks_global: residual blocks of the trunk.
      seed: of the initial weights, N(0, 0.02).

    Call: [N, H, W, channels_in] -> float32 [N, H, W, channels_out] in [-1, 1]. Where H or W is no
    multiple of 2^(enhancers + downsamplings) the branches do not fit: ValueError, as officially.
    """

    def __init__(self, channels_in: int, channels_out: int, ngf: int = 32, enhancers: int = 1,
                 blocks_local: int = 3, downsamplings: int = 4, blocks_global: int = 9,
                 seed: int = 0):
        super().__init__()
        self.channels_in, self.channels_out = channels_in, channels_out
        initializers = normal_initializers(seed)
        self.trunk = Trunk(channels_in, ngf * 2 ** enhancers, downsamplings, blocks_global,
                           initializers)
        self.enhancers = [Enhancer(channels_in, ngf * 2 ** i, blocks_local, initializers)
                          for i in reversed(range(enhancers))]
        self.head = Convolution(ngf, channels_out, 7, next(initializers), padding=3, reflect=True)
        self.built = True

    def global_generator(self, seed: int = 0) -> GlobalGenerator:
        """A generator for the low size around this trunk, with a last convolution of its own."""
        return GlobalGenerator(self.channels_in, self.channels_out, self.trunk.ngf, seed=seed,
                               trunk=self.trunk)

    @property
    def enhancer_variables(self) -> List[tf.Variable]:
        """All trainable variables but the trunk's."""
        of_trunk = {id(variable) for variable in self.trunk.trainable_variables}
        return [v for v in self.trainable_variables if id(v) not in of_trunk]

    def call(self, x):
        sizes = [x]
        for _ in self.enhancers:
            sizes.append(halve(sizes[-1]))
        features = self.trunk(sizes.pop())
        for enhancer in self.enhancers:
            features = enhancer(sizes.pop(), features)
        return tf.tanh(tf.cast(self.head(features), tf.float32))


class PatchDiscriminator(tf.keras.layers.Layer):
    """`layers` strided and two plain 4x4 convolutions, padded by 2; returns what each computes."""

    def __init__(self, channels_in: int, ndf: int, layers: int, initializers):
        super().__init__()
        widths = [ndf] + [min(ndf * 2 ** i, 512) for i in range(1, layers + 1)] + [1]
        strides = [2] * layers + [1, 1]
        self.convolutions = [
            Convolution(inputs, outputs, 4, next(initializers), stride, padding=2)
            for inputs, outputs, stride in zip([channels_in] + widths, widths, strides)]

    def call(self, x) -> List[tf.Tensor]:
        first, *hidden, last = self.convolutions
        features = [tf.nn.leaky_relu(first(x), 0.2)]
        for convolution in hidden:
            features.append(tf.nn.leaky_relu(instance_norm(convolution(features[-1])), 0.2))
        return features + [last(features[-1])]


class MultiscaleDiscriminator(tf.keras.Model):
    """Patch discriminators of the same shape at the full size, half of it, and so on.

    Args:
      channels_in: channels of the label map and the picture together.
      ndf: channels of the first layer; they double up to 512.
      layers: strided convolutions per scale.
      scales: number of discriminators: 2, with a local enhancer 3.
      seed: of the initial weights, N(0, 0.02).

    Call: [N, H, W, channels_in] -> for every scale, full size first, the list of its layers + 2
    features [N, h, w, c]; the last of them holds the scores, one channel, linear. `skip` leaves out
    that many of the finest scales: the input then has the size that the first of the others sees.
    """

    def __init__(self, channels_in: int, ndf: int = 64, layers: int = 3, scales: int = 2,
                 seed: int = 0):
        super().__init__()
        initializers = normal_initializers(seed)
        self.scales = [PatchDiscriminator(channels_in, ndf, layers, initializers)
                       for _ in range(scales)]
        self.built = True

    def call(self, x, skip: int = 0) -> List[List[tf.Tensor]]:
        first, *others = self.scales[skip:]
        features = [first(x)]
        for discriminator in others:
            x = halve(x)
            features.append(discriminator(x))
        return features

    def variables_of(self, skip: int = 0) -> List[tf.Variable]:
        """Trainable variables of all but the `skip` finest scales."""
        return [v for discriminator in self.scales[skip:]
                for v in discriminator.trainable_variables]

