"""What official translators computed, anew, by the updates that training uses; shared by their families.

A file's arrays are 'input/<name>' and 'output/<name>', NCHW; those of training have the step before the sample.
'.../static/...': nothing moves, batch 0; '.../steps/...': one value a training step; '.../state/...': running
statistics afterwards; '.../grad_norm/<loss>/<tensor>': the Euclidean norm of the gradient.
"""
from __future__ import annotations

import contextlib
from typing import Any, Dict, Iterable, Mapping, NamedTuple, Sequence, Tuple

import numpy as np
import tensorflow as tf

from models.adversarial import Batch, Group, Update, train_step
from models.fused_adam import FusedAdam
from models.official.tensors import Arrays, Meta, Networks, Slot, Tensors, floats, nchw, nhwc, spell_torch
from models.pix2pixhd.layers import NORMS

INPUTS = ('input/.+',)
Slots = Mapping[str, Slot]


class Rest(NamedTuple):
    """Updates walked once without moving anything.

    Attributes:
      metrics: every loss and its terms, by our names.
      made: what the updates left for each other.
      gradients: by update, in the order of its variables.
    """
    metrics: Dict[str, tf.Tensor]
    made: Dict[str, tf.Tensor]
    gradients: Dict[str, Sequence]


def inputs_of(arrays: Arrays) -> Dict[str, np.ndarray]:
    """Without 'input/'."""
    return {name[len('input/'):]: array for name, array in arrays.items() if name.startswith('input/')}


def spell(tensors: Tensors) -> Dict[str, np.ndarray]:
    """Without 'module.', and without the running statistics that old PyTorch wrote for instance norm, too."""
    spelled = spell_torch(tensors)
    norms = {name[:-len('.weight')] for name, array in spelled.items()
             if name.endswith('.weight') and np.ndim(array) == 1}
    return {name: array for name, array in spelled.items()
            if not name.endswith(('.running_mean', '.running_var')) or name.rsplit('.', 1)[0] in norms}


def scoped(scope: str, slots: Slots) -> Dict[str, Slot]:
    """The slots of one network of several: '<scope>.<name>'."""
    return {f'{scope}.{name}': slot for name, slot in slots.items()}


def of_scope(scope: str, tensors: Tensors) -> Dict[str, np.ndarray]:
    """The tensors of one network of several, without its name before them."""
    return {name[len(scope) + 1:]: array for name, array in tensors.items() if name.startswith(f'{scope}.')}


def norm_kind(meta: Meta, default: str) -> str:
    """meta['norm']; ValueError for one that we have not."""
    return one_of(meta, 'norm', NORMS, default)


def one_of(meta: Meta, key: str, known: Iterable[str], default: str) -> str:
    """A word of `meta` among those known; ValueError for another."""
    if meta.get(key, default) not in tuple(known):
        raise ValueError(f'meta[{key!r}]: expected one of {", ".join(known)}, found {meta[key]!r}; take another file')
    return meta.get(key, default)


def whole(meta: Meta, key: str, least: int, most: int) -> int:
    """A whole number of `meta` or of a part of it; ValueError for anything else."""
    value = meta.get(key) if isinstance(meta, dict) else None
    if not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f'meta: {key!r}: expected a whole number from {least} to {most}, found {value!r}; write the '
                         f'argument of the official network')
    return value


def number(meta: Meta, key: str, default: float) -> float:
    """A finite number of `meta` or of a part of it."""
    value = meta.get(key, default)
    if not isinstance(value, (int, float)) or not np.isfinite(value):
        raise ValueError(f'meta: {key!r}: expected a number, found {value!r}; write that of the official training')
    return float(value)


def at_rest(updates: Sequence[Update], batch: Batch) -> Rest:
    """Losses, terms and gradients of all updates at the weights that are there."""
    made, metrics, losses = {}, {}, {}
    with tf.GradientTape(persistent=True) as tape:
        for update in updates:
            if update.ahead:
                made.update(update.ahead(batch))
        for update in updates:
            losses[update.name], terms = update.loss(batch, made)
            metrics.update({f'{update.name}_loss': losses[update.name], **terms})
    return Rest(metrics, made, {update.name: tape.gradient(losses[update.name], update.variables)
                                for update in updates})


def trained(updates: Sequence[Update], batches: Iterable[Batch], meta: Meta) -> Dict[str, np.ndarray]:
    """Takes a training step a batch with meta['adam']: every metric as float32 [steps]."""
    adam = meta.get('adam') if isinstance(meta.get('adam'), dict) else {}
    decay = number(adam, 'weight_decay', 0.0)
    optimizers = {}
    for update in updates:
        optimizers[update.name] = FusedAdam(
            number(adam, 'learning_rate', 2e-4), number(adam, 'beta_1', 0.5), number(adam, 'beta_2', 0.999),
            epsilon=number(adam, 'epsilon', 1e-8), jit_compile=False)
        optimizers[update.name].build(update.variables)
    if decay:
        updates = [update._replace(groups=(Group(update.variables, decay=decay),)) for update in updates]
    rows = [train_step(tuple(updates), optimizers, batch) for batch in batches]
    return {name: np.array([float(row[name]) for row in rows], np.float32) for name in rows[0]}


def gradient_norms(slots: Slots, variables: Sequence[tf.Variable], gradients: Sequence) -> Dict[str, np.ndarray]:
    """By official tensor; a variable that the loss does not reach has 0."""
    norms = {id(v): np.float32(0 if g is None else tf.norm(g).numpy()) for v, g in zip(variables, gradients)}
    return {name: norms[id(slot.variable)] for name, slot in slots.items() if id(slot.variable) in norms}


def running(slots: Slots) -> Dict[str, np.ndarray]:
    """Running statistics as they are now, by official name."""
    return {name: slot.variable.numpy() for name, slot in slots.items()
            if name.endswith(('.running_mean', '.running_var'))}


@contextlib.contextmanager
def unmoved(networks: Networks):
    """Puts all weights and statistics back at the end."""
    before = {role: network.get_weights() for role, network in networks.items()}
    try:
        yield
    finally:
        for role, network in networks.items():
            network.set_weights(before[role])


def named(prefix: str, values: Mapping[str, Any]) -> Dict[str, np.ndarray]:
    """'<prefix>/<name>': maps NHWC -> NCHW, the rest as it is."""
    arrays = {name: np.asarray(value) for name, value in values.items()}
    return {f'{prefix}/{name}': np.asarray(nchw(array) if array.ndim == 4 else array)
            for name, array in arrays.items()}


def batches_of(given: Arrays, names: Mapping[str, str]) -> Tuple[Batch, ...]:
    """A batch a step: 'official' [step, N, ...] -> 'ours'; pictures NHWC, draws [N, K] as they are.

    Raises:
      ValueError: a picture without the axis of steps, or one of them has fewer steps than another.
    """
    missing = [name for name in names if name not in given]
    if missing:
        raise ValueError(f'array {f"input/{missing[0]}"!r}: expected it beside the others, found none; add it')
    steps = {name: len(given[name]) for name in names}
    if len(set(steps.values())) != 1 or any(np.ndim(given[name]) not in (3, 5) for name in names):
        raise ValueError(f'arrays: expected [step, N, C, H, W] and as many steps of each, found '
                         f'{ {name: np.shape(given[name]) for name in names} }; correct the inputs')
    return tuple({ours: (nhwc if np.ndim(given[name]) == 5 else floats)(given[name][step])
                  for name, ours in names.items()} for step in range(min(steps.values())))
