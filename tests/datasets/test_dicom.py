"""DICOM: one picture in every way that it can be stored. What is refused: test_dicom_faults.py."""
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets.dicom import is_dicom, read_dicom, read_radiograph
from datasets.errors import InputError
from datasets.images import read_grey
from tests import dicoms
from tests.dicoms import compressed, picture, write

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
    'no preamble, implicit': (PICTURE, {'preamble': False, 'syntax': 'ImplicitVRLittleEndian'}),
    'white is low': (LOW + HIGH - PICTURE, {'polarity': 'MONOCHROME1'}),
    'twice the same': (LOW + HIGH - PICTURE, {'polarity': 'MONOCHROME1', 'PresentationLUTShape': 'INVERSE'}),
    'upright': (PICTURE, {'PresentationLUTShape': 'IDENTITY'}),
    'intercept': (PICTURE - 50, {'RescaleSlope': '1', 'RescaleIntercept': '50'}),
    'signed': (signed(2048), {'RescaleSlope': '1', 'RescaleIntercept': '2048'}),
    'overlay': (PICTURE | np.uint16(0x8000), {'BitsStored': 12, 'HighBit': 11}),  # in bits that are not stored
    'intercept alone': (PICTURE - 50, {'RescaleIntercept': '50'}),
    'falling slope': (HIGH + 7 - PICTURE, {'RescaleSlope': '-1', 'RescaleIntercept': str(HIGH + 7)}),
    'table': (np.arange(PICTURE.size, dtype=np.uint16).reshape(PICTURE.shape), {
        'ModalityLUTSequence': lambda: table(PICTURE.ravel())}),
    'window': (PICTURE, {'WindowCenter': '1000', 'WindowWidth': '300', 'VOILUTFunction': 'SIGMOID'})}


COMPRESSED = ('JPEGLSLossless', 'JPEG2000Lossless', 'JPEGLosslessProcess14_1', 'RLELossless')  # by gdcm's names


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


@pytest.mark.parametrize('syntax', COMPRESSED)
@pytest.mark.parametrize('way', ['explicit', 'white is low', 'signed'])
def test_compressed_without_loss(tmp_path, syntax, way):
    path = compressed(written(tmp_path / 'one', way), syntax)
    np.testing.assert_array_equal(read_dicom(path), PICTURE)


@pytest.mark.parametrize('syntax, bits', [('JPEGBaselineProcess1', 8), ('JPEGExtendedProcess2_4', 8), ('JPEG2000', 12),
                                          ('JPEGLSNearLossless', 12)])
def test_compressed_with_loss(tmp_path, syntax, bits):
    shown = picture(bits=bits)
    found = read_dicom(compressed(write(tmp_path / 'one', shown), syntax))
    assert found.dtype == shown.dtype and abs(found.astype(int) - shown).max() <= 2


def test_big_endian_without_a_word_of_it(tmp_path):
    """As ACR-NEMA files of old workstations: neither preamble nor transfer syntax."""
    import pydicom
    file = pydicom.dcmread(write(tmp_path / 'one.dcm', PICTURE, syntax='ExplicitVRBigEndian'))
    dicoms.save(file, tmp_path / 'one.dcm', 'ExplicitVRBigEndian', preamble=False)
    np.testing.assert_array_equal(read_dicom(tmp_path / 'one.dcm'), PICTURE)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(slope=st.integers(-6, 6).filter(bool), intercept=st.integers(-3000, 3000), has_one=st.booleans(),
       polarity=st.sampled_from(['MONOCHROME1', 'MONOCHROME2']), shape=st.sampled_from(['', 'IDENTITY', 'INVERSE']))
def test_scale_and_polarity_are_one_linear_scale(tmp_path, slope, intercept, has_one, polarity, shape):
    """The same picture, whichever signs it is stored with: turned by the slope, and once by either tag or both."""
    is_turned = (slope < 0) != (polarity == 'MONOCHROME1' or shape == 'INVERSE')
    more = {'PresentationLUTShape': shape} if shape else {}
    path = write(tmp_path / 'one', LOW + HIGH - PICTURE if is_turned else PICTURE, polarity=polarity, **more,
                 RescaleSlope=str(slope), **({'RescaleIntercept': str(intercept)} if has_one else {}))
    found = read_dicom(path).astype(int)
    np.testing.assert_array_equal(found - found.min(), (PICTURE.astype(int) - LOW) * abs(slope))


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


@pytest.mark.parametrize('syntax', ['ExplicitVRLittleEndian', 'ImplicitVRLittleEndian'])
@pytest.mark.parametrize('kind, value', [('SS', -3000), ('US', 62536)])
def test_padding_below_zero_with_and_without_its_sign(tmp_path, syntax, kind, value):
    """62536 is -3000 in 16 bits; some write the one, some the other."""
    import pydicom
    stored = signed(2048)
    stored[:4] = -3000
    path = write(tmp_path / 'one', stored, syntax=syntax)
    file = pydicom.dcmread(path)
    file.add_new('PixelPaddingValue', kind, value)
    file.save_as(path)
    inside = PICTURE[4:].astype(int)
    found = read_dicom(path)
    np.testing.assert_array_equal(found[4:], inside - inside.min())
    assert not found[:4].any()


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
    ({'BodyPartExamined': 'PORT CHEST', 'ViewPosition': 'AP'}, (False, False, False)),
    ({'BodyPartExamined': 'HIP'}, (False, True, False)), ({'ViewPosition': 'LL'}, (False, False, True)),
    ({'ViewPosition': 'LATERAL'}, (False, False, True))])
def test_what_a_file_says_of_itself(tmp_path, elements, wanted):
    assert read_radiograph(write(tmp_path / 'one', PICTURE, **elements))[3:] == wanted


def test_pictures_are_no_dicom_and_say_what_makes_them_of_it(tmp_path):
    from PIL import Image
    for name in ('a.png', 'a.jpg', 'a.tif', 'a.bmp', 'a.gif'):
        Image.fromarray(picture(bits=8)).save(tmp_path / name)
        assert not is_dicom(tmp_path / name)
    with pytest.raises(InputError, match='DICOM is not read here: tools/convert_dicom.py makes PNG of it'):
        read_grey(write(tmp_path / 'b.png', PICTURE))
