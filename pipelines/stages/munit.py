"""MUNIT: pictures of B in the style of a picture of A; and what UNIT's training has in common with its."""
from __future__ import annotations

from typing import Callable, Dict, Mapping

import tensorflow as tf

from datasets.records import Info
from models.adversarial import Group
from models.munit.discriminator import MultiscaleDiscriminator
from models.munit.networks import MUNITGenerator
from models.munit.translators import MUNITTranslator
from models.munit.updates import munit_updates
from models.transfer import Translations, munit_translations
from pipelines.plan.kinds.munit import WEIGHTS, learning_rate
from pipelines.runtime.seeds import stable_seed
from pipelines.stages.unpaired import DOMAINS, Translate, first_pictures, unpaired_phase
from pipelines.training.task import Task


def networks(io) -> Dict[str, tf.keras.Model]:
    """Both generators and discriminators, each of its own domain, and what draws: 'translator'."""
    settings = io.settings
    made = both_domains(io, lambda seed: MUNITGenerator(
        io.channels, settings.width, settings.downsamplings, settings.blocks, settings.style, settings.mlp,
        settings.shallow, seed))
    example = [settings.style] if _is_drawn(io) else [io.data.size, io.data.size, io.channels]
    return {**made, 'translator': MUNITTranslator(made['generator_a'], made['generator_b'], example)}


def task(io, networks: Mapping[str, tf.keras.Model], sources: Mapping[str, Info]) -> Task:
    """The training: one phase."""
    weights = {name: getattr(io.settings, f'{name}_weight') for name in WEIGHTS}
    return coded_task(io, networks, sources, munit_updates(networks, weights), translate(io, networks))


def translate(io, networks: Mapping[str, tf.keras.Model]) -> Translate:
    """Both ways and back. [ours] What comes to B takes the style of the b beside it, what comes back its own."""
    to_a, of_a, of_b = networks['translator'], networks['generator_a'], networks['generator_b']

    def of_pictures(a, b):
        (content_a, style_a), style_b = of_a.encode(a), of_b.style(b)
        ab, ba = of_b.decode(content_a, style_b), to_a(b)
        return {'ab': ab, 'aba': of_a.decode(of_b.content(ab), style_a),
                'ba': ba, 'bab': of_b.decode(of_a.content(ba), style_b)}
    return of_pictures


def start(io, networks, sources: Mapping[str, Info]) -> None:
    """Keeps the picture of A whose style is drawn in: [ours] the first of its records; or, [ours], one style for all."""
    networks['translator'].example.assign(
        tf.random.stateless_normal([1, io.settings.style], [stable_seed(io.seed, 'style'), 0]) if _is_drawn(io)
        else first_pictures(io, sources[io.stage.reads[0]], 1))


def draws(io) -> str:
    """Both generators as they are, no average, as one network."""
    return 'translator'


def draw(io, network: tf.keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Pictures of B, as records have them -> channels [N, S, S, C] as of A."""
    return lambda given: network(io.source.condition(given, io.data.size))


def translations(io, networks: Mapping[str, tf.keras.Model]) -> Translations:
    """What a segmenter of A is shown."""
    return munit_translations(networks, is_drawn=_is_drawn(io))


def _is_drawn(io) -> bool:
    return io.settings.style_from == 'drawn'


def both_domains(io, generator: Callable[[int], tf.keras.Model]) -> Dict[str, tf.keras.Model]:
    """A generator, made of its seed, and a discriminator for each domain."""
    settings, made = io.settings, {}
    for domain in DOMAINS:
        made[f'generator_{domain}'] = generator(stable_seed(io.seed, f'generator_{domain}'))
        made[f'discriminator_{domain}'] = MultiscaleDiscriminator(
            io.channels, settings.ndf, settings.layers, settings.scales,
            stable_seed(io.seed, f'discriminator_{domain}'))
    return made


def coded_task(io, networks: Mapping[str, tf.keras.Model], sources: Mapping[str, Info], updates,
               translate: Translate) -> Task:
    """One phase in which every variable decays, biases and norms too, as officially."""
    decay = io.settings.weight_decay
    updates = tuple(update._replace(groups=(Group(update.variables, decay=decay),)) for update in updates)
    phase = unpaired_phase(io, sources, io.settings.epochs, lambda step, epoch: learning_rate(io.settings, step),
                           updates, translate)
    return Task(io.stage.folder, networks, (phase,), (0.5, 0.999))
