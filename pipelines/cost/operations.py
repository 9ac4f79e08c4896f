"""What the trainings of a config cost, in operations read off the graphs of their steps.

Nothing is run, so that the paper's full size can be weighed on a laptop; hours follow from a rate.
Drawing samples, validation and scoring are not counted: forward passes only, a few per cent.
"""
from __future__ import annotations

from typing import Iterator, List, NamedTuple, Sequence

import tensorflow as tf

from pipelines.cost import dry_run, graph_flops, step_memory
from pipelines.plan.config import Config, segmenter_settings, stage_settings
from pipelines.plan.methods import Run, Stage, stages_of
from pipelines.runtime import devices
from pipelines.segmentation import task
from pipelines.stages import pix2pixhd

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
        return self.steps * self.operations


def of_trainings(config: Config, runs: Sequence[Run], coding, count: int) -> Iterator[Cost]:
    """Every phase of every GAN stage and segmenter that some runs need, as it is traced.

    Args:
      count: real images after augmentation.
    """
    for stage in stages_of([run.regime for run in runs]).values():
        yield from _of_stage(config, stage, coding, count)
    operations = {}
    for run in runs:
        if run.segmenter not in operations:
            operations[run.segmenter] = _of_segmenter(config, run.segmenter, coding)
        yield Cost(run.name, '', task.steps_of(config, run), operations[run.segmenter])


def hours(costs: Sequence[Cost], rate: float) -> float:
    """At a rate in operations a second."""
    return sum(cost.total for cost in costs) / rate / 3600


def _of_stage(config: Config, stage: Stage, coding, count: int) -> List[Cost]:
    settings = stage_settings(config, stage.model, stage.key)
    found = []
    for part in dry_run.parts_of(config, stage, coding):
        if stage.model == 'pggan':
            name, steps = f'{2 ** part.level} px{", fade-in" if part.fading else ""}', part.steps
        else:
            name, steps = part.name, len(part.epochs) * pix2pixhd.epoch_steps(settings, count)
        found.append(Cost(stage.key, name, steps, _operations(
            config, *dry_run.step_of_part(config, stage, coding, part))))
    return found


def _of_segmenter(config: Config, name: str, coding) -> int:
    return _operations(config, lambda: dry_run.segmenter_phases(config, name, coding.num_classes),
                       task.batch_spec(segmenter_settings(config, name)))


def _operations(config: Config, make, spec) -> int:
    with tf.Graph().as_default(), devices.precision(config.precision):
        _, graph = step_memory.traced_step(make, spec)
    return graph_flops.flops(graph)
