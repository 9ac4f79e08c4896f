"""Pix2PixHD's losses and updates: least-squares GAN, feature matching, optional perceptual loss.

Discriminator features are lists per scale of lists per layer, the last entry the scores. All losses
are float32 scalars. Source: Wang et al. 2018, section 3.2, and the official code.
"""
from __future__ import annotations

from typing import Callable, List, Optional, Sequence, Tuple

import tensorflow as tf

from models.adversarial import Update
from models.discriminator_augmentation import Probability, changed
from models.image_pool import ImagePool

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


def pix2pixhd_updates(translate: Callable[[dict], tf.Tensor],
                      discriminate: Callable[[tf.Tensor], Features],
                      generator_variables: Sequence[tf.Variable],
                      discriminator_variables: Sequence[tf.Variable],
                      feature_weight: float = 10.0,
                      perceptual: Optional[Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = None,
                      pool: Optional[ImagePool] = None,
                      probability: Optional[Probability] = None,
                      diverse: Optional[Callable[[dict, tf.Tensor], tf.Tensor]] = None) -> Tuple[Update, Update]:
    """The generator's update and then the discriminator's, on one and the same generated picture.

    Batches hold 'source' [N, H, W, Cin] and 'target' [N, H, W, Cout] in [-1, 1], and with a pool
    'pool' [N, 2], uniform in [0, 1). `made['picture']` is set by the first update and detached by
    the second.

    Args:
      translate: a batch -> [N, H, W, Cout]: a generator, padding and cropping included.
      discriminate: [N, H, W, Cin + Cout] -> features.
      generator_variables, discriminator_variables: what each update moves.
      feature_weight: weight of feature matching and of the perceptual loss.
      perceptual: (real, fake) -> scalar, for example `models.vgg.perceptual_loss(path)`.
      pool: of [H, W, Cin + Cout]: the discriminator's update sees its pictures.
      probability: with which it is shown changed pairs, picture and source alike; batches then hold 'shown' [N, 3, DRAWS],
        uniform in [0, 1). For feature matching the real and the generated pair are changed in the same way.
      diverse: (batch, the generated picture) -> scalar, what is added for styles that make no difference.
    """
    def seen(pair, batch, role):
        return discriminate(pair if probability is None else changed(pair, batch['shown'][:, role], probability.value))

    def generator_loss(batch, made):
        made['picture'] = translate(batch)
        fake = seen(_pair(batch, made['picture']), batch, 0)
        terms = {'gan_loss': least_squares(fake, 1.0),
                 'feature_loss': feature_weight * feature_matching(seen(_pair(batch, batch['target']), batch, 0), fake)}
        if perceptual is not None:
            terms['perceptual_loss'] = feature_weight * perceptual(batch['target'], made['picture'])
        if diverse is not None:
            terms['style_loss'] = diverse(batch, made['picture'])
        return tf.add_n(list(terms.values())), terms

    def discriminator_loss(batch, made):
        shown = _pair(batch, tf.stop_gradient(made['picture']))
        if pool is not None:
            shown = pool.exchange(shown, batch['pool'])
        real = seen(_pair(batch, batch['target']), batch, 2)
        terms = {'fake_loss': least_squares(seen(shown, batch, 1), 0.0), 'real_loss': least_squares(real, 1.0)}
        loss = 0.5 * (terms['fake_loss'] + terms['real_loss'])
        if probability is not None:
            scores = [tf.reshape(tf.stop_gradient(scale[-1]), [shown.shape[0], -1]) for scale in real]
            terms.update(augmentation=tf.identity(probability.value), known_real=probability.observe(
                tf.cast(tf.concat(scores, 1), tf.float32) - 0.5))
        return loss, terms

    return (Update('generator', generator_variables, generator_loss),
            Update('discriminator', discriminator_variables, discriminator_loss))


def _pair(batch, picture: tf.Tensor) -> tf.Tensor:
    return tf.concat([batch['source'], picture], -1)
