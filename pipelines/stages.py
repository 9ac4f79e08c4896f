"""A GAN stage as a training.Task: which networks, which phases, which batches, which sheet."""
from __future__ import annotations

import math
from pathlib import Path
from typing import Callable, Dict, Tuple

import tensorflow as tf

from datasets import dots
from datasets.errors import InputError
from datasets.labels import LabelCoding
from datasets.records import Info, load_arrays
from models import pggan
from models.lsgan import pix2pixhd_updates
from models.pggan_training import pggan_updates
from models.pix2pixhd import GlobalGenerator, MultiscaleDiscriminator
from pipelines import growth, inputs, preprocess, random_ops, sheets
from pipelines.checks import growth_plan
from pipelines.config import Augmentation, Config, stage_settings
from pipelines.fields import Field, split_fields
from pipelines.methods import Stage
from pipelines.runtime import stable_seed
from pipelines.training import Average, Phase, Task, restore_networks

SHEET_COLUMNS = 8
MOST_MERGED = 0.1   # [ours] share of the training samples whose dots may touch


def stage_task(config: Config, stage: Stage, info: Info) -> Task:
    """The training of one stage from the records of `info`."""
    settings = stage_settings(config, stage.model, stage.key)
    networks = stage_networks(config, stage, info.coding, settings)
    build = {'pggan': _pggan_task, 'pix2pixhd': _pix2pixhd_task}[stage.model]
    return build(config, stage, info, settings, networks)


def stage_networks(config: Config, stage: Stage, coding: LabelCoding, settings
                   ) -> Dict[str, tf.keras.Model]:
    """The networks of a stage; their weights start from (seed, stage)."""
    tf.keras.utils.set_random_seed(stable_seed(config.seed, stage.key, 'weights'))
    fields = [Field(name, config, coding) for name in stage.produces]
    channels = sum(field.channels for field in fields)
    if stage.model == 'pggan':
        return _pggan_networks(fields[0].size, channels, settings)
    source, seed = Field(stage.consumes, config, coding), stable_seed(config.seed, stage.key)
    generator = GlobalGenerator(source.num_codes, channels, settings.ngf, settings.downsamplings,
                                settings.blocks, seed=stable_seed(seed, 'generator'))
    discriminator = MultiscaleDiscriminator(source.num_codes + channels, settings.ndf,
                                            settings.layers, settings.scales,
                                            seed=stable_seed(seed, 'discriminator'))
    return {'generator': generator, 'discriminator': discriminator}


def stage_directory(workdir, stage: Stage) -> Path:
    """Where a stage is trained."""
    return Path(workdir) / 'stages' / stage.key


def trained_generator(config: Config, stage: Stage, coding: LabelCoding, workdir) -> tf.keras.Model:
    """What draws after training: PGGAN's averaged generator, Pix2PixHD's as it is.

    Raises:
      InputError: the stage is not trained yet.
    """
    networks = stage_networks(config, stage, coding,
                              stage_settings(config, stage.model, stage.key))
    restore_networks(networks, stage_directory(workdir, stage))
    return networks.get('generator_average', networks['generator'])


def draw_function(config: Config, stage: Stage, generator: tf.keras.Model, coding: LabelCoding
                  ) -> Callable[..., Dict[str, tf.Tensor]]:
    """A trained stage as a function: latents [N, L], or codes [N, h, w] -> its decoded fields."""
    fields = [Field(name, config, coding) for name in stage.produces]
    if stage.model == 'pggan':
        draw = lambda latents: generator(latents, level=generator.top_level)
    else:
        source = Field(stage.consumes, config, coding)
        draw = lambda codes: generator(source.condition(codes, config.data.size))
    return tf.function(lambda given: split_fields(draw(given), fields))


# --- PGGAN: noise to fields -----------------------------------------------------------------------

def _pggan_networks(resolution: int, channels: int, settings) -> Dict[str, tf.keras.Model]:
    shape = dict(resolution=resolution, channels=channels, fmap_base=settings.fmap_base,
                 fmap_max=settings.fmap_max, fused_scale=settings.fused_scale)
    generator = pggan.Generator(latent_size=settings.latent_size, **shape)
    average = pggan.Generator(latent_size=settings.latent_size, **shape)
    average.set_weights(generator.get_weights())
    discriminator = pggan.Discriminator(group_size=settings.group_size, **shape)
    return {'generator': generator, 'generator_average': average, 'discriminator': discriminator}


def _pggan_task(config: Config, stage: Stage, info: Info, settings, networks) -> Task:
    fields = [Field(name, config, info.coding) for name in stage.produces]
    generator, average = networks['generator'], networks['generator_average']
    if 'dots' in stage.produces:
        _check_dots(config, info)
    seed = stable_seed(config.seed, stage.key)
    plan = growth_plan(settings, generator.resolution)
    phases = tuple(
        _growth_phase(config, info, fields, part, networks, stable_seed(seed, number))
        for number, part in enumerate(plan))
    return Task(stage.key, networks, phases, (0.0, 0.99),
                averages=(Average(average, generator, 0.999),))


def _check_dots(config: Config, info: Info) -> None:
    """Refuses a training set whose organs lie so close that the dots of many samples merge."""
    maps = load_arrays(info)['dots']
    wrong = [w for w in (dots.dots_violations(dot_map, info.coding, config.data.dots_radius)
                         for dot_map in maps) if w]
    if len(wrong) > MOST_MERGED * len(maps):
        raise InputError(f'stage dots: in {len(wrong)} of {len(maps)} training samples dots touch '
                         f'and merge ({"; ".join(wrong[0])}); raise data.dots_size, or use method '
                         f'two')


def _growth_phase(config, info, fields, part, networks, seed) -> Phase:
    level, side = part.level, 2 ** part.level
    generator, latent_size = networks['generator'], networks['generator'].latent_size

    def prepare(row):
        channels = [field.encode(field.prepare(row)) for field in fields]
        return {'real': pggan.grow_images(tf.concat(channels, -1)[None], level)[0]}

    def finish(step, keys, rows):
        real = tf.ensure_shape(rows['real'], [part.batch_size, side, side, generator.channels])
        batch = {'latent_discriminator': random_ops.normal(keys, random_ops.LATENT, [latent_size]),
                 'latent_generator': random_ops.normal(keys, random_ops.LATENT_GENERATOR,
                                                       [latent_size]),
                 'mixing': random_ops.uniform(keys, random_ops.MIXING, [])}
        if part.fading:
            alpha = tf.cast(growth.fade_alpha(step, part.steps), tf.float32)
            batch['alpha'] = tf.fill([part.batch_size], alpha)
            real = pggan.grow_images(real, level, batch['alpha'])
        return {**batch, 'real': real}

    def batches(first_step):
        return inputs.batches(info, prepare, finish, part.batch_size, seed, first_step,
                              config.data.memory_limit_mb)

    def sheet(done):
        latents = sheet_latents(latent_size)
        alpha = growth.fade_alpha(done - 1, part.steps) if part.fading else 1.0
        drawn = networks['generator_average'](latents, level=level, alpha=alpha)
        drawn = split_fields(drawn, fields)
        rows = inputs.prepared_rows(info, prepare, config.data.memory_limit_mb,
                                    at_most=SHEET_COLUMNS)
        real = split_fields(tf.constant(rows['real']), fields)
        return sheets.grid([[field.picture(v) for v in made[field.name].numpy()]
                            for made in (real, drawn) for field in fields])

    scale = generator.resolution / side
    name = f'{side} px, {"fade-in" if part.fading else "stable"}'
    return Phase(name, part.steps, lambda step: part.learning_rate,
                 pggan_updates(generator, networks['discriminator'], level, scale), batches, sheet)


def sheet_latents(latent_size: int) -> tf.Tensor:
    """The same latents on every sheet, so that sheets can be compared."""
    return tf.random.stateless_normal([SHEET_COLUMNS, latent_size], [0, 0])


# --- Pix2PixHD: one field to another --------------------------------------------------------------

def _pix2pixhd_task(config: Config, stage: Stage, info: Info, settings, networks) -> Task:
    source = Field(stage.consumes, config, info.coding)
    target = Field(stage.produces[0], config, info.coding)
    size = config.data.size
    seed = stable_seed(config.seed, stage.key)
    generator = networks['generator']

    def prepare(row):
        return {'source': row[source.name], 'target': target.prepare(row)}

    def finish(step, keys, rows):
        codes, wanted = _augment_pair(rows, source, target, size, keys, settings.augmentation)
        shape = [settings.batch_size, size, size]
        return {'source': tf.ensure_shape(source.condition(codes, size), shape + [source.num_codes]),
                'target': tf.ensure_shape(target.encode(wanted), shape + [target.channels])}

    def batches(first_step):
        return inputs.batches(info, prepare, finish, settings.batch_size, seed, first_step,
                              config.data.memory_limit_mb)

    def sheet(done):
        rows = inputs.prepared_rows(info, prepare, config.data.memory_limit_mb,
                                    at_most=SHEET_COLUMNS)
        drawn = target.decode(generator(source.condition(tf.constant(rows['source']), size)))
        real = target.decode(target.encode(tf.constant(rows['target'])))
        return sheets.grid([[source.picture(v) for v in rows['source']],
                            [target.picture(v) for v in real.numpy()],
                            [target.picture(v) for v in drawn.numpy()]])

    epoch = epoch_steps(settings, info.count)
    rate = lambda step: linear_decay(step // epoch + 1, settings.learning_rate, settings.epochs,
                                     settings.decay_epochs)
    phase = Phase('global', epoch * (settings.epochs + settings.decay_epochs), rate,
                  pix2pixhd_updates(generator, networks['discriminator'],
                                    settings.feature_weight), batches, sheet)
    return Task(stage.key, networks, (phase,), (0.5, 0.999))


def _augment_pair(rows, source: Field, target: Field, size: int, keys, how) -> Tuple:
    """Warps source and target alike at the size of the pictures."""
    if how == Augmentation():
        return rows['source'], rows['target']
    codes = tf.cast(preprocess.enlarge_nearest(rows['source'], size), tf.float32)
    if target.name == 'image':
        picture = tf.cast(rows['target'], tf.float32)
        picture, (codes,) = random_ops.augment(picture, [codes], keys, how)
        return codes, picture
    nothing = tf.zeros_like(codes)[..., None]
    _, (codes, wanted) = random_ops.augment(
        nothing, [codes, tf.cast(rows['target'], tf.float32)], keys, how)
    return codes, wanted


def epoch_steps(settings, count: int) -> int:
    """Steps of one epoch of a `pix2pixhd` section over `count` records."""
    return math.ceil(count / settings.batch_size)


def linear_decay(epoch: int, rate: float, constant: int, decay: int) -> float:
    """Learning rate of epoch 1, 2, ...: constant, then falling linearly to 0 (official schedule)."""
    return rate * (1 - max(0, epoch - constant - 1) / max(decay, 1))
