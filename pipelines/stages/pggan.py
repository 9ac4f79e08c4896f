"""A stage that draws fields from noise: PGGAN's networks, growth and batches as a task.Task."""
from __future__ import annotations

from typing import Dict, Sequence, Tuple

import tensorflow as tf

from datasets import dots
from datasets.errors import InputError
from datasets.records import Info, load_arrays
from models.adversarial import Update, copy_weights
from models.pggan.networks import Discriminator, Generator, grow_images
from models.pggan.updates import pggan_updates
from pipelines.data import batches as inputs, sheets
from pipelines.data.fields import Field, drawn_fields, split_fields
from pipelines.plan import growth
from pipelines.plan.checks import growth_plan
from pipelines.plan.config import Config
from pipelines.plan.methods import Stage
from pipelines.runtime import keyed
from pipelines.runtime.devices import stable_seed
from pipelines.training.task import Average, Phase, Task

MOST_MERGED = 0.1   # [ours] share of the training samples whose dots may touch


def make_networks(fields: Sequence[Field], settings) -> Dict[str, tf.keras.Model]:
    """Generator, its average and discriminator; weights follow `tf.keras.utils.set_random_seed`."""
    shape = dict(resolution=fields[0].size, channels=sum(field.channels for field in fields),
                 fmap_base=settings.fmap_base, fmap_max=settings.fmap_max,
                 fused_scale=settings.fused_scale)
    generator = Generator(latent_size=settings.latent_size, **shape)
    average = Generator(latent_size=settings.latent_size, **shape)
    copy_weights(average, generator)
    discriminator = Discriminator(group_size=settings.group_size, **shape)
    return {'generator': generator, 'generator_average': average, 'discriminator': discriminator}


def make_task(config: Config, stage: Stage, info: Info, settings, networks) -> Task:
    """The training of a PGGAN: one phase per fade and per stable stretch of the growth schedule.

    Raises:
      InputError: dots of the training set merge.
    """
    fields = drawn_fields(config, stage, info.coding)
    generator, average = networks['generator'], networks['generator_average']
    if 'dots' in stage.produces:
        check_dots(config, info)
    seed = stable_seed(config.seed, stage.key)
    phases = tuple(
        _growth_phase(config, info, fields, part, networks, stable_seed(seed, number))
        for number, part in enumerate(growth_plan(settings, generator.resolution)))
    return Task(stage.key, networks, phases, (0.0, 0.99),
                averages=(Average(average, generator, 0.999),),
                snapshot={'generator_average': average},
                mixed_precision=config.precision == 'mixed_float16')


def batch_spec(part: growth.GrowthPhase, channels: int, latent_size: int) -> Dict[str, tf.TensorSpec]:
    """What a batch of a phase of growth looks like: name -> tf.TensorSpec."""
    count, side = part.batch_size, 2 ** part.level
    spec = {'real': tf.TensorSpec([count, side, side, channels]),
            'latent_discriminator': tf.TensorSpec([count, latent_size]),
            'latent_generator': tf.TensorSpec([count, latent_size]),
            'mixing': tf.TensorSpec([count])}
    return {**spec, 'alpha': tf.TensorSpec([count])} if part.fading else spec


def phase_updates(part: growth.GrowthPhase, networks) -> Tuple[Update, Update]:
    """The two updates of a phase of growth."""
    generator = networks['generator']
    return pggan_updates(generator, networks['discriminator'], part.level,
                         generator.resolution / 2 ** part.level)


def check_dots(config: Config, info: Info) -> None:
    """Refuses a training set whose organs lie so close that the dots of many samples merge."""
    maps = load_arrays(info, ['dots'])['dots']
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
        return {'real': grow_images(tf.concat(channels, -1)[None], level)[0]}

    def finish(step, keys, rows):
        real = tf.ensure_shape(rows['real'], [part.batch_size, side, side, generator.channels])
        batch = {'latent_discriminator': keyed.normal(keys, keyed.LATENT, [latent_size]),
                 'latent_generator': keyed.normal(keys, keyed.LATENT_GENERATOR,
                                                  [latent_size]),
                 'mixing': keyed.uniform(keys, keyed.MIXING, [])}
        if part.fading:
            alpha = tf.cast(growth.fade_alpha(step, part.steps), tf.float32)
            batch['alpha'] = tf.fill([part.batch_size], alpha)
            real = grow_images(real, level, batch['alpha'])
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
                                    at_most=sheets.COLUMNS)
        real = split_fields(tf.constant(rows['real']), fields)
        return sheets.grid([[field.picture(v) for v in made[field.name].numpy()]
                            for made in (real, drawn) for field in fields])

    name = f'{side} px, {"fade-in" if part.fading else "stable"}'
    return Phase(name, part.steps, lambda step: part.learning_rate,
                 phase_updates(part, networks), batches, sheet, snapshot_every=part.snapshot_steps)


def sheet_latents(latent_size: int) -> tf.Tensor:
    """The same latents on every sheet, so that sheets can be compared."""
    return tf.random.stateless_normal([sheets.COLUMNS, latent_size], [0, 0])
