"""A folder of one's own: layouts, coding.yaml, splits, and every error."""
import numpy as np
import pytest
import yaml
from PIL import Image

from datasets.errors import InputError
from datasets.labels import CHEST, LabelCoding
from datasets.phantom.phantom import draw_phantom
from datasets.readers.folder import open_folder, read_coding

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


@pytest.fixture
def source(tmp_path):
    """Images and masks of three drawn chests, a and b for training, c for testing."""
    folder = tmp_path / 'chests'
    for index, id in enumerate(IDS):
        sample = draw_phantom(0, index, 64)
        _save(sample.image, folder / 'images' / f'{id}.png')
        for organ, mask in sample.masks.items():
            _save(mask.astype(np.uint8) * 255, folder / 'masks' / organ / f'{id}.png')
    _coding(folder, CODING)
    (folder / 'train.txt').write_text('b\na\n', encoding='utf-8')
    (folder / 'test.txt').write_text('c\n', encoding='utf-8')
    return folder


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


def test_coding_spells_out_chest(source):
    coding = read_coding(source / 'coding.yaml')
    assert coding == LabelCoding('chests', CHEST.organs, CHEST.codes, CHEST.targets,
                                 CHEST.left_right)


def test_coding_defaults(source):
    _coding(source, {'organs': ['vessel', 'disc']})
    coding = read_coding(source / 'coding.yaml')
    assert coding.targets == ('vessel', 'disc') and coding.left_right == ()
    assert [code.organs for code in coding.codes] == [(), ('vessel',), ('disc',)]
    assert coding.projection.tolist() == [0, 1, 2]
    assert len({code.colour for code in coding.codes}) == 3


def test_a_code_predicts_the_first_target_it_names(source):
    _coding(source, {'organs': ['bone', 'lung'], 'codes': [['lung'], ['bone'], ['bone', 'lung']],
                     'targets': ['lung']})
    assert read_coding(source / 'coding.yaml').projection.tolist() == [0, 1, 0, 1]


ORGANS = ['x', 'y']


@pytest.mark.parametrize('data, message', [
    ('organs: [', 'coding.yaml: expected YAML that lists the organs'),
    ('just text', 'coding.yaml: expected the key organs.*known keys are organs, codes, colours, '
                  'targets, left_right'),
    ({'targets': ORGANS}, 'expected the key organs'),
    ({'organs': ORGANS, 'target': ['x']}, "unknown key 'target'; known keys are organs, codes"),
    ({'organs': 'x'}, "organs: expected a list, found 'x'"),
    ({'organs': []}, 'organs: expected a list of different names'),
    ({'organs': ['x', 'x']}, 'organs: expected a list of different names'),
    ({'organs': ['x', 1]}, 'organs: expected a list of different names'),
    ({'organs': ['../x']}, 'organs: expected a list of different names'),
    ({'organs': ORGANS, 'codes': [['x'], ['z']]}, "coding.yaml: .*unknown organ 'z'"),
    ({'organs': ORGANS, 'codes': [['x']]}, "no code stands for organ 'y'"),
    ({'organs': ORGANS, 'codes': ['x', 'y']}, "codes: expected a list, found 'x'"),
    ({'organs': ORGANS, 'targets': ['z']}, "unknown organ 'z'"),
    ({'organs': ORGANS, 'colours': [[0, 0, 1]]}, 'expected 2 colours, one per code.*found 1'),
    ({'organs': ORGANS, 'colours': [[0, 0, 1], [0, 0]]}, r'colours: expected \[red, green, blue\]'),
    ({'organs': ORGANS, 'colours': [[0, 0, 1], [0, 0, 256]]}, 'of 0 to 255'),
    ({'organs': ORGANS, 'left_right': [['x']]}, 'left_right: expected pairs'),
    ({'organs': ORGANS, 'left_right': {'x': 'y'}}, 'left_right: expected a list'),
])
def test_coding_errors(tmp_path, data, message):
    path = tmp_path / 'coding.yaml'
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data), encoding='utf-8')
    with pytest.raises(InputError, match=message) as caught:
        read_coding(path)
    assert '\n' not in str(caught.value)


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
    with pytest.raises(InputError, match='found no images; looked for images/<id>.png'):
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


def test_content_errors(source):
    mask = source / 'masks' / 'heart' / 'a.png'
    _save(np.zeros((64, 64), np.uint8), mask)
    with pytest.raises(InputError, match='heart/a.png: expected the outline of an organ'):
        open_folder(source, 'train').load('a')
    _save(np.full((64, 64), 5, np.uint8), source / 'images' / 'b.png')
    with pytest.raises(InputError, match='b.png: expected a picture, found the same value 5'):
        open_folder(source, 'train').load('b')
    _to_labels(source)
    labels = source / 'labels' / 'a.png'
    code_map = CHEST.encode(draw_phantom(0, 0, 64).masks)
    _save(np.where(code_map == 3, 8, code_map).astype(np.uint8), labels)
    with pytest.raises(InputError, match='a.png: label code 8 is out of range; .*codes 0 to 7'):
        open_folder(source, 'train').load('a')
    _save(np.where(code_map == 3, 0, code_map).astype(np.uint8), labels)
    with pytest.raises(InputError, match='a.png, organ heart: .*found an empty mask'):
        open_folder(source, 'train').load('a')
    _save(np.ascontiguousarray(np.fliplr(code_map)), labels)
    with pytest.raises(InputError, match="a.png: expected the patient's left_lung right of"):
        open_folder(source, 'train').load('a')


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
    with pytest.raises(InputError, match='patients.csv: expected the patient of every image, found none'):
        open_folder(source, 'all')
    path.write_text(f'{ids[0]},x\n{ids[0]},y\n')
    with pytest.raises(InputError, match=f'line 2: expected one patient of {ids[0]}, found x and y'):
        open_folder(source, 'all')
    path.write_text('nonsense\n')
    with pytest.raises(InputError, match="line 1: expected `id,patient`, found 'nonsense'"):
        open_folder(source, 'all')


def test_the_files_of_a_sample_are_told(source):
    dataset = open_folder(source, 'train')
    files = dataset.files(dataset.ids[0])
    assert files[0].name == f'{dataset.ids[0]}.png' and all(path.is_file() for path in files)
    assert len(files) > 1


def test_pictures_of_any_format_in_any_case(source):
    picture = Image.open(source / 'images' / 'a.png')
    picture.save(source / 'images' / 'a.TIFF')
    (source / 'images' / 'a.png').unlink()
    (source / 'images' / '._a.png').write_bytes(b'what a Mac leaves')
    (source / 'masks' / 'heart' / 'a.png').rename(source / 'masks' / 'heart' / 'a.PNG')
    sample = open_folder(source, 'train').load('a')
    np.testing.assert_array_equal(sample.image, draw_phantom(0, 0, 64).image)
    picture.save(source / 'images' / 'a.bmp')
    with pytest.raises(InputError, match='a.bmp: a second file of a, beside a.TIFF; keep one'):
        open_folder(source, 'train')


def test_names_are_compared_as_they_are_composed(source):
    """A list in NFC, file names as a Mac stores them; a list saved by Notepad; `#` inside a name."""
    decomposed, composed = 'Mu\u0308ller#2', 'M\u00fcller#2'
    for path in [source / 'images' / 'a.png', *source.glob('masks/*/a.png')]:
        path.rename(path.with_name(f'{decomposed}.png'))
    (source / 'train.txt').write_text(f'\ufeff{composed}\nb # the second\n', encoding='utf-8')
    dataset = open_folder(source, 'train')
    assert dataset.ids == (composed, 'b') and dataset.load(composed).id == composed


def test_masks_have_the_pictures_aspect(source):
    for path in source.glob('masks/*/a.png'):
        mask = np.array(Image.open(path))
        Image.fromarray(mask[:, 8:]).save(path)
    with pytest.raises(InputError, match="a.png: expected a mask of .* of the picture's aspect, 64 x 64, found "
                                         '64 x 56; is it transposed or cropped'):
        open_folder(source, 'train').load('a')


def test_masks_on_a_white_background_are_refused(source):
    path = source / 'masks' / 'heart' / 'a.png'
    Image.fromarray(255 - np.array(Image.open(path))).save(path)
    with pytest.raises(InputError, match='heart/a.png: .*covers all four corners .* is it inverted'):
        open_folder(source, 'train').load('a')
    Image.fromarray(np.full((64, 64), 255, np.uint8)).save(path)
    with pytest.raises(InputError, match='covers all four corners'):
        open_folder(source, 'train').load('a')


def test_an_organ_called_background_is_refused(source):
    _coding(source, {'organs': ['background', 'heart']})
    with pytest.raises(InputError, match='organs: expected a list of different names, none of them background'):
        open_folder(source, 'train')
