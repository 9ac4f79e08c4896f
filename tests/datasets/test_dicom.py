"""DICOM: one picture in every way that it can be stored; what is refused, and that no message names a patient."""
import csv
import hashlib
import logging
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets import dicom
from datasets.dicom import is_dicom, read_dicom, read_radiograph
from datasets.errors import InputError
from datasets.images import read_grey
from tests import dicoms
from tests.dicoms import TELLTALE, picture, write

PICTURE = picture()
LOW, HIGH = int(PICTURE.min()), int(PICTURE.max())


@pytest.fixture(autouse=True)
def pydicom():
    return dicoms.needed()


def signed(shift):
    return (PICTURE.astype(np.int32) - shift).astype(np.int16)


def table(values):
    """A modality table of the stored values 0, 1, ..., 16 bits."""
    from pydicom.dataset import Dataset
    made = Dataset()
    made.LUTDescriptor, made.ModalityLUTType = [len(values), 0, 16], 'US'
    made.LUTData = values.astype('<u2').tobytes()
    made['LUTData'].VR = 'OW'
    return [made]


WAYS = {  # how one and the same picture is stored
    'explicit': (PICTURE, {}), 'implicit': (PICTURE, {'syntax': 'ImplicitVRLittleEndian'}),
    'big endian': (PICTURE, {'syntax': 'ExplicitVRBigEndian'}), 'RLE': (PICTURE, {'syntax': 'RLELossless'}),
    'deflated': (PICTURE, {'syntax': 'DeflatedExplicitVRLittleEndian'}), 'no preamble': (PICTURE, {'preamble': False}),
    'white is low': (LOW + HIGH - PICTURE, {'polarity': 'MONOCHROME1'}),
    'twice the same': (LOW + HIGH - PICTURE, {'polarity': 'MONOCHROME1', 'PresentationLUTShape': 'INVERSE'}),
    'upright': (PICTURE, {'PresentationLUTShape': 'IDENTITY'}),
    'intercept': (PICTURE - 50, {'RescaleSlope': '1', 'RescaleIntercept': '50'}),
    'signed': (signed(2048), {'RescaleSlope': '1', 'RescaleIntercept': '2048'}),
    'falling slope': (HIGH + 7 - PICTURE, {'RescaleSlope': '-1', 'RescaleIntercept': str(HIGH + 7)}),
    'table': (np.arange(PICTURE.size, dtype=np.uint16).reshape(PICTURE.shape), {
        'ModalityLUTSequence': lambda: table(PICTURE.ravel())}),
    'window': (PICTURE, {'WindowCenter': '1000', 'WindowWidth': '300', 'VOILUTFunction': 'SIGMOID'})}


def written(path, way, **more):
    stored, elements = WAYS[way]
    return write(path, stored, **{key: value() if callable(value) else value for key, value in elements.items()}, **more)


@pytest.mark.parametrize('way', WAYS)
def test_one_picture_however_it_is_stored(tmp_path, way):
    path = written(tmp_path / 'one', way)  # without a suffix
    assert is_dicom(path)
    found = read_dicom(path)
    assert found.dtype == np.uint16 and found.dtype.isnative
    np.testing.assert_array_equal(found, PICTURE)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(slope=st.integers(-6, 6).filter(bool), intercept=st.integers(-3000, 3000), is_turned=st.booleans())
def test_scale_and_polarity_are_one_linear_scale(tmp_path, slope, intercept, is_turned):
    """Whichever signs: what is highest in units, turned where white is low, is brightest; nothing is cut."""
    path = write(tmp_path / 'one', PICTURE, polarity='MONOCHROME1' if is_turned else 'MONOCHROME2',
                 RescaleSlope=str(slope), RescaleIntercept=str(intercept))
    found = read_dicom(path).astype(float)
    wanted = PICTURE.astype(float) * slope * (-1 if is_turned else 1)
    wanted, found = (values - values.min() for values in (wanted, found))
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize('scale, wanted', [('0.5', 65535), ('40', 65535)])
def test_what_is_no_whole_number_of_16_bits_takes_the_whole_range(tmp_path, scale, wanted):
    found = read_dicom(write(tmp_path / 'one', PICTURE, RescaleSlope=scale, RescaleIntercept='0.25')).astype(float)
    assert (found.min(), found.max()) == (0, wanted)
    assert np.corrcoef(found.ravel(), PICTURE.ravel())[0, 1] > 1 - 1e-9


def test_8_bits_stay_8_bits(tmp_path):
    shallow = picture(bits=8)
    assert read_dicom(write(tmp_path / 'one', shallow)).dtype == np.uint8
    found = read_dicom(write(tmp_path / 'one', shallow, polarity='MONOCHROME1'))
    np.testing.assert_array_equal(found, int(shallow.max()) + int(shallow.min()) - shallow.astype(int))


@pytest.mark.parametrize('polarity', ['MONOCHROME1', 'MONOCHROME2'])
@pytest.mark.parametrize('value, limit', [(0, None), (5, 0), (0, 5)])
def test_padding_is_as_dark_as_the_picture_and_no_part_of_its_range(tmp_path, polarity, value, limit):
    stored = PICTURE.copy()
    stored[:4], stored[:, -3:] = value, 0 if limit is None else limit
    more = {} if limit is None else {'PixelPaddingRangeLimit': limit}
    found = read_dicom(write(tmp_path / 'one', stored, polarity=polarity, PixelPaddingValue=value, **more)).astype(int)
    inside = PICTURE[4:, :-3].astype(int)
    low, high = inside.min(), inside.max()
    np.testing.assert_array_equal(found[4:, :-3], low + high - inside if polarity == 'MONOCHROME1' else inside)
    assert (found[:4] == low).all() and (found[:, -3:] == low).all()


@pytest.mark.parametrize('elements, wanted', [
    ({}, (None, '')), ({'PixelSpacing': [0.2, 0.3]}, ((0.2, 0.3), 'calibrated')),
    ({'ImagerPixelSpacing': [0.15, 0.15], 'PixelSpacing': [0.14, 0.14]}, ((0.15, 0.15), 'detector')),
    ({'ImagerPixelSpacing': [0, 0], 'PixelSpacing': [0.14, 0.14]}, ((0.14, 0.14), 'calibrated')),
    ({'PixelSpacing': [-1, 0.3]}, (None, ''))])
def test_millimetres_and_where_they_were_measured(tmp_path, elements, wanted):
    found = read_radiograph(write(tmp_path / 'one', PICTURE, **elements))
    assert (found.spacing_mm, found.measured) == wanted


@pytest.mark.parametrize('elements, wanted', [
    ({}, (False, False, False)), ({'BurnedInAnnotation': 'YES'}, (True, False, False)),
    ({'BodyPartExamined': 'CHEST', 'ViewPosition': 'PA'}, (False, False, False)),
    ({'BodyPartExamined': 'HIP'}, (False, True, False)), ({'ViewPosition': 'LL'}, (False, False, True))])
def test_what_a_file_says_of_itself(tmp_path, elements, wanted):
    assert read_radiograph(write(tmp_path / 'one', PICTURE, **elements))[3:] == wanted


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
    (lambda path: write(path, PICTURE, PhotometricInterpretation='DOE^JANE'), 'or none that is named'),
    (lambda path: write(path, PICTURE, SamplesPerPixel=3), 'found colours'),
    (lambda path: write(path, np.concatenate([PICTURE] * 2), Rows=40, NumberOfFrames=2), 'found several frames'),
    (without_pixels, 'expected a picture, found none'), (cut, r'Explicit VR Little Endian, cannot be decoded'),
    (lambda path: write(path, np.full((9, 9), 7, np.uint16)), 'found the same value everywhere'),
    (lambda path: write(path, PICTURE, RescaleSlope='0', RescaleIntercept='0'), 'found the same value everywhere'),
    (lambda path: write(path, np.zeros((9, 9), np.uint16), PixelPaddingValue=0), 'found the same value everywhere'),
    (lambda path: path.write_bytes(b'no DICOM at all'), 'cannot be read as DICOM'),
    (lambda path: path.write_bytes(bytes(128) + b'DICM' + bytes(range(200))), 'cannot be read as DICOM|found none'),
    (lambda path: None, 'no such file')])
def test_refused_in_one_line_that_names_no_patient(tmp_path, make, message):
    make(tmp_path / 'one.dcm')
    with pytest.raises(InputError, match='one.dcm: .*' + message) as caught:
        read_dicom(tmp_path / 'one.dcm')
    text = str(caught.value)
    assert '\n' not in text and not [word for word in TELLTALE if word in text]


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
    path = write(tmp_path / 'one.dcm', PICTURE)
    path.write_bytes(path.read_bytes().replace(b'19610203', b'1961x203'))
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter('error')
        read_dicom(path)
    assert not [word for word in TELLTALE if word in caplog.text]
    assert not logging.getLogger('pydicom').disabled


def test_pictures_are_no_dicom_and_say_what_makes_them_of_it(tmp_path):
    from PIL import Image
    for name in ('a.png', 'a.jpg', 'a.tif', 'a.bmp', 'a.gif'):
        Image.fromarray(picture(bits=8)).save(tmp_path / name)
        assert not is_dicom(tmp_path / name)
    with pytest.raises(InputError, match='DICOM is not read here: tools/convert_dicom.py makes PNG of it'):
        read_grey(write(tmp_path / 'b.png', PICTURE))


@pytest.mark.skipif('DICOM_DIR' not in os.environ, reason='DICOM_DIR=folder with index.csv: real files of many kinds')
def test_real_files_are_read_as_an_index_says():
    """Stored values by their sha256; of baseline JPEG a decoder may differ by a grey level."""
    import pydicom
    folder = Path(os.environ['DICOM_DIR'])
    for row in csv.DictReader((folder / 'index.csv').open()):
        path = folder / row['file']
        if row['transfer_syntax'].startswith('JPEG Extended'):
            with pytest.raises(InputError, match='JPEG Extended .* cannot be decoded'):
                read_dicom(path)
            continue
        assert is_dicom(path) and read_dicom(path).shape == (int(row['rows']), int(row['columns']))
        if 'Baseline' not in row['transfer_syntax']:
            file = pydicom.dcmread(path, force=True)
            if 'TransferSyntaxUID' not in file.file_meta:
                file.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
            stored = hashlib.sha256(file.pixel_array.astype('<i4').tobytes()).hexdigest()
            assert stored == row['sha256_of_stored_values_as_int32_le'], path
