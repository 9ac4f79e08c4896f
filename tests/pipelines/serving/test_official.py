"""Official weights: spellings, inferred networks, replay of official outputs, refused tensors."""
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from models.official.networks import build, infer_meta, load, relative_errors, replay
from models.pggan import wgan_gp
from models.pggan.networks import feature_maps, level_and_alpha
from pipelines.serving import official as files

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / 'tests' / 'data'


def arrays_of(name):
    with np.load(DATA / f'{name}.npz', allow_pickle=False) as file:
        return dict(file)


def weights_of(name):
    return {key[len('weight/'):]: array for key, array in arrays_of(name).items()
            if key.startswith('weight/')}


def loaded(name):
    source = files.read(DATA / f'{name}.npz')
    return source, files.load(source)


def pggan_tensors(resolution, channels, latent_size, maps, fused, group_size=4, seed=0):
    """Random weights under official names; maps[s] are the features at resolution 2^(s + 1)."""
    shapes = {'G/4x4/Dense': ([latent_size, 16 * maps[1]], maps[1]),
              'G/4x4/Conv': ([3, 3, maps[1], maps[1]], maps[1]),
              'D/4x4/Conv': ([3, 3, maps[1] + (group_size > 1), maps[1]], maps[1]),
              'D/4x4/Dense0': ([16 * maps[1], maps[0]], maps[0]),
              'D/4x4/Dense1': ([maps[0], 1], 1)}
    top = len(maps)
    for level in range(2, top + 1):
        scope, n, fewer = f'{2**level}x{2**level}', maps[level - 1], maps[level - 2]
        shapes[f'G/ToRGB_lod{top - level}'] = [1, 1, n, channels], channels
        shapes[f'D/FromRGB_lod{top - level}'] = [1, 1, channels, n], n
        if level > 2:
            shapes[f'G/{scope}/Conv0_up' if fused else f'G/{scope}/Conv0'] = (
                [3, 3, n, fewer] if fused else [3, 3, fewer, n], n)
            shapes[f'G/{scope}/Conv1'] = [3, 3, n, n], n
            shapes[f'D/{scope}/Conv0'] = [3, 3, n, n], n
            shapes[f'D/{scope}/Conv1_down' if fused else f'D/{scope}/Conv1'] = (
                [3, 3, n, fewer], fewer)
    assert 2 ** top == resolution
    rng = np.random.default_rng(seed)
    return {f'{name}/{part}': rng.normal(size=size).astype(np.float32)
            for name, (kernel, bias) in shapes.items()
            for part, size in (('weight', kernel), ('bias', [bias]))}


# --- spellings and inference ----------------------------------------------------------------------


@pytest.mark.parametrize('name', ['pggan_fused', 'pggan_groups'])
@pytest.mark.parametrize('network, role', [('G', 'generator'), ('D', 'discriminator')])
def test_one_pggan_network_alone_under_any_name(name, network, role):
    _, both = loaded(name)
    plain = {key[2:]: array for key, array in weights_of(name).items() if key.startswith(network)}
    average = {f'Gs/{key}': array for key, array in plain.items()}
    for tensors in [plain, {**plain, 'lod': np.float32(0)}] + [average] * (network == 'G'):
        meta = infer_meta(tensors)
        alone = build(meta)
        load(alone, meta, tensors)
        assert list(alone) == [role]
        for ours, reference in zip(alone[role].get_weights(), both[role].get_weights()):
            np.testing.assert_array_equal(ours, reference)


def test_pytorch_spellings_and_statistics_that_nothing_reads():
    _, reference = loaded('pix2pixhd_global_generator')
    tensors = {f'module.{name}': array
               for name, array in weights_of('pix2pixhd_global_generator').items()}
    tensors.update({'module.model.2.running_mean': np.zeros(4, np.float32),
                    'module.model.2.num_batches_tracked': np.int64(3)})
    meta = infer_meta(tensors)
    networks = build(meta)
    load(networks, meta, tensors)
    for ours, official_ in zip(networks['generator'].get_weights(),
                               reference['generator'].get_weights()):
        np.testing.assert_array_equal(ours, official_)


def test_a_discriminator_saved_without_hidden_features():
    _, reference = loaded('pix2pixhd_discriminator_odd')
    place = {0: 0, 1: 2, 2: 5, 3: 8}  # convolution, ReLU, then convolution, norm, ReLU twice
    tensors = {}
    for name, array in weights_of('pix2pixhd_discriminator_odd').items():
        scale, layer = int(name[5]), int(name[12])
        tensors[f'layer{scale}.{place[layer]}.{name.split(".")[-1]}'] = array
    meta = infer_meta(tensors)
    assert meta == {'net': 'pix2pixhd.MultiscaleDiscriminator', 'input_nc': 3, 'ndf': 4,
                    'n_layers': 2, 'num_D': 3}
    networks = build(meta)
    load(networks, meta, tensors)
    for ours, official_ in zip(networks['discriminator'].get_weights(),
                               reference['discriminator'].get_weights()):
        np.testing.assert_array_equal(ours, official_)


@pytest.mark.parametrize('maps', [(7, 7, 7, 5, 2), (6, 6, 6, 6, 6), (25, 12, 6, 3, 1)])
@pytest.mark.parametrize('group_size', [1, 4])
def test_feature_maps_and_group_are_inferred(maps, group_size):
    tensors = pggan_tensors(32, 3, 5, maps, True, group_size)
    meta = infer_meta(tensors)
    assert (meta['resolution'], meta['num_channels'], meta['latent_size'], meta['fused_scale'],
            meta['mbstd_group_size']) == (32, 3, 5, True, group_size)
    assert tuple(feature_maps(level, meta['fmap_base'], meta['fmap_max'])
                 for level in range(1, 6)) == maps
    load(build(meta), meta, tensors)


# --- replay ---------------------------------------------------------------------------------------


@pytest.mark.parametrize('lod, top_level, expected', [
    (0, 4, (4, 1.0)), (0.25, 4, (4, 0.75)), (1, 4, (3, 1.0)), (1.75, 5, (4, 0.25)),
    (2, 4, (2, 1.0)), (2.5, 4, (2, 1.0)), (9, 4, (2, 1.0)), (-1, 4, (4, 1.0)), (1, 2, (2, 1.0))])
def test_level_and_alpha(lod, top_level, expected):
    assert level_and_alpha(lod, top_level) == expected


def test_other_weights_of_the_loss_by_hand():
    # score = 3 * first pixel + 4 * second: 5 is the norm; 6 / 2^2 * (5 - 2)^2 = 13.5
    score = lambda images: tf.reduce_sum(images * tf.reshape([3., 4.], [1, 1, 2, 1]), [1, 2, 3])
    real, fake = tf.ones([1, 1, 2, 1]), tf.zeros([1, 1, 2, 1])
    pieces = wgan_gp.discriminator_loss(score, real, fake, tf.constant([0.5]), penalty_weight=6.0,
                                        drift_weight=0.1, target=2.0)
    np.testing.assert_allclose(pieces.loss, [0 - 7 + 13.5 + 4.9], rtol=1e-6)


@pytest.mark.parametrize('fused', [True, False])
def test_pggan_of_other_sizes_at_any_level(fused):
    tensors = pggan_tensors(32, 3, 5, (9, 9, 8, 4, 2), fused)
    meta = {**infer_meta(tensors), 'mbstd_group_size': 2, 'lods': [0, 1.7, 2.0, 3],
            'wgan_lambda': 3.0}
    networks = build(meta)
    load(networks, meta, tensors)
    rng = np.random.default_rng(0)
    arrays = {'latents': rng.normal(size=(6, 5)), 'real': rng.normal(size=(6, 3, 32, 32)),
              'fake': rng.normal(size=(6, 3, 32, 32)),
              'mixing_factors': rng.uniform(size=(6, 1, 1, 1))}
    outputs = replay(networks, meta, arrays)
    shapes = {'generated': (6, 3, 32, 32), 'real_scores': (6, 1), 'fake_scores': (6, 1),
              'mixed_gradient_norms': (6,), 'd_loss_per_sample': (6, 1),
              'g_loss_per_sample': (6, 1)}
    assert {name: value.shape for name, value in outputs.items()} == {
        f'lod{lod}/{name}': shape for lod in (0, 1.7, 2.0, 3) for name, shape in shapes.items()}
    assert all(np.isfinite(value).all() for value in outputs.values())
    blocks = outputs['lod3/generated'].reshape(6, 3, 4, 8, 4, 8)
    np.testing.assert_array_equal(blocks, np.broadcast_to(blocks[..., :1, :, :1], blocks.shape))
    for name in ('real_scores', 'generated'):  # whole levels are where fades end
        just_below = replay(networks, {**meta, 'lods': [1.9999999]}, arrays)
        np.testing.assert_allclose(just_below[f'lod1.9999999/{name}'], outputs[f'lod2.0/{name}'],
                                   atol=1e-4)


def test_outputs_by_the_labels_of_the_file():
    source, networks = loaded('pggan')
    arrays = {name.replace('lod1.0/', 'lod1/'): array for name, array in source.arrays.items()}
    errors = relative_errors(networks, source.meta, arrays)
    assert len(errors) == 18 and errors['lod1/generated'] < 1e-4
    assert 'lod1.0/generated' not in errors


def test_features_of_fake_are_compared_where_they_are():
    source, networks = loaded('pix2pixhd_discriminator_odd')
    outputs = replay(networks, source.meta, source.arrays)
    arrays = {**source.arrays, 'fake_scale2_feature3': outputs['fake_scale2_feature3'] * 1.01}
    errors = relative_errors(networks, source.meta, arrays)
    assert errors['fake_scale2_feature3'] == pytest.approx(0.01 / 1.01, rel=1e-3)


@pytest.mark.parametrize('name, change, message', [
    ('pggan', lambda a: a.update({'lod0.4/surprise': np.zeros(1)}), "'lod0.4/surprise'.*remove it"),
    ('pggan', lambda a: a.pop('mixing_factors'), "'lod0.0/d_loss_per_sample'.*inputs .*mixing_f"),
    ('pix2pixhd_global_generator', lambda a: a.update(z=np.zeros(1)), "array 'z'"),
    ('pix2pixhd_global_generator', lambda a: a.update(y=a['y'][:1]), "'y': expected shape"),
    ('pggan', lambda a: [a.pop(n) for n in list(a) if n.startswith('lod0.4')], 'none of lod0.4')])
def test_arrays_that_cannot_be_compared_are_named(name, change, message):
    source, networks = loaded(name)
    arrays = dict(source.arrays)
    change(arrays)
    with pytest.raises(ValueError, match=message):
        relative_errors(networks, source.meta, arrays)


def test_not_a_number_is_no_small_error():
    source, networks = loaded('pix2pixhd_global_generator')
    for spoilt in (np.nan, np.inf):
        y = source.arrays['y'].copy()
        y[0, 0, 0, 0] = spoilt
        error = relative_errors(networks, source.meta, {**source.arrays, 'y': y})['y']
        assert not error <= 1e-4
