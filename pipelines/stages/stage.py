"""A GAN stage of any kind: its training as a Task, its networks, what it draws.

What a kind does stands in a module of its own beside this one, which plan.kinds.KINDS names; nothing
here knows which kinds there are.
"""
from __future__ import annotations

import importlib
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Tuple

import tensorflow as tf

from datasets.errors import InputError
from datasets.labels import LabelCoding
from datasets.records import Info
from pipelines.data.fields import drawn_fields, field_of, split_fields
from pipelines.plan.config import Config, Data
from pipelines.plan.kinds import KINDS
from pipelines.plan.loading import stage_settings
from pipelines.plan.methods import Stage
from pipelines.plan.workdir import Workdir
from pipelines.runtime import determinism
from pipelines.runtime.seeds import stable_seed
from pipelines.training import checkpoints
from pipelines.training.task import Task

Sources = Mapping[str, Info]  # record set -> what it holds; see Stage.reads


class StageIO(NamedTuple):
    """What a stage is given and makes, derived once from (config, stage, coding).

    Attributes:
      source: the field that it is given; None = noise.
      drawn: the fields that it draws, in the order of their channels.
      settings: of its kind, with the config's changes for this stage.
      seed: of its weights, batches and noise.
      data: the config's section of that name.
    """
    stage: Stage
    source: Optional[Any]
    drawn: Tuple[Any, ...]
    settings: Any
    seed: int
    data: Data
    coding: LabelCoding

    @property
    def channels(self) -> int:
        """Channels that the stage draws."""
        return sum(field.channels for field in self.drawn)


def stage_io(config: Config, stage: Stage, coding: LabelCoding) -> StageIO:
    """The StageIO of one stage of a config."""
    source = field_of(stage.consumes, config, coding) if stage.consumes else None
    return StageIO(stage, source, tuple(drawn_fields(config, stage, coding)),
                   stage_settings(config, stage), stable_seed(config.seed, stage.folder), config.data,
                   coding)


def kind_of(stage: Stage):
    """The module with the functions of a stage's kind, see plan/kinds/__init__.py."""
    return importlib.import_module(KINDS[stage.kind].module)


def stage_task(config: Config, stage: Stage, sources: Sources) -> Task:
    """The training of one stage; what it learns from is read when its first batch is asked for.

    Args:
      sources: one for each of `stage.reads`. To describe a training, not to run it, build it inside a
        `tf.Graph` from sources that say what records there will be.

    Raises:
      InputError: a file that the settings name is missing or is another.
    """
    kind, io = kind_of(stage), stage_io(config, stage, sources[stage.reads[0]].coding)
    with determinism.precision(config.precision):  # of training alone: what draws is float32
        networks = stage_networks(config, io)
        task = kind.task(io, networks, sources)

    def start():
        if getattr(io.settings, 'initial_weights', None) is not None:
            checkpoints.start_from(networks, io.settings.initial_weights)
        kind.start(io, networks, sources)
        task.start()

    return task._replace(start=start, mixed_precision=config.precision == 'mixed_float16', key=_key(config, io))


def _key(config: Config, io: StageIO) -> Optional[str]:
    """See training.task.Task.key; of kinds whose steps depend on settings and fields alone."""
    if config.precision != 'float32' or not KINDS[io.stage.kind].is_alike:
        return None
    fields = [None if one is None else (one.name, one.size, one.channels, one.given_channels, getattr(one, 'amplitude', None))
              for one in (io.source, *io.drawn)]
    return repr((io.stage, io.settings, io.coding, config.labels.channels, fields))


def stage_networks(config: Config, io: StageIO) -> Dict[str, tf.keras.Model]:
    """The networks of a stage; their weights start from (seed, stage)."""
    tf.keras.utils.set_random_seed(stable_seed(config.seed, io.stage.folder, 'weights'))
    return kind_of(io.stage).networks(io)


def trained_generator(config: Config, stage: Stage, coding: LabelCoding, workdir) -> tf.keras.Model:
    """What draws after training, or a snapshot of it where the settings name one.

    Raises:
      InputError: the stage is not trained yet, or has no such snapshot.
    """
    io = stage_io(config, stage, coding)
    name = kind_of(stage).draws(io)
    network = stage_networks(config, io)[name]
    folder, step = Workdir(workdir).stage(stage), getattr(io.settings, 'snapshot', None)
    if step is None:
        checkpoints.restore_networks({name: network}, folder)
    elif has_snapshot(config, stage, workdir):
        checkpoints.restore_snapshot({name: network}, checkpoints.snapshot(folder, step))
    else:
        kept = sorted(int(path.stem) for path in (folder / checkpoints.SNAPSHOTS).glob('*.json'))
        raise InputError(f'stages.{stage.folder}.snapshot: expected a step whose snapshot is kept in '
                         f'{folder / checkpoints.SNAPSHOTS} ({", ".join(map(str, kept)) or "none is"}), '
                         f'found {step}; without the key the last step draws')
    return network


def has_snapshot(config: Config, stage: Stage, workdir) -> bool:
    """Whether the stage is to draw with a snapshot, and it is there: then nothing is left to train."""
    step = getattr(stage_settings(config, stage), 'snapshot', None)
    return step is not None and checkpoints.manifest(
        checkpoints.snapshot(Workdir(workdir).stage(stage), step)).exists()


def style_size(io: StageIO) -> int:
    """Side of the grid of numbers that a stage is given beside its source for each sample; 0 = none."""
    return getattr(io.settings, 'style_size', 0)


def draw_function(io: StageIO, generator: tf.keras.Model) -> Callable[..., Dict[str, tf.Tensor]]:
    """A trained stage as a function: latents [N, L], or what it is given, then styles [N, K, K] where it takes some -> its
    decoded fields."""
    draw = kind_of(io.stage).draw(io, generator)
    return tf.function(lambda *given: split_fields(draw(*given), io.drawn), autograph=False)
