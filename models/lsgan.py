"""Pix2PixHD's losses and updates: least-squares GAN, feature matching, optional perceptual loss.

Discriminator features are lists per scale of lists per layer, the last entry the scores. All losses
are float32 scalars. Source: Wang et al. 2018, section 3.2, and the official code.
"""
from __future__ import annotations

from typing import Callable, List, Optional, Tuple

import tensorflow as tf

from models.adversarial import Update

Features = List[List[tf.Tensor]]


def least_squares(features: Features, target: float) -> tf.Tensor:
    """Mean squared distance of the scores to `target` (1 real, 0 fake), summed over scales."""
    return tf.add_n([tf.reduce_mean(tf.square(tf.cast(scale[-1], tf.float32) - target))
                     for scale in features])


def feature_matching(real: Features, fake: Features) -> tf.Tensor:
    """Mean absolute distance of hidden features, real side detached (eq. 4), without the weight 10.

    The official weights: each layer's distance counts 4 / (hidden layers) / (scales).
    """
    total = tf.add_n([mean_distance(a, b) for real_scale, fake_scale in zip(real, fake)
                      for a, b in zip(real_scale[:-1], fake_scale[:-1])])
    return total * 4.0 / ((len(real[0]) - 1) * len(real))


def mean_distance(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference in float32; no gradient reaches `real`."""
    real = tf.stop_gradient(tf.cast(real, tf.float32))
    return tf.reduce_mean(tf.abs(real - tf.cast(fake, tf.float32)))


def pix2pixhd_updates(generator: tf.keras.Model, discriminator: tf.keras.Model,
                      feature_weight: float = 10.0,
                      perceptual: Optional[Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = None
                      ) -> Tuple[Update, Update]:
    """The generator's update and then the discriminator's, on one and the same generated picture.

    Batches hold 'source' [N, H, W, Cin] and 'target' [N, H, W, Cout] in [-1, 1]; H and W must suit
    the generator, whose picture has to have the size of the target. `made['picture']` is set by the
    first update and detached by the second.

    Args:
      generator: [N, H, W, Cin] -> [N, H, W, Cout].
      discriminator: [N, H, W, Cin + Cout] -> features.
      feature_weight: weight of feature matching and of the perceptual loss.
      perceptual: (real, fake) -> scalar, for example `models.vgg.perceptual_loss(path)`.
    """
    def judge(batch, picture):
        return discriminator(tf.concat([batch['source'], picture], -1))

    def generator_loss(batch, made):
        made['picture'] = generator(batch['source'])
        fake = judge(batch, made['picture'])
        terms = {'gan_loss': least_squares(fake, 1.0),
                 'feature_loss': feature_weight * feature_matching(
                     judge(batch, batch['target']), fake)}
        if perceptual is not None:
            terms['perceptual_loss'] = feature_weight * perceptual(batch['target'],
                                                                   made['picture'])
        return tf.add_n(list(terms.values())), terms

    def discriminator_loss(batch, made):
        terms = {
            'fake_loss': least_squares(judge(batch, tf.stop_gradient(made['picture'])), 0.0),
            'real_loss': least_squares(judge(batch, batch['target']), 1.0)}
        return 0.5 * (terms['fake_loss'] + terms['real_loss']), terms

    return (Update('generator', generator, generator_loss),
            Update('discriminator', discriminator, discriminator_loss))
