"""What the trainings of a config cost, in operations read off the graphs of their steps.

Nothing is run, so that the paper's full size can be weighed on a laptop; hours follow from a rate.
Validation while a segmenter trains is counted. Drawing samples and scoring are not: forward passes, each made
once. Saving is no operation: training.loop keeps it below a share of the time.
"""
from __future__ import annotations

from typing import Dict, Iterator, NamedTuple, Sequence, Tuple

import tensorflow as tf

from datasets.divisions import DIVISIONS, validates
from models.sliding_window import default_stride, window_starts
from pipelines.cost import graph_flops, step_memory
from pipelines.cost.planned import planned_segmenter, planned_stage
from pipelines.plan.config import Config
from pipelines.plan.loading import segmenter_settings
from pipelines.plan.regimes import Run, stages_of
from pipelines.segmentation.pairs import num_held_out
from pipelines.segmentation.task import steps_of, validated_every
from pipelines.training.task import Task

# [estimate] of SMANet at 377 px, forward and backward: 12 crops a second in float32 and 35 in half
# precision on a V100 with 32 GB; we take the same rate for all networks.
SMANET_STEP = 3 * 274.81e9
V100_RATES = {'float32': 12 * SMANET_STEP, 'mixed_float16': 35 * SMANET_STEP}
VALIDATION = 'validation'


class Cost(NamedTuple):
    """A stretch of training: its steps, and the operations of each; of validation, its pictures."""
    training: str
    phase: str
    steps: int
    operations: int

    @property
    def total(self) -> int:
        """Operations of the whole stretch."""
        return self.steps * self.operations


def of_trainings(config: Config, runs: Sequence[Run], coding, count: int) -> Iterator[Cost]:
    """Every phase of every GAN stage and segmenter that some runs need, and its validation, as it is traced.

    Args:
      count: real images after augmentation.
    """
    for stage in stages_of([run.regime for run in runs]).values():
        with tf.Graph().as_default():
            task = planned_stage(config, stage, coding, count)
            for number, phase in enumerate(task.phases):
                yield Cost(stage.folder, phase.name, phase.steps, _operations(task, number))
    operations: Dict[str, Tuple[int, int]] = {}
    for run in runs:
        if run.segmenter not in operations:
            with tf.Graph().as_default():
                task = planned_segmenter(config, run.segmenter, coding)
                operations[run.segmenter] = _operations(task, 0), _of_picture(config, run, task)
        step, picture = operations[run.segmenter]
        yield Cost(run.name, '', steps_of(config, run, count), step)
        pictures = validated(config, run, count)
        if pictures:
            yield Cost(run.name, VALIDATION, pictures, picture)


def validated(config: Config, run: Run, count: int) -> int:
    """Pictures that a run predicts to choose its epoch, each time counted.

    Args:
      count: real images after augmentation.
    """
    settings = segmenter_settings(config, run.segmenter)
    if run.regime.kind == 'synth' and run.regime.method:
        there = config.generation.num_validation
    elif validates(config.data):
        parts, chosen = DIVISIONS[config.data.division].parts(config.data)
        there = count // config.data.augment * chosen // (parts - 1 - chosen)
    else:
        there = num_held_out(config, settings, count // config.data.augment) * config.data.augment
    # the last step always is one
    times = -(-steps_of(config, run, count) // validated_every(config, settings, run, count))
    return times * min(there, settings.max_validation)


def hours(costs: Sequence[Cost], rate: float) -> float:
    """At a rate in operations a second."""
    return sum(cost.total for cost in costs) / rate / 3600


def _operations(task: Task, number: int) -> int:
    phase = task.phases[number]
    return graph_flops.flops(step_memory.traced_step([phase.updates], phase.batch_spec))


def _of_picture(config: Config, run: Run, task: Task) -> int:
    """Operations to predict one picture, window by window."""
    settings, network = segmenter_settings(config, run.segmenter), task.networks['network']
    forward = tf.function(lambda window: network(window, training=False)).get_concrete_function(
        tf.TensorSpec([1, settings.crop, settings.crop, config.data.channels]))
    windows = len(window_starts(settings.size, settings.crop, default_stride(settings.crop))) ** 2
    return windows * graph_flops.flops(forward.graph)
