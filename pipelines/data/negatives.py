"""Pictures that look like the negative of others: black for white is learned from, and translated, without an error. [ours]

Told, and not refused: whether a negative is meant, no picture says.
"""
from __future__ import annotations

import itertools
from typing import List, Optional, Sequence, Tuple

import numpy as np

from datasets import records
from datasets.splits import name_some
from pipelines.data.likeness import unit_vector

SIDE = 32       # px, at which pictures are compared
MOST = 64       # pictures of the learning set
ALIKE = 0.3     # correlation with the mean of the rest: half of a set have more, or it says nothing; a negative less than -ALIKE
NAMED = 3       # ids in the note


def small(picture: np.ndarray) -> np.ndarray:
    """Any picture of a record -> its unit vector [SIDE * SIDE]."""
    return unit_vector(picture, SIDE)


def of_records(info: records.Info) -> List[np.ndarray]:
    """`small` of the first pictures of a set, without their augmented versions."""
    rows = records.read(info, MOST * info.versions)
    return [small(row['image']) for row in itertools.islice(rows, 0, None, info.versions)]


def negatives(pictures: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> List[int]:
    """Which pictures look like the negative of the mean of others, each as of `small`; of the very others: of the rest."""
    total, count = np.sum(others, axis=0), len(others)
    if count < 2:
        return []
    rests = [_correlation(picture, total - picture) for picture in others]
    if np.median(rests) < ALIKE:
        return []
    found = rests if pictures is others else [_correlation(picture, total) for picture in pictures]
    return [number for number, one in enumerate(found) if one < -ALIKE]


def told(name: str, ids: Sequence[str], pictures: Sequence[np.ndarray],
         learned_from: Optional[Sequence[np.ndarray]] = None) -> Tuple[str, ...]:
    """The note on a data set, if there is one.

    Args:
      learned_from: the learning set's pictures; None = these are it.
    """
    found = negatives(pictures, pictures if learned_from is None else learned_from)
    if not found:
        return ()
    whose = 'the others' if learned_from is None else 'the learning set'
    return (f'{name}: {len(found)} of {len(ids)} pictures look like negatives of those of {whose}, '
            f'{name_some([ids[number] for number in found], NAMED)}: if they are, invert them (maximum minus value)',)


def _correlation(picture: np.ndarray, total: np.ndarray) -> float:
    """Of a unit vector and a sum of some; 0 where one of them is constant."""
    return float(picture @ total / max(np.linalg.norm(total), 1e-9))
