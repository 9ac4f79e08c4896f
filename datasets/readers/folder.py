"""Any archive of your own, laid out as a folder.

    <source>/coding.yaml               what the structures are; see below
    <source>/images/<id>.png           grey, 8 or 16 bits, any size
    <source>/masks/<organ>/<id>.png    one mask of two values per organ (they may overlap), or
    <source>/labels/<id>.png           one picture of codes (grey values or palette indices)
    <source>/train.txt, test.txt       ids of each split, one a line
    <source>/patients.csv              lines `id,patient`, so that no division parts them; may be missing

coding.yaml needs `organs`; all else has a default:

    organs: [left_lung, right_lung, heart]    # in the order of the dots
    codes: [[left_lung], [right_lung], [heart]]     # label-map value 1, 2, ...: the organs there;
                                                    # default: one code per organ
    colours: [[66, 135, 245], [52, 199, 123], [235, 87, 87]]    # RGB of value 1, 2, ...
    targets: [left_lung, heart, right_lung]   # what is segmented and scored; default: all organs
    left_right: [[left_lung, right_lung]]     # pairs whose sides are checked; default: none
    optional: [nodule]        # organs that a picture need not show; default: none
    scattered: [vessels]      # organs of many pieces all over the picture; default: none
"""
from __future__ import annotations

import functools
import pathlib
from typing import Any, Dict, Optional, Sequence, Tuple, Union

from datasets.errors import InputError
from datasets.files import read_yaml
from datasets.images import SUFFIXES, check_not_constant, read_codes, read_picture
from datasets.labels import BACKGROUND_COLOUR, Code, LabelCoding
from datasets.sample import (SPLITS, Dataset, Sample, check_aspect, check_shown, check_sides,
                             check_split, read_masks)
from datasets.splits import check_disjoint, choose_ids, name_some, normal, read_ids

# qualitative colours that stay apart on black; repeated where a coding has more codes
PALETTE = ((66, 135, 245), (52, 199, 123), (235, 87, 87), (242, 201, 76), (187, 107, 217),
           (86, 204, 242), (242, 153, 74), (250, 225, 160))
KEYS = ('organs', 'codes', 'colours', 'targets', 'left_right', 'optional', 'scattered')

Path = Union[str, pathlib.Path]


def open_folder(source: Path, split: str, ids: Optional[Sequence[str]] = None,
                channels: int = 1) -> Dataset:
    """Opens one split of a folder laid out as above.

    Args:
      source: the folder.
      split: 'train' or 'test', as train.txt and test.txt say, or 'all' pictures that are there.
      ids: the ids of the split; None reads them from <split>.txt in the folder.
      channels: 1 for grey pictures, 3 for colour.

    Returns:
      A Dataset named after the folder; images uint8 or uint16 [H, W], colour ones uint8 [H, W, 3];
      masks bool in the size of their files.

    Raises:
      InputError: layout, coding.yaml, ids, an image or a mask is not as it should be.
    """
    check_split(split)
    source = pathlib.Path(source)
    if not source.is_dir():
        raise InputError(f'--source (data.source) {source}: expected the folder of the data set, found none')
    coding = read_coding(source / 'coding.yaml')
    images = _by_id(source / 'images')
    stored = sorted(images)
    if not stored:
        raise InputError(f'{source}: found no images; looked for images/<id>.png (or {", ".join(SUFFIXES)})')
    if ids is None:
        ids = _listed_ids(source, split, stored)
    ids = choose_ids(stored, ids, f'{source}/images')
    if (source / 'labels').is_dir():
        folders = {'': source / 'labels'}
    elif (source / 'masks').is_dir():
        folders = {organ: source / 'masks' / organ for organ in coding.organs}
    else:
        raise InputError(f'{source}: found neither masks/<organ>/<id>.png nor labels/<id>.png')
    annotated = {organ: _by_id(folder) for organ, folder in folders.items()}
    for id in ids:
        for organ, folder in folders.items():
            if id not in annotated[organ]:
                raise InputError(f'{folder / id}.png: no such file, though there is an image {id}')
    needed = {id: {organ: annotated[organ][id] for organ in folders} for id in ids}
    load = functools.partial(_load, images=images, needed=needed, coding=coding, channels=channels)
    return Dataset(f'{source.resolve().name}_{split}', coding, ids, load,
                   files=lambda id: [images[id], *needed[id].values()], patients=_patients(source, ids))


def _by_id(folder: pathlib.Path) -> Dict[str, pathlib.Path]:
    """id -> picture of a folder, whichever format and capitals; hidden files are none of ours."""
    found: Dict[str, pathlib.Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() in SUFFIXES and not path.name.startswith('.'):
            id = normal(path.stem)
            if id in found:
                raise InputError(f'{path}: a second file of {id}, beside {found[id].name}; keep one')
            found[id] = path
    return found


def _load(id: str, images: dict, needed: dict, coding: LabelCoding, channels: int) -> Sample:
    path, files = images[id], needed[id]
    image = read_picture(path, channels)
    check_not_constant(image, path)
    if '' in files:
        labels = files['']
        label_map = read_codes(labels)
        coding.check(label_map, str(labels))
        masks = {organ: coding.organ_mask(label_map, organ) for organ in coding.organs}
        check_shown(coding, masks, f'{labels}, organ ')
        check_sides(coding, masks, str(labels))
    else:
        masks = read_masks(files, coding)
    check_aspect(image, masks, str(path))
    return Sample(id, image, masks)


def _patients(source: pathlib.Path, ids: Sequence[str]) -> Dict[str, str]:
    """id -> patient from patients.csv, lines of `id,patient`; none without the file."""
    path = source / 'patients.csv'
    if not path.is_file():
        return {}
    found: Dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding='utf-8-sig').splitlines(), 1):
        if not line.strip():
            continue
        cells = [normal(cell.strip()) for cell in line.split(',')]
        if len(cells) != 2 or not all(cells):
            raise InputError(f'{path}, line {number}: expected `id,patient`, found {line[:60]!r}')
        if found.setdefault(cells[0], cells[1]) != cells[1]:
            raise InputError(f'{path}, line {number}: expected one patient of {cells[0]}, found '
                             f'{found[cells[0]]} and {cells[1]}')
    missing = [id for id in ids if id not in found]
    if missing:
        raise InputError(f'{path}: expected the patient of every image, found none of '
                         f'{name_some(missing)}')
    return found


def _listed_ids(source: pathlib.Path, split: str, stored: Sequence[str]) -> Tuple[str, ...]:
    """Ids of <split>.txt, which must share none with the other split's list."""
    lists = {name: source / f'{name}.txt' for name in SPLITS}
    if split == 'all':
        return tuple(stored)
    if not lists[split].is_file():
        raise InputError(f'{source}: which images are for {split}? Write their ids into '
                         f'{lists[split]}, one a line, or give ids')
    if all(path.is_file() for path in lists.values()):
        check_disjoint(read_ids(lists['train']), read_ids(lists['test']))
    return read_ids(lists[split])


def read_coding(path: Path) -> LabelCoding:
    """Reads coding.yaml; its keys are in the module's docstring, unknown ones are an InputError."""
    path = pathlib.Path(path)
    try:
        data = read_yaml(path)
    except ValueError as error:
        raise InputError(f'{path}: expected YAML that lists the organs: {error}') from None
    if not isinstance(data, dict) or 'organs' not in data:
        raise InputError(f'{path}: expected the key organs, a list of names; known keys are '
                         f'{", ".join(KEYS)}')
    for key in data:
        if key not in KEYS:
            raise InputError(f'{path}: unknown key {key!r}; known keys are {", ".join(KEYS)}')
    organs = _names(data['organs'], path, 'organs')
    codes = [_names(code, path, 'codes') for code in
             _list(data.get('codes', [[organ] for organ in organs]), path, 'codes')]
    targets = _names(data.get('targets', list(organs)), path, 'targets')
    optional, scattered = (_names(data[key], path, key) if data.get(key) else ()
                           for key in ('optional', 'scattered'))
    pairs = [_names(pair, path, 'left_right') for pair in
             _list(data.get('left_right', []), path, 'left_right')]
    colours = [_colour(colour, path) for colour in _list(data.get('colours', []), path, 'colours')]
    if 'colours' not in data:
        colours = [PALETTE[i % len(PALETTE)] for i in range(len(codes))]
    if len(colours) != len(codes):
        raise InputError(f'{path}: expected {len(codes)} colours, one per code after the '
                         f'background, found {len(colours)}')
    if any(len(pair) != 2 for pair in pairs):
        raise InputError(f'{path}: left_right: expected pairs [left organ, right organ], found '
                         f'{data["left_right"]}')
    named = [Code((), BACKGROUND_COLOUR, None)]
    for code, colour in zip(codes, colours):
        # where organs overlap, the first target of a code is what segmentation should predict
        target = next((organ for organ in code if organ in targets), None)
        named.append(Code(code, colour, target))
    try:
        return LabelCoding(path.parent.resolve().name, organs, tuple(named), targets, tuple(pairs),
                           optional, scattered)
    except InputError as error:
        raise InputError(f'{path}: {error}') from error


def _list(value: Any, path: Path, key: str) -> list:
    if not isinstance(value, list):
        raise InputError(f'{path}: {key}: expected a list, found {value!r}')
    return value


def _names(value: Any, path: Path, key: str) -> Tuple[str, ...]:
    """A list of different names, as they can be folders; at least one."""
    names = _list(value, path, key)
    plain = all(isinstance(name, str) and name and name[0] != '.' and not set(name) & set('/\\')
                and name != 'background' for name in names)
    if not names or not plain or len(set(names)) != len(names):
        raise InputError(f'{path}: {key}: expected a list of different names, none of them '
                         f'background, found {value!r}')
    return tuple(names)


def _colour(value: Any, path: Path) -> Tuple[int, int, int]:
    numbers = _list(value, path, 'colours')
    if len(numbers) != 3 or not all(type(n) is int and 0 <= n <= 255 for n in numbers):
        raise InputError(f'{path}: colours: expected [red, green, blue] of 0 to 255, found '
                         f'{value!r}')
    return tuple(numbers)
