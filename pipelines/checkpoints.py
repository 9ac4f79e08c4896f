"""What a training keeps on disk, and how networks come back from there."""
from __future__ import annotations

import itertools
from pathlib import Path
from typing import Dict, Iterable, Sequence, Tuple

import tensorflow as tf

from datasets.errors import InputError
from models.adversarial import Update, copy_weights
from pipelines.tasks import Phase, Task


class State:
    """What a checkpoint holds."""

    def __init__(self, task: Task, directory: Path):
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.best_score = tf.Variable(-1.0, trainable=False)
        self.optimizers = make_optimizers((phase.updates for phase in task.phases), task.betas,
                                          task.mixed_precision)
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


def make_optimizers(phases: Iterable[Sequence[Update]], betas: Tuple[float, float],
                    mixed_precision: bool) -> Dict[str, tf.keras.optimizers.Optimizer]:
    """An Adam for each name of an update, for all variables that it moves in any phase."""
    moved: Dict[str, Dict[int, tf.Variable]] = {}
    for update in itertools.chain.from_iterable(phases):
        moved.setdefault(update.name, {}).update((id(v), v) for v in update.variables)
    optimizers = {}
    for name, variables in moved.items():
        optimizer = tf.keras.optimizers.Adam(1e-3, *betas, epsilon=1e-8, jit_compile=False)
        optimizer.build(list(variables.values()))
        if mixed_precision:
            optimizer = tf.keras.mixed_precision.LossScaleOptimizer(optimizer)
        optimizers[name] = optimizer
    return optimizers


def _unscaled(optimizer):
    return getattr(optimizer, 'inner_optimizer', optimizer)
