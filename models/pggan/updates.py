"""What one training step of progressive growing does: first the discriminator, then the generator.

A batch holds, float32:
  'real': [N, 2**level, 2**level, C] images in [-1, 1], already faded (`pggan.grow_images`);
  'latent_discriminator', 'latent_generator': [N, L] from N(0, 1), fresh for each network;
  'mixing': [N], uniform in [0, 1): where between real and fake the gradient is penalised;
  'shown': [N, 3, DRAWS], uniform in [0, 1), with a changing discriminator (`discriminator_augmentation`);
  'alpha': [N] in (0, 1], the fraction faded in; left out in a stable phase, which saves the blend.
"""
from __future__ import annotations

from typing import Dict, Optional, Tuple

import tensorflow as tf

from models.adversarial import Batch, Update
from models.discriminator_augmentation import Probability, changed
from models.pggan import wgan_gp
from models.pggan.networks import Discriminator, Generator

LossAndMetrics = Tuple[tf.Tensor, Dict[str, tf.Tensor]]


def pggan_updates(generator: Generator, discriminator: Discriminator, level: int,
                  gradient_scale: float, probability: Optional[Probability] = None) -> Tuple[Update, Update]:
    """The two updates of a step at `level`, in the official order.

    Args:
      level: static for a whole phase.
      gradient_scale: side of the finished images / 2**level (see `wgan_gp.discriminator_loss`).
      probability: with which the discriminator is shown changed pictures; None = as they are, officially. [ours] A
        Wasserstein critic has no boundary of its own: it is the middle between the mean scores of real and drawn ones.
    """
    def shown(images: tf.Tensor, batch: Batch, role: int) -> tf.Tensor:
        return images if probability is None else changed(images, batch['shown'][:, role], probability.value)

    def discriminator_loss(batch: Batch, made: Dict[str, tf.Tensor]) -> LossAndMetrics:
        alpha = batch.get('alpha', 1.0)
        fake = generator(batch['latent_discriminator'], level=level, alpha=alpha)
        pieces = wgan_gp.discriminator_loss(
            lambda images: discriminator(images, level=level, alpha=alpha),
            shown(batch['real'], batch, 0), shown(tf.stop_gradient(fake), batch, 1), batch['mixing'], gradient_scale)
        score_real = tf.reduce_mean(pieces.real_scores)
        score_fake = tf.reduce_mean(pieces.fake_scores)
        known = {} if probability is None else {'augmentation': tf.identity(probability.value), 'known_real': probability.observe(
            tf.stop_gradient(pieces.real_scores - (score_real + score_fake) / 2))}
        return tf.reduce_mean(pieces.loss), {
            **known,
            'score_real': score_real,
            'score_fake': score_fake,
            'wasserstein': score_real - score_fake,
            'image_gradient_norm': tf.reduce_mean(pieces.gradient_norms),
        }

    def generator_loss(batch: Batch, made: Dict[str, tf.Tensor]) -> LossAndMetrics:
        alpha = batch.get('alpha', 1.0)
        fake = generator(batch['latent_generator'], level=level, alpha=alpha)
        losses = wgan_gp.generator_loss(
            lambda images: discriminator(images, level=level, alpha=alpha), shown(fake, batch, 2))
        return tf.reduce_mean(losses), {}

    return (Update('discriminator', discriminator.trainable_variables, discriminator_loss),
            Update('generator', generator.trainable_variables, generator_loss))
