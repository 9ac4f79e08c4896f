"""Graphs that outlive their training, with the networks that they belong to: another of the same shape takes both over.

To trace a step takes longer than many a short training. A training that finds its `Task.key` here moves the kept networks in
the place of its own, from its own first weights or saved state, and gives what they have become back to its own whenever
somebody looks: results are the same to the bit. Small ones alone are kept, and the last few.
"""
from __future__ import annotations

import collections
from typing import Any, Dict, NamedTuple, Optional

import tensorflow as tf

from models.adversarial import copy_weights
from pipelines.training.task import Task

MOST_BYTES = 2 ** 26    # of the weights of one training; to trace larger ones is a small part of their time
MOST = 4                # trainings


class Kept(NamedTuple):
    """What moves in a training: the task whose networks do, its step and optimisers, and its graphs by phase and update."""
    task: Task
    step: tf.Variable
    optimizers: Dict[str, tf.keras.optimizers.Optimizer]
    graphs: Dict[tuple, Any]


_kept: 'collections.OrderedDict[str, Kept]' = collections.OrderedDict()


def take(task: Task) -> Optional[Kept]:
    """What another training of the same shape left, which nobody else then has; None if there is nothing."""
    found = _kept.pop(task.key, None) if task.key and _is_one_device() else None
    if found:
        found.step.assign(0)
    return found


def leave(kept: Kept) -> None:
    """Keeps it for the next of the same shape, without what reads or draws its pictures, and forgets the oldest."""
    size = sum(v.shape.num_elements() * v.dtype.size for network in kept.task.networks.values() for v in network.variables)
    if kept.task.key and _is_one_device() and size <= MOST_BYTES:
        _kept[kept.task.key] = kept._replace(task=_bare(kept.task))
        while len(_kept) > MOST:
            _kept.popitem(last=False)


def _bare(task: Task) -> Task:
    """What moves of it, and by which updates: validation images and batches, which take the memory, are its own."""
    phases = tuple(phase._replace(batches=None, sheet=None, measured=None) for phase in task.phases)
    return task._replace(phases=phases, start=None, validation=task.validation and task.validation._replace(score=None))


def forget() -> None:
    """All of it."""
    _kept.clear()


def copy(target: Task, source: Task) -> None:
    """All that moves, from one task of a shape to another; nothing where they are the same."""
    if target is source:
        return
    for name, network in source.networks.items():
        copy_weights(target.networks[name], network)
    for name, module in source.extras.items():
        for to, value in zip(target.extras[name].variables, module.variables):
            to.assign(value)


def _is_one_device() -> bool:
    return tf.distribute.get_strategy().num_replicas_in_sync == 1
