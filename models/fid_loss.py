"""The Frechet distance of two sets of features as a loss: exact, of float32, with a gradient for small batches.

|m_r - m_s|^2 + |C_s|^2 + |C_r|^2 - 2 |C_s C_r^T|_*, where C are features less their mean over sqrt(n - 1) and |.|_* is the
sum of singular values: Tr(S_r + S_s - 2 (S_r S_s)^(1/2)) without a matrix of features by features.
Source: Heusel et al. 2017, eq. 6, for the distance.
"""
from __future__ import annotations

from typing import NamedTuple, Tuple

import tensorflow as tf


class Side(NamedTuple):
    """What the distance needs of a set of features.

    Attributes:
      mean: [D].
      centred: [N, D], over sqrt(N - 1).
    """
    mean: tf.Tensor
    centred: tf.Tensor


def side_of(features: tf.Tensor) -> Side:
    """Of features [N, D]; ValueError for fewer than two, which have no covariance."""
    if features.shape[0] is not None and features.shape[0] < 2:
        raise ValueError(f'features: expected at least 2 samples, found {features.shape[0]}; raise the batch size')
    count = tf.cast(tf.shape(features)[0], features.dtype)
    mean = tf.reduce_mean(features, 0)
    return Side(mean, (features - mean) / tf.sqrt(count - 1))


def frechet_terms(synthetic: Side, real: Side) -> Tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Scalars: the distance, its term of the means, and Tr((S_r S_s)^(1/2)).

    The gradient goes to both sides. Singular values below the rounding of the largest have none: of pictures that
    repeat each other, where the distance has a kink.
    """
    of_means = tf.reduce_sum(tf.square(real.mean - synthetic.mean))
    root = _nuclear_norm(tf.matmul(synthetic.centred, real.centred, transpose_b=True))
    spread = tf.reduce_sum(tf.square(synthetic.centred)) + tf.reduce_sum(tf.square(real.centred))
    return of_means + spread - 2 * root, of_means, root


@tf.custom_gradient
def _nuclear_norm(matrix: tf.Tensor):
    """Sum of the singular values of [M, N]; gradient U V^T over those above rounding."""
    values, left, right = tf.linalg.svd(matrix)
    epsilon = 2.0 ** -52 if matrix.dtype == tf.float64 else 2.0 ** -23
    least = 10 * epsilon * tf.cast(tf.reduce_max(tf.shape(matrix)), matrix.dtype) * values[0]
    kept = tf.cast(values > least, matrix.dtype)
    return tf.reduce_sum(values), lambda upstream: upstream * tf.matmul(left * kept, right, transpose_b=True)
