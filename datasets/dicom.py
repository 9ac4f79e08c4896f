"""Reads a radiograph as DICOM: its grey values the right way round, and nothing of what else the file tells.

pydicom (https://pydicom.github.io) reads it, with python-gdcm where the pixels are compressed: extras, which whoever has
DICOM installs. The order of things, after DICOM PS3.3 C.11.1 and C.7.6.3: padding is found among the stored values; then
comes the modality transformation (a table, or slope and intercept); then the polarity, turned within the range of the
data and not of its bits; padding becomes the darkest value last. No window and no VOI table is applied: they are for
people, and a network that standardises its pictures asks for a linear scale. [ours]

No message quotes a value of the file, for these name patients; pydicom's own do, and are not passed on.
"""
from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import pathlib
import warnings
from typing import Any, NamedTuple, Optional, Tuple, Union

import numpy as np

from datasets.errors import EXTRAS, InputError

INVERTED, UPRIGHT = 'MONOCHROME1', 'MONOCHROME2'  # white is the lowest value; black is
CONVERT = 'convert it to PNG of 16 bits, lungs dark, as dcmj2pnm of DCMTK does'
CHESTS = ('CHEST', 'THORAX', 'TORAX', 'LUNG', 'HEART', 'RIB')  # in the words of BodyPartExamined
LATERAL = ('LL', 'RL', 'LLD', 'RLD', 'LAT')  # of ViewPosition: its words begin so
OF_DICOM = ('.dcm', '.dicom', '.ima')  # suffixes, of which a file may have none
DETECTOR, CALIBRATED = 'detector', 'calibrated'  # where millimetres were measured
MAX_SIDE = 16384  # of any picture: a longer side is a mistake or an attack; checked before anything is decoded
DEEPEST = 65535

Path = Union[str, pathlib.Path]


class Radiograph(NamedTuple):
    """What is taken from a file.

    Attributes:
      image: uint8 or uint16 [H, W], lungs dark.
      spacing_mm: (row, column) from pixel to pixel; None where nobody says.
      measured: DETECTOR (ImagerPixelSpacing: the patient is smaller) or CALIBRATED (PixelSpacing); '' of none.
      is_burnt_in: whether the file says that text is burnt into the pixels, which may name the patient.
      is_other_part: whether it names another part of the body than the chest.
      is_lateral: whether it is a view from the side.
    """
    image: np.ndarray
    spacing_mm: Optional[Tuple[float, float]]
    measured: str
    is_burnt_in: bool
    is_other_part: bool
    is_lateral: bool


def is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM does: with its preamble, or without, as old ones, with a tag of group 2 or 8."""
    with open(path, 'rb') as file:
        head = file.read(132)
    if head[128:] == b'DICM':
        return True
    is_tag = head[:2] in (b'\x02\x00', b'\x08\x00') and len(head) == 132
    return is_tag and (head[4:6].isalpha() and head[4:6].isupper() or int.from_bytes(head[4:8], 'little') < 1024)


def pydicom_for(path: Path) -> Any:
    """The module pydicom; InputError, naming `path`, where it is not installed."""
    try:
        return importlib.import_module('pydicom')
    except ImportError:
        raise InputError(f'{path}: DICOM is read by pydicom, which is not installed: {EXTRAS}') from None
    except Exception as error:  # python-gdcm asks for a module `dl`, and takes any folder of that name for it
        raise InputError(f'{path}: pydicom, which reads DICOM, cannot be loaded ({type(error).__name__}); is a folder '
                         f'called dl where Python looks for modules?') from None


def read_dicom(path: Path) -> np.ndarray:
    """The picture of `read_radiograph`."""
    return read_radiograph(path).image


def read_radiograph(path: Path) -> Radiograph:
    """Reads one radiograph.

    Raises:
      InputError: no pydicom, no such file, no DICOM, or one that `radiograph_of` refuses.
    """
    pydicom = pydicom_for(path)
    if not pathlib.Path(path).is_file():
        raise InputError(f'{path}: no such file')
    with silent():
        try:
            return radiograph_of(_opened(pydicom, path), path)
        except InputError:
            raise
        except Exception:  # a reader before a broken file raises whatever it likes, and quotes what it found there
            raise InputError(f'{path}: cannot be read as DICOM; is it damaged, or of another format?') from None


def _opened(pydicom: Any, path: Path) -> Any:
    """The pydicom.Dataset of a file; without a preamble, and so without saying how it is stored, as it was found."""
    file = pydicom.dcmread(path, force=True)
    if 'SOPClassUID' not in file:
        raise ValueError
    if 'TransferSyntaxUID' not in file.file_meta:
        is_little = getattr(file, 'original_encoding', (True, True))[1]
        file.file_meta.TransferSyntaxUID = getattr(
            pydicom.uid, 'ImplicitVRLittleEndian' if is_little else 'ExplicitVRBigEndian')
    return file


def radiograph_of(file: Any, path: Path) -> Radiograph:
    """What a pydicom.Dataset shows; `path` names it in refusals.

    Raises:
      InputError: it holds no picture, several, one in colours, pixels that cannot be decoded, or nothing to see.
    """
    _check(file, path)
    stored = _decoded(file, path)
    values, padding = _in_units(file, stored, path), _padding(file, stored, path)
    shown = values[~padding]
    if not shown.size or shown.min() == shown.max():
        raise InputError(f'{path}: expected a picture, found the same value everywhere')
    low, high = shown.min(), shown.max()
    # in DX both say the same, so it is turned once
    if INVERTED == file.get('PhotometricInterpretation') or file.get('PresentationLUTShape') == 'INVERSE':
        values = high + low - values
    values[padding] = low
    spacing, measured = _spacing(file)
    part, view = (str(file.get(key) or '').strip().upper() for key in ('BodyPartExamined', 'ViewPosition'))
    return Radiograph(_whole(values, stored.dtype), spacing, measured,
                      str(file.get('BurnedInAnnotation') or '').strip().upper() == 'YES',
                      bool(part) and not any(word in part for word in CHESTS), view.startswith(LATERAL))


def _check(file: Any, path: Path) -> None:
    """Refuses what is no radiograph of one grey picture, before anything is decoded."""
    bits = _number(file, 'BitsStored', 0, path)
    is_grey = file.get('PhotometricInterpretation') in (INVERTED, UPRIGHT)
    for is_well, expected in (
            ('PixelData' in file, 'a picture, found none'),
            (_number(file, 'SamplesPerPixel', 1, path) == 1 and is_grey,
             'a grey picture (MONOCHROME1 or MONOCHROME2), found colours or none that is named'),
            (_number(file, 'NumberOfFrames', 1, path) in (0, 1), 'one picture, found several frames'),
            (max(_number(file, side, 0, path) for side in ('Rows', 'Columns')) <= MAX_SIDE,
             f'a picture of at most {MAX_SIDE} pixels a side, found a larger one'),
            (_number(file, 'HighBit', bits - 1, path) == bits - 1,
             f'values in the lowest bits (HighBit is BitsStored - 1), found them elsewhere; {CONVERT}')):
        if not is_well:
            raise InputError(f'{path}: expected {expected}')


def _decoded(file: Any, path: Path) -> np.ndarray:
    """The stored values, [H, W]; InputError that names what decodes them where nothing does."""
    syntax = file.file_meta.TransferSyntaxUID if hasattr(file, 'file_meta') else None
    name = getattr(syntax, 'name', 'nothing')
    name = name if syntax is not None and name != str(syntax) else 'an unknown way'
    try:
        stored = np.asarray(file.pixel_array)
    except Exception as error:
        lacks = getattr(syntax, 'is_compressed', False) and importlib.util.find_spec('gdcm') is None
        raise InputError(f'{path}: its pixels, stored as {name}, ' + (
            f'take a decoder that is not installed, gdcm: {EXTRAS}' if lacks else
            f'cannot be decoded ({type(error).__name__}): damaged, or of a kind that gdcm does not read; {CONVERT}')) from None
    if stored.dtype.kind not in 'iu' or stored.ndim != 2:
        raise InputError(f'{path}: expected one picture of whole numbers, found {stored.dtype} {list(stored.shape)}; '
                         f'{CONVERT}')
    stored = stored.astype(stored.dtype.newbyteorder('='))
    if getattr(syntax, 'is_compressed', False):
        return stored
    # what is not stored may hold an overlay, which pydicom 2 leaves there
    unused = max(0, 8 * stored.dtype.itemsize - int(file.BitsStored))
    return stored << unused >> unused


def _in_units(file: Any, stored: np.ndarray, path: Path) -> np.ndarray:
    """Stored values after the modality transformation, float64."""
    if not file.get('ModalityLUTSequence'):
        slope, intercept = _number(file, 'RescaleSlope', 1, path), _number(file, 'RescaleIntercept', 0, path)
        return stored.astype(np.float64) * slope + intercept
    try:
        try:
            from pydicom.pixels import apply_modality_lut
        except ImportError:  # pydicom 2
            from pydicom.pixel_data_handlers.util import apply_modality_lut
        values = np.array(apply_modality_lut(stored, file), np.float64)
    except Exception:
        values = np.full(1, np.nan)
    if values.shape != stored.shape or not np.isfinite(values).all():
        raise InputError(f'{path}: expected a table that makes numbers of what is stored, found one that does not; '
                         f'{CONVERT}')
    return values


def _padding(file: Any, stored: np.ndarray, path: Path) -> np.ndarray:
    """Which stored values fill up the picture and are none of it, bool [H, W]."""
    first = _number(file, 'PixelPaddingValue', None, path)
    if first is None:
        return np.zeros(stored.shape, bool)
    ends = np.array([first, _number(file, 'PixelPaddingRangeLimit', first, path)], np.int64)
    if stored.dtype.itemsize == 2:
        ends = ends.astype(stored.dtype)  # some write 64536 for -1000
    return (stored >= ends.min()) & (stored <= ends.max())


def _whole(values: np.ndarray, stored: np.dtype) -> np.ndarray:
    """Values float64 -> uint8 or uint16: as they are where they fit, else from 0 on, else over the whole range."""
    is_whole = (values == np.round(values)).all()
    if not (is_whole and values.min() >= 0 and values.max() <= DEEPEST):
        values = values - values.min()
    if not (is_whole and values.max() <= DEEPEST):
        values = np.round(values * (DEEPEST / values.max()))
    return values.astype(np.uint8 if stored.itemsize == 1 and values.max() <= 255 else np.uint16)


def _spacing(file: Any) -> Tuple[Optional[Tuple[float, float]], str]:
    """(row, column) mm and where they were measured; one of the two tags may be 0, which says nothing."""
    for key, measured in (('ImagerPixelSpacing', DETECTOR), ('PixelSpacing', CALIBRATED)):
        try:
            row, column = (float(value) for value in file.get(key) or ())
        except (TypeError, ValueError):
            continue
        if 0 < row < np.inf and 0 < column < np.inf:
            return (row, column), measured
    return None, ''


def _number(file: Any, key: str, default: Optional[float], path: Path) -> Optional[float]:
    """A number of the file; `default` where it says none; InputError where it says something else."""
    try:
        value = file.get(key)
        number = default if value is None or str(value) == '' else float(value)
        if number is None or np.isfinite(number):
            return number
    except Exception:  # what pydicom raises quotes the value
        pass
    raise InputError(f'{path}: expected one number as {key}, found something else; {CONVERT}')


@contextlib.contextmanager
def silent():
    """Without what pydicom warns and logs, which quotes values."""
    log = logging.getLogger('pydicom')
    was, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        log.disabled = was
