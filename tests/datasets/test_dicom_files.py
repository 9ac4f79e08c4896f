"""Real DICOM files of many kinds, which lie elsewhere: DICOM_DIR=folder with index.csv, chest, other and derived."""
import csv
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from datasets.dicom import is_dicom, read_radiograph
from datasets.errors import InputError
from tests import dicoms

FOLDER = Path(os.environ.get('DICOM_DIR', 'none'))
pytestmark = pytest.mark.skipif('DICOM_DIR' not in os.environ, reason='DICOM_DIR: real DICOM files with an index')
LARGEST = {'RG1_J2KR': 0, 'RG1_JLSN': 4, 'RG1_J2KI': 403}  # how far they are from RG1_UNCR, in grey levels


@pytest.fixture(autouse=True)
def pydicom():
    return dicoms.needed()


@pytest.fixture(scope='module')
def read():
    """name -> Radiograph, of all files that are read."""
    return {path.stem: read_radiograph(path) for path in sorted(FOLDER.glob('*/*'))
            if path.stem != 'RG2_JPLY' and is_dicom(path)}


def standard(image):
    return (image - image.mean()) / image.std()


def test_stored_values_are_those_of_the_index(read):
    """By their sha256; of baseline JPEG, where decoders differ by a grey level, the mean of the picture."""
    import pydicom
    with (FOLDER / 'index.csv').open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(read) + 1
    for row in rows:
        path = FOLDER / row['file']
        if path.stem == 'RG2_JPLY':
            continue
        image = read[path.stem].image
        assert image.shape == (int(row['rows']), int(row['columns']))
        assert image.dtype == {8: np.uint8, 16: np.uint16}[int(row['bits_allocated'])]
        file = pydicom.dcmread(path, force=True)
        if 'TransferSyntaxUID' not in file.file_meta:
            file.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
        stored = file.pixel_array
        if 'Baseline' in row['transfer_syntax']:
            assert abs(stored.mean() - float(row['stored_mean'])) < 0.05
            continue
        assert hashlib.sha256(stored.astype('<i4').tobytes()).hexdigest() == row['sha256_of_stored_values_as_int32_le']


def test_twelve_bits_of_extended_jpeg_are_refused_or_read_right(read):
    """pydicom 3 does not ask gdcm for them; 2 does, and gdcm reads them."""
    try:
        found = read_radiograph(FOLDER / 'other' / 'RG2_JPLY.dcm').image
    except InputError as error:
        assert 'stored as JPEG Extended' in str(error) and 'cannot be decoded' in str(error) and '\n' not in str(error)
    else:
        assert np.corrcoef(found.ravel(), read['RG2_JPLL'].image.ravel())[0, 1] > 0.999


def test_nine_ways_to_store_one_picture_agree(read):
    names = [path.stem for path in (FOLDER / 'derived').glob('*.dcm')]
    assert len(names) == 9
    pictures = {name: read[name].image.astype(float) for name in names}
    border = pictures['mono2_padding'] == pictures['mono2_padding'].min()
    inside = ~border
    assert 0 < border.mean() < 0.3
    one = standard(pictures['mono1_deflated'][inside])
    for name, picture in pictures.items():
        assert abs(standard(picture[inside]) - one).max() < 0.002, name


def test_lossy_ones_are_near_and_pairs_are_equal(read):
    whole = read['RG1_UNCR'].image.astype(int)
    for name, largest in LARGEST.items():
        # their extremes differ, and with them where white lies: turned back, they are what was stored
        found, one = (picture.max() + picture.min() - picture for picture in (read[name].image.astype(int), whole))
        assert abs(found - one).max() <= largest, name
    np.testing.assert_array_equal(read['RG2_JPLL'].image, read['RG2_RLE'].image)
    plain, fake = (read[name].image.astype(int) for name in (
        '1.2.276.0.7230010.3.1.4.8323329.6904.1517875201.850819', 'Fake_MONOHR1'))
    np.testing.assert_array_equal(fake, plain.max() + plain.min() - plain)


def test_lungs_are_dark_in_chests(read):
    """Two boxes where lungs lie against the rim; bright in the one whose tag was changed, as it should be."""
    for path in [*(FOLDER / 'chest').iterdir(), *(FOLDER / 'derived').iterdir()]:
        image = read[path.stem].image.astype(float)
        height, width = image.shape
        rows = slice(int(.35 * height), int(.55 * height))
        lungs = np.mean([image[rows, int(a * width):int(b * width)].mean() for a, b in ((.2, .35), (.65, .8))])
        middle = image[rows, int(.47 * width):int(.53 * width)].mean()
        assert (lungs < middle) == (path.stem != 'Fake_MONOHR1'), path


def test_millimetres_and_parts(read):
    assert read['RG1_UNCR'].spacing_mm is None  # 0 in the file
    siim = read['1.2.276.0.7230010.3.1.4.8323329.6904.1517875201.850819']
    assert (siim.spacing_mm, siim.measured) == ((0.168, 0.168), 'calibrated')
