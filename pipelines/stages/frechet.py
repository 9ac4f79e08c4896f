"""The Frechet loss beside pix2pix: drawn pictures of a batch against real ones, by features of a frozen network.

Source: DF-GAN (its Algorithm 1). Read literally, its term is computed once an epoch, of pictures that were written to
files: a constant, which moves nothing. `literal` does that, to be shown; `batch` [ours], what the text around it
describes, takes it in every step with its gradient.
"""
from __future__ import annotations

from typing import Callable, Dict, Optional

import numpy as np
import tensorflow as tf

from datasets.records import Info
from models.features import Features, inception_features, random_features
from models.fid_loss import Side, frechet_terms, side_of
from pipelines.data import batches
from pipelines.plan.kinds.pix2pix import COUNTED, FROM

SIDES = {'random': 480, 'keras': 2048}  # features of a picture
AT_ONCE = 16                            # pictures, where those of the whole set are taken

Term = Callable[[Dict[str, tf.Tensor], tf.Tensor], Dict[str, tf.Tensor]]


class RealSide(tf.Module):
    """Features of all learning images, kept with the training's state. [ours] Of the images, not of their variants."""

    def __init__(self, count: int, size: int):
        super().__init__()
        self.mean = tf.Variable(tf.zeros([size]), trainable=False)
        self.centred = tf.Variable(tf.zeros([count, size]), trainable=False)

    def fill(self, features: np.ndarray) -> None:
        """Takes features [N, D]."""
        mean, centred = side_of(tf.constant(features))
        self.mean.assign(mean)
        self.centred.assign(centred)


def source_of(settings) -> str:
    """Whose features: 'keras' of a file of Inception's weights, else 'random', which is no FID."""
    return 'keras' if settings.inception_weights else 'random'


def make_features(settings) -> Features:
    """The frozen network of a stage."""
    return inception_features(settings.inception_weights) if settings.inception_weights else random_features()


def make_real(io, info: Info) -> Optional[RealSide]:
    """What is compared with where it is the whole set."""
    if io.settings.fid_loss == 'none' or io.settings.fid_real == 'batch':
        return None
    return RealSide(info.count // info.versions, SIDES[source_of(io.settings)])


def fill_real(io, info: Info, real: RealSide) -> None:
    """Reads all learning images."""
    field, = io.drawn
    rows = batches.prepared_rows(info, lambda row: {'image': field.prepare(row)})['image'][::info.versions]
    features = make_features(io.settings)
    real.fill(np.concatenate([features(_grey(rows[first:first + AT_ONCE].astype(np.float32))).numpy()
                              for first in range(0, len(rows), AT_ONCE)]))


def frechet_term(io, real: Optional[RealSide]) -> Term:
    """A further term of the generator's loss, with its weight; none where the settings want none.

    In batches 'counted' [N] says where the literal term is due: there alone it is computed, and without a gradient.
    """
    settings = io.settings
    if settings.fid_loss == 'none':
        return lambda batch, picture: {}
    name = f'frechet_{source_of(settings)}_loss'
    features = []   # made when it is first traced: plans name a file that need not be there

    def distance(batch, picture):
        # a part of the step's own graph, so that whoever counts its operations knows its sides
        features[:] = features or [make_features(settings).python_function]
        against = Side(real.mean, real.centred) if real else side_of(features[0](_grey(batch['target'])))
        return settings.fid_weight * frechet_terms(side_of(features[0](_grey(picture))), against)[0]

    if settings.fid_loss == 'batch':
        return lambda batch, picture: {name: distance(batch, picture)}
    return lambda batch, picture: {name: tf.cond(
        tf.reduce_any(batch[COUNTED] > 0), lambda: distance(batch, tf.stop_gradient(picture)), lambda: tf.constant(0.0))}


def counted(step: tf.Tensor, batch_size: int, epoch: int) -> tf.Tensor:
    """1 for every picture of the step that holds the FROM-th picture of its epoch, else 0: float32 [N]."""
    due = tf.equal(step % epoch, (FROM - 1) // batch_size)
    return tf.fill([batch_size], tf.cast(due, tf.float32))


def _grey(pictures: tf.Tensor) -> tf.Tensor:
    """In [-1, 1], any channels -> [N, H, W, 1] in [0, 1]."""
    return tf.reduce_mean(tf.cast(pictures, tf.float32), -1, keepdims=True) / 2 + 0.5
