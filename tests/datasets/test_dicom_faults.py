"""DICOM that is refused, each in one line that names no patient; and nothing of a file is warned or logged."""
import logging
import random
import re
import sys
import warnings

import numpy as np
import pytest

from datasets import dicom
from datasets.dicom import read_dicom
from datasets.errors import InputError
from tests import dicoms
from tests.dicoms import compressed, picture, says_nothing, with_raw, write

PICTURE = picture()
NUMBERS = ('SamplesPerPixel', 'NumberOfFrames', 'BitsStored', 'HighBit', 'Rows', 'RescaleSlope', 'RescaleIntercept',
           'PixelPaddingValue')
WORDS = ('BodyPartExamined', 'BurnedInAnnotation', 'PixelSpacing', 'ModalityLUTSequence', 'PresentationLUTShape')


@pytest.fixture(autouse=True)
def pydicom():
    return dicoms.needed()


def refused(path):
    """The one line in which a file is refused, that names no patient."""
    with pytest.raises(InputError) as caught:
        read_dicom(path)
    text = str(caught.value).replace(str(path), 'PATH')
    assert text.startswith('PATH: ') and '\n' not in text and says_nothing(text)
    return text


def without_pixels(path):
    write(path, PICTURE)
    import pydicom
    file = pydicom.dcmread(path)
    del file.PixelData
    file.save_as(path)


def cut(path):
    path.write_bytes(write(path, PICTURE).read_bytes()[:-50])


@pytest.mark.parametrize('make, message', [
    (lambda path: write(path, PICTURE, PhotometricInterpretation='RGB'), 'expected a grey picture .* found colours'),
    (lambda path: with_raw(write(path, PICTURE), 'PhotometricInterpretation', b'DOE^JANE'), 'or none that is named'),
    (lambda path: write(path, PICTURE, SamplesPerPixel=3), 'found colours'),
    (lambda path: write(path, np.concatenate([PICTURE] * 2), Rows=40, NumberOfFrames=2), 'found several frames'),
    (without_pixels, 'expected a picture, found none'), (cut, r'Explicit VR Little Endian, cannot be decoded'),
    (lambda path: write(path, np.full((9, 9), 7, np.uint16)), 'found the same value everywhere'),
    (lambda path: write(path, PICTURE, RescaleSlope='0', RescaleIntercept='0'), 'found the same value everywhere'),
    (lambda path: write(path, np.zeros((9, 9), np.uint16), PixelPaddingValue=0), 'found the same value everywhere'),
    (lambda path: path.write_bytes(b'no DICOM at all'), 'cannot be read as DICOM'),
    (lambda path: path.write_bytes(bytes(128) + b'DICM' + bytes(range(200))), 'cannot be read as DICOM|found none'),
    (lambda path: write(path, PICTURE, Rows=16385), 'at most 16384 pixels a side, found a larger one'),
    (lambda path: write(path, PICTURE, BitsStored=12, HighBit=15), 'expected values in the lowest bits'),
    (lambda path: None, 'no such file')])
def test_refused_in_one_line_that_names_no_patient(tmp_path, make, message):
    make(tmp_path / 'one.dcm')
    assert re.search(message, refused(tmp_path / 'one.dcm'))


def test_extended_jpeg_of_twelve_bits(tmp_path):
    """pydicom 3 does not ask gdcm for it."""
    import pydicom
    path = compressed(write(tmp_path / 'one.dcm', PICTURE, BitsStored=12, HighBit=11), 'JPEGExtendedProcess2_4')
    if pydicom.__version__.startswith('2.'):
        assert abs(read_dicom(path).astype(int) - PICTURE).max() <= 4
    else:
        assert re.search(r'JPEG Extended .*, cannot be decoded \(\w+\): damaged, or of a kind that', refused(path))


def test_a_decoder_that_is_missing_is_named(tmp_path, monkeypatch):
    import pydicom
    path = write(tmp_path / 'one.dcm', PICTURE, syntax='RLELossless')
    file = pydicom.dcmread(path)
    file.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
    file.save_as(path)
    with pytest.raises(InputError, match=r'JPEG 2000 .*Lossless.*, cannot be decoded \(\w+\): damaged'):
        read_dicom(path)
    monkeypatch.setattr(dicom.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(InputError, match='take a decoder that is not installed, gdcm: EXTRAS=1 bash tools/setup_env'):
        read_dicom(path)


def test_without_pydicom_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pydicom', None)
    with pytest.raises(InputError, match='^a.dcm: .* pydicom, which is not installed: EXTRAS=1 bash tools/setup_env'):
        read_dicom('a.dcm')


def test_nothing_is_warned_or_logged_of_it(tmp_path, caplog):
    path = write(tmp_path / 'one.dcm', PICTURE, SpecificCharacterSet='ISO_IR 192')
    data = path.read_bytes().replace(b'19610203', b'1961x203')  # a date that is none, and letters of no alphabet
    path.write_bytes(data.replace(b'ISO_IR 192', b'DOE^JANE\xff '))
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter('error')
        read_dicom(path)
    assert says_nothing(caplog.text)
    assert not logging.getLogger('pydicom').disabled


@pytest.mark.parametrize('key', NUMBERS + WORDS)
@pytest.mark.parametrize('value', [b'DOE^JANE', b'DOE\\JANE ', b'PID4711\xff\xfe\x00\x01 ', b'9' * 12])
def test_what_stands_where_something_else_should_is_not_quoted(tmp_path, caplog, key, value):
    """Bytes that pydicom cannot make a number, a list or text of: it raises, or warns, and quotes them."""
    path = with_raw(write(tmp_path / 'one.dcm', PICTURE, RescaleSlope='1', RescaleIntercept='0'), key, value)
    caplog.clear()
    if key in NUMBERS and not value.isdigit():
        assert f'expected one number as {key}, found something else' in refused(path)
    else:
        try:
            assert read_dicom(path).shape == PICTURE.shape
        except InputError:
            refused(path)
    assert says_nothing(caplog.text)


def test_damaged_anywhere(tmp_path):
    """A picture or one line, never another exception; 150 files of a few bytes that are wrong, or too few."""
    whole, rng = write(tmp_path / 'one.dcm', PICTURE).read_bytes(), random.Random(0)
    path, ends = tmp_path / 'two.dcm', set()
    for _ in range(150):
        data = bytearray(whole[:rng.choice([len(whole), rng.randrange(len(whole))])])
        for _ in range(rng.randrange(6)):
            data[rng.randrange(min(len(data), 1200))] = rng.randrange(256)
        path.write_bytes(data)
        try:
            ends.add(read_dicom(path).ndim)
        except InputError:
            ends.add(len(refused(path)) > 0)
    assert ends == {2, True}


def test_a_folder_called_dl_is_named(monkeypatch):
    """python-gdcm asks for the module `dl`, and falls over any folder of that name."""
    def fall(name):
        raise AttributeError
    monkeypatch.setattr(dicom.importlib, 'import_module', fall)
    with pytest.raises(InputError, match=r'^a.dcm: pydicom, .* cannot be loaded \(AttributeError\); is a folder called dl'):
        read_dicom('a.dcm')
