"""Montgomery and Shenzhen, drawn in their owners' layouts: sides by place, borders, patients, missing masks."""
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets.errors import InputError
from datasets.labels import LUNGS, UNLABELLED
from datasets.readers import READERS, Request, open_dataset
from tests.hospitals import (BARE, MONTGOMERY, SHENZHEN, draw_montgomery, draw_shenzhen, lungs_of, save)

SWAPPED, BORDERED = MONTGOMERY[:2], MONTGOMERY[2:5]


@pytest.fixture(scope='module')
def once(tmp_path_factory):
    folder = tmp_path_factory.mktemp('hospitals')
    draw_montgomery(folder / 'montgomery', swapped=SWAPPED, bordered=BORDERED)
    draw_shenzhen(folder / 'shenzhen')
    return folder


@pytest.fixture
def own(once, tmp_path):
    """A copy that a test may break."""
    return shutil.copytree(once, tmp_path / 'own')


def opened(folder, name, **asked):
    return open_dataset(name, Request(str(folder / name), **{'split': 'all', **asked}))


def test_montgomery_as_distributed(once):
    dataset = opened(once, 'montgomery')
    assert dataset.ids == tuple(sorted(MONTGOMERY)) and dataset.coding is LUNGS and not dataset.notes
    for index, id in enumerate(MONTGOMERY):
        sample = dataset.load(id)
        image, left, right = lungs_of(index)
        np.testing.assert_array_equal(sample.masks['left_lung'], left)   # whatever leftMask holds
        np.testing.assert_array_equal(sample.masks['right_lung'], right)
        assert any('leftMask lies left' in words for words in sample.told) == (id in SWAPPED)
        assert ('a black border' in sample.told) == (id in BORDERED)
        assert (sample.image == image).all() == (id not in BORDERED)
    assert [path.name for path in dataset.files(MONTGOMERY[0])] == [f'{MONTGOMERY[0]}.png'] * 3


def test_the_folder_itself_may_be_named(once):
    inside = open_dataset('montgomery', Request(str(once / 'montgomery' / 'MontgomerySet'), 'all'))
    assert inside.ids == opened(once, 'montgomery').ids


def test_pictures_of_one_number_are_of_one_patient(once):
    patients = opened(once, 'montgomery').patients
    assert patients['MCUCXR_0009_1'] == patients['MCUCXR_0009_0'] != patients['MCUCXR_0008_0']


def test_pictures_of_the_original_size_have_their_millimetres(own):
    """Their head is enough: 0.0875 mm a pixel, in either orientation."""
    folder = own / 'montgomery' / 'MontgomerySet'
    assert not opened(own, 'montgomery').spacings_mm
    for id, size in zip(MONTGOMERY, [(4020, 4892), (4892, 4020)]):
        Image.new('1', size).save(folder / 'CXR_png' / f'{id}.png')
    dataset = opened(own, 'montgomery', ids=MONTGOMERY[:2])
    assert dataset.spacings_mm == {id: (0.0875, 0.0875) for id in MONTGOMERY[:2]}
    assert not opened(own, 'montgomery', ids=MONTGOMERY[1:3]).spacings_mm  # squashed copies have none


def test_shenzhen_with_masks_that_are_distributed_apart(once):
    dataset = opened(once, 'shenzhen')
    assert dataset.ids == SHENZHEN[:-2] and dataset.unlabelled == BARE and dataset.coding is LUNGS
    assert f'2 pictures have no mask and are left out: {", ".join(BARE)}' in dataset.notes[0]
    for index, id in enumerate(dataset.ids):
        sample = dataset.load(id)
        _, left, right = lungs_of(index, seed=4)
        np.testing.assert_array_equal(sample.masks['left_lung'], left)
        np.testing.assert_array_equal(sample.masks['right_lung'], right)


@pytest.mark.parametrize('place', ['mask', 'masks', 'ChinaSet_AllFiles/mask', 'ChinaSet_AllFiles/masks'])
def test_places_of_the_masks(own, place):
    shutil.move(own / 'shenzhen' / 'mask', own / 'shenzhen' / 'away')
    shutil.move(own / 'shenzhen' / 'away', own / 'shenzhen' / place)
    assert len(opened(own, 'shenzhen').ids) == 10


@pytest.mark.parametrize('name, count', [('montgomery', 10), ('shenzhen', 12)])
def test_pictures_alone(once, name, count):
    dataset = opened(once, name, unlabelled=True)
    assert len(dataset.ids) == count and dataset.coding is UNLABELLED and not dataset.unlabelled
    assert dataset.load(dataset.ids[-1]).masks == {} and len(dataset.files(dataset.ids[-1])) == 1


def test_pictures_alone_of_any_data_set(tmp_path):
    drawn = open_dataset('phantom', Request(None, 'train', count=2, size=32, unlabelled=True))
    assert drawn.coding is UNLABELLED and drawn.load(drawn.ids[0]).masks == {}
    save(tmp_path / 'images' / 'a.png', lungs_of(0)[0])  # neither coding.yaml nor masks
    folder = open_dataset('folder', Request(str(tmp_path), 'all', unlabelled=True))
    np.testing.assert_array_equal(folder.load('a').image, lungs_of(0)[0])
    with pytest.raises(InputError, match='coding.yaml: expected YAML that lists the organs'):
        open_dataset('folder', Request(str(tmp_path), 'all'))


def test_ids_of_the_splits_are_the_users(own):
    folder = own / 'montgomery' / 'MontgomerySet'
    with pytest.raises(InputError, match='which images are for train.*choose another data.division than official'):
        opened(own, 'montgomery', split='train')
    (folder / 'train.txt').write_text('\n'.join(MONTGOMERY[:3]))
    (folder / 'test.txt').write_text('\n'.join(MONTGOMERY[3:5]))
    assert opened(own, 'montgomery', split='test').ids == MONTGOMERY[3:5]
    (folder / 'test.txt').write_text('\n'.join(MONTGOMERY[2:5]))
    with pytest.raises(InputError, match='are in train and in test'):
        opened(own, 'montgomery', split='test')


def test_other_hospitals_pictures_beside_them_are_passed_over(own):
    """As in the common download of both."""
    folder = own / 'shenzhen' / 'ChinaSet_AllFiles' / 'CXR_png'
    save(folder / 'MCUCXR_0001_0.png', lungs_of(0)[0])
    assert len(opened(own, 'shenzhen').ids) == 10
    save(folder / 'scan.png', lungs_of(0)[0])
    with pytest.raises(InputError, match='scan.png: expected a name like CHNCXR_0001_0, found .scan.'):
        opened(own, 'shenzhen')


def test_what_is_wrong_is_said_in_one_line(own, tmp_path):
    folder, id = own / 'montgomery' / 'MontgomerySet', MONTGOMERY[5]
    with pytest.raises(InputError, match='expected the folder of the data set, found none'):
        opened(tmp_path / 'nowhere', 'montgomery')
    with pytest.raises(InputError, match='found no pictures; looked for CXR_png, ChinaSet_AllFiles/CXR_png; found '):
        open_dataset('shenzhen', Request(str(own / 'montgomery'), 'all'))
    image = cv2.imread(str(folder / 'CXR_png' / f'{id}.png'), cv2.IMREAD_GRAYSCALE)
    save(folder / 'CXR_png' / f'{id}.png', 255 - image)
    with pytest.raises(InputError, match=f'{id}.png: expected lungs darker than .* the picture is inverted'):
        opened(own, 'montgomery').load(id)
    save(folder / 'ManualMask' / 'rightMask' / f'{id}.png', np.zeros((64, 64), bool))
    with pytest.raises(InputError, match='expected the outline of an organ, found an empty mask'):
        opened(own, 'montgomery').load(id)
    shutil.copy(folder / 'ManualMask' / 'leftMask' / f'{id}.png', folder / 'ManualMask' / 'rightMask')
    with pytest.raises(InputError, match=f'leftMask/{id}.png, .*rightMask/{id}.png: expected a mask of one lung each, found'):
        opened(own, 'montgomery').load(id)
    (folder / 'ManualMask' / 'leftMask' / f'{id}.png').unlink()
    with pytest.raises(InputError, match=f'leftMask: expected a mask of {id}, as there is one in rightMask, found none; add it'):
        opened(own, 'montgomery')


def test_ids_without_masks_cannot_be_asked_for(once):
    with pytest.raises(InputError, match=f'expected masks of the lungs, found none of {BARE[0]}; pictures alone are '
                                         f'read with data.unlabelled=true'):
        opened(once, 'shenzhen', ids=[SHENZHEN[0], BARE[0]])


def test_a_mask_twice_is_refused(own):
    shutil.copytree(own / 'shenzhen' / 'mask', own / 'shenzhen' / 'masks')
    with pytest.raises(InputError, match='a second mask of CHNCXR_0001_1, beside'):
        opened(own, 'shenzhen')


def test_both_are_rows():
    assert {'montgomery', 'shenzhen'} <= set(READERS) and not READERS['montgomery'].is_drawn
