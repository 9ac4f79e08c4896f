"""What a discriminator is shown, changed at random, real and drawn pictures alike, so that few real ones are not learned by heart.

Source: Karras et al. 2020, "Training generative adversarial networks with limited data". Every operation is applied with
probability p to each picture by itself, and gradients flow through it to the generator; since a picture stays as it is often
enough (p up to 0.8, their section 2.2), what generators learn to draw are pictures that were not changed. [ours] Of their
operations those that keep a chest a chest, and a label map one: shifts, sizes, turns; nothing is mirrored, and tones stay.
"""
from __future__ import annotations

import math

import tensorflow as tf

DRAWS = 7           # random numbers of a picture
HIGHEST = 0.8       # above it changes leak into what is drawn
SHIFT = 0.125       # of the side, either way, whole pixels (their appendix B)
SCALE = 0.2         # logarithm of the size, either way
TURN = math.pi / 12  # either way
INTERVAL = 4        # steps from one adjustment of p to the next (their section 3)


def changed(pictures: tf.Tensor, draws: tf.Tensor, probability) -> tf.Tensor:
    """Pictures, each moved, resized and turned with that probability.

    Args:
      pictures: float [N, S, S, C].
      draws: [N, DRAWS], uniform in [0, 1): three of whether, four of how much.
      probability: scalar p.

    Returns:
      The same shape, sampled bilinearly; beyond the frame a picture repeats its edge.
    """
    side = pictures.shape[1]
    whether, how = draws[:, :3] < probability, 2 * draws[:, 3:] - 1
    shift = tf.where(whether[:, :1], tf.round(how[:, :2] * SHIFT * side), 0.0)
    scale = tf.exp(tf.where(whether[:, 1], how[:, 2] * SCALE, 0.0))
    angle = tf.where(whether[:, 2], how[:, 3] * TURN, 0.0)
    grid = tf.range(side, dtype=tf.float32) - (side - 1) / 2
    rows, columns = tf.meshgrid(grid, grid, indexing='ij')
    cosine, sine = (values[:, None, None] / scale[:, None, None] for values in (tf.cos(angle), tf.sin(angle)))
    places = tf.stack([cosine * rows - sine * columns, sine * rows + cosine * columns], -1)
    return _sampled(pictures, places + (side - 1) / 2 - shift[:, None, None])


def _sampled(pictures: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """[N, S, S, C] at (row, column) places [N, S, S, 2], in px; its gradient is the exact one."""
    places = tf.clip_by_value(places, 0.0, pictures.shape[1] - 1.0)
    corner = tf.minimum(tf.floor(places), pictures.shape[1] - 2.0)
    down, right = tf.split(tf.cast(places - corner, pictures.dtype), 2, axis=-1)
    at = tf.cast(corner, tf.int32)
    near, far = ((1 - right) * tf.gather_nd(pictures, at + [row, 0], batch_dims=1)
                 + right * tf.gather_nd(pictures, at + [row, 1], batch_dims=1) for row in (0, 1))
    return (1 - down) * near + down * far


class Probability(tf.Module):
    """p, which follows how surely a discriminator knows the real pictures; its variables belong into the checkpoint.

    Args:
      first: p at the start.
      target: the mean sign of the scores of real pictures, less the boundary between real and drawn, above which p rises
        and below which it falls (their r_t: 0.6); 0 = p stays.
      images: real pictures that are shown while p goes from 0 to 1.
    """

    def __init__(self, first: float, target: float, images: int):
        super().__init__()
        self.target, self.images = target, images
        self.value = tf.Variable(first, trainable=False, dtype=tf.float32)
        self.signs = tf.Variable(0.0, trainable=False)
        self.steps = tf.Variable(0, trainable=False)

    def observe(self, scores: tf.Tensor) -> tf.Tensor:
        """Takes scores [N, ...] of real pictures, above 0 where they are taken for such; every INTERVAL steps p moves.

        Returns:
          Their mean sign.
        """
        sign = tf.reduce_mean(tf.sign(tf.cast(scores, tf.float32)))
        if self.target:
            self.signs.assign_add(sign / INTERVAL)
            self.steps.assign_add(1)
            due = tf.cast(self.steps % INTERVAL == 0, tf.float32)
            step = tf.sign(self.signs - self.target) * scores.shape[0] * INTERVAL / self.images
            self.value.assign(tf.clip_by_value(self.value + due * step, 0.0, HIGHEST))
            self.signs.assign((1 - due) * self.signs)
        return sign
