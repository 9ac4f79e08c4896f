"""The resolved plan of an experiment as text: stages, sizes, parameters, memory, steps."""
from __future__ import annotations

import dataclasses
from typing import Callable, Dict, Optional, Sequence, Tuple

import tensorflow as tf

from models.adversarial import Update
from models.segmenters.losses import segmentation_update
from pipelines.cost import step_memory
from pipelines.data.fields import Field, drawn_fields
from pipelines.data.prepare import open_split
from pipelines.plan.checks import growth_plan
from pipelines.plan.config import Config, segmenter_settings, stage_settings
from pipelines.plan.matrix import Arm
from pipelines.plan.methods import REGIMES, Run, Stage, methods_of
from pipelines.runtime.devices import precision
from pipelines.segmentation import task
from pipelines.stages import pggan, pix2pixhd
from pipelines.stages.stage import stage_networks

GIB = 2 ** 30

Phases = Sequence[Tuple[Update, ...]]
Traced = Dict[str, step_memory.Estimate]  # by what they depend on


def describe(arms: Sequence[Arm]) -> str:
    """One line per step. Traces the dearest training step of each network, runs and trains nothing.

    Of arms that differ in the draw alone, the first is described in full; what several arms train
    alike is traced once.
    """
    parts, described, traced = [], {}, {}
    for arm in arms:
        kind = repr(dataclasses.replace(arm.config, data=dataclasses.replace(arm.config.data, draw=0)))
        count = sum(len(splits) for splits in arm.scores.values())
        if arm.folder:
            parts.append(f'arm {arm.folder}: {len(arm.scores)} segmenters, {count} evaluations')
        if kind in described and {*arm.runs} <= described[kind][1]:
            parts.append(f'           as {described[kind][0]}, another draw')
        else:
            described[kind] = arm.folder, {*arm.runs}
            parts.append(_describe(arm.config, arm.runs, traced))
    return '\n'.join(parts)


def _describe(config: Config, runs: Sequence[Run], traced: Traced) -> str:
    dataset = open_split(config, 'train')
    coding, images = dataset.coding, len(dataset.ids)
    count = images * config.data.augment
    generation = config.generation
    lines = [f'experiment {config.experiment} ({config.configuration}), seed {config.seed}, '
             f'{config.precision}, strategy {config.strategy}',
             f'data       {config.data.dataset}: {images} learning images, {count} after '
             f'augmentation, {config.data.size} px; scored at {config.evaluation.size} px; '
             f'{config.labels.channels} label channels']
    needs: Dict[str, int] = {}
    for method in methods_of([run.regime for run in runs]):
        for stage in method.stages:
            work = f'the {stage.key} of the method before'
            if stage.key not in needs:
                work, needs[stage.key] = _stage(config, stage, coding, count, traced)
            lines.append(f'stage      {method.name}/{stage.name}: {work}')
        lines.append(f'generate   {method.name}: {generation.num_train} + '
                     f'{generation.num_validation} samples')
    estimates = {name: _predicted_once(traced, config, None, coding, name)
                 for name in dict.fromkeys(run.segmenter for run in runs)}
    for run in runs:
        settings, estimate = segmenter_settings(config, run.segmenter), estimates[run.segmenter]
        needs[f'segmenter {run.segmenter}'] = estimate.total
        lines.append(f'segmenter  {run.name}: {estimate.parameters:,} parameters, '
                     f'crop {settings.crop} of {settings.size} px, batch {settings.batch_size}, '
                     f'{task.steps_of(config, run):,} updates, '
                     f'{estimate.total / GIB:.1f} GiB')
    return '\n'.join([*lines, *_memory(needs)])


def predicted(config: Config, stage: Optional[Stage], coding, phase: str = '',
              segmenter: str = 'smanet') -> step_memory.Estimate:
    """What one training step needs.

    Args:
      stage: None = the segmenter of that name.
      phase: a part of Pix2PixHD's schedule; '' = the last phase, the dearest.
    """
    if stage is None:
        return _predict(config, lambda: segmenter_phases(config, segmenter, coding.num_classes),
                        task.batch_spec(segmenter_settings(config, segmenter)))
    return _predict(config, *step_of(config, stage, coding, phase))


def _predicted_once(traced: Traced, config: Config, stage: Optional[Stage], coding,
                    segmenter: str = 'smanet') -> step_memory.Estimate:
    settings = (segmenter_settings(config, segmenter) if stage is None
                else stage_settings(config, stage.model, stage.key))
    key = repr((stage and stage.key, segmenter, settings, coding, config.labels.channels,
                config.data.size, config.data.dots_size, config.precision, config.strategy))
    if key not in traced:
        traced[key] = predicted(config, stage, coding, segmenter=segmenter)
    return traced[key]


def step_of(config: Config, stage: Stage, coding, phase: str = ''):
    """A training step of a stage as `memory.predict` takes it: (make, batch_spec)."""
    parts = parts_of(config, stage, coding)
    named = {} if stage.model == 'pggan' else {part.name: part for part in parts}
    return step_of_part(config, stage, coding, named.get(phase, parts[-1]))


def parts_of(config: Config, stage: Stage, coding):
    """The phases of a stage's training: growth.GrowthPhase, or pix2pixhd.Part."""
    settings = stage_settings(config, stage.model, stage.key)
    if stage.model == 'pggan':
        return growth_plan(settings, Field(stage.produces[0], config, coding).size)
    return pix2pixhd.schedule(settings)


def step_of_part(config: Config, stage: Stage, coding, part):
    """`step_of` for one of `parts_of`."""
    settings = stage_settings(config, stage.model, stage.key)
    fields = drawn_fields(config, stage, coding)
    networks = lambda: stage_networks(config, stage, coding, settings)
    if stage.model == 'pggan':
        channels = sum(field.channels for field in fields)
        return (lambda: [pggan.phase_updates(part, networks())],
                pggan.batch_spec(part, channels, settings.latent_size))

    def make():
        built = networks()
        return [pix2pixhd.phase_updates(settings, each, built)
                for each in sorted(parts_of(config, stage, coding), key=lambda each: each == part)]

    return make, pix2pixhd.batch_spec(config, settings, part,
                                      Field(stage.consumes, config, coding), fields[0])


def _stage(config: Config, stage: Stage, coding, count: int, traced: Traced) -> Tuple[str, int]:
    """(what a stage does, the bytes it needs)."""
    settings = stage_settings(config, stage.model, stage.key)
    parts = parts_of(config, stage, coding)
    if stage.model == 'pggan':
        steps = sum(part.steps for part in parts)
        work = f'{len(parts)} phases up to {2 ** parts[-1].level} px'
    else:
        epochs = sum(len(part.epochs) for part in parts)
        steps = epochs * pix2pixhd.epoch_steps(settings, count)
        work = f'{config.data.size} px, {epochs} epochs ({", ".join(part.name for part in parts)})'
    estimate = _predicted_once(traced, config, stage, coding)
    return (f'{stage.model}, {estimate.parameters:,} parameters; {work}, {steps:,} steps, '
            f'{estimate.total / GIB:.1f} GiB', estimate.total)


def segmenter_phases(config: Config, name: str, num_classes: int) -> Phases:
    """The one phase of a segmenter's training, its second network beside it."""
    run = Run(REGIMES['real'], name)
    network, _ = (task.make_network(config, run, num_classes) for _ in range(2))
    return [(segmentation_update(network),)]


def _predict(config: Config, make: Callable[[], Phases], spec) -> step_memory.Estimate:
    def build():
        with precision(config.precision):
            return make()
    devices = 1
    if config.strategy != 'none':
        devices = max(1, len(tf.config.list_physical_devices('GPU')))
    share = {name: tf.TensorSpec([-(-s.shape[0] // devices), *s.shape[1:]], s.dtype)
             for name, s in spec.items()}
    return step_memory.predict(build, share, mixed_precision=config.precision == 'mixed_float16')


def _memory(needs: Dict[str, int]):
    what, there = step_memory.device_bytes()
    dearest = max(needs, key=needs.get)
    yield (f'memory     at most {needs[dearest] / GIB:.1f} GiB, for {dearest}, by tracing one step; '
           f'{what}: {there / GIB:.1f} GiB')
    for name, need in needs.items():
        if need > there:
            yield (f'WARNING: {name} needs about {need / GIB:.1f} GiB and will not fit: lower its '
                   f'batch size, feature maps or picture size, or set precision=mixed_float16')
