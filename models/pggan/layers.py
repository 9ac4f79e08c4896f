"""Layers with an equalized learning rate, and resampling that is cheap to differentiate twice.

Tensors are NHWC, kernels [height, width, in, out]. Weights start as N(0, 1) and are scaled at run
time by gain / sqrt(fan in), so that all learn at one speed (Karras et al. 2017, section 4.1).
"""
from __future__ import annotations

import math
from typing import Callable, Sequence

import tensorflow as tf


class Equalized(tf.keras.layers.Layer):
    """operation(x, kernel * gain / sqrt(fan_in)) + bias; its weights exist from construction.

    Args:
      operation: (x, kernel) -> y, one of the functions below.
      kernel_shape: shape of the kernel; the bias has its last size and starts at 0.
      fan_in: number of inputs that one output sums.
      gain: sqrt(2) (He et al. 2015) before a leaky ReLU, 1 before nothing.
    """

    def __init__(self, operation: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
                 kernel_shape: Sequence[int], fan_in: int, gain: float = math.sqrt(2.0), **kwargs):
        super().__init__(**kwargs)
        self._operation = operation
        self._scale = gain / math.sqrt(fan_in)
        self.kernel = self.add_weight(f'{self.name}/kernel', kernel_shape,
                                      initializer=tf.keras.initializers.RandomNormal(stddev=1.0))
        self.bias = self.add_weight(f'{self.name}/bias', [kernel_shape[-1]], initializer='zeros')
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.bias_add(self._operation(x, self.kernel * self._scale), self.bias)


def equalized_conv(size: int, in_channels: int, out_channels: int, operation=None,
                   **kwargs) -> Equalized:
    """A size x size convolution without change of resolution, unless `operation` says otherwise."""
    return Equalized(operation or convolve, [size, size, in_channels, out_channels],
                     size * size * in_channels, **kwargs)


def contract_all(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """[N, H, W, C] and [H, W, C, out] -> [N, out]: flatten, then a dense layer."""
    return tf.tensordot(x, kernel, x.shape.rank - 1)


def contract_last(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """[N, L] and [L, ...] -> [N, ...]: a dense layer, its output reshaped."""
    return tf.tensordot(x, kernel, 1)


def convolve(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """[N, H, W, C] and [h, w, C, out] -> [N, H, W, out], zero padding."""
    return tf.nn.conv2d(x, kernel, 1, 'SAME')


def upscale_convolve(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Nearest-neighbour x2, then a convolution."""
    return convolve(nearest_upscale(x, 2), kernel)


def fused_upscale_convolve(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """`upscale_convolve` at 4/9 of its cost: one transposed convolution of stride 2."""
    turned = tf.transpose(kernel[::-1, ::-1], [0, 1, 3, 2])
    shape = tf.shape(x)
    return tf.nn.conv2d_transpose(
        x, _four_shifts(turned), [shape[0], 2 * x.shape[1], 2 * x.shape[2], kernel.shape[-1]],
        strides=2, padding='SAME')


def fused_convolve_downscale(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """A convolution and the mean of each 2x2 block of its output, as one of stride 2."""
    return tf.nn.conv2d(x, 0.25 * _four_shifts(kernel), 2, 'SAME')


def _four_shifts(kernel: tf.Tensor) -> tf.Tensor:
    """[k, k, ...] -> [k + 1, k + 1, ...]: the kernel convolved with a 2x2 block of ones."""
    padded = tf.pad(kernel, [[1, 1], [1, 1], [0, 0], [0, 0]])
    return padded[1:, 1:] + padded[:-1, 1:] + padded[1:, :-1] + padded[:-1, :-1]


def box_downscale(images: tf.Tensor, factor: int) -> tf.Tensor:
    """Mean of each factor x factor block: [N, H, W, C] -> [N, H / factor, W / factor, C].

    H and W are multiples of factor.
    """
    return images if factor == 1 else tf.nn.avg_pool2d(images, factor, factor, 'VALID')


def nearest_upscale(images: tf.Tensor, factor: int) -> tf.Tensor:
    """Every pixel repeated factor x factor times: [N, H, W, C] -> [N, H * factor, W * factor, C].

    A broadcast and a reshape: the gradient of `tf.image.resize` is slow on CPU, and XLA has none.
    """
    if factor == 1:
        return images
    _, height, width, channels = images.shape
    count = tf.shape(images)[0]
    repeated = tf.broadcast_to(images[:, :, None, :, None, :],
                               [count, height, factor, width, factor, channels])
    return tf.reshape(repeated, [count, height * factor, width * factor, channels])
