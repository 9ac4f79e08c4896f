"""Labels pictures that nobody drew the organs of, by a trained segmenter, and makes records of them: plan/pseudo.py.

[ours] What a pixel belongs to is what its code says, organs painted in the order of the codes. A picture is left out in which
the teacher finds an organ on the wrong side, or smaller than LEAST of the smallest of the real label maps: there it is lost.
The teacher is shown pictures at most twice as high and wide as records are.
"""
from __future__ import annotations

import collections
from typing import Dict

import cv2
import numpy as np
import tensorflow as tf

from datasets import film, records
from datasets.digests import Digests, contents
from datasets.errors import InputError
from datasets.fitting import box_of, place
from datasets.labels import LabelCoding
from datasets.sample import Dataset, Sample, check_sides
from datasets.targets import Targets
from pipelines.data import apart
from pipelines.data.prepare import resize_mask, write_records
from pipelines.data.sources import open_split
from pipelines.experiment.exporting import exported
from pipelines.plan import artefacts, provenance
from pipelines.plan.config import Config
from pipelines.plan.pseudo import PSEUDO, UNLABELLED
from pipelines.plan.regimes import teacher
from pipelines.plan.workdir import Workdir
from pipelines.runtime import progress
from pipelines.serving import export
from pipelines.training.checkpoints import is_finished

LEAST = 0.5


def label_pictures(config: Config, workdir) -> records.Info:
    """Records of the pictures of `sources.unlabelled` with the teacher's labels; finished ones are kept.

    Raises:
      InputError: the teacher is not trained yet, it does not find every organ, a picture is scored or chooses an epoch, or
        none is left.
    """
    own, artefact = Workdir(workdir), artefacts.records_of(config, PSEUDO)
    output = own.records(PSEUDO)
    if (output / records.INFO).exists():
        provenance.claim(config, workdir, artefact)
        return records.read_info(output)
    run = teacher(config)
    if not is_finished(own.segmenter(run)):
        raise InputError(f'{workdir}: expected segmenters/{run.name}, which labels the pictures of sources.unlabelled, '
                         f'trained, found it is not: first tools/train_segmenter.py --regime real --segmenter '
                         f'{run.segmenter}, with the same --config and --workdir')
    info = records.read_info(own.records('train'))
    segment, description = export.load_segmenter(exported(config, run, workdir))
    targets = Targets.from_dict(description['targets'])
    pictures, data, digests = open_split(config, PSEUDO), config.data_of(PSEUDO), Digests(workdir)
    apart.check_split(config, workdir, PSEUDO, pictures, digests)
    provenance.claim(config, workdir, artefact, contents(pictures, digests))
    export.check_bits(description, 8 * pictures.load(pictures.ids[0]).image.dtype.itemsize, f'sources.{UNLABELLED}', 'teacher')

    def load(id: str) -> Sample:
        """Cut as the teacher's pictures were while it learned, so that records are not cut again."""
        sample = pictures.load(id)
        sample = film.trimmed(sample) if data.trim_borders else sample
        return sample._replace(masks=_found(segment, targets, info.coding, sample.image, 2 * config.data.size))

    labelled = pictures._replace(name=f'{pictures.name}_{PSEUDO}', coding=info.coding, load=load)
    labelled = labelled._replace(ids=_plausible(labelled, least_areas(info), config.data.size, data.fit))
    return write_records(labelled, output, PSEUDO, config.data.size, data.augment, data.draw, data)


def least_areas(info: records.Info) -> Dict[str, float]:
    """Of every organ that each picture must show, LEAST of its smallest area in the real label maps, as a share of them."""
    maps = np.stack([row['labels'] for row in records.read(info)])
    return {organ: LEAST * np.min([info.coding.organ_mask(one, organ).mean() for one in maps])
            for organ in info.coding.organs if organ not in info.coding.optional}


def _found(segment, targets: Targets, coding: LabelCoding, image: np.ndarray, side: int) -> Dict[str, np.ndarray]:
    """Organ -> what the teacher finds, bool, at most `side` px high and wide."""
    scale = side / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    given = tf.constant(image.reshape(1, *image.shape[:2], -1), tf.float32)
    masks = dict(zip((own[0] for own in targets.organs), export.masks_of(segment(given), targets)))
    label_map = coding.encode(masks)
    return {organ: coding.organ_mask(label_map, organ) for organ in coding.organs}


def _plausible(dataset: Dataset, least: Dict[str, float], size: int, fit: str):
    """The ids whose labels may be learned from; says how many are left out, and why."""
    kept, why = [], collections.Counter()
    for id in progress.bar(dataset.ids, desc=f'label {PSEUDO}', unit='image'):
        sample = dataset.load(id)
        box = box_of(*sample.image.shape[:2], size, fit)
        small = [organ for organ, area in least.items()
                 if place(resize_mask(sample.masks[organ], box), box, size).mean() < area]
        try:
            check_sides(dataset.coding, sample.masks, id)
        except InputError:
            small = small or ['an organ on the wrong side']
        why.update(small[:1])
        kept += [] if small else [id]
    if why:
        print(f'note: {dataset.name}: {sum(why.values())} of {len(dataset.ids)} pictures are left out, in which the teacher '
              f'finds too little of ' + ', '.join(f'{organ} ({count})' for organ, count in sorted(why.items())))
    if not kept:
        raise InputError(f'{dataset.name}: expected pictures in which the teacher finds every organ, found none among '
                         f'{len(dataset.ids)}; train it longer (segmenters.teacher), or look at exports/')
    return tuple(kept)
