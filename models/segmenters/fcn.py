"""FCN-8s, -16s and -32s (Long et al. 2015) on VGG16, as the code that Oliveira & dos Santos 2018 built on has them.

The first convolution pads by 100 px, so that any picture, even of 1 px, comes out at its own size: pools round
up, fc6 is a valid 7x7 convolution, transposed convolutions are not padded, and fixed crops meet.
"""
from __future__ import annotations

import random
from typing import Optional

import numpy as np
import tensorflow as tf

from models.segmenters.layers import check_sides, dropouts, normal, scaled, size_of
from models.segmenters.resnet import imagenet_input

CONVOLUTIONS = (2, 2, 3, 3, 3)                 # of VGG16, before each pool
SKIPS = ((4, 0.01, 5), (3, 0.0001, 9))         # pool, its factor, first row and column that is added
LAST_CROP = {8: 31, 16: 27, 32: 19}            # by stride: first row and column of the picture


def build8(num_classes: int, channels: int, seed: int, **options) -> 'FCN':
    """FCN-8s of a config's settings."""
    return _built(8, num_classes, channels, seed, **options)


def build16(num_classes: int, channels: int, seed: int, **options) -> 'FCN':
    """FCN-16s of a config's settings."""
    return _built(16, num_classes, channels, seed, **options)


def build32(num_classes: int, channels: int, seed: int, **options) -> 'FCN':
    """FCN-32s of a config's settings."""
    return _built(32, num_classes, channels, seed, **options)


def _built(stride: int, num_classes: int, channels: int, seed: int, width: float, imagenet_weights) -> 'FCN':
    return FCN(num_classes, channels, stride, scaled(64, width), scaled(4096, width), bool(imagenet_weights), seed)


def bilinear(shape, dtype=None, **unused) -> tf.Tensor:
    """A transposed convolution's start: bilinear enlarging, each class by itself.

    Args:
      shape: [k, k, classes, classes].
    """
    size, classes = shape[0], shape[2]
    factor = (size + 1) // 2
    centre = factor - (1.0 if size % 2 else 0.5)
    line = 1 - np.abs(np.arange(size) - centre) / factor
    return tf.constant(np.outer(line, line)[:, :, None, None] * np.eye(classes), dtype or tf.float32)


class FCN(tf.keras.Model):
    """VGG16 as a convolutional network, and one to three transposed convolutions with skips between.

    Reference: github ZijunDeng/pytorch-semantic-segmentation 4a1721f. Trainable parameters at the published
    sizes, 3 channels and 2 classes: 134,271,430 (8s), 134,273,924 (16s), 134,285,122 (32s).

    Args:
      num_classes: channels of the logits.
      channels: of the images.
      stride: 8, 16 or 32.
      filters: of the first level; published: 64.
      fc_filters: of fc6 and fc7; published: 4096.
      imagenet: takes images in [-1, 1], grey or RGB, and gives VGG16 what `load_imagenet`'s weights know: BGR in
        0..255 minus the mean; grey is repeated.
      seed: of the initial weights: convolutions N(0, 2 / fan_out), fc N(0, 0.01^2), the scores 0, transposed
        convolutions bilinear.

    Call:
      images: [N, H, W, channels] of any size.
      keys: int32 [N, 2], N static, one dropout key per sample; None turns dropout off.
      training: dropout if True.
      Returns logits, float32 [N, H, W, num_classes].

    Raises:
      ValueError: an unknown `stride`.
    """

    def __init__(self, num_classes: int, channels: int = 1, stride: int = 8, filters: int = 64,
                 fc_filters: int = 4096, imagenet: bool = False, seed: int = 0):
        super().__init__()
        if stride not in LAST_CROP:
            raise ValueError(f'stride: expected one of {", ".join(map(str, LAST_CROP))}, found {stride!r}')
        rng, self.stride, self.imagenet = random.Random(seed), stride, imagenet
        self.groups = [
            [tf.keras.layers.Conv2D(filters * min(2 ** group, 8), 3, activation='relu',
                                    padding='same' if group or number else 'valid',
                                    kernel_initializer=normal(rng, 'fan_out'))
             for number in range(count)] for group, count in enumerate(CONVOLUTIONS)]
        self.fc = [tf.keras.layers.Conv2D(
            fc_filters, kernel, activation='relu',
            kernel_initializer=tf.keras.initializers.RandomNormal(0.0, 0.01, rng.randrange(2 ** 31)))
            for kernel in (7, 1)]
        skips = {8: 2, 16: 1, 32: 0}[stride]
        self.scores = [tf.keras.layers.Conv2D(num_classes, 1, kernel_initializer='zeros', dtype=tf.float32)
                       for _ in range(1 + skips)]
        strides = [2] * skips + [32 >> skips]
        self.ups = [tf.keras.layers.Conv2DTranspose(num_classes, 2 * by, by, use_bias=False,
                                                    kernel_initializer=bilinear, dtype=tf.float32)
                    for by in strides]
        self.build((None, 32, 32, channels))  # no variable depends on the size

    def call(self, images: tf.Tensor, keys: Optional[tf.Tensor] = None,
             training: bool = False) -> tf.Tensor:
        check_sides('an FCN', images.shape[1:3])
        drop, pools = dropouts(keys, training), []
        x = imagenet_input(images) if self.imagenet else images
        x = tf.pad(x, [[0, 0], [100, 100], [100, 100], [0, 0]])
        for convolutions in self.groups:
            for convolution in convolutions:
                x = convolution(x)
            x = tf.nn.max_pool2d(x, 2, 2, 'SAME')
            pools.append(x)
        for layer in self.fc:
            x = drop(layer(x), 0.5)
        x = self.scores[0](x)
        for up, score, (pool, factor, first) in zip(self.ups, self.scores[1:], SKIPS):
            skip = score(factor * tf.cast(pools[pool - 1], tf.float32))  # in float16 it would be lost
            x = up(x)
            x += _crop(skip, first, *size_of(x))
        return _crop(self.ups[-1](x), LAST_CROP[self.stride], *size_of(images))


def load_imagenet(network: FCN, keras_vgg16: tf.keras.Model) -> None:
    """Copies the weights of a tf.keras.applications VGG16 with its top into an FCN with `imagenet`.

    Its dense kernels are flattened as row, column, channel; fc6 and fc7 are those as convolutions.

    Raises:
      ValueError: layers are missing, or of other shapes; then the network is left as it was.
    """
    layers = {f'block{group}_conv{number}': convolution
              for group, convolutions in enumerate(network.groups, start=1)
              for number, convolution in enumerate(convolutions, start=1)}
    layers.update(fc1=network.fc[0], fc2=network.fc[1])
    sources = {layer.name: layer for layer in keras_vgg16.layers}
    values = {}
    for name, layer in layers.items():
        if name not in sources:
            raise ValueError(f'keras_vgg16: expected a layer {name}, found none; take the file with top')
        kernel, bias = sources[name].get_weights()
        if kernel.size != np.prod(layer.kernel.shape) or bias.shape != layer.bias.shape:
            raise ValueError(f'keras_vgg16: expected a kernel {tuple(layer.kernel.shape)} in {name}, found '
                             f'{kernel.shape}; the network needs width 1')
        values[name] = [kernel.reshape(layer.kernel.shape), bias]
    for name, layer in layers.items():
        layer.set_weights(values[name])


def _crop(x: tf.Tensor, first: int, height, width) -> tf.Tensor:
    return x[:, first:first + height, first:first + width]
