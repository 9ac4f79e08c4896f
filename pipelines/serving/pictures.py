"""Which pictures a user named, in which formats, and how results and messages call them."""
from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from datasets import images
from datasets.dicom import OF_DICOM, Radiograph, is_dicom, read_radiograph
from datasets.errors import InputError
from datasets.images import check_not_constant
from datasets.readers.jsrt import read_img
from datasets.splits import normal
from pipelines.runtime import progress

SUFFIXES = (*images.SUFFIXES, '.img')
INDEX = 'DICOMDIR'                     # what a disc holds, and no picture
OVERLAY = '_overlay'                   # behind the name of a picture: a second result


class Picture(NamedTuple):
    """uint8 or uint16 [H, W] or [H, W, 3], and what a DICOM file says of it."""
    image: np.ndarray
    told: Optional[Radiograph] = None


def read_picture(path: Path, shown: Mapping[Path, str] = {}, channels: int = 1, grey: str = 'equal') -> Picture:
    """A picture as images.read_picture reads it, grey ones with lungs dark; DICOM by what it is, whatever it is called;
    JSRT's .IMG files too.

    Args:
      shown: what messages call a path.

    Raises:
      InputError: it cannot be read, or there is nothing to see.
    """
    try:
        picture = _read(path, channels, grey)
        check_not_constant(picture.image, path)
        return picture
    except InputError as error:
        raise InputError(str(error).replace(str(path), shown.get(path, str(path)))) from None


def _read(path: Path, channels: int, grey: str) -> Picture:
    if path.suffix.lower() in OF_DICOM or path.is_file() and is_dicom(path):
        if channels != 1:
            raise InputError(f'{path}: expected a picture in colours, as the model learned from, found DICOM, of which '
                             f'radiographs in grey are read')
        told = read_radiograph(path)
        return Picture(told.image, told)
    if path.suffix.lower() == '.img':
        return Picture(read_img(path))
    return Picture(images.read_picture(path, channels, grey))


def check(files: Mapping[Path, str], read: Callable[[Path], Picture], are_chests: bool) -> List[str]:
    """Reads every picture once; returns what whoever takes them should know, a line each.

    Args:
      read: `read_picture` of a path.
      are_chests: whether they are to be frontal radiographs of the chest.
    """
    warnings = []
    for path, name in progress.bar(list(files.items()), desc='check', unit='image'):
        told = read(path).told
        if told:
            warnings += [f'WARNING: {name}: {words}' for is_so, words in (
                (told.is_burnt_in, 'text is burnt into the pixels; it may name the patient'),
                (told.is_other_part and are_chests, 'the file says that it shows another part of the body than the chest'),
                (told.is_lateral and are_chests, 'the file says that it is a view from the side')) if is_so]
    return warnings


def warn(warnings: Sequence[str]) -> None:
    """Prints them to stderr, a line each."""
    print(*warnings, sep='\n', end='\n' * bool(warnings), file=sys.stderr)


def shown(files: Mapping[Path, str], are_numbered: bool) -> Dict[Path, str]:
    """What messages call the files: their paths, or numbers."""
    return {path: f'picture {name}' if are_numbered else str(path) for path, name in files.items()}


def list_pictures(inputs: Sequence, output=None, are_numbered: bool = False) -> Dict[Path, str]:
    """Files as given and the pictures in folders and those below, sorted -> the name of each result.

    Args:
      output: a folder whose files are results, and no pictures to segment.
      are_numbered: whether results are called 0001, 0002, ..., in the order of the files.

    Raises:
      InputError: none, or two whose results would have one name.
    """
    files: Dict[Path, str] = {}
    for given in map(Path, inputs):
        if given.is_dir():
            found = _walk(given, output)
            if not found:
                raise InputError(f'--input {given}: expected pictures ({", ".join(SUFFIXES)}) or DICOM, '
                                 f'found {images.what_else(given)}')
            files.update((path, str(path.relative_to(given).with_name(_stem(path)))) for path in found)
        elif given.is_file():
            files[given] = _stem(given)
        else:
            raise InputError(f'--input {given}: no such file or folder')
    if are_numbered:
        return {path: f'{number:0{max(4, len(str(len(files))))}}' for number, path in enumerate(files, 1)}
    owners: Dict[str, Path] = {}
    for path, name in files.items():
        for result in (name, name + OVERLAY):
            other = owners.setdefault(normal(result).lower(), path)  # not every disk tells a from A
            if other != path:
                raise InputError(f'--input: the results of {other} and {path} would both be called '
                                 f'{result}.png; segment them into two folders')
    return files


def _walk(folder: Path, output) -> List[Path]:
    """Its pictures and those of the folders below, without hidden ones (a Mac leaves ._name beside name)."""
    results, found = Path(output).resolve() if output else None, []
    for place, below, names in os.walk(folder):
        below[:] = sorted(name for name in below
                          if not name.startswith('.') and Path(place, name).resolve() != results)
        found += [path for path in (Path(place, name) for name in names if not name.startswith('.'))
                  if path.suffix.lower() in (*SUFFIXES, *OF_DICOM)
                  or path.name.upper() != INDEX and path.is_file() and is_dicom(path)]
    return sorted(found)


def _stem(path: Path) -> str:
    """A file's name without what says its kind; the parts of a UID are none."""
    return path.stem if path.suffix.lower() in (*SUFFIXES, *OF_DICOM) else path.name
