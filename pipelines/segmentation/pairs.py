"""Which records a segmenter learns from, and which choose the epoch (caption of Table 1).

SYNTH learns from the first `generation.num_train` synthetic pairs and the rest choose the epoch. For all others
a validation fold does, where the division has one (Oliveira and dos Santos 2018); else they hold out source
images for that, and with few of them none is held out. MIXED k learns from what REAL does and from the first synthetic
pairs, but for those that were drawn around an image which chooses, and is chosen as REAL is. At another hospital its
labelled images are learned from, and its validation part chooses where there is one. PSEUDO learns from what a teacher
labelled, and is chosen as REAL is.
"""
from __future__ import annotations

from typing import Callable, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow as tf

from datasets import records
from datasets.divisions import validates
from datasets.errors import InputError
from pipelines.data.sources import labelled_ids
from pipelines.plan.config import Config, Segmenter
from pipelines.plan.loading import segmenter_settings
from pipelines.plan.regimes import Run
from pipelines.plan.transfers import chosen_by
from pipelines.plan.translators import TARGET
from pipelines.plan.workdir import Workdir
from pipelines.runtime.seeds import stable_seed
from pipelines.segmentation.validation import Chooser


class Pairs(NamedTuple):
    """Which records a regime learns from, and which choose the epoch.

    Attributes:
      train: those of `info` that are learned from; None = all.
      chooser: None = nothing chooses: averaged weights.
      drawn: synthetic records that are learned from beside them, and which of these.
    """
    info: records.Info
    train: Optional[Callable] = None
    chooser: Optional[Chooser] = None
    drawn: Tuple[Tuple[records.Info, Callable], ...] = ()


def pairs_of(config: Config, run: Run, workdir) -> Pairs:
    """The records of a run.

    Raises:
      InputError: they are not there yet, or in another number than the config asks for.
    """
    if run.regime.transfer:
        return _elsewhere(config, run, workdir)
    if run.regime.kind == 'synth' and run.regime.method:
        info, trains = _samples(config, run, workdir)
        total = config.generation.num_train
        if info.count == total:
            raise InputError('generation.num_validation: expected a number from 1 on, for these pairs choose the epoch '
                             f'of {run.regime.name}, found 0')
        return Pairs(info, trains, Chooser(info, lambda row: row['index'] >= total, is_fold=False))
    real = _real(config, run, workdir)
    if run.regime.kind != 'mixed':
        return real
    info, taken = _samples(config, run, workdir)
    learns = real.train or (lambda row: True)
    return real._replace(drawn=((info, lambda row: tf.logical_and(taken(row), learns(row))),))


def _samples(config: Config, run: Run, workdir) -> Tuple[records.Info, Callable]:
    """The samples of a run's method, and which of them it learns from."""
    info = records.read_info(Workdir(workdir).samples(run.regime.method))
    total, wanted = config.generation.num_train, config.generation.count
    count = run.num_synthetic or total
    if count > total:
        raise InputError(f'--num-synthetic {count}: expected at most generation.num_train = {total}')
    if info.count != wanted:
        raise InputError(f'{info.directory}: expected generation.num_train + num_validation = {wanted} samples, found '
                         f'{info.count}; remove the folder and generate without --num')
    return info, lambda row: row['index'] < count


def _real(config: Config, run: Run, workdir) -> Pairs:
    info = records.read_info(Workdir(workdir).records(run.regime.reads))
    if validates(config.data):
        return Pairs(info, None, Chooser(records.read_info(Workdir(workdir).records('validation'))))
    held_out = held_out_of(config, run, info.ids)
    if not held_out:
        return Pairs(info)
    is_held_out = one_of(held_out)
    return Pairs(info, lambda row: ~is_held_out(row), Chooser(info, is_held_out, is_fold=False))


def _elsewhere(config: Config, run: Run, workdir) -> Pairs:
    info = records.read_info(Workdir(workdir).records(TARGET))
    chooses = chosen_by(config, run.labelled)
    return Pairs(info, one_of(labelled_of(config, run, info)),
                 Chooser(records.read_info(Workdir(workdir).records(chooses))) if chooses else None)


def labelled_of(config: Config, run: Run, info: records.Info) -> Tuple[str, ...]:
    """Ids of the other hospital's images whose labels a run learns from: of one seed, fewer are a part of more.

    Raises:
      InputError: a share that gives no image.
    """
    return labelled_ids(sorted(set(info.ids)), run.labelled, stable_seed(config.seed, run.seed))


def held_out_of(config: Config, run: Run, ids: Sequence[str]) -> Tuple[str, ...]:
    """Those of its learning images that a run on real pairs does not learn from, for they choose the epoch."""
    known = sorted(set(ids))
    held = num_held_out(config, segmenter_settings(config, run.segmenter), len(known))
    rng = np.random.default_rng(stable_seed(config.seed, run.seed, 'holdout'))
    return tuple(rng.choice(known, held, replace=False).tolist()) if held else ()


def one_of(ids: Sequence[str]) -> Callable:
    """Whether a record was made of one of these images."""
    known = tf.constant(list(ids), tf.string)
    return lambda row: tf.reduce_any(row['source_id'] == known)


def num_held_out(config: Config, settings: Segmenter, images: int) -> int:
    """Of so many learning images, how many choose the epoch: none where there are few, or a fold is there for it."""
    few = images < settings.min_holdout_images or validates(config.data)
    return 0 if few else max(1, round(settings.holdout * images))
