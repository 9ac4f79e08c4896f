"""A folder of one's own: layouts, coding.yaml, splits, and every error."""
import shutil

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image

from datasets.errors import InputError
from datasets.readers.coding import plain_coding
from datasets.labels import CHEST
from datasets.phantom.phantom import draw_phantom
from datasets.readers.folder import open_folder

IDS = ('a', 'b', 'c')
CODING = {
    'organs': list(CHEST.organs),
    'codes': [list(code.organs) for code in CHEST.codes[1:]],
    'colours': [list(code.colour) for code in CHEST.codes[1:]],
    'targets': list(CHEST.targets),
    'left_right': [list(pair) for pair in CHEST.left_right],
}


def _save(array, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def draw(folder):
    """Images and masks of three drawn chests, a and b for training, c for testing; the folder."""
    for index, id in enumerate(IDS):
        sample = draw_phantom(0, index, 64)
        _save(sample.image, folder / 'images' / f'{id}.png')
        for organ, mask in sample.masks.items():
            _save(mask.astype(np.uint8) * 255, folder / 'masks' / organ / f'{id}.png')
    _coding(folder, CODING)
    (folder / 'train.txt').write_text('b\na\n', encoding='utf-8')
    (folder / 'test.txt').write_text('c\n', encoding='utf-8')
    return folder


@pytest.fixture
def source(tmp_path):
    return draw(tmp_path / 'chests')


def _coding(folder, data):
    (folder / 'coding.yaml').write_text(yaml.safe_dump(data), encoding='utf-8')


def _to_labels(folder):
    for index, id in enumerate(IDS):
        _save(CHEST.encode(draw_phantom(0, index, 64).masks), folder / 'labels' / f'{id}.png')


def test_masks(source):
    dataset = open_folder(source, 'train')
    assert dataset.name == 'chests_train' and dataset.ids == ('b', 'a')
    sample, drawn = dataset.load('b'), draw_phantom(0, 1, 64)
    np.testing.assert_array_equal(sample.image, drawn.image)
    assert tuple(sample.masks) == CHEST.organs
    for organ in CHEST.organs:
        np.testing.assert_array_equal(sample.masks[organ], drawn.masks[organ])


def test_labels_give_the_same_label_map(source):
    _to_labels(source)
    sample = open_folder(source, 'test').load('c')
    expected = CHEST.encode(draw_phantom(0, 2, 64).masks)
    np.testing.assert_array_equal(CHEST.encode(sample.masks), expected)


def test_ids_come_from_the_argument_too(source):
    (source / 'train.txt').unlink()
    assert open_folder(source, 'train', ['c', 'a']).ids == ('c', 'a')


def test_without_a_coding(tmp_path):
    with pytest.raises(InputError, match='coding.yaml: expected YAML that lists the organs'):
        open_folder(tmp_path, 'train')


def test_layout_errors(source):
    for path in sorted((source / 'masks').rglob('*.png')):
        path.unlink()
    with pytest.raises(InputError, match='left_lung/b.png: no such file, though there is an image'):
        open_folder(source, 'train')
    (source / 'masks').rename(source / 'segmentations')
    with pytest.raises(InputError, match='found neither masks/<organ>/<id>.png nor labels/'):
        open_folder(source, 'train')
    (source / 'images').rename(source / 'pictures')
    with pytest.raises(InputError, match='found no images; looked for images/<id>.png .* found no folder images'):
        open_folder(source, 'train')
    (source / 'images').mkdir()
    (source / 'images' / 'a.dcm').write_bytes(b'x')
    with pytest.raises(InputError, match='found 1 .dcm file .DICOM is not read here: tools/convert_dicom.py'):
        open_folder(source, 'train')


@pytest.mark.parametrize('is_colour', [False, True])
def test_eight_bits_among_sixteen_become_sixteen(source, is_colour):
    """255 is 65535; a picture of 16 bits keeps its low byte, in colours too."""
    deep = np.random.default_rng(0).integers(0, 65536, (64, 64, 3)).astype(np.uint16)
    cv2.imwrite(str(source / 'images' / 'a.png'), deep if is_colour else deep[..., 0])
    if is_colour:
        _save(np.repeat(draw_phantom(0, 1, 64).image[..., None], 3, -1), source / 'images' / 'b.png')
    dataset = open_folder(source, 'train', channels=3 if is_colour else 1)
    shallow = draw_phantom(0, 1, 64).image.astype(np.uint16) * 257
    found = dataset.load('b').image
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, np.repeat(shallow[..., None], 3, -1) if is_colour else shallow)
    np.testing.assert_array_equal(dataset.load('a').image, deep[..., ::-1] if is_colour else deep[..., 0])


def test_dicom_is_known_without_a_suffix_and_told_where_it_lies_among_pictures(source):
    of_dicom = bytes(128) + b'DICM'
    (source / 'images' / 'x.dcm').write_bytes(of_dicom)
    note, = open_folder(source, 'train').notes
    assert 'images: 1 files of DICOM are passed over; tools/convert_dicom.py makes PNG of them' in note
    with pytest.raises(InputError, match='unknown ids x; .* known, such as a, b; .*images: 1 files of DICOM are passed over'):
        open_folder(source, 'train', ids=['a', 'x'])
    shutil.rmtree(source / 'images')
    (source / 'images').mkdir()
    (source / 'images' / '1.2.840').write_bytes(of_dicom)
    with pytest.raises(InputError, match=r'found 1 .840 file .DICOM is not read here: tools/convert_dicom.py'):
        open_folder(source, 'train')


def test_a_folder_of_masks_by_another_name_is_named_with_those_that_are_there(source):
    (source / 'masks' / 'heart').rename(source / 'masks' / 'Heart')
    with pytest.raises(InputError, match='masks/heart: no such folder; found Heart, left_clavicle, '):
        open_folder(source, 'train')


def test_values_and_a_value_that_nobody_knows(source):
    """Pictures of 0, 100, 200 are codes 0, 1, 2; 255 neither trains nor scores."""
    _coding(source, {'organs': ['disc', 'cup'], 'values': [0, 100, 200], 'ignore': 255})
    stored = np.zeros((64, 64), np.uint8)
    stored[8:20, 8:20], stored[30:40, 30:50], stored[50:, :10] = 100, 200, 255
    for id in IDS:
        _save(stored, source / 'labels' / f'{id}.png')
    dataset = open_folder(source, 'train')
    sample = dataset.load('a')
    assert dataset.has_ignored
    np.testing.assert_array_equal(sample.masks['disc'], stored == 100)
    np.testing.assert_array_equal(sample.masks['cup'], stored == 200)
    np.testing.assert_array_equal(sample.ignored, stored == 255)
    stored[0, 0] = 7
    _save(stored, source / 'labels' / 'a.png')
    with pytest.raises(InputError, match=r'label code 7 is out of range: expected of \[0, 100, 200, 255\] for the '
                                         'background and disc, cup, found 0, 7, 100, 200, 255; say in'):
        dataset.load('a')


def test_values_are_no_matter_of_masks(source):
    _coding(source, {**CODING, 'ignore': 255})
    with pytest.raises(InputError, match='values and ignore in coding.yaml are about pictures of codes, found masks'):
        open_folder(source, 'train')


def test_the_spacing_of_each_picture(source):
    (source / 'spacing.csv').write_text('a,0.5\nb,0.5,0.25\nc,1\n', encoding='utf-8')
    assert open_folder(source, 'train').spacings_mm['b'] == (0.5, 0.25)
    assert open_folder(source, 'train').spacings_mm['a'] == (0.5, 0.5)
    assert not open_folder(source, 'train').is_at_detector
    (source / 'spacing.csv').write_text('a,0.5\nb,0.5,0.25,detector\nc,1\n', encoding='utf-8')
    assert open_folder(source, 'train').spacings_mm['b'] == (0.5, 0.25) and open_folder(source, 'train').is_at_detector
    for text, message in (('a,0.5\n', 'expected a line for every image, found none for b'),
                          ('a,-1\nb,1\n', "a: expected millimetres above 0, found '-1'"),
                          ('a,inf\nb,1\n', 'a: expected millimetres above 0'), ('a,x\nb,1\n', 'a: expected millim'),
                          ('a,1,1,there\nb,1\n', "a: expected where it was measured, detector or calibrated, found 'there'"),
                          ('a\n', 'line 1: expected `id,mm`, `id,row mm,column mm` or `id,row mm,column mm,detector`, found')):
        (source / 'spacing.csv').write_text(text, encoding='utf-8')
        with pytest.raises(InputError, match=message):
            open_folder(source, 'train')


def test_split_errors(source):
    with pytest.raises(InputError, match='split: expected train, test or all'):
        open_folder(source, 'val')
    (source / 'train.txt').write_text('a\nc\n', encoding='utf-8')
    with pytest.raises(InputError, match='ids c are in train and in test'):
        open_folder(source, 'train')
    (source / 'train.txt').write_text('a\nz\n', encoding='utf-8')
    with pytest.raises(InputError, match='images: unknown ids z; 3 are known, such as a, b'):
        open_folder(source, 'train')
    (source / 'train.txt').unlink()
    with pytest.raises(InputError, match='which images are for train\\? Write their ids into '
                                         '.*train.txt, one a line, or give ids'):
        open_folder(source, 'train')


def test_all_images_are_those_that_are_there_listed_or_not(source):
    (source / 'train.txt').write_text('b\n')
    assert open_folder(source, 'all').ids == IDS
    for name in ('train.txt', 'test.txt'):
        (source / name).unlink()
    assert open_folder(source, 'all').ids == IDS


def test_patients_stand_in_a_file(source):
    assert open_folder(source, 'all').patients == {}
    ids = open_folder(source, 'all').ids
    path = source / 'patients.csv'
    path.write_text('\ufeff' + ''.join(f'{id}, p{number // 2}\n' for number, id in enumerate(ids)),
                    encoding='utf-8')
    assert open_folder(source, 'all').patients[ids[1]] == 'p0'
    path.write_text(f'{ids[0]},x\n')
    with pytest.raises(InputError, match='patients.csv: expected a line for every image, found none'):
        open_folder(source, 'all')
    path.write_text(f'{ids[0]},x\n{ids[0]},y\n')
    with pytest.raises(InputError, match=f'line 2: expected one line for {ids[0]}, found x and y'):
        open_folder(source, 'all')
    path.write_text('nonsense\n')
    with pytest.raises(InputError, match="line 1: expected `id,patient`, found 'nonsense'"):
        open_folder(source, 'all')


def test_the_files_of_a_sample_are_told(source):
    dataset = open_folder(source, 'train')
    files = dataset.files(dataset.ids[0])
    assert files[0].name == f'{dataset.ids[0]}.png' and all(path.is_file() for path in files)
    assert len(files) > 1


def test_names_are_compared_as_they_are_composed(source):
    """A list in NFC, file names as a Mac stores them; a list saved by Notepad; `#` inside a name."""
    decomposed, composed = 'Mu\u0308ller#2', 'M\u00fcller#2'
    for path in [source / 'images' / 'a.png', *source.glob('masks/*/a.png')]:
        path.rename(path.with_name(f'{decomposed}.png'))
    (source / 'train.txt').write_text(f'\ufeff{composed}\nb # the second\n', encoding='utf-8')
    dataset = open_folder(source, 'train')
    assert dataset.ids == (composed, 'b') and dataset.load(composed).id == composed


def test_an_organ_called_background_is_refused(source):
    _coding(source, {'organs': ['background', 'heart']})
    with pytest.raises(InputError, match='organs: expected a list of different names, none of them background'):
        open_folder(source, 'train')


def test_a_table_in_another_encoding_is_one_line(source):
    (source / 'patients.csv').write_bytes(b'a,M\xfcller\n')
    with pytest.raises(InputError, match='patients.csv: expected a table in UTF-8: .*; save it as CSV UTF-8'):
        open_folder(source, 'train')


@pytest.mark.parametrize('name', ['average', 'back\nslash', ' ', '..'])
def test_an_organ_that_no_table_or_disk_can_call_so_is_refused(source, name):
    with pytest.raises(InputError, match='expected names of organs that can be files and columns, other than average and '):
        plain_coding('x', ('heart', name), (0, 1, 2))
