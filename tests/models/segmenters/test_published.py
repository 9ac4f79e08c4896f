"""Every segmenter of the papers, row by row: size, shapes, sizes that it refuses, training, export."""
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from models.adversarial import train_step
from models.segmenters import (fcn, invertednet, invertednet_kth, pix2pix_mtdg, scan, segnet, segnet_zijun,
                               unet_oliveira, unetplusplus)
from pipelines.plan.checks import check_segmenter
from pipelines.plan.loading import load_config, segmenter_settings
from pipelines.plan.segmenters import SEGMENTERS, resolve

PUBLISHED = [
    (lambda: fcn.FCN(2, 3, 8), 134_271_430, 0), (lambda: fcn.FCN(4, 3, 8), 134_284_620, 0),
    (lambda: fcn.FCN(2, 3, 16), 134_273_924, 0), (lambda: fcn.FCN(4, 3, 16), 134_295_624, 0),
    (lambda: fcn.FCN(2, 3, 32), 134_285_122, 0), (lambda: fcn.FCN(4, 3, 32), 134_342_468, 0),
    (lambda: unet_oliveira.UNetOliveira(2, 3), 31_043_586, 11_776),
    (lambda: unet_oliveira.UNetOliveira(4, 3, padding='valid'), 31_043_716, 11_776),
    (lambda: segnet.SegNet(2, 1), 29_443_010, 15_872),
    (lambda: segnet_zijun.SegNetZijun(2, 3), 39_789_766, 16_388),
    (lambda: invertednet.InvertedNet(3, 1), 3_140_771, 0),
    (lambda: invertednet_kth.InvertedNetKTH(4, 1), 973_062, 258),
    (lambda: scan.SCAN(4, 1), 242_584, 2_688),
    (lambda: unetplusplus.UNetPlusPlus(1, 1), 9_041_700, 0),
    (lambda: unetplusplus.UNetPlusPlus(1, 3, deep_supervision=False), 9_042_177, 0),
    (lambda: pix2pix_mtdg.Generator(6, 3), 54_426_630, 0), (lambda: pix2pix_mtdg.Discriminator(9), 2_772_673, 0)]


@pytest.mark.parametrize('make, trainable, statistics', PUBLISHED)
def test_parameters_at_the_published_size(make, trainable, statistics):
    with tf.Graph().as_default():   # where weights are not numbers yet
        network = make()
        counts = [sum(int(np.prod(v.shape)) for v in variables)
                  for variables in (network.trainable_variables, network.non_trainable_variables)]
    assert counts == [trainable, statistics]


# by row: a size that it takes, as odd as it can be
SIZES = {'fcn8s': (1, 37), 'fcn16s': (45, 2), 'fcn32s': (33, 50), 'unet_oliveira': (17, 53), 'segnet': (37, 18),
         'segnet_zijun': (64, 32), 'invertednet': (48, 16), 'invertednet_kth': (24, 40), 'scan': (48, 16),
         'unetplusplus': (16, 48), 'pix2pix_mtdg': (256, 256), 'pix2pix_mtdg_both': (256, 256)}
REFUSED = {'segnet_zijun': (48, 64), 'unet_oliveira': (15, 64), 'invertednet': (24, 32), 'invertednet_kth': (20, 16),
           'scan': (40, 64), 'unetplusplus': (24, 16), 'pix2pix_mtdg': (128, 256), 'pix2pix_mtdg_both': (256, 384)}
NAMES = sorted(SIZES)


def made(name, outputs, channels=1, **options):
    """{'network': ..., helpers} of the smallest width; options as in the config."""
    row = SEGMENTERS[name]
    settings = {**dataclasses.asdict(row.options()), 'width': 0.01, **options}
    networks = {'network': resolve(row.build)(outputs, channels=channels, seed=0, **settings)}
    if row.helpers:
        networks.update(resolve(row.helpers)(outputs, channels=channels, seed=0, **settings))
    return networks


def batch_of(name, outputs, channels, overlapping=False):
    rng, (height, width) = np.random.default_rng(0), SIZES[name]
    label = np.zeros([2, height, width], np.uint8)
    label[:, height // 3:, width // 4:] = 1
    image = label[..., None] - 0.5 + 0.1 * rng.normal(size=[2, height, width, channels])
    if overlapping:
        label = np.stack([label, 1 - label], -1)[..., :outputs]
    also = {other: tf.constant(np.tanh(image), tf.float32) for other in SEGMENTERS[name].also}
    return {'image': tf.constant(image, tf.float32), 'label': tf.constant(label),
            'key': tf.constant([[1, 2], [3, 4]]), **also}


@pytest.fixture(scope='module', params=NAMES)
def row(request):
    """(name, networks of two classes and three channels)."""
    return request.param, made(request.param, 2, channels=3)


def test_rows_take_what_the_networks_take():
    for name, (height, width) in SIZES.items():
        assert SEGMENTERS[name].sides.fit(height) and SEGMENTERS[name].sides.fit(width)
    for name, sides in REFUSED.items():
        assert not all(SEGMENTERS[name].sides.fit(side) for side in sides)


def test_the_demo_s_config_can_name_every_one():
    config = load_config(str(Path(__file__).parents[3] / 'pipelines/configs/demo.yaml'))
    for name in SEGMENTERS:
        check_segmenter(config, name, segmenter_settings(config, name), 'demo')


def test_exports_at_sizes_unknown_when_it_is_traced(row):
    name, networks = row
    network, batch = networks['network'], batch_of(name, 2, 3)
    for score in getattr(network, 'scores', ()):   # an FCN's, which start at zero
        score.kernel.assign(0.1 * tf.random.stateless_normal(score.kernel.shape, [1, 2]))
    traced = tf.function(lambda image: network(image), input_signature=[tf.TensorSpec([None, None, None, 3])])
    logits = network(batch['image'])
    assert logits.shape == (*batch['label'].shape, 2) and logits.dtype == tf.float32
    assert np.ptp(logits) > 0
    assert (logits.numpy().min() >= 0) == (name == 'segnet_zijun')   # it ends in ReLU
    np.testing.assert_allclose(traced(batch['image']), logits, atol=1e-5 * float(tf.reduce_max(tf.abs(logits))))


def test_other_sizes_are_refused_in_one_line(row):
    name, networks = row
    if name in REFUSED:
        with pytest.raises(ValueError, match=f'found {REFUSED[name][0]} x {REFUSED[name][1]}; resize'):
            networks['network'](tf.zeros([1, *REFUSED[name], 3]))


def learns(networks, name, batch, steps=3):
    """Takes steps of the row's own updates; returns them."""
    updates = resolve(SEGMENTERS[name].updates)(networks)
    assert {id(v) for update in updates for v in update.variables} == {
        id(v) for network in networks.values() for v in network.trainable_variables}
    adam = {update.name: tf.keras.optimizers.Adam(2e-3) for update in updates}
    variables = networks['network'].trainable_variables
    before = [v.numpy() for v in variables]
    losses = [{key: float(value) for key, value in train_step(updates, adam, batch).items()} for _ in range(steps)]
    assert losses[-1]['segmentation_loss'] < losses[0]['segmentation_loss']
    assert all(np.isfinite(list(step.values())).all() for step in losses)
    assert not [v.name for v, old in zip(variables, before) if np.array_equal(v, old)]
    return updates


def test_a_few_steps_of_its_own_updates_lower_the_loss(row):
    name, networks = row
    updates = learns(networks, name, batch_of(name, 2, 3))
    assert updates[-1].name == 'segmentation' and len(updates) == len(networks)


@pytest.mark.parametrize('name', ['invertednet', 'unetplusplus'])
def test_losses_of_their_own_take_masks_that_overlap(name):
    updates = learns(made(name, 2), name, batch_of(name, 2, 1, overlapping=True))
    assert [update.name for update in updates] == ['segmentation']


@pytest.mark.parametrize('name', ['fcn8s', 'invertednet', 'unetplusplus'])
def test_dropout_of_a_sample_depends_on_its_own_key_alone(name):
    network, batch = made(name, 2)['network'], batch_of(name, 2, 1)
    for score in getattr(network, 'scores', ()):
        score.kernel.assign(tf.ones_like(score.kernel))
    both = network(batch['image'], batch['key'], training=True).numpy()
    alone = network(batch['image'][1:], batch['key'][1:], training=True).numpy()
    np.testing.assert_allclose(alone, both[1:], rtol=1e-4, atol=1e-4 * np.abs(both).max())
    other = network(batch['image'][1:], batch['key'][:1], training=True).numpy()
    assert np.abs(other - alone).max() > 1e-2 * np.abs(both).max()


@pytest.mark.parametrize('name', ['fcn8s', 'invertednet', 'unet_oliveira'])
def test_the_seed_makes_the_weights(name):
    build, options = resolve(SEGMENTERS[name].build), dataclasses.asdict(SEGMENTERS[name].options())
    options['width'] = 0.01
    first, same, other = (build(2, channels=1, seed=seed, **options).get_weights() for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, same))
    kernels = [(a, b) for a, b in zip(first, other) if a.ndim == 4 and a.any() and a.shape[-1] == a.shape[-2]]
    assert np.mean([np.array_equal(a, b) for a, b in kernels]) < 0.5


@pytest.mark.parametrize('name', ['fcn8s', 'pix2pix_mtdg'])
def test_mixed_precision_gives_float32_logits(name):
    tf.keras.mixed_precision.set_global_policy('mixed_float16')
    try:
        network = made(name, 2)['network']
    finally:
        tf.keras.mixed_precision.set_global_policy('float32')
    logits = network(batch_of(name, 2, 1)['image'], training=True)
    assert logits.dtype == tf.float32 and np.isfinite(logits).all()


@pytest.mark.parametrize('name, method', [('scan', 'call'), ('pix2pix_mtdg', 'both'), ('pix2pix_mtdg_both', 'both')])
def test_a_step_with_a_critic_has_one_forward_pass_and_the_gradients_of_two(name, method, monkeypatch):
    networks, same, batch = made(name, 2), made(name, 2)['network'], batch_of(name, 2, 1)
    updates, network, wanted, calls = resolve(SEGMENTERS[name].updates)(networks), networks['network'], {}, []
    start, forward = network.get_weights(), getattr(type(network), method)
    for update in updates:
        with tf.GradientTape() as tape:
            loss = update.loss(batch, updates[-1].ahead(batch))[0]
        wanted[f'{update.name}_gradient_norm'] = tf.linalg.global_norm(tape.gradient(loss, update.variables)).numpy()
    network.set_weights(start)
    monkeypatch.setattr(type(network), method, lambda self, *given, **named: (
        calls.append(self), forward(self, *given, **named))[1])
    metrics = train_step(updates, {update.name: tf.keras.optimizers.SGD(0.0) for update in updates}, batch)
    assert calls == [network]
    assert {key: metrics[key].numpy() for key in wanted} == pytest.approx(wanted, rel=1e-4)
    same(batch['image'], batch['key'], training=True)
    for moved, once in zip(network.non_trainable_variables, same.non_trainable_variables):   # running statistics
        np.testing.assert_allclose(moved, once, rtol=1e-5, atol=1e-6)
    assert bool(network.non_trainable_variables) == (name == 'scan')


def test_options_that_cannot_be_carried_out():
    with pytest.raises(ValueError, match="padding: expected one of same, valid, found 'x'"):
        unet_oliveira.UNetOliveira(2, padding='x')
    with pytest.raises(ValueError, match='stride: expected one of 8, 16, 32, found 4'):
        fcn.FCN(2, stride=4)
    valid = unet_oliveira.UNetOliveira(2, filters=2, padding='valid')
    assert valid(tf.zeros([1, 188, 191, 1])).shape == (1, 188, 191, 2)
    with pytest.raises(ValueError, match='from 188 px on .* found 187 x 188'):
        valid(tf.zeros([1, 187, 188, 1]))
