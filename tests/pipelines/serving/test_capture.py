"""Overlays as DICOM: under the study of their radiograph, and refused before anything is segmented."""
import numpy as np
import pytest

from datasets.errors import InputError
from pipelines.serving import capture, predict
from tests import dicoms
from tests.command import call
from tests.pipelines.serving.test_export import model  # noqa: F401  (a fixture)

CARRIED = ('PatientName', 'PatientID', 'PatientBirthDate', 'StudyInstanceUID', 'StudyDate', 'StudyTime', 'AccessionNumber')


@pytest.fixture(autouse=True)
def pydicom():
    return dicoms.needed()


@pytest.mark.parametrize('stored', [
    {}, {'preamble': False, 'syntax': 'ImplicitVRLittleEndian'}, {'syntax': 'ExplicitVRBigEndian'},
    {'SpecificCharacterSet': 'ISO_IR 100', 'PatientName': 'M\xfcller^Zo\xeb', 'PatientID': 'PID4711'}])
def test_it_lies_under_the_study_and_shows_the_overlay(pydicom, tmp_path, stored):
    source = dicoms.write(tmp_path / 'scan.dcm', dicoms.picture(), **stored)
    was = pydicom.dcmread(source, force=True)
    overlay = np.arange(5 * 3 * 3, dtype=np.uint8).reshape(5, 3, 3)  # an odd number of bytes
    begun = capture.study_of(source)
    for name in ('a', 'b'):
        capture.write_capture(tmp_path / f'{name}.dcm', overlay, begun, ['heart', 'left_lung'])
    first, second = (pydicom.dcmread(tmp_path / f'{name}.dcm') for name in 'ab')
    assert {key: first[key].value for key in CARRIED} == {key: was[key].value for key in CARRIED}
    assert first.get('SpecificCharacterSet') == was.get('SpecificCharacterSet')
    np.testing.assert_array_equal(first.pixel_array, overlay)
    assert first.SOPClassUID.name == 'Secondary Capture Image Storage' and first.Modality == 'OT'
    assert first.SourceImageSequence[0].ReferencedSOPInstanceUID == was.SOPInstanceUID
    assert 'heart, left_lung' in first.DerivationDescription and 'not for diagnosis' in first.DerivationDescription
    assert 'PatientSex' in first and first.PatientSex == ''  # type 2, and not said
    assert 'PixelSpacing' not in first and 'InstitutionName' not in first
    names = [file[key].value for file in (was, first, second) for key in ('SOPInstanceUID', 'SeriesInstanceUID') if key in file]
    assert len(set(names)) == len(names) == 5


def test_what_belongs_to_no_study_is_refused_before_the_model_is_loaded(model, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(predict.export, 'load_segmenter', None)
    monkeypatch.setitem(dicoms.SECRETS, 'StudyInstanceUID', '')
    dicoms.write(tmp_path / 'scan.dcm', dicoms.picture())
    with pytest.raises(InputError, match='scan.dcm: expected a StudyInstanceUID') as error:
        predict.predict(model, [tmp_path], tmp_path / 'out', are_captured=True)
    assert '\n' not in str(error.value) and not (tmp_path / 'out').exists()


def test_what_cannot_be_written_again_is_refused_without_quoting_it(pydicom, tmp_path, monkeypatch):
    source = dicoms.write(tmp_path / 'scan.dcm', dicoms.picture())
    monkeypatch.setattr(capture, '_save', lambda *_: (_ for _ in ()).throw(ValueError('DOE^JANE')))
    with pytest.raises(InputError, match='patient and study cannot be written again') as error:
        capture.study_of(source)
    assert 'DOE' not in str(error.value)


def test_a_png_has_no_study(tmp_path):
    (tmp_path / 'a.png').write_bytes(bytes(200))
    with pytest.raises(InputError, match='a.png: --dicom-overlay takes DICOM'):
        capture.study_of(tmp_path / 'a.png')


def test_predict_writes_it_beside_the_picture(pydicom, model, tmp_path):  # noqa: F811
    import cv2
    dicoms.write(tmp_path / 'in' / 'scan.dcm', dicoms.picture())
    predict.predict(model, [tmp_path / 'in'], tmp_path / 'out', are_captured=True)
    picture = cv2.imread(str(tmp_path / 'out' / 'scan_overlay.png'))[..., ::-1]
    np.testing.assert_array_equal(pydicom.dcmread(tmp_path / 'out' / 'scan_overlay.dcm').pixel_array, picture)
    predict.predict(model, [tmp_path / 'in'], tmp_path / 'other')
    assert not list((tmp_path / 'other').glob('*.dcm'))


def test_a_name_is_not_both_hidden_and_written(tmp_path):
    told = call('predict', '--model', tmp_path, '--input', tmp_path, '--output', tmp_path / 'out', '--dicom-overlay', '--names',
                'numbers')
    assert told.returncode == 2 and '--dicom-overlay: names the patient' in told.stderr
