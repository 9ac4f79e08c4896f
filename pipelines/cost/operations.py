"""What the trainings of a config cost, in operations read off the graphs of their steps.

Nothing is run, so that the paper's full size can be weighed on a laptop; hours follow from a rate.
Drawing samples, validation and scoring are not counted: forward passes only, a few per cent.
"""
from __future__ import annotations

from typing import Dict, Iterator, NamedTuple, Sequence

import tensorflow as tf

from pipelines.cost import graph_flops, step_memory
from pipelines.cost.planned import planned_segmenter, planned_stage
from pipelines.plan.config import Config
from pipelines.plan.regimes import Run, stages_of
from pipelines.segmentation.task import steps_of
from pipelines.training.task import Task

# [estimate] of SMANet at 377 px, forward and backward: 12 crops a second in float32 and 35 in half
# precision on a V100 with 32 GB; we take the same rate for all networks.
SMANET_STEP = 3 * 274.81e9
V100_RATES = {'float32': 12 * SMANET_STEP, 'mixed_float16': 35 * SMANET_STEP}


class Cost(NamedTuple):
    """A stretch of training: its steps, and the operations of each."""
    training: str
    phase: str
    steps: int
    operations: int

    @property
    def total(self) -> int:
        """Operations of the whole stretch."""
        return self.steps * self.operations


def of_trainings(config: Config, runs: Sequence[Run], coding, count: int) -> Iterator[Cost]:
    """Every phase of every GAN stage and segmenter that some runs need, as it is traced.

    Args:
      count: real images after augmentation.
    """
    for stage in stages_of([run.regime for run in runs]).values():
        with tf.Graph().as_default():
            task = planned_stage(config, stage, coding, count)
            for number, phase in enumerate(task.phases):
                yield Cost(stage.folder, phase.name, phase.steps, _operations(task, number))
    operations: Dict[str, int] = {}
    for run in runs:
        if run.segmenter not in operations:
            with tf.Graph().as_default():
                operations[run.segmenter] = _operations(
                    planned_segmenter(config, run.segmenter, coding), 0)
        yield Cost(run.name, '', steps_of(config, run), operations[run.segmenter])


def hours(costs: Sequence[Cost], rate: float) -> float:
    """At a rate in operations a second."""
    return sum(cost.total for cost in costs) / rate / 3600


def _operations(task: Task, number: int) -> int:
    phase = task.phases[number]
    return graph_flops.flops(step_memory.traced_step([phase.updates], phase.batch_spec))
