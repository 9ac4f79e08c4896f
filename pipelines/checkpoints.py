"""What a training keeps on disk, and how networks come back from there."""
from __future__ import annotations

from pathlib import Path
from typing import Dict

import tensorflow as tf

from datasets.errors import InputError
from models.adversarial import copy_weights
from pipelines.tasks import Phase, Task


class State:
    """What a checkpoint holds."""

    def __init__(self, task: Task, directory: Path):
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.best_score = tf.Variable(-1.0, trainable=False)
        self.optimizers = {name: _optimizer(task, name) for name in dict.fromkeys(
            update.name for phase in task.phases for update in phase.updates)}
        self.checkpoint = tf.train.Checkpoint(
            step=self.step, best_score=self.best_score, networks=dict(task.networks),
            optimizers=dict(self.optimizers), **task.extras)
        self.manager = tf.train.CheckpointManager(
            self.checkpoint, str(directory / 'checkpoints'), max_to_keep=2)

    def restore(self, directory: Path) -> int:
        """Continues from the last state in a task's folder, if there is one; returns its step."""
        path = tf.train.latest_checkpoint(str(directory / 'checkpoints'))
        if path is not None:
            try:
                status = self.checkpoint.restore(path)
                status.assert_existing_objects_matched()
            except (AssertionError, ValueError):
                raise InputError(f'{path}: this checkpoint is of another '
                                 f'network; choose another --workdir') from None
        return int(self.step.numpy())

    def start_phase(self, phase: Phase) -> None:
        """Fresh moments for all optimisers but those that the phase keeps."""
        for name, optimizer in self.optimizers.items():
            if name not in phase.keeps:
                for variable in _unscaled(optimizer).variables:
                    variable.assign(tf.zeros_like(variable))

    def save(self) -> None:
        self.manager.save(checkpoint_number=int(self.step.numpy()))


def is_finished(directory) -> bool:
    """Whether a task in this folder has done all its steps."""
    return (Path(directory) / 'finished.json').exists()


def restore_networks(networks: Dict[str, tf.keras.Model], directory) -> None:
    """Loads some or all networks of a finished task; what else it saved is left on disk.

    Raises:
      InputError: the task has not finished there.
    """
    directory = Path(directory)
    if not is_finished(directory):
        raise InputError(f'{directory}: {directory.name} is not trained yet; train it first (the '
                         f'same --config and --workdir)')
    restore_snapshot(networks, tf.train.latest_checkpoint(str(directory / 'checkpoints')))


def restore_snapshot(networks: Dict[str, tf.keras.Model], path) -> None:
    """Loads some or all networks of one saved state."""
    status = tf.train.Checkpoint(networks=dict(networks)).read(str(path))
    status.assert_existing_objects_matched()
    status.expect_partial()


def start_from(networks: Dict[str, tf.keras.Model], folder) -> None:
    """Fills those of the networks that tools/import_weights.py wrote to `folder`.

    Raises:
      InputError: nothing is there, or weights of another architecture.
    """
    where = f'initial_weights {folder}'
    path = tf.train.latest_checkpoint(str(folder))
    if path is None:
        raise InputError(f'{where}: expected a folder written by tools/import_weights.py, found none')
    found = {name.split('/')[1] for name, _ in tf.train.list_variables(path)
             if name.startswith('networks/')}
    chosen = {name: network for name, network in networks.items() if name in found}
    try:
        restore_snapshot(chosen, path)
    except (AssertionError, ValueError) as error:
        raise InputError(f'{where}: weights of another architecture than the config\'s: '
                         f'{" ".join(str(error).split())[:160]}') from None
    if 'generator_average' in networks:
        copy_weights(networks['generator_average'], networks['generator'])


def _optimizer(task: Task, name: str) -> tf.keras.optimizers.Optimizer:
    """Adam for all variables that updates of this name move in any phase."""
    variables = {id(v): v for phase in task.phases for update in phase.updates
                 for v in update.variables if update.name == name}
    optimizer = tf.keras.optimizers.Adam(1e-3, *task.betas, epsilon=1e-8, jit_compile=False)
    optimizer.build(list(variables.values()))
    if task.mixed_precision:
        return tf.keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer


def _unscaled(optimizer):
    return getattr(optimizer, 'inner_optimizer', optimizer)
