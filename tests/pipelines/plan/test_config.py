"""The strict config: defaults, overrides, and each refusal with its path."""
from pathlib import Path

import pytest
import yaml

from datasets.errors import InputError
from pipelines.plan import config as configs, loading, matrix
from tests.conftest import TINY, tiny_config
from pipelines.plan.augmentation import Augmentation
from pipelines.plan.kinds import KINDS
from pipelines.plan.methods import all_stages

NAMED = {'experiment': 'e', 'configuration': 'c'}
FOLDER = Path(configs.__file__).parents[1] / 'configs'


@pytest.mark.parametrize('path', sorted(FOLDER.glob('*.yaml')), ids=lambda p: p.stem)
def test_every_config_in_the_repository_is_valid(path):
    config = loading.load_config(str(path))
    tree = loading.to_dict(config)
    assert loading.from_dict(tree) == config and yaml.safe_load(yaml.safe_dump(tree)) == tree  # plain, without a tuple
    opening = path.read_text().split('experiment:')[0]
    assert 'python tools/' in opening or 'bash tools/' in opening  # its command
    assert 'Cost:' in opening


def test_terms_are_of_the_same_pictures_alone():
    data = {'dataset': 'folder', 'source': '/home/me/a', 'terms': 'CC BY'}
    more = {'unlabelled': {'unlabelled': True}, 'target': {'source': '/home/me/b'}, 'own': {'dataset': 'phantom'}}
    sources = loading.built({**NAMED, 'data': data, 'sources': more}, 'c').sources
    assert {name: its.terms for name, its in sources.items()} == {'unlabelled': 'CC BY', 'target': None, 'own': None}


def test_what_is_passed_on_names_no_folder_of_this_machine():
    config = loading.built({**NAMED, 'data': {'dataset': 'folder', 'source': '/home/me/chests', 'train_ids': '~/me/ids.txt'},
                            'external': {'b': {'dataset': 'folder', 'source': '/home/me/b'}},
                            'matrix': [{'config': {'pggan': {'initial_weights': '/home/me/w'}}}]}, 'c')
    told = loading.to_told(config)
    assert (told['data']['source'], told['data']['train_ids'], told['external']['b']['source']) == ('chests', 'ids.txt', 'b')
    assert '/' not in str(told) and told['data']['size'] == 1024
    assert set(loading.PLACES) <= {key for section in _sections(loading.to_dict(config)) for key in section}


def _sections(tree):
    return [tree, *(found for value in tree.values() if isinstance(value, dict) for found in _sections(value))]


@pytest.mark.parametrize('name, images, ids', [('jsrt_tiny', 66, 11), ('jsrt_full', 744, None)])
def test_the_papers_configurations(name, images, ids):
    config = loading.load_config(str(FOLDER / f'{name}.yaml'))
    assert config.data.num_train == ids
    assert (ids or 124) * config.data.augment == images
    assert config.data.size == 1024 and config.data.dots_size == 64
    assert config.labels.channels == 'grey' and not config.labels.reject
    assert config.kinds['pggan'].fmap_max == 64
    assert (config.kinds['pix2pixhd'].ngf, config.kinds['pix2pixhd'].blocks) == (64, 9)
    assert (config.generation.num_train, config.generation.num_validation) == (7500, 2500)
    segmenter = config.segmenter
    assert (segmenter.crop, segmenter.batch_size, segmenter.learning_rate) == (377, 17, 1e-4)
    assert (segmenter.options.blocks, segmenter.options.width) == ((3, 4, 6, 3), 1.0)
    assert config.evaluation.size == 512
    assert segmenter.augmentation == Augmentation()  # the paper: random crops only


@pytest.mark.parametrize('change, message', [
    ({'colour': 1}, 'unknown key colour; known keys: experiment'),
    ({'segmenter': {'width': 'wide'}}, "segmenter.width: expected a number such as 2.0e-4, found"),
    ({'segmenter': {'learning_rate': '2e-4'}}, 'segmenter.learning_rate: expected a number'),
    ({'segmenter': {'crops': 41}}, 'unknown key segmenter.crops; known keys: network, size, crop'),
    ({'pggan': {'batch_sizes': {'four': 4}}}, 'pggan.batch_sizes key: expected a whole number'),
    ({'data': {'dataset': 'mnist'}}, 'data.dataset: expected one of phantom, phantom_b, '),
    ({'data': {'dataset': 'jsrt'}}, 'data.source: expected the folder of the data set'),
    ({'data': {'size': 48}}, 'missing key data.dataset'),
    ({'labels': {'reject': 1}}, 'labels.reject: expected one of true, false, auto, found 1'),
    ({'segmenter': {'augmentation': {'flip': -1}}}, 'segmenter.augmentation.flip: expected a number from 0 to 1, found -1'),
    ({'segmenters': {'unet': {'augmentation': {'rotation': 500}}}}, 'segmenters.unet.augmentation.rotation: expected a number from 0 to'),
    ({'pix2pixhd': {'augmentation': {'shift': 5.0}}}, 'pix2pixhd.augmentation.shift: expected a number from 0 to 0.5, found 5.0'),
    ({'stages': {'image_from_labels': {'augmentation': {'scale': -1.5}}}}, 'stages.image_from_labels.augmentation.scale: expected'),
    ({'segmenter': {'average_decay': 1.0}}, 'segmenter.average_decay: expected a share from 0 to below 1, found 1.0'),
    ({'segmenter': {'min_holdout_images': -1}}, 'segmenter.min_holdout_images: expected a number from 0 on, found -1'),
    ({'pix2pixhd': {'downsamplings': 1_000_000}}, 'pix2pixhd.downsamplings: expected at most 14, found 1000000'),
    ({'stages': {'image_from_labels': {'enhancers': 1_000_000}}}, 'stages.image_from_labels.enhancers: expected at most 14'),
    ({'dfgan': {'layers': 1_000_000}}, 'dfgan.layers: expected at most 14, found 1000000'),
    ({'regimes': ['synth4']}, "regime 'synth4': expected one of real, first, restart, pseudo, self, synth1"),
    ({'regimes': 'real'}, "regimes: expected a list, found 'real'"),
    ({'stages': {'bones': {}}}, 'stages.bones: unknown stage; known: image_labels'),
    ({'stages': {'dots': {'epochs': 3}}}, 'unknown key stages.dots.epochs'),
    ({'generation': {'shard': 10, 'block': 4}}, 'generation.shard: expected a multiple'),
    ({'generation': {'block': 0}}, 'generation.block: expected a number from 1 on, found 0'),
    ({'data': {'dataset': 'phantom', 'num_train': -1}}, 'data.num_train: expected a number from 1 on, or'),
    ({'sources': {'target': {'num_train': -3}}}, 'sources.target.num_train: expected a number from 1 on, or null'),
    ({'external': {'there': {'dataset': 'phantom', 'num_test': 0}}}, 'external.there.num_test: expected a number from 1'),
    ({'labels': {'warp': -0.1}}, 'labels.warp: expected a share of the side from 0 to 0.25, found -0.1'),
    ({'labels': {'jitter': 2.0}}, 'labels.jitter: expected a share of the side from 0 to 0.25, found 2.0'),
    ({'external': {'pseudo': {'dataset': 'phantom'}}}, 'external.pseudo: expected a name of letters, digits and _, other than'),
    ({'sources': {'pseudo': {}}}, 'sources.pseudo: expected a name of letters, digits and _, other than those of splits'),
    ({'segmenter': {'width': 0.0}}, 'segmenter.width: expected a number above 0, found 0.0'),
    ({'segmenter': {'blocks': []}}, 'segmenter.blocks: expected four numbers from 1 on, found []'),
    ({'pggan': {'learning_rate': -1.0}}, 'pggan.learning_rate: expected a number above 0'),
    ({'pix2pixhd': {'blocks': -1}}, 'pix2pixhd.blocks: expected a number from 0 on, found -1'),
    ({'segmenters': {'unet': {'batch_size': 0}}}, 'segmenters.unet.batch_size: expected a number from 1 on, found 0'),
    ({'segmenters': {'unet': {'size': 0}}}, 'segmenters.unet.size: expected a number from 1 on, found 0'),
    ({'segmenters': {'unet': {'learning_rate': 'high'}}}, 'my.yaml: segmenters.unet.learning_rate: expected a number such as'),
    ({'segmenters': {'unet': {}, 'Unet': {}}}, "segmenters: expected names that differ by more than capitals, as from Unet, found 'unet'"),
    ({'matrix': [{'arm': 'a'}, {'arm': 'A'}]}, "matrix: expected names that differ by more than capitals, as from A, found 'a'"),
    ({'run': {'log_every': 0}}, 'run.log_every: expected a number from 1 on'),
    ({'data': {'dataset': 'phantom', 'division': 'folds', 'folds': 2, 'validation': 1}},
     'data.validation: expected 0 to 0 of 2 folds, for one is tested and one learned from, found 1'),
    ({'data': {'dataset': 'phantom', 'validation': 1}},
     'data.validation: expected 0 unless data.division=folds, found 1'),
    ({'data': {'dataset': 'phantom', 'division': 'folds', 'fold': 5}},
     'data.fold: expected 0 to 4, of 5 folds, found 5'),
    ({'segmenter': {'epochs': 3}}, 'segmenter.epochs: expected null with finetune3, synth3, for REAL gets'),
    ({'segmenter': {'epochs': 0}, 'regimes': ['real']}, 'segmenter.epochs: expected a number from 1 on, or null'),
    ({'segmenter': {'weight_decay': -1.0}}, 'segmenter.weight_decay: expected a number from 0 on, found -1.0'),
    ({'segmenter': {'decayed': 'bias'}}, "segmenter.decayed: expected one of weights, all, found 'bias'"),
    ({'segmenter': {'holdout': 1.5}}, 'segmenter.holdout: expected a share between 0 and 1'),
    ({'segmenter': {'crop': 380}}, 'segmenter.crop: expected 8*k - 7'),
    ({'segmenter': {'crop': 89, 'size': 48}}, 'segmenter.crop: expected at most segmenter.size'),
    ({'segmenter': {'network': 'segnet_zijun', 'size': 48, 'crop': 48}},
     'segmenter.crop: expected a multiple of 32, found 48'),
    ({'segmenter': {'network': 'pix2pix_mtdg_both', 'crop': 377}}, 'segmenter.crop: expected a multiple of 256, found'),
    ({'pix2pixhd': {'downsamplings': 5, 'enhancers': 1}},
     'data.size: expected at least 66 for 5 downsamplings and 1 enhancers of Pix2PixHD, found 48'),
    ({'pix2pixhd': {'ngf': 6, 'enhancers': 2}}, 'pix2pixhd.ngf: expected a multiple of 2^enhancers'),
    ({'pix2pixhd': {'enhancers': 1, 'enhancer_epochs': 200}},
     'pix2pixhd.enhancer_epochs: expected fewer than epochs + decay_epochs = 200, found 200'),
    ({'pix2pixhd': {'pool_size': -1}}, 'pix2pixhd.pool_size: expected a number from 0 on, found -1'),
    ({'pix2pixhd': {'pool_size': 5}, 'strategy': 'mirrored'},
     'pix2pixhd.pool_size: expected 0 with strategy mirrored'),
    ({'strategy': 'tpu'}, "strategy: expected one of none, mirrored, multi_worker, found 'tpu'"),
    ({'precision': 'float16'}, 'precision: expected one of float32, mixed_float16'),
    ({'segmenter': {'context': 'gate'}}, 'segmenter.context: expected one of attention, pyramid'),
    ({'segmenter': {'network': 'unetplusplus', 'size': 64, 'crop': 64, 'dropout': 1}},
     'segmenter.dropout: expected a share from 0 to below 1, found 1'),
    ({'segmenter': {'imagenet_weights': 'keras', 'width': 0.5}}, 'segmenter.width: expected 1.0 with'),
    ({'segmenter': {'imagenet_weights': 'keras', 'blocks': [1, 1, 1, 1]}},
     'segmenter.blocks: expected those of ResNet-50 or -101'),
    ({'regimes': ['synth2']}, 'data.size: expected a power of two from 4 on for stage labels'),
    ({'pggan': {'batch_sizes': {4: 4}}}, 'batch_sizes: expected for 8 px'),
    ({'data': 3}, 'data: expected a section with keys, found 3'),
])
def test_refusals_name_the_key(change, message):
    with pytest.raises(InputError) as error:
        loading.from_dict({**TINY, **change}, 'my.yaml')
    assert message in str(error.value)
    assert '\n' not in str(error.value)


def test_overrides(tmp_path):
    path = tmp_path / 'config.yaml'
    path.write_text(yaml.safe_dump(TINY))
    config = loading.load_config(str(path), ['segmenter.learning_rate=1.0e-3', 'data.num_train=2',
                                             'stages.dots.fade_images=8'])
    assert config.segmenter.learning_rate == 1e-3 and config.data.num_train == 2
    assert loading.stage_settings(config, all_stages()['dots']).fade_images == 8
    assert loading.stage_settings(config, all_stages()['labels']).fade_images == 0
    with pytest.raises(InputError, match='--set data.size: expected KEY=VALUE'):
        loading.load_config(str(path), ['data.size'])
    with pytest.raises(InputError, match='seed is a value, not a section'):
        loading.load_config(str(path), ['seed.x=1'])


@pytest.mark.parametrize('content', ['a: [', '- 1', '\x00'])
def test_an_unreadable_file_is_one_line(tmp_path, content):
    path = tmp_path / 'config.yaml'
    path.write_text(content)
    with pytest.raises(InputError) as error:
        loading.load_config(str(path))
    assert str(path) in str(error.value) and '\n' not in str(error.value)


def test_defaults_are_the_papers_sizes():
    config = tiny_config()
    assert KINDS['pggan'].settings().batch_sizes[1024] == 4
    assert config.kinds['pggan'].latent_size == 8


@pytest.mark.parametrize('value', ['.nan', '.inf', '-.inf'])
def test_numbers_are_finite(value):
    with pytest.raises(InputError, match='pix2pixhd.learning_rate: expected a finite number, found'):
        loading.from_dict({**TINY, 'pix2pixhd': {'learning_rate': float(value.replace('.', ''))}})


def test_an_entry_of_a_mapping_can_be_set_and_no_regime_is_refused(tmp_path):
    path = tmp_path / 'c.yaml'
    path.write_text(yaml.safe_dump(TINY))
    config = loading.load_config(str(path), ['pggan.batch_sizes.16=8'])
    assert config.kinds['pggan'].batch_sizes == {4: 4, 8: 4, 16: 8, 32: 4}
    with pytest.raises(InputError, match='regimes: expected at least one regime, found'):
        loading.load_config(str(path), ['regimes=[]'])
    with pytest.raises(InputError, match='--set seed=010: expected a value in YAML: line 1: 010 would be read'):
        loading.load_config(str(path), ['seed=010'])


def test_classes_of_an_arm_or_a_network_take_the_place_of_those_before():
    """Laid over each other they would be learned together, where one rubs out the other."""
    lungs, hearts = {'lungs': ['left_lung', 'right_lung']}, {'heart': ['heart']}
    config = loading.from_dict({**NAMED, 'data': {'dataset': 'phantom'}, 'segmenter': {'targets': lungs, 'batch_size': 3}, 'segmenters': {'unet': {'targets': hearts, 'crop': 320}},
                        'matrix': [{'arm': 'hearts', 'regimes': ['real'], 'config': {'segmenter': {'targets': hearts}}}]})
    assert loading.segmenter_settings(config, 'unet').targets == {'heart': ('heart',)}
    assert loading.segmenter_settings(config, 'unet').batch_size == 3
    assert matrix.arms_of(config)[0].config.segmenter.targets == {'heart': ('heart',)}
