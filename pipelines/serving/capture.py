"""An overlay as a DICOM Secondary Capture: a picture that lies under the study of its radiograph, wherever that is shown.

It is a picture and no data (label maps are PNG), and names the patient, as the radiograph does: without that it would
belong to nobody. Hence it is written only if asked for. DICOM PS3.3 A.8.1 says what such a file holds; what type 2 asks
for and the radiograph lacks is empty. No spacing is copied: a capture is not what millimetres were measured on.
"""
from __future__ import annotations

import copy
import datetime
import io
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from datasets.dicom import is_dicom, pydicom_for, silent
from datasets.errors import InputError
from datasets.files import whole_file

# of the radiograph, modules Patient and General Study, and empty where it says nothing
IDENTITY = ('PatientName', 'PatientID', 'PatientBirthDate', 'PatientSex', 'StudyInstanceUID', 'StudyDate', 'StudyTime',
            'ReferringPhysicianName', 'StudyID', 'AccessionNumber', 'PatientOrientation')
# and these only where it says them; the first tells how names are written
IF_KNOWN = ('SpecificCharacterSet', 'IssuerOfPatientID', 'StudyDescription', 'BurnedInAnnotation', 'BodyPartExamined')
SERIES = 'Segmentation overlay'
DERIVED = 'Outlines of {} by a neural network; for research, not for diagnosis'


def study_of(path: Path) -> Any:
    """The pydicom.Dataset that the capture of a radiograph begins with: patient, study, and what it is derived from.

    Raises:
      InputError: the file is no DICOM, names no study or picture, or says something that cannot be written again.
    """
    if not is_dicom(path):
        raise InputError(f'{path}: --dicom-overlay takes DICOM, under whose study the overlay is put; found another '
                         f'format, whose overlay is a PNG')
    pydicom = pydicom_for(path)
    begun, origin = pydicom.Dataset(), pydicom.Dataset()
    with silent():
        try:
            source = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            for key in (*IDENTITY, *IF_KNOWN):
                if source.get(key) not in (None, ''):
                    begun.add(source[key])
                elif key in IDENTITY:
                    setattr(begun, key, '')
            origin.ReferencedSOPClassUID, origin.ReferencedSOPInstanceUID = source.SOPClassUID, source.get('SOPInstanceUID')
            begun.SourceImageSequence = [origin]
            _save(_capture(begun, np.zeros((1, 1, 3), np.uint8), ()), io.BytesIO())
        except Exception:  # quotes what it found, which may be a name
            raise InputError(f'{path}: what it says of patient and study cannot be written again, as --dicom-overlay '
                             f'has to; without that option it is segmented') from None
    if not (begun.StudyInstanceUID and origin.ReferencedSOPClassUID and origin.ReferencedSOPInstanceUID):
        raise InputError(f'{path}: expected a StudyInstanceUID, a SOPClassUID and a SOPInstanceUID, which tell where '
                         f'--dicom-overlay puts the overlay; one is missing')
    return begun


def write_capture(path: Path, overlay: np.ndarray, begun: Any, classes: Sequence[str]) -> None:
    """Writes one file, uncompressed.

    Args:
      overlay: RGB uint8 [H, W, 3].
      begun: of `study_of`; not changed.
      classes: those whose outlines it shows.
    """
    with silent(), whole_file(path) as temporary:
        _save(_capture(begun, overlay, classes), temporary)


def _capture(begun: Any, overlay: np.ndarray, classes: Sequence[str]) -> Any:
    """The whole pydicom.Dataset; its series and itself have names that are new in the world."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid
    (height, width, _), now, file = overlay.shape, datetime.datetime.now(), copy.deepcopy(begun)
    data = overlay.tobytes()
    for key, value in {
            'SOPClassUID': SecondaryCaptureImageStorage, 'SOPInstanceUID': generate_uid(),
            'SeriesInstanceUID': generate_uid(), 'Modality': 'OT', 'SeriesNumber': None, 'SeriesDescription': SERIES,
            'ConversionType': 'WSD', 'InstanceNumber': '1', 'ImageType': ['DERIVED', 'SECONDARY'],
            'DerivationDescription': DERIVED.format(', '.join(classes))[:1024],
            'ContentDate': now.strftime('%Y%m%d'), 'ContentTime': now.strftime('%H%M%S'),
            'SamplesPerPixel': 3, 'PhotometricInterpretation': 'RGB', 'PlanarConfiguration': 0, 'Rows': height,
            'Columns': width, 'BitsAllocated': 8, 'BitsStored': 8, 'HighBit': 7, 'PixelRepresentation': 0,
            'PixelData': data + b'\0' * (len(data) % 2)}.items():
        setattr(file, key, value)
    file['PixelData'].VR = 'OB'
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID, file.file_meta.MediaStorageSOPClassUID, file.file_meta.MediaStorageSOPInstanceUID = (
        ExplicitVRLittleEndian, file.SOPClassUID, file.SOPInstanceUID)
    return file


def _save(file: Any, where: Any) -> None:
    """A file or a stream, by pydicom 3, or 2 of Python 3.9."""
    from pydicom import __version__
    if int(__version__.split('.')[0]) > 2:
        file.save_as(where, enforce_file_format=True)
    else:
        file.is_implicit_VR, file.is_little_endian = False, True
        file.save_as(where, write_like_original=False)
