"""JSRT/SCR in both layouts, drawn: reading it, and every way it can be wrong."""
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets.errors import InputError
from datasets.labels import CHEST
from datasets.phantom.phantom import draw_phantom
from datasets.readers.jsrt import open_jsrt, read_img

STRUCTURES = [organ.replace('_', ' ') for organ in CHEST.organs]
# odd ones in fold 1, even ones in fold 2
IDS = {'JPCLN001': 0, 'JPCLN002': 1, 'JPCNN003': 2, 'JPCNN004': 3}


def _fold(id):
    return 'fold1' if int(id[-3:]) % 2 else 'fold2'


def _write_masks(root, id, index):
    for structure, mask in zip(STRUCTURES, draw_phantom(0, index, 96).masks.values()):
        path = root / _fold(id) / 'masks' / structure / f'{id}.gif'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask.astype(np.uint8) * 255).save(path)


@pytest.fixture(scope='session')
def raw_image():
    """A drawn chest as twelve bits, lungs dark: uint16 [2048, 2048]."""
    drawn = draw_phantom(0, 0, 256).image.astype(np.uint16) * 16
    return cv2.resize(drawn, (2048, 2048), interpolation=cv2.INTER_LINEAR)


@pytest.fixture(scope='session')
def official(tmp_path_factory, raw_image):
    """One .IMG of true size, as distributed: big-endian, inverted."""
    source = tmp_path_factory.mktemp('official')
    (source / 'All247images').mkdir()
    (4095 - raw_image).astype('>u2').tofile(source / 'All247images' / 'JPCLN001.IMG')
    _write_masks(source / 'scratch', 'JPCLN001', 0)
    return source


def draw_converted(source):
    """The four ids as PNG copies with their masks; the folder."""
    (source / 'images').mkdir()
    for id, index in IDS.items():
        Image.fromarray(draw_phantom(0, index, 64).image).save(source / 'images' / f'{id}.png')
        _write_masks(source / 'scratch', id, index)
    return source


def _mask(source, id, structure='heart'):
    return source / 'scratch' / _fold(id) / 'masks' / structure / f'{id}.gif'


def _loads(source, split='train', ids=None):
    dataset = open_jsrt(source, split, ids)
    return [dataset.load(id) for id in dataset.ids]


def test_official_layout(official, raw_image):
    dataset = open_jsrt(official, 'train')
    assert dataset.name == 'jsrt_train' and dataset.coding is CHEST
    assert dataset.ids == ('JPCLN001',)
    sample = dataset.load('JPCLN001')
    assert sample.image.dtype == np.uint16 and sample.image.dtype.isnative
    np.testing.assert_array_equal(sample.image, raw_image)
    drawn = draw_phantom(0, 0, 96).masks
    for organ in CHEST.organs:
        np.testing.assert_array_equal(sample.masks[organ], drawn[organ])


def test_converted_layout(converted):
    train, test = (open_jsrt(converted, split) for split in ('train', 'test'))
    assert train.ids == ('JPCLN001', 'JPCNN003') and test.ids == ('JPCLN002', 'JPCNN004')
    sample = test.load('JPCNN004')
    assert sample.id == 'JPCNN004' and sample.masks['heart'].shape == (96, 96)
    np.testing.assert_array_equal(sample.image, draw_phantom(0, 3, 64).image)


@pytest.mark.parametrize('root', ['scr/scratch', ''])
def test_other_roots_of_the_masks(converted, root):
    if root:
        (converted / 'scr').mkdir()
    for fold in ('fold1', 'fold2'):
        target = converted / root / fold
        target.parent.mkdir(exist_ok=True)
        shutil.move(converted / 'scratch' / fold, target)
    assert len(_loads(converted)) == 2


def test_originals_come_before_copies_where_all_are_there(official, tmp_path):
    source = shutil.copytree(official, tmp_path / 'both')
    (source / 'images').mkdir()
    copy = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    cv2.imwrite(str(source / 'images' / 'JPCLN001.PNG'), copy)
    dataset = open_jsrt(source, 'train')
    assert dataset.load('JPCLN001').image.shape == (2048, 2048)
    assert 'the originals were read (.IMG), not the 1 copies' in dataset.notes[0]


def test_one_kind_for_all_where_some_originals_are_missing(converted):
    """Two resolutions and depths in one set would be two data sets."""
    (converted / 'All247images').mkdir()
    (converted / 'All247images' / 'JPCLN001.IMG').write_bytes(b'not even read')
    dataset = open_jsrt(converted, 'train')
    assert dataset.load('JPCLN001').image.shape == (64, 64)
    assert 'the copies in images were read, for only 1 of ' in dataset.notes[0]


def test_ids_choose_and_keep_their_order(converted):
    assert open_jsrt(converted, 'train', ['JPCNN003', 'JPCLN001']).ids == ('JPCNN003', 'JPCLN001')
    # what is not chosen may be incomplete
    (converted / 'images' / 'JPCLN001.png').unlink()
    assert [s.id for s in _loads(converted, 'train', ['JPCNN003'])] == ['JPCNN003']


def test_read_img_refuses_another_size(tmp_path):
    path = tmp_path / 'JPCLN001.IMG'
    path.write_bytes(bytes(1000))
    with pytest.raises(InputError, match='JPCLN001.IMG: expected a JSRT .IMG file of 8388608 bytes'
                                         '.*found 1000 bytes'):
        read_img(path)
    with pytest.raises(InputError, match='found 0 bytes'):
        read_img(tmp_path / 'none.IMG')


def test_read_img_refuses_more_than_twelve_bits(tmp_path):
    path = tmp_path / 'JPCLN001.IMG'
    np.full(2048 * 2048, 0x0102, '<u2').tofile(path)  # bytes swapped: 0x0201 is below 4096
    assert read_img(path).max() == 4095 - 0x0201
    np.full(2048 * 2048, 0x0110, '<u2').tofile(path)
    with pytest.raises(InputError, match='12 bits, 0 to 4095, found 4097'):
        read_img(path)


def test_unknown_layout_says_what_was_looked_for(tmp_path, converted):
    with pytest.raises(InputError, match='no JSRT images; looked for All247images/<id>.IMG and '
                                         'images/<id>.png'):
        open_jsrt(tmp_path / 'nothing', 'train')
    shutil.rmtree(converted / 'scratch')
    with pytest.raises(InputError, match='no SCR masks of the test split; looked for '
                                         'scratch/fold2/masks/.*scr/scratch/fold2.*, fold2/'):
        open_jsrt(converted, 'test')


def test_image_without_mask(converted):
    _mask(converted, 'JPCNN003').unlink()
    with pytest.raises(InputError, match='image JPCNN003 has no mask of heart in fold1'):
        open_jsrt(converted, 'train')
    for structure in STRUCTURES:
        _mask(converted, 'JPCNN003', structure).unlink(missing_ok=True)
    with pytest.raises(InputError, match='JPCNN003 has no mask of left_lung, right_lung, heart'):
        open_jsrt(converted, 'train')
    assert len(_loads(converted, 'test')) == 2


def test_mask_without_image(converted):
    (converted / 'images' / 'JPCNN004.png').unlink()
    with pytest.raises(InputError, match='JPCNN004 has masks in fold2 but no image; looked for '
                                         'images/JPCNN004.png and All247images/JPCNN004.IMG'):
        open_jsrt(converted, 'test')


def test_id_in_both_folds(converted):
    source = _mask(converted, 'JPCNN003')
    target = converted / 'scratch' / 'fold2' / 'masks' / 'heart' / 'JPCNN003.gif'
    shutil.copy(source, target)
    with pytest.raises(InputError, match='found masks of JPCNN003 in fold1 and in fold2'):
        open_jsrt(converted, 'train')


def test_wrong_fold(converted):
    for structure in STRUCTURES:
        source = _mask(converted, 'JPCNN004', structure)
        shutil.move(source, converted / 'scratch' / 'fold1' / 'masks' / structure / source.name)
    with pytest.raises(InputError, match='expected odd numbers in fold1 and even ones in fold2, '
                                         'found JPCNN004 in fold1'):
        open_jsrt(converted, 'train', ['JPCLN001'])


def test_ids_that_are_wrong(converted):
    with pytest.raises(InputError, match=r'\(fold1\): unknown ids JPCLN002, x; 2 are known'):
        open_jsrt(converted, 'train', ['JPCLN001', 'x', 'JPCLN002'])
    with pytest.raises(InputError, match='expected each id once, found JPCLN001 more than once'):
        open_jsrt(converted, 'train', ['JPCLN001', 'JPCLN001'])
    with pytest.raises(InputError, match='split: expected train, test or all'):
        open_jsrt(converted, 'fold1')


def test_strange_and_double_files(converted):
    stray = converted / 'images' / 'screenshot.png'
    stray.write_bytes(b'')
    with pytest.raises(InputError, match="expected a name like JPCLN001.*found 'screenshot'"):
        open_jsrt(converted, 'train')
    stray.unlink()
    shutil.copy(converted / 'images' / 'JPCLN001.png', converted / 'images' / 'JPCLN001.PNG')
    with pytest.raises(InputError, match='a second file of JPCLN001'):
        open_jsrt(converted, 'train')


def test_hidden_files_are_passed_over(converted):
    (converted / 'images' / '._JPCLN001.png').write_bytes(b'what a Mac leaves')
    assert _loads(converted)


def test_radiographs_alone(converted):
    """Of who has JSRT and not SCR: as a hospital without labels."""
    shutil.rmtree(converted / 'scratch')
    with pytest.raises(InputError, match='found no SCR masks of the train split'):
        open_jsrt(converted, 'train')
    dataset = open_jsrt(converted, 'train', unlabelled=True)
    assert dataset.ids == ('JPCLN001', 'JPCNN003') and not dataset.coding.is_labelled
    assert dataset.load('JPCNN003').masks == {} and len(dataset.files('JPCNN003')) == 1
