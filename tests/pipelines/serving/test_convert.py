"""DICOM in: predict.py and convert_dicom.py agree, name nobody, and refuse before anything is written."""
import csv
import os

import cv2
import numpy as np
import pytest

from datasets.readers import Request, open_dataset
from tests import dicoms
from tests.command import call, refused
from tests.dicoms import picture, says_nothing, write


@pytest.fixture(autouse=True)
def pydicom():
    return dicoms.needed()


@pytest.fixture
def clinic(tmp_path):
    """As an archive exports it: without suffixes, a name that names the patient, UIDs, an index of the disc."""
    folder = tmp_path / 'clinic'
    write(folder / 'DOE_JANE' / '1.2.840.9', picture(), polarity='MONOCHROME1', ImagerPixelSpacing=[0.2, 0.2])
    write(folder / 'DOE_JANE' / '1.2.840.10', picture(48, 40), preamble=False, PixelSpacing=[0.1, 0.3],
          syntax='ImplicitVRLittleEndian', BurnedInAnnotation='YES')
    write(folder / 'b.dcm', picture(bits=8), BodyPartExamined='HIP', ViewPosition='LL')
    write(folder / 'DICOMDIR', picture(), Modality='OT')
    (folder / 'notes.txt').write_text('of JANE DOE')
    return folder


def test_a_data_set_of_png(clinic, tmp_path):
    done = call('convert_dicom', '--input', clinic, '--output', tmp_path / 'png', '--names', 'numbers')
    assert done.returncode == 0, done.stderr
    assert '1 at the detector' in done.stdout and '1 as the files calibrate them' in done.stdout and '1 unknown' in done.stdout
    rows = list(csv.DictReader((tmp_path / 'png' / 'dicom.csv').open()))
    assert [(row['id'], row['row_mm'], row['column_mm'], row['measured'], row['burnt_in'], row['other_part'],
             row['lateral']) for row in rows] == [
        ('0001', '0.1', '0.3', 'calibrated', '1', '0', '0'), ('0002', '0.2', '0.2', 'detector', '0', '0', '0'),
        ('0003', '', '', '', '0', '1', '1')]
    warnings = [line for line in done.stderr.splitlines() if line.startswith('WARNING: ')]
    assert [line[:26] for line in warnings] == ['WARNING: 0001: text is bur', 'WARNING: 0003: the file sa', 'WARNING: 0003: the file sa']
    low, high = int(picture().min()), int(picture().max())
    for number, wanted in ((1, picture(48, 40)), (2, low + high - picture()), (3, picture(bits=8))):
        found = cv2.imread(str(tmp_path / 'png' / 'images' / f'{number:04}.png'), cv2.IMREAD_UNCHANGED)
        assert found.dtype == wanted.dtype and (found == wanted).all()
    assert not (tmp_path / 'png' / 'spacing.csv').exists()  # of some nobody knows it
    assert says_nothing(done.stdout + done.stderr) and says_nothing(tmp_path / 'png')
    asked = Request(str(tmp_path / 'png'), 'all', unlabelled=True)
    assert open_dataset('folder', asked).ids == ('0001', '0002', '0003')


def test_millimetres_that_all_say_alike_are_read_with_the_data_set(tmp_path):
    for key, is_at_detector in (('PixelSpacing', False), ('ImagerPixelSpacing', True)):
        for name, spacing in (('a', [0.2, 0.3]), ('b', [0.1, 0.1])):
            write(tmp_path / 'clinic' / name, picture(), **{key: spacing})
        assert call('convert_dicom', '--input', tmp_path / 'clinic', '--output', tmp_path / key).returncode == 0
        dataset = open_dataset('folder', Request(str(tmp_path / key), 'all', unlabelled=True))
        assert dataset.spacings_mm == {'a': (0.2, 0.3), 'b': (0.1, 0.1)}
        assert dataset.is_at_detector == is_at_detector


def test_predictions_of_dicom_and_of_its_png_agree(finished, clinic, tmp_path):
    model = finished[1] / 'exports' / 'real-smanet-0' / '1'
    done = call('predict', '--model', model, '--input', clinic, '--output', tmp_path / 'of_dicom', '--names', 'numbers')
    assert done.returncode == 0, done.stderr
    assert 'WARNING: 0001: text is burnt into' in done.stderr and 'WARNING: 0003: the file says that it shows' in done.stderr
    assert says_nothing(done.stdout + done.stderr) and says_nothing(tmp_path / 'of_dicom')
    call('convert_dicom', '--input', clinic, '--output', tmp_path / 'png', '--names', 'numbers')
    call('predict', '--model', model, '--input', tmp_path / 'png' / 'images', '--output', tmp_path / 'of_png')
    for number in (1, 2, 3):
        one, other = (cv2.imread(str(tmp_path / folder / f'{number:04}.png'), -1) for folder in ('of_dicom', 'of_png'))
        assert (one == other).all()
    rows = list(csv.DictReader((tmp_path / 'of_dicom' / 'predictions.csv').open()))
    assert [(row['file'], row['row_mm'], row['column_mm'], row['measured']) for row in rows] == [
        ('0001', '0.1', '0.3', 'calibrated'), ('0002', '0.2', '0.2', 'detector'), ('0003', '', '', '')]
    assert 'row_mm' not in (tmp_path / 'of_png' / 'predictions.csv').read_text()
    done = call('predict', '--model', model, '--input', clinic / 'DOE_JANE', '--output', tmp_path / 'named')
    assert done.returncode == 0 and (tmp_path / 'named' / '1.2.840.9.png').exists()  # names of files are the default


def test_refused_before_anything_is_written(finished, clinic, tmp_path):
    model = finished[1] / 'exports' / 'real-smanet-0' / '1'
    write(clinic / 'DOE_JANE' / '1.2.840.99', np.concatenate([picture()] * 2), Rows=40, NumberOfFrames=2)
    for tool, more in (('convert_dicom', ()), ('predict', ('--model', model))):
        asked = [tool, '--input', clinic, '--output', tmp_path / 'out', *more]
        assert '1.2.840.99: expected one picture, found several frames' in refused(call(*asked))
        line = refused(call(*asked, '--names', 'numbers'))
        assert 'picture 0003: expected one picture' in line and 'JANE' not in line.replace(str(clinic), '')
        assert not (tmp_path / 'out').exists()
    cv2.imwrite(str(tmp_path / 'a.png'), picture(bits=8))
    assert 'expected DICOM, found another picture' in refused(call(
        'convert_dicom', '--input', tmp_path / 'a.png', '--output', tmp_path / 'out'))
    os.makedirs(tmp_path / 'there' / 'x')
    assert 'exists already' in refused(call(
        'convert_dicom', '--input', clinic / 'b.dcm', '--output', tmp_path / 'there'))


def test_a_model_of_colours_takes_none(clinic, tmp_path):
    from datasets.errors import InputError
    from pipelines.serving.pictures import read_picture
    with pytest.raises(InputError, match='picture 7: expected a picture in colours'):
        read_picture(clinic / 'b.dcm', {clinic / 'b.dcm': 'picture 7'}, 3)
