"""JSRT radiographs with the SCR masks.

JSRT: Shiraishi et al., "Development of a digital image database for chest radiographs with and
without a lung nodule", AJR 2000: 247 images of 2048 x 2048 pixels, 0.175 mm, 12 bits, JPCLN001-154
with a nodule and JPCNN001-093 without. SCR: van Ginneken et al., "Segmentation of anatomical
structures in chest radiographs using supervised methods", Medical Image Analysis 2006: masks of
1024 x 1024; fold 1 (the odd numbers) is for learning, fold 2 (the even ones) for testing.
Both are free for research; neither may be passed on.

    <source>/All247images/<id>.IMG       as distributed: big-endian, inverted; taken first where all are there
    <source>/images/<id>.png             or converted, any size, lungs dark
    <source>/scratch/fold{1,2}/masks/<structure>/<id>.gif   or scr/scratch/fold*, or fold* alone
"""
from __future__ import annotations

import functools
import pathlib
import re
from typing import Dict, Optional, Sequence, Tuple, Union

import numpy as np

from datasets.errors import InputError
from datasets.images import check_not_constant, read_grey
from datasets.labels import CHEST, UNLABELLED
from datasets.radiographs import check_polarity, told
from datasets.sample import Dataset, Sample, check_aspect, check_split, read_masks
from datasets.splits import choose_ids, name_some

IMG_SIZE = 2048
IMG_MAX = 4095
PIXEL_MM = 0.175
MASK_ROOTS = ('scratch', 'scr/scratch', '')
FOLDS = {'train': ('fold1',), 'test': ('fold2',), 'all': ('fold1', 'fold2')}
# number modulo 2 of the images of a fold
PARITY = {'fold1': 1, 'fold2': 0}
ID = re.compile(r'JPC(LN|NN)(\d{3})')

Path = Union[str, pathlib.Path]


def open_jsrt(source: Path, split: str, ids: Optional[Sequence[str]] = None, unlabelled: bool = False) -> Dataset:
    """Opens the learning (`train`, fold 1) or the test fold (fold 2) of JSRT/SCR, or both (`all`).

    Args:
      source: the folder that holds images and masks, laid out as above.
      split: 'train', 'test' or 'all'.
      ids: use these of the fold only; then the rest of the fold may be incomplete.
      unlabelled: take the radiographs alone; then no masks need be there.

    Returns:
      A Dataset of CHEST; images uint8 or uint16, lungs dark; masks bool in the size of their files.

    Raises:
      InputError: layout, ids, an image or a mask is not as it should be; the message names it.
    """
    check_split(split)
    source = pathlib.Path(source)
    images, notes = _find_images(source)
    folds = {fold: {} if unlabelled else _find_masks(source, fold) for fold in PARITY}
    both = sorted(set(folds['fold1']) & set(folds['fold2']))
    if both:
        raise InputError(f'{source}: found masks of {name_some(both)} in fold1 and in fold2; odd '
                         'numbers belong to fold1, even ones to fold2')
    for fold, found in folds.items():
        wrong = sorted(id for id in found if _number(id) % 2 != PARITY[fold])
        if wrong:
            raise InputError(f'{source}: expected odd numbers in fold1 and even ones in fold2, '
                             f'found {name_some(wrong)} in {fold}')
    for fold in FOLDS[split]:
        if not (folds[fold] or unlabelled):
            looked = ', '.join(f'{_under(root, fold)}/masks/<structure>/<id>.gif'
                               for root in MASK_ROOTS)
            raise InputError(f'{source}: found no SCR masks of the {split} split; looked for {looked}')
    masks = {id: found for fold in FOLDS[split] for id, found in folds[fold].items()}
    known = sorted(id for id in {*images, *masks}
                   if _number(id) % 2 in [PARITY[fold] for fold in FOLDS[split]])
    chosen = choose_ids(known, ids, f'{source} ({" and ".join(FOLDS[split])})')
    for id in () if unlabelled else chosen:
        _check_complete(id, images, masks, source, f'fold{2 - _number(id) % 2}')
    load = functools.partial(_load, images=images, masks=masks)
    return Dataset(f'jsrt_{split}', UNLABELLED if unlabelled else CHEST, chosen, load, (IMG_SIZE * PIXEL_MM,) * 2,
                   files=lambda id: [images[id], *masks.get(id, {}).values()], notes=notes)


def read_img(path: Path) -> np.ndarray:
    """Reads a JSRT .IMG file: uint16 [2048, 2048] in 0..4095, turned so that lungs are dark."""
    path = pathlib.Path(path)
    expected = 2 * IMG_SIZE ** 2
    found = path.stat().st_size if path.is_file() else 0
    if found != expected:
        raise InputError(f'{path}: expected a JSRT .IMG file of {expected} bytes ({IMG_SIZE} x '
                         f'{IMG_SIZE}, 16 bits, no header), found {found} bytes')
    stored = np.fromfile(path, '>u2').reshape(IMG_SIZE, IMG_SIZE)
    if stored.max() > IMG_MAX:
        raise InputError(f'{path}: expected big-endian values of 12 bits, 0 to {IMG_MAX}, found '
                         f'{stored.max()}; the bytes may be swapped')
    return (IMG_MAX - stored).astype(np.uint16)


def _load(id: str, images: Dict[str, pathlib.Path],
          masks: Dict[str, Dict[str, pathlib.Path]]) -> Sample:
    path = images[id]
    image = read_img(path) if path.suffix.lower() == '.img' else read_grey(path)
    check_not_constant(image, path)
    if not masks:
        return Sample(id, image, {}, told=told(image))
    found = read_masks({organ: masks[id][organ] for organ in CHEST.organs}, CHEST)
    check_aspect(image, found, str(path))
    check_polarity(image, found, path)
    return Sample(id, image, found, told=told(image))


def _find_images(source: pathlib.Path) -> Tuple[Dict[str, pathlib.Path], Tuple[str, ...]]:
    """(id -> its picture, words on which were taken): the originals, unless only copies are whole.

    One kind for all: 2048 px of 12 bits beside smaller copies of 8 would be two data sets.
    """
    raw = _by_id(source / 'All247images', '.img')
    converted = _by_id(source / 'images', '.png')
    if not raw and not converted:
        raise InputError(f'{source}: found no JSRT images; looked for All247images/<id>.IMG and '
                         'images/<id>.png, <id> being JPCLN001 and the like')
    if not raw or not converted:
        return {**raw, **converted}, ()
    if set(converted) <= set(raw):
        return raw, (f'{source}: the originals were read (.IMG), not the {len(converted)} copies in images',)
    return {**raw, **converted}, (
        f'{source}: the copies in images were read, for only {len(set(raw) & set(converted))} of '
        f'{len(converted)} have their original (.IMG) in All247images',)


def _find_masks(source: pathlib.Path, fold: str) -> Dict[str, Dict[str, pathlib.Path]]:
    """id -> organ -> path of its mask, for all ids of a fold of which any mask is there."""
    masks: Dict[str, Dict[str, pathlib.Path]] = {}
    roots = [root for root in MASK_ROOTS if (source / _under(root, fold) / 'masks').is_dir()]
    if not roots:
        return masks
    folder = source / _under(roots[0], fold) / 'masks'
    for organ in CHEST.organs:
        for id, path in _by_id(folder / organ.replace('_', ' '), '.gif').items():
            masks.setdefault(id, {})[organ] = path
    return masks


def _by_id(folder: pathlib.Path, suffix: str) -> Dict[str, pathlib.Path]:
    """id -> file of a folder, whichever way the suffix is capitalised; none without the folder."""
    found: Dict[str, pathlib.Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() != suffix or path.name.startswith('.'):
            continue
        if not ID.fullmatch(path.stem):
            raise InputError(f'{path}: expected a name like JPCLN001 or JPCNN001, found '
                             f'{path.stem!r}; take other pictures out of the folder')
        if path.stem in found:
            raise InputError(f'{path}: a second file of {path.stem}, beside '
                             f'{found[path.stem].name}; keep one')
        found[path.stem] = path
    return found


def _check_complete(id: str, images: dict, masks: dict, source: pathlib.Path, fold: str) -> None:
    if id not in images:
        raise InputError(f'{source}: {id} has masks in {fold} but no image; looked for '
                         f'images/{id}.png and All247images/{id}.IMG')
    missing = [organ for organ in CHEST.organs if organ not in masks.get(id, {})]
    if missing:
        raise InputError(f'{source}: image {id} has no mask of {", ".join(missing)} in {fold}; add '
                         'it, or list the ids to use')


def _number(id: str) -> int:
    return int(ID.fullmatch(id).group(2))


def _under(root: str, fold: str) -> str:
    return f'{root}/{fold}' if root else fold
