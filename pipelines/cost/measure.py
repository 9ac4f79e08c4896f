"""One real step and one drawn sample of every training of a config: how long, how much memory.

A process remembers its highest memory use for ever, so each training is measured in a process of its
own (tools/measure_steps.py).
"""
from __future__ import annotations

import os
import re
import resource
import time
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from pipelines.plan.config import Config, stage_settings
from pipelines.plan.methods import REGIMES, Regime, Run, Stage, stages_of
from pipelines.segmentation.task import predict_probabilities, segmenter_task
from pipelines.stages import pix2pixhd
from pipelines.stages.stage import stage_task
from pipelines.training import checkpoints, loop
from pipelines.training.task import Phase, Task


SEGMENTER = 'segmenter'


class Measured(NamedTuple):
    """Parameters that move; seconds of the first step, of the next, of a sample; peak in bytes.

    The first step and the sample include building their graphs.
    """
    parameters: int
    first_step: float
    step: float
    sample: float
    peak: int


def phases_of(config: Config, regimes: Sequence[Regime]) -> List[Tuple[str, str]]:
    """(training, phase) of all that differ in cost; '' is the last phase, PGGAN's dearest."""
    found = []
    for key, stage in stages_of(regimes).items():
        if stage.model == 'pggan':
            found.append((key, ''))
        else:
            settings = stage_settings(config, stage.model, key)
            found += [(key, part.name) for part in pix2pixhd.schedule(settings)]
    return [*found, (SEGMENTER, '')]


def named(regimes: Sequence[Regime], training: str) -> Optional[Stage]:
    """A stage by its key, None for the segmenter; InputError lists what there is."""
    known = {**stages_of(regimes), SEGMENTER: None}
    if training not in known:
        raise InputError(f'--training {training}: expected one of {", ".join(known)}')
    return known[training]


def measure(config: Config, stage: Optional[Stage], phase_name: str, workdir) -> Measured:
    """Runs two steps of one phase and draws one sample, in this process.

    Args:
      stage: None = the segmenter.
      phase_name: '' = the last phase.
      workdir: holds the records; nothing is written there.
    """
    info = records.read_info(Path(workdir) / 'records' / 'train')
    if stage is None:
        task = segmenter_task(config, Run(REGIMES['real']), workdir)
    else:
        task = stage_task(config, stage, info)
    phase = _phase(task, phase_name)
    moved = {id(v): v for update in phase.updates for v in update.variables}
    step_fn = step_function(task, phase)
    seconds: List[float] = []
    for _, batch in zip(range(2), loop.distributed_batches(phase, 0)):
        begin = time.perf_counter()
        metrics = step_fn(batch, tf.constant(phase.learning_rate(0)))
        assert all(bool(tf.math.is_finite(value)) for value in metrics.values()), metrics
        seconds.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    _draw(config, stage, task, phase, batch)
    sample = time.perf_counter() - begin
    return Measured(sum(int(tf.size(v)) for v in moved.values()), *seconds, sample, peak_bytes())


def step_function(task: Task, phase: Phase):
    """A phase's training step as a graph, from a fresh state that is never saved."""
    state = checkpoints.State(task, Path(os.devnull))
    state.start_phase(phase)
    return loop.step_function(task, phase, state)


def peak_bytes() -> int:
    """The most that this process held; what getrusage says may be its parent's, before it became us."""
    try:
        status = Path('/proc/self/status').read_text()
        return int(re.search(r'VmHWM:\s+(\d+) kB', status)[1]) * 1024
    except (OSError, TypeError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _phase(task: Task, name: str) -> Phase:
    phases = {phase.name: phase for phase in task.phases}
    if not name:
        return task.phases[-1]
    if name not in phases:
        raise InputError(f'--phase {name}: expected one of {", ".join(phases)}')
    return phases[name]


def _draw(config: Config, stage: Optional[Stage], task: Task, phase: Phase, batch) -> None:
    """One sample as generation or prediction makes it, from noise or the first of the batch."""
    if stage is None:
        side = config.segmenter.size
        network, classes = task.networks['network'], task.networks['network'].classifier.filters
        draw = tf.function(lambda x: predict_probabilities(
            network, x, config.segmenter.crop, classes))
        draw(tf.zeros([1, side, side, 1])).numpy()
    elif stage.model == 'pggan':
        generator = task.networks['generator_average']
        draw = tf.function(lambda x: generator(x, level=generator.top_level))
        draw(tf.zeros([1, generator.latent_size])).numpy()
    else:
        settings = stage_settings(config, stage.model, stage.key)
        part = {part.name: part for part in pix2pixhd.schedule(settings)}[phase.name]
        draw = tf.function(pix2pixhd.translator(task.networks[part.network], settings))
        draw(batch['source'][:1]).numpy()
