"""How good a network is while it trains: the average Jaccard of images that it does not learn from."""
from __future__ import annotations

from typing import Callable, NamedTuple, Optional

import numpy as np
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.targets import Targets
from pipelines.data import batches
from pipelines.plan.config import Config, Segmenter
from pipelines.scores import overlap
from pipelines.scores.bootstrap import mean_of
from pipelines.segmentation.predict import decided

VALIDATION_BATCH = 8


class Chooser(NamedTuple):
    """What chooses the weights.

    Attributes:
      info: its records.
      keep: those of them that choose; None = all.
      is_fold: whether they are a part of the division; else they were held out.
    """
    info: records.Info
    keep: Optional[Callable] = None
    is_fold: bool = True


def validator(config: Config, settings: Segmenter, chooser: Chooser, targets: Targets, prepare: Callable,
              predict: Callable[[tf.Tensor], tf.Tensor]) -> Callable[[], float]:
    """-> average Jaccard, per cent, of what is predicted of the records that choose.

    Pooled over their pixels; [ours] on a validation fold the mean over its images, which is what its division is
    scored by, where the public trainer pools.

    Args:
      prepare: parsed record -> 'image' float16 [S, S, C] and what inputs.classes makes.
      predict: such images, float32 [N, S, S, C] -> probabilities, see predict.predict_probabilities.
    """
    info, most = chooser.info, settings.max_validation
    rows = batches.serialized(info.paths, chooser.keep)
    rows = rows.take(most).map(batches.traced(lambda record: prepare(records.parse(record, info))), batches.THREADS)
    if most * settings.size ** 2 * 3 < config.data.memory_limit_mb * 2 ** 20:
        rows = rows.cache()

    @tf.function(autograph=False, input_signature=[
        tf.TensorSpec([None, settings.size, settings.size, config.data.channels], tf.float16)])
    def found(image):
        return decided(predict(tf.cast(image, tf.float32)), targets)

    def score() -> float:
        counted = []
        for row in rows.batch(VALIDATION_BATCH):
            sides = [row['label'].numpy(), found(row['image']).numpy()]
            if 'ignored' in row:
                taken = row['ignored'].numpy() == 0
                sides = [side * taken[(...,) + (None,) * (side.ndim - 3)] for side in sides]
            counted += [_counts(*of_image, targets) for of_image in zip(*sides)]
        if not counted:
            raise InputError(f'{info.directory}: no pair is left to choose the epoch; raise '
                             f'generation.num_validation or segmenter.holdout')
        of_images = overlap.jaccard(np.array(counted) if chooser.is_fold else np.sum(counted, axis=0, keepdims=True))
        return float(mean_of(mean_of(of_images, axis=0), axis=0))
    return score


def _counts(label: np.ndarray, found: np.ndarray, targets: Targets) -> np.ndarray:
    """Of one image, [classes, 3], see scores.overlap."""
    if targets.is_overlapping:
        return overlap.mask_counts(*(np.moveaxis(side > 0, -1, 0) for side in (label, found)))
    return overlap.counts(label, found, targets.num_outputs)
