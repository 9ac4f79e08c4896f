"""Pictures of 16 bits a channel: which they are, and how those are read that Pillow would cut to 8."""
from __future__ import annotations

import pathlib
import re
from typing import Union

import cv2
import numpy as np
from PIL import Image

from datasets.errors import InputError

BITS, ORIENTATION = 258, 274  # of TIFF, of EXIF

Path = Union[str, pathlib.Path]


def as_deep(image: np.ndarray) -> np.ndarray:
    """uint8 -> uint16 of the same greys: 255 becomes 65535; uint16 as it is."""
    return image.astype(np.uint16) * 257 if image.dtype == np.uint8 else image


def is_deep_grey(image: Image.Image) -> bool:
    """Whether its one channel has 16 bits."""
    return image.mode == 'I' or image.mode.startswith('I;16')


def has_deep_colours(image: Image.Image, path: Path) -> bool:
    """Whether there are several channels of 16 bits, of which Pillow shows 8."""
    if image.format == 'PNG':
        with open(path, 'rb') as file:
            head = file.read(26)
        return len(head) == 26 and head[24] == 16 and head[25] in (2, 4, 6)
    if image.format == 'PPM':
        with open(path, 'rb') as file:
            words = re.sub(rb'#[^\n]*', b'', file.read(4096)).split()
        return words[0] in (b'P3', b'P6') and int(words[3]) > 255
    bits = getattr(image, 'tag_v2', {}).get(BITS) or ()
    return image.format == 'TIFF' and len(bits) > 1 and max(bits) > 8


def deep_colours(image: Image.Image, path: Path) -> np.ndarray:
    """Channels of 16 bits, blue first, as OpenCV reads them; of what it reads wrongly or not at all an InputError.

    [ours] It reads wrongly, and says nothing, TIFF of a plane a channel and PPM that does not end at 65535. So what it
    reads must be what Pillow does, which cuts or rounds it to 8 bits.
    """
    found = None
    if image.mode in ('LA', 'RGB', 'RGBA', 'RGBX') and image.getexif().get(ORIENTATION, 1) == 1:
        found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if found is not None and found.dtype == np.uint16:
        found = found if found.ndim == 3 else found[..., None]
        colours = found[..., 2::-1] if found.shape[-1] >= 3 else found[..., :1]
        if (abs(colours / np.float32(257) - np.array(image.convert('RGB'))) < 1.5).all():
            return found
    raise InputError(f'{path}: expected 8 bits, or 16 in one channel, found colours of 16 bits that cannot be read as '
                     f'they are; convert it')


def as_uint16(values: np.ndarray, path: Path) -> np.ndarray:
    """Whole numbers as Pillow reads 16 bits; InputError, naming `path`, where they do not fit."""
    if values.min() < 0 or values.max() > 65535:
        raise InputError(f'{path}: expected grey values of 0 to 65535, found {values.min()} to '
                         f'{values.max()}')
    return values.astype(np.uint16)
