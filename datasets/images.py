"""Reads pictures, masks and label maps as arrays, and says in one line if a file is not what it should be.

What is read, what is turned and what is refused is one policy for all of them: the table in
datasets/README.md. Pillow reads all formats (OpenCV here cannot read GIF, and returns half a picture for a
cut file), but for colours of 16 bits, which it cuts to 8.
"""
from __future__ import annotations

import pathlib
from typing import Optional, Tuple, Union

import cv2
import numpy as np
from PIL import Image, ImageOps

from datasets.errors import InputError

# a side longer than this is a mistake or an attack; checked before anything is decoded
MAX_SIDE = 16384
Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit is lower, and its message speaks of a bomb
FORMATS = ('PNG', 'JPEG', 'TIFF', 'GIF', 'BMP', 'PPM')  # none that starts another program
SUFFIXES = ('.png', '.jpg', '.jpeg', '.tif', '.tiff', '.gif', '.bmp', '.ppm', '.pgm')  # in any case
PHOTOMETRIC, BITS, WHITE_IS_ZERO = 262, 258, 0  # of TIFF

Path = Union[str, pathlib.Path]


def read_grey(path: Path) -> np.ndarray:
    """Reads PNG, JPEG, TIFF, GIF or another picture as grey, uint8 or uint16 [H, W].

    Three channels are accepted where they are equal, an alpha channel where it is opaque. InputError for
    anything else.
    """
    image, deep = _open(path)
    if deep is not None:
        return _equal(deep, path)
    _check_opaque(_alpha(image), 255, path)
    return _grey(image, path)


def read_mask(path: Path) -> np.ndarray:
    """Reads a mask as grey, [H, W]: what is drawn, or what is not transparent where only that is drawn.

    Raises:
      InputError: it is no grey picture, or colour and transparency say different things.
    """
    image, deep = _open(path)
    if deep is not None:
        return _equal(deep, path)
    alpha = _alpha(image)
    if alpha is None or (alpha == 255).all():
        return _grey(image, path)
    colours = np.array(image.convert('RGBA'))[..., :3]
    if (colours == colours[:1, :1]).all():
        return alpha
    grey = np.where(alpha > 0, colours.max(axis=-1), 0)
    if ((grey > 0) != (alpha > 0)).any():
        raise InputError(f'{path}: expected a mask, found one whose colours and whose transparency say '
                         f'different things; flatten it')
    return grey


def read_picture(path: Path, channels: int = 1) -> np.ndarray:
    """Reads a picture of a data set of grey (1) or colour (3) pictures.

    Returns:
      uint8 or uint16 [H, W] as `read_grey`, or uint8 [H, W, 3] in the order red, green, blue; a grey file
      among colour ones is repeated.
    """
    if channels == 1:
        return read_grey(path)
    image, deep = _open(path)
    if deep is not None or image.mode == 'I' or image.mode.startswith('I;16'):
        raise InputError(f'{path}: expected a colour picture of 8 bits, found one of 16; convert it')
    _check_opaque(_alpha(image), 255, path)
    return np.array(image.convert('RGB'))


def read_codes(path: Path) -> np.ndarray:
    """Reads a label picture as codes, uint8 [H, W]: grey values, or the indices of a palette."""
    image, deep = _open(path)
    if image.mode not in ('1', 'L', 'P') or deep is not None:
        raise InputError(f'{path}: expected one channel of 8 bits (grey values or a palette), '
                         f'found Pillow mode {image.mode!r}; save the codes as grey values')
    return np.array(image).astype(np.uint8)


def check_not_constant(image: np.ndarray, source: Path) -> None:
    """Raises InputError, naming `source`, if all pixels are equal: there is nothing to see."""
    if image.min() == image.max():
        raise InputError(f'{source}: expected a picture, found the same value {image.min()} '
                         'everywhere')


def _open(path: Path) -> Tuple[Image.Image, Optional[np.ndarray]]:
    """Opens, decodes and turns a picture; every way this can fail becomes an InputError.

    Returns:
      (the picture; its pixels uint16 [H, W, 3 or 4] where it has colours of 16 bits, else None).
    """
    if not pathlib.Path(path).is_file():
        raise InputError(f'{path}: no such file')
    try:
        with Image.open(path, formats=FORMATS) as image:
            if max(image.size) > MAX_SIDE:
                raise InputError(f'{path}: expected a picture of at most {MAX_SIDE} pixels a side, '
                                 f'found {image.width} x {image.height}')
            pages = getattr(image, 'n_frames', 1)
            if pages > 1:
                raise InputError(f'{path}: expected one picture, found {pages} pages or frames; save each '
                                 f'as a file')
            image.load()
            if _has_deep_colours(image, path):
                return image.copy(), _deep(image, path)
            tags = getattr(image, 'tag_v2', {})
            if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO and image.mode.startswith('I;16'):
                # of 8 bits Pillow turns them itself
                turned = Image.fromarray((65535 - np.array(image).astype(np.int64)).astype(np.uint16))
                return turned, None
            return ImageOps.exif_transpose(image.copy()), None
    except InputError:
        raise
    except Exception as error:  # a decoder before a broken file raises whatever it likes
        raise InputError(f'{path}: cannot be read as a picture ({" ".join(str(error).split())}); is it '
                         f'damaged, or of another format?') from error


def _has_deep_colours(image: Image.Image, path: Path) -> bool:
    """Whether there are several channels of 16 bits, of which Pillow shows 8."""
    if image.format == 'PNG':
        with open(path, 'rb') as file:
            head = file.read(26)
        return len(head) == 26 and head[24] == 16 and head[25] in (2, 4, 6)
    bits = getattr(image, 'tag_v2', {}).get(BITS) or ()
    return image.format == 'TIFF' and len(bits) > 1 and max(bits) > 8


def _deep(image: Image.Image, path: Path) -> np.ndarray:
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if found is None or found.dtype != np.uint16 or image.getexif().get(274, 1) != 1:
        raise InputError(f'{path}: expected 8 bits, or 16 in one channel, found colours of 16 bits that '
                         f'cannot be read as they are; convert it')
    return found if found.ndim == 3 else found[..., None]


def _equal(deep: np.ndarray, path: Path) -> np.ndarray:
    """Channels of 16 bits, the fourth of them alpha -> grey uint16 [H, W]."""
    _check_opaque(deep[..., -1] if deep.shape[-1] in (2, 4) else None, 65535, path)
    colours = deep[..., :3] if deep.shape[-1] >= 3 else deep[..., :1]
    if (colours != colours[..., :1]).any():
        raise InputError(f'{path}: expected a grey picture, found colours; convert it to one channel')
    return np.ascontiguousarray(colours[..., 0])


def _check_opaque(alpha: Optional[np.ndarray], opaque: int, path: Path) -> None:
    if alpha is not None and (alpha != opaque).any():
        raise InputError(f'{path}: expected an opaque picture, found transparent pixels; flatten it')


def _alpha(image: Image.Image) -> Optional[np.ndarray]:
    """Opacity uint8 [H, W], None where the file says nothing of it."""
    if 'A' in image.getbands() or 'a' in image.getbands():
        return np.array(image.convert('RGBA').getchannel('A'))
    if 'transparency' in image.info and image.mode in ('P', 'L', 'RGB', '1'):
        return np.array(image.convert('RGBA').getchannel('A'))
    return None


def _grey(image: Image.Image, path: Path) -> np.ndarray:
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


def _as_uint16(values: np.ndarray, path: Path) -> np.ndarray:
    if values.min() < 0 or values.max() > 65535:
        raise InputError(f'{path}: expected grey values of 0 to 65535, found {values.min()} to '
                         f'{values.max()}')
    return values.astype(np.uint16)
