"""pix2pix's losses and updates: the discriminator first, then the generator, on one and the same picture.

Source: Isola et al. 2017, sections 3.1 and 3.3, and the official code.
"""
from __future__ import annotations

from typing import Callable, Dict, Tuple

import tensorflow as tf

from models.adversarial import Batch, Update
from models.pix2pixhd.updates import mean_distance


def vanilla(scores: tf.Tensor, is_real: bool) -> tf.Tensor:
    """Mean binary cross entropy of the scores as logits: the non-saturating loss of Goodfellow et al. 2014."""
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.fill(tf.shape(scores), float(is_real)), logits=scores))


def least_squares(scores: tf.Tensor, is_real: bool) -> tf.Tensor:
    """Mean squared distance of the scores to 1 or 0 (Mao et al. 2017)."""
    return tf.reduce_mean(tf.square(scores - float(is_real)))


GAN_LOSSES = {'vanilla': vanilla, 'lsgan': least_squares}


def pix2pix_updates(generate: Callable[[Batch], tf.Tensor],
                    discriminate: Callable[[tf.Tensor], tf.Tensor],
                    generator_variables, discriminator_variables,
                    gan: str = 'vanilla', l1_weight: float = 100.0,
                    further: Callable[[Batch, tf.Tensor], Dict[str, tf.Tensor]] = lambda batch, picture: {}
                    ) -> Tuple[Update, Update]:
    """The discriminator's update, then the generator's against the discriminator that has just moved.

    Batches hold 'source' [N, H, W, Cin] and 'target' [N, H, W, Cout] in [-1, 1], and what `generate` needs
    besides. Losses are float32 scalars; the logged terms hold their weights.

    Args:
      generate: batch -> picture [N, H, W, Cout]; called once a step, under the tape of the generator, so that its
        dropout and the running statistics of its batch norm are those of one picture.
      discriminate: [N, H, W, Cin + Cout] -> scores; called three times a step, fake, real and fake again, each
        time with its own statistics, which the running ones follow.
      gan: a name in GAN_LOSSES.
      l1_weight: of the mean absolute distance to the target.
      further: (batch, picture) -> more terms of the generator's loss, with their weights.
    """
    gan_loss = GAN_LOSSES[gan]

    def judged(batch, picture):
        return discriminate(tf.concat([batch['source'], picture], -1))

    def ahead(batch):
        return {'picture': generate(batch)}

    def discriminator_loss(batch, made):
        terms = {'fake_loss': gan_loss(judged(batch, tf.stop_gradient(made['picture'])), False),
                 'real_loss': gan_loss(judged(batch, batch['target']), True)}
        return 0.5 * (terms['fake_loss'] + terms['real_loss']), terms

    def generator_loss(batch, made):
        terms = {'gan_loss': gan_loss(judged(batch, made['picture']), True),
                 'l1_loss': l1_weight * mean_distance(batch['target'], made['picture']),
                 **further(batch, made['picture'])}
        return tf.add_n(list(terms.values())), terms

    return (Update('discriminator', discriminator_variables, discriminator_loss),
            Update('generator', generator_variables, generator_loss, ahead=ahead))
