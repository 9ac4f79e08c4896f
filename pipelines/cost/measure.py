"""Real steps and drawn samples of every training of a config: how long, how much memory, how near to the machine.

A process remembers its highest memory use for ever, so each is measured in a process of its own
(tools/measure_steps.py).
"""
from __future__ import annotations

import os
import re
import resource
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Tuple, Union

import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from models.sliding_window import default_stride, window_starts
from pipelines.cost import dry_run, graph_flops, product, step_memory
from pipelines.cost.planned import planned_segmenter, planned_stage
from pipelines.plan.config import Config
from pipelines.plan.loading import segmenter_settings
from pipelines.plan.methods import Stage
from pipelines.plan.regimes import Run, parse_regime, stages_of
from pipelines.plan.workdir import Workdir
from pipelines.segmentation.network import make_network, targets_for
from pipelines.segmentation.predict import predict_probabilities
from pipelines.segmentation.guided import guided_task
from pipelines.segmentation.task import segmenter_task
from pipelines.stages.stage import draw_function, kind_of, stage_io, style_size
from pipelines.training import checkpoints, loop
from pipelines.training.task import Phase, Task

Training = Union[Stage, str]
Work = Tuple[Callable[[], None], Callable[[], int]]  # what is done, and its operations

FEW = 4  # phases that are measured one by one; of more, the last is the dearest


class Measured(NamedTuple):
    """What is done again and again, beside a matrix product.

    Attributes:
      first: seconds of the first time, which builds the graph.
      seconds, cpu, product, product_cpu: after it, see product.Beside.
      operations: of one time, see graph_flops.
      peak: bytes, the most that the process held.
    """
    first: float
    seconds: float
    cpu: float
    product: float
    product_cpu: float
    operations: int
    peak: int


def phases_of(config: Config, runs: Sequence[Run], coding) -> List[Tuple[str, str]]:
    """(training, phase) of all that are worth measuring; '' is the last phase of a long schedule."""
    found = []
    for folder, stage in stages_of([run.regime for run in runs]).items():
        with tf.Graph().as_default():
            phases = planned_stage(config, stage, coding, 1).phases
        names = [phase.name for phase in phases] if len(phases) <= FEW else ['']
        found += [(folder, name) for name in names]
    return found + [(name, '') for name in dict.fromkeys(run.segmenter for run in runs)]


def named(runs: Sequence[Run], training: str) -> Training:
    """A stage by its folder, or a segmenter, whose name is all it has; InputError lists what there is."""
    known = {**stages_of([run.regime for run in runs]), **{run.segmenter: run.segmenter for run in runs}}
    if training not in known:
        raise InputError(f'--trainings: expected of {", ".join(known)}, found {training}')
    return known[training]


def planned(config: Config, training: Training, coding) -> Task:
    """The Task of a training as a plan reads it, see cost/planned.py."""
    if isinstance(training, Stage):
        return planned_stage(config, training, coding, 1)
    return planned_segmenter(config, training, coding)


def size_of(config: Config, training: Training, phase_name: str, coding) -> Dict[str, int]:
    """Side of the pictures and batch of a phase's steps, and the side of a sample; nothing is traced."""
    with tf.Graph().as_default():
        specs = phase_of(planned(config, training, coding), phase_name).batch_spec.values()
    side = max(spec.shape[1] for spec in specs if spec.shape.rank > 2)
    drawn = side if isinstance(training, Stage) else segmenter_settings(config, training).size
    return {'side': side, 'batch': next(iter(specs)).shape[0], 'sample_side': drawn}


def measure(what: str, config: Config, training: Training, phase_name: str, coding, workdir) -> Measured:
    """A 'step' or a 'sample' of a training, in this process.

    Args:
      phase_name: '' = the last phase.
      workdir: holds the records; nothing is written there.
    """
    if what not in ('step', 'sample'):
        raise InputError(f'--one {what}: expected step or sample')
    work, operations = (step_of(config, training, phase_name, workdir) if what == 'step'
                        else sample_of(config, training, coding))
    first = product.taken_by(work)
    return Measured(first, *product.best_beside(work), operations(), peak_bytes())


def predict(what: str, config: Config, training: Training, phase_name: str, coding) -> Dict[str, int]:
    """The memory that `measure` needs, and how many parameters are trained."""
    if what == 'step':
        need = dry_run.predicted(config, lambda: planned(config, training, coding), phase_name)
        return {'predicted': need.total, 'parameters': need.parameters}

    def traced():
        draw, specs, _ = sample_function(config, training, coding)
        return draw.get_concrete_function(*specs).graph

    return {'predicted': step_memory.predict_call(traced).total}


def step_of(config: Config, training: Training, phase_name: str, workdir) -> Work:
    """A phase's training step with its next batch."""
    if isinstance(training, Stage):
        info = records.read_info(Workdir(workdir).records('train'))
        task = guided_task(config, training, {name: info for name in training.reads}, workdir)
    else:
        task = segmenter_task(config, Run(parse_regime('real'), training), workdir)
    phase = phase_of(task, phase_name)
    step_fn, rate = step_function(task, phase), tf.constant(phase.learning_rate(0))
    batches = iter(loop.distributed_batches(phase, 0))

    def step():
        metrics = step_fn(next(batches), rate)
        assert all(bool(tf.math.is_finite(value)) for value in metrics.values()), metrics

    return step, lambda: graph_flops.flops(step_fn.get_concrete_function(next(batches), rate).graph)


def sample_of(config: Config, training: Training, coding) -> Work:
    """A sample as generation or prediction makes it, of zeros and an untrained network."""
    draw, specs, turns = sample_function(config, training, coding)
    given = [tf.zeros(spec.shape, spec.dtype) for spec in specs]

    def sample():
        for value in tf.nest.flatten(draw(*given)):
            value.numpy()

    return sample, lambda: turns * graph_flops.flops(draw.get_concrete_function(*given).graph)


def sample_function(config: Config, training: Training, coding
                    ) -> Tuple[Callable[..., Any], List[tf.TensorSpec], int]:
    """(what draws a sample of a stage or predicts a picture, what it is given, turns of its loop)."""
    if isinstance(training, Stage):
        io, task = stage_io(config, training, coding), planned(config, training, coding)
        network = task.networks[kind_of(training).draws(io)]
        styles = [tf.TensorSpec([1, *[style_size(io)] * 2])] * bool(style_size(io))
        return draw_function(io, network), [
            tf.TensorSpec([1, network.latent_size]) if io.source is None else
            tf.TensorSpec([1, io.source.size, io.source.size], tf.uint8), *styles], 1
    run, settings = Run(parse_regime('real'), training), segmenter_settings(config, training)
    targets = targets_for(config, run, coding)
    network, side, crop = make_network(config, run, targets.num_outputs), settings.size, settings.crop
    return (tf.function(lambda x: predict_probabilities(network, x, crop, targets)),
            [tf.TensorSpec([1, side, side, config.data.channels])],
            len(window_starts(side, crop, default_stride(crop))) ** 2)


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


def phase_of(task: Task, name: str) -> Phase:
    """A phase by its name, '' = the last; InputError lists what there is."""
    phases = {phase.name: phase for phase in task.phases}
    if not name:
        return task.phases[-1]
    if name not in phases:
        raise InputError(f'--phase {name}: expected one of {", ".join(phases)}')
    return phases[name]
