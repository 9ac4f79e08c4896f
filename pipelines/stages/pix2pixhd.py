"""Pix2PixHD: translates one field into another; its networks, parts and batches as a Task.

The order of the parts, coarse to fine, is that of plan/kinds/pix2pixhd.py.
"""
from __future__ import annotations

from typing import Callable, Dict, Mapping, Sequence, Tuple

import tensorflow as tf

from datasets.errors import InputError
from datasets.records import Info
from models.adversarial import Update
from models.discriminator_augmentation import DRAWS
from models.image_pool import ImagePool
from models.pix2pixhd.networks import GlobalGenerator, LocalEnhancer, MultiscaleDiscriminator
from models.pix2pixhd.style import mode_seeking, with_style
from models.pix2pixhd.updates import pix2pixhd_updates
from models.pix2pixhd.vgg import perceptual_loss
from pipelines.data import pixels
from pipelines.plan.kinds.pix2pixhd import Part, epoch_steps, linear_decay, schedule
from pipelines.runtime import keyed
from pipelines.runtime.seeds import stable_seed
from pipelines.stages.paired import pair_batches, pair_sheet
from pipelines.stages.shown import probability_of
from pipelines.training.task import Phase, Task


def networks(io) -> Dict[str, tf.keras.Model]:
    """Generator and discriminator; with enhancers also the global generator around their trunk."""
    settings, given, drawn = io.settings, _given_channels(io), io.channels
    seed_of = lambda name: stable_seed(io.seed, name)
    made = {'discriminator': MultiscaleDiscriminator(
        given + drawn, settings.ndf, settings.layers, settings.scales + settings.enhancers,
        seed_of('discriminator'))}
    given += bool(settings.style_size)
    if not settings.enhancers:
        made['generator'] = GlobalGenerator(given, drawn, settings.ngf, settings.downsamplings,
                                            settings.blocks, seed_of('generator'))
        return made
    made['generator'] = LocalEnhancer(
        given, drawn, settings.ngf // 2 ** settings.enhancers, settings.enhancers,
        settings.blocks_local, settings.downsamplings, settings.blocks, seed_of('generator'))
    made['global_generator'] = made['generator'].global_generator(seed_of('global'))
    return made


def task(io, networks: Mapping[str, tf.keras.Model], sources: Mapping[str, Info]) -> Task:
    """The training, one phase for each part of the schedule.

    Raises:
      InputError: the file of VGG19 weights is missing or is another.
    """
    infos, settings = [sources[name] for name in io.stage.reads], io.settings
    perceptual = _perceptual(settings)
    probability, pools, phases = probability_of(settings), {}, []
    epoch = epoch_steps(settings, sum(info.count for info in infos))
    for number, part in enumerate(schedule(settings)):
        spec = _batch_spec(io, part)
        side = spec['source'].shape[1]
        if settings.pool_size:
            shape = [side, side, spec['source'].shape[-1] + io.channels]
            pools.setdefault(f'pool_{side}px', ImagePool(settings.pool_size, shape))
        phases.append(Phase(
            part.name, epoch * len(part.epochs), _learning_rate(settings, part, epoch),
            _updates(settings, part, networks, perceptual, pools.get(f'pool_{side}px'), probability),
            pair_batches(io, infos, spec, io.seed + number, settings.edges), spec,
            pair_sheet(io, infos[0], side, *_shown_styles(networks[part.network], io), edges=settings.edges),
            keeps=part.keeps))
    extras = {**pools, **({'probability': probability} if probability else {})}
    return Task(io.stage.folder, networks, tuple(phases), (0.5, 0.999), extras=extras)


def start(io, networks, sources) -> None:
    """Says what a user of the official code might miss."""
    if io.settings.vgg_weights is None:
        print(f'stage {io.stage.name}: no pix2pixhd.vgg_weights are given: trained without the '
              f'perceptual loss, as with the official --no_vgg_loss', flush=True)


def draws(io) -> str:
    """The network as it is, no average, as officially."""
    return 'generator'


def draw(io, network: tf.keras.Model) -> Callable[..., tf.Tensor]:
    """What the stage is given, as records have it, and with `style_size` styles [N, K, K] -> channels [N, S, S, C]."""
    translate = translator(network, io.settings)

    def drawn(given, *style):
        source = io.source.condition(given, io.drawn[0].size, io.settings.edges)
        return translate(with_style(source, *style) if style else source)
    return drawn


def translator(generator: tf.keras.Model, settings) -> Callable[[tf.Tensor], tf.Tensor]:
    """A generator for pictures of any side: [N, H, W, Cin] -> [N, H, W, Cout]."""
    enhancers = settings.enhancers if isinstance(generator, LocalEnhancer) else 0
    return pixels.padded(generator, 2 ** (settings.downsamplings + enhancers))


def _shown_styles(generator: tf.keras.Model, io) -> Sequence[Callable[[tf.Tensor], tf.Tensor]]:
    """What draws the rows of a sheet: with styles two, of the same two for every picture."""
    translate = translator(generator, io.settings)
    if not io.settings.style_size:
        return [translate]
    return [lambda source, number=number: translate(with_style(source, keyed.normal(
        keyed.sample_keys(io.seed, tf.constant([number])), keyed.STYLE, [io.settings.style_size] * 2))) for number in range(2)]


def _given_channels(io) -> int:
    return io.source.given_channels + io.settings.edges


def _perceptual(settings):
    if settings.vgg_weights is None:
        return None
    try:
        return perceptual_loss(settings.vgg_weights)
    except ValueError as error:
        raise InputError(f'pix2pixhd.vgg_weights: {error}') from None


def _learning_rate(settings, part: Part, epoch: int) -> Callable[[int], float]:
    return lambda step: linear_decay(part.epochs[step // epoch] + 1, settings.learning_rate,
                                     settings.epochs, settings.decay_epochs)


def _batch_spec(io, part: Part) -> Dict[str, tf.TensorSpec]:
    count, side = io.settings.batch_size, -(-io.data.size // 2 ** part.coarser)
    spec = {'source': tf.TensorSpec([count, side, side, _given_channels(io)]),
            'target': tf.TensorSpec([count, side, side, io.channels])}
    if io.stage.watched:
        spec['key'] = tf.TensorSpec([count, 2], tf.int32)
    if io.settings.style_size:
        spec['style'] = tf.TensorSpec([count, 2, *[io.settings.style_size] * 2])
    if io.settings.discriminator_augmentation.is_on:
        spec['shown'] = tf.TensorSpec([count, 3, DRAWS])
    return {**spec, 'pool': tf.TensorSpec([count, 2])} if io.settings.pool_size else spec


def _updates(settings, part: Part, networks, perceptual, pool, probability) -> Tuple[Update, Update]:
    generator, discriminator = networks[part.network], networks['discriminator']
    variables = (generator.enhancer_variables if part.enhancers_alone
                 else generator.trainable_variables)
    translate = translator(generator, settings)

    def styled(batch, number=0):
        return translate(with_style(batch['source'], batch['style'][:, number]) if settings.style_size else batch['source'])

    def diverse(batch, picture):
        return settings.style_weight * mode_seeking(picture, styled(batch, 1), *tf.unstack(batch['style'], axis=1))

    return pix2pixhd_updates(
        styled, lambda pair: discriminator(pair, skip=part.coarser),
        variables, discriminator.variables_of(part.coarser), settings.feature_weight, perceptual,
        pool, probability, diverse if settings.style_size and settings.style_weight else None)
