"""The networks of MUNIT and UNIT: a generator a domain, which encodes and decodes, and a discriminator.

Tensors are NHWC, pictures in [-1, 1], sides multiples of 2^downsamplings; every convolution reflects at the border
and has a bias. They compute what the official PyTorch networks compute (`tests/test_parity.py`). All variables exist
after construction; `seed` alone decides their values.

Sizes, by width, downsamplings, blocks, MLP; discriminator by width, layers, scales:
  official: 64, 2, 4, 256; 64, 4, 3
  CoDAGAN's (hugo-oliveira/CoDAGANs), which we take for Oliveira & dos Santos 2018 [ours]: 32, 2, 2, 32; 32, 2, 1
  `shallow`: that paper's "two encoding and two decoding layers", read literally [ours]: no 7x7 stem and no residual
  block; style then enters by adaptive instance norm in place of the first layer norm.
Source: Huang et al. 2018, "Multimodal Unsupervised Image-to-Image Translation", section 5.1 and appendix; Liu et al.
2017, "Unsupervised Image-to-Image Translation Networks"; and the official code of both.
"""
from __future__ import annotations

from typing import Callable, Optional, Tuple

import tensorflow as tf

from models.munit.layers import LayerNorm, adaptive_instance_norm, kaiming_initializers, uniform_initializer
from models.pix2pixhd.layers import Convolution, normed, sizes
from models.pix2pixhd.networks import ResidualBlock
from models.segmenters.layers import check_sides

STYLE_DOWNSAMPLINGS = 4   # of the style encoder, whatever those of the content encoder
LEAST_SIDE = 2 ** STYLE_DOWNSAMPLINGS   # px: a border can only be reflected where there are two rows


def _convolution(channels_in: int, channels_out: int, size: int, initializers, stride: int = 1) -> Convolution:
    return Convolution(channels_in, channels_out, size, next(initializers), stride, (size - 1) // 2, reflect=True)


class ContentEncoder(tf.keras.layers.Layer):
    """[N, H, W, C] -> code [N, H / 2^downsamplings, W / 2^downsamplings, width * 2^downsamplings]."""

    def __init__(self, channels: int, width: int, downsamplings: int, blocks: int, shallow: bool, initializers):
        super().__init__()
        widths = [channels if shallow else width] + [width * 2 ** i for i in range(1, downsamplings + 1)]
        stem = [] if shallow else [_convolution(channels, width, 7, initializers)]
        self.convolutions = stem + [_convolution(before, after, 4, initializers, 2)
                                    for before, after in zip(widths, widths[1:])]
        self.blocks = [ResidualBlock(widths[-1], initializers) for _ in range(0 if shallow else blocks)]

    def call(self, x):
        for convolution in self.convolutions:
            x = tf.nn.relu(normed(convolution, x))
        for block in self.blocks:
            x = block(x)
        return x


class StyleEncoder(tf.keras.layers.Layer):
    """[N, H, W, C] -> style float32 [N, style]; no norm, which would take the tone away."""

    def __init__(self, channels: int, width: int, style: int, initializers):
        super().__init__()
        widths = [width * min(2 ** i, 4) for i in range(STYLE_DOWNSAMPLINGS + 1)]
        self.convolutions = [_convolution(channels, width, 7, initializers)] + [
            _convolution(before, after, 4, initializers, 2) for before, after in zip(widths, widths[1:])]
        self.last = _convolution(widths[-1], style, 1, initializers)

    def call(self, x):
        for convolution in self.convolutions:
            x = tf.nn.relu(convolution(x))
        return tf.cast(self.last(tf.reduce_mean(x, [1, 2], keepdims=True))[:, 0, 0], tf.float32)


class Dense(tf.keras.layers.Layer):
    """x kernel + bias: [N, inputs] -> [N, outputs]."""

    def __init__(self, inputs: int, outputs: int, initializer):
        super().__init__()
        self.kernel = self.add_weight('kernel', (inputs, outputs), initializer=initializer)
        self.bias = self.add_weight('bias', (outputs,), initializer='zeros')

    def call(self, x):
        return tf.matmul(x, self.kernel) + self.bias


class Decoder(tf.keras.layers.Layer):
    """Code -> picture float32 [N, H, W, channels] in [-1, 1].

    Call: `style`: mean and then deviation of every adaptive convolution, one behind the other, [N, adaptive_numbers];
    None = instance norm in their place.
    """

    def __init__(self, channels: int, width: int, upsamplings: int, blocks: int, shallow: bool, is_adaptive: bool,
                 initializers, gamma):
        super().__init__()
        widths = [width * 2 ** i for i in range(upsamplings, -1, -1)]
        self.blocks = [ResidualBlock(widths[0], initializers) for _ in range(0 if shallow else blocks)]
        if shallow:
            widths[-1] = channels
        ups = [_convolution(before, after, 5, initializers) for before, after in zip(widths, widths[1:])]
        self.ups = ups[:-1] if shallow else ups   # no checkpoint takes a layer's list after a pop()
        self.head = ups[-1] if shallow else _convolution(width, channels, 7, initializers)
        self.is_shallow = shallow
        self.adaptive_numbers = 0
        if is_adaptive:
            self.adaptive_numbers = 2 * (widths[1] if shallow else 2 * blocks * widths[0])
        # the first up-convolution of a shallow decoder takes the style, if there is one
        self.norms = [None if shallow and is_adaptive and not number else LayerNorm(after, gamma)
                      for number, after in enumerate(widths[1:len(self.ups) + 1])]

    def call(self, x, style: Optional[tf.Tensor] = None):
        adapt = _adapting(style)
        for block in self.blocks:
            x = x + adapt(block.second, tf.nn.relu(adapt(block.first, x)))
        for up, norm in zip(self.ups, self.norms):
            x = _doubled(x)
            x = tf.nn.relu(adapt(up, x) if norm is None else norm(up(x)))
        x = _doubled(x) if self.is_shallow else x
        return tf.tanh(tf.cast(self.head(x), tf.float32))


def _adapting(style: Optional[tf.Tensor]) -> Callable:
    """(convolution, x) -> its result normed with the next numbers of the style, or without any."""
    if style is None:
        return normed
    place = 0

    def adapt(convolution, x):
        nonlocal place
        y, channels = convolution(x), convolution.bias.shape[0]
        mean, deviation = style[:, place:place + channels], style[:, place + channels:place + 2 * channels]
        place += 2 * channels
        return adaptive_instance_norm(y, mean, deviation)
    return adapt


def _doubled(x: tf.Tensor) -> tf.Tensor:
    """Every pixel twice in both directions; nearest resize has no XLA gradient."""
    batch, height, width, channels = sizes(x)
    x = tf.broadcast_to(x[:, :, tf.newaxis, :, tf.newaxis], [batch, height, 2, width, 2, channels])
    return tf.reshape(x, [batch, 2 * height, 2 * width, channels])


class UNITGenerator(tf.keras.Model):
    """Of one domain: picture -> code -> picture; a picture is translated by the decoder of the other domain.

    Args:
      channels: of its pictures.
      width: channels at full size; they double with each of the `downsamplings`.
      blocks: residual blocks of the encoder, and of the decoder.
      shallow: see above.
      seed: of the initial weights, N(0, 2 / fan_in).
    """

    def __init__(self, channels: int, width: int = 64, downsamplings: int = 2, blocks: int = 4,
                 shallow: bool = False, seed: int = 0):
        super().__init__()
        initializers = kaiming_initializers(seed)
        self.multiple = 2 ** downsamplings
        self.encoder = ContentEncoder(channels, width, downsamplings, blocks, shallow, initializers)
        self.decoder = Decoder(channels, width, downsamplings, blocks, shallow, False, initializers,
                               uniform_initializer(seed))
        self.built = True

    def encode(self, x: tf.Tensor) -> tf.Tensor:
        """[N, H, W, channels] -> code [N, h, w, width * 2^downsamplings]; ValueError for sides that do not divide."""
        check_sides('UNIT', x.shape[1:3], self.multiple, 2 * self.multiple)
        return self.encoder(x)

    def decode(self, code: tf.Tensor) -> tf.Tensor:
        """Code, in training with noise N(0, 1) added to it -> picture in [-1, 1]."""
        return self.decoder(code)


class MUNITGenerator(tf.keras.Model):
    """Of one domain: picture -> content and style -> picture; content goes between domains, style does not.

    Args:
      channels, width, downsamplings, blocks, shallow, seed: as of `UNITGenerator`.
      style: numbers of a style, in training N(0, I).
      mlp: width of the network that turns a style into means and deviations of adaptive instance norm.
    """

    def __init__(self, channels: int, width: int = 64, downsamplings: int = 2, blocks: int = 4, style: int = 8,
                 mlp: int = 256, shallow: bool = False, seed: int = 0):
        super().__init__()
        initializers = kaiming_initializers(seed)
        self.multiple, self.style_numbers = 2 ** downsamplings, style
        self.content_encoder = ContentEncoder(channels, width, downsamplings, blocks, shallow, initializers)
        self.style_encoder = StyleEncoder(channels, width, style, initializers)
        self.decoder = Decoder(channels, width, downsamplings, blocks, shallow, True, initializers,
                               uniform_initializer(seed))
        sizes_ = [style, mlp, mlp, self.decoder.adaptive_numbers]
        self.mlp = [Dense(inputs, outputs, next(initializers)) for inputs, outputs in zip(sizes_, sizes_[1:])]
        self.built = True

    def encode(self, x: tf.Tensor) -> Tuple[tf.Tensor, tf.Tensor]:
        """[N, H, W, channels] -> (content, style); ValueError for sides that do not divide."""
        return self.content(x), self.style(x)

    def content(self, x: tf.Tensor) -> tf.Tensor:
        """[N, H, W, channels] -> code [N, h, w, width * 2^downsamplings]."""
        check_sides('MUNIT', x.shape[1:3], self.multiple, 2 * self.multiple)
        return self.content_encoder(x)

    def style(self, x: tf.Tensor) -> tf.Tensor:
        """[N, H, W, channels] -> [N, style]; ValueError for sides that four halvings leave nothing of."""
        check_sides('MUNIT', x.shape[1:3], 1, LEAST_SIDE)
        return self.style_encoder(x)

    def decode(self, content: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        """Content of either domain and style [N, style] of this one -> picture in [-1, 1]."""
        *hidden, last = self.mlp
        for dense in hidden:
            style = tf.nn.relu(dense(style))
        return self.decoder(content, last(style))
