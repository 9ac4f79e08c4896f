"""What every reader of an archive returns, and the checks that all readers share.

An image is uint8 or uint16, grey [H, W] or in colours [H, W, 3], lungs (or whatever holds air) dark.
Masks are bool [h, w], one per organ of the coding, all of one size, which may differ from the image's:
both cover the same field of view. They overlap where organs do.
"""
from __future__ import annotations

import pathlib
from typing import Callable, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from datasets.errors import InputError
from datasets.images import read_mask
from datasets.labels import UNLABELLED, LabelCoding

SPLITS = ('train', 'test')   # as an archive divides its images


class Sample(NamedTuple):
    """One annotated picture."""
    id: str
    image: np.ndarray
    masks: Dict[str, np.ndarray]
    ignored: Optional[np.ndarray] = None   # bool, as the masks: pixels of which nobody says what they are
    bone_suppressed: Optional[np.ndarray] = None   # the image without ribs and clavicles, its type and aspect
    told: Tuple[str, ...] = ()             # what was found of the picture: said with how many it is true of
    cut_from: Tuple[int, int, int, int] = (0, 0, 0, 0)   # top, left in a picture of height, width; zeros: the whole


class Dataset(NamedTuple):
    """One split of one archive.

    Attributes:
      load: id -> its sample, read (or drawn) when it is asked for.
      field_of_view_mm: (height, width) that every picture covers, None where nobody says.
      spacings_mm: id -> (row, column) mm from pixel to pixel, of those that have their own.
      files: id -> the files that `load` reads; none for what is drawn.
      has_ignored: whether samples say of some pixels that nobody knows them: they neither train a segmenter
        nor score it.
      has_bone_suppressed: whether samples bring that picture, which nobody reads unless it is asked for.
      notes: what whoever makes records of it should be told.
      patients: id -> patient, of those whose patient is known; other images stand for themselves.
      unlabelled: ids of pictures that are there without labels, and so none of `ids`. They are divided with
        these, so that a picture stays on its side whether or not somebody drew its organs.
      is_at_detector: whether some of `spacings_mm` were measured there, where everything is larger than in the patient.
    """
    name: str
    coding: LabelCoding
    ids: Tuple[str, ...]
    load: Callable[[str], Sample]
    field_of_view_mm: Optional[Tuple[float, float]] = None
    spacings_mm: Mapping[str, Tuple[float, float]] = {}
    files: Callable[[str], Sequence[pathlib.Path]] = lambda id: ()
    patients: Mapping[str, str] = {}
    has_ignored: bool = False
    has_bone_suppressed: bool = False
    notes: Tuple[str, ...] = ()
    unlabelled: Tuple[str, ...] = ()
    is_at_detector: bool = False


def without_labels(dataset: Dataset) -> Dataset:
    """The pictures of a data set, and of no picture what it shows."""
    def load(id: str) -> Sample:
        return dataset.load(id)._replace(masks={}, ignored=None)
    return dataset._replace(coding=UNLABELLED, load=load, has_ignored=False)


def of_organ(dataset: Dataset, organ: str) -> Dataset:
    """The pictures of a data set with one organ, as if nobody had drawn another; InputError if it has no such organ."""
    def load(id: str) -> Sample:
        sample = dataset.load(id)
        return sample._replace(masks={organ: sample.masks[organ]})
    return dataset._replace(coding=dataset.coding.only(organ), load=load)


def mask_centroid(mask: np.ndarray) -> Tuple[float, float]:
    """Centroid (y, x) of a mask that is not empty, as fractions of height and width."""
    ys, xs = np.nonzero(mask)
    return (ys.mean() + 0.5) / mask.shape[0], (xs.mean() + 0.5) / mask.shape[1]


def check_split(split: str) -> None:
    """Raises InputError unless it is 'train', 'test' or 'all'."""
    if split not in (*SPLITS, 'all'):
        raise InputError(f'split: expected train, test or all, found {split!r}')


def check_binary(values: np.ndarray, source: str) -> np.ndarray:
    """Turns a mask as stored (0 and one other value) into bool; InputError if there are more."""
    if values.dtype == bool:
        return values
    foreground = values.max(initial=0)
    odd = (values != 0) & (values != foreground)
    if odd.any():
        raise InputError(f'{source}: expected a mask of two values, 0 and {foreground}, found also '
                         f'{values[odd][0]} ({odd.mean():.1%} of the pixels); save it without '
                         'resampling or lossy compression')
    return values != 0


def check_shown(coding: LabelCoding, masks: Mapping[str, np.ndarray], source: str) -> None:
    """Raises InputError, naming `source` and organ, if a mask is empty whose organ is not optional."""
    for organ in coding.organs:
        if organ not in coding.optional:
            check_not_empty(masks[organ], f'{source}{organ}')


def is_complete(coding: LabelCoding, label_map: np.ndarray) -> bool:
    """Whether a label map of codes, uint8 [H, W], would be accepted as a real one: every organ there, on its side."""
    masks = {organ: coding.organ_mask(label_map, organ) for organ in coding.organs}
    try:
        check_shown(coding, masks, '')
        check_sides(coding, masks, '')
    except InputError:
        return False
    return True


def check_not_empty(mask: np.ndarray, source: str) -> None:
    """Raises InputError, naming `source`, if no pixel of the mask is set."""
    if not mask.any():
        raise InputError(f'{source}: expected the outline of an organ, found an empty mask; '
                         f'take the picture and its masks out, or, where an organ may be absent, say so (`optional` in '
                         f'the coding.yaml of a folder)')


def check_not_inverted(mask: np.ndarray, source: str) -> None:
    """Raises InputError, naming `source`, if a mask covers all four corners: its background is painted."""
    if mask[[0, 0, -1, -1], [0, -1, 0, -1]].all():
        raise InputError(f'{source}: expected an organ on a background of 0, found a mask that covers all '
                         f'four corners of the picture; is it inverted? What lies all around is the background')


def check_background(masks: Mapping[str, np.ndarray], source: str) -> None:
    """Raises InputError, naming `source`, if masks of one shape leave no pixel to the background."""
    if masks and np.logical_or.reduce(list(masks.values())).all():
        raise InputError(f'{source}: expected organs on a background, found that {", ".join(masks)} together cover every '
                         f'pixel; is one inverted?')


def check_aspect(image: np.ndarray, masks: Mapping[str, np.ndarray], source: str) -> None:
    """Raises InputError, naming `source`, unless masks have the picture's aspect, within a pixel."""
    for organ, mask in masks.items():
        check_same_aspect(image, mask, f'a mask of {organ}', source)


def check_same_aspect(image: np.ndarray, other: np.ndarray, what: str, source: str) -> None:
    """Raises InputError, naming `source`, unless `what`, such as 'a mask of heart', has the picture's aspect, within
    a pixel."""
    (height, width), (rows, columns) = image.shape[:2], other.shape[:2]
    if abs(rows * width - columns * height) > max(height, width, rows, columns):
        raise InputError(f'{source}: expected {what} of the picture\'s aspect, {height} x {width}, found {rows} x '
                         f'{columns}; is it transposed or cropped?')


def check_field(image: np.ndarray, field_mm: Tuple[float, float], source: str) -> None:
    """Raises InputError, naming `source`, unless a picture has its field's aspect, within a pixel."""
    height, width = image.shape[:2]
    if abs(height * field_mm[1] - width * field_mm[0]) > max(field_mm) * 1.01:
        raise InputError(f'{source}: expected a picture of the aspect of the field of view, {field_mm[0]:g} x '
                         f'{field_mm[1]:g} mm, found {height} x {width} px: then nobody knows its millimetres; '
                         f'leave data.field_of_view_mm out, or say spacing.csv in a folder data set')


def check_sides(coding: LabelCoding, masks: Dict[str, np.ndarray], source: str) -> None:
    """Raises InputError if an organ of the patient's left is not right of its twin in the picture.

    Compares the centroids of each pair of `coding.left_right` of which both are there.
    """
    for left, right in coding.left_right:
        if not (masks[left].any() and masks[right].any()):
            continue
        left_x, right_x = mask_centroid(masks[left])[1], mask_centroid(masks[right])[1]
        if left_x <= right_x:
            raise InputError(f"{source}: expected the patient's {left} right of {right} in the "
                             f'picture, found their centroids at x = {left_x:.2f} and '
                             f'{right_x:.2f} of the width; the picture or the masks are mirrored')


def read_masks(paths: Dict[str, pathlib.Path], coding: LabelCoding) -> Dict[str, np.ndarray]:
    """Reads one mask file per organ: organ -> bool [h, w], all checks of this module passed."""
    masks: Dict[str, np.ndarray] = {}
    for organ, path in paths.items():
        masks[organ] = check_binary(read_mask(path), str(path))
        if organ not in coding.optional:
            check_not_empty(masks[organ], str(path))
        check_not_inverted(masks[organ], str(path))
        size, first = masks[organ].shape, next(iter(masks.values())).shape
        if size != first:
            raise InputError(f'{path}: expected the size of the other masks of {path.stem}, '
                             f'{first}, found {size}')
    where = f'{path.parents[1]}, masks of {path.stem}'
    check_background(masks, where)
    check_sides(coding, masks, where)
    return masks
