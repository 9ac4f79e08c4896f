"""DICOM: polarity, what is refused and how, and that pydicom need not be there."""
import sys

import numpy as np
import pytest

from datasets.dicom import grey_of, read_dicom
from datasets.errors import InputError

STORED = np.array([[10, 20, 30], [40, 50, 250]], np.uint8)


class Drawn(dict):
    """As much of a pydicom.Dataset as is looked at: keywords with their values, and the pixels."""

    @property
    def pixel_array(self):
        if isinstance(self['PixelData'], Exception):
            raise self['PixelData']
        return self['PixelData']


def drawn(stored=STORED, **elements):
    return Drawn(PixelData=stored, PhotometricInterpretation='MONOCHROME2', SamplesPerPixel=1, **elements)


def test_stored_values_are_the_picture():
    for stored in (STORED, STORED.astype(np.uint16) * 100, STORED.astype('>u2') * 100):
        found = grey_of(drawn(stored, RescaleSlope='2.5', WindowCenter=40), 'a')
        assert found.dtype == (np.uint8 if stored is STORED else np.uint16) and found.dtype.isnative
        np.testing.assert_array_equal(found, stored)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_monochrome1_is_turned_within_its_own_range(dtype):
    file = drawn(STORED.astype(dtype))
    file['PhotometricInterpretation'] = 'MONOCHROME1'
    np.testing.assert_array_equal(grey_of(file, 'a'), [[250, 240, 230], [220, 210, 10]])
    assert grey_of(file, 'a').dtype == dtype


@pytest.mark.parametrize('elements, message', [
    ({'PhotometricInterpretation': 'RGB'}, 'expected a grey picture .* found colours'),
    ({'PhotometricInterpretation': None}, 'found colours or none that is named'),
    ({'SamplesPerPixel': 3}, 'found colours'),
    ({'NumberOfFrames': 2}, 'found several frames'),
    ({'PixelRepresentation': 1}, 'found signed ones'),
    ({'PixelPaddingValue': 0}, 'found padding'),
    ({'ModalityLUTSequence': [1]}, 'found a table'),
    ({'RescaleSlope': -1}, 'found a rescale slope of 0 or below'),
    ({'RescaleSlope': 'DOE^JANE'}, 'or none that is a number'),
    ({'PixelData': ValueError('of DOE^JANE')}, r'cannot be decoded \(ValueError\): .* python-gdcm'),
    ({'PixelData': STORED.astype(np.uint32)}, r'of 8 or 16 bits, found uint32 \[2, 3\]'),
    ({'PixelData': STORED[None]}, r'found uint8 \[1, 2, 3\]'),
])
def test_refused_in_one_line_without_a_value_of_the_file(elements, message):
    with pytest.raises(InputError, match='one.dcm: ' + '.*' + message) as caught:
        grey_of(Drawn({**drawn(), **elements}), 'one.dcm')
    assert '\n' not in str(caught.value) and 'JANE' not in str(caught.value)
    assert 'convert it to PNG' in str(caught.value)


def test_no_picture():
    file = drawn()
    del file['PixelData']
    with pytest.raises(InputError, match='expected a picture, found none'):
        grey_of(file, 'a')


def test_without_pydicom_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pydicom', None)
    with pytest.raises(InputError, match='^a.dcm: .* pydicom, which is not installed: give pip install pydicom'):
        read_dicom('a.dcm')


@pytest.mark.parametrize('polarity', ['MONOCHROME1', 'MONOCHROME2'])
def test_a_file_as_pydicom_writes_it(tmp_path, polarity):
    pytest.importorskip('pydicom', reason='pydicom, an extra, is not installed: no DICOM file can be written or read')
    write_dicom(tmp_path / 'one.dcm', STORED, polarity)
    found = read_dicom(tmp_path / 'one.dcm')
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, STORED if polarity == 'MONOCHROME2' else 260 - STORED.astype(int))
    (tmp_path / 'cut.dcm').write_bytes((tmp_path / 'one.dcm').read_bytes()[:-5])
    (tmp_path / 'other.dcm').write_bytes(b'no DICOM at all')
    with pytest.raises(InputError, match='cut.dcm: its pixels cannot be decoded'):
        read_dicom(tmp_path / 'cut.dcm')
    with pytest.raises(InputError, match=r'other.dcm: cannot be read as DICOM \(InvalidDicomError\)'):
        read_dicom(tmp_path / 'other.dcm')
    with pytest.raises(InputError, match='none.dcm: no such file'):
        read_dicom(tmp_path / 'none.dcm')


def write_dicom(path, stored, polarity='MONOCHROME2'):
    """A grey picture uint8 [H, W] as DICOM, uncompressed, with pydicom."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage
    file, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = file.SOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = file.SOPInstanceUID = '1.2.3'
    file.file_meta, file.PatientName = meta, 'DOE^JANE'
    file.Rows, file.Columns = stored.shape
    file.SamplesPerPixel, file.PhotometricInterpretation, file.PixelRepresentation = 1, polarity, 0
    file.BitsAllocated, file.BitsStored, file.HighBit = 8, 8, 7
    file.PixelData = stored.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save_as(path, enforce_file_format=True)
