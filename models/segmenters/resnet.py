"""Bottleneck ResNet encoder (He et al. 2015), dilated to output stride 8 as in PSPNet.

Images are NHWC with one or three (RGB) channels, of mean 0 and standard deviation about 1 (before
the ImageNet stem: in [-1, 1]); height and width are static.
Convolutions have no bias and are followed by batch norm. Sizes follow Keras' 'same' padding, which
on odd sizes pads both sides alike: 8*k - 7 pixels give features of 4*k - 3 (C1), 2*k - 1 (C2) and k
(X), for example 377 -> 189, 95, 48.
"""
from __future__ import annotations

import random
from typing import Callable, Iterator, NamedTuple, Optional, Sequence, Tuple

import tensorflow as tf

from models.segmenters.layers import he_normal, scaled

STAGE_FILTERS = (64, 128, 256, 512)
EXPANSION = 4
IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)


def imagenet_input(images: tf.Tensor) -> tf.Tensor:
    """Turns images in [-1, 1] into the input of tf.keras.applications' ImageNet ResNets.

    Equals `tf.keras.applications.resnet.preprocess_input((images + 1) * 127.5)`.

    Args:
      images: [N, H, W, 1 or 3], grey or RGB.

    Returns:
      [N, H, W, 3], BGR in 0..255 minus the ImageNet mean; grey is repeated.
    """
    return (images[..., ::-1] + 1.0) * 127.5 - tf.constant(IMAGENET_MEAN_BGR, images.dtype)


class Stem(NamedTuple):
    """(kernel, filters, stride) of each convolution before the max pool, and what precedes them."""
    convolutions: Tuple[Tuple[int, int, int], ...]
    prepare: Callable[[tf.Tensor], tf.Tensor]


STEMS = {
    'deep': Stem(((3, 64, 2), (3, 64, 1), (3, 128, 1)), prepare=tf.identity),
    'imagenet': Stem(((7, 64, 2),), prepare=imagenet_input),
}


class ConvNorm(tf.keras.layers.Layer):
    """'Same' convolution without bias, batch norm and, unless `relu` is False, ReLU."""

    def __init__(self, filters: int, kernel: int, rng: random.Random, stride: int = 1,
                 dilation: int = 1, relu: bool = True):
        super().__init__()
        self.dilation = dilation
        self.relu = relu
        self.conv = tf.keras.layers.Conv2D(filters, kernel, stride, padding='same', use_bias=False,
                                           kernel_initializer=he_normal(rng))
        # [ours] momentum 0.9: Keras' 0.99 lags behind in short runs. Statistics are those of the
        # whole batch on any number of devices; on one, the synchronized form is only slower.
        self.norm = tf.keras.layers.BatchNormalization(
            momentum=0.9, epsilon=1.001e-5,
            synchronized=tf.distribute.get_strategy().num_replicas_in_sync > 1)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        x = self.norm(self._convolve(x), training=training)
        return tf.nn.relu(x) if self.relu else x

    def _convolve(self, x: tf.Tensor) -> tf.Tensor:
        if self.dilation == 1:
            return self.conv(x)
        # The same sums as `dilation_rate`, as fast or faster; but the gradient of a dilated
        # convolution has no CPU kernel where TensorFlow runs without oneDNN.
        block = [self.dilation, self.dilation]
        ends = [[0, -size % self.dilation] for size in x.shape[1:3]]
        return tf.batch_to_space(self.conv(tf.space_to_batch(x, block, ends)), block, ends)


class Bottleneck(tf.keras.layers.Layer):
    """1x1 (with the stride), 3x3 (with the dilation), 1x1; plus the input; ReLU.

    `units` are the three convolutions; `shortcut` projects the input where the shape changes.
    """

    def __init__(self, filters: int, out_filters: int, rng: random.Random, stride: int = 1,
                 dilation: int = 1, project: bool = False):
        super().__init__()
        self.shortcut: Optional[ConvNorm] = None
        if project:
            self.shortcut = ConvNorm(out_filters, 1, rng, stride=stride, relu=False)
        self.units = [ConvNorm(filters, 1, rng, stride=stride),
                      ConvNorm(filters, 3, rng, dilation=dilation),
                      ConvNorm(out_filters, 1, rng, relu=False)]

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        residual = x
        for unit in self.units:
            residual = unit(residual, training=training)
        identity = x if self.shortcut is None else self.shortcut(x, training=training)
        return tf.nn.relu(identity + residual)


class ResNetEncoder(tf.keras.Model):
    """ResNet without its classifier.

    Reference: He et al. 2015; the stride lies in the first 1x1 of a stage, as in
    tf.keras.applications; dilation and the deep stem as in PSPNet (Zhao et al. 2017).

    Args:
      blocks: bottlenecks in each of the four stages; (3, 4, 6, 3) is ResNet-50, (3, 4, 23, 3) -101.
      width: scales every channel count, see `scaled`.
      stem: 'deep' (three 3x3) or 'imagenet' (one 7x7, and `imagenet_input` before it).
      dilated: True keeps output stride 8 by dilating the last two stages by 2 and 4; False is the
        ordinary ResNet of output stride 32.
      seed: of the initial weights.

    Call: images [N, H, W, channels] -> C1 (stem), C2 (first stage), X (last stage).

    Raises:
      ValueError: `stem` is unknown, or `blocks` has not four entries.
    """

    def __init__(self, blocks: Sequence[int] = (3, 4, 6, 3), width: float = 1.0,
                 stem: str = 'deep', dilated: bool = True, seed: int = 0):
        super().__init__()
        if stem not in STEMS:
            raise ValueError(f'stem: expected one of {", ".join(STEMS)}, found {stem!r}')
        if len(blocks) != len(STAGE_FILTERS):
            raise ValueError(f'blocks: expected the depths of four stages, such as (3, 4, 6, 3), '
                             f'found {tuple(blocks)}')
        rng = random.Random(seed)
        self.prepare = STEMS[stem].prepare
        self.stem = [ConvNorm(scaled(filters, width), kernel, rng, stride=stride)
                     for kernel, filters, stride in STEMS[stem].convolutions]
        self.pool = tf.keras.layers.MaxPooling2D(3, 2, padding='same')
        strides = (1, 2, 1, 1) if dilated else (1, 2, 2, 2)
        dilations = (1, 1, 2, 4) if dilated else (1, 1, 1, 1)
        self.stages = [
            [Bottleneck(scaled(filters, width), scaled(EXPANSION * filters, width), rng,
                        stride=stride if block == 0 else 1, dilation=dilation, project=block == 0)
             for block in range(depth)]
            for filters, depth, stride, dilation in zip(STAGE_FILTERS, blocks, strides, dilations)]

    def call(self, images: tf.Tensor,
             training: bool = False) -> Tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        x = self.prepare(images)
        for unit in self.stem:
            x = unit(x, training=training)
        features = [x]
        x = self.pool(x)
        for stage in self.stages:
            for block in stage:
                x = block(x, training=training)
            features.append(x)
        return features[0], features[1], features[-1]


def load_imagenet(encoder: ResNetEncoder, keras_resnet_model: tf.keras.Model) -> None:
    """Copies the weights of a tf.keras.applications ResNet into a `stem='imagenet'` encoder.

    Its convolutions have biases and ours have none: norm(conv + bias) with moving mean m equals
    norm(conv) with moving mean m - bias. Training-mode batch norm removes a bias anyway.

    Args:
      encoder: width 1, `blocks` those of the model; changed in place.
      keras_resnet_model: `tf.keras.applications.ResNet50` or `ResNet101`, `include_top=False`.

    Raises:
      ValueError: the two differ in layers or shapes; then the encoder is left as it was.
    """
    if not encoder.built:
        encoder.build((None, 41, 41, 3))
    sources = {layer.name: layer for layer in keras_resnet_model.layers}
    units = dict(_keras_names(encoder))
    convolutions = {name[:-len('_conv')] for name in sources if name.endswith('_conv')}
    if convolutions != set(units):
        first = sorted(convolutions ^ set(units))[0]
        raise ValueError(f'keras_resnet_model: expected the {len(units)} convolutions of the '
                         f'encoder, found {len(convolutions)} (first difference {first}); give '
                         f'the encoder stem "imagenet" and the blocks of the model')
    for name, unit in units.items():
        expected, found = unit.conv.kernel.shape, sources[f'{name}_conv'].kernel.shape
        if expected != found:
            raise ValueError(f'keras_resnet_model: expected a kernel {tuple(expected)} in '
                             f'{name}_conv, found {tuple(found)}; the encoder needs width 1')
    for name, unit in units.items():
        kernel, bias = sources[f'{name}_conv'].get_weights()
        gamma, beta, mean, variance = sources[f'{name}_bn'].get_weights()
        unit.conv.set_weights([kernel])
        unit.norm.set_weights([gamma, beta, mean - bias, variance])


def _keras_names(encoder: ResNetEncoder) -> Iterator[Tuple[str, ConvNorm]]:
    """(name in tf.keras.applications without '_conv' or '_bn', our layer)."""
    for index, unit in enumerate(encoder.stem, start=1):
        yield f'conv{index}', unit
    for stage_number, stage in enumerate(encoder.stages, start=2):
        for block_number, block in enumerate(stage, start=1):
            for index, unit in enumerate([block.shortcut, *block.units]):
                if unit is not None:
                    yield f'conv{stage_number}_block{block_number}_{index}', unit
