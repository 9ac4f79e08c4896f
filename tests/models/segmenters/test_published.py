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
from tests.toys import segmenter as toy

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


# --- one by one ------------------------------------------------------------------------------------

@pytest.mark.parametrize('stride', [8, 16, 32])
def test_an_fcn_s_transposed_convolutions_enlarge_bilinearly(stride):
    """A plane of scores stays the plane of its slope, away from the border, in every class by itself."""
    network = fcn.FCN(2, 1, stride, 8, 8)
    up = network.ups[-1]
    step = 32 if stride == 32 else stride
    plane = np.broadcast_to(np.arange(6.0)[None, :, None, None], [1, 6, 6, 2]) * [1.0, 0.0]
    larger = up(tf.constant(plane, tf.float32)).numpy()
    middle = slice(2 * step, -2 * step)
    np.testing.assert_allclose(np.diff(larger[0, middle, 3 * step, 0]), 1 / step, rtol=1e-3)
    assert not larger[..., 1].any()


def test_vgg16_of_keras_enters_an_fcn():
    """A small one of the same layers: its dense layers on a map of 7 x 7 are fc6 and fc7 there."""
    network, keras = fcn.FCN(2, 1, 32, 8, 16, imagenet=True), tf.keras.layers
    dense = tf.keras.Sequential([keras.Input([7, 7, 64]), keras.Flatten(), keras.Dense(16, 'relu', name='fc1'),
                                 keras.Dense(16, 'relu', name='fc2')])
    convolutions = [keras.Conv2D(8 * min(2 ** group, 8), 3, name=f'block{group + 1}_conv{number + 1}')
                    for group, count in enumerate(fcn.CONVOLUTIONS) for number in range(count)]
    tf.keras.Sequential(convolutions).build([None, 64, 64, 3])
    vgg = type('VGG16', (), {'layers': [*convolutions, *dense.layers]})
    fcn.load_imagenet(network, vgg)
    maps = tf.random.stateless_normal([1, 7, 7, 64], [1, 2])
    np.testing.assert_allclose(network.fc[1](network.fc[0](maps))[:, 0, 0], dense(maps), atol=1e-5)
    np.testing.assert_array_equal(network.groups[4][2].kernel, convolutions[-1].kernel)
    assert network(tf.zeros([1, 8, 8, 1])).shape == (1, 8, 8, 2)
    with pytest.raises(ValueError, match='expected a layer fc1, found none; take the file with top'):
        fcn.load_imagenet(network, type('NoTop', (), {'layers': convolutions}))
    with pytest.raises(ValueError, match=r'expected a kernel \(3, 3, 3, 16\) in block1_conv1, found \(3, 3, 3, 8\)'):
        fcn.load_imagenet(fcn.FCN(2, 1, 32, 16, 16, imagenet=True), vgg)


@pytest.mark.parametrize('stride, centre', [(8, 31), (16, 27), (32, 19)])
@pytest.mark.parametrize('side', [1, 2, 32, 67])
def test_an_fcn_keeps_the_size_and_its_crop(stride, centre, side):
    network = fcn.FCN(1, 1, stride, 8, 8)
    network.ups[-1].kernel.assign(tf.zeros_like(network.ups[-1].kernel))
    kernel = network.ups[-1].kernel.numpy()
    kernel[0, 0] = 1.0   # what stands in a row and column that is a multiple of the last step
    network.ups[-1].kernel.assign(kernel)
    network.scores[0].bias.assign([2.0])
    logits = network(tf.zeros([1, side, side, 1])).numpy()[0, :, :, 0]
    step = stride
    places = np.arange(side) + centre
    assert logits.shape == (side, side)
    np.testing.assert_array_equal(logits != 0, np.outer(places % step == 0, places % step == 0))


def test_unetplusplus_predicts_the_mean_of_its_heads():
    network, image = made('unetplusplus', 2)['network'], batch_of('unetplusplus', 2, 1)['image']
    heads = [tf.nn.sigmoid(head).numpy() for head in network.heads(image)]
    assert len(heads) == 4 and np.abs(heads[0] - heads[3]).max() > 1e-3
    np.testing.assert_allclose(tf.nn.sigmoid(network(image)), np.mean(heads, 0), rtol=1e-4)
    far = unetplusplus.mean_of_heads([tf.constant([300.0, -300.0]), tf.constant([200.0, -200.0])])
    assert np.isfinite(far).all() and far[0] > 100 and far[1] < -100


def test_unetplusplus_loss_by_hand():
    masks, logits = np.array([[[[1.0], [0.0]]]]), np.log([[[[3.0], [1.0]]]])   # probabilities 3/4, 1/2
    expected = 0.5 * (np.log(4 / 3) + np.log(2)) / 2 - (2 * 0.75 + 1) / (1 + 1.25 + 1)
    np.testing.assert_allclose(unetplusplus.head_loss(masks, tf.constant(logits, tf.float32)), expected, rtol=1e-5)
    ignored = tf.constant([[[0, 1]]], tf.uint8)
    np.testing.assert_allclose(
        unetplusplus.head_loss(masks, tf.constant(logits, tf.float32), ignored),
        0.5 * np.log(4 / 3) - 2.5 / 2.75, rtol=1e-5)


def test_mtdg_predicts_each_sample_as_in_a_batch_of_one():
    network, image = made('pix2pix_mtdg', 2)['network'], batch_of('pix2pix_mtdg', 2, 1)['image'] * [[[[1.0]]], [[[3.0]]]]
    both = network(image).numpy()
    np.testing.assert_allclose(network(image[1:], None, training=True), both[1:],
                               atol=1e-4 * np.abs(both).max())
    assert np.abs(network(image, None, training=True)[1:] - both[1:]).max() > 1e-2 * np.abs(both).max()
    np.testing.assert_allclose(tf.nn.sigmoid(both), (np.tanh(both / 2) + 1) / 2, atol=1e-6)


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


def test_mtdg_of_both_tasks_by_hand():
    """The maps come first, the discriminator sees all targets side by side, and L1 is their mean."""
    networks, batch = made('pix2pix_mtdg_both', 3, channels=1), batch_of('pix2pix_mtdg_both', 3, 1)
    network, shown = networks['network'], []
    networks['discriminator'] = lambda pictures: (shown.append(pictures.numpy()), tf.zeros([2, 1, 1, 1]))[1]
    networks['discriminator'].trainable_variables = []
    of_discriminator, of_network = resolve(SEGMENTERS['pix2pix_mtdg_both'].updates)(networks)
    ahead = of_network.ahead(batch)
    of_discriminator.loss(batch, ahead)
    loss, terms = of_network.loss(batch, ahead)
    drawn = np.tanh(network.both(batch['image'], batch['key'], training=True) / 2)
    wanted = np.concatenate([2 * np.eye(3)[batch['label']] - 1, batch['bone_suppressed']], -1)
    real, fake, again = shown
    for seen, maps in ((real, wanted), (fake, drawn), (again, drawn)):
        np.testing.assert_allclose(seen, np.concatenate([batch['image'], maps], -1), atol=1e-5)
    distance = np.abs(wanted - drawn).mean()
    np.testing.assert_allclose(terms['l1_loss'], distance, rtol=1e-5)
    np.testing.assert_allclose(terms['suppression_l1'], np.abs(wanted - drawn)[..., 3].mean(), rtol=1e-5)
    np.testing.assert_allclose(loss, np.log(2) + 10 * distance, rtol=1e-5)
    np.testing.assert_allclose(network(batch['image']), network.both(batch['image'])[..., :3], atol=1e-6)


def test_scan_s_network_wants_masks_that_the_critic_takes_for_drawn():
    batch = batch_of('scan', 2, 1)
    network = toy.build(2, 1, seed=0, width=4)
    critic = lambda masks, training: tf.reduce_mean(masks[..., :1], [1, 2])
    critic.trainable_variables = []
    updates = scan.updates({'network': network, 'critic': critic})
    ahead = updates[-1].ahead(batch)
    loss_of_critic, loss_of_network = (update.loss(batch, ahead)[0] for update in updates)
    logits = network(batch['image'])
    entropy = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(batch['label'], tf.int32), logits))
    drawn, made_up = (tf.reduce_mean(masks[..., 0], [1, 2]).numpy() for masks in (
        tf.one_hot(tf.cast(batch['label'], tf.int32), 2), tf.nn.softmax(logits)))
    fooled = np.mean(np.log(1 + np.exp(made_up)))
    np.testing.assert_allclose(loss_of_network, entropy - 0.01 * fooled, rtol=1e-5)
    np.testing.assert_allclose(loss_of_critic, np.mean(np.log(1 + np.exp(-drawn))) + fooled, rtol=1e-5)


def test_options_that_cannot_be_carried_out():
    with pytest.raises(ValueError, match="padding: expected one of same, valid, found 'x'"):
        unet_oliveira.UNetOliveira(2, padding='x')
    with pytest.raises(ValueError, match='stride: expected one of 8, 16, 32, found 4'):
        fcn.FCN(2, stride=4)
    valid = unet_oliveira.UNetOliveira(2, filters=2, padding='valid')
    assert valid(tf.zeros([1, 188, 191, 1])).shape == (1, 188, 191, 2)
    with pytest.raises(ValueError, match='from 188 px on .* found 187 x 188'):
        valid(tf.zeros([1, 187, 188, 1]))
