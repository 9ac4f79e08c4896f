"""Shenzhen radiographs, with masks of both lungs where somebody drew them.

Jaeger et al. 2014 (see readers/lungs.py): 662 pictures of about 3000 x 3000 pixels, lungs dark, 336 of them with
tuberculosis; Shenzhen No. 3 People's Hospital, Guangdong Medical College. The masks are distributed apart, by
Stirenko et al. 2018, for 566 of them, both lungs in one, and rough.

    <source>/CXR_png/CHNCXR_0001_0.png           <source> is ChinaSet_AllFiles, or the folder it lies in
    <source>/mask/CHNCXR_0001_0_mask.png         or masks/, there or beside ChinaSet_AllFiles; none for some
    <source>/train.txt, test.txt                 yours, if data.division is official; ids, one a line

The mask is parted into the two lungs by the place of its pieces; a segmenter of `{lungs: [left_lung, right_lung]}`
sees it as it was drawn. Pictures without a mask are left out, unless all are read without (`unlabelled`).
"""
from __future__ import annotations

import pathlib
from typing import Dict, Sequence

from datasets.errors import InputError
from datasets.images import read_mask
from datasets.radiographs import parted
from datasets.readers.lungs import Lungs, open_lungs, pictures_in, root_of
from datasets.sample import Dataset, check_binary, check_not_empty, check_not_inverted

HOSPITAL = 'CHNCXR'
ROOTS = ('', 'ChinaSet_AllFiles')
FOLDERS = ('mask', 'masks')


def open_shenzhen(asked) -> Dataset:
    """Opens Shenzhen, see readers.Request.

    Raises:
      InputError: layout, names, ids, a picture or a mask is not as it should be.
    """
    source = pathlib.Path(asked.source)
    root = root_of(source, ROOTS)
    images = pictures_in(root / 'CXR_png', HOSPITAL)
    return open_lungs('shenzhen', asked, root, images, _masks(root, source), _read)


def _masks(*places: pathlib.Path) -> Dict[str, Sequence[pathlib.Path]]:
    found: Dict[str, Sequence[pathlib.Path]] = {}
    for folder in dict.fromkeys(place / name for place in places for name in FOLDERS):
        for id, path in pictures_in(folder, HOSPITAL, '_mask').items():
            if id in found:
                raise InputError(f'{path}: a second mask of {id}, beside {found[id][0]}; keep one')
            found[id] = [path]
    return found


def _read(paths: Sequence[pathlib.Path]) -> Lungs:
    path, = paths
    lungs = check_binary(read_mask(path), str(path))
    check_not_empty(lungs, str(path))
    check_not_inverted(lungs, str(path))
    return parted(lungs, path), ()
