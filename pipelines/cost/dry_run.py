"""The resolved plan of an experiment as text: stages, sizes, parameters, memory, steps."""
from __future__ import annotations

import dataclasses
from typing import Callable, Dict, Iterator, List, NamedTuple, Sequence

import tensorflow as tf

from datasets.labels import LabelCoding
from datasets.records import Info
from datasets.sample import Dataset
from datasets.targets import Targets, targets_of
from pipelines.cost import step_memory
from pipelines.cost.planned import planned_segmenter, planned_sources, planned_stage, planned_transfer
from pipelines.data import structures
from pipelines.data.checked import read_sample
from pipelines.data.prepare import resize_sample
from pipelines.data.sources import open_split
from pipelines.plan.config import Config, Data, Segmenter
from pipelines.plan.loading import segmenter_settings, stage_settings
from pipelines.plan.matrix import Arm
from pipelines.plan.methods import Stage, check_pairs
from pipelines.plan.regimes import Run, methods_of, translators_of
from pipelines.segmentation.task import steps_of
from pipelines.stages.stage import stage_task
from pipelines.training.task import Task

GIB = 2 ** 30
NAMED = 4  # phases that are named one by one


class Described(NamedTuple):
    """A training: its phases, and what a step of the last one needs, the dearest."""
    phases: List[str]
    steps: int
    estimate: step_memory.Estimate

    def __str__(self) -> str:
        names = ', '.join(self.phases) if len(self.phases) <= NAMED else (
            f'{len(self.phases)} phases, {self.phases[0]} to {self.phases[-1]}')
        return (f'{self.estimate.parameters:,} parameters; {names}; {self.steps:,} steps, '
                f'{self.estimate.total / GIB:.1f} GiB')


Traced = Dict[str, Described]  # by what they depend on


def describe(arms: Sequence[Arm]) -> str:
    """One line per step. Traces the dearest training step of each network, runs and trains nothing.

    Of arms that differ in their part of the images alone, the first is described in full; what several arms
    train alike is traced once.
    """
    parts, described, traced = [], {}, {}
    for arm in arms:
        kind = repr(dataclasses.replace(arm.config, data=_any_part(arm.config.data), sources={
            name: _any_part(source) for name, source in arm.config.sources.items()}))
        count = sum(len(splits) for splits in arm.scores.values())
        if arm.folder:
            parts.append(f'arm {arm.folder}: {len(arm.scores)} segmenters, {count} evaluations')
        if kind in described and {*arm.runs} <= described[kind][1]:
            parts.append(f'           as {described[kind][0]}, of other images')
        else:
            described[kind] = arm.folder, {*arm.runs}
            parts.append(_describe(arm.config, arm.runs, traced))
    return '\n'.join(parts)


def _describe(config: Config, runs: Sequence[Run], traced: Traced) -> str:
    dataset = open_split(config, 'train')
    coding, images = dataset.coding, len(dataset.ids)
    count = images * config.data.augment
    generation = config.generation
    lines = [_header(config),
             f'data       {config.data.dataset}: {images} learning images, {count} after '
             f'augmentation, {config.data.size} px; scored at {config.evaluation.size} px; '
             f'{config.labels.channels} label channels', *_structures(config, dataset)]
    needs: Dict[str, int] = {}
    for stage in translators_of([run.regime for run in runs]):
        sources = planned_sources(config, stage.reads)
        described = _described(traced, config, stage.folder, stage_settings(config, stage), (
            lambda: stage_task(config, stage, sources)))
        needs[stage.folder] = described.estimate.total
        others = {name: info for name, info in sources.items() if name != 'train'}
        lines += [*_sources(config, others), f'translator {stage.kind}: {described}']
    for method in methods_of([run.regime for run in runs]):
        for stage in method.stages:
            work = f'the {stage.folder} of the method before'
            if stage.folder not in needs:
                described = _described(traced, config, stage.folder, stage_settings(config, stage), (
                    lambda: planned_stage(config, stage, coding, count)))
                needs[stage.folder] = described.estimate.total
                work = f'{stage.kind}, {described}'
            lines.append(f'stage      {method.name}/{stage.name}: {work}')
        check_pairs(method, generation.count, images, 'generation.num_train + num_validation')
        lines.append(f'generate   {method.name}: {generation.num_train} + '
                     f'{generation.num_validation} samples')
    estimates = {name: _described(traced, config, name, _shape_of(segmenter_settings(config, name), coding), (
        lambda: planned_segmenter(config, name, coding))).estimate
        for name in dict.fromkeys(run.segmenter for run in runs)}
    lines += [f'network    {name}: finds {", ".join(_targets(config, name, coding).names)}' for name in estimates]
    for run in runs:
        settings, estimate = segmenter_settings(config, run.segmenter), estimates[run.segmenter]
        if run.trained != run:
            lines.append(f'segmenter  {run.name}: that of {run.trained.name}, shown the tone of A')
            continue
        if translators_of([run.regime]):
            described = _described(traced, config, run.regime.name, (settings, bool(run.labelled)), (
                lambda: planned_transfer(config, run)))
            needs[f'segmenter {run.name}'] = described.estimate.total
            lines.append(f'segmenter  {run.name}: {described}')
            continue
        needs[f'segmenter {run.segmenter}'] = estimate.total
        lines.append(f'segmenter  {run.name}: {estimate.parameters:,} parameters, '
                     f'crop {settings.crop} of {settings.size} px, batch {settings.batch_size}, '
                     f'{steps_of(config, run, count):,} updates, '
                     f'{estimate.total / GIB:.1f} GiB')
    return '\n'.join([*lines, *_memory(needs)])


def _targets(config: Config, segmenter: str, coding: LabelCoding) -> Targets:
    settings = segmenter_settings(config, segmenter)
    return targets_of(coding, settings.targets, settings.overlapping)


def describe_translator(config: Config, stage: Stage) -> str:
    """The plan of a translator's training alone: its two data sets, its network, its steps and memory."""
    sources = planned_sources(config, stage.reads)
    described = _trace(config, lambda: stage_task(config, stage, sources))
    return '\n'.join([
        _header(config),
        *_sources(config, sources),
        f'stage      {stage.folder}: {stage.kind}, {described}', *_memory({stage.folder: described.estimate.total})])


def _sources(config: Config, sources: Dict[str, Info]) -> Iterator[str]:
    for name, info in sources.items():
        yield (f'data       {name}: {config.data_of(name).dataset}, {len(info.ids)} images, {info.count} '
               f'after augmentation, {info.size} px')


def _header(config: Config) -> str:
    return (f'experiment {config.experiment} ({config.configuration}), seed {config.seed}, {config.precision}, '
            f'strategy {config.strategy}')


def _structures(config: Config, dataset: Dataset) -> Iterator[str]:
    """What the program's own rules do to the real label maps, where samples are to be drawn."""
    methods = structures.methods_in(config)
    if not methods:
        return
    label_maps = [dataset.coding.encode(resize_sample(read_sample(dataset, id, config.data), config.data.size,
                                                        config.data.fit).masks)
                  for id in structures.some(dataset.ids)]
    found = structures.examine(label_maps, dataset.coding, config.labels)
    yield from (f'           {line}' for line in structures.table(found))
    settled = structures.settled(config.labels, found)
    words = (f'{name} {str(getattr(settled, name)).lower()}' + ' (auto)' * (getattr(config.labels, name) == 'auto')
             for name in ('clean', 'reject'))
    yield f'labels     {", ".join(words)}'
    told: List[str] = []
    structures.warn(found, dataset.coding, config.labels, methods, told.append)
    yield from told


def predicted(config: Config, build: Callable[[], Task], phase: str = '') -> step_memory.Estimate:
    """What one training step needs.

    Args:
      build: makes the Task, see cost/planned.py.
      phase: of that training; '' = the last, the dearest.
    """
    return _trace(config, build, phase).estimate


def _trace(config: Config, build: Callable[[], Task], name: str = '') -> Described:
    found = []

    def make() -> step_memory.Step:
        task = build()
        found.append(task)
        phases = sorted(task.phases, key=lambda phase: phase.name == name)  # stable: '' = the last
        return [phase.updates for phase in phases], _share(config, phases[-1].batch_spec)

    estimate = step_memory.predict(make, mixed_precision=config.precision == 'mixed_float16')
    task, = found
    return Described([phase.name for phase in task.phases], task.steps, estimate)


def _any_part(data: Data) -> Data:
    """A section of data whatever the draw and the fold, on which no step's cost depends."""
    return dataclasses.replace(data, draw=0, fold=0)


def _shape_of(settings: Segmenter, coding: LabelCoding) -> tuple:
    """Settings of a segmenter, with how many outputs it has in the place of what they stand for."""
    outputs = targets_of(coding, settings.targets, settings.overlapping).num_outputs
    return dataclasses.replace(settings, targets=None), outputs


def _described(traced: Traced, config: Config, name: str, settings, build: Callable[[], Task]
               ) -> Described:
    """`_trace`, once for all arms that train the same."""
    key = repr((name, settings, config.labels.channels, _any_part(config.data), config.precision,
                config.strategy))
    if key not in traced:
        traced[key] = _trace(config, build)
    return traced[key]


def _share(config: Config, spec: Dict[str, tf.TensorSpec]) -> Dict[str, tf.TensorSpec]:
    """What one of several devices gets of a batch."""
    devices = 1
    if config.strategy != 'none':
        devices = max(1, len(tf.config.list_physical_devices('GPU')))
    return {name: tf.TensorSpec([-(-one.shape[0] // devices), *one.shape[1:]], one.dtype)
            for name, one in spec.items()}


def _memory(needs: Dict[str, int]):
    what, there = step_memory.device_bytes()
    dearest = max(needs, key=needs.get)
    yield (f'memory     at most {needs[dearest] / GIB:.1f} GiB, for {dearest}, by tracing one step; '
           f'{what}: {there / GIB:.1f} GiB')
    for name, need in needs.items():
        if need > there:
            yield (f'WARNING: {name} needs about {need / GIB:.1f} GiB and will not fit: lower its '
                   f'batch size, feature maps or picture size, or set precision=mixed_float16')
