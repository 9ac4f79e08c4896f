"""SMANet, the Segmentation Multiscale Attention Network, as Ciano et al. 2021 use it (section 3.4).

They name three parts: a dilated ResNet encoder based on PSPNet (Zhao et al. 2017), a multi-scale
attention in the place of PSPNet's pyramid pooling, and a two-level convolutional decoder. The
network is from Bonechi et al. 2020 (arXiv 1911.09026, there for text in scenes). We know of no
public code, and the papers of this project do not give the inside of the attention: what stands
here is a reconstruction, and `MultiScaleAttention` the one class that another reading replaces.

Images are NHWC of mean 0 and standard deviation about 1; logits are float32. All resizing is
bilinear with aligned corners, so sizes are 8*k - 7, and k is a multiple of 6 so that the bins 1, 2,
3, 6 divide it: 41, ..., 377, ...
"""
from __future__ import annotations

import random
from typing import List, Optional, Sequence

import tensorflow as tf

from models.segmenters.layers import he_normal, keyed_dropout, resize, scaled
from models.segmenters.resnet import ConvNorm, ResNetEncoder

BINS = (1, 2, 3, 6)  # PSPNet's; each divides the last


def check_crop(height: Optional[int], width: Optional[int]) -> None:
    """Raises ValueError unless both are 8*k - 7 with k a multiple of 6 (41, 89, 137, ..., 377)."""
    for size in (height, width):
        if size is None or size < 41 or (size + 7) % 48:
            raise ValueError(f'images: expected a static height and width of 8*k - 7 with k a '
                             f'multiple of 6 (41, 89, 137, 185, 233, 281, 329, 377, ...), found '
                             f'{height} x {width}; crop to one of these sizes')


def pool_bins(x: tf.Tensor) -> List[tf.Tensor]:
    """Means of [N, H, W, C] over b x b equal bins: [N, b, b, C] for each b of BINS."""
    finest = _bin_means(x, BINS[-1])
    return [_bin_means(finest, bins) for bins in BINS]


def _bin_means(x: tf.Tensor, bins: int) -> tf.Tensor:
    # One axis at a time: twice as fast as one mean over both.
    _, height, width, channels = x.shape
    x = tf.reduce_mean(tf.reshape(x, [-1, bins, height // bins, width, channels]), 2)
    return tf.reduce_mean(tf.reshape(x, [-1, bins, bins, width // bins, channels]), 3)


class MultiScaleAttention(tf.keras.layers.Layer):
    """Gates the features at several scales: [N, H, W, C] -> [N, H, W, C + 4 * filters].

    A reconstruction [ours], see the module docstring. A value V = conv1x1(X) is seen through four
    gates. The gate of scale b starts as PSPNet's context does, from X averaged over b x b bins:
    conv1x1, then conv1x1 with bias, sigmoid, resized to X. The output is the concatenation of X and
    every V * gate_b: as many channels as PSPNet's, but the context selects what is relevant.
    """

    def __init__(self, filters: int, rng: random.Random):
        super().__init__()
        self.value = ConvNorm(filters, 1, rng)
        self.hidden = [ConvNorm(filters, 1, rng) for _ in BINS]
        self.gates = [tf.keras.layers.Conv2D(filters, 1, activation='sigmoid',
                                             kernel_initializer=he_normal(rng)) for _ in BINS]

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        value = self.value(x, training=training)
        outputs = [x]
        for pooled, hidden, gate in zip(pool_bins(x), self.hidden, self.gates):
            attention = gate(hidden(pooled, training=training))
            outputs.append(value * resize(attention, *x.shape[1:3]))
        return tf.concat(outputs, -1)


class PyramidPooling(tf.keras.layers.Layer):
    """PSPNet's pyramid pooling module in its place: [N, H, W, C] -> [N, H, W, C + 4 * filters].

    Reference: Zhao et al. 2017, section 3.2; for comparison with the attention.
    """

    def __init__(self, filters: int, rng: random.Random):
        super().__init__()
        self.hidden = [ConvNorm(filters, 1, rng) for _ in BINS]

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        contexts = [resize(hidden(pooled, training=training), *x.shape[1:3])
                    for pooled, hidden in zip(pool_bins(x), self.hidden)]
        return tf.concat([x, *contexts], -1)


CONTEXTS = {'attention': MultiScaleAttention, 'pyramid': PyramidPooling}


def build(num_classes: int, channels: int, seed: int, width: float, blocks, context: str,
          imagenet_weights) -> 'SMANet':
    """SMANet of a config's settings; ImageNet's weights, where they are named, need their own stem."""
    return SMANet(num_classes, channels=channels, blocks=blocks, width=width, context=context,
                  stem='imagenet' if imagenet_weights else 'deep', seed=seed)


class SMANet(tf.keras.Model):
    """Encoder, multi-scale context, two-level decoder. All variables exist after construction.

    Reference: Ciano et al. 2021, section 3.4. At 377 x 377 with the
    deep stem, 3 channels and 4 classes: 51,018,948 trainable parameters.

    Args:
      num_classes: channels of the logits.
      channels: of the images; 1, or 3 for RGB (the stem 'imagenet' repeats grey itself).
      blocks, width, stem: see `ResNetEncoder`; `width` scales the other layers too.
      context: 'attention' (the SMANet), or 'pyramid' (PSPNet's module in its place).
      dropout: rate before the decoder.
      seed: of the initial weights.

    Call:
      images: [N, H, W, channels], H and W static, see `check_crop`.
      keys: int32 [N, 2], N static, one dropout key per sample; None turns dropout off.
      training: batch statistics and dropout if True.
      Returns logits, float32 [N, H, W, num_classes].

    Raises:
      ValueError: a size the network cannot take; an unknown `context` or `stem`.
    """

    def __init__(self, num_classes: int, channels: int = 1, blocks: Sequence[int] = (3, 4, 6, 3),
                 width: float = 1.0, stem: str = 'deep', context: str = 'attention',
                 dropout: float = 0.1, seed: int = 0):
        super().__init__()
        if context not in CONTEXTS:
            raise ValueError(f'context: expected one of {", ".join(CONTEXTS)}, found {context!r}')
        rng = random.Random(seed)
        self.dropout = dropout
        self.encoder = ResNetEncoder(blocks, width, stem, seed=rng.randrange(2 ** 31))
        self.context = CONTEXTS[context](scaled(512, width), rng)
        self.fuse = ConvNorm(scaled(512, width), 3, rng)
        self.decoder_c2 = ConvNorm(scaled(256, width), 3, rng)
        self.decoder_c1 = ConvNorm(scaled(128, width), 3, rng)
        self.classifier = tf.keras.layers.Conv2D(num_classes, 1, dtype=tf.float32,
                                                 kernel_initializer=he_normal(rng))
        self.build((None, 41, 41, channels))  # no variable depends on the size

    def call(self, images: tf.Tensor, keys: Optional[tf.Tensor] = None,
             training: bool = False) -> tf.Tensor:
        height, width = images.shape[1:3]
        check_crop(height, width)
        c1, c2, x = self.encoder(images, training=training)
        x = self.fuse(self.context(x, training=training), training=training)
        if training and keys is not None:
            x = keyed_dropout(x, self.dropout, keys)
        x = self.decoder_c2(tf.concat([resize(x, *c2.shape[1:3]), c2], -1), training=training)
        x = self.decoder_c1(tf.concat([resize(x, *c1.shape[1:3]), c1], -1), training=training)
        return resize(self.classifier(x), height, width)
