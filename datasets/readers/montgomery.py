"""Montgomery County radiographs with masks of both lungs.

Jaeger et al. 2014 (see readers/lungs.py); masks: Candemir et al., IEEE TMI 33 (2014) 577. 138 pictures of 4020 x 4892
or 4892 x 4020 pixels of 0.0875 mm, grey of 8 bits, lungs dark, 58 of them with tuberculosis; U.S. National Library of
Medicine with the Department of Health and Human Services, Montgomery County, Maryland.

    <source>/CXR_png/MCUCXR_0001_0.png                     <source> is MontgomerySet, or the folder it lies in
    <source>/ManualMask/{leftMask,rightMask}/MCUCXR_0001_0.png
    <source>/train.txt, test.txt                           yours, if data.division is official; ids, one a line

Which lung is the left one is found by its place, not by the name of the folder; ClinicalReadings are not read.
"""
from __future__ import annotations

import dataclasses
import pathlib
from typing import Dict, Sequence

from PIL import Image

from datasets.errors import InputError
from datasets.images import FORMATS
from datasets.labels import LUNGS
from datasets.radiographs import by_side
from datasets.readers.lungs import Lungs, open_lungs, pictures_in, root_of
from datasets.sample import Dataset, read_masks

HOSPITAL = 'MCUCXR'
ROOTS = ('', 'MontgomerySet', 'NLM-MontgomeryCXRSet/MontgomerySet')
FOLDERS = ('leftMask', 'rightMask')
SHARED = 0.5    # [ours] of the smaller mask: with more in both they are no two lungs
ORIGINAL, PIXEL_MM = {(4020, 4892), (4892, 4020)}, 0.0875
_ANY_SIDE = dataclasses.replace(LUNGS, left_right=())
SWAPPED = 'leftMask lies left in the picture, as the right lung does, and is taken for that'


def open_montgomery(asked) -> Dataset:
    """Opens Montgomery, see readers.Request; pictures of the original size have their millimetres.

    Raises:
      InputError: layout, names, ids, a picture or a mask is not as it should be.
    """
    root = root_of(pathlib.Path(asked.source), ROOTS)
    images = pictures_in(root / 'CXR_png', HOSPITAL)
    dataset = open_lungs('montgomery', asked, root, images, _masks(root / 'ManualMask', images), _read)
    if all(_size(images[id]) in ORIGINAL for id in dataset.ids):
        return dataset._replace(spacings_mm={id: (PIXEL_MM, PIXEL_MM) for id in dataset.ids})
    return dataset


def _masks(folder: pathlib.Path, images: Dict[str, pathlib.Path]) -> Dict[str, Sequence[pathlib.Path]]:
    sides = {name: pictures_in(folder / name, HOSPITAL) for name in FOLDERS}
    for id in images:
        there = [name for name in FOLDERS if id in sides[name]]
        if len(there) == 1:
            missing, = {*FOLDERS} - {*there}
            raise InputError(f'{folder / missing}: expected a mask of {id}, as there is one in {there[0]}, found none; add it, '
                             f'take that one out, too, or read pictures alone (data.unlabelled=true, --unlabelled)')
    return {id: [sides[name][id] for name in FOLDERS] for id in images if id in sides[FOLDERS[0]]}


def _read(paths: Sequence[pathlib.Path]) -> Lungs:
    found = read_masks(dict(zip(LUNGS.organs, paths)), _ANY_SIDE)
    one, other = found.values()
    if (one & other).sum() > SHARED * min(one.sum(), other.sum()):
        raise InputError(f'{paths[0]}, {paths[1]}: expected a mask of one lung each, found that both cover the same; put the '
                         f'right ones there, or take the picture and both out')
    placed = by_side(one, other)
    return placed, () if placed['left_lung'] is found['left_lung'] else (SWAPPED,)


def _size(path: pathlib.Path):
    """(width, height) from the head of a file; None of one that cannot be opened, which reading refuses."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            return image.size
    except Exception:  # a decoder before a broken file raises whatever it likes
        return None
