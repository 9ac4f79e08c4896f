"""Official tensors and descriptions from which nothing is built."""
import numpy as np
import pytest

from models.official.networks import build, infer_meta, load
from tests.pipelines.serving.test_official import loaded


def doubled(tensors, name):
    return {**tensors, name: np.concatenate([tensors[name]] * 2)}


def without(tensors, name):
    return {key: array for key, array in tensors.items() if key != name}


@pytest.mark.parametrize('name, spoil, message', [
    ('pggan', lambda t: {**without(t, 'D/4x4/Conv/bias'), 'D/4x4/Foo/bias': np.zeros(1, 'f4')},
     r'1 missing \(first: D/4x4/Conv/bias\), 1 left over \(first: D/4x4/Foo/bias\): build'),
    ('pggan', lambda t: doubled(t, 'D/4x4/Dense1/weight'),
     r"'D/4x4/Dense1/weight'.*expected shape \(8, 1\), found \(16, 1\)"),
    ('pggan', lambda t: {f'Gs/{n[2:]}' if n[0] == 'G' else n: a for n, a in t.items()
                         if n != 'G/4x4/Dense/bias'},
     r'1 missing \(first: G/4x4/Dense/bias\), 0 left over'),
    ('pggan', lambda t: {n: np.full_like(a, np.nan) for n, a in t.items()}, 'found NaN'),
    ('pggan', lambda t: {n: a.astype(int) for n, a in t.items()}, 'expected floats, found int64'),
    ('pix2pixhd_global_generator', lambda t: without(t, 'model.4.bias'),
     r'1 missing \(first: model.4.bias\), 0 left over'),
    ('pix2pixhd_global_generator', lambda t: {**t, 'model.99.weight': t['model.1.weight']},
     r'0 missing \(first: none\), 1 left over \(first: model.99.weight\)'),
    ('pix2pixhd_global_generator', lambda t: {**t, 'model.15.weight': t['model.10.weight'][:9]},
     r"'model.15.weight'\]: expected shape \(32, 16, 3, 3\), found \(9, 16, 3, 3\)"),
    ('pix2pixhd_local_enhancer_two', lambda t: {**t, 'module.model.1.bias': t['model.1.bias']},
     'every name once, some come')])
def test_wrong_tensors_are_named_and_change_nothing(name, spoil, message):
    source, networks = loaded(name)
    before = [network.get_weights() for network in networks.values()]
    with pytest.raises(ValueError, match=message):
        load(networks, source.meta,
             spoil({key: array + 1 for key, array in source.tensors.items()}))
    for network, weights in zip(networks.values(), before):
        assert all((a == b).all() for a, b in zip(network.get_weights(), weights))


def test_fused_discriminator_weights_do_not_enter_an_unfused_one():
    source, _ = loaded('pggan_fused')
    networks = build({**source.meta, 'fused_scale': False})
    with pytest.raises(ValueError, match='missing .*Conv1/bias.*left over .*Conv1_down'):
        load(networks, source.meta, source.tensors)


@pytest.mark.parametrize('meta, message', [
    ({'net': 'stylegan'}, r"meta\['net'\]: expected one of .*found 'stylegan'"),
    ({}, "found None"), ({"net": []}, r"found \[\]"),
    ({'net': 'pix2pixhd.MultiscaleDiscriminator', 'input_nc': 3, 'ndf': 4, 'n_layers': 3},
     r"meta\['num_D'\]: expected a whole number from 1 to 16777216, found None"),
    ({'net': 'pix2pixhd.MultiscaleDiscriminator', 'input_nc': 3, 'ndf': 4, 'n_layers': 10 ** 9,
      'num_D': 1}, r"meta\['n_layers'\]: expected a whole number from 1 to 100, found 1000000000"),
    ({'net': 'pix2pixhd.GlobalGenerator', 'input_nc': '3'}, r"meta\['input_nc'\].*found '3'"),
    ({'net': 'progressive_growing_of_gans.G_paper', 'resolution': 12, 'num_channels': 1,
      'fmap_base': 64, 'fmap_max': 8, 'fused_scale': True, 'latent_size': 4}, 'power of two'),
    ({'net': 'progressive_growing_of_gans.G_paper', 'resolution': 64, 'num_channels': 1,
      'fmap_base': 16, 'fmap_max': 8, 'fused_scale': True, 'latent_size': 4}, 'at least 32')])
def test_meta_that_builds_nothing(meta, message):
    with pytest.raises(ValueError, match=message):
        build(meta)


@pytest.mark.parametrize('tensors, message', [
    ({}, 'found none'), ({'conv1.weight': np.zeros((1, 1, 1, 1))}, 'found conv1.weight'),
    ({'4x4/Dense/weight': np.zeros((2, 32))}, "'G/ToRGB_lod0/weight' is missing"),
    ({'model.1.weight': np.zeros(3)}, 'expected 4 axes'),
    ({'model.1.weight': np.zeros((1, 1, 7, 7)), 'model.2.weight': np.zeros(1)}, '--norm instance')])
def test_tensors_of_no_network_that_we_have(tensors, message):
    with pytest.raises(ValueError, match=message):
        infer_meta(tensors)
