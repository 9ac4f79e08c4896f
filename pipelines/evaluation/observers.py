"""How far two observers of the same pictures agree: what a segmenter could reach at best, measured as it is.

Masks are compared as they were drawn, at the size of the pictures, or as segmenters are scored, at that of an
experiment; and where both know what they see.
"""
from __future__ import annotations

import dataclasses
from typing import Callable, Dict, List, NamedTuple, Tuple

import numpy as np

from datasets.errors import InputError
from datasets.files import write_json
from datasets.readers import READERS, SECOND
from datasets.sample import Dataset, Sample
from pipelines.data.prepare import resize_sample
from pipelines.data.sources import open_split
from pipelines.plan.config import Config
from pipelines.plan.workdir import Workdir
from pipelines.runtime import progress
from pipelines.scores import metrics, overlap, thin


class Agreement(NamedTuple):
    """Of two observers.

    Attributes:
      names: of the pictures.
      organs: their names.
      dice: of each picture and organ, per cent [pictures, organs].
      measured: by name, see metrics.together.
      scores: as in results.py: {metric: {organ or 'average': [value, low, high]}}.
    """
    names: Tuple[str, ...]
    organs: Tuple[str, ...]
    dice: np.ndarray
    measured: Dict[str, np.ndarray]
    scores: Dict[str, Dict[str, List[float]]]


def agreement(reference: Dataset, other: Dataset, fitted: Callable[[Sample], Sample] = lambda sample: sample
              ) -> Agreement:
    """Scores what one observer drew against what the reference did; pictures that one of them lacks are left out.

    Args:
      fitted: brings a sample to the size at which it is scored; as it is without.

    Raises:
      InputError: they have no picture, or no organ, in common, or masks of one picture differ in size.
    """
    names = tuple(id for id in reference.ids if id in set(other.ids))
    organs = tuple(organ for organ in reference.coding.organs if organ in other.coding.organs)
    if not names or not organs:
        raise InputError(f'{reference.name} and {other.name}: expected the same pictures and organs, found none in '
                         f'common; are they two observers of one data set?')
    measured = []
    for name in progress.bar(names, desc='compare', unit='image'):
        one, two = fitted(reference.load(name)), fitted(other.load(name))
        target, drawn = (np.stack([sample.masks[organ] for organ in organs]) for sample in (one, two))
        if target.shape != drawn.shape:
            raise InputError(f'{name}: expected masks of one size, found {target.shape[1:]} of {reference.name} and '
                             f'{drawn.shape[1:]} of {other.name}')
        known = np.ones(target.shape[1:], bool)
        for sample in (one, two):
            known &= True if sample.ignored is None else ~sample.ignored
        measured.append(metrics.measure(target & known, drawn & known, None, thin.measure(target, drawn, known)))
    images = metrics.together(measured)
    return Agreement(names, organs, overlap.dice(images['counts']), images, metrics.scores(images, organs))


def score_second_observer(config: Config, workdir, say: Callable[[str], None] = print) -> None:
    """Writes `workdir`/observer.json, what the second observer of the test images reaches, where the data set has one:
    it is called '<data set>_second'. For the report, see report/thin_section.py.

    Args:
      say: told why there is none, where masks are missing.
    """
    name = config.data.dataset + SECOND
    if name not in READERS:
        return
    second = dataclasses.replace(config, data=dataclasses.replace(config.data, dataset=name))
    try:
        reference = open_split(config, 'test')
        found = agreement(reference, open_split(second, 'test'), lambda sample: resize_sample(
            sample, config.evaluation.size, config.data.fit))
    except InputError as error:
        say(f'note: without a second observer: {error}')
        return
    images = {key: None if array is None else np.where(np.isnan(array), None, array).tolist()
              for key, array in found.measured.items()}
    write_json(Workdir(workdir).observer, {'observer': name, 'size': config.evaluation.size, 'organs': found.organs,
                                           'images': {'names': found.names, **images}, 'scores': found.scores})
