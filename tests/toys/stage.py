"""The toy's networks and training: from noise, or from a field of one source towards another source's."""
from __future__ import annotations

import tensorflow as tf

from models.adversarial import Group, Update
from pipelines.data import batches, sheets
from pipelines.runtime import keyed
from pipelines.training.task import Phase, Task


class Generator(tf.keras.Model):
    """Latents [N, L] or channels [N, S, S, C] -> channels in [-1, 1]."""

    def __init__(self, side, given, channels, settings):
        super().__init__()
        self.side, self.latent_size = side, settings.latent_size
        self.first = tf.keras.layers.Conv2D(settings.width, 3, padding='same', activation='relu')
        self.last = tf.keras.layers.Conv2D(channels, 3, padding='same', activation='tanh')
        self(tf.zeros([1, side, side, given] if given else [1, self.latent_size]))

    def call(self, x):
        if len(x.shape) == 2:  # noise: every pixel gets it, and its place
            place = tf.linspace(-1.0, 1.0, self.side)
            grid = tf.stack(tf.meshgrid(place, place), -1)[None]
            x = tf.concat([x[:, None, None, :] + tf.zeros([1, self.side, self.side, 1]),
                           grid + 0 * x[:, :1, None, None]], -1)
        return self.last(self.first(x))


def networks(io):
    """Generator and discriminator."""
    side, given = io.drawn[0].size, io.source.given_channels if io.source else 0
    discriminator = tf.keras.Sequential([
        tf.keras.layers.Conv2D(io.settings.width, 3, 2, activation='relu'),
        tf.keras.layers.GlobalAveragePooling2D(), tf.keras.layers.Dense(1)])
    discriminator.build([None, side, side, io.channels])
    return {'generator': Generator(side, given, io.channels, io.settings), 'discriminator': discriminator}


def task(io, networks, sources) -> Task:
    """One phase; with two sources the discriminator's real pictures are those of the other one."""
    generator, discriminator = networks['generator'], networks['discriminator']
    real_of = io.stage.reads[-1]

    def loss_of_discriminator(batch, made):
        fake = generator(batch[f'{io.stage.reads[0]}_given'])
        return tf.reduce_mean(discriminator(fake) ** 2 + (discriminator(batch[f'{real_of}_real']) - 1) ** 2), {}

    def loss_of_generator(batch, made):
        return tf.reduce_mean((discriminator(generator(batch[f'{io.stage.reads[0]}_given'])) - 1) ** 2), {}

    updates = (Update('discriminator', discriminator.trainable_variables, loss_of_discriminator, rate=0.5,
                      every=2),
               Update('generator', generator.trainable_variables, loss_of_generator,
                      groups=(Group(generator.last.trainable_variables, rate=0.1, decay=1e-4),)))

    def make_batches(first):
        return batches.zipped({name: _batches(io, sources[name], io.seed + number, first)
                               for number, name in enumerate(io.stage.reads)})

    def sheet(done):
        return sheets.grid([[field.picture(values) for values in field.decode(part).numpy()]
                            for field, part in zip(io.drawn, tf.split(
                                generator(_example(io)), [f.channels for f in io.drawn], -1))])

    phase = Phase('all', io.settings.steps, lambda step: io.settings.learning_rate, updates, make_batches,
                  _spec(io), sheet)
    return Task(io.stage.folder, networks, (phase,), (0.5, 0.9))


def start(io, networks, sources) -> None:
    """Nothing can be wrong."""


def draws(io) -> str:
    """The generator as it is."""
    return 'generator'


def draw(io, network):
    """Latents, or what is given -> channels."""
    if io.source is None:
        return network
    return lambda given: network(io.source.condition(given, io.source.size))


def _shapes(io):
    count, side = io.settings.batch_size, io.drawn[0].size
    given = [count, side, side, io.source.given_channels] if io.source else [count, io.settings.latent_size]
    return {'given': given, 'real': [count, side, side, io.channels]}


def _spec(io):
    return {f'{name}_{key}': tf.TensorSpec(shape) for name in io.stage.reads
            for key, shape in _shapes(io).items()}


def _example(io):
    return tf.zeros(_shapes(io)['given'])


def _batches(io, info, seed, first):
    def prepare(row):
        kept = {field.name: field.prepare(row) for field in io.drawn}
        return {**kept, 'source': io.source.prepare(row)} if io.source else kept

    def finish(step, keys, rows):
        real = tf.concat([field.encode(rows[field.name]) for field in io.drawn], -1)
        given = (io.source.condition(rows['source'], io.source.size) if io.source else
                 keyed.normal(keys, keyed.LATENT, [io.settings.latent_size]))
        return {name: tf.ensure_shape(value, _shapes(io)[name])
                for name, value in (('given', given), ('real', real))}

    return batches.batches(info, prepare, finish, io.settings.batch_size, seed, first,
                           io.data.memory_limit_mb)
