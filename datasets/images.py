"""Reads pictures as arrays, and says so in one line if a file is not what it should be.

Pillow reads all formats (OpenCV here cannot read GIF, and returns half a picture for a cut file).
"""
from __future__ import annotations

import pathlib
from typing import Union

import numpy as np
from PIL import Image

from datasets.errors import InputError

# a side longer than this is a mistake or an attack; checked before anything is decoded
MAX_SIDE = 16384
FORMATS = ('PNG', 'JPEG', 'TIFF', 'GIF', 'BMP', 'PPM')  # none that starts another program

Path = Union[str, pathlib.Path]


def read_grey(path: Path) -> np.ndarray:
    """Reads PNG, JPEG, TIFF, GIF or another picture as grey, uint8 or uint16 [H, W].

    Three channels are accepted where they are equal (16-bit ones are read with 8); a transparency
    channel is dropped; of several frames the first is read. InputError for anything else.
    """
    image = _open(path)
    if image.mode in ('1', 'L', 'LA', 'La'):
        return np.array(image.convert('L'))
    if image.mode == 'I' or image.mode.startswith('I;16'):
        return _as_uint16(np.array(image), path)
    if image.mode in ('P', 'PA', 'RGB', 'RGBA', 'RGBX'):
        colours = np.array(image.convert('RGB'))
        grey = colours[..., 0]
        if (colours != grey[..., None]).any():
            raise InputError(f'{path}: expected a grey picture, found colours; convert it to '
                             'one channel')
        return np.ascontiguousarray(grey)
    raise InputError(f'{path}: expected a grey picture of 8 or 16 bits, found Pillow mode '
                     f'{image.mode!r}; convert it')


def read_picture(path: Path, channels: int = 1) -> np.ndarray:
    """Reads a picture of a data set of grey (1) or colour (3) pictures.

    Returns:
      uint8 or uint16 [H, W] as `read_grey`, or uint8 [H, W, 3] in the order red, green, blue; a grey file
      among colour ones is repeated.
    """
    if channels == 1:
        return read_grey(path)
    image = _open(path)
    if image.mode == 'I' or image.mode.startswith('I;16'):
        raise InputError(f'{path}: expected a colour picture of 8 bits, found a grey one of 16; convert it')
    return np.array(image.convert('RGB'))


def read_codes(path: Path) -> np.ndarray:
    """Reads a label picture as codes, uint8 [H, W]: grey values, or the indices of a palette."""
    image = _open(path)
    if image.mode not in ('1', 'L', 'P'):
        raise InputError(f'{path}: expected one channel of 8 bits (grey values or a palette), '
                         f'found Pillow mode {image.mode!r}; save the codes as grey values')
    return np.array(image).astype(np.uint8)


def check_not_constant(image: np.ndarray, source: Path) -> None:
    """Raises InputError, naming `source`, if all pixels are equal: there is nothing to see."""
    if image.min() == image.max():
        raise InputError(f'{source}: expected a picture, found the same value {image.min()} '
                         'everywhere')


def _open(path: Path) -> Image.Image:
    """Opens and decodes a picture; every way this can fail becomes an InputError."""
    if not pathlib.Path(path).is_file():
        raise InputError(f'{path}: no such file')
    try:
        with Image.open(path, formats=FORMATS) as image:
            if max(image.size) > MAX_SIDE:
                raise InputError(f'{path}: expected a picture of at most {MAX_SIDE} pixels a side, '
                                 f'found {image.width} x {image.height}')
            image.load()
            return image.copy()
    except InputError:
        raise
    except Exception as error:  # a decoder before a broken file raises whatever it likes
        raise InputError(f'{path}: cannot be read as a picture ({error}); is it damaged, or of '
                         'another format?') from error


def _as_uint16(values: np.ndarray, path: Path) -> np.ndarray:
    if values.min() < 0 or values.max() > 65535:
        raise InputError(f'{path}: expected grey values of 0 to 65535, found {values.min()} to '
                         f'{values.max()}')
    return values.astype(np.uint16)
