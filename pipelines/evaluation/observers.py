"""How far two observers of the same pictures agree: what a segmenter could reach at best, measured as it is.

Masks are compared as they were drawn, at the size of the pictures, and where both know what they see.
"""
from __future__ import annotations

from typing import Dict, List, NamedTuple, Tuple

import numpy as np

from datasets.errors import InputError
from datasets.sample import Dataset
from pipelines.runtime import progress
from pipelines.scores import metrics, overlap, thin


class Agreement(NamedTuple):
    """Of two observers.

    Attributes:
      names: of the pictures.
      organs: their names.
      dice: of each picture and organ, per cent [pictures, organs].
      scores: as in results.py: {metric: {organ or 'average': [value, low, high]}}.
    """
    names: Tuple[str, ...]
    organs: Tuple[str, ...]
    dice: np.ndarray
    scores: Dict[str, Dict[str, List[float]]]


def agreement(reference: Dataset, other: Dataset) -> Agreement:
    """Scores what one observer drew against what the reference did; pictures that one of them lacks are left out.

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
        one, two = reference.load(name), other.load(name)
        target, drawn = (np.stack([sample.masks[organ] for organ in organs]) for sample in (one, two))
        if target.shape != drawn.shape:
            raise InputError(f'{name}: expected masks of one size, found {target.shape[1:]} of {reference.name} and '
                             f'{drawn.shape[1:]} of {other.name}')
        known = np.ones(target.shape[1:], bool)
        for sample in (one, two):
            known &= True if sample.ignored is None else ~sample.ignored
        measured.append(metrics.measure(target & known, drawn & known, None, thin.measure(target, drawn, known)))
    images = metrics.together(measured)
    return Agreement(names, organs, overlap.dice(images['counts']), metrics.scores(images, organs))
