"""The one training step: an ordered list of updates, each with its own tape and optimiser.

PGGAN, Pix2PixHD and a plain segmenter differ only in their updates. A later update may reuse what an
earlier one made (the discriminator of Pix2PixHD takes the generator's picture) through the dict `made`.
"""
from __future__ import annotations

from typing import Callable, Dict, NamedTuple, Tuple

import tensorflow as tf

Batch = Dict[str, tf.Tensor]
LossFn = Callable[[Batch, Dict[str, tf.Tensor]], Tuple[tf.Tensor, Dict[str, tf.Tensor]]]


class Update(NamedTuple):
    """One optimiser step of a training step.

    Attributes:
      name: names the loss in logs and the optimiser, for example 'generator'.
      network: the network whose trainable variables move.
      loss: (batch, made) -> (scalar loss, dict of scalar metrics); may add tensors to `made`.
    """
    name: str
    network: tf.keras.Model
    loss: LossFn


def train_step(updates: Tuple[Update, ...], optimizers: Dict[str, tf.keras.optimizers.Optimizer],
               batch: Batch) -> Dict[str, tf.Tensor]:
    """Walks the updates once.

    Returns:
      Scalars: every update's loss, gradient norm and own metrics.

    Raises:
      tf.errors.InvalidArgumentError: a loss or gradient is not finite; that update is not applied.
    """
    made, metrics = {}, {}
    for update in updates:
        variables = update.network.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            loss, extras = update.loss(batch, made)
        pairs = [(g, v) for g, v in zip(tape.gradient(loss, variables), variables) if g is not None]
        norm = tf.linalg.global_norm([g for g, _ in pairs])
        finite = tf.math.is_finite(loss) & tf.math.is_finite(norm)
        tf.debugging.Assert(finite, [f'{update.name} loss', loss, 'gradient norm', norm])
        optimizers[update.name].apply_gradients(pairs)
        metrics.update({f'{update.name}_loss': loss, f'{update.name}_gradient_norm': norm, **extras})
    return metrics


def update_average(average: tf.keras.Model, live: tf.keras.Model, decay: float,
                   step: tf.Tensor) -> None:
    """Exponential moving average of all weights, batch statistics included.

    [ours] The decay is ramped as min(decay, (1 + step) / (10 + step)), so that short runs do not
    average in the random start; from 9,000 steps on it is the official 0.999.
    """
    step = tf.cast(step, tf.float32)
    decay = tf.minimum(decay, (1 + step) / (10 + step))
    for target, source in zip(average.variables, live.variables):
        target.assign_sub((1 - decay) * (target - source))


def copy_weights(target: tf.keras.Model, source: tf.keras.Model) -> None:
    """All variables of `source`, batch statistics included, into a network of the same shape."""
    for to, value in zip(target.variables, source.variables):
        to.assign(value)
