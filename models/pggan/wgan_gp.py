"""Wasserstein loss with gradient penalty, as progressive growing uses it.

A `score_fn` maps float images [N, H, W, C] to scores [N, 1] or [N], higher for more real. Losses
are float32 and per sample, [N]; their mean is the caller's.
Sources: Gulrajani et al. 2017, eq. 3; Karras et al. 2017, appendix A.1 (drift term, one
discriminator step per generator step).
"""
from __future__ import annotations

from typing import Callable, NamedTuple

import tensorflow as tf

ScoreFn = Callable[[tf.Tensor], tf.Tensor]

_EPSILON = 1e-12
# [ours] Keeps the inner gradient of a half-precision network from vanishing: pixel by pixel it is
# about 1 / (image side). A power of two, so float32 results are the same to the bit.
_INNER_SCALE = 2.0 ** 8


class DiscriminatorLoss(NamedTuple):
    """Per-sample pieces, float32 [N]; `loss` is their sum and what a discriminator minimises."""
    loss: tf.Tensor
    real_scores: tf.Tensor
    fake_scores: tf.Tensor
    gradient_norms: tf.Tensor


def discriminator_loss(score_fn: ScoreFn, real: tf.Tensor, fake: tf.Tensor, mixing: tf.Tensor,
                       gradient_scale: float = 1.0, *, penalty_weight: float = 10.0,
                       drift_weight: float = 0.001, target: float = 1.0) -> DiscriminatorLoss:
    """D(fake) - D(real) + 10 (|grad D(mixed)| - 1)^2 + 0.001 D(real)^2.

    Args:
      real, fake: float images [N, H, W, C].
      mixing: [N], uniform in [0, 1): mixed = real + (fake - real) * mixing.
      gradient_scale: full side / H. The norm of 1 is asked at full resolution, whose pixels share
        the gradient of the H x W image that is their mean: its norm is divided by this.
      penalty_weight, drift_weight, target: the 10, the 0.001 and the norm of 1 above, officially
        wgan_lambda, wgan_epsilon, wgan_target; the penalty is divided by target^2.
    """
    real_scores, fake_scores = _per_sample(score_fn(real)), _per_sample(score_fn(fake))
    mixed = real + (fake - real) * tf.reshape(tf.cast(mixing, real.dtype), [-1, 1, 1, 1])
    norms = gradient_norm(score_fn, mixed) / gradient_scale
    loss = (fake_scores - real_scores + penalty_weight / target ** 2 * tf.square(norms - target)
            + drift_weight * tf.square(real_scores))
    return DiscriminatorLoss(loss, real_scores, fake_scores, norms)


def generator_loss(score_fn: ScoreFn, fake: tf.Tensor) -> tf.Tensor:
    """-D(fake), float32 [N]."""
    return -_per_sample(score_fn(fake))


def gradient_norm(score_fn: ScoreFn, images: tf.Tensor) -> tf.Tensor:
    """Euclidean norm over H, W, C of each score's gradient at its image, float32 [N]."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        total = _INNER_SCALE * tf.reduce_sum(_per_sample(score_fn(images)))
    gradient = tf.cast(tape.gradient(total, images), tf.float32) / _INNER_SCALE
    # The square root has no derivative at 0.
    return tf.sqrt(tf.reduce_sum(tf.square(gradient), axis=[1, 2, 3]) + _EPSILON)


def _per_sample(scores: tf.Tensor) -> tf.Tensor:
    return tf.reshape(tf.cast(scores, tf.float32), [-1])
