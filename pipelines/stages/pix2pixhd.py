"""A stage that translates one field into another: Pix2PixHD as a task.Task, coarse to fine.

Without enhancers there is one phase, the global generator at full size. With n of them: the global
generator at size / 2^n; then the enhancers alone, with a new generator optimiser, one more
discriminator per enhancer for the finer scales, and the coarser discriminators as they are; then
everything, with a new generator optimiser again (Wang et al. 2018, section 3.1, and the official
training scripts). [ours] Several enhancers begin together; the official code moves the outermost
alone and leaves the others to an earlier run.
"""
from __future__ import annotations

import math
from typing import Dict, NamedTuple, Tuple

import tensorflow as tf

from datasets.errors import InputError
from datasets.records import Info
from models.adversarial import Update
from models.image_pool import ImagePool
from models.pix2pixhd.networks import GlobalGenerator, LocalEnhancer, MultiscaleDiscriminator
from models.pix2pixhd.updates import pix2pixhd_updates
from models.pix2pixhd.vgg import perceptual_loss
from pipelines.data import batches, pixels, sheets
from pipelines.data.fields import Field
from pipelines.plan.config import Augmentation, Config
from pipelines.plan.methods import Stage
from pipelines.runtime import keyed
from pipelines.runtime.devices import stable_seed
from pipelines.training.task import Phase, Task


def make_networks(source: Field, target: Field, settings, seed: int) -> Dict[str, tf.keras.Model]:
    """Generator and discriminator; with enhancers also the global generator around their trunk."""
    channels_in = source.num_codes + settings.edges
    seed_of = lambda name: stable_seed(seed, name)
    networks = {'discriminator': MultiscaleDiscriminator(
        channels_in + target.channels, settings.ndf, settings.layers,
        settings.scales + settings.enhancers, seed_of('discriminator'))}
    if not settings.enhancers:
        networks['generator'] = GlobalGenerator(channels_in, target.channels, settings.ngf,
                                                settings.downsamplings, settings.blocks,
                                                seed_of('generator'))
        return networks
    networks['generator'] = LocalEnhancer(
        channels_in, target.channels, settings.ngf // 2 ** settings.enhancers, settings.enhancers,
        settings.blocks_local, settings.downsamplings, settings.blocks, seed_of('generator'))
    networks['global_generator'] = networks['generator'].global_generator(seed_of('global'))
    return networks


def translator(generator: tf.keras.Model, settings):
    """A generator for pictures of any side: [N, H, W, Cin] -> [N, H, W, Cout]."""
    enhancers = settings.enhancers if isinstance(generator, LocalEnhancer) else 0
    return pixels.padded(generator, 2 ** (settings.downsamplings + enhancers))


class Part(NamedTuple):
    """A phase of the schedule.

    Attributes:
      network: key of the generator that is trained.
      coarser: how often sides are halved; as many of the finest discriminators rest.
      epochs: their numbers from 0 on; the learning rate depends on them.
      enhancers_alone: whether the trunk rests.
      keeps: see task.Phase.
    """
    name: str
    network: str
    coarser: int
    epochs: range
    enhancers_alone: bool = False
    keeps: Tuple[str, ...] = ()


def schedule(settings) -> Tuple[Part, ...]:
    """The phases that a `pix2pixhd` section of a config asks for."""
    epochs, alone = settings.epochs + settings.decay_epochs, settings.enhancer_epochs
    if not settings.enhancers:
        return (Part('global', 'generator', 0, range(epochs)),)
    parts = (Part('global', 'global_generator', settings.enhancers, range(epochs)),
             Part('enhancer', 'generator', 0, range(alone), enhancers_alone=True),
             Part('everything', 'generator', 0, range(alone, epochs), keeps=('discriminator',)))
    return tuple(part for part in parts if len(part.epochs))


def make_task(config: Config, stage: Stage, info: Info, settings, networks) -> Task:
    """The training of a Pix2PixHD.

    Raises:
      InputError: the file of VGG19 weights is missing or is another.
    """
    source = Field(stage.consumes, config, info.coding)
    target = Field(stage.produces[0], config, info.coding)
    perceptual = _perceptual(stage, settings)
    pools, phases = {}, []
    for number, part in enumerate(schedule(settings)):
        spec = batch_spec(config, settings, part, source, target)
        side = spec['source'].shape[1]
        if settings.pool_size:
            channels = spec['source'].shape[-1] + target.channels
            pools.setdefault(f'pool_{side}px', ImagePool(settings.pool_size, [side, side, channels]))
        phases.append(Phase(
            part.name, epoch_steps(settings, info.count) * len(part.epochs),
            _learning_rate(settings, part, epoch_steps(settings, info.count)),
            phase_updates(settings, part, networks, perceptual, pools.get(f'pool_{side}px')),
            _batches(config, info, settings, source, target, spec,
                     stable_seed(config.seed, stage.key) + number),
            _sheet(config, info, settings, source, target, side, networks[part.network]),
            keeps=part.keeps))
    return Task(stage.key, networks, tuple(phases), (0.5, 0.999), extras=pools,
                mixed_precision=config.precision == 'mixed_float16')


def _perceptual(stage: Stage, settings):
    if settings.vgg_weights is None:
        print(f'stage {stage.name}: no pix2pixhd.vgg_weights are given: trained without the '
              f'perceptual loss, as with the official --no_vgg_loss', flush=True)
        return None
    try:
        return perceptual_loss(settings.vgg_weights)
    except ValueError as error:
        raise InputError(f'pix2pixhd.vgg_weights: {error}') from None


def _learning_rate(settings, part: Part, epoch: int):
    return lambda step: linear_decay(part.epochs[step // epoch] + 1, settings.learning_rate,
                                     settings.epochs, settings.decay_epochs)


def batch_spec(config: Config, settings, part: Part, source: Field, target: Field
               ) -> Dict[str, tf.TensorSpec]:
    """What a batch of a part of the schedule looks like."""
    count, side = settings.batch_size, -(-config.data.size // 2 ** part.coarser)
    spec = {'source': tf.TensorSpec([count, side, side, source.num_codes + settings.edges]),
            'target': tf.TensorSpec([count, side, side, target.channels])}
    return {**spec, 'pool': tf.TensorSpec([count, 2])} if settings.pool_size else spec


def phase_updates(settings, part: Part, networks, perceptual=None, pool=None
                  ) -> Tuple[Update, Update]:
    """The two updates of a part of the schedule."""
    generator, discriminator = networks[part.network], networks['discriminator']
    variables = (generator.enhancer_variables if part.enhancers_alone
                 else generator.trainable_variables)
    return pix2pixhd_updates(
        translator(generator, settings), lambda pair: discriminator(pair, skip=part.coarser),
        variables, discriminator.variables_of(part.coarser), settings.feature_weight, perceptual,
        pool)


def _prepare(source: Field, target: Field):
    return lambda row: {'source': row[source.name], 'target': target.prepare(row)}


def _batches(config: Config, info: Info, settings, source: Field, target: Field, spec, seed: int):
    side = spec['source'].shape[1]

    def finish(step, keys, rows):
        codes, wanted = _augment_pair(rows, source, target, config.data.size, keys,
                                      settings.augmentation)
        batch = {'source': source.condition(codes, side, settings.edges),
                 'target': target.encode(target.resize(wanted, side))}
        if settings.pool_size:
            batch['pool'] = keyed.uniform(keys, keyed.POOL, [2])
        return {name: tf.ensure_shape(value, spec[name].shape) for name, value in batch.items()}

    return lambda first_step: batches.batches(
        info, _prepare(source, target), finish, settings.batch_size, seed, first_step,
        config.data.memory_limit_mb)


def _sheet(config: Config, info: Info, settings, source: Field, target: Field, side: int,
           generator):
    translate = translator(generator, settings)

    def sheet(done):
        rows = batches.prepared_rows(info, _prepare(source, target), config.data.memory_limit_mb,
                                     at_most=sheets.COLUMNS)
        codes = tf.constant(rows['source'])
        drawn = tf.concat([target.decode(translate(source.condition(one, side, settings.edges)))
                           for one in tf.split(codes, len(codes))], 0)  # one at a time: memory
        real = target.decode(target.encode(target.resize(tf.constant(rows['target']), side)))
        return sheets.grid([[source.picture(v) for v in rows['source']],
                            [target.picture(v) for v in real.numpy()],
                            [target.picture(v) for v in drawn.numpy()]])
    return sheet


def _augment_pair(rows, source: Field, target: Field, size: int, keys, how) -> Tuple:
    """Warps source and target alike at the size of the pictures."""
    if how == Augmentation():
        return rows['source'], rows['target']
    codes = tf.cast(pixels.resize_nearest(rows['source'], size), tf.float32)
    if target.name == 'image':
        picture = tf.cast(rows['target'], tf.float32)
        picture, (codes,) = keyed.augment(picture, [codes], keys, how)
        return codes, picture
    nothing = tf.zeros_like(codes)[..., None]
    _, (codes, wanted) = keyed.augment(
        nothing, [codes, tf.cast(rows['target'], tf.float32)], keys, how)
    return codes, wanted


def epoch_steps(settings, count: int) -> int:
    """Steps of one epoch of a `pix2pixhd` section over `count` records."""
    return math.ceil(count / settings.batch_size)


def linear_decay(epoch: int, rate: float, constant: int, decay: int) -> float:
    """Learning rate of epoch 1, 2, ...: constant, then falling linearly to 0 (official schedule)."""
    return rate * (1 - max(0, epoch - constant - 1) / max(decay, 1))
