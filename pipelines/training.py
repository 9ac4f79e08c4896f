"""train(): the one training loop. Repeating it continues it, exactly.

A task is data: its networks, and phases that each say what to update with which batches. One
checkpoint holds everything that moves: weights, averages, optimisers, the step, the best score and
the best weights. Batches and all random numbers are functions of the step, so a killed and repeated
run computes what an undisturbed one does. A plain loop instead of Keras' fit, because fit resumes at
epochs only and overwrites its checkpoint even after a NaN.

Files in the task's folder:
  checkpoints/      the last two states
  losses.jsonl      a row per `log_every` steps; rows after the restored step are dropped
  samples/          sample sheets, step-00001234.png
  tensorboard/      the same for TensorBoard, written anew from those files on resume
  finished.json     there when the task is done
"""
from __future__ import annotations

import time
from pathlib import Path
from typing import Callable, Dict, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow as tf

from datasets.errors import Diverged, InputError
from datasets.files import write_json
from models import adversarial
from pipelines import progress
from pipelines.logs import Logs


class Phase(NamedTuple):
    """A stretch of training with fresh optimisers.

    Attributes:
      learning_rate: step in this phase, from 0 -> learning rate.
      batches: first step in this phase -> endless batches from there on.
      sheet: steps done in this phase -> RGB sample sheet uint8 [H, W, 3]; None for none.
    """
    name: str
    steps: int
    learning_rate: Callable[[int], float]
    updates: Tuple[adversarial.Update, ...]
    batches: Callable[[int], tf.data.Dataset]
    sheet: Optional[Callable[[int], np.ndarray]] = None


class Average(NamedTuple):
    """`average` follows `live`, see adversarial.update_average."""
    average: tf.keras.Model
    live: tf.keras.Model
    decay: float


class Validation(NamedTuple):
    """Chooses the best step: weights of `live` go to `best` whenever `score()` (a %) is highest."""
    every: int
    score: Callable[[], float]
    best: tf.keras.Model
    live: tf.keras.Model


class Task(NamedTuple):
    name: str
    networks: Dict[str, tf.keras.Model]   # all that is saved, averages and best included
    phases: Tuple[Phase, ...]
    betas: Tuple[float, float]            # of Adam
    averages: Tuple[Average, ...] = ()
    validation: Optional[Validation] = None

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)


class State:
    """What a checkpoint holds."""

    def __init__(self, task: Task, directory: Path):
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.best_score = tf.Variable(-1.0, trainable=False)
        self.optimizers = {}
        for update in {u.name: u for phase in task.phases for u in phase.updates}.values():
            optimizer = tf.keras.optimizers.Adam(1e-3, *task.betas, epsilon=1e-8, jit_compile=False)
            optimizer.build(update.network.trainable_variables)
            self.optimizers[update.name] = optimizer
        self.checkpoint = tf.train.Checkpoint(
            step=self.step, best_score=self.best_score, networks=dict(task.networks),
            optimizers=dict(self.optimizers))
        self.manager = tf.train.CheckpointManager(
            self.checkpoint, str(directory / 'checkpoints'), max_to_keep=2)

    def restore(self) -> int:
        if self.manager.latest_checkpoint:
            try:
                status = self.checkpoint.restore(self.manager.latest_checkpoint)
                status.assert_existing_objects_matched()
            except (AssertionError, ValueError):
                raise InputError(f'{self.manager.latest_checkpoint}: this checkpoint is of another '
                                 f'network; choose another --workdir') from None
        return int(self.step)

    def reset_optimizers(self) -> None:
        for optimizer in self.optimizers.values():
            for variable in optimizer.variables:
                variable.assign(tf.zeros_like(variable))

    def save(self) -> None:
        self.manager.save(checkpoint_number=int(self.step))


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
    path = tf.train.latest_checkpoint(str(directory / 'checkpoints'))
    checkpoint = tf.train.Checkpoint(networks=dict(networks))
    status = checkpoint.restore(path)
    status.assert_existing_objects_matched()
    status.expect_partial()


def train(task: Task, directory, log_every: int = 50, sheet_every: int = 1000,
          checkpoint_seconds: float = 60.0) -> None:
    """Trains what is left of `task`; state and logs live in `directory`.

    Raises:
      Diverged: a loss was not finite; the last good state is kept.
    """
    directory = Path(directory)
    if is_finished(directory):
        return
    state = State(task, directory)
    start = state.restore()
    logs = Logs(directory, start)
    bar = progress.bar(total=task.steps, initial=start, desc=task.name, unit='step')
    first, saved_at = 0, time.monotonic()
    for phase in task.phases:
        done = max(start - first, 0)
        if done >= phase.steps:
            first += phase.steps
            continue
        if done == 0:
            state.reset_optimizers()
        step_fn = _step_function(task, phase, state)
        batches = phase.batches(done).take(phase.steps - done)
        for step, batch in enumerate(batches, start=first + done + 1):
            rate = tf.constant(phase.learning_rate(step - first - 1), tf.float32)
            metrics = _checked(step_fn, batch, rate, task, step)
            bar.update()
            if step % log_every == 0 or step == task.steps:
                logs.row(step, phase.name, {k: float(v) for k, v in metrics.items()})
            if task.validation and (step % task.validation.every == 0 or step == task.steps):
                logs.row(step, phase.name, {'jaccard_validation': _validate(task, state)})
            if phase.sheet and (step % sheet_every == 0 or step == first + phase.steps):
                logs.sheet(step, phase.sheet(step - first))
            if time.monotonic() - saved_at >= checkpoint_seconds:
                state.save()
                saved_at = time.monotonic()
        first += phase.steps
    state.save()
    bar.close()
    write_json(directory / 'finished.json', {'task': task.name, 'steps': task.steps,
                                             'best_score': float(state.best_score)})


def _step_function(task: Task, phase: Phase, state: State):
    @tf.function
    def step_fn(batch, learning_rate):
        for optimizer in state.optimizers.values():
            optimizer.learning_rate.assign(learning_rate)
        for average in task.averages:  # the official order: averaged before its network moves
            adversarial.update_average(*average, state.step)
        metrics = adversarial.train_step(phase.updates, state.optimizers, batch)
        state.step.assign_add(1)
        return metrics
    return step_fn


def _checked(step_fn, batch, rate, task, step):
    try:
        return step_fn(batch, rate)
    except tf.errors.InvalidArgumentError as error:
        if 'assertion failed' not in error.message:
            raise
        what = error.message.split('assertion failed:')[1].split('\n')[0].strip()
        raise Diverged(f'{task.name}: not finite at step {step}: {what}; the last good state is '
                       f'kept, a lower learning rate may help') from None


def _validate(task: Task, state: State) -> float:
    score = task.validation.score()
    if score > float(state.best_score):
        state.best_score.assign(score)
        adversarial.copy_weights(task.validation.best, task.validation.live)
    return score
