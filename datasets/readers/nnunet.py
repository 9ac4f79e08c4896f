"""A data set laid out for nnU-Net, version 2, of pictures (not of volumes).

    <source>/dataset.json                  channel_names, labels, file_ending
    <source>/imagesTr/<case>_0000.png      grey, or red, green and blue in one file; to learn from
    <source>/labelsTr/<case>.png           codes: the numbers of `labels`
    <source>/imagesTs, labelsTs            to test, likewise; may be missing
    <source>/coding.yaml                   what dataset.json cannot say, as of a folder data set: optional, scattered,
                                           left_right, colours, ...; its organs and values are those of `labels`; may
                                           be missing, as may patients.csv and spacing.csv, see folder.py

Format: https://github.com/MIC-DKFZ/nnUNet/blob/master/documentation/dataset_format.md. `ignore` among the labels is
where nobody knows. Folds of splits_final.json are not read: data.division says how pictures are divided.
"""
from __future__ import annotations

import json
import pathlib
from typing import Any, Dict, Tuple

from datasets.errors import InputError
from datasets.images import SUFFIXES
from datasets.labels import UNLABELLED
from datasets.readers.coding import Coding, plain_coding, read_coding
from datasets.readers.folder import as_dataset, by_id
from datasets.sample import SPLITS, Dataset, check_split
from datasets.splits import choose_ids, name_some

DESCRIPTION, BACKGROUND, IGNORE, CHANNEL = 'dataset.json', 'background', 'ignore', '_0000'
SYNTHETIC = 'synthetic'    # in dataset.json: cases that GANs drew; ours, nnU-Net passes over it
FOLDERS = {'train': ('imagesTr', 'labelsTr'), 'test': ('imagesTs', 'labelsTs')}


def open_nnunet(asked) -> Dataset:
    """Opens one split, see readers.Request: 'train' is what nnU-Net trains on, 'test' the other folders.

    Raises:
      InputError: layout, dataset.json, coding.yaml, ids, a picture or its labels are not as they should be.
    """
    check_split(asked.split)
    source = pathlib.Path(asked.source)
    if not (source / DESCRIPTION).is_file():
        raise InputError(f'--source (data.source) {source}: expected a data set of nnU-Net, such as '
                         f'nnUNet_raw/Dataset501_CHEST with its {DESCRIPTION}, found none')
    coded = coding_of(source)
    images: Dict[str, pathlib.Path] = {}
    labels: Dict[str, pathlib.Path] = {}
    parts = SPLITS if asked.split == 'all' else (asked.split,)
    for part in parts:
        pictures, codes = (source / folder for folder in FOLDERS[part])
        found, drawn = _cases(pictures), by_id(codes)
        missing = [] if asked.unlabelled else [case for case in found if case not in drawn]
        if missing and part == 'test' and asked.split == 'all' and len(missing) == len(found):
            continue  # nnU-Net needs no labels there; without them they can be neither learned from nor scored
        if missing:
            raise InputError(f'{codes}: expected labels of every picture of {pictures.name}, found none of '
                             f'{name_some(missing)}')
        both = sorted(set(found) & set(images))
        if both:
            raise InputError(f'{source}: {name_some(both)}: expected a case in one of imagesTr and imagesTs, found it '
                             f'in both')
        images.update(found)
        labels.update(drawn)
    notes = ()
    if asked.split == 'all':  # of synthetic pairs a division would test some
        synthetic = {*_described(source / DESCRIPTION).get(SYNTHETIC, ())} & {*images}
        images = {case: path for case, path in images.items() if case not in synthetic}
        if synthetic:
            notes = (f'{source}: {len(synthetic)} synthetic pairs are passed over, for nothing is tested on them',)
    if not images:
        raise InputError(f'{source}: found no pictures of {asked.split} in {" or ".join(FOLDERS[p][0] for p in parts)}; '
                         f'where there is nothing to test, divide: data.division=folds')
    ids = choose_ids(sorted(images), asked.ids, f'{source}')
    needed = {id: {} if asked.unlabelled else {'': labels[id]} for id in ids}
    if asked.unlabelled:
        coded = Coding(UNLABELLED, (0,), None)
    return as_dataset(source, asked.split, coded, ids, images, needed, asked.channels, asked.grey, notes=notes)


def _cases(folder: pathlib.Path) -> Dict[str, pathlib.Path]:
    """case -> its picture; InputError where pictures have several files."""
    found = {}
    for name, path in by_id(folder).items():
        case, channel = name[:-len(CHANNEL)], name[-len(CHANNEL):]
        if channel != CHANNEL or not case:
            raise InputError(f'{path}: expected <case>{CHANNEL}{path.suffix}, one file a picture, found another '
                             f'name; pictures of several channels in several files are not read here')
        found[case] = path
    return found


def _described(path: pathlib.Path) -> Dict[str, Any]:
    """What dataset.json says, checked."""
    try:
        found = json.loads(path.read_text(encoding='utf-8-sig'))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f'{path}: expected JSON: {str(error)[:100]}') from None
    labels = found.get('labels') if isinstance(found, dict) else None
    if not isinstance(labels, dict) or labels.get(BACKGROUND) != 0 or len(labels) < 2:
        raise InputError(f'{path}: expected labels, as {{"background": 0, "left_lung": 1}}, found '
                         f'{str(labels)[:100]}')
    if any(isinstance(value, list) for value in labels.values()):
        raise InputError(f'{path}: expected a number for each of the labels, found regions, lists of numbers; give '
                         f'each number a name of its own, and say which belong together by segmenter.targets')
    numbers = list(labels.values())
    if len(set(map(str, numbers))) < len(numbers) or not all(type(n) is int and 0 <= n <= 255 for n in numbers):
        raise InputError(f'{path}: labels: expected different numbers of 0 to 255, found {str(numbers)[:100]}')
    drawn = found.get(SYNTHETIC, [])
    if not isinstance(drawn, list) or not all(isinstance(case, str) for case in drawn):
        raise InputError(f'{path}: {SYNTHETIC}: expected a list of cases, found {str(drawn)[:100]}')
    if found.get('file_ending') not in SUFFIXES:
        raise InputError(f'{path}: file_ending: expected pictures ({", ".join(SUFFIXES)}), found '
                         f'{found.get("file_ending")!r}; volumes are not read here')
    return found


def coding_of(source: pathlib.Path) -> Coding:
    """What codes mean: by the dataset.json of a folder, and by a coding.yaml that agrees with it; InputError see above."""
    labels = dict(_described(source / DESCRIPTION)['labels'])
    ignore = labels.pop(IGNORE, None)
    organs: Tuple[str, ...] = tuple(label for label in labels if label != BACKGROUND)
    values = (0, *(labels[organ] for organ in organs))
    if (source / 'coding.yaml').is_file():
        said = read_coding(source / 'coding.yaml')
        if [code.organs for code in said.coding.codes[1:]] != [(organ,) for organ in organs] or (
                said.values, said.ignore) != (values, ignore):
            raise InputError(f'{source / "coding.yaml"}: expected the labels of {DESCRIPTION} as organs, in their '
                             f'order ({", ".join(organs)}), values: {list(values)} and ignore: {ignore}, found others')
        return said
    return plain_coding(source.resolve().name, organs, values, ignore)
