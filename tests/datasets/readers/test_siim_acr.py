"""SIIM-ACR in its own layout, drawn: which pictures are taken, lines that add up, DICOM and exports, refusals."""
import functools
import sys

import cv2
import numpy as np
import pytest

from datasets.errors import InputError
from datasets.labels import PNEUMOTHORAX, PNEUMOTHORAX_OR_NONE, UNLABELLED
from datasets.phantom.phantom import draw_phantom
from datasets.readers import Request, open_dataset
from datasets.run_lengths import SIIM_ACR
from tests import dicoms

ROOT = '1.2.276.0.7230010.3.1.4.8323329.{}'  # ids have dots, of which none is a suffix
ONE, TWO, HEALTHY, BARE, AWAY = (ROOT.format(number) for number in (301, 302, 5, 77, 999))
HEADER = 'ImageId, EncodedPixels'


def box(top, left, height, width):
    mask = np.zeros((1024, 1024), bool)
    mask[top:top + height, left:left + width] = True
    return mask


FIRST, SECOND = box(100, 40, 300, 50), box(90, 800, 5, 120)


@functools.lru_cache(None)
def picture(seed, index):
    return draw_phantom(seed, index, 64).image


def write_labels(folder, *rows, header=HEADER):
    (folder / 'train-rle.csv').write_text('\n'.join([header, *rows]) + '\n')


@pytest.fixture
def source(tmp_path):
    """Exports of four pictures; three have a line, one has two, and one line has no picture."""
    for index, id in enumerate((ONE, TWO, HEALTHY, BARE)):
        (tmp_path / 'images').mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / 'images' / f'{id}.png'), picture(3, index))
    write_labels(tmp_path, f'{HEALTHY},-1', f'{TWO}, {SIIM_ACR.encode(FIRST)}', f'{ONE},{SIIM_ACR.encode(FIRST)}',
                 f'{AWAY},-1', f'{TWO},{SIIM_ACR.encode(SECOND)}', '')
    return tmp_path


def opened(source, name='siim_acr', **asked):
    return open_dataset(name, Request(str(source), **{'split': 'all', **asked}))


def test_those_with_a_pneumothorax_and_all_lines_of_one(source):
    dataset = opened(source)
    assert dataset.ids == (ONE, TWO) and dataset.coding is PNEUMOTHORAX
    for id, mask in ((ONE, FIRST), (TWO, FIRST | SECOND)):
        sample = dataset.load(id)
        assert list(sample.masks) == ['pneumothorax'] and sample.masks['pneumothorax'].dtype == bool
        np.testing.assert_array_equal(sample.masks['pneumothorax'], mask)
    np.testing.assert_array_equal(sample.image, picture(3, 1))
    assert [path.name for path in dataset.files(TWO)] == [f'{TWO}.png', 'train-rle.csv']
    assert dataset.unlabelled == (BARE,) and not dataset.patients and not dataset.spacings_mm
    assert [note.split(': ', 1)[1] for note in dataset.notes] == [
        f'1 pictures show no pneumothorax and are left out; data.dataset=siim_acr_all keeps them: {HEALTHY}',
        f'1 pictures have no line in train-rle.csv and are left out: {BARE}',
        f'1 pictures have lines in train-rle.csv and are not there: {AWAY}']


def test_the_others_are_kept_where_that_is_asked_for(source):
    dataset = opened(source, 'siim_acr_all')
    assert set(dataset.ids) == {ONE, TWO, HEALTHY} and dataset.coding is PNEUMOTHORAX_OR_NONE
    assert not dataset.load(HEALTHY).masks['pneumothorax'].any() and len(dataset.notes) == 2


def test_pictures_alone_need_no_label_file(source):
    (source / 'train-rle.csv').unlink()
    dataset = opened(source, unlabelled=True)
    assert len(dataset.ids) == 4 and dataset.coding is UNLABELLED and dataset.load(BARE).masks == {}
    with pytest.raises(InputError, match='train-rle.csv: expected the label file .*unlabelled=true'):
        opened(source)


def test_lists_and_ids(source):
    (source / 'train.txt').write_text(f'{ONE}\n')
    (source / 'test.txt').write_text(f'{TWO}\n{HEALTHY}\n')
    assert opened(source, split='train').ids == (ONE,)
    assert opened(source, 'siim_acr_all', split='test').ids == (TWO, HEALTHY)
    assert opened(source, ids=[TWO]).ids == (TWO,) and not opened(source, ids=[TWO]).notes
    for asked in ({'split': 'test'}, {'ids': [HEALTHY]}):
        with pytest.raises(InputError, match=f'with a pneumothorax, found {HEALTHY} without.*siim_acr_all'):
            opened(source, **asked)
    with pytest.raises(InputError, match='train-rle.csv: unknown ids 1.2.3'):
        opened(source, ids=['1.2.3'])
    (source / 'test.txt').unlink()
    with pytest.raises(InputError, match='which images are for test'):
        opened(source, split='test')


def test_as_distributed(source):
    """Pictures of DICOM lie in folders of their study and series; exports, where any are there, are taken first."""
    dicoms.needed()
    for index, id in enumerate((ONE, TWO)):
        dicoms.write(source / 'dicom-images-train' / f'2.{index}' / f'3.{index}' / f'{id}.dcm',
                    picture(9, index))
    assert 'the pictures in images were read, not those in dicom-images-train' in opened(source).notes[0]
    (source / 'images').rename(source / 'elsewhere')
    dataset = opened(source)
    assert dataset.ids == (ONE, TWO)
    np.testing.assert_array_equal(dataset.load(TWO).image, picture(9, 1))
    assert opened(source, channels=3).load(TWO).image.shape == (64, 64, 3)
    dicoms.write(source / 'dicom-images-train' / f'{ONE}.DCM', picture(9, 0))
    with pytest.raises(InputError, match='a second file of'):
        opened(source)


def test_dicom_without_pydicom_is_told_before_anything_is_read(source, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pydicom', None)
    path = source / 'dicom-images-train' / '2.1' / '3.1' / f'{ONE}.dcm'
    path.parent.mkdir(parents=True)
    path.write_bytes(b'')
    assert opened(source).ids == (ONE, TWO)  # of exports nothing is needed
    (source / 'images').rename(source / 'elsewhere')
    with pytest.raises(InputError, match='dicom-images-train: DICOM is read by pydicom, which is not installed'):
        opened(source)


@pytest.mark.parametrize('rows, message', [
    ([f'{ONE},-1', f'{TWO},-1'], 'expected pictures with a pneumothorax, found none: of 4 pictures 2 have a line'),
    ([f'{AWAY},5 2'], 'found none: of 4 pictures 0 have a line'),
    ([], 'expected pictures with a pneumothorax, found none'),
    ([f'{ONE},1 2', f'{ONE},-1'], 'either -1 or run lengths, found both in lines 2, 3'),
    ([f'{ONE},1 2,3'], "line 2: expected `ImageId, EncodedPixels`, found '1.2.276"),
    ([',1 2'], "line 2: expected `ImageId, EncodedPixels`, found ',1 2'"),
    ([ONE], 'line 2: expected `ImageId, EncodedPixels`'),
])
@pytest.mark.parametrize('name', ['siim_acr', 'siim_acr_all'])
def test_a_label_file_that_is_wrong_is_refused_when_it_is_opened(source, name, rows, message):
    write_labels(source, *rows)
    with pytest.raises(InputError, match='train-rle.csv.*' + message) as caught:
        opened(source, name)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('text, message', [
    ('1 2 3', 'found 3 numbers'), ('1048570 7', 'ends at pixel 1048577 of 1048576'), ('1 -2', 'found a length of -2'),
    ('', 'found 0 numbers'), ('a b', "found 'a'"),
])
def test_run_lengths_that_are_wrong_are_refused_by_their_line(source, text, message):
    write_labels(source, f'{TWO},5 1', f'{ONE},{text}')
    dataset = opened(source)
    assert dataset.load(TWO).masks['pneumothorax'][5, 0]
    with pytest.raises(InputError, match=r'train-rle.csv, line 3: expected run lengths \(SIIM-ACR\).*' + message):
        dataset.load(ONE)


def test_other_refusals(source):
    with pytest.raises(InputError, match='none: expected the folder of the data set, found none'):
        opened(source / 'none')
    write_labels(source, f'{ONE},1 2', header='ImageId,Label')
    with pytest.raises(InputError, match="line 1: expected `ImageId, EncodedPixels`, found 'ImageId,Label'"):
        opened(source)
    write_labels(source, f'{ONE},1 2', f'{TWO},1 2')
    cv2.imwrite(str(source / 'images' / f'{ONE}.png'), picture(3, 0)[:40])
    cv2.imwrite(str(source / 'images' / f'{TWO}.png'), np.full((64, 64), 9, np.uint8))
    dataset = opened(source)
    with pytest.raises(InputError, match="a mask of pneumothorax of the picture's aspect, 40 x 64, found 1024 x 1024"):
        dataset.load(ONE)
    with pytest.raises(InputError, match='found the same value 9 everywhere'):
        dataset.load(TWO)
    (source / 'images').rename(source / 'pictures')
    with pytest.raises(InputError, match='found no pictures; looked for dicom-images-train/.*images/<ImageId>.png'):
        opened(source)
