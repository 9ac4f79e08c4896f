"""Divisions: every image on one side, patients never parted, folds that cover all."""
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.divisions import DIVISIONS
from datasets.errors import InputError
from pipelines.plan.config import Data

IDS = [f'p{patient}-{image}' for patient in range(7) for image in range(3)]
PATIENTS = {id: id.split('-')[0] for id in IDS}


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 7), st.booleans())
def test_folds_cover_every_image_once_and_part_no_patient(folds, by_patient):
    tested, patients = [], PATIENTS if by_patient else {}
    for fold in range(folds):
        data = Data('folder', division='folds', folds=folds, fold=fold)
        train, test = (DIVISIONS['folds'].pick(IDS, patients, data, part) for part in ('train', 'test'))
        assert sorted(train + test) == sorted(IDS)
        if by_patient:
            assert not {PATIENTS[id] for id in train} & {PATIENTS[id] for id in test}
        tested += test
    assert sorted(tested) == sorted(IDS)


def test_five_folds_with_one_for_validation_are_60_20_20_by_patient():
    """Oliveira 2018: of five folds one is tested, one chooses the epoch, three are learned from."""
    ids = [f'{patient}{image}' for patient in 'abcdefghij' for image in (1, 2)]
    patients = {id: id[0] for id in ids}
    parts = {(fold, part): set(DIVISIONS['folds'].pick(
        ids, patients, Data('folder', division='folds', fold=fold, validation=1), part))
        for fold in range(5) for part in ('train', 'validation', 'test')}
    for fold in range(5):
        own = [parts[fold, part] for part in ('train', 'validation', 'test')]
        assert [len(part) for part in own] == [12, 4, 4] and set.union(*own) == set(ids)
        of = [{id[0] for id in part} for part in own]
        assert not (of[0] & of[1] or of[1] & of[2] or of[0] & of[2])
        assert parts[fold, 'validation'] == parts[(fold + 1) % 5, 'test']
    assert sorted(id for fold in range(5) for id in parts[fold, 'test']) == sorted(ids)
    without = Data('folder', division='folds', fold=3)
    assert set(DIVISIONS['folds'].pick(ids, patients, without, 'test')) == parts[3, 'test']
    assert DIVISIONS['folds'].label(Data('folder', division='folds', validation=1)) == '5 folds, 1 for validation'


def test_folds_are_the_same_whatever_the_order_of_ids():
    data = Data('folder', division='folds', folds=5, fold=2)
    one = DIVISIONS['folds'].pick(IDS, PATIENTS, data, 'test')
    assert set(DIVISIONS['folds'].pick(IDS[::-1], PATIENTS, data, 'test')) == set(one)
    assert DIVISIONS['folds'].label(data) == '5 folds' and DIVISIONS['folds'].fold(data) == 2


def test_more_folds_than_patients_are_refused():
    data = Data('folder', division='folds', folds=8)
    with pytest.raises(InputError, match='data.folds: expected at most the 7 patients there are, found 8'):
        DIVISIONS['folds'].pick(IDS, PATIENTS, data, 'test')


def test_listed_ids(tmp_path):
    for part, ids in (('train', ['p0-0', 'p1-0']), ('test', ['p2-0'])):
        (tmp_path / f'{part}.txt').write_text('\n'.join(ids))
    data = Data('folder', division='listed', train_ids=str(tmp_path / 'train.txt'),
                test_ids=str(tmp_path / 'test.txt'))
    pick = DIVISIONS['listed'].pick
    assert pick(IDS, {}, data, 'train') == ('p0-0', 'p1-0') and pick(IDS, {}, data, 'test') == ('p2-0',)
    with pytest.raises(InputError, match='expected two files of ids'):
        pick(IDS, {}, Data('folder', division='listed'), 'train')
    (tmp_path / 'test.txt').write_text('p1-1')
    with pytest.raises(InputError, match='expected all images of a patient in one of them, found patient p1'):
        pick(IDS, PATIENTS, data, 'train')
    (tmp_path / 'test.txt').write_text('p1-0')
    with pytest.raises(InputError, match='ids p1-0 are in train and in test'):
        pick(IDS, {}, data, 'train')


@pytest.mark.parametrize('name, count, parts', [
    ('60/20/20', 138, (84, 27, 27)), ('60/20/20', 247, (149, 49, 49)), ('60/20/20', 7, (5, 1, 1)),
    ('80/10/10', 2669, (2137, 266, 266)), ('80/10/10', 10, (8, 1, 1))])
def test_shares_once(name, count, parts):
    """138 are Montgomery's and 247 JSRT's: Oliveira and dos Santos 2018 test 27 of Montgomery; 2669 DF-GAN's."""
    data, row = Data('folder', division=name), DIVISIONS[name]
    ids = [f'i{number}' for number in range(count)]
    found = [row.pick(ids, {}, data, part) for part in ('train', 'validation', 'test')]
    assert tuple(map(len, found)) == parts and sorted(sum(found, ())) == sorted(ids)
    assert found[2] == row.pick(ids, {}, data, 'test')
    other = Data('folder', division=name, division_seed=1)
    assert row.pick(ids, {}, other, 'train') != found[0]
    assert (row.label(data), row.label(other)) == (name, f'{name}, seed 1')
    assert row.fold(data) is None and row.validates(data)


def test_60_20_20_parts_no_patient():
    data = Data('folder', division='60/20/20')
    found = [DIVISIONS['60/20/20'].pick(IDS, PATIENTS, data, part) for part in ('train', 'validation', 'test')]
    of = [{PATIENTS[id] for id in part} for part in found]
    assert [len(patients) for patients in of] == [5, 1, 1] and len(set.union(*of)) == 7
    with pytest.raises(InputError, match='60/20/20: expected at least 5 patients, found 1'):
        DIVISIONS['60/20/20'].pick(IDS[:3], PATIENTS, data, 'test')
    with pytest.raises(InputError, match='80/10/10: expected at least 10 patients, found 7'):
        DIVISIONS['80/10/10'].pick(IDS, PATIENTS, Data('folder', division='80/10/10'), 'test')


def test_listed_ids_may_choose_the_epoch(tmp_path):
    for part, ids in (('train', 'p0-0'), ('validation', 'p1-0'), ('test', 'p2-0')):
        (tmp_path / f'{part}.txt').write_text(ids)
    data = Data('folder', division='listed', **{
        f'{part}_ids': str(tmp_path / f'{part}.txt') for part in ('train', 'validation', 'test')})
    row = DIVISIONS['listed']
    assert row.pick(IDS, {}, data, 'validation') == ('p1-0',) and row.validates(data)
    assert not row.validates(Data('folder', division='listed'))
    (tmp_path / 'validation.txt').write_text('p0-0')
    with pytest.raises(InputError, match='ids p0-0 are in train and in validation'):
        row.pick(IDS, {}, data, 'train')
    (tmp_path / 'validation.txt').write_text('p0-1')
    with pytest.raises(InputError, match='data.train_ids, data.validation_ids: .* found patient p0 in both'):
        row.pick(IDS, PATIENTS, data, 'train')


def test_every_division_tells_in_how_many_parts_it_cuts():
    """(equal parts, how many choose), which estimates count validation by."""
    told = {name: row.parts(Data('phantom', folds=4, validation=2)) for name, row in DIVISIONS.items()}
    assert told == {'official': (5, 1), 'listed': (5, 1), 'folds': (4, 2), '60/20/20': (5, 1), '80/10/10': (10, 1)}
