"""What a training keeps on disk, and how networks come back from there."""
from __future__ import annotations

import itertools
import shutil
import sys
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import tensorflow as tf

from datasets.errors import InputError
from datasets.files import check_manifest, read_json, write_manifest
from models.adversarial import Update, copy_weights
from models.fused_adam import FusedAdam
from pipelines.training.kept import Kept
from pipelines.training.task import Phase, Task

PREFIX = 'ckpt-'       # of a training's states, with the step behind it
FINISHED = 'finished.json'
SNAPSHOTS = 'snapshots'
IMPORTED = 'networks'  # weights that tools/import_weights.py wrote


class State:
    """What a checkpoint holds.

    Attributes:
      moved: the task whose networks move: that itself, or a kept one of the same shape.
      graphs: of its steps, by phase and updates.
    """

    def __init__(self, task: Task, directory: Path, found: Optional[Kept] = None):
        self.moved, self.best_score = found.task if found else task, tf.Variable(-1.0, trainable=False)
        self.step = found.step if found else tf.Variable(0, dtype=tf.int64, trainable=False)
        self.optimizers = found.optimizers if found else make_optimizers(
            (phase.updates for phase in task.phases), task.betas, task.mixed_precision)
        self.graphs = found.graphs if found else {}
        self.checkpoint = tf.train.Checkpoint(
            step=self.step, best_score=self.best_score, networks=dict(self.moved.networks),
            optimizers=dict(self.optimizers), **self.moved.extras)
        self.folder = directory / 'checkpoints'
        self.last: Optional[Path] = None  # whole on disk: what was restored or saved

    def restore(self, directory: Path) -> int:
        """Continues from the last whole state in a task's folder, if there is one; returns its step."""
        path = latest(directory / 'checkpoints')
        if path is not None:
            try:
                status = self.checkpoint.read(str(path))
                status.assert_existing_objects_matched()
            except (AssertionError, ValueError):
                raise InputError(f'{path}: this checkpoint is of another '
                                 f'network; choose another --workdir') from None
            self.last = path
        return int(self.step.numpy())

    def start_phase(self, phase: Phase) -> None:
        """Fresh moments for all optimisers but those that the phase keeps."""
        for name, optimizer in self.optimizers.items():
            if name not in phase.keeps:
                for variable in _unscaled(optimizer).variables:
                    variable.assign(tf.zeros_like(variable))

    def save(self) -> None:
        """Writes the state, unless that of this step is there; removes all but the whole one before."""
        path = self.folder / f'{PREFIX}{int(self.step.numpy())}'
        if path == self.last:
            return
        write(self.checkpoint, path)
        kept = {path.name, self.last.name if self.last else None}
        self.last = path
        for file in self.folder.iterdir():
            if file.is_dir():  # of a write that was killed
                shutil.rmtree(file)
            elif file.name.split('.')[0] not in kept:
                file.unlink()


def write(checkpoint: tf.train.Checkpoint, path: Path) -> None:
    """Writes a checkpoint and then its manifest, `path`.json: without that it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    manifest(path).unlink(missing_ok=True)
    checkpoint.write(str(path))
    write_manifest(manifest(path), path.parent.glob(f'{path.name}.*'))


def manifest(path) -> Path:
    """The file that says what a checkpoint consists of."""
    return Path(f'{path}.json')


def snapshot(directory, step: int) -> Path:
    """Where a task in this folder keeps the snapshot of a step."""
    return Path(directory) / SNAPSHOTS / f'{step:08d}'


def latest(folder) -> Optional[Path]:
    """The last whole checkpoint in a folder, with a warning for every damaged one after it.

    Raises:
      InputError: there are checkpoints, and all are damaged.
    """
    saved = _saved(Path(folder))
    for path in reversed(saved):
        try:
            check_manifest(manifest(path))
            return path
        except InputError as error:
            print(f'warning: {error}; going back to the checkpoint before', file=sys.stderr)
    if saved:
        raise InputError(f'{folder}: every checkpoint is damaged; remove the folder above it to '
                         f'train anew, or bring back a copy')
    return None


def _saved(folder: Path) -> List[Path]:
    """Checkpoints that have a manifest, from the first step to the last."""
    found = {}
    for file in folder.glob(f'{PREFIX}*.json'):
        step = file.stem[len(PREFIX):]
        if step.isdecimal():
            found[int(step)] = file.with_suffix('')
    return [found[step] for step in sorted(found)]


def is_finished(directory) -> bool:
    """Whether a task in this folder has done all its steps."""
    return (Path(directory) / FINISHED).exists()


def restore_networks(networks: Dict[str, tf.keras.Model], directory) -> None:
    """Loads some or all networks of a finished task; what else it saved is left on disk.

    Raises:
      InputError: the task has not finished there.
    """
    directory = Path(directory)
    if not is_finished(directory):
        raise InputError(f'{directory}: {directory.name} is not trained yet; train it first, with '
                         f'tools/run_experiment.py or its own tool, and the same --config and --workdir')
    try:
        restore_snapshot(networks, _last(directory))
    except InputError as error:
        raise InputError(f'{error}; remove {directory / FINISHED} and repeat the training: it goes '
                         f'on from the checkpoint before, or begins anew') from None


def _last(directory: Path) -> Path:
    """The state at the end of a finished task."""
    return directory / 'checkpoints' / f'{PREFIX}{read_json(directory / FINISHED).get("steps")}'


def restore_snapshot(networks: Dict[str, tf.keras.Model], path) -> None:
    """Loads some or all networks of one saved state; InputError if it is damaged."""
    check_manifest(manifest(path))
    status = tf.train.Checkpoint(networks=dict(networks)).read(str(path))
    status.assert_existing_objects_matched()
    status.expect_partial()


def start_from(networks: Dict[str, tf.keras.Model], folder) -> None:
    """Fills networks from `folder`: those that tools/import_weights.py wrote there, or all of a trained task.

    Raises:
      InputError: nothing is there, or weights of another architecture.
    """
    where = f'initial_weights {folder}'
    path = Path(folder) / IMPORTED
    if is_finished(folder):
        path = _last(Path(folder))
    elif not manifest(path).exists():
        raise InputError(f'{where}: expected a folder written by tools/import_weights.py, or that of a trained '
                         f'stage, found none')
    check_manifest(manifest(path))
    found = {name.split('/')[1] for name, _ in tf.train.list_variables(str(path))
             if name.startswith('networks/')}
    chosen = {name: network for name, network in networks.items() if name in found}
    try:
        restore_snapshot(chosen, path)
    except (AssertionError, ValueError) as error:
        raise InputError(f'{where}: weights of another architecture than the config\'s: '
                         f'{" ".join(str(error).split())[:160]}') from None
    if 'generator_average' in networks and 'generator_average' not in found:
        copy_weights(networks['generator_average'], networks['generator'])


def make_optimizers(phases: Iterable[Sequence[Update]], betas: Tuple[float, float],
                    mixed_precision: bool) -> Dict[str, tf.keras.optimizers.Optimizer]:
    """An Adam for each name of an update, for all variables that it moves in any phase."""
    moved: Dict[str, Dict[int, tf.Variable]] = {}
    rates: Dict[str, Dict] = {}
    own_betas = {}
    for update in itertools.chain.from_iterable(phases):
        moved.setdefault(update.name, {}).update((id(v), v) for v in update.variables)
        own_betas[update.name] = update.betas or betas
        rates.setdefault(update.name, {}).update(
            (v.ref(), group.rate) for group in update.groups for v in group.variables if group.rate != 1)
    optimizers = {}
    for name, variables in moved.items():
        optimizer = FusedAdam(1e-3, *own_betas[name], epsilon=1e-8, jit_compile=False)
        optimizer.build(list(variables.values()))
        if rates[name]:
            optimizer.rate_of = lambda variable, own=rates[name]: own.get(variable.ref(), 1.0)
        if mixed_precision:
            optimizer = tf.keras.mixed_precision.LossScaleOptimizer(optimizer)
        optimizers[name] = optimizer
    return optimizers


def _unscaled(optimizer):
    return getattr(optimizer, 'inner_optimizer', optimizer)
