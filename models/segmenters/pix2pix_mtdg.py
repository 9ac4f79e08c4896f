"""Pix2Pix MTdG (Eslami et al. 2020), a GAN with a dilated generator, as a segmenter.

The authors' network draws an organ picture in [-1, 1] and, behind it, a bone-suppressed radiograph, the second task;
with the first task alone it is their 'dG'. Here the organ picture has one channel per class, -1 outside and 1 inside;
as sigmoid(2 x) = (tanh(x) + 1) / 2, its logits are twice what goes into the tanh. The bone-suppressed picture is what
helps to learn: segmenting is left with the classes. Reference: github mohaEs/image-to-images-translation 9780001.
Images are NHWC; logits float32.
"""
from __future__ import annotations

import random
from typing import Dict, Optional, Tuple

import tensorflow as tf

from models.adversarial import Update
from models.segmenters.layers import check_sides, dropouts, scaled
from models.segmenters.losses import masks_of, pixel_accuracy

GAN_WEIGHT, L1_WEIGHT = 1.0, 10.0
DECODER = (8, 8, 8, 8, 4, 2, 1)   # decoder 8 to 2, times the first level's filters


def build(num_classes: int, channels: int, seed: int, width: float) -> 'Generator':
    """The generator of a config's settings: classes alone."""
    return Generator(num_classes, channels, scaled(64, width), seed)


def helpers(num_classes: int, channels: int, seed: int, width: float) -> Dict[str, tf.keras.Model]:
    """The discriminator of a config's settings: of classes alone."""
    return {'discriminator': Discriminator(channels + num_classes, scaled(64, width), seed + 1)}


def build_both(num_classes: int, channels: int, seed: int, width: float) -> 'Generator':
    """The generator of both tasks; the bone-suppressed picture has the channels of the image."""
    return Generator(num_classes, channels, scaled(64, width), seed, channels)


def helpers_of_both(num_classes: int, channels: int, seed: int, width: float) -> Dict[str, tf.keras.Model]:
    """The discriminator of both tasks together."""
    return helpers(num_classes + channels, channels, seed, width)


def _start(rng: random.Random, mean: float = 0.0) -> tf.keras.initializers.Initializer:
    return tf.keras.initializers.RandomNormal(mean, 0.02, rng.randrange(2 ** 31))


class BatchStatistics(tf.keras.layers.Layer):
    """Batch norm, eps 1e-5, without running statistics: by those of the batch in training, else of each sample.

    The official code takes the batch's at test, too; so what it predicts with a batch of one is predicted here in
    any batch.
    """

    def __init__(self, rng: random.Random):
        super().__init__()
        self.start = _start(rng, 1.0)

    def build(self, input_shape):
        self.gamma = self.add_weight('gamma', [input_shape[-1]], tf.float32, self.start)
        self.beta = self.add_weight('beta', [input_shape[-1]], tf.float32, 'zeros')

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        x32 = tf.cast(x, tf.float32)
        mean, variance = tf.nn.moments(x32, [0, 1, 2] if training else [1, 2], keepdims=True)
        gamma, beta = (tf.cast(value, tf.float32) for value in (self.gamma, self.beta))
        return tf.cast(tf.nn.batch_normalization(x32, mean, variance, beta, gamma, 1e-5), x.dtype)


class Generator(tf.keras.Model):
    """Eight levels down, by dilated convolutions and pools, and eight up; skips are concatenated.

    54,426,630 trainable parameters at 3 channels and 6 maps.

    Args:
      num_classes: maps drawn.
      channels: of the images.
      filters: of the first level; published: 64.
      seed: of the initial weights: kernels N(0, 0.02^2), gammas N(1, 0.02^2).
      suppressed: channels of the bone-suppressed picture that it draws behind the maps; 0 = none.

    Call:
      images: [N, H, W, channels], sides multiples of 256.
      keys: int32 [N, 2], N static, one dropout key per sample; None turns dropout off.
      training: dropout, and the batch's statistics, if True; else each sample's own.
      Returns logits, float32 [N, H, W, num_classes]; tanh of half of them is the official picture.

    Raises:
      ValueError: a size that the network cannot take.
    """

    def __init__(self, num_classes: int, channels: int = 1, filters: int = 64, seed: int = 0, suppressed: int = 0):
        super().__init__()
        rng = random.Random(seed)
        self.num_classes, self.suppressed = num_classes, suppressed

        def convolution(count, **arguments):
            return tf.keras.layers.Conv2D(count, 4, padding='same', kernel_initializer=_start(rng), **arguments)

        def up(count, **arguments):
            return tf.keras.layers.Conv2DTranspose(count, 4, 2, 'same', kernel_initializer=_start(rng), **arguments)

        widths = [filters * min(2 ** level, 8) for level in range(8)]
        self.encoder = [convolution(widths[0], strides=2),
                        *(convolution(width, dilation_rate=2) for width in widths[1:-1]),
                        convolution(widths[-1], strides=2)]
        self.encoder_norms = [BatchStatistics(rng) for _ in widths[1:]]
        self.decoder = [*(up(filters * times) for times in DECODER), up(num_classes + suppressed, dtype=tf.float32)]
        self.decoder_norms = [BatchStatistics(rng) for _ in DECODER]
        self.build((None, 256, 256, channels))  # no variable depends on the size

    def call(self, images: tf.Tensor, keys: Optional[tf.Tensor] = None,
             training: bool = False) -> tf.Tensor:
        return self.both(images, keys, training)[..., :self.num_classes]

    def both(self, images: tf.Tensor, keys: Optional[tf.Tensor] = None, training: bool = False) -> tf.Tensor:
        """`call` with the bone-suppressed picture: [N, H, W, num_classes + suppressed], tanh of half of them drawn."""
        check_sides('Pix2Pix MTdG', images.shape[1:3], 256, 256)
        drop, x = dropouts(keys, training), self.encoder[0](images)
        skips = []
        for number, (convolution, norm) in enumerate(zip(self.encoder[1:], self.encoder_norms), start=2):
            skips.append(x)
            x = convolution(tf.nn.leaky_relu(x, 0.2))
            x = tf.nn.max_pool2d(x, 2, 2, 'VALID') if number < 8 else x
            x = norm(x, training=training)
        for number, (up, norm) in enumerate(zip(self.decoder, self.decoder_norms)):
            x = norm(up(tf.nn.relu(x)), training=training)
            x = drop(x, 0.5) if number < 3 else x
            x = tf.concat([x, skips.pop()], -1)
        return 2 * self.decoder[-1](tf.nn.relu(x))


class Discriminator(tf.keras.Model):
    """Image and maps together -> logits of patches, real or drawn; 62 x 62 of them at 512 px.

    2,772,673 trainable parameters at 3 + 6 channels.

    Args:
      channels: of image and maps together.
      filters: of the first layer; published: 64.
      seed: of the initial weights, as the generator's.

    Call: [N, H, W, channels] -> logits, float32 [N, H/8 - 2, W/8 - 2, 1]; the batch's statistics always.
    """

    def __init__(self, channels: int, filters: int = 64, seed: int = 0):
        super().__init__()
        rng = random.Random(seed)
        self.convolutions = [
            tf.keras.layers.Conv2D(count, 4, by, kernel_initializer=_start(rng))
            for count, by in ((filters, 2), (2 * filters, 2), (4 * filters, 2), (8 * filters, 1))]
        self.norms = [BatchStatistics(rng) for _ in range(3)]
        self.score = tf.keras.layers.Conv2D(1, 4, kernel_initializer=_start(rng), dtype=tf.float32)
        self.build((None, 256, 256, channels))

    def call(self, pictures: tf.Tensor) -> tf.Tensor:
        x = pictures
        for convolution, norm in zip(self.convolutions, [None, *self.norms]):
            x = convolution(_framed(x))
            x = tf.nn.leaky_relu(x if norm is None else norm(x, training=True), 0.2)
        return self.score(_framed(x))


def _framed(x: tf.Tensor) -> tf.Tensor:
    return tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])


def discriminator_loss(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Mean of -log D(real) - log(1 - D(fake)), not halved; logits of patches, 1e-12 inside the logarithms."""
    return tf.reduce_mean(-tf.math.log(tf.nn.sigmoid(real) + 1e-12)
                          - tf.math.log(tf.nn.sigmoid(-fake) + 1e-12))


def generator_terms(fake: tf.Tensor, targets: tf.Tensor, pictures: tf.Tensor) -> Tuple[tf.Tensor, tf.Tensor]:
    """(mean of -log D(fake), mean absolute distance of drawn pictures to targets), both without weight."""
    return (tf.reduce_mean(-tf.math.log(tf.nn.sigmoid(fake) + 1e-12)),
            tf.reduce_mean(tf.abs(targets - pictures)))


def updates(networks: Dict[str, tf.keras.Model]) -> Tuple[Update, ...]:
    """The discriminator, then the generator, as in the official code; batches as `losses.segmentation_update`.

    Both see all targets of a network as channels side by side, and L1 is the mean over all of them; where it draws a
    bone-suppressed picture, batches hold 'bone_suppressed' too, float32 [N, H, W, channels] in [-1, 1].
    [ours] Pixels that nobody knows take part as background: the discriminator must see whole pictures.
    """
    network, discriminator = networks['network'], networks['discriminator']

    def ahead(batch):
        return {'logits': network.both(batch['image'], batch['key'], training=True)}

    def sides(batch, made):
        """-> what is drawn, what is wanted."""
        wanted = [2 * masks_of(batch['label'], network.num_classes) - 1]
        wanted += [batch['bone_suppressed']] if network.suppressed else []
        return tf.tanh(made['logits'] / 2), tf.concat(wanted, -1)

    def judged(batch, pictures):
        return discriminator(tf.concat([batch['image'], pictures], -1))

    def loss_of_discriminator(batch, made):
        drawn, wanted = sides(batch, made)
        return discriminator_loss(judged(batch, wanted), judged(batch, tf.stop_gradient(drawn))), {}

    def loss_of_generator(batch, made):
        drawn, wanted = sides(batch, made)
        gan, distance = generator_terms(judged(batch, drawn), wanted, drawn)
        terms = {'gan_loss': gan, 'l1_loss': distance, 'pixel_accuracy': pixel_accuracy(
            batch['label'], made['logits'][..., :network.num_classes], batch.get('ignored'))}
        if network.suppressed:
            terms['suppression_l1'] = tf.reduce_mean(tf.abs(wanted - drawn)[..., network.num_classes:])
        return GAN_WEIGHT * gan + L1_WEIGHT * distance, terms

    return (Update('discriminator', discriminator.trainable_variables, loss_of_discriminator),
            Update('segmentation', network.trainable_variables, loss_of_generator, ahead=ahead))
