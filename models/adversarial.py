"""The one training step: an ordered list of updates, each with its own tape and optimiser.

PGGAN, Pix2PixHD and a plain segmenter differ only in their updates. A later update may reuse what an
earlier one made (the discriminator of Pix2PixHD takes the generator's picture) through the dict `made`;
and an earlier one what a later one makes ahead (`Update.ahead`: SCAN's critic moves before the network
whose masks it sees, in one forward pass).
A loss is a mean over the samples that it is given; under a `tf.distribute` strategy each device is
given its share of the batch, and the mean over devices is what is minimised.
"""
from __future__ import annotations

from typing import Callable, Dict, NamedTuple, Optional, Sequence, Tuple

import tensorflow as tf

Batch = Dict[str, tf.Tensor]
LossFn = Callable[[Batch, Dict[str, tf.Tensor]], Tuple[tf.Tensor, Dict[str, tf.Tensor]]]


class Group(NamedTuple):
    """Variables of an update that are treated otherwise than the rest of it.

    Attributes:
      rate: times the learning rate of the update.
      decay: coupled weight decay: the gradient gets decay * weight added, as PyTorch's Adam and SGD do;
        not that of AdamW, which Keras' `weight_decay` is.
    """
    variables: Sequence[tf.Variable]
    rate: float = 1.0
    decay: float = 0.0


class Update(NamedTuple):
    """One optimiser step of a training step.

    Attributes:
      name: names the loss in logs and the optimiser, for example 'generator'.
      variables: the trainable variables that move.
      loss: (batch, made) -> (scalar loss, dict of scalar metrics); may add tensors to `made`.
      rate: times the learning rate of the phase.
      every: training steps from one to the next; it moves in the first of a phase.
      groups: of its variables, those with a rate or a decay of their own; no variable in two of them.
      betas: of its Adam; None = the task's.
      ahead: batch -> tensors of `made` that its loss is going to differentiate, computed before any update
        of the step moves anything, for updates before it to use too: detached there.
    """
    name: str
    variables: Sequence[tf.Variable]
    loss: LossFn
    rate: float = 1.0
    every: int = 1
    groups: Tuple[Group, ...] = ()
    betas: Optional[Tuple[float, float]] = None
    ahead: Optional[Callable[[Batch], Dict[str, tf.Tensor]]] = None

    def is_due(self, step: int) -> bool:
        """Whether it moves in this step of a phase, counted from 0."""
        return step % self.every == 0


def train_step(updates: Tuple[Update, ...], optimizers: Dict[str, tf.keras.optimizers.Optimizer],
               batch: Batch) -> Dict[str, tf.Tensor]:
    """Walks the updates once; those that are not due (see Update.is_due) are not to be given.

    Args:
      optimizers: by update name. One that is a `tf.keras.mixed_precision.LossScaleOptimizer` scales
        its own loss, leaves out a step whose scaled gradients overflow, and lowers its scale.

    Returns:
      Scalars: every update's loss, gradient norm, loss scale if there is one, and own metrics.

    Raises:
      tf.errors.InvalidArgumentError: a loss or gradient is not finite, and no lower loss scale could
        help; that update is not applied.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    ahead = {update.name: _made_ahead(update, batch) for update in updates if update.ahead}
    made, metrics = {key: value for _, own in ahead.values() for key, value in own.items()}, {}
    for update in updates:
        name, variables, loss_fn = update.name, update.variables, update.loss
        # a device's share: the optimiser adds those of all devices up
        decays = {id(v): group.decay / replicas for group in update.groups for v in group.variables if group.decay}
        optimizer = optimizers[name]
        is_scaled = isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer)
        tape, own = ahead.get(name) or (tf.GradientTape(watch_accessed_variables=False), {})
        with tape:
            tape.watch(variables)
            made.update(own)
            loss, extras = loss_fn(batch, made)
            target = optimizer.get_scaled_loss(loss) if is_scaled else loss
            if replicas > 1:  # the optimiser adds the devices' gradients up
                target /= replicas
        pairs = [(g, v) for g, v in zip(tape.gradient(target, variables), variables)
                 if g is not None]
        norm = tf.linalg.global_norm([g for g, _ in pairs])
        finite = tf.math.is_finite(norm)
        norm *= replicas  # of the share's own loss
        if is_scaled:
            norm /= optimizer.loss_scale
            metrics[f'{name}_loss_scale'] = optimizer.loss_scale
            finite |= optimizer.loss_scale > 1
            pairs = list(zip(optimizer.get_unscaled_gradients([g for g, _ in pairs]),
                             [v for _, v in pairs]))
        check = tf.debugging.Assert(tf.math.is_finite(loss) & finite,
                                    [f'{name} loss', loss, 'gradient norm', norm])
        with tf.control_dependencies([check]):  # else variables move before the check is made
            pairs = [(tf.identity(g) if id(v) not in decays else g + decays[id(v)] * v, v)
                     for g, v in pairs]
        optimizer.apply_gradients(pairs)
        # Else the next update's forward pass may run first and hold its tensors through this one's.
        with tf.control_dependencies([v.read_value() for v in variables]):
            batch, made = tf.nest.map_structure(tf.identity, (batch, made))
        metrics.update({f'{name}_loss': loss, f'{name}_gradient_norm': norm, **extras})
    return metrics


def _made_ahead(update: Update, batch: Batch) -> Tuple[tf.GradientTape, Dict[str, tf.Tensor]]:
    """The tape of an update, which goes on when it is its turn, and what it made ahead on it."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(update.variables)
        return tape, update.ahead(batch)


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
