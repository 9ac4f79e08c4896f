"""STARE: photographs of the retina, half of them of ill eyes, with the vessels that two observers drew.

Hoover et al., "Locating blood vessels in retinal images by piecewise threshold probing of a matched filter response",
IEEE TMI 19 (2000) 203: 20 photographs of 700 x 605 pixels, drawn by Adam Hoover (ah, the first observer) and Valentina
Kouznetsova (vk), without masks of the field of view, which is found in the picture (datasets/fundus.py). The files are
distributed packed one by one (.gz): unpack them.

    <source>/stare-images/im0001.ppm           or all in one folder
    <source>/labels-ah/im0001.ah.ppm, labels-vk/im0001.vk.ppm

It has no division of its own. `official` means here that the first ten are learned from and the last ten tested, as
Maninis et al. (MICCAI 2016) and others do; leaving one out, which others do, is data.division=folds with data.folds=20.
Nobody says which pictures are of one patient: each stands for itself. Further ones of the 397 are pictures alone.
"""
from __future__ import annotations

from datasets.readers.vessels import Archive, files_in, open_archive, root_of
from datasets.sample import Dataset

LEARNT = 10                  # of the sorted pictures that somebody drew
MANUAL = {1: 'ah', 2: 'vk'}
FOLDERS = ('stare-images', 'all-images', '')
ANY = r'im\d{4}(\.\w\w)?'


def open_stare(asked, observer: int = 1) -> Dataset:
    """Opens STARE as one observer drew it, see readers.Request.

    Raises:
      InputError: layout, names, ids, a picture or a mask is not as it should be.
    """
    root = root_of(asked.source, ('', 'STARE', 'stare'), [f'{name}/im[0-9]*.ppm'.lstrip('/') for name in FOLDERS])
    pictures = {}
    for name in reversed(FOLDERS):
        pictures.update(files_in(root / name, r'(im\d{4})', 'im0001', ANY))
    masks = {who: {**files_in(root, rf'(im\d{{4}})\.{end}', f'im0001.{end}', ANY),
                   **files_in(root / f'labels-{end}', rf'(im\d{{4}})\.{end}', f'im0001.{end}')}
             for who, end in MANUAL.items()}
    drawn = sorted(id for id in pictures if any(id in found for found in masks.values()))
    drawn = drawn or sorted(pictures)
    parts = {'train': tuple(drawn[:LEARNT]), 'test': tuple(drawn[LEARNT:])}
    end = MANUAL[observer]
    return open_archive(Archive('stare', root, pictures, masks[observer], parts, observer,
                                f'labels-{end}/im0001.{end}.ppm'), asked)
