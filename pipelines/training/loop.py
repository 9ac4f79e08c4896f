"""train(): the one training loop. Repeating it continues it, exactly.

One checkpoint holds everything that moves: weights, averages, optimisers, loss scales, image pools,
the step, the best score and the best weights. Batches and all random numbers are functions of the
step, so a killed and repeated run computes what an undisturbed one does. A plain loop instead of
Keras' fit, because fit resumes at epochs only and overwrites its checkpoint even after a NaN.

Everything runs under the current `tf.distribute` strategy: each device gets its consecutive share of
every batch, gradients are those of the mean over the whole batch, and averages, validation and files
are made once.

Files in the task's folder:
  checkpoints/      the last two states, each with a manifest; a damaged one is passed over
  losses.jsonl      a row per `log_every` steps; rows after the restored step are dropped
  samples/          sample sheets, step-00001234.png
  snapshots/        networks of a task that keeps them, 00001234.*
  tensorboard/      the same for TensorBoard, written anew from those files on resume
  finished.json     there when the task is done
"""
from __future__ import annotations

import functools
import tempfile
import time
from pathlib import Path
from typing import Sequence, Tuple

import tensorflow as tf

from datasets import locks
from datasets.errors import Diverged, InputError
from datasets.files import write_json
from models import adversarial
from models.adversarial import Update
from pipelines.runtime import interrupts, progress
from pipelines.runtime.devices import agreed, is_chief
from pipelines.training import checkpoints, kept
from pipelines.training.checkpoints import State, is_finished
from pipelines.training.logs import LOSSES, VALIDATED, Logs, chosen_step
from pipelines.training.task import Phase, Task

SAVING_SHARE = 0.02  # [ours] of the time, at most; devices wait while a state is written


def train(task: Task, directory, log_every: int = 50, sheet_every: int = 1000,
          checkpoint_seconds: float = 60.0) -> None:
    """Trains what is left of `task`; state and logs live in `directory`.

    Args:
      checkpoint_seconds: from one saved state to the next at least, see config.Logging.

    Raises:
      Diverged: a loss was not finite; the last good state is kept.
      InputError: another run trains there.
      interrupts.Stopped: after Ctrl-C or SIGTERM, at the end of a step, with the state saved.
    """
    directory = Path(directory)
    if is_finished(directory):
        return
    if not is_chief(tf.distribute.get_strategy()):
        # hosts other than the first compute the same and write where nobody looks
        with tempfile.TemporaryDirectory() as own:
            _train(task, directory, Path(own), log_every, sheet_every, checkpoint_seconds)
        return
    with locks.held(directory / 'lock', f'{task.name} in {directory}'):
        _train(task, directory, directory, log_every, sheet_every, checkpoint_seconds)


def _train(task: Task, directory: Path, own: Path, log_every: int, sheet_every: int,
           checkpoint_seconds: float) -> None:
    """Continues from `directory` and writes to `own`."""
    state = State(task, own, kept.take(task))
    try:
        _run(task, directory, own, state, log_every, sheet_every, checkpoint_seconds)
    except Exception:   # what failed is not taken over
        raise
    except BaseException:
        _leave(state)
        raise
    _leave(state)


def _leave(state: State) -> None:
    kept.leave(kept.Kept(state.moved, state.step, state.optimizers, state.graphs))


def _run(task: Task, directory: Path, own: Path, state: State, log_every: int, sheet_every: int,
         checkpoint_seconds: float) -> None:
    strategy = tf.distribute.get_strategy()
    start = state.restore(directory)
    if not start:
        task.start()
        kept.copy(state.moved, task)
    logs = Logs(own, start)
    first, saved_at, interval = 0, time.monotonic(), checkpoint_seconds
    with interrupts.heard() as signalled, \
            progress.bar(total=task.steps, initial=start, desc=task.name, unit='step') as bar:
        for number, phase in enumerate(task.phases):
            for step, metrics in _steps(task, number, state, first, start, bar):
                if step % log_every == 0 or step == task.steps:
                    logs.row(step, phase.name, {k: float(v) for k, v in metrics.items()})
                if task.validation and (step % task.validation.every == 0 or step == task.steps):
                    logs.row(step, phase.name, {VALIDATED: _validate(task, state)})
                snapshot = phase.snapshot_every and (step - first) % phase.snapshot_every == 0
                if snapshot:
                    kept.copy(task, state.moved)
                    checkpoints.write(tf.train.Checkpoint(networks=dict(task.snapshot)),
                                      checkpoints.snapshot(own, step))
                if phase.sheet and (snapshot or step % sheet_every == 0
                                    or step == first + phase.steps):
                    kept.copy(task, state.moved)
                    logs.sheet(step, phase.sheet(step - first))
                    if phase.measured:
                        logs.row(step, phase.name, phase.measured())
                stop = signalled()  # asked once: what is told as saved is
                due = is_chief(strategy) and time.monotonic() - saved_at >= interval
                if agreed(strategy, due or stop > 0):
                    saved_at, interval = _save(state, checkpoint_seconds)
                if stop:
                    raise interrupts.Stopped(stop, f'{task.name} saved at step {step} of '
                                                   f'{task.steps}')
            first += phase.steps
        state.save()
        kept.copy(task, state.moved)
    write_json(own / checkpoints.FINISHED, {
        'task': task.name, 'steps': task.steps, 'best_score': float(state.best_score.numpy()),
        'chosen_step': chosen_step(own / LOSSES)})


def _save(state: State, checkpoint_seconds: float) -> Tuple[float, float]:
    """-> (when it was saved, seconds to the next time): the longer this took, the rarer; 0 is after each step."""
    begun = time.monotonic()
    state.save()
    saved_at = time.monotonic()
    return saved_at, max(checkpoint_seconds, (saved_at - begun) / SAVING_SHARE) if checkpoint_seconds else 0.0


def _steps(task: Task, number: int, state: State, first: int, start: int, bar):
    """Takes what is left of a phase's steps, and yields (step, metrics) after each.

    Args:
      number: of the phase.
      first: steps of the phases before.
      start: the step that training continues from.
      bar: counts them; its clock stands while a graph is built, or it would promise days.
    """
    phase, done = task.phases[number], max(start - first, 0)
    if done >= phase.steps:
        return
    if done == 0:
        state.start_phase(phase)
    step_fn = step_function(state.moved, state.moved.phases[number], state)
    numbers = range(first + done + 1, first + phase.steps + 1)
    for step, batch in zip(numbers, distributed_batches(phase, done)):
        rate = tf.constant(phase.learning_rate(step - first - 1), tf.float32)
        metrics = _checked(functools.partial(step_fn, number=step - first - 1), batch, rate, task, step)
        if step == numbers.start:
            bar.unpause()
        bar.update()
        yield step, metrics


def step_function(task: Task, phase: Phase, state: State):
    """One training step of a phase: (batch, learning rate, step in the phase from 0) -> metrics.

    It is a graph for each set of updates that is due together, mostly one. Without AutoGraph, which has nothing to
    rewrite here (what depends on tensors is said in TensorFlow's own words) and took a fifth of a graph's making.
    """
    def step(batch, learning_rate, number=0):
        due = tuple(update for update in phase.updates if update.is_due(number))
        key = phase.name, tuple(update.name for update in due)
        if key not in state.graphs:
            state.graphs[key] = step_graph(task, state, due)
        return state.graphs[key](batch, learning_rate)
    return step


def step_graph(task: Task, state: State, due: Sequence[Update]):
    """One training step of some updates as a graph: (batch, learning rate) -> metrics."""
    strategy = tf.distribute.get_strategy()

    @tf.function(autograph=False)
    def step_fn(batch, learning_rate):
        for update in due:
            state.optimizers[update.name].learning_rate.assign(
                learning_rate if update.rate == 1 else update.rate * learning_rate)
        for average in task.averages:  # the official order: averaged before its network moves
            adversarial.update_average(*average, state.step)
        metrics = strategy.run(
            lambda share: adversarial.train_step(due, state.optimizers, share), (batch,))
        state.step.assign_add(1)
        return {k: strategy.reduce('MEAN', v, axis=None) for k, v in metrics.items()}
    return step_fn


def distributed_batches(phase: Phase, done: int):
    """The phase's batches after `done` steps, each cut into the devices' shares.

    Every host makes whole batches and keeps what its devices need, so that a batch is the same on any
    number of them.

    Raises:
      InputError: a batch does not divide by the number of devices.
    """
    strategy = tf.distribute.get_strategy()
    devices = strategy.num_replicas_in_sync
    batches = phase.batches(done)
    if devices == 1:
        return batches
    count = next(iter(batches.element_spec.values())).shape[0]
    if count % devices:
        raise InputError(f'strategy: a batch of {count} in phase {phase.name} does not divide by '
                         f'{devices} devices; change the batch size')

    def shares(context):
        local = devices // context.num_input_pipelines
        begin = context.input_pipeline_id * local

        def cut(batch):
            return {key: tf.reshape(value, [devices, count // devices, *value.shape[1:]])[
                begin:begin + local] for key, value in batch.items()}
        return batches.map(cut).unbatch()
    return strategy.distribute_datasets_from_function(shares)


def _checked(step_fn, batch, rate, task, step):
    try:
        return step_fn(batch, rate)
    except tf.errors.InvalidArgumentError as error:
        if 'assertion failed' not in error.message:
            raise
        what = error.message.split('assertion failed:')[1].split('\n')[0].strip()
        raise Diverged(f'{task.name}: not finite at step {step}: {what}; the last good state is '
                       f'kept, a lower learning rate may help') from None
    except tf.errors.ResourceExhaustedError:
        raise InputError(
            f'{task.name}: out of memory at step {step}; --dry-run tells what a step needs: lower '
            f'the batch size, the number of feature maps or the picture size, or set '
            f'precision=mixed_float16. The last saved state is kept') from None


def _validate(task: Task, state: State) -> float:
    kept.copy(task, state.moved)
    score, moved = task.validation.score(), state.moved.validation
    if score > float(state.best_score.numpy()):
        state.best_score.assign(score)
        adversarial.copy_weights(moved.best, moved.live)
    return score
