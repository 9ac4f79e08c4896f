"""Any archive of your own, laid out as a folder.

    <source>/coding.yaml               what the structures are; see below
    <source>/images/<id>.png           8 or 16 bits, any size and shape, any of the suffixes of datasets/images.py
    <source>/masks/<organ>/<id>.png    one mask of two values per organ (they may overlap), or
    <source>/labels/<id>.png           one picture of codes (grey values or palette indices)
    <source>/bone_suppressed/<id>.png  the image without ribs and clavicles, of its aspect; may be missing
    <source>/train.txt, test.txt       ids of each split, one a line
    <source>/patients.csv              lines `id,patient`, so that no division parts them; may be missing
    <source>/spacing.csv               lines `id,mm`, `id,row mm,column mm` or `id,row mm,column mm,detector`: the size of a
                                       pixel, and whether it is that at the detector; may be missing

coding.yaml needs `organs`; all else has a default:

    organs: [left_lung, right_lung, heart]    # in the order of the dots
    codes: [[left_lung], [right_lung], [heart]]     # label-map value 1, 2, ...: the organs there;
                                                    # default: one code per organ
    colours: [[66, 135, 245], [52, 199, 123], [235, 87, 87]]    # RGB of value 1, 2, ...
    targets: [left_lung, heart, right_lung]   # what is segmented and scored; default: all organs
    left_right: [[left_lung, right_lung]]     # pairs whose sides are checked; default: none
    optional: [nodule]        # organs that a picture need not show; default: none
    scattered: [vessels]      # organs of many pieces all over the picture; default: none
    values: [0, 100, 200]     # what labels/ pictures hold for code 0, 1, 2, ...; default: the codes themselves
    ignore: 255               # what they hold where nobody knows: neither trained on nor scored; default: none
"""
from __future__ import annotations

import functools
import pathlib
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from datasets.depths import as_deep
from datasets.dicom import CALIBRATED, DETECTOR, OF_DICOM
from datasets.errors import InputError
from datasets.images import (SUFFIXES, bits_of, check_not_constant, check_stored_in_colour, read_codes, read_picture,
                             told_colourless, what_else)
from datasets.labels import UNLABELLED
from datasets.readers.coding import Coding, read_coding
from datasets.sample import (Dataset, Sample, check_aspect, check_background, check_not_inverted,
                             check_same_aspect, check_shown, check_sides, check_split, read_masks)
from datasets.splits import choose_ids, listed_ids, name_some, normal

Path = Union[str, pathlib.Path]
SPACING = 'spacing.csv'


def open_folder(source: Path, split: str, ids: Optional[Sequence[str]] = None,
                channels: int = 1, grey: str = 'equal', unlabelled: bool = False, bone_suppressed: bool = False
                ) -> Dataset:
    """Opens one split of a folder laid out as above.

    Args:
      source: the folder.
      split: 'train' or 'test', as train.txt and test.txt say, or 'all' pictures that are there.
      ids: the ids of the split; None reads them from <split>.txt in the folder.
      channels: 1 for grey pictures, 3 for colour.
      grey: how colours become grey, see images.read_picture.
      unlabelled: take the pictures alone; then neither coding.yaml nor masks nor labels need be there.
      bone_suppressed: whether those pictures are to be there and read; else nobody looks.

    Returns:
      A Dataset named after the folder; images [H, W], colour ones [H, W, 3], uint8, or all of them uint16
      where one of them has 16 bits; masks bool in the size of their files.

    Raises:
      InputError: layout, coding.yaml, ids, an image or a mask is not as it should be.
    """
    check_split(split)
    source = pathlib.Path(source)
    if not source.is_dir():
        raise InputError(f'--source (data.source) {source}: expected the folder of the data set, found none')
    coded = Coding(UNLABELLED, (0,), None) if unlabelled else read_coding(source / 'coding.yaml')
    images = by_id(source / 'images')
    stored = sorted(images)
    if not stored:
        there = what_else(source / 'images') if (source / 'images').is_dir() else 'no folder images'
        raise InputError(f'{source}: found no images; looked for images/<id>.png (or {", ".join(SUFFIXES)}), '
                         f'found {there}')
    if ids is None:
        ids = listed_ids(source, split, stored)
    notes = _passed_over(source / 'images')
    ids = choose_ids(stored, ids, f'{source}/images', *notes)
    folders = {} if unlabelled else _folders(source, coded)
    annotated = {organ: by_id(folder) for organ, folder in folders.items()}
    for id in ids:
        for organ, folder in folders.items():
            if id not in annotated[organ]:
                raise InputError(f'{folder / id}.png: no such file, though there is an image {id}')
    needed = {id: {organ: annotated[organ][id] for organ in folders} for id in ids}
    suppressed = _suppressed(source / 'bone_suppressed', ids) if bone_suppressed else {}
    return as_dataset(source, split, coded, ids, images, needed, channels, grey, suppressed, notes)


def as_dataset(source: pathlib.Path, split: str, coded: Coding, ids: Tuple[str, ...], images: Mapping[str, pathlib.Path],
               needed: Mapping[str, Mapping[str, pathlib.Path]], channels: int, grey: str,
               suppressed: Mapping[str, pathlib.Path] = {}, notes: Tuple[str, ...] = ()) -> Dataset:
    """The data set of these files, as `open_folder` returns it.

    Args:
      images: id -> picture.
      needed: id -> {organ: its mask}, {'': a picture of codes}, or nothing.
      suppressed: id -> bone-suppressed picture, or none.
      notes: what is worth telling of the folder.
    """
    def read(path: pathlib.Path) -> np.ndarray:
        if channels == 3:
            check_stored_in_colour(path)
        return read_picture(path, channels, grey)

    bits = functools.lru_cache(None)(lambda: max(bits_of(images[id]) for id in ids))
    load = functools.partial(_load, images=images, needed=needed, coded=coded, read=read, bits=bits,
                             suppressed=suppressed)
    return Dataset(f'{source.resolve().name}_{split}', coded.coding, ids, load,
                   files=lambda id: [images[id], *needed[id].values(), *([suppressed[id]] if suppressed else [])],
                   has_bone_suppressed=bool(suppressed), patients=_patients(source, ids),
                   spacings_mm=_spacings(source, ids), has_ignored=coded.ignore is not None,
                   is_at_detector=any(cells[2:] == [DETECTOR] for cells in _spacing_cells(source, ids).values()),
                   notes=notes)


def _suppressed(folder: pathlib.Path, ids: Sequence[str]) -> Dict[str, pathlib.Path]:
    """id -> its bone-suppressed picture; none without the folder."""
    found = by_id(folder)
    missing = [id for id in ids if id not in found] if folder.is_dir() else []
    if missing:
        raise InputError(f'{folder}: expected a picture for every image, found none for {name_some(missing)}')
    return found


def _folders(source: pathlib.Path, coded: Coding) -> Dict[str, pathlib.Path]:
    """organ -> folder of its masks; '' -> that of label maps, which come first."""
    if (source / 'labels').is_dir():
        return {'': source / 'labels'}
    if (source / 'masks').is_dir():
        _check_mask_folders(source / 'masks', coded)
        return {organ: source / 'masks' / organ for organ in coded.coding.organs}
    raise InputError(f'{source}: found neither masks/<organ>/<id>.png nor labels/<id>.png; pictures alone are read '
                     f'with data.unlabelled=true (--unlabelled)')


def _check_mask_folders(place: pathlib.Path, coded: Coding) -> None:
    there = sorted(path.name for path in place.iterdir() if path.is_dir())
    for organ in coded.coding.organs:
        if not (place / organ).is_dir():
            raise InputError(f'{place / organ}: no such folder; found {", ".join(there) or "none"}: the organs '
                             f'of coding.yaml are called as the folders of their masks')
    if coded.ignore is not None or coded.values != tuple(range(len(coded.values))):
        raise InputError(f'{place}: values and ignore in coding.yaml are about pictures of codes, found masks; '
                         f'take them out')


def by_id(folder: pathlib.Path) -> Dict[str, pathlib.Path]:
    """id -> picture of a folder, whichever format and capitals; hidden files are none of ours."""
    found: Dict[str, pathlib.Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() in SUFFIXES and not path.name.startswith('.'):
            id = normal(path.stem)
            if id in found:
                raise InputError(f'{path}: a second file of {id}, beside {found[id].name}; keep one')
            found[id] = path
    return found


def _load(id: str, images: Mapping, needed: Mapping, coded: Coding, read: Callable, bits: Callable,
          suppressed: Mapping) -> Sample:
    path, files, coding, ignored = images[id], needed[id], coded.coding, None
    image = read(path)
    check_not_constant(image, path)
    if bits() > 8:
        image = as_deep(image)
    if '' in files:
        labels = files['']
        label_map, ignored = coded.codes_of(read_codes(labels), str(labels))
        masks = {organ: coding.organ_mask(label_map, organ) for organ in coding.organs}
        check_shown(coding, masks, f'{labels}, organ ')
        for organ, mask in masks.items():
            check_not_inverted(mask, f'{labels}, organ {organ}')
        check_background(masks, str(labels))
        check_sides(coding, masks, str(labels))
    else:
        masks = read_masks(files, coding) if files else {}
    check_aspect(image, masks, str(path))
    told = told_colourless(image) + tuple(
        f'the mask of {organ}, which may be thin, has another size than the picture' for organ in coding.scattered
        if organ in masks and masks[organ].shape != image.shape[:2])
    return Sample(id, image, masks, ignored, _without_bones(suppressed[id], image, read) if suppressed else None, told)


def _without_bones(path: pathlib.Path, image: np.ndarray, read: Callable) -> np.ndarray:
    picture = read(path)
    check_not_constant(picture, path)
    picture = as_deep(picture) if image.dtype == np.uint16 else picture
    if picture.dtype != image.dtype:
        raise InputError(f'{path}: expected the 8 bits of its image, found 16; convert it, or the images')
    check_same_aspect(image, picture, 'a bone-suppressed picture', str(path))
    return picture


def _patients(source: pathlib.Path, ids: Sequence[str]) -> Dict[str, str]:
    """id -> patient from patients.csv; none without the file."""
    return {id: cells[0] for id, cells in _read_csv(source / 'patients.csv', ids, 'id,patient', (1,)).items()}


def _spacings(source: pathlib.Path, ids: Sequence[str]) -> Dict[str, Tuple[float, float]]:
    """id -> (row, column) mm from pixel to pixel from spacing.csv; none without the file."""
    path, found = source / SPACING, {}
    for id, cells in _spacing_cells(source, ids).items():
        try:
            found[id] = float(cells[0]), float(cells[:2][-1])
        except ValueError:
            found[id] = (0.0, 0.0)
        if not all(0 < mm < np.inf for mm in found[id]):
            raise InputError(f'{path}: {id}: expected millimetres above 0, found {",".join(cells)!r}')
        if cells[2:] not in ([], [DETECTOR], [CALIBRATED]):
            raise InputError(f'{path}: {id}: expected where it was measured, {DETECTOR} or {CALIBRATED}, found {cells[2]!r}')
    return found


def _spacing_cells(source: pathlib.Path, ids: Sequence[str]) -> Dict[str, List[str]]:
    return _read_csv(source / SPACING, ids, 'id,mm`, `id,row mm,column mm` or `id,row mm,column mm,' + DETECTOR, (1, 2, 3))


def _passed_over(folder: pathlib.Path) -> Tuple[str, ...]:
    """A note on DICOM that lies among the pictures of a data set."""
    found = [path for path in folder.iterdir() if path.suffix.lower() in OF_DICOM] if folder.is_dir() else []
    return (f'{folder}: {len(found)} files of DICOM are passed over; tools/convert_dicom.py makes PNG of them',
            ) if found else ()


def _read_csv(path: pathlib.Path, ids: Sequence[str], form: str, numbers: Sequence[int]
              ) -> Dict[str, List[str]]:
    """id -> its cells, from lines `id,...`; none without the file.

    Raises:
      InputError: a line is of another form, says something else than one before, or an id has none.
    """
    found: Dict[str, List[str]] = {}
    if not path.is_file():
        return found
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'{path}: expected a table in UTF-8: {error}; save it as CSV UTF-8') from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        id, *cells = [normal(cell.strip()) for cell in line.split(',')]
        if len(cells) not in numbers or not all([id, *cells]):
            raise InputError(f'{path}, line {number}: expected `{form}`, found {line[:60]!r}')
        if found.setdefault(id, cells) != cells:
            raise InputError(f'{path}, line {number}: expected one line for {id}, found '
                             f'{",".join(found[id])} and {",".join(cells)}')
    missing = [id for id in ids if id not in found]
    if missing:
        raise InputError(f'{path}: expected a line for every image, found none for {name_some(missing)}')
    return found
