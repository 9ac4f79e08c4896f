"""CycleGAN: pictures of B as A would have taken them; its networks and its one phase as a Task."""
from __future__ import annotations

from typing import Callable, Dict, Mapping

import tensorflow as tf

from datasets.records import Info
from models.cyclegan.updates import cyclegan_updates, resnet_generator
from models.image_pool import ImagePool
from models.pix2pix.networks import PatchGAN, UNetGenerator
from models.transfer import Translations, cyclegan_translations
from pipelines.plan.kinds.pix2pixhd import linear_decay
from pipelines.runtime.seeds import stable_seed
from pipelines.stages.unpaired import DOMAINS, Translate, unpaired_phase
from pipelines.training.task import Task


def networks(io) -> Dict[str, tf.keras.Model]:
    """Both generators, each called by the domain that it draws, and both discriminators."""
    settings, made = io.settings, {}
    for domain in DOMAINS:
        made[f'generator_{domain}'] = _generator(io, stable_seed(io.seed, f'generator_{domain}'))
        made[f'discriminator_{domain}'] = PatchGAN(io.channels, settings.ndf, settings.layers, settings.norm,
                                                   stable_seed(io.seed, f'discriminator_{domain}'))
    return made


def task(io, networks: Mapping[str, tf.keras.Model], sources: Mapping[str, Info]) -> Task:
    """The training: one phase."""
    settings, side = io.settings, io.data.size
    pools = {domain: ImagePool(settings.pool_size, [side, side, io.channels])
             for domain in DOMAINS if settings.pool_size}

    def judged(domain):
        return lambda picture: networks[f'discriminator_{domain}'](picture, statistics='batch')

    def both(kind):
        return [v for domain in DOMAINS for v in networks[f'{kind}_{domain}'].trainable_variables]

    updates = cyclegan_updates(_through(networks, 'b'), _through(networks, 'a'), judged('a'), judged('b'), both('generator'),
                               both('discriminator'), settings.gan, (settings.cycle_weight,) * 2,
                               settings.identity_weight, pools or None)

    def learning_rate(step, epoch):
        return linear_decay(step // epoch + 1, settings.learning_rate, settings.epochs, settings.decay_epochs)

    phase = unpaired_phase(io, sources, settings.epochs + settings.decay_epochs, learning_rate, updates, translate(io, networks),
                           bool(pools))
    return Task(io.stage.folder, networks, (phase,), (0.5, 0.999),
                extras={f'pool_{domain}': pool for domain, pool in pools.items()})


def start(io, networks, sources) -> None:
    """Nothing has to be filled or refused."""


def draws(io) -> str:
    """The generator of A's pictures, as it is."""
    return 'generator_a'


def draw(io, network: tf.keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Pictures of B, as records have them -> channels [N, S, S, C] as of A."""
    translate = _drawing(network)
    return lambda given: translate(io.source.condition(given, io.data.size))


def translate(io, networks: Mapping[str, tf.keras.Model]) -> Translate:
    """Both ways and back."""
    def of_pictures(a, b):
        to_a, to_b = (_drawing(networks[f'generator_{domain}']) for domain in DOMAINS)
        ab, ba = to_b(a), to_a(b)
        return {'ab': ab, 'aba': to_a(ab), 'ba': ba, 'bab': to_b(ba)}
    return of_pictures


def translations(io, networks: Mapping[str, tf.keras.Model]) -> Translations:
    """What a segmenter of A is shown."""
    return cyclegan_translations(_through(networks, 'b'), _through(networks, 'a'))


def _through(networks: Mapping[str, tf.keras.Model], domain: str) -> Callable:
    """As it draws while it is trained."""
    return lambda picture, batch, name: networks[f'generator_{domain}'](picture, statistics='batch')


def _generator(io, seed: int) -> tf.keras.Model:
    settings, channels = io.settings, io.channels
    if settings.network == 'unet':
        return UNetGenerator(channels, channels, settings.levels, settings.ngf, settings.norm, seed)
    return resnet_generator(channels, channels, settings.ngf, settings.blocks, settings.norm, seed)


def _drawing(generator: tf.keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """As it draws after training: batch norm by each picture's own statistics, as officially at batch 1."""
    return lambda picture: generator(picture, statistics='sample')
