"""Above which probability a pixel belongs to a scattered organ, such as vessels: chosen on learning images.

Where all that a segmenter finds is one class of scattered organs, the threshold with the largest mean DSC over learning
images is kept with its model, whose masks are what lies above it. [ours] One of the whole hundredths, of several as good
ones the nearest to half. All other segmenters, those of several classes too, find the likeliest class. Probabilities,
and with them AUC, stay what they are.

The images are the run's own: the validation part, else what was held out of its real images, else those that it learned
from; not what a draw left out, whose labels a run of few images is not to have. At another hospital they are its labelled
ones. Never test images. They are shown as test images are: without augmentation, at `evaluation.size`, their field of view alone.
"""
from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Callable, Iterable, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow as tf

from datasets import records
from datasets.divisions import validates
from datasets.files import digest, read_json, write_json
from datasets.labels import LabelCoding
from datasets.targets import Targets
from pipelines.data.prepare import write_records
from pipelines.data.sources import open_split
from pipelines.plan import notes
from pipelines.plan.config import Config
from pipelines.plan.regimes import Run
from pipelines.plan.transfers import VALIDATION, chosen_by
from pipelines.plan.translators import TARGET
from pipelines.plan.workdir import Workdir
from pipelines.scores import overlap
from pipelines.segmentation.pairs import held_out_of, labelled_of

THRESHOLDS = np.float32(np.arange(1, 100) / 100)
MOST = 20                # [ours] images, evenly spread over those that there are
FILE = 'threshold.json'  # beside the exported model: what was chosen, so that it is chosen once


class Chooses(NamedTuple):
    """The learning images that choose: how the results call them, their records' set, and which of it."""
    called: str
    split: str
    ids: Tuple[str, ...]


def has_threshold(targets: Targets, coding: LabelCoding) -> bool:
    """Whether a segmenter of these classes has a threshold: one class, of scattered organs alone."""
    return len(targets.names) == 1 and {*targets.organs[0]} <= {*coding.scattered}


def threshold_of(config: Config, run: Run, workdir, targets: Targets, segment: Callable) -> Optional[dict]:
    """The threshold of a trained run; one that was chosen for these weights, images and size is read back.

    Args:
      segment: float32 [N, H, W, C] -> dict with `probabilities`, as of what is exported.

    Returns:
      threshold (0.01 to 0.99), chosen_on ('validation', 'held_out', 'train', 'target' or 'target_validation'), images
      (how many), size (px) and dice (mean DSC, per cent); None where no label of the other hospital is learned from, or
      no image shows the organ.

    Raises:
      InputError: the data set is not there any more, or an image or mask is not as it should be.
    """
    chooses = chooses_of(config, run, workdir)
    if chooses is None:
        return None
    path, size = Workdir(workdir).export(run) / FILE, config.evaluation.size
    made_of = digest({'segmenter': notes.identity(workdir, f'segmenters/{run.trained.name}'), 'size': size,
                      'train': notes.identity(workdir, 'records/train'), 'images': chooses._asdict()})
    known = read_json(path) if path.exists() else {}
    if known.get('made_of') != made_of:
        counted = [_counted(*of_image) for of_image in _shown(config, chooses, targets, segment)]
        found = best(np.array(counted))
        chosen = found and {'threshold': found[0], 'chosen_on': chooses.called, 'images': len(chooses.ids),
                            'size': size, 'dice': found[1]}
        known = {'made_of': made_of, 'chosen': chosen}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, known)
    return known['chosen']


def chooses_of(config: Config, run: Run, workdir) -> Optional[Chooses]:
    """The learning images on which the threshold of a run is chosen; None where none of its hospital is labelled."""
    transfer = run.regime.transfer
    if transfer and transfer.is_trained:
        if not run.labelled:
            return None
        if chosen_by(config, run.labelled) == VALIDATION:
            return Chooses(VALIDATION, VALIDATION, _some(open_split(config, VALIDATION).ids))
        info = records.read_info(Workdir(workdir).records(TARGET))
        return Chooses(TARGET, TARGET, _some(labelled_of(config, run, info)))
    if validates(config.data):
        return Chooses('validation', 'validation', _some(open_split(config, 'validation').ids))
    ids = open_split(config, 'train').ids
    held = held_out_of(config, run, ids) if run.regime.reads == 'train' else ()
    return Chooses('held_out', 'train', _some(held)) if held else Chooses('train', 'train', _some(ids))


def best(counted: np.ndarray) -> Optional[Tuple[float, float]]:
    """(the threshold, its mean DSC in per cent) of counts [images, thresholds, 3], see scores.overlap; None where
    no image shows the organ."""
    if not counted[..., [0, 2]].any():
        return None
    means = np.ma.masked_invalid(overlap.dice(counted)).mean(axis=0).filled(-1).round(9)
    as_good = np.flatnonzero(means == means.max())
    number = as_good[np.abs(THRESHOLDS[as_good] - 0.5).argmin()]
    return round(float(THRESHOLDS[number]), 2), round(float(means[number]), 4)


def _counted(target: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Of the known pixels of one image, bool and float32 [pixels]: counts [thresholds, 3], see scores.overlap."""
    below = np.searchsorted(THRESHOLDS, probabilities)  # thresholds that a pixel lies above
    above = [np.bincount(below[of], minlength=len(THRESHOLDS) + 1)[::-1].cumsum()[-2::-1] for of in (target, ~target)]
    return np.stack([above[0], above[1], target.sum() - above[0]], axis=-1)


def _some(ids: Sequence[str]) -> Tuple[str, ...]:
    """At most MOST of them, evenly spread."""
    return tuple(ids[i] for i in np.linspace(0, len(ids) - 1, min(MOST, len(ids))).round().astype(int))


def _shown(config: Config, chooses: Chooses, targets: Targets, segment: Callable
           ) -> Iterable[Tuple[np.ndarray, np.ndarray]]:
    """(target, probabilities) of the known pixels of each image, [pixels], as evaluation.evaluate takes them."""
    with tempfile.TemporaryDirectory() as folder:
        info = _written(config, chooses, Path(folder) / 'records')
        for row in records.read(info):
            image, labels, known = info.shown(row)
            found = segment(tf.cast(image, tf.float32)[None])['probabilities'][0, ..., -1].numpy()
            yield targets.masks(info.coding, labels)[0][known], found[known]


def _written(config: Config, chooses: Chooses, folder: Path) -> records.Info:
    """Records of the images as test images have them: what is drawn is drawn at that size, too."""
    size, data = config.evaluation.size, config.data_of(chooses.split)
    at_size = dataclasses.replace(config, data=dataclasses.replace(config.data, size=size))
    dataset = open_split(at_size, chooses.split)._replace(ids=chooses.ids, notes=())
    return write_records(dataset, folder, 'threshold', size, 1, data.draw, data)
