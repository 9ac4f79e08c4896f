"""PGGAN: draws fields from noise; its networks, growth and batches as a Task."""
from __future__ import annotations

from typing import Callable, Dict, Mapping, Optional

import tensorflow as tf

from datasets import dots
from datasets.errors import InputError
from datasets.records import Info, load_arrays
from models.adversarial import copy_weights
from models.discriminator_augmentation import DRAWS, Probability
from models.pggan.networks import Discriminator, Generator, grow_images
from models.pggan.updates import pggan_updates
from pipelines.data import batches, sheets
from pipelines.data.fields import split_fields
from pipelines.plan.kinds import growth
from pipelines.plan.kinds.pggan import schedule
from pipelines.runtime import keyed
from pipelines.runtime.seeds import stable_seed
from pipelines.stages.shown import probability_of
from pipelines.training.task import Average, Phase, Task

MOST_MERGED = 0.1   # [ours] share of the training samples whose dots may touch


def networks(io) -> Dict[str, tf.keras.Model]:
    """Generator, its average and discriminator; weights follow `tf.keras.utils.set_random_seed`."""
    settings = io.settings
    shape = dict(resolution=io.drawn[0].size, channels=io.channels, fmap_base=settings.fmap_base,
                 fmap_max=settings.fmap_max, fused_scale=settings.fused_scale)
    generator = Generator(latent_size=settings.latent_size, **shape)
    average = Generator(latent_size=settings.latent_size, **shape)
    copy_weights(average, generator)
    discriminator = Discriminator(group_size=settings.group_size, **shape)
    return {'generator': generator, 'generator_average': average, 'discriminator': discriminator}


def task(io, networks: Mapping[str, tf.keras.Model], sources: Mapping[str, Info]) -> Task:
    """The training: one phase per fade and per stable stretch of the growth schedule."""
    generator, average = networks['generator'], networks['generator_average']
    probability = probability_of(io.settings)
    phases = tuple(
        _phase(io, sources[io.stage.reads[0]], part, networks, stable_seed(io.seed, number), probability)
        for number, part in enumerate(schedule(io.settings, generator.resolution)))
    return Task(io.stage.folder, networks, phases, (0.0, 0.99),
                averages=(Average(average, generator, 0.999),), extras={'probability': probability} if probability else {},
                snapshot={'generator_average': average})


def start(io, networks, sources: Mapping[str, Info]) -> None:
    """Refuses a training set whose organs lie so close that the dots of many samples merge."""
    if 'dots' in io.stage.produces:
        check_dots(sources[io.stage.reads[0]], io.data.dots_radius)


def draws(io) -> str:
    """The average of the generator's weights draws (Karras et al. 2017, section 5)."""
    return 'generator_average'


def draw(io, network: Generator) -> Callable[[tf.Tensor], tf.Tensor]:
    """Latents [N, L] -> channels [N, S, S, C] at full resolution."""
    return lambda latents: network(latents, level=network.top_level)


def check_dots(info: Info, radius: int) -> None:
    """InputError where the dots of more than a tenth of the training samples merge."""
    maps = load_arrays(info, ['dots'])['dots']
    wrong = [w for w in (dots.dots_violations(dot_map, info.coding, radius) for dot_map in maps) if w]
    if len(wrong) > MOST_MERGED * len(maps):
        raise InputError(f'stage dots: in {len(wrong)} of {len(maps)} training samples dots touch '
                         f'and merge ({"; ".join(wrong[0])}); raise data.dots_size, or use method '
                         f'two')


def _batch_spec(part: growth.GrowthPhase, channels: int, latent_size: int, is_changed: bool) -> Dict[str, tf.TensorSpec]:
    count, side = part.batch_size, 2 ** part.level
    spec = {'real': tf.TensorSpec([count, side, side, channels]),
            'latent_discriminator': tf.TensorSpec([count, latent_size]),
            'latent_generator': tf.TensorSpec([count, latent_size]),
            'mixing': tf.TensorSpec([count]), **({'shown': tf.TensorSpec([count, 3, DRAWS])} if is_changed else {})}
    return {**spec, 'alpha': tf.TensorSpec([count])} if part.fading else spec


def _phase(io, info: Info, part: growth.GrowthPhase, networks, seed: int, probability: Optional[Probability]) -> Phase:
    level, side = part.level, 2 ** part.level
    generator, latent_size = networks['generator'], networks['generator'].latent_size

    prepare, encode = _rows(io, level, generator.top_level)

    def finish(step, keys, rows):
        real = tf.ensure_shape(encode(rows), [part.batch_size, side, side, generator.channels])
        batch = {'latent_discriminator': keyed.normal(keys, keyed.LATENT, [latent_size]),
                 'latent_generator': keyed.normal(keys, keyed.LATENT_GENERATOR, [latent_size]),
                 'mixing': keyed.uniform(keys, keyed.MIXING, []),
                 **({'shown': keyed.uniform(keys, keyed.SHOWN, [3, DRAWS])} if probability else {})}
        if part.fading:
            alpha = tf.cast(growth.fade_alpha(step, part.steps), tf.float32)
            batch['alpha'] = tf.fill([part.batch_size], alpha)
            real = grow_images(real, level, batch['alpha'])
        return {**batch, 'real': real}

    def make_batches(first_step):
        return batches.batches(info, prepare, finish, part.batch_size, seed, first_step,
                               io.data.memory_limit_mb)

    def sheet(done):
        latents = sheet_latents(latent_size)
        alpha = growth.fade_alpha(done - 1, part.steps) if part.fading else 1.0
        drawn = networks['generator_average'](latents, level=level, alpha=alpha)
        rows = batches.prepared_rows(info, prepare, at_most=sheets.COLUMNS)
        return sheets.grid([[field.picture(v) for v in made[field.name].numpy()]
                            for made in (split_fields(encode(rows), io.drawn),
                                         split_fields(drawn, io.drawn))
                            for field in io.drawn])

    updates = pggan_updates(generator, networks['discriminator'], level, generator.resolution / side, probability)
    name = f'{side} px, {"fade-in" if part.fading else "stable"}'
    return Phase(name, part.steps, lambda step: part.learning_rate, updates, make_batches,
                 _batch_spec(part, generator.channels, latent_size, probability is not None), sheet,
                 snapshot_every=part.snapshot_steps)


def _rows(io, level: int, top_level: int):
    """(record -> what is kept of it, such rows -> channels [N, S, S, C] at a level).

    At full size a picture is kept as float16 and a map as its codes, 3 bytes a pixel instead of 8 or more;
    smaller ones as the mean channels, which are no codes any more.
    """
    def fields(row):
        return {field.name: field.prepare(row) for field in io.drawn}

    def alone(row):
        return {name: values[None] for name, values in fields(row).items()}

    def encode(rows):
        return tf.concat([field.encode(tf.convert_to_tensor(rows[field.name])) for field in io.drawn], -1)

    if level == top_level:
        return fields, encode
    return (lambda row: {'real': grow_images(encode(alone(row)), level)[0]}), lambda rows: rows['real']


def sheet_latents(latent_size: int) -> tf.Tensor:
    """The same latents on every sheet, so that sheets can be compared."""
    return tf.random.stateless_normal([sheets.COLUMNS, latent_size], [0, 0])
