"""Reads pictures, masks and label maps as arrays, and says in one line if a file is not what it should be.

What is read, what is turned and what is refused is one policy for all of them: the table in
datasets/README.md. Pillow reads all formats (OpenCV here cannot read GIF, and returns half a picture for a
cut file), but for colours of 16 bits, which it cuts to 8 (depths.py).
"""
from __future__ import annotations

import collections
import itertools
import pathlib
from typing import Optional, Tuple, Union

import numpy as np
from PIL import Image, ImageOps

from datasets.depths import as_uint16, deep_colours, has_deep_colours, is_deep_grey
from datasets.dicom import MAX_SIDE, OF_DICOM, is_dicom
from datasets.errors import InputError

Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit is lower, and its message speaks of a bomb
FORMATS = ('PNG', 'JPEG', 'TIFF', 'GIF', 'BMP', 'PPM')  # none that starts another program
_IN_COLOUR = ('expected a grey picture, found colours; set data.channels=3 to keep them, or data.grey to make '
              'them grey (luminance, red, green or blue)')
_MASK_IN_COLOUR = ('expected a mask in black and white, found colours; save what is drawn as white, or put pictures '
                   'of codes, whose palette does not matter, into labels/')
SUFFIXES = ('.png', '.jpg', '.jpeg', '.tif', '.tiff', '.gif', '.bmp', '.ppm', '.pgm')  # in any case
DICOM = 'DICOM is not read here: tools/convert_dicom.py makes PNG of it'
SOME = 50  # files that tell what a folder holds
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0  # of TIFF

GREY = {'luminance': (0.299, 0.587, 0.114),  # ITU-R BT.601, as Pillow and OpenCV weigh them
        'red': (1, 0, 0), 'green': (0, 1, 0), 'blue': (0, 0, 1)}

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
        return _equal(deep, path, _MASK_IN_COLOUR)
    alpha = _alpha(image)
    if alpha is None or (alpha == 255).all():
        return _grey(image, path, _MASK_IN_COLOUR)
    colours = np.array(image.convert('RGBA'))[..., :3]
    if (colours == colours[:1, :1]).all():
        return alpha
    grey = np.where(alpha > 0, colours.max(axis=-1), 0)
    if ((grey > 0) != (alpha > 0)).any():
        raise InputError(f'{path}: expected a mask, found one whose colours and whose transparency say '
                         f'different things; flatten it')
    return grey


def read_picture(path: Path, channels: int = 1, grey: str = 'equal') -> np.ndarray:
    """Reads a picture of a data set of grey (1) or colour (3) pictures.

    Args:
      grey: what becomes of colours in a data set of grey ones: 'equal', refused; or a key of GREY, which
        is what they are weighed with.

    Returns:
      uint8 or uint16 [H, W], or [H, W, 3] in the order red, green, blue; a grey file among colour ones is
      repeated, unless `check_stored_in_colour` was asked before.
    """
    if channels == 1 and grey == 'equal':
        return read_grey(path)
    colours = _colours(path)
    return colours if channels == 3 else weighed(colours, grey)


def weighed(colours: np.ndarray, grey: str) -> np.ndarray:
    """Colours [H, W, 3] -> grey [H, W] of their type, by a key of GREY; a pixel that is grey stays as it is."""
    summed = colours.astype(np.float64) @ GREY[grey]
    return np.where((colours == colours[..., :1]).all(-1), colours[..., 0], summed.round()).astype(colours.dtype)


def bits_of(path: Path) -> int:
    """8 or 16: of a picture's channels, from its head alone; 8 for what cannot be opened, which `read_picture`
    refuses."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            deep = is_deep_grey(image) or has_deep_colours(image, path)
    except Exception:  # a decoder before a broken file raises whatever it likes
        return 8
    return 16 if deep else 8


def check_stored_in_colour(path: Path) -> None:
    """Raises InputError if a picture of a colour data set is stored with one channel, by its head alone: repeated, it
    would be learned as if it were a photograph without colours. What cannot be opened `read_picture` refuses."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            is_grey = image.mode in ('1', 'L', 'LA', 'La') or is_deep_grey(image)
    except Exception:  # as above
        return
    if is_grey:
        raise InputError(f'{path}: expected a picture in colours (data.channels=3), found one that is stored with one '
                         f'channel; take the original, or set data.channels=1 (--channels 1), or, where it belongs among '
                         f'colours as it is, save it as red, green and blue')


def told_colourless(image: np.ndarray) -> Tuple[str, ...]:
    """What is told of a picture in colours [H, W, 3]: that it shows none."""
    is_grey = image.ndim == 3 and (image == image[..., :1]).all()
    return ('grey, though stored in colours',) if is_grey else ()


def _colours(path: Path) -> np.ndarray:
    """A picture of any kind, uint8 or uint16 [H, W, 3], red first."""
    image, deep = _open(path)
    if deep is not None:
        _check_opaque(deep[..., -1] if deep.shape[-1] in (2, 4) else None, 65535, path)
        found = deep[..., 2::-1] if deep.shape[-1] >= 3 else deep[..., :1]  # OpenCV has blue first
    elif is_deep_grey(image):
        found = as_uint16(np.array(image), path)[..., None]
    elif image.mode in ('F', 'CMYK', 'YCbCr', 'LAB', 'HSV'):
        raise InputError(f'{path}: expected a picture of 8 or 16 bits, grey or red, green and blue, found '
                         f'Pillow mode {image.mode!r}; convert it')
    else:
        _check_opaque(_alpha(image), 255, path)
        found = np.array(image.convert('RGB'))
    return np.ascontiguousarray(np.repeat(found, 3 // found.shape[-1], axis=-1))


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
            if has_deep_colours(image, path):
                return image.copy(), deep_colours(image, path)
            tags = getattr(image, 'tag_v2', {})
            if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO and image.mode.startswith('I;16'):
                # of 8 bits Pillow turns them itself
                turned = Image.fromarray((65535 - np.array(image).astype(np.int64)).astype(np.uint16))
                return turned, None
            return ImageOps.exif_transpose(image.copy()), None
    except InputError:
        raise
    except Exception as error:  # a decoder before a broken file raises whatever it likes
        advice = DICOM if is_dicom(path) else 'is it damaged, or of another format?'
        raise InputError(f'{path}: cannot be read as a picture ({" ".join(str(error).split())}); '
                         f'{advice}') from error


def what_else(folder: Path) -> str:
    """What a folder without pictures holds, for a message: '12 .dcm files (...)', or 'none'."""
    found = collections.Counter(path.suffix.lower() or 'unnamed' for path in pathlib.Path(folder).rglob('*')
                                if path.is_file() and not path.name.startswith('.'))
    if not found:
        return 'none'
    words = ', '.join(f'{count} {suffix} file{"s" * (count > 1)}' for suffix, count in found.most_common(3))
    return words + (f' ({DICOM})' if holds_dicom(folder) else '')


def holds_dicom(folder: Path) -> bool:
    """Whether a folder, or one below, has DICOM in it, to judge by the first files; they often have no suffix."""
    some = itertools.islice((path for path in pathlib.Path(folder).rglob('*') if path.is_file()), SOME)
    return any(path.suffix.lower() in OF_DICOM or is_dicom(path) for path in some)


def _equal(deep: np.ndarray, path: Path, refusal: str = _IN_COLOUR) -> np.ndarray:
    """Channels of 16 bits, the fourth of them alpha -> grey uint16 [H, W]."""
    _check_opaque(deep[..., -1] if deep.shape[-1] in (2, 4) else None, 65535, path)
    colours = deep[..., :3] if deep.shape[-1] >= 3 else deep[..., :1]
    if (colours != colours[..., :1]).any():
        raise InputError(f'{path}: {refusal}')
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
    if isinstance(image.info.get('transparency'), int) and is_deep_grey(image):  # one grey, of 16 bits
        return np.where(np.array(image) == image.info['transparency'], 0, 255)
    return None


def _grey(image: Image.Image, path: Path, refusal: str = _IN_COLOUR) -> np.ndarray:
    if image.mode in ('1', 'L', 'LA', 'La'):
        return np.array(image.convert('L'))
    if is_deep_grey(image):
        return as_uint16(np.array(image), path)
    if image.mode in ('P', 'PA', 'RGB', 'RGBA', 'RGBX'):
        colours = np.array(image.convert('RGB'))
        grey = colours[..., 0]
        if (colours != grey[..., None]).any():
            raise InputError(f'{path}: {refusal}')
        return np.ascontiguousarray(grey)
    raise InputError(f'{path}: expected a grey picture of 8 or 16 bits, found Pillow mode '
                     f'{image.mode!r}; convert it')
