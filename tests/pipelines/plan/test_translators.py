"""Translators in a config: their settings, folders, and what could not be carried out."""
import pytest

from datasets.errors import InputError
from pipelines.plan import checks, loading, methods
from pipelines.plan.methods import METHODS, Method
from pipelines.plan.translators import TRANSLATORS, parse_translator
from tests.conftest import TINY, tiny_config
from tests.translators import SMALL, TWO, config_of, two_hospitals


@pytest.fixture(scope='module', autouse=True)
def dull():
    with two_hospitals():
        yield


def test_settings_come_from_yaml():
    config = loading.from_dict({**TINY, **TWO, 'data': {**TINY['data'], **TWO['data']}, 'regimes': ['real'],
                                'munit': {'epochs': 7}, 'stages': {'translator_munit': {'shallow': True, 'width': 8}}})
    settings = loading.stage_settings(config, TRANSLATORS['munit'])
    assert (settings.epochs, settings.shallow, settings.width, settings.mlp) == (7, True, 8, 32)
    assert loading.from_dict(loading.to_dict(config)) == config
    assert loading.stage_settings(config, TRANSLATORS['cyclegan']).identity_weight == 0.5
    with pytest.raises(InputError, match='unknown key stages.translator_unit.style'):
        loading.from_dict({**loading.to_dict(config), 'stages': {'translator_unit': {'style': 3}}})


def test_translators_have_folders_of_their_own(monkeypatch):
    for name, one in TRANSLATORS.items():
        assert methods.all_stages()[f'translator_{name}'] == one and one.reads == ('train', 'target')
    taken = METHODS['two'].stages[-1]._replace(folder='translator_unit')
    monkeypatch.setitem(METHODS, 'other', Method('other', '9', 'Other', (taken,)))
    with pytest.raises(InputError, match="found that of another stage, 'translator_unit'"):
        methods.all_stages()


def refused(kind='munit', tree=None, **changes):
    config = tiny_config(**{**TWO, kind: {**SMALL[kind], **changes}, 'regimes': ['real'], **(tree or {})})
    stage_ = TRANSLATORS[kind]
    with pytest.raises(InputError) as error:
        checks.check_translator(config, stage_, loading.stage_settings(config, stage_), 'my.yaml')
    assert str(error.value).startswith('my.yaml: ') and '\n' not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize('kind, changes, message', [
    ('cyclegan', {'network': 'unet', 'levels': 6}, 'data.size: expected a multiple of 64 from 64 on, for 6 halvings'),
    ('cyclegan', {'layers': 4}, 'data.size: expected a multiple of 4 from 48 on, for 2 halvings and a discriminator '
                                'of 4 layers, found 32'),
    ('cyclegan', {'network': 'vgg'}, 'cyclegan.network: expected one of resnet, unet, found'),
    ('cyclegan', {'norm': 'layer'}, 'cyclegan.norm: expected one of instance, batch, found'),
    ('cyclegan', {'gan': 'wgan'}, 'cyclegan.gan: expected one of lsgan, vanilla, found'),
    ('cyclegan', {'levels': 4}, 'cyclegan.levels: expected a number from 5 to 12, found 4'),
    ('cyclegan', {'learning_rate': 0.0}, 'cyclegan.learning_rate: expected a number above 0'),
    ('cyclegan', {'epochs': 0, 'decay_epochs': 0}, 'cyclegan.epochs: expected at least one epoch'),
    ('munit', {'downsamplings': 5}, 'data.size: expected a multiple of 32 from 64 on, for 5 downsamplings'),
    ('munit', {'layers': 4, 'scales': 3}, 'data.size: expected a multiple of 4 from 64 on'),
    ('munit', {'learning_rate': -1.0}, 'munit.learning_rate: expected a number above 0'),
    ('munit', {'style_from': 'noise'}, 'munit.style_from: expected one of picture, drawn, found'),
    ('unit', {'downsamplings': 6}, 'data.size: expected a multiple of 64 from 128 on'),
    ('unit', {'learning_rate': 0.0}, 'unit.learning_rate: expected a number above 0')])
def test_settings_that_could_not_be_carried_out(kind, changes, message):
    assert message in refused(kind, **changes)


@pytest.mark.parametrize('tree, message', [
    ({'sources': {}}, 'sources.target: expected the data set that munit is to bring to that of data'),
    ({'sources': {'other': {'draw': 1}}}, 'sources.target: expected'),
    ({'sources': {'target': {'draw': 1, 'channels': 3}}}, 'sources.target.channels: expected that of data, 1'),
    ({'data': {**TWO['data'], 'size': 30}}, 'data.size: expected a multiple of 4 from 16 on')])
def test_data_sets_that_no_translator_can_take(tree, message):
    assert message in refused(tree=tree)


def test_pools_are_of_one_device():
    assert 'cyclegan.pool_size: expected 0 with strategy mirrored' in refused('cyclegan', {'strategy': 'mirrored'})


@pytest.mark.parametrize('kind, key', [('munit', 'weight_decay'), ('munit', 'halve_every'), ('munit', 'cycle_weight'),
                                       ('unit', 'kl_weight'), ('cyclegan', 'pool_size')])
def test_numbers_from_0_on(kind, key):
    value = -0.5 if 'weight' in key else -1
    with pytest.raises(InputError, match=f'{kind}.{key}: expected a number from 0 on, found {value}'):
        config_of(kind, **{key: value})


def test_a_translator_that_nobody_knows():
    with pytest.raises(InputError, match="translator 'pix2pix': expected one of cyclegan, unit, munit"):
        parse_translator('pix2pix')
