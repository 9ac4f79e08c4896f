"""Drawn radiographs as DICOM files, written with pydicom (an extra)."""
import numpy as np
import pytest

SECRETS = {'PatientName': 'DOE^JANE', 'PatientID': 'PID4711', 'PatientBirthDate': '19610203', 'StudyDate': '20200405',
           'StudyTime': '031415.92', 'AcquisitionDateTime': '20200405031415', 'InstitutionName': 'ST ELSEWHERE',
           'AccessionNumber': 'ACC815', 'PatientComments': 'QUOKKA, seen twice',
           'SOPInstanceUID': '1.2.826.0.9.7654321', 'StudyInstanceUID': '1.2.826.0.9.1234567'}
TELLTALE = ('DOE', 'JANE', 'PID4711', '19610203', '20200405', '031415', 'ELSEWHERE', 'ACC815', 'QUOKKA', '1234567',
            '7654321', 'SN0815')


def needed():
    """The module pydicom; the test is skipped without it."""
    return pytest.importorskip('pydicom', reason='pydicom, an extra, is not installed: EXTRAS=1 bash '
                                                 'tools/setup_environment.sh')


def picture(height=40, width=32, bits=12):
    """A drawn chest, uint8 or uint16 [H, W]: dark lungs between 100 and 2^bits - 100."""
    y, x = np.mgrid[:height, :width] / [[[height]], [[width]]]
    lungs = sum(np.exp(-((y - .5) / .25) ** 2 - ((x - centre) / .12) ** 2) for centre in (.3, .7))
    low, high = (20, 230) if bits == 8 else (100, 2 ** bits - 100)
    return np.round(high - (high - low) * np.clip(lungs, 0, 1) + 3 * np.sin(9 * x)).astype(np.uint8 if bits == 8 else np.uint16)


def write(path, stored, syntax='ExplicitVRLittleEndian', polarity='MONOCHROME2', preamble=True, **elements):
    """Stored values [H, W], 8 or 16 bits, with or without a sign, as a file; returns its path."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom import uid
    file, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID = getattr(uid, syntax if not syntax.startswith('RLE') else 'ExplicitVRLittleEndian')
    meta.MediaStorageSOPClassUID = file.SOPClassUID = uid.DigitalXRayImageStorageForPresentation
    file.file_meta = meta
    for key, value in SECRETS.items():
        setattr(file, key, value)
    meta.MediaStorageSOPInstanceUID = file.SOPInstanceUID
    file.private_block(0x11, 'ST ELSEWHERE', create=True).add_new(1, 'LO', 'SN0815')
    file.Rows, file.Columns = stored.shape
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, polarity
    bits = 8 * stored.dtype.itemsize
    file.BitsAllocated, file.BitsStored, file.HighBit = bits, bits, bits - 1
    file.PixelRepresentation = int(stored.dtype.kind == 'i')
    file.PixelData = stored.astype(stored.dtype.newbyteorder('>' if 'Big' in syntax else '<')).tobytes()
    file['PixelData'].VR = 'OW'
    for key, value in elements.items():
        setattr(file, key, value)
    if syntax.startswith('RLE'):
        file.is_implicit_VR, file.is_little_endian = False, True  # pydicom 2 asks for them
        file.compress(uid.RLELossless)
    path.parent.mkdir(parents=True, exist_ok=True)
    return save(file, path, syntax, preamble)


def save(file, path, syntax='ExplicitVRLittleEndian', preamble=True):
    """A pydicom.Dataset as a file, by pydicom 3, or 2 of Python 3.9; without a preamble also without its meta group."""
    import pydicom
    if not preamble:
        file.__dict__.pop('file_meta', None)
    if int(pydicom.__version__.split('.')[0]) > 2:
        more = {'enforce_file_format': True} if preamble else {
            'implicit_vr': 'Implicit' in syntax, 'little_endian': 'Big' not in syntax}
        file.save_as(path, **more)
    else:
        file.is_implicit_VR, file.is_little_endian = 'Implicit' in syntax, 'Big' not in syntax
        file.save_as(path, write_like_original=not preamble)
    return path


def compressed(path, syntax):
    """A file that gdcm has stored anew, by its name for the syntax, in its place; returns the path."""
    gdcm = pytest.importorskip('gdcm', reason='python-gdcm, an extra, is not installed')
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(path))
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
    assert reader.Read()
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return path


def with_raw(path, key, value):
    """Puts bytes in the place of one element of a file, whatever they are."""
    import pydicom
    file = pydicom.dcmread(path)
    tag = pydicom.tag.Tag(pydicom.datadict.tag_for_keyword(key))
    kind = pydicom.datadict.dictionary_VR(tag).split(' ')[0]
    file[tag] = pydicom.dataelem.RawDataElement(tag, kind, len(value), value, 0, False, True)
    file.save_as(path)
    return path


def says_nothing(text):
    """Whether a text, or what a folder holds, names nobody: neither a name of a file nor a byte in one."""
    if not isinstance(text, str):
        files = [path for path in text.rglob('*') if path.is_file()]
        text = ' '.join(str(path.relative_to(text)) for path in files) + ''.join(
            path.read_bytes().decode('latin-1') for path in files)
    return not [word for word in TELLTALE if word in text]
