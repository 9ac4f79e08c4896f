"""Data sets of nnU-Net: what is read, by which codes, and what is refused in one line."""
import json

import numpy as np
import pytest
from PIL import Image

from datasets.errors import InputError
from datasets.readers import Request, open_dataset

LABELS = {'background': 0, 'liver': 2, 'spleen': 1}


def write_set(folder, labels=LABELS, parts=(('Tr', 3), ('Ts', 1)), **more):
    """Drawn pictures 9 x 7: liver in the rows 2 to 4, spleen in row 6."""
    for part, count in parts:
        for kind in ('images', 'labels'):
            (folder / f'{kind}{part}').mkdir(parents=True, exist_ok=True)
        for number in range(count):
            codes = np.zeros((9, 7), np.uint8)
            codes[2:5], codes[6] = 2, 1
            picture = (np.arange(63, dtype=np.uint16) * 1000 + number).reshape(9, 7)
            Image.fromarray(picture).save(folder / f'images{part}' / f'case_{part}{number}_0000.png')
            Image.fromarray(codes).save(folder / f'labels{part}' / f'case_{part}{number}.png')
    (folder / 'dataset.json').write_text(json.dumps(
        {'channel_names': {'0': 'CT'}, 'labels': labels, 'numTraining': 3, 'file_ending': '.png', **more}))
    return folder


def opened(folder, split='train', **asked):
    return open_dataset('nnunet', Request(str(folder), split, **asked))


def test_pictures_labels_and_parts(tmp_path):
    write_set(tmp_path)
    dataset = opened(tmp_path)
    assert dataset.ids == ('case_Tr0', 'case_Tr1', 'case_Tr2') and dataset.coding.organs == ('liver', 'spleen')
    sample = dataset.load('case_Tr2')
    assert sample.image.dtype == np.uint16 and sample.image[0, :2].tolist() == [2, 1002]
    assert {organ: mask.sum(axis=1).tolist() for organ, mask in sample.masks.items()} == {
        'liver': [0, 0, 7, 7, 7, 0, 0, 0, 0], 'spleen': [0, 0, 0, 0, 0, 0, 7, 0, 0]}
    assert [path.parent.name for path in dataset.files('case_Tr2')] == ['imagesTr', 'labelsTr']
    assert opened(tmp_path, 'test').ids == ('case_Ts0',) and len(opened(tmp_path, 'all').ids) == 4
    assert opened(tmp_path, ids=('case_Tr1',)).ids == ('case_Tr1',)
    assert opened(tmp_path, unlabelled=True).load('case_Tr0').masks == {}


def test_a_grey_picture_in_a_set_of_colours_and_colours_in_a_grey_one(tmp_path):
    write_set(tmp_path)
    with pytest.raises(InputError, match='case_Tr0_0000.png: expected a picture in colours .* stored with one channel'):
        opened(tmp_path, channels=3).load('case_Tr0')
    colours = np.stack([np.arange(63, dtype=np.uint8).reshape(9, 7) * factor for factor in (1, 2, 3)], -1)
    Image.fromarray(colours).save(tmp_path / 'imagesTr' / 'case_Tr0_0000.png')
    with pytest.raises(InputError, match='case_Tr0_0000.png: expected a grey picture, found colours; set data.channels=3'):
        opened(tmp_path).load('case_Tr0')


def test_pictures_to_test_need_no_labels_unless_they_are_asked_for(tmp_path):
    write_set(tmp_path)
    (tmp_path / 'labelsTs' / 'case_Ts0.png').unlink()
    assert len(opened(tmp_path, 'all').ids) == 3
    with pytest.raises(InputError, match='labelsTs: expected labels of every picture of imagesTs, found none of case_Ts0'):
        opened(tmp_path, 'test')
    assert opened(tmp_path, 'test', unlabelled=True).ids == ('case_Ts0',)


def test_ignore_is_where_nobody_knows(tmp_path):
    write_set(tmp_path, {'background': 0, 'liver': 1, 'ignore': 2})
    dataset = opened(tmp_path)
    sample = dataset.load('case_Tr0')
    assert dataset.has_ignored and sample.ignored.sum(axis=1).tolist() == [0, 0, 7, 7, 7, 0, 0, 0, 0]
    assert sample.masks['liver'].sum() == 7


def test_coding_yaml_says_what_dataset_json_cannot(tmp_path):
    write_set(tmp_path)
    (tmp_path / 'coding.yaml').write_text('{organs: [liver, spleen], values: [0, 2, 1], optional: [spleen]}')
    assert opened(tmp_path).coding.optional == ('spleen',)
    (tmp_path / 'coding.yaml').write_text('organs: [liver, spleen]')
    with pytest.raises(InputError, match=r'expected the labels of dataset.json as organs, .* values: \[0, 2, 1\]'):
        opened(tmp_path)


@pytest.mark.parametrize('labels, more, message', [
    ({'liver': 1}, {}, 'expected labels, as .*background'), ([], {}, 'expected labels'),
    ({'background': 0, 'whole': [1, 2]}, {}, 'found regions'),
    ({'background': 0, 'liver': 1, 'spleen': 1}, {}, r'different numbers of 0 to 255, found \[0, 1, 1\]'),
    ({'background': 0, 'liver': 300}, {}, 'different numbers of 0 to 255'),
    (LABELS, {'file_ending': '.nii.gz'}, "file_ending: expected pictures .*found '.nii.gz'; volumes are not read"),
    ({'background': 0, 'liver': 1}, {}, 'label code 2 is out of range')])
def test_descriptions_that_are_refused(tmp_path, labels, more, message):
    write_set(tmp_path, labels, **more)
    with pytest.raises(InputError, match=message) as refused:
        opened(tmp_path).load('case_Tr0')
    assert '\n' not in str(refused.value) and str(tmp_path) in str(refused.value)


@pytest.mark.parametrize('damage, message', [
    (lambda folder: (folder / 'dataset.json').unlink(), 'expected a data set of nnU-Net, .* found none'),
    (lambda folder: (folder / 'dataset.json').write_text('{'), 'expected JSON'),
    (lambda folder: (folder / 'imagesTr' / 'case_Tr0_0000.png').rename(folder / 'imagesTr' / 'case_Tr0_0001.png'),
     'expected <case>_0000.png, one file a picture'),
    (lambda folder: (folder / 'labelsTr' / 'case_Tr1.png').unlink(), 'labelsTr: expected labels .* found none of case_Tr1'),
    (lambda folder: [path.unlink() for path in (folder / 'imagesTr').iterdir()], 'found no pictures of train in imagesTr')])
def test_layouts_that_are_refused(tmp_path, damage, message):
    damage(write_set(tmp_path))
    with pytest.raises(InputError, match=message):
        opened(tmp_path)
