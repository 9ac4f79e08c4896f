"""pix2pix: translates one field into another; its networks and its one phase as a Task."""
from __future__ import annotations

import itertools
from typing import Callable, Dict, Mapping, Optional

import tensorflow as tf

from datasets.errors import InputError
from datasets.records import Info
from datasets.splits import name_some
from models.pix2pix.networks import Drop, PatchGAN, UNetGenerator
from models.pix2pix.updates import pix2pix_updates
from models.segmenters.layers import dropouts
from pipelines.data import batches, pixels
from pipelines.plan.kinds.pix2pix import COUNTED
from pipelines.plan.kinds.pix2pixhd import epoch_steps, linear_decay
from pipelines.runtime import keyed
from pipelines.runtime.seeds import stable_seed
from pipelines.stages import frechet
from pipelines.stages.paired import pair_batches, pair_sheet
from pipelines.training.task import Phase, Task

FEW = 3   # pictures that an error names
Noise = Callable[[tf.TensorShape], tf.Tensor]   # shape of a sample -> uniform numbers [N, *shape]


def networks(io) -> Dict[str, tf.keras.Model]:
    """The U-Net generator and the discriminator of what is given and drawn."""
    settings, given, drawn = io.settings, io.source.given_channels, io.channels
    return {'generator': UNetGenerator(given, drawn, settings.levels, settings.ngf, settings.norm,
                                       stable_seed(io.seed, 'generator')),
            'discriminator': PatchGAN(given + drawn, settings.ndf, settings.layers, settings.norm,
                                      stable_seed(io.seed, 'discriminator'))}


def task(io, networks: Mapping[str, tf.keras.Model], sources: Mapping[str, Info]) -> Task:
    """The training: one phase."""
    info, settings = sources[io.stage.reads[0]], io.settings
    epoch, spec = epoch_steps(settings, info.count), _batch_spec(io)
    generator, discriminator = networks['generator'], networks['discriminator']

    def generate(batch):
        drop = dropouts(batch['key'], True) if settings.dropout else None
        return translator(generator, settings, drop, 'batch')(batch['source'])

    real = frechet.make_real(io, info)
    updates = pix2pix_updates(generate, lambda pair: discriminator(pair, statistics='batch'),
                              generator.trainable_variables, discriminator.trainable_variables, settings.gan,
                              settings.l1_weight, frechet.frechet_term(io, real))
    sheet_keys = keyed.sample_keys(io.seed, tf.range(1))

    def drawn(source):
        return _drawing(generator, settings, _keyed_noise(sheet_keys))(source)

    phase = Phase(
        'all', epoch * (settings.epochs + settings.decay_epochs),
        lambda step: linear_decay(step // epoch + 1, settings.learning_rate, settings.epochs, settings.decay_epochs),
        updates, pair_batches(io, [info], spec, io.seed, more=_more(io, epoch)), spec,
        pair_sheet(io, info, io.data.size, drawn))
    return Task(io.stage.folder, networks, (phase,), (0.5, 0.999), extras={'real': real} if real else {},
                start=lambda: frechet.fill_real(io, info, real) if real else None)


def _more(io, epoch: int) -> Callable[[tf.Tensor], Dict[str, tf.Tensor]]:
    """What a batch holds beside pairs: where the literal Frechet loss is due."""
    if io.settings.fid_loss != 'literal':
        return lambda step: {}
    return lambda step: {COUNTED: frechet.counted(step, io.settings.batch_size, epoch)}


def start(io, networks, sources) -> None:
    """Refuses pictures in which nothing is given: of a picture around nothing nothing can be learned."""
    if io.source.name != 'region':
        return
    info = sources[io.stage.reads[0]]
    rows = batches.prepared_rows(info, lambda row: {'id': row['source_id'], 'shows': tf.reduce_any(row['labels'] > 0)})
    without = sorted({id.decode() for id in rows['id'][~rows['shows']]})
    if without:
        raise InputError(f'{info.directory}: expected a {info.coding.organs[0]} in every picture, around which '
                         f'{io.stage.kind} draws, found none at {info.size} px in {name_some(without, FEW)}; leave '
                         'those pictures out, or raise data.size')


def draws(io) -> str:
    """The network as it is, no average, as officially."""
    return 'generator'


def draw(io, network: tf.keras.Model) -> Callable:
    """What the stage is given, as records have it -> channels [N, S, S, C].

    `noise`: shape -> uniform numbers of the next dropout, [N, *shape]; None is `noise_of`.
    """
    def drawn(given, noise=None):
        source = io.source.condition(given, io.data.size)
        return _drawing(network, io.settings, noise or noise_of(io, given))(source)
    return drawn


def noise_of(io, given: tf.Tensor) -> Noise:
    """With what the dropouts of samples draw, by what these are given."""
    return _keyed_noise(keys_of(given, io.seed))


def translator(generator: tf.keras.Model, settings, drop: Optional[Drop], statistics: str) -> Callable:
    """A generator for pictures of any side: [N, H, W, Cin] -> [N, H, W, Cout]."""
    return pixels.padded(lambda source: generator(source, drop=drop, statistics=statistics), 2 ** settings.levels)


def _drawing(generator: tf.keras.Model, settings, noise: Noise) -> Callable:
    """As it draws after training: published is dropout left on and each picture's own statistics."""
    is_published = settings.statistics == 'sample' and settings.dropout
    return translator(generator, settings, _noisy_drop(noise) if is_published else None, settings.statistics)


def _noisy_drop(noise: Noise) -> Drop:
    def drop(x, rate):
        return tf.where(tf.cast(noise(x.shape[1:]), x.dtype) >= rate, x / (1 - rate), tf.zeros_like(x))
    return drop


def _keyed_noise(keys: tf.Tensor) -> Noise:
    """The noise of `segmenters.layers.dropouts` for any number of samples, also where that is not known."""
    numbers = itertools.count(keyed.DROPOUT)
    return lambda shape: keyed.uniform(keys, next(numbers), shape)


def keys_of(given: tf.Tensor, seed: int) -> tf.Tensor:
    """Keys int32 [N, 2] of samples by what they are given: uint8 [N, ...].

    [ours] The official code draws dropout anew whenever it runs. So a sample is the same whoever draws it and
    beside whatever else; two that are given the same are the same.
    """
    values = tf.cast(tf.reshape(given, [tf.shape(given)[0], -1]), tf.int64)
    weights = 1 + tf.range(tf.shape(values, tf.int64)[1]) * 2_654_435_761 % 2_147_483_647
    return keyed.sample_keys(seed, tf.reduce_sum(values * weights, 1) % 2_147_483_647)


def _batch_spec(io) -> Dict[str, tf.TensorSpec]:
    count, side = io.settings.batch_size, io.data.size
    spec = {'source': tf.TensorSpec([count, side, side, io.source.given_channels]),
            'target': tf.TensorSpec([count, side, side, io.channels])}
    spec.update({COUNTED: tf.TensorSpec([count])} if io.settings.fid_loss == 'literal' else {})
    return {**spec, 'key': tf.TensorSpec([count, 2], tf.int32)} if io.settings.dropout else spec
