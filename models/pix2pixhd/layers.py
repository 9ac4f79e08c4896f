"""The parts of the networks that translate pictures: convolutions padded as in PyTorch, norms, average pool.

Tensors are NHWC. PyTorch pads both sides alike; Keras' 'same' pads a strided convolution at its end
only, so every padding here is explicit. Every layer owns its variables as soon as it is built.
Source: Wang et al. 2018, "High-Resolution Image Synthesis and Semantic Manipulation with
Conditional GANs", and its official code; batch norm and 4x4 kernels: pix2pix and CycleGAN.
"""
from __future__ import annotations

import itertools
from typing import Any, Callable, Dict, Iterator, Optional, Sequence

import tensorflow as tf

from models.segmenters.layers import batch_norm

Initializer = Callable[..., tf.Tensor]
NORMS = ('instance', 'batch')
STATISTICS = ('batch', 'running', 'sample')   # what batch norm divides by; instance norm has its own always


def normal_initializers(seed: int, deviation: Callable[[Sequence[int]], float] = lambda shape: 0.02
                        ) -> Iterator[Initializer]:
    """Yields initialisers N(0, deviation(shape)), each with a stateless key of its own: (seed, position)."""
    def initializer(position):
        key = tf.constant([seed, position], tf.int64)
        return lambda shape, dtype=tf.float32, **_: tf.random.stateless_normal(
            shape, key, stddev=deviation(shape), dtype=dtype)

    return map(initializer, itertools.count())


def sizes(x: tf.Tensor) -> list:
    """The shape of `x`: an int where it is known, else a scalar tensor."""
    dynamic = tf.shape(x)
    return [dynamic[axis] if size is None else size for axis, size in enumerate(x.shape)]


class Convolution(tf.keras.layers.Layer):
    """A square convolution, padded by `padding` on all four sides.

    n rows come out as floor((n + 2 * padding - size) / stride) + 1.

    Attributes:
      kernel: [size, size, channels_in, channels_out].
      bias: [channels_out], zero at first [ours: the official code leaves PyTorch's uniform draw]; or None.
      norm: its batch norm, which `normed` applies; None = instance norm.
    """

    def __init__(self, channels_in: int, channels_out: int, size: int, initializer: Initializer,
                 stride: int = 1, padding: int = 0, reflect: bool = False, bias: bool = True,
                 norm: Optional[tf.keras.layers.Layer] = None):
        super().__init__()
        self.stride = stride
        self.padding = padding
        self.reflect = reflect
        self.kernel = self.add_weight('kernel', (size, size, channels_in, channels_out),
                                      initializer=initializer)
        self.bias = self.add_weight('bias', (channels_out,), initializer='zeros') if bias else None
        self.norm = norm

    def call(self, x):
        # A pad op of its own made the training step 12 % faster on CPU than conv2d's padding.
        borders = [[0, 0], [self.padding] * 2, [self.padding] * 2, [0, 0]]
        x = tf.pad(x, borders, 'REFLECT' if self.reflect else 'CONSTANT')
        return _biased(self._convolve(x), self.bias)

    def _convolve(self, x):
        size, _, _, channels_out = self.kernel.shape
        if self.stride == 1 and None not in x.shape[:3]:
            batch, height, width, _ = x.shape
            if batch * (height - size + 1) * (width - size + 1) <= channels_out:
                return convolve_by_product(x, tf.convert_to_tensor(self.kernel))
        return tf.nn.conv2d(x, self.kernel, self.stride, 'VALID')


@tf.custom_gradient
def convolve_by_product(x: tf.Tensor, kernel: tf.Tensor):
    """`tf.nn.conv2d` of stride 1 without padding, as one matrix product over patches of `x`.

    For many channels on few pixels: the kernel is then larger than all patches together, and on a
    CPU oneDNN spends more time on reordering it than on multiplying. With 1024 channels at 16 x 16
    forward and backward took 81 ms in the place of 106, and no size with as many channels as
    pixels was slower; on a GPU it was not measured. The gradient makes the patches again, for
    memory.
    """
    size, _, channels_in, channels_out = kernel.shape
    batch, height, width, _ = x.shape
    rows, columns = height - size + 1, width - size + 1
    inputs = size * size * channels_in

    def patches():
        shifted = [x[:, top:top + rows, left:left + columns]
                   for top in range(size) for left in range(size)]
        return tf.reshape(tf.concat(shifted, -1), [batch * rows * columns, inputs])

    def gradient(dy):
        dx = tf.compat.v1.nn.conv2d_backprop_input(x.shape, kernel, dy, [1, 1, 1, 1], 'VALID')
        flat = tf.reshape(dy, [batch * rows * columns, channels_out])
        return dx, tf.reshape(tf.matmul(patches(), flat, transpose_a=True), kernel.shape)

    y = tf.matmul(patches(), tf.reshape(kernel, [inputs, channels_out]))
    return tf.reshape(y, [batch, rows, columns, channels_out]), gradient


class UpConvolution(tf.keras.layers.Layer):
    """A transposed 3x3 or 4x4 convolution of stride 2: [N, H, W, C] -> [N, 2H, 2W, channels].

    The full result of 3x3 has 2H + 1 rows; PyTorch (padding 1, output padding 1) drops the **first** row
    and column, Keras' 'same' the last. That of 4x4 has 2H + 2; both (padding 1) drop the first and the last.

    Attributes:
      kernel: [size, size, channels_out, channels_in].
      bias, norm: as of `Convolution`.
    """

    def __init__(self, channels_in: int, channels_out: int, initializer: Initializer, size: int = 3,
                 bias: bool = True, norm: Optional[tf.keras.layers.Layer] = None):
        super().__init__()
        self.kernel = self.add_weight('kernel', (size, size, channels_out, channels_in),
                                      initializer=initializer)
        self.bias = self.add_weight('bias', (channels_out,), initializer='zeros') if bias else None
        self.norm = norm

    def call(self, x):
        batch, height, width, _ = sizes(x)
        size, _, channels, _ = self.kernel.shape
        y = tf.nn.conv2d_transpose(
            x, self.kernel, [batch, 2 * height, 2 * width, channels], strides=2,
            padding=[[0, 0], [1, size - 3], [1, size - 3], [0, 0]])
        return _biased(y, self.bias)


def _biased(x: tf.Tensor, bias) -> tf.Tensor:
    return x if bias is None else tf.nn.bias_add(x, bias)


def norm_of(kind: str, channels: int, initializers: Iterator[Initializer]) -> Dict[str, Any]:
    """What a convolution is given for the norm behind it: batch norm replaces its bias, instance norm keeps it.

    Batch norm is PyTorch's (epsilon 1e-5, momentum 0.1), its gamma N(1, 0.02), its beta 0.

    Raises:
      ValueError: a kind other than NORMS.
    """
    if kind not in NORMS:
        raise ValueError(f'norm: expected one of {", ".join(NORMS)}, found {kind!r}')
    if kind == 'instance':
        return {}
    draw = next(initializers)
    norm = batch_norm(gamma_initializer=lambda shape, dtype=tf.float32, **_: 1 + draw(shape, dtype))
    norm.build([None, None, None, channels])
    return {'bias': False, 'norm': norm}


def normed(layer: tf.keras.layers.Layer, x: tf.Tensor, statistics: str = 'running') -> tf.Tensor:
    """`layer(x)`, then its norm.

    Args:
      statistics: of batch norm: the 'batch' that comes, which the running ones follow; the 'running' ones; or
        those of each 'sample', which are the batch's where it holds one sample.
    """
    y, norm = layer(x), layer.norm
    if norm is None:
        return instance_norm(y)
    if statistics == 'sample':
        return instance_norm(y) * tf.cast(norm.gamma, y.dtype) + tf.cast(norm.beta, y.dtype)
    return norm(y, training=statistics == 'batch')


def instance_norm(x: tf.Tensor) -> tf.Tensor:
    """Every channel of every sample to mean 0 and variance 1, without scale or offset.

    The batch is folded into the channels, so that fused batch norm, the fastest kernel there is and
    one that keeps float32 statistics of float16 input, computes per-sample ones. With one sample
    the transpositions move nothing. The raw op, because `tf.nn` raises epsilon to 1.001e-5.

    Args:
      x: [N, H, W, C], C known.
    Returns:
      The shape and dtype of `x`; biased variance, epsilon 1e-5.
    """
    batch, height, width, channels = sizes(x)
    folded = tf.reshape(tf.transpose(x, [1, 2, 0, 3]), [1, height, width, batch * channels])
    y = tf.raw_ops.FusedBatchNormV3(
        x=folded, scale=tf.ones([batch * channels]), offset=tf.zeros([batch * channels]),
        mean=tf.zeros([0]), variance=tf.zeros([0]), epsilon=1e-5, is_training=True).y
    return tf.transpose(tf.reshape(y, [height, width, batch, channels]), [2, 0, 1, 3])


def halve(x: tf.Tensor) -> tf.Tensor:
    """Average pool 3x3, stride 2, padding 1 not counted: [N, H, W, C] -> [N, ceil(H/2), ..., C]."""
    def pool(values):
        return tf.nn.avg_pool(tf.pad(values, [[0, 0], [1, 1], [1, 1], [0, 0]]), 3, 2, 'VALID')

    return pool(x) / pool(tf.ones_like(x[:1, :, :, :1]))
