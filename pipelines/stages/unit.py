"""UNIT: pictures of B by the decoder of A; its networks and its one phase, MUNIT's without a style."""
from __future__ import annotations

from typing import Dict, Mapping

import tensorflow as tf

from datasets.records import Info
from models.munit.networks import UNITGenerator
from models.munit.translators import UNITTranslator
from models.munit.updates import unit_updates
from models.transfer import Translations, unit_translations
from pipelines.stages.munit import both_domains, coded_task, draw, draws
from pipelines.stages.unpaired import Translate
from pipelines.training.task import Task

__all__ = ['networks', 'task', 'start', 'draws', 'draw', 'translate', 'translations']


def networks(io) -> Dict[str, tf.keras.Model]:
    """Both generators and discriminators, each of its own domain, and what draws: 'translator'."""
    settings = io.settings
    made = both_domains(io, lambda seed: UNITGenerator(
        io.channels, settings.width, settings.downsamplings, settings.blocks, settings.shallow, seed))
    return {**made, 'translator': UNITTranslator(made['generator_a'], made['generator_b'])}


def task(io, networks: Mapping[str, tf.keras.Model], sources: Mapping[str, Info]) -> Task:
    """The training: one phase."""
    settings = io.settings
    weights = {'picture': settings.picture_weight, 'kl': settings.kl_weight, 'kl_cycle': settings.kl_weight,
               'cycle': settings.cycle_weight, 'gan': settings.gan_weight}
    return coded_task(io, networks, sources, unit_updates(networks, weights), translate(io, networks))


def translate(io, networks: Mapping[str, tf.keras.Model]) -> Translate:
    """Both ways and back, without noise."""
    of_a, of_b = networks['generator_a'], networks['generator_b']

    def of_pictures(a, b):
        ab, ba = of_b.decode(of_a.encode(a)), of_a.decode(of_b.encode(b))
        return {'ab': ab, 'aba': of_a.decode(of_b.encode(ab)), 'ba': ba, 'bab': of_b.decode(of_a.encode(ba))}
    return of_pictures


def start(io, networks, sources) -> None:
    """Nothing has to be filled or refused."""


def translations(io, networks: Mapping[str, tf.keras.Model]) -> Translations:
    """What a segmenter of A is shown."""
    return unit_translations(networks)
