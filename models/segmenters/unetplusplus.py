"""U-Net++ (Zhou et al. 2018): a U-Net whose skips are nodes of their own, each with a head.

Reference: the authors' github MrGiovanni/UNetPlusPlus 2659ddc, keras/helper_functions.py, without backbone and
batch norm. Images are NHWC; logits float32. Heads are sigmoid maps always, of classes that exclude each other
too [ours].
"""
from __future__ import annotations

import random
from typing import Dict, List, Optional, Sequence, Tuple

import tensorflow as tf

from models.adversarial import Update
from models.segmenters.layers import check_sides, dropouts, glorot, he_normal, scaled
from models.segmenters.losses import mask_cross_entropy, masks_of, pixel_accuracy

LEVELS = 5
DECAY = 1e-4   # of the squares of kernels, those of transposed convolutions apart


def build(num_classes: int, channels: int, seed: int, width: float, deep_supervision: bool, dropout: float
          ) -> 'UNetPlusPlus':
    """U-Net++ of a config's settings."""
    return UNetPlusPlus(num_classes, channels, scaled(32, width), deep_supervision, seed, dropout)


class UNetPlusPlus(tf.keras.Model):
    """Node <i><j> is in row i (level) and column j; all variables exist after construction.

    9,041,700 trainable parameters with four heads, 9,041,601 with one, at 1 channel and 1 class.

    Args:
      num_classes: channels of the logits.
      channels: of the images.
      filters: of the first level; published: 32.
      deep_supervision: four heads, whose mean predicts; else one, on the last node.
      seed: of the initial weights: Keras' He normal, transposed convolutions Glorot uniform.
      dropout: the share of values that is dropped behind every convolution; published: 0.5.

    Call:
      images: [N, H, W, channels], sides multiples of 16.
      keys: int32 [N, 2], N static, one dropout key per sample; None turns dropout off.
      training: dropout if True.
      Returns logits, float32 [N, H, W, num_classes], whose sigmoid is the mean of the heads' sigmoids.

    Raises:
      ValueError: a size that the network cannot take.
    """

    def __init__(self, num_classes: int, channels: int = 1, filters: int = 32, deep_supervision: bool = True,
                 seed: int = 0, dropout: float = 0.5):
        super().__init__()
        self.dropout = dropout
        rng, self.units, self.ups = random.Random(seed), {}, {}
        for column in range(1, LEVELS + 1):
            for row in range(1, LEVELS + 2 - column):
                width, node = filters * 2 ** (row - 1), f'{row}{column}'
                if column > 1:
                    self.ups[node] = tf.keras.layers.Conv2DTranspose(width, 2, 2, kernel_initializer=glorot(rng))
                self.units[node] = [tf.keras.layers.Conv2D(width, 3, padding='same', activation='relu',
                                                           kernel_initializer=he_normal(rng)) for _ in range(2)]
        columns = range(2, LEVELS + 1) if deep_supervision else [LEVELS]
        self.classifiers = {f'1{column}': tf.keras.layers.Conv2D(num_classes, 1, dtype=tf.float32,
                                                                 kernel_initializer=he_normal(rng))
                            for column in columns}
        self.build((None, 32, 32, channels))  # no variable depends on the size

    def call(self, images: tf.Tensor, keys: Optional[tf.Tensor] = None,
             training: bool = False) -> tf.Tensor:
        return mean_of_heads(self.heads(images, keys, training))

    def heads(self, images: tf.Tensor, keys: Optional[tf.Tensor] = None,
              training: bool = False) -> List[tf.Tensor]:
        """As a call, but the logits of every head, those of the shallowest node first."""
        check_sides('U-Net++', images.shape[1:3], 2 ** (LEVELS - 1), 2 ** (LEVELS - 1))
        drop, made = dropouts(keys, training), {}
        for column in range(1, LEVELS + 1):
            for row in range(1, LEVELS + 2 - column):
                node = f'{row}{column}'
                if column > 1:
                    x = tf.concat([self.ups[node](made[f'{row + 1}{column - 1}']),
                                   *(made[f'{row}{before}'] for before in range(1, column))], -1)
                else:
                    x = tf.nn.max_pool2d(made[f'{row - 1}1'], 2, 2, 'VALID') if row > 1 else images
                for convolution in self.units[node]:
                    x = drop(convolution(x), self.dropout)
                made[node] = x
        return [classifier(made[node]) for node, classifier in self.classifiers.items()]

    def penalty(self) -> tf.Tensor:
        """1e-4 times the squares of all kernels but the transposed ones; scalar float32."""
        convolutions = [*(one for unit in self.units.values() for one in unit), *self.classifiers.values()]
        return DECAY * tf.add_n([tf.cast(tf.reduce_sum(tf.square(one.kernel)), tf.float32) for one in convolutions])


def mean_of_heads(heads: Sequence[tf.Tensor]) -> tf.Tensor:
    """Logits of the mean probability of sigmoid maps; finite also where a probability rounds to 0 or 1."""
    stacked = tf.stack(heads)
    return (tf.reduce_logsumexp(tf.math.log_sigmoid(stacked), 0)
            - tf.reduce_logsumexp(tf.math.log_sigmoid(-stacked), 0))


def head_loss(masks: tf.Tensor, logits: tf.Tensor, ignored: Optional[tf.Tensor] = None) -> tf.Tensor:
    """0.5 * binary cross entropy - Dice of the whole batch as one long row, with 1 above and below.

    Shapes as `losses.mask_cross_entropy`; about -1 at the best.
    """
    known = 1.0 if ignored is None else tf.cast(tf.equal(ignored, 0), tf.float32)[..., tf.newaxis]
    masks, guess = known * tf.cast(masks, tf.float32), known * tf.nn.sigmoid(logits)
    dice = (2 * tf.reduce_sum(masks * guess) + 1) / (tf.reduce_sum(masks) + tf.reduce_sum(guess) + 1)
    return 0.5 * mask_cross_entropy(masks, logits, ignored) - dice


def updates(networks: Dict[str, tf.keras.Model]) -> Tuple[Update, ...]:
    """The sum of the heads' losses, and the penalty on kernels; batches as `losses.segmentation_update`."""
    network = networks['network']

    def loss(batch, made):
        del made
        heads = network.heads(batch['image'], batch['key'], training=True)
        masks, ignored = masks_of(batch['label'], heads[0].shape[-1]), batch.get('ignored')
        total = tf.add_n([head_loss(masks, head, ignored) for head in heads])
        accuracy = pixel_accuracy(batch['label'], mean_of_heads(heads), ignored)
        return total + network.penalty(), {'pixel_accuracy': accuracy}

    return (Update('segmentation', network.trainable_variables, loss),)
