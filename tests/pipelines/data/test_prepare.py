"""From a data set to records: sizes, versions, draws, and that a bad file leaves nothing behind."""
import dataclasses

import numpy as np
import pytest

from datasets import records
from datasets.errors import InputError
from datasets.fitting import Box
from datasets.labels import PNEUMOTHORAX, VESSELS
from datasets.phantom import phantom
from datasets.readers import Request, open_dataset
from datasets.sample import Dataset, Sample
from pipelines.data import prepare, sources
from pipelines.data.checked import check_sample
from pipelines.plan.config import Data
from tests.conftest import tiny_config
from tests.retinas import CHASE, draw_chase

DATA = Data('phantom', dots_size=16, dots_radius=1)


def test_six_versions_of_each_image_with_their_dots(tmp_path):
    dataset = phantom.open_phantom('train', 2, 64, 0)
    info = prepare.write_records(dataset, tmp_path / 'r', 'train', 32, 6, 0, DATA)
    rows = records.load_arrays(info)
    assert info.count == 12 and info.ids == list(dataset.ids)
    assert rows['image'].shape == (12, 32, 32, 1) and rows['dots'].shape == (12, 16, 16)
    names = [name.decode() for name in rows['name']]
    assert names[:6] == [f'{dataset.ids[0]}-{version}.png' for version in range(6)]
    labels, images = rows['labels'][:6], rows['image'][:6].astype(int)
    assert all((images[0] != images[version]).any() for version in (1, 2, 3, 4, 5))
    assert (labels[0] != labels[4]).any()
    assert (labels[0] == labels[5]).all()  # noise is for the image only
    assert 0 < np.abs(images[5] - images[0]).max() < 30
    # one dot an organ, and at 16 px every organ keeps some of its plus of 5 pixels
    assert all(set(np.unique(d)) == set(range(6)) for d in rows['dots'])


def test_a_draw_is_a_function_of_ids_and_number():
    ids = [f'i{n:03d}' for n in range(124)]
    drawn = sources.draw_ids(ids, 11, 0)
    assert len(set(drawn)) == 11 and list(drawn) == sorted(drawn)
    assert drawn == sources.draw_ids(ids, 11, 0) != sources.draw_ids(ids, 11, 1)
    with pytest.raises(InputError, match='data.num_train: expected at most the 124 learning images'):
        sources.draw_ids(ids, 125, 0)


def test_a_bad_sample_leaves_nothing_behind(tmp_path):
    good = phantom.open_phantom('train', 3, 32, 0)

    def load(id):
        sample = good.load(id)
        if id == good.ids[2]:
            sample.masks['heart'][:] = False
        return sample

    with pytest.raises(InputError, match=f'{good.ids[2]}: heart: .*found an empty mask'):
        prepare.write_records(good._replace(load=load), tmp_path / 'r', 'train', 32, 1, 0, DATA)
    assert not (tmp_path / 'r').exists()


def test_one_set_has_one_depth(tmp_path):
    good = phantom.open_phantom('train', 2, 32, 0)

    def load(id):
        sample = good.load(id)
        return sample if id == good.ids[0] else sample._replace(image=sample.image.astype(np.uint16))

    with pytest.raises(InputError, match='expected an image of 8 bits .* found 16'):
        prepare.write_records(good._replace(load=load), tmp_path / 'r', 'train', 32, 1, 0, DATA)


def test_the_same_id_in_train_and_test_is_refused(tmp_path, monkeypatch):
    config = tiny_config()
    prepare.prepare_split(config, tmp_path, 'train')
    train = sources.open_split(config, 'train')
    monkeypatch.setattr(prepare, 'open_split', lambda config, split: train)
    with pytest.raises(InputError, match=train.ids[0]):
        prepare.prepare_split(config, tmp_path, 'test')
    assert not (tmp_path / 'records' / 'test').exists()


def test_a_resized_mask_is_where_it_covers_half_a_pixel():
    mask = np.zeros((4, 4), bool)
    mask[:2, :1] = True   # half of the first of 2x2 pixels
    mask[2:, 2:3] = True
    mask[2, 3] = True
    assert prepare.resize_mask(mask, Box(0, 0, 2, 2)).tolist() == [[True, False], [False, True]]


def test_an_organ_that_later_ones_hide_is_refused(tmp_path):
    from datasets.labels import Code, LabelCoding
    good = phantom.open_phantom('train', 1, 32, 0)
    codes = (Code((), (0, 0, 0), None), Code(('cup',), (1, 1, 1), 'cup'),
             Code(('disc',), (2, 2, 2), 'disc'))
    coding = LabelCoding('eye', ('cup', 'disc'), codes, ('cup', 'disc'))

    def load(id):
        lung = good.load(id).masks['left_lung']
        return good.load(id)._replace(masks={'cup': lung, 'disc': lung})

    with pytest.raises(InputError, match='cup: expected to be seen in the label map'):
        prepare.write_records(good._replace(load=load, coding=coding), tmp_path / 'r', 'train', 32,
                              1, 0, DATA)
    assert not (tmp_path / 'r').exists()


def test_phantoms_have_no_ids():
    with pytest.raises(InputError, match='pictures of phantom have no files to name'):
        open_dataset('phantom', Request(None, 'train', ['a']))


def test_a_set_in_which_nothing_shows_is_refused(tmp_path):
    """Pictures without a lesion are fine beside one that has it; alone they teach nothing."""
    drawn = open_dataset('phantom_lesions', Request(None, 'train', count=4, size=48))
    shown = [bool(drawn.load(id).masks['pneumothorax'].any()) for id in drawn.ids]
    assert shown == [True, True, True, False]
    assert prepare.write_records(drawn, tmp_path / 'all', 'train', 48, 1, 0, DATA).count == 4
    healthy = drawn._replace(ids=drawn.ids[3:])
    with pytest.raises(InputError, match='^phantom_lesions_train: expected a picture that shows pneumothorax, found '
                                         'none among 1: there is nothing to learn'):
        prepare.write_records(healthy, tmp_path / 'none', 'train', 48, 1, 0, DATA)
    with pytest.raises(InputError, match='^phantom_lesions_0_0000003: pneumothorax: expected the outline of .* found an empty'):
        prepare.write_records(healthy._replace(coding=PNEUMOTHORAX), tmp_path / 'none', 'train', 48, 1, 0, DATA)
    assert not (tmp_path / 'none').exists()


def overlapping(share):
    """One picture of two organs, the second over a share of the first, and a coding without a code for both."""
    from datasets.labels import Code, LabelCoding
    from datasets.sample import Dataset, Sample
    coding = LabelCoding('two', ('a', 'b'), (Code((), (0, 0, 0), None), Code(('a',), (1, 1, 1), 'a'),
                                             Code(('b',), (2, 2, 2), 'b')), ('a', 'b'))
    masks = {'a': np.zeros((40, 40), bool), 'b': np.zeros((40, 40), bool)}
    masks['a'][10:30, 0:20] = True
    masks['b'][10:30, 20 - round(20 * share):36] = True
    image = (masks['a'] * 60 + masks['b'] * 90 + np.arange(40)).astype(np.uint8)
    return Dataset('two', coding, ('x',), lambda id: Sample(id, image, masks))


def test_what_overlaps_hide_is_told_and_above_five_per_cent_refused(tmp_path, capsys):
    with pytest.raises(InputError, match=r'two: 70% of a lies under other organs and is lost .*codes: \[..., \[a, '):
        prepare.write_records(overlapping(0.7), tmp_path / 'r', 'train', 40, 1, 0, DATA)
    assert not (tmp_path / 'r').exists()
    prepare.write_records(overlapping(0.05), tmp_path / 'r', 'train', 40, 1, 0, DATA)
    assert 'note: two: 5.0% of a lies under other organs' in capsys.readouterr().out


def test_one_picture_in_two_sets_is_refused_under_any_name(tmp_path):
    from tests.drawn import draw_folder, of_folder
    source = draw_folder(tmp_path / 'source', list('abcdef'))
    import cv2
    for folder in ('images', 'masks/disc'):
        picture = cv2.imread(str(source / folder / 'b.png'), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(source / folder / 'f.png'), picture, [cv2.IMWRITE_PNG_COMPRESSION, 0])
    config = of_folder(source)
    prepare.prepare_split(config, tmp_path / 'run', 'train')
    with pytest.raises(InputError, match=r'f and b are the same picture \(1 in all\): a test picture must not'):
        prepare.prepare_split(config, tmp_path / 'run', 'test')
    assert not (tmp_path / 'run' / 'records' / 'test').exists()


def bordered(field=None, spacings={}):
    """Two drawn chests: one on a plate of 16 more lines below and 8 more on the left, one without."""
    from datasets.sample import Dataset, Sample
    plain = phantom.open_phantom('train', 2, 64, 0)

    def load(id):
        sample = plain.load(id)
        image, width = np.maximum(sample.image, 30), [(0, 16), (8, 0)]
        if id == plain.ids[1]:
            return Sample(id, np.pad(image, [(8, 8), (4, 4)], 'edge'), {o: np.pad(m, [(8, 8), (4, 4)])
                                                                        for o, m in sample.masks.items()})
        return Sample(id, np.pad(image, width), {organ: np.pad(mask, width) for organ, mask in sample.masks.items()})

    return Dataset('framed', plain.coding, plain.ids, load, field, spacings)


def test_records_are_cut_to_the_film_where_it_is_asked_for(tmp_path, capsys):
    plain, data = phantom.open_phantom('train', 1, 64, 0), dataclasses.replace(DATA, trim_borders=True)
    rows = records.load_arrays(prepare.write_records(bordered(), tmp_path / 'r', 'train', 64, 1, 0, data))
    sample = plain.load(plain.ids[0])
    np.testing.assert_array_equal(rows['image'][0, ..., 0], np.maximum(sample.image, 30))
    np.testing.assert_array_equal(rows['labels'][0], plain.coding.encode(sample.masks))
    assert rows['shape'].tolist() == [[64, 64], [80, 72]]
    assert rows['cut_from'].tolist() == [[0, 8, 80, 72], [0, 0, 0, 0]]
    assert 'note: framed: 1 of 2 pictures: cut to the film' in capsys.readouterr().out
    info = prepare.write_records(bordered(), tmp_path / 'whole', 'train', 64, 1, 0, DATA)
    rows = records.load_arrays(info)
    assert rows['shape'].tolist() == [[80, 72]] * 2 and not rows['cut_from'].any()
    assert 'trim_borders' not in info.made and 'cut to' not in capsys.readouterr().out


def test_a_cut_picture_keeps_its_millimetres(tmp_path):
    """Whether one field of view is told of all whole pictures, or a spacing of each."""
    data = dataclasses.replace(DATA, trim_borders=True)
    for name, dataset in (('field', bordered((160.0, 144.0))),
                          ('spacing', bordered(spacings={id: (2.0, 2.0) for id in bordered().ids})._replace(
                              is_at_detector=True))):
        info = prepare.write_records(dataset, tmp_path / name, 'train', 64, 1, 0, data)
        assert info.made.get('at_detector', False) == (name == 'spacing')
        cut, whole = records.read(info)
        assert info.spacing_mm(cut) == pytest.approx((2.0, 2.0))         # 64 of 64 px
        assert info.spacing_mm(whole) == pytest.approx((2.5, 144 / 58))  # 80 x 72 in 64 x 58


def test_an_organ_that_lies_beyond_the_film_is_refused(tmp_path):
    dataset = bordered()

    def load(id):
        sample = dataset.load(id)
        heart = np.zeros_like(sample.masks['heart'])
        heart[-4:, :4] = True
        return sample._replace(masks={**sample.masks, 'heart': heart})

    with pytest.raises(InputError, match=r'cut to its film \(data.trim_borders\): heart: expected the outline'):
        prepare.write_records(dataset._replace(load=load), tmp_path / 'r', 'train', 64, 1, 0,
                              dataclasses.replace(DATA, trim_borders=True))


@pytest.mark.parametrize('ignored, found', [(np.s_[:], 'all of it'), (np.s_[:, 4:], 'all of vessels')])
def test_what_nobody_can_learn_or_score_is_refused(ignored, found):
    """A field of view that covers nothing, and one of another picture, which meets no vessel."""
    sample = Sample('eye', np.zeros((8, 8), np.uint8), {'vessels': np.zeros((8, 8), bool)}, np.zeros((8, 8), bool))
    sample.masks['vessels'][2:5, 5:7] = True
    dataset = Dataset('eyes', VESSELS, ('eye',), lambda id: sample)
    assert check_sample(dataset, sample) is sample
    sample.ignored[ignored] = True
    with pytest.raises(InputError, match=f'eye: expected something known .*, found {found} outside; are mask and'):
        check_sample(dataset, sample)


def test_an_eye_beside_a_learned_one_is_no_external_picture(tmp_path):
    """Both eyes of a child, of one archive: what the second observer drew of the other eye is of a learned patient."""
    source = draw_chase(tmp_path / 'chase', CHASE[:9])
    for name, ids in (('train', CHASE[:1]), ('elsewhere', CHASE[6:8]), ('other', CHASE[1:3])):
        (tmp_path / name).write_text('\n'.join(ids))
    again = {'dataset': 'chase_db1_second', 'source': str(source), 'division': 'listed', 'part': 'test',
             'train_ids': str(tmp_path / 'elsewhere'), 'test_ids': str(tmp_path / 'other')}
    config = tiny_config(regimes=['real'], external={'again': again}, data={
        'dataset': 'chase_db1', 'source': str(source), 'channels': 3, 'num_train': None,
        'train_ids': str(tmp_path / 'train')})
    with pytest.raises(InputError, match='chase_db1_train and chase_db1_second_.*: patient 01 has pictures in both'):
        prepare.prepare_split(config, tmp_path / 'run', 'again')
    assert not (tmp_path / 'run' / 'records' / 'again').exists()
