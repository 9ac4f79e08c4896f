"""What the two tuberculosis data sets of Jaeger et al. have in common: names, lists, missing masks.

Jaeger et al., "Two public chest X-ray datasets for computer-aided screening of pulmonary diseases", Quant. Imaging
Med. Surg. 4 (2014) 475. A picture is called <hospital>_<number>_<0 or 1>; 1 is tuberculosis. The number is the
patient [ours]: where two pictures share one, no division parts them. Neither set is divided by its owner.
"""
from __future__ import annotations

import pathlib
import re
from typing import Callable, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from datasets.errors import InputError
from datasets.images import check_not_constant, read_picture, what_else
from datasets.labels import LUNGS, UNLABELLED
from datasets.radiographs import check_polarity, told
from datasets.readers.folder import by_id
from datasets.sample import Dataset, Sample, check_aspect, check_split
from datasets.splits import choose_ids, listed_ids, name_some

ID = re.compile(r'(MCUCXR|CHNCXR)_(\d+)_[01]')
FEW = 3  # ids that a note names

Files = Mapping[str, Sequence[pathlib.Path]]  # id -> its masks
Lungs = Tuple[Dict[str, np.ndarray], Tuple[str, ...]]  # masks of LUNGS, and what is told of them


def root_of(source: pathlib.Path, roots: Sequence[str]) -> pathlib.Path:
    """The folder below (or of) `source` that holds CXR_png; InputError if none does."""
    if not source.is_dir():
        raise InputError(f'--source (data.source) {source}: expected the folder of the data set, found none')
    for root in roots:
        if (source / root / 'CXR_png').is_dir():
            return source / root
    looked = ', '.join(f'{root}/CXR_png'.lstrip('/') for root in roots)
    raise InputError(f'{source}: found no pictures; looked for {looked}; found {what_else(source)}')


def pictures_in(folder: pathlib.Path, hospital: str, end: str = '') -> Dict[str, pathlib.Path]:
    """id -> picture of one hospital, without `end` behind the id; those of the other one are passed over.

    Raises:
      InputError: a picture with another name.
    """
    found = {}
    for stem, path in by_id(folder).items():
        name = ID.fullmatch(stem[:-len(end)] if end and stem.endswith(end) else stem)
        if name is None:
            raise InputError(f'{path}: expected a name like {hospital}_0001_0{end}, found {stem!r}; take other '
                             f'pictures out of the folder')
        if name.group(1) == hospital:
            found[name.group()] = path
    return found


def open_lungs(name: str, asked, root: pathlib.Path, images: Dict[str, pathlib.Path], masks: Files,
               read: Callable[[Sequence[pathlib.Path]], Lungs]) -> Dataset:
    """A data set of LUNGS, or of its pictures alone.

    Args:
      name: of the data set.
      asked: readers.Request.
      root: the folder, with train.txt and test.txt where somebody wrote them.
      masks: of each picture that has some.
      read: files of one picture -> (masks of LUNGS, what is told of them).
    """
    check_split(asked.split)
    if not images:
        raise InputError(f'{root}: found no pictures of {name} in CXR_png, found {what_else(root / "CXR_png")}')
    stored = sorted(images if asked.unlabelled else set(images) & set(masks))
    without = () if asked.unlabelled else tuple(sorted(set(images) - set(masks)))
    ids = listed_ids(root, asked.split, stored) if asked.ids is None else tuple(asked.ids)
    bare = [id for id in ids if id in without]
    if bare or not stored:
        raise InputError(f'{root}: expected masks of the lungs, found none of {name_some(bare or without)}; pictures '
                         f'alone are read with data.unlabelled=true (--unlabelled)')
    ids = choose_ids(stored, ids, f'{root}/CXR_png')

    def load(id: str) -> Sample:
        image = read_picture(images[id], asked.channels, asked.grey)
        check_not_constant(image, images[id])
        if asked.unlabelled:
            return Sample(id, image, {}, told=told(image))
        found, words = read(masks[id])
        check_aspect(image, found, str(images[id]))
        check_polarity(image, found, images[id])
        return Sample(id, image, found, told=(*told(image), *words))

    def files(id: str) -> List[pathlib.Path]:
        return [images[id], *([] if asked.unlabelled else masks[id])]

    note = f'{root}: {len(without)} pictures have no mask and are left out: {name_some(without, FEW)}'
    return Dataset(f'{name}_{asked.split}', UNLABELLED if asked.unlabelled else LUNGS, ids, load, files=files,
                   patients={id: ID.fullmatch(id).group(2) for id in images},
                   notes=(note,) if without and asked.ids is None else (), unlabelled=without)
