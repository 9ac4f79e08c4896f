"""Pix2PixHD computes what the official networks compute, and their tensors load with checks.

The files hold random numbers only. `PARITY_DIR` names another folder of files of the same form.
"""
import json
import os
from pathlib import Path

import numpy as np
import pytest

from models import import_pix2pixhd
from models.lsgan import feature_matching, least_squares

FOLDER = Path(os.environ.get('PARITY_DIR') or Path(__file__).parent / 'data')


def read(path):
    with np.load(path, allow_pickle=False) as arrays:
        return json.loads(str(arrays['meta'])) if 'meta' in arrays else {}, dict(arrays)


def files_of(net):
    return [pytest.param(path, id=path.stem) for path in sorted(FOLDER.glob('*.npz'))
            if read(path)[0].get('net') == f'pix2pixhd.{net}']


def load(path, loader):
    meta, arrays = read(path)
    network = import_pix2pixhd.build_official(meta)
    loader(network, {name[len('weight/'):]: array for name, array in arrays.items()
                     if name.startswith('weight/')})
    return network, meta, arrays


def nhwc(array):
    return np.transpose(array, (0, 2, 3, 1))


def assert_close(ours, official):
    official = np.asarray(official)
    assert np.shape(ours) == official.shape
    assert np.abs(np.asarray(ours) - official).max() <= 1e-4 * np.abs(official).max()


def test_every_network_has_a_file():
    assert all(files_of(net)
               for net in ('GlobalGenerator', 'LocalEnhancer', 'MultiscaleDiscriminator'))


@pytest.mark.parametrize('path', files_of('GlobalGenerator'))
def test_global_generator(path):
    network, _, arrays = load(path, import_pix2pixhd.load_generator)
    assert_close(network(nhwc(arrays['x'])), nhwc(arrays['y']))


@pytest.mark.parametrize('path', files_of('LocalEnhancer'))
def test_local_enhancer(path):
    network, _, arrays = load(path, import_pix2pixhd.load_local_enhancer)
    assert_close(network(nhwc(arrays['x'])), nhwc(arrays['y']))


@pytest.mark.parametrize('path', files_of('MultiscaleDiscriminator'))
def test_discriminator_features(path):
    network, meta, arrays = load(path, import_pix2pixhd.load_discriminator)
    features = network(nhwc(arrays['real']))
    assert [len(scale) for scale in features] == [meta['n_layers'] + 2] * meta['num_D']
    for i, scale in enumerate(features):
        for j, feature in enumerate(scale):
            assert_close(feature, nhwc(arrays[f'real_scale{i}_feature{j}']))


@pytest.mark.parametrize('path', files_of('MultiscaleDiscriminator'))
def test_losses(path):
    network, meta, arrays = load(path, import_pix2pixhd.load_discriminator)
    real, fake = network(nhwc(arrays['real'])), network(nhwc(arrays['fake']))
    assert_close(least_squares(real, 1.0), arrays['loss_D_real'])
    assert_close(least_squares(fake, 0.0), arrays['loss_D_fake'])
    assert_close(least_squares(fake, 1.0), arrays['loss_G_GAN'])
    assert_close(meta['lambda_feat'] * feature_matching(real, fake), arrays['loss_G_feat'])


def small_generator():
    network = import_pix2pixhd.GlobalGenerator(2, 1, ngf=2, downsamplings=1, blocks=1)
    shapes = {'model.1': (2, 2, 7, 7), 'model.4': (4, 2, 3, 3),
              'model.7.conv_block.1': (4, 4, 3, 3), 'model.7.conv_block.5': (4, 4, 3, 3),
              'model.8': (4, 2, 3, 3), 'model.12': (1, 2, 7, 7)}
    tensors = {f'{name}.weight': np.ones(shape, np.float32) for name, shape in shapes.items()}
    tensors.update({f'{name}.bias': np.ones(shape[1 if name == 'model.8' else 0], np.float32)
                    for name, shape in shapes.items()})
    return network, tensors


def test_tensors_written_by_hand_load():
    network, tensors = small_generator()
    import_pix2pixhd.load_generator(network, tensors)
    assert all((variable.numpy() == 1).all() for variable in network.variables)


@pytest.mark.parametrize('spoil, message', [
    (lambda t: t.pop('model.4.bias'), '1 missing (first: model.4.bias), 0 left over'),
    (lambda t: t.update({'model.99.weight': t['model.1.weight']}),
     '0 missing (first: none), 1 left over (first: model.99.weight)'),
    (lambda t: t.update({'model.8.weight': np.ones((2, 4, 3, 3), np.float32)}),
     "'model.8.weight': expected shape (4, 2, 3, 3), found (2, 4, 3, 3)")])
def test_wrong_tensors_are_named_and_change_nothing(spoil, message):
    network, tensors = small_generator()
    before = [variable.numpy() for variable in network.variables]
    spoil(tensors)
    with pytest.raises(ValueError) as error:
        import_pix2pixhd.load_generator(network, tensors)
    assert message in str(error.value)
    assert all((a == b.numpy()).all() for a, b in zip(before, network.variables))


def test_meta_of_another_network():
    with pytest.raises(ValueError, match=r"found 'pggan'"):
        import_pix2pixhd.build_official({'net': 'pggan'})
