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
from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple

import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.targets import targets_of
from pipelines.cost.planned import planned_segmenter, planned_stage
from pipelines.plan.config import Config
from pipelines.plan.methods import Stage
from pipelines.plan.regimes import Regime, Run, parse_regime, stages_of
from pipelines.plan.workdir import Workdir
from pipelines.segmentation.predict import predict_probabilities
from pipelines.segmentation.task import segmenter_task
from pipelines.stages.stage import draw_function, kind_of, stage_io, stage_task
from pipelines.training import checkpoints, loop
from pipelines.training.task import Phase, Task


SEGMENTER = 'segmenter'
FEW = 4  # phases that are measured one by one; of more, the last is the dearest


class Measured(NamedTuple):
    """Parameters that move; seconds of the first step, of the next, of a sample; peak in bytes.

    The first step and the sample include building their graphs.
    """
    parameters: int
    first_step: float
    step: float
    sample: float
    peak: int


def phases_of(config: Config, regimes: Sequence[Regime], coding) -> List[Tuple[str, str]]:
    """(training, phase) of all that are worth measuring; '' is the last phase of a long schedule."""
    found = []
    for folder, stage in stages_of(regimes).items():
        with tf.Graph().as_default():
            phases = planned_stage(config, stage, coding, 1).phases
        names = [phase.name for phase in phases] if len(phases) <= FEW else ['']
        found += [(folder, name) for name in names]
    return [*found, (SEGMENTER, '')]


def named(regimes: Sequence[Regime], training: str) -> Optional[Stage]:
    """A stage by its key, None for the segmenter; InputError lists what there is."""
    known = {**stages_of(regimes), SEGMENTER: None}
    if training not in known:
        raise InputError(f'--training {training}: expected one of {", ".join(known)}')
    return known[training]


def planned(config: Config, regimes: Sequence[Regime], training: str, coding) -> Callable[[], Task]:
    """Maker of the Task of that training as a plan reads it, see cost/planned.py."""
    stage = named(regimes, training)
    if stage is None:
        return lambda: planned_segmenter(config, config.segmenter.network, coding)
    return lambda: planned_stage(config, stage, coding, 1)


def measure(config: Config, stage: Optional[Stage], phase_name: str, workdir) -> Measured:
    """Runs two steps of one phase and draws one sample, in this process.

    Args:
      stage: None = the segmenter.
      phase_name: '' = the last phase.
      workdir: holds the records; nothing is written there.
    """
    info = records.read_info(Workdir(workdir).records('train'))
    if stage is None:
        task = segmenter_task(config, Run(parse_regime('real'), config.segmenter.network), workdir)
    else:
        task = stage_task(config, stage, {name: info for name in stage.reads})
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
    _draw(config, stage, task, info.coding)
    sample = time.perf_counter() - begin
    return Measured(sum(int(tf.size(v)) for v in moved.values()), *seconds, sample, peak_bytes())


def step_function(task: Task, phase: Phase):
    """A phase's training step as a graph, all its updates due, from a fresh state that is never saved."""
    state = checkpoints.State(task, Path(os.devnull))
    state.start_phase(phase)
    return loop.step_graph(task, state, phase.updates)


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


def _draw(config: Config, stage: Optional[Stage], task: Task, coding) -> None:
    """One sample as generation or prediction makes it, from zeros."""
    if stage is None:
        segmenter = config.segmenter
        side, crop = segmenter.size, segmenter.crop
        draw = tf.function(lambda x: predict_probabilities(
            task.networks['network'], x, crop, targets_of(coding, segmenter.targets,
                                                          segmenter.overlapping)))
        draw(tf.zeros([1, side, side, config.data.channels])).numpy()
        return
    io = stage_io(config, stage, coding)
    network = task.networks[kind_of(stage).draws(io)]
    given = (tf.zeros([1, network.latent_size]) if io.source is None else
             tf.zeros([1, io.source.size, io.source.size], tf.uint8))
    for value in draw_function(io, network)(given).values():
        value.numpy()
