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
