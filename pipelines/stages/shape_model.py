"""A shape model as a stage: nothing is trained by steps, its one step shows what was fitted to the label maps."""
from __future__ import annotations

from typing import Callable, Dict, Mapping

import numpy as np
import tensorflow as tf

from datasets.errors import InputError
from datasets.records import Info, load_arrays
from models.shape_model import REACH, ShapeModel
from pipelines.data import sheets
from pipelines.training.task import Phase, Task

GAP = 1.5   # [ours] px of the model: what lies so near to two organs and in none belongs to the nearer one


def networks(io) -> Dict[str, tf.keras.Model]:
    """The model, empty."""
    field, = io.drawn
    settings = io.settings
    return {'generator': ShapeModel(settings.latent_size, len(io.coding.organs), min(settings.side, field.size),
                                    settings.deviations)}


def task(io, networks: Mapping[str, tf.keras.Model], sources: Mapping[str, Info]) -> Task:
    """One step without an update, for its sheet: real label maps, and drawn ones."""
    field, = io.drawn
    info, draws_maps = sources[io.stage.reads[0]], draw(io, networks['generator'])

    def sheet(done):
        real = load_arrays(info, ['labels'])['labels'][:sheets.COLUMNS * info.versions:info.versions]
        latents = tf.random.stateless_normal([sheets.COLUMNS, io.settings.latent_size], [0, 0])
        return sheets.grid([[field.picture(v) for v in maps] for maps in (real, field.decode(draws_maps(latents)).numpy())])

    def batches(first):
        return tf.data.Dataset.from_tensors({'nothing': tf.zeros([1])}).repeat()

    phase = Phase('fit', 1, lambda step: 0.0, (), batches, {'nothing': tf.TensorSpec([1])}, sheet)
    return Task(io.stage.folder, networks, (phase,), (0.0, 0.99))


def start(io, networks, sources: Mapping[str, Info]) -> None:
    """Fits it to all learning label maps, and says how much of how they differ it knows.

    Raises:
      InputError: fewer than two label maps, or structures without a place of their own, which have no shape.
    """
    info, model = sources[io.stage.reads[0]], networks['generator']
    if info.coding.scattered:
        raise InputError(f'stage {io.stage.name}: a shape model needs organs with a place of their own, found '
                         f'{", ".join(info.coding.scattered)}; take method two, whose label maps a GAN draws')
    field, = io.drawn
    maps = field.resize(tf.constant(load_arrays(info, ['labels'])['labels']), model.side).numpy()
    if len(np.unique(maps, axis=0)) < 2:
        raise InputError(f'stage {io.stage.name}: expected at least 2 different label maps to learn shapes from, found 1')
    shares = model.fit(np.stack([info.coding.organ_mask(maps, organ) for organ in info.coding.organs], -1))
    print(f'stage {io.stage.name}: {len(shares)} components know {100 * shares.sum():.0f} % of how {len(maps)} label maps '
          f'differ, the first of them {100 * shares[0]:.0f} %', flush=True)


def draws(io) -> str:
    """The model itself."""
    return 'generator'


def draw(io, network: ShapeModel) -> Callable[[tf.Tensor], tf.Tensor]:
    """Latents [N, L] -> channels [N, S, S, C]; organs painted as the coding paints their masks."""
    field, = io.drawn
    gap = GAP / network.side / REACH

    def maps(latents):
        found = tf.image.resize(network(latents), [field.size, field.size])
        highest = tf.math.top_k(found, 2).values if found.shape[-1] > 1 else tf.concat([found, found - 9], -1)
        is_gap = (highest[..., :1] < 0) & (highest[..., 1:] > -gap)
        masks = (found > 0) | (is_gap & (found == highest[..., :1]))
        codes = tf.zeros(tf.shape(found)[:3], tf.uint8)
        for value, code in enumerate(io.coding.codes[1:], start=1):
            own = tf.reduce_all(tf.gather(masks, [io.coding.organs.index(organ) for organ in code.organs], axis=-1), -1)
            codes = tf.where(own, tf.constant(value, tf.uint8), codes)
        return field.encode(codes)
    return maps
