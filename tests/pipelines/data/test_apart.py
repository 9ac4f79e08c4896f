"""What is learned from, without labels too, is neither scored nor chooses an epoch, whichever records came first."""
import shutil

import pytest

from datasets import records
from datasets.errors import InputError
from pipelines.data.prepare import prepare_split
from pipelines.data.sources import open_split
from pipelines.experiment import steps
from pipelines.plan import matrix
from tests.conftest import tiny_config
from tests.drawn import draw_folder
from tests.pipelines.experiment.test_pseudo_labels import config_of, teacher  # noqa: F401  (a fixture)


def folder_pair(folder):
    """Two folder data sets, a with test pictures and b: its pictures z and y are test pictures a6 and a7 of the other."""
    source, other = draw_folder(folder / 'a', [f'a{number}' for number in range(8)]), draw_folder(folder / 'b', list('wxyz'))
    for old, new in (('a6', 'z'), ('a7', 'y')):
        shutil.copy(source / 'images' / f'{old}.png', other / 'images' / f'{new}.png')
    (source / 'train.txt').write_text('\n'.join(f'a{number}' for number in range(6)))
    (source / 'test.txt').write_text('a6\na7')
    (other / 'train.txt').write_text('\n'.join('wxyz'))
    (other / 'test.txt').unlink()
    return source, other


@pytest.mark.parametrize('before', [(), ('train', 'test'), ('train', 'validation'), ('train', 'there')])
def test_what_is_scored_or_chooses_is_not_learned_from_whichever_came_first(teacher, tmp_path, before):  # noqa: F811
    """Records of REAL are made first, as a rule, and the pictures without labels come later."""
    source, other = folder_pair(tmp_path)
    own = {'dataset': 'folder', 'source': str(source), 'num_train': None, 'num_test': None}
    if 'validation' in before:
        (tmp_path / 'choose').write_text('a6\na7')
        (tmp_path / 'learn').write_text('a0\na1')
        (tmp_path / 'look').write_text('a2')
        own.update(division='listed', validation_ids=str(tmp_path / 'choose'), train_ids=str(tmp_path / 'learn'),
                   test_ids=str(tmp_path / 'look'))
    there = {'there': {'dataset': 'folder', 'source': str(source), 'part': 'test'}} if 'there' in before else {}
    plain = tiny_config(regimes=['real'], data=own, external=there)
    for name in before:
        prepare_split(plain, tmp_path / 'run', name)
    config = tiny_config(regimes=['self'], data=own, external=there, sources={'unlabelled': {
        'source': str(other), 'division': 'official', 'unlabelled': True, **dict.fromkeys(('train_ids', 'validation_ids', 'test_ids'))}})
    with pytest.raises(InputError, match='are the same picture .* a test picture must not be trained on'):
        steps.prepare(config, tmp_path / 'run', {'pseudo', 'test', *before})
    assert not (tmp_path / 'run' / 'records' / 'pseudo' / records.INFO).exists()


def test_drawn_pictures_are_apart_by_their_ids(teacher, tmp_path):  # noqa: F811
    """Of 15 chests in three folds some are tested that another division would learn from."""
    data = {'division': 'folds', 'folds': 3, 'num_train': 8, 'num_test': 7}
    config = config_of({'unlabelled': True, 'num_train': None}, data=data)
    teacher(open_split(config, 'pseudo'))
    with pytest.raises(InputError, match='data: phantom_all and phantom_all .sources.unlabelled.: .* are the same picture|'
                                         'sources.unlabelled: phantom_all and phantom_all .data.: .* are the same picture'):
        steps.prepare(config, tmp_path, {'pseudo', 'test'})


def test_in_folds_pictures_without_labels_follow_the_fold():
    data = {'division': 'folds', 'folds': 3, 'num_train': None, 'num_test': None}
    config = config_of({'unlabelled': True}, data=data, regimes=['real'], matrix=[{'folds': [0, 1, 2], 'regimes': ['real']}])
    for number, arm in enumerate(matrix.arms_of(config)):
        tested = set(open_split(arm.config, 'test').ids)
        assert arm.config.sources['unlabelled'].fold == arm.config.data.fold == number
        assert not tested & set(open_split(arm.config, 'unlabelled').ids) and tested


def test_choices_are_made_on_pictures_that_nobody_learns_from():
    """Left-out images less those that a teacher labels."""
    config = config_of({'num_train': 9, 'unlabelled': True}, data={'num_test': 20})
    left, pseudo, train = (set(open_split(config, name).ids) for name in ('left_out', 'pseudo', 'train'))
    assert len(train) == 4 and len(pseudo) == 5 and left and not left & (pseudo | train)
    assert left | pseudo == set(open_split(config_of(None, data={'num_test': 20}, regimes=['real']), 'left_out').ids)
