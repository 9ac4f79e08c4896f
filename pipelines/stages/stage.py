"""A GAN stage of either model: its training as a task.Task, its networks, what it draws."""
from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, Optional

import tensorflow as tf

from datasets.errors import InputError
from datasets.labels import LabelCoding
from datasets.records import Info
from pipelines.data.fields import Field, drawn_fields, split_fields
from pipelines.plan.config import Config, stage_settings
from pipelines.plan.methods import Stage
from pipelines.runtime import devices
from pipelines.runtime.devices import stable_seed
from pipelines.stages import pggan, pix2pixhd
from pipelines.training import checkpoints
from pipelines.training.task import Task


def stage_task(config: Config, stage: Stage, info: Info) -> Task:
    """The training of one stage from the records of `info`.

    Raises:
      InputError: `initial_weights` are not there or of other networks; see also the make_task of
        either model.
    """
    settings = stage_settings(config, stage.model, stage.key)
    with devices.precision(config.precision):
        networks = stage_networks(config, stage, info.coding, settings)
    if settings.initial_weights is not None:
        checkpoints.start_from(networks, settings.initial_weights)
    make_task = {'pggan': pggan, 'pix2pixhd': pix2pixhd}[stage.model].make_task
    return make_task(config, stage, info, settings, networks)


def stage_networks(config: Config, stage: Stage, coding: LabelCoding, settings
                   ) -> Dict[str, tf.keras.Model]:
    """The networks of a stage; their weights start from (seed, stage)."""
    tf.keras.utils.set_random_seed(stable_seed(config.seed, stage.key, 'weights'))
    fields = drawn_fields(config, stage, coding)
    if stage.model == 'pggan':
        return pggan.make_networks(fields, settings)
    return pix2pixhd.make_networks(Field(stage.consumes, config, coding), fields[0], settings,
                                   stable_seed(config.seed, stage.key))


def stage_directory(workdir, stage: Stage) -> Path:
    """Where a stage is trained."""
    return Path(workdir) / 'stages' / stage.key


def trained_generator(config: Config, stage: Stage, coding: LabelCoding, workdir) -> tf.keras.Model:
    """What draws after training: PGGAN's averaged generator, or a snapshot of it; Pix2PixHD's.

    Raises:
      InputError: the stage is not trained yet, or has no such snapshot.
    """
    networks = stage_networks(config, stage, coding,
                              stage_settings(config, stage.model, stage.key))
    name = 'generator_average' if 'generator_average' in networks else 'generator'
    snapshot = _snapshot(config, stage, workdir)
    if has_snapshot(config, stage, workdir):
        checkpoints.restore_snapshot({name: networks[name]}, snapshot)
    elif snapshot is not None:
        kept = sorted(int(path.stem) for path in snapshot.parent.glob('*.json'))
        raise InputError(f'stages.{stage.key}.snapshot: expected a step whose snapshot is kept in '
                         f'{snapshot.parent} ({", ".join(map(str, kept)) or "none is"}), found '
                         f'{int(snapshot.name)}; without the key the last step draws')
    else:
        checkpoints.restore_networks({name: networks[name]}, stage_directory(workdir, stage))
    return networks[name]


def has_snapshot(config: Config, stage: Stage, workdir) -> bool:
    """Whether the stage is to draw with a snapshot, and it is there: then nothing is left to train."""
    path = _snapshot(config, stage, workdir)
    return path is not None and checkpoints.manifest(path).exists()


def _snapshot(config: Config, stage: Stage, workdir) -> Optional[Path]:
    step = getattr(stage_settings(config, stage.model, stage.key), 'snapshot', None)
    return None if step is None else stage_directory(workdir, stage) / 'snapshots' / f'{step:08d}'


def draw_function(config: Config, stage: Stage, generator: tf.keras.Model, coding: LabelCoding
                  ) -> Callable[..., Dict[str, tf.Tensor]]:
    """A trained stage as a function: latents [N, L], or codes [N, h, w] -> its decoded fields."""
    fields = drawn_fields(config, stage, coding)
    if stage.model == 'pggan':
        draw = lambda latents: generator(latents, level=generator.top_level)
    else:
        source = Field(stage.consumes, config, coding)
        settings = stage_settings(config, stage.model, stage.key)
        translate = pix2pixhd.translator(generator, settings)
        draw = lambda codes: translate(source.condition(codes, config.data.size, settings.edges))
    return tf.function(lambda given: split_fields(draw(given), fields))
