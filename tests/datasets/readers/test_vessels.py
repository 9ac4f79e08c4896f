"""DRIVE, CHASE_DB1, STARE and HRF, drawn in their owners' layouts: observers, fields of view, divisions, patients."""
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from datasets.digests import of_sample
from datasets.divisions import DIVISIONS
from datasets.errors import InputError
from datasets.labels import UNLABELLED, VESSELS
from datasets.readers import READERS, Request, open_dataset
from tests.retinas import (CHASE, HRF, SIZE, STARE, draw_chase, draw_drive, draw_hrf, draw_stare, eye_of, save, second)


@pytest.fixture(scope='module')
def once(tmp_path_factory):
    folder = tmp_path_factory.mktemp('retinas')
    for name, draw in (('drive', draw_drive), ('chase_db1', draw_chase), ('stare', draw_stare), ('hrf', draw_hrf)):
        (folder / name).mkdir()
        draw(folder / name)
    return folder


@pytest.fixture
def own(once, tmp_path):
    """A copy that a test may break."""
    return shutil.copytree(once, tmp_path / 'own')


def opened(folder, name, **asked):
    source = folder / name.replace('_second', '')
    return open_dataset(name, Request(str(source), **{'split': 'all', 'channels': 3, **asked}))


def refused(folder, name, **asked):
    """The one line of a refusal, by opening or by loading every picture."""
    with pytest.raises(InputError) as raised:
        dataset = opened(folder, name, **asked)
        for id in dataset.ids:
            dataset.load(id)
    line = str(raised.value)
    assert '\n' not in line
    return line


@pytest.mark.parametrize('name, train, test', [
    ('drive', ('21_training', '22_training', '40_training'), ('01_test', '02_test', '20_test')),
    ('chase_db1', CHASE[:6], CHASE[6:]),                     # children 1 to 10 learn, 11 to 14 are tested
    ('stare', STARE[:10], STARE[10:]),
    ('hrf', tuple(id for id in HRF if not id.startswith('06')), tuple(id for id in HRF if id.startswith('06')))])
def test_the_usual_divisions(once, name, train, test):
    parts = [opened(once, name, split=split) for split in ('train', 'test', 'all')]
    assert [sorted(part.ids) for part in parts] == [sorted(train), sorted(test), sorted(train + test)]
    assert [part.name for part in parts] == [f'{name}_train', f'{name}_test', f'{name}_all']
    assert all(part.coding is VESSELS and part.has_ignored for part in parts)


@pytest.mark.parametrize('name, id, index, loss, files', [
    ('drive', '21_training', 0, 0, ['21_training.tif', '21_manual1.gif', '21_training_mask.gif']),
    ('chase_db1', 'Image_02L', 2, 12, ['Image_02L.jpg', 'Image_02L_1stHO.png']),
    ('stare', 'im0002', 1, 0, ['im0002.ppm', 'im0002.ah.ppm']),
    ('hrf', '02_dr', 1, 12, ['02_dr.JPG', '02_dr.tif', '02_dr_mask.tif'])])
def test_a_picture_as_distributed(once, name, id, index, loss, files):
    dataset = opened(once, name)
    sample, (image, vessels, field) = dataset.load(id), eye_of(index)
    assert np.abs(sample.image.astype(int) - image).mean() <= loss and sample.image.shape == (SIZE, SIZE, 3)
    np.testing.assert_array_equal(sample.masks['vessels'], vessels)
    found = ~sample.ignored
    assert (found & field).sum() / (found | field).sum() > (0.999 if name in ('drive', 'hrf') else 0.9)  # given, found
    assert [path.name for path in dataset.files(id)] == files


@pytest.mark.parametrize('name, id, index', [
    ('drive_second', '02_test', 4), ('chase_db1_second', 'Image_01R', 1), ('stare_second', 'im0004', 3)])
def test_the_second_observer_is_a_data_set_of_the_same_pictures(once, name, id, index):
    first, other = opened(once, name.replace('_second', '')), opened(once, name)
    sample = other.load(id)
    np.testing.assert_array_equal(sample.masks['vessels'], second(eye_of(index)[1]))
    np.testing.assert_array_equal(sample.image, first.load(id).image)
    assert other.name == f'{name}_all' and of_sample(sample) != of_sample(first.load(id))


def test_observers_that_drew_a_part_only(once, tmp_path):
    """The second observer of DRIVE drew the test pictures alone; newer downloads lack there what the first drew."""
    dataset = opened(once, 'drive_second')
    assert dataset.ids == ('01_test', '02_test', '20_test') and dataset.unlabelled == (
        '21_training', '22_training', '40_training')
    assert '3 pictures are without what the second observer drew, and are left out: 21_training' in dataset.notes[0]
    assert 'expected the vessels that the second observer drew, found none of 21_training' in refused(
        once, 'drive_second', split='train')
    draw_drive(tmp_path / 'drive', test_is_drawn=False)
    line = refused(tmp_path, 'drive', split='test')
    assert 'that the first observer drew, found none of 01_test' in line and 'test/1st_manual/01_manual1.gif' in line
    assert opened(tmp_path, 'drive', split='train').ids and opened(tmp_path, 'drive').unlabelled[0] == '01_test'


def test_both_eyes_of_a_child_stay_together(once, tmp_path):
    """CHASE_DB1: whichever way it is divided; a list that parts a child is refused."""
    dataset = opened(once, 'chase_db1')
    assert dataset.patients == {id: id[6:8] for id in CHASE}
    settings = SimpleNamespace(folds=5, fold=2, validation=1, division_seed=0)
    for name, parts in (('folds', ('train', 'validation', 'test')), ('60/20/20', ('train', 'validation', 'test'))):
        children = [{id[6:8] for id in DIVISIONS[name].pick(dataset.ids, dataset.patients, settings, part)}
                    for part in parts]
        assert sum(map(len, children)) == 5 and set.union(*children) == {'01', '02', '10', '11', '14'}
    for name, ids in (('train', CHASE[:3]), ('test', CHASE[3:5])):
        (tmp_path / f'{name}.txt').write_text('\n'.join(ids))
    settings = SimpleNamespace(train_ids=tmp_path / 'train.txt', test_ids=tmp_path / 'test.txt', validation_ids=None)
    with pytest.raises(InputError, match='expected all images of a patient in one of them, found patient 02 in both'):
        DIVISIONS['listed'].pick(dataset.ids, dataset.patients, settings, 'train')


def test_stare_may_lie_in_one_folder_and_has_pictures_that_nobody_drew(once, tmp_path):
    draw_stare(tmp_path / 'stare', is_flat=True)
    flat, parted = opened(tmp_path, 'stare'), opened(once, 'stare')
    assert flat.ids == parted.ids == STARE and flat.unlabelled == parted.unlabelled == ('im0400',)
    assert of_sample(flat.load('im0004')) == of_sample(parted.load('im0004'))


@pytest.mark.parametrize('name, count', [('drive', 6), ('chase_db1', 10), ('stare', 13), ('hrf', 18)])
def test_pictures_alone(once, name, count):
    dataset = opened(once, name, unlabelled=True)
    assert len(dataset.ids) == count and dataset.coding is UNLABELLED and not dataset.has_ignored
    assert dataset.load(dataset.ids[0]).masks == {} and len(dataset.files(dataset.ids[0])) == 1


def test_colours_are_kept_or_weighed_and_never_mixed_with_grey(own):
    colour, green = (opened(own, 'stare', channels=channels, grey='green').load('im0001') for channels in (3, 1))
    np.testing.assert_array_equal(green.image, colour.image[..., 1])
    assert 'im0001.ppm: expected a grey picture, found colours; set data.channels=3' in refused(
        own, 'stare', channels=1)
    for index, id in enumerate(STARE):
        save(own / 'stare' / 'stare-images' / f'{id}.ppm', eye_of(index)[0][..., 1])
    for how in ({'channels': 3}, {'channels': 1, 'grey': 'green'}):
        assert 'im0001.ppm: expected a photograph in colour, found a grey picture; take the original' in refused(
            own, 'stare', **how)
    copies = opened(own, 'stare', channels=1)   # all of them grey, as somebody made them
    assert copies.load('im0001').image.shape == (SIZE, SIZE)


def test_masks_of_another_size_are_refused(own):
    save(own / 'chase_db1' / 'Image_01L_1stHO.png', np.kron(eye_of(0)[1], np.ones((2, 2), bool)))
    line = refused(own, 'chase_db1')
    assert 'Image_01L_1stHO.png: expected a mask of the vessels of the size of its picture, 64 x 64, found 128 x 128' \
        in line
    save(own / 'hrf' / 'mask' / '01_dr_mask.tif', eye_of(0)[2][:60])
    assert '01_dr_mask.tif: expected a field of view of the size of its picture, 64 x 64, found 60 x 64' in refused(
        own, 'hrf')


def test_fields_of_view_that_are_none(own):
    field = own / 'drive' / 'DRIVE' / 'training' / 'mask' / '21_training_mask.gif'
    for mask, words in ((np.zeros((SIZE, SIZE), bool), '0.0% of the picture; is it empty?'),
                        (eye_of(0)[1], 'is it inverted, or another mask?'),
                        (~eye_of(0)[2], 'covers the four corners and not the middle; is it inverted?')):
        save(field, mask)
        line = refused(own, 'drive')
        assert line.startswith(f'{field}: expected a field of view, found') and words in line or '%' in line
    field.unlink()
    assert 'image 21_training has no mask of its field of view' in refused(own, 'drive')
    noise = np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3)).astype(np.uint8)
    save(own / 'chase_db1' / 'Image_01L.jpg', noise)
    assert 'Image_01L.jpg: expected a bright disc on black corners, found none' in refused(own, 'chase_db1')


def test_a_missing_observer_is_named(own):
    (own / 'chase_db1' / 'Image_02R_2ndHO.png').unlink()
    line = refused(own, 'chase_db1_second')
    assert 'image Image_02R lacks what the second observer drew (1 in all do)' in line and 'Image_01L_2ndHO.png' in line
    assert len(opened(own, 'chase_db1').ids) == 10        # which the first observer does not need
    for path in (own / 'chase_db1').glob('*_1stHO.png'):
        path.unlink()
    assert 'expected the vessels that the first observer drew, found none of' in refused(own, 'chase_db1')
    assert 'found none of Image_01L; looked for Image_01L_1stHO.png' in refused(own, 'chase_db1', ids=['Image_01L'])


def test_other_files_and_no_files(own, tmp_path):
    assert 'unknown ids 99_training' in refused(own, 'drive', ids=['99_training'])
    assert 'expected the folder of the data set, found none' in refused(tmp_path / 'nowhere', 'hrf')
    (tmp_path / 'stare').mkdir()
    (tmp_path / 'stare' / 'im0001.ppm.gz').write_bytes(b'packed')
    line = refused(tmp_path, 'stare')
    assert 'looked for stare-images/im[0-9]*.ppm' in line and '1 .gz file; unpack them' in line
    shutil.rmtree(own / 'drive' / 'DRIVE' / 'test')
    assert 'found no pictures of drive for test' in refused(own, 'drive', split='test')
    save(own / 'hrf' / 'images' / 'scan.png', eye_of(0)[0])
    assert "scan.png: expected a name like 01_dr, found 'scan'" in refused(own, 'hrf')


def test_vessels_outside_the_field_are_told(own):
    smaller = eye_of(0)[2].copy()
    smaller[:, :SIZE // 3] = False
    save(own / 'drive' / 'DRIVE' / 'training' / 'mask' / '21_training_mask.gif', smaller)
    dataset = opened(own, 'drive')
    assert dataset.load('21_training').told == ('more than 1% of the vessels lie outside the field of view',)
    assert dataset.load('22_training').told == ()


def test_all_are_rows():
    assert {'drive', 'drive_second', 'chase_db1', 'chase_db1_second', 'stare', 'stare_second', 'hrf'} <= set(READERS)
