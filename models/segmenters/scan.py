"""SCAN (Dai et al. 2018), reconstructed: a residual segmentation network, and a critic of its masks.

The segmentation network follows a re-implementation, github pdpino/medical-ai f0cdb18. The adversarial half is in
no public code that we know; critic and losses are a reconstruction, and results are 'SCAN, reconstructed'.
"""
from __future__ import annotations

import random
from typing import Dict, List, Optional, Tuple

import tensorflow as tf

from models.adversarial import Update
from models.segmenters.layers import batch_norm, check_sides, through, uniform
from models.segmenters.losses import masks_of, pixel_accuracy, pixel_loss, probabilities_of

BOTTLENECK = 4          # maps before the last layer, whatever the classes
CRITIC_WEIGHT = 0.01


def build(num_classes: int, channels: int, seed: int, width: float) -> 'SCAN':
    """SCAN's segmentation network of a config's settings."""
    return SCAN(num_classes, channels, max(1, round(8 * width)), seed)


def helpers(num_classes: int, channels: int, seed: int, width: float) -> Dict[str, tf.keras.Model]:
    """The critic of masks of a config's settings."""
    del channels
    return {'critic': Critic(num_classes, max(1, round(8 * width)), seed + 1)}


def _convolution(filters: int, kernel: int, given: int, rng: random.Random, **arguments):
    start = [uniform(rng, given * kernel ** 2) for _ in range(2)]
    return tf.keras.layers.Conv2D(filters, kernel, padding='same', kernel_initializer=start[0],
                                  bias_initializer=start[1], **arguments)


class Residual(tf.keras.layers.Layer):
    """Convolution, batch norm, ReLU, convolution, batch norm, plus the input, batch norm, ReLU."""

    def __init__(self, filters: int, kernel: int, rng: random.Random):
        super().__init__()
        self.convolutions = [_convolution(filters, kernel, filters, rng) for _ in range(2)]
        self.norms = [batch_norm() for _ in range(3)]

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        y = tf.nn.relu(self.norms[0](self.convolutions[0](x), training=training))
        y = self.norms[1](self.convolutions[1](y), training=training)
        return tf.nn.relu(self.norms[2](x + y, training=training))


class Trunk(tf.keras.layers.Layer):
    """One map -> features of a sixteenth of its size; both networks' way down.

    `stages` are lists of blocks side by side, whose outputs are concatenated; before each of the last four the
    map is halved. More than one channel is first made one by a 1x1 convolution [ours].
    """

    def __init__(self, channels: int, filters: int, rng: random.Random):
        super().__init__()
        self.to_one = _convolution(1, 1, channels, rng) if channels > 1 else None
        self.first = [Residual(1, 7, rng) for _ in range(filters)]
        self.stages: List[List[Residual]] = [[Residual(filters, 3, rng)]]
        self.stages += [[Residual(filters * 2 ** level, 3, rng) for _ in range(2)] for level in range(3)]
        self.last = [Residual(8 * filters, kernel, rng) for kernel in (1, 3, 1, 3, 1)]

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        x = x if self.to_one is None else self.to_one(x)
        x = tf.concat([block(x, training=training) for block in self.first], -1)
        for blocks in self.stages:
            x = tf.concat([block(x, training=training) for block in blocks], -1)
            x = tf.nn.avg_pool2d(x, 2, 2, 'VALID')
        return through(self.last, x, training)


class SCAN(tf.keras.Model):
    """The segmentation network: 242,584 trainable parameters at 1 channel and 4 classes.

    Args:
      num_classes: channels of the logits.
      channels: of the images.
      filters: blocks side by side in the first stage, of one map each; published: 8.
      seed: of the initial weights, PyTorch's defaults.

    Call:
      images: [N, H, W, channels], sides multiples of 16.
      keys: not used; every segmenter takes them.
      training: batch statistics if True.
      Returns logits, float32 [N, H, W, num_classes].

    Raises:
      ValueError: a size that the network cannot take.
    """

    def __init__(self, num_classes: int, channels: int = 1, filters: int = 8, seed: int = 0):
        super().__init__()
        rng = random.Random(seed)
        self.trunk = Trunk(channels, filters, rng)
        self.to_four = _convolution(BOTTLENECK, 1, 8 * filters, rng)
        start = [uniform(rng, BOTTLENECK * 32 ** 2) for _ in range(2)]
        self.up = tf.keras.layers.Conv2DTranspose(num_classes, 32, 16, 'same', kernel_initializer=start[0],
                                                  bias_initializer=start[1], dtype=tf.float32)
        self.build((None, 32, 32, channels))  # no variable depends on the size

    def call(self, images: tf.Tensor, keys: Optional[tf.Tensor] = None,
             training: bool = False) -> tf.Tensor:
        del keys
        check_sides('SCAN', images.shape[1:3], 16, 16)
        return self.up(self.to_four(self.trunk(images, training=training)))


class Critic(tf.keras.Model):
    """Mirrors the way down on masks; mean over the map, one logit: whether a person drew them. Reconstructed.

    Args:
      num_classes: channels of the masks.
      filters: as SCAN's.
      seed: of the initial weights.

    Call: masks [N, H, W, num_classes] in [0, 1], sides multiples of 16 -> logits, float32 [N, 1].
    """

    def __init__(self, num_classes: int, filters: int = 8, seed: int = 0):
        super().__init__()
        rng = random.Random(seed)
        self.trunk = Trunk(num_classes, filters, rng)
        start = [uniform(rng, 8 * filters) for _ in range(2)]
        self.score = tf.keras.layers.Dense(1, kernel_initializer=start[0], bias_initializer=start[1],
                                           dtype=tf.float32)
        self.build((None, 32, 32, num_classes))

    def call(self, masks: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.score(tf.reduce_mean(tf.cast(self.trunk(masks, training=training), tf.float32), [1, 2]))


def updates(networks: Dict[str, tf.keras.Model]) -> Tuple[Update, ...]:
    """The critic, then the network: cross entropy - 0.01 * what the critic loses on its masks. Reconstructed.

    [ours] One step of the critic a step, where we recall five: under a fixed number of steps the network would
    move in a fifth of them. Batches as `losses.segmentation_update`.
    """
    network, critic = networks['network'], networks['critic']

    def ahead(batch):
        return {'logits': network(batch['image'], batch['key'], training=True)}

    def critic_loss(batch, made):
        logits = made['logits']
        real = critic(masks_of(batch['label'], logits.shape[-1]), training=True)
        fake = critic(tf.stop_gradient(probabilities_of(batch['label'], logits)), training=True)
        return _entropy(real, 1.0) + _entropy(fake, 0.0), {}

    def network_loss(batch, made):
        logits = made['logits']
        fooled = _entropy(critic(probabilities_of(batch['label'], logits), training=True), 0.0)
        accuracy = pixel_accuracy(batch['label'], logits, batch.get('ignored'))
        return (pixel_loss(batch['label'], logits, batch.get('ignored')) - CRITIC_WEIGHT * fooled,
                {'pixel_accuracy': accuracy, 'critic_on_masks': fooled})

    return (Update('critic', critic.trainable_variables, critic_loss),
            Update('segmentation', network.trainable_variables, network_loss, ahead=ahead))


def _entropy(logits: tf.Tensor, target: float) -> tf.Tensor:
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(target * tf.ones_like(logits), logits))
