"""Reads a radiograph as DICOM: its grey values the right way round, and nothing of what else the file tells.

pydicom (https://pydicom.github.io) reads it. It is none of the requirements: whoever has DICOM installs it, and
whoever has not is told so in one line. Read are single grey pictures whose stored values mean what they look like;
what takes more (signed or padded values, tables, a falling scale, several frames) is refused. A rising linear scale,
a window and the millimetres change nothing for a network and are not applied. [ours]

No message quotes a value of the file, for these name patients.
"""
from __future__ import annotations

import importlib
import pathlib
import warnings
from typing import Any, Union

import numpy as np

from datasets.errors import InputError

INVERTED, UPRIGHT = 'MONOCHROME1', 'MONOCHROME2'  # white is the lowest value; black is
CONVERT = 'convert it to PNG of 16 bits, lungs dark, as dcmj2pnm of DCMTK does'

Path = Union[str, pathlib.Path]


def pydicom_for(path: Path) -> Any:
    """The module pydicom; InputError, naming `path`, where it is not installed."""
    try:
        return importlib.import_module('pydicom')
    except ImportError:
        raise InputError(f'{path}: DICOM is read by pydicom, which is not installed: give pip install pydicom, or '
                         f'convert the pictures to PNG') from None


def read_dicom(path: Path) -> np.ndarray:
    """Reads one radiograph: uint8 or uint16 [H, W], lungs dark.

    Raises:
      InputError: no pydicom, no such file, no DICOM, or one that `grey_of` refuses.
    """
    pydicom = pydicom_for(path)
    if not pathlib.Path(path).is_file():
        raise InputError(f'{path}: no such file')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # they quote values
        try:
            file = pydicom.dcmread(path)
        except Exception as error:  # a reader before a broken file raises whatever it likes
            raise InputError(f'{path}: cannot be read as DICOM ({type(error).__name__}); is it damaged, or of another '
                             f'format?') from None
        return grey_of(file, path)


def grey_of(file: Any, path: Path) -> np.ndarray:
    """The picture of a pydicom.Dataset, uint8 or uint16 [H, W], lungs dark.

    Stored values that run the other way (MONOCHROME1) are turned within their own range. `path` names it in refusals.

    Raises:
      InputError: it holds no picture, several, one in colours, or values that would have to be worked out.
    """
    for is_well, expected in (
            ('PixelData' in file, 'a picture, found none'),
            (file.get('SamplesPerPixel', 1) == 1 and file.get('PhotometricInterpretation') in (INVERTED, UPRIGHT),
             'a grey picture (MONOCHROME1 or MONOCHROME2), found colours or none that is named'),
            (file.get('NumberOfFrames') in (None, 1), 'one picture, found several frames'),
            (file.get('PixelRepresentation', 0) == 0, 'values without a sign, found signed ones'),
            ('PixelPaddingValue' not in file, 'pixels of the picture alone, found padding among them'),
            ('ModalityLUTSequence' not in file, 'values on a linear scale, found a table (Modality LUT)'),
            (_rises(file), 'values on a rising scale, found a rescale slope of 0 or below, or none that is a number')):
        if not is_well:
            raise InputError(f'{path}: expected {expected}; {CONVERT}')
    try:
        stored = np.asarray(file.pixel_array)
        stored = stored.astype(stored.dtype.newbyteorder('='))
    except Exception as error:
        raise InputError(f'{path}: its pixels cannot be decoded ({type(error).__name__}): damaged, or compressed in a '
                         f'way that takes python-gdcm beside pydicom; {CONVERT}') from None
    if stored.dtype not in (np.uint8, np.uint16) or stored.ndim != 2:
        raise InputError(f'{path}: expected one picture of 8 or 16 bits, found {stored.dtype} {list(stored.shape)}; '
                         f'{CONVERT}')
    if file.get('PhotometricInterpretation') == INVERTED:
        return (int(stored.max()) + int(stored.min()) - stored.astype(np.int64)).astype(stored.dtype)
    return stored


def _rises(file: Any) -> bool:
    try:
        return float(file.get('RescaleSlope', 1)) > 0
    except (TypeError, ValueError):
        return False
