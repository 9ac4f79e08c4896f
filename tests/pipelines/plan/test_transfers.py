"""The ways to another hospital in the matrix: which runs there are, what they hang on, what is refused."""
from pathlib import Path

import pytest

from datasets.errors import InputError
from pipelines.plan import artefacts, config as configs, loading, matrix
from pipelines.plan.regimes import Run, label_of_run, parse_regime, with_pretraining
from pipelines.plan.transfers import TRANSFERS, VALIDATION, chosen_by, share_of, shown_as
from tests.conftest import TINY, tiny_config

TARGET = {'dataset': 'phantom', 'num_train': 6, 'num_test': 4, 'division': '60/20/20'}
LUNGS = {'targets': {'lungs': ['left_lung', 'right_lung']}}


def config_of(blocks=(), target=TARGET, segmenter=LUNGS, **sections):
    return tiny_config(sources={'target': target}, regimes=['real'], segmenter=segmenter, matrix=list(blocks), **sections)


def runs_of(*blocks, **sections):
    return [run.name for arm in matrix.arms_of(config_of(blocks, **sections)) for run in arm.runs]


def test_shares_of_labels_are_runs_and_each_brings_the_segmenter_that_it_starts_from():
    assert runs_of({'regimes': ['tone', 'scratch', 'munit'], 'labelled': [0, 2.5, 100]}) == [
        'real-smanet-0', 'tone-smanet-0-l0', 'scratch-smanet-0-l2.5', 'scratch-smanet-0-l100', 'munit-smanet-0-l0',
        'munit-smanet-0-l2.5', 'munit-smanet-0-l100']
    assert runs_of({'regimes': ['scratch'], 'labelled': [50]}) == ['scratch-smanet-0-l50']
    assert runs_of({'regimes': ['tuned'], 'seeds': [3]}) == ['real-smanet-3', 'tuned-smanet-3-l100']
    config = config_of(transfer={'labelled': 0})
    assert [run.name for arm in matrix.arms_of(config_of(transfer={'labelled': 0})) for run in arm.runs] == [
        'real-smanet-0'] and config.transfer.labelled == 0


def test_the_demo_of_a_transfer_has_every_way_and_is_scored_at_both_hospitals():
    config = loading.load_config(str(Path(configs.__file__).parents[1] / 'configs/demo_transfer.yaml'))
    arm, = matrix.arms_of(config)
    assert {run.name: splits for run, splits in arm.scores.items()} == {
        'real-unet-0': ('test', 'there'), **{name: ('there',) for name in (
            'tone-unet-0-l0', 'tuned-unet-0-l5', 'tuned-unet-0-l100', 'scratch-unet-0-l5', 'scratch-unet-0-l100',
            'cyclegan-unet-0-l0', 'cyclegan-unet-0-l5')}}
    assert (config.data.dataset, config.sources['target'].dataset) == ('phantom', 'phantom_b')
    there = config.external['there']
    assert (there.part, there.division, there.draw) == ('test', '60/20/20', config.sources['target'].draw)
    assert not any(data.trim_borders for data in (config.data, config.sources['target'], there))


def test_names_of_runs_in_words():
    assert label_of_run('munit-unet-0-l2.5') == 'MUNIT, U-Net, seed 0, 2.5 % labelled'
    assert label_of_run('tone-smanet-1-l0') == 'TONE, SMANet, seed 1, 0 % labelled'
    assert parse_regime('munit').label == 'MUNIT, supervised'


@pytest.mark.parametrize('name', TRANSFERS)
def test_a_way_is_a_regime_whose_run_knows_what_it_starts_from(name):
    run = Run(parse_regime(name), labelled=5.0)
    assert (run.pretraining is None) == (name == 'scratch')
    assert run.trained == (run.pretraining if name == 'tone' else run)
    assert with_pretraining([run])[-1] == run


def test_what_a_training_hangs_on():
    config = config_of()

    def made_of(regime, labelled):
        run = Run(parse_regime(regime), labelled=labelled)
        return artefacts.segmenter_of(config, run).made_of

    assert made_of('scratch', 50.0) == ('records/target', f'records/{VALIDATION}')
    assert made_of('tuned', 50.0) == ('records/target', f'records/{VALIDATION}', 'segmenters/real-smanet-0')
    assert made_of('munit', 0.0) == ('records/train', 'records/target', 'stages/translator_munit',
                                     'segmenters/real-smanet-0')
    assert artefacts.export_of(config, Run(parse_regime('tone'), labelled=0.0)).made_of == (
        'segmenters/real-smanet-0', 'records/train')
    longer = config_of(transfer={'epochs': 3})
    one, other = (artefacts.segmenter_of(c, Run(parse_regime('munit'), labelled=0.0)) for c in (config, longer))
    assert one.settings != other.settings
    assert artefacts.segmenter_of(config, Run(parse_regime('real'))).settings == artefacts.segmenter_of(
        longer, Run(parse_regime('real'))).settings


def test_what_chooses_the_weights():
    assert chosen_by(config_of(), 5.0) == VALIDATION
    assert chosen_by(config_of(), 0.0) == ''
    assert chosen_by(config_of(data={'division': '60/20/20'}), 0.0) == 'validation'
    assert chosen_by(config_of(target={**TARGET, 'division': 'official'}), 5.0) == ''


def test_arms_with_another_target_do_not_share_a_translator():
    block = {'regimes': ['munit'], 'labelled': [0]}
    other = {'arm': 'other', 'config': {'sources': {'target': {'draw': 7}}}, **block}
    one, two = matrix.arms_of(config_of([block, other]))
    stage = TRANSFERS['munit'].translator
    assert matrix.owner_of([one, two], two, stage) is None
    same = {**other, 'config': {'transfer': {'epochs': 2}}}
    one, two = matrix.arms_of(config_of([block, same]))
    assert matrix.owner_of([one, two], two, stage) is one


@pytest.mark.parametrize('regime, sections, words', [
    ('munit', {'target': {**TARGET, 'channels': 3}}, 'sources.target.channels: expected that of data, 1'),
    ('tuned', {'target': {**TARGET, 'unlabelled': True}}, 'unlabelled: expected false where 50 % of its labels'),
    ('munit', {'segmenter': {**LUNGS, 'size': 64}}, 'segmenter.size .smanet.: expected that of data, 48'),
    ('munit', {'segmenter': {**LUNGS, 'overlapping': True}}, 'segmenter.overlapping .*: expected false'),
    ('munit', {'segmenters': {'toy': {'network': 'invertednet', 'crop': 48}}}, 'expected with munit one that learns by '
                                                                               'cross entropy alone .smanet, unet'),
    ('munit', {'data': {'size': 24}}, 'data.size: expected a multiple of 4 from 16 on|segmenter.size'),
    ('scratch', {'labelled': [0]}, r'matrix\[0\].labelled: expected a share above 0 for scratch'),
    ('scratch', {'labelled': [101]}, r'matrix\[0\].labelled: expected per cent, from 0 to 100, found 101'),
    ('scratch', {'labelled': [33.3333333, 33.3333334]}, 'labelled: expected shares that differ within six digits'),
    ('munit', {'transfer': {'epochs': 0}}, 'transfer.epochs: expected a number from 1 on')])
def test_what_cannot_be_carried_out_is_refused(regime, sections, words):
    sections = dict(sections)
    block = {'regimes': [regime], 'labelled': sections.pop('labelled', [50])}
    if 'segmenters' in sections:
        block['segmenters'] = ['toy']
    with pytest.raises(InputError, match=words):
        matrix.arms_of(config_of([block], **sections))


def test_an_export_for_b_hangs_on_what_of_b_is_shown_otherwise_than_a_and_that_of_a_on_nothing():
    plain, unlike = config_of(), config_of(target={**TARGET, 'trim_borders': True, 'grey': 'red'})
    own = {name: artefacts.export_of(unlike, Run(parse_regime(name), labelled=None if name == 'real' else 0.0)).settings
           for name in ('real', *TRANSFERS)}
    assert own == {'real': {}, **dict.fromkeys(TRANSFERS, {'sources': {'target': {'grey': 'red', 'trim_borders': True}}})}
    assert artefacts.export_of(plain, Run(parse_regime('tone'), labelled=0.0)).settings == {}  # as before there was any of it
    assert shown_as(unlike, parse_regime('real').transfer) is unlike.data
    assert shown_as(tiny_config(), TRANSFERS['tone']) == tiny_config().data   # which needs no pictures of B


@pytest.mark.parametrize('key, value', [('trim_borders', False), ('fit', 'pad'), ('grey', 'equal')])
def test_pictures_of_b_are_scored_as_its_models_are_shown_them(key, value):
    target = {**TARGET, 'trim_borders': True, 'fit': 'stretch', 'grey': 'red'}

    def arms(regime, **changes):
        block = {'regimes': [regime], 'labelled': [50], 'score': ['there']}
        return matrix.arms_of(config_of([block], target, external={'there': {**target, 'part': 'test', **changes}}))

    for regime in ('tone', 'tuned'):
        with pytest.raises(InputError, match=f'config: external.there.{key}: expected that of sources.target, '
                                             f'{target[key]}, whose pictures regime {regime} is for, found {value!r}$'):
            arms(regime, **{key: value})
    assert arms('real', **{key: value}) and arms('tuned')
    assert arms('tuned', **{key: value, 'dataset': 'phantom_b'})   # another hospital's


def test_a_target_is_named():
    with pytest.raises(InputError, match='sources.target: expected the data set that regime scratch is to bring'):
        matrix.arms_of(tiny_config(regimes=['real'], matrix=[{'regimes': ['scratch'], 'labelled': [50]}]))
    assert 'transfer' not in TINY


@pytest.mark.parametrize('regime, asked, share', [
    ('real', None, None), ('munit', None, 40.0), ('munit', 0.0, 0.0), ('tone', None, 0.0), ('tuned', 2.5, 2.5)])
def test_the_share_of_one_run(regime, asked, share):
    assert share_of(regime, asked, 40.0) == share


@pytest.mark.parametrize('regime, asked, words', [
    ('real', 5.0, '--labelled 5: expected none with --regime real, which learns from no other hospital, one of tone'),
    ('scratch', 0.0, 'expected above 0 per cent with --regime scratch, found 0'),
    ('tone', 5.0, 'expected 0 per cent with --regime tone, found 5'),
    ('munit', 120.0, 'expected from 0 to 100 per cent with --regime munit, found 120')])
def test_a_share_that_a_run_cannot_have_is_refused(regime, asked, words):
    with pytest.raises(InputError, match=words):
        share_of(regime, asked, 100.0)
