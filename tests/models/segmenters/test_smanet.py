"""SMANet: the table of layer sizes, parameter counts, and that it learns with the real update."""
import random

import numpy as np
import pytest
import tensorflow as tf

from models.segmenters.losses import (cross_entropy, mask_cross_entropy, pixel_accuracy,
                                      segmentation_update)
from models.segmenters.smanet import (MultiScaleAttention, PyramidPooling, SMANet, check_crop,
                                      keyed_dropout, pool_bins, resize)
from pipelines.cost.graph_flops import flops

TINY = dict(blocks=(1, 1, 1, 1), width=0.125)


def parameters(*layers):
    return sum(int(np.prod(v.shape)) for layer in layers for v in layer.trainable_variables)


@pytest.fixture(scope='module')
def full():
    return SMANet(4, channels=3)


@pytest.fixture(scope='module')
def tiny():
    return SMANet(3, **TINY)


def noise(shape, seed=0):
    return tf.random.stateless_uniform(shape, [seed, 1], -1.0, 1.0)


def test_parameters_of_the_real_size(full):
    assert parameters(full.encoder) == 23_631_808
    assert parameters(full.context) == 6_298_624
    assert parameters(full.fuse) == 18_875_392
    assert parameters(full.decoder_c2) == 1_769_984
    assert parameters(full.decoder_c1) == 442_624
    assert parameters(full.classifier) == 516
    assert parameters(full) == 51_018_948
    assert sum(int(np.prod(v.shape)) for v in full.non_trainable_variables) == 60_416


def test_layers_at_377(full):
    c1, c2, x = full.encoder(tf.keras.Input([377, 377, 3]))
    assert (c1.shape[1:], c2.shape[1:]) == ((189, 189, 128), (95, 95, 256))
    assert x.shape[1:] == (48, 48, 2048)
    assert [pooled.shape[1:] for pooled in pool_bins(x)] == [(b, b, 2048) for b in (1, 2, 3, 6)]
    context = full.context(x)
    assert context.shape[1:] == (48, 48, 4096)
    assert full.fuse(context).shape[1:] == (48, 48, 512)


def test_operations_of_one_crop(full):
    """Every convolution sees the size it should; a stride in the 3x3 would give 275.25."""
    concrete = tf.function(full).get_concrete_function(tf.TensorSpec([1, 377, 377, 3]))
    assert concrete.output_shapes == (1, 377, 377, 4)
    assert round(flops(concrete.graph) / 1e9, 2) == 274.81


def test_resize_aligns_corners():
    corners = tf.constant([[0.0, 3.0], [6.0, 9.0]])[tf.newaxis, :, :, tf.newaxis]
    expected = [[2 * row + column for column in range(4)] for row in range(4)]
    np.testing.assert_allclose(resize(corners, 4, 4)[0, :, :, 0], expected, atol=1e-6)


def test_resize_keeps_the_dtype():
    assert resize(tf.zeros([1, 2, 2, 1], tf.float16), 3, 3).dtype == tf.float16


def test_pool_bins_are_means_over_equal_blocks():
    x = np.random.default_rng(0).normal(size=[2, 12, 18, 3]).astype(np.float32)
    for bins, pooled in zip((1, 2, 3, 6), pool_bins(tf.constant(x))):
        height, width = 12 // bins, 18 // bins
        assert pooled.shape == (2, bins, bins, 3)
        for row in range(bins):
            for column in range(bins):
                block = x[:, row * height:(row + 1) * height, column * width:(column + 1) * width]
                np.testing.assert_allclose(pooled[:, row, column], block.mean((1, 2)), atol=1e-6)


def test_attention_gates_its_value():
    x = noise([2, 12, 12, 16])
    attention = MultiScaleAttention(8, random.Random(0))
    attention(x)
    for gate, logit in zip(attention.gates, (-100.0, 0.0, 0.0, 100.0)):
        gate.kernel.assign(tf.zeros_like(gate.kernel))
        gate.bias.assign(tf.fill([8], logit))
    value = attention.value(x)
    np.testing.assert_allclose(
        attention(x), tf.concat([x, 0 * value, value / 2, value / 2, value], -1), atol=1e-6)


def test_pyramid_has_the_same_channels_and_a_global_mean():
    x = noise([2, 12, 12, 16])
    pyramid = PyramidPooling(8, random.Random(0))
    output = pyramid(x)
    assert output.shape == (2, 12, 12, 48)
    np.testing.assert_array_equal(output[..., :16], x)
    assert np.ptp(output[..., 16:24], axis=(1, 2)).max() == 0.0  # bin 1: the same everywhere
    assert np.ptp(output[..., 40:], axis=(1, 2)).max() > 0.0


def test_pyramid_network():
    network = SMANet(2, context='pyramid', **TINY)
    assert network(noise([1, 41, 89, 1])).shape == (1, 41, 89, 2)
    assert not hasattr(network.context, 'gates')


def test_dropout_of_a_sample_depends_on_its_key_only():
    keys = tf.constant([[1, 2], [3, 4], [1, 2]])
    x = tf.ones([3, 20, 20, 8])
    dropped = keyed_dropout(x, 0.1, keys).numpy()
    np.testing.assert_array_equal(dropped[0], dropped[2])
    assert not np.array_equal(dropped[0], dropped[1])
    np.testing.assert_array_equal(dropped[1:2], keyed_dropout(x[1:2], 0.1, keys[1:2]))
    np.testing.assert_allclose(np.unique(dropped), [0.0, 1 / 0.9], rtol=1e-6)
    assert abs(np.mean(dropped == 0.0) - 0.1) < 0.02


def test_dropout_needs_keys_and_training(tiny):
    images, keys = noise([2, 41, 41, 1]), tf.constant([[1, 2], [3, 4]])
    np.testing.assert_array_equal(tiny(images), tiny(images, keys))
    without = tiny(images, training=True).numpy()
    one = tiny(images, keys, training=True).numpy()
    np.testing.assert_allclose(one, tiny(images, keys, training=True), atol=1e-5)
    assert np.abs(one - without).max() > 1e-3
    assert np.abs(one - tiny(images, keys + 1, training=True)).max() > 1e-3


def test_dropout_wants_a_static_batch(tiny):
    step = tf.function(lambda images, keys: tiny(images, keys, training=True))
    with pytest.raises(ValueError, match='keys: expected a static batch size, found None'):
        step.get_concrete_function(tf.TensorSpec([None, 41, 41, 1]),
                                   tf.TensorSpec([None, 2], tf.int32))


@pytest.mark.parametrize('height, width', [(512, 512), (377, 376), (None, 377), (-7, 41)])
def test_impossible_crops(height, width):
    with pytest.raises(ValueError, match=rf'8\*k - 7 .*377.*found {height} x {width}'):
        check_crop(height, width)


def test_impossible_crop_stops_the_network(tiny):
    with pytest.raises(ValueError, match='found 48 x 48; crop to one of these sizes'):
        tiny(tf.zeros([1, 48, 48, 1]))


def test_unknown_context():
    with pytest.raises(ValueError, match="context: expected one of attention, pyramid, found 'x'"):
        SMANet(2, context='x')


def test_checkpoint_right_after_construction(tiny, tmp_path):
    path = tf.train.Checkpoint(network=tiny).write(str(tmp_path / 'tiny'))
    other = SMANet(3, seed=5, **TINY)
    assert not np.array_equal(other.trainable_variables[0], tiny.trainable_variables[0])
    tf.train.Checkpoint(network=other).read(path).assert_consumed()
    for one, same in zip(tiny.variables, other.variables):
        np.testing.assert_array_equal(one, same)


def test_seed_decides_the_weights(tiny):
    same = SMANet(3, seed=0, **TINY)
    for one, other in zip(tiny.trainable_variables, same.trainable_variables):
        np.testing.assert_array_equal(one, other)


def test_no_two_kernels_share_their_numbers(tiny):
    kernels = [v.numpy().ravel() for v in tiny.trainable_variables if 'kernel' in v.name]
    scaled = [tuple(np.round(k[:4] / k[0], 4)) for k in kernels]
    assert len(set(scaled)) == len(scaled)


def test_mixed_precision_gives_float32_logits():
    tf.keras.mixed_precision.set_global_policy('mixed_float16')
    try:
        network = SMANet(3, **TINY)
    finally:
        tf.keras.mixed_precision.set_global_policy('float32')
    images, keys = noise([2, 41, 41, 1]), tf.constant([[1, 2], [3, 4]])
    features = network.encoder(images)
    assert features[-1].dtype == tf.float16
    with tf.GradientTape() as tape:
        logits = network(images, keys, training=True)
        loss = cross_entropy(tf.zeros([2, 41, 41], tf.uint8), logits)
    assert logits.dtype == tf.float32
    for gradient in tape.gradient(loss, network.trainable_variables):
        assert np.all(np.isfinite(gradient))


def test_cross_entropy_and_accuracy_by_hand():
    logits = tf.math.log(tf.constant([[[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]]]))
    labels = tf.constant([[[0, 1]]], tf.uint8)
    np.testing.assert_allclose(cross_entropy(labels, logits), (np.log(2) + np.log(10)) / 2,
                               rtol=1e-6)
    assert float(pixel_accuracy(labels, logits)) == 0.5


def test_ignored_pixels_take_no_part():
    logits = tf.math.log(tf.constant([[[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]]]))
    labels, ignored = tf.constant([[[0, 1]]], tf.uint8), tf.constant([[[0, 1]]], tf.uint8)
    np.testing.assert_allclose(cross_entropy(labels, logits, ignored), np.log(2), rtol=1e-6)
    assert float(pixel_accuracy(labels, logits, ignored)) == 1
    assert float(cross_entropy(labels, logits, tf.ones_like(ignored))) == 0
    masks, scores = tf.constant([[[[1, 0], [1, 1]]]], tf.uint8), tf.zeros([1, 1, 2, 2])
    np.testing.assert_allclose(mask_cross_entropy(masks, scores, ignored), np.log(2), rtol=1e-6)
    assert float(pixel_accuracy(masks, scores - 1, ignored)) == 0.5  # one of the two masks of the first pixel


def test_tiny_network_learns_two_pictures():
    """Left, right and background from noisy grey: every part must pass its gradient on."""
    network = SMANet(3, **TINY)
    update = segmentation_update(network)
    optimizer = tf.keras.optimizers.Adam(3e-3)
    label = np.zeros([2, 41, 41], np.uint8)
    label[0, 5:30, 3:15], label[0, 10:35, 25:38] = 1, 2
    label[1, 10:35, 5:18], label[1, 3:28, 22:36] = 1, 2
    image = (label > 0)[..., np.newaxis] * 1.0 - 0.5 + 0.1 * noise([2, 41, 41, 1])
    batch = {'image': tf.cast(image, tf.float32), 'label': tf.constant(label)}

    @tf.function
    def step(key):
        with tf.GradientTape() as tape:
            loss, metrics = update.loss({**batch, 'key': key}, {})
        gradients = tape.gradient(loss, update.variables)
        optimizer.apply_gradients(zip(gradients, update.variables))
        return loss, metrics['pixel_accuracy'], [tf.norm(gradient) for gradient in gradients]

    first, _, norms = step(tf.constant([[0, 0], [0, 1]]))
    assert min(float(norm) for norm in norms) > 0.0
    for index in range(1, 60):
        loss, accuracy, _ = step(tf.constant([[index, 0], [index, 1]]))
    assert first > 0.7
    assert loss < 0.15
    assert accuracy > 0.96
