"""ResNetEncoder against the ResNets of tf.keras.applications, and by shapes and counts."""
import random

import numpy as np
import pytest
import tensorflow as tf

from models.segmenters.resnet import (Bottleneck, ConvNorm, ResNetEncoder, imagenet_input,
                                      load_imagenet, scaled)


def randomised_resnet50(seed=0):
    """Keras' ResNet-50 where biases and batch norm do something: fresh values would hide errors.

    `gamma` is small so that sixteen residual sums stay of ordinary size.
    """
    model = tf.keras.applications.ResNet50(weights=None, include_top=False,
                                           input_shape=(None, None, 3))
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        kind = variable.name.split('/')[-1].split(':')[0]
        if kind == 'moving_variance':
            variable.assign(rng.uniform(0.5, 2.0, variable.shape))
        elif kind == 'gamma':
            variable.assign(rng.uniform(0.2, 0.8, variable.shape))
        elif kind in ('bias', 'beta', 'moving_mean'):
            variable.assign(rng.normal(0.0, 0.5, variable.shape))
    return model


@pytest.fixture(scope='module')
def keras_resnet50():
    return randomised_resnet50()


def test_equals_keras_applications_with_its_own_preprocessing(keras_resnet50):
    encoder = ResNetEncoder(stem='imagenet', dilated=False)
    load_imagenet(encoder, keras_resnet50)
    images = np.random.default_rng(1).uniform(-1, 1, [2, 65, 89, 3]).astype(np.float32)
    layers = [keras_resnet50.get_layer(name).output
              for name in ('conv1_relu', 'conv2_block3_out', 'conv5_block3_out')]
    expected = tf.keras.Model(keras_resnet50.input, layers)(
        tf.keras.applications.resnet.preprocess_input((images + 1) * 127.5))
    for ours, theirs in zip(encoder(tf.constant(images)), expected):
        assert np.std(theirs) > 0.1
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * np.max(theirs))


def test_has_the_parameters_of_keras_applications_without_biases(keras_resnet50):
    encoder = ResNetEncoder(stem='imagenet')
    encoder.build((None, 41, 41, 1))
    biases = sum(layer.bias.shape[0] for layer in keras_resnet50.layers
                 if isinstance(layer, tf.keras.layers.Conv2D))
    assert encoder.count_params() == keras_resnet50.count_params() - biases


def test_load_imagenet_refuses_other_shapes_and_changes_nothing(keras_resnet50):
    encoder = ResNetEncoder(width=0.5, stem='imagenet')
    encoder.build((None, 41, 41, 3))
    before = encoder.get_weights()
    with pytest.raises(ValueError, match=r'expected a kernel \(7, 7, 3, 32\) in conv1_conv, found '
                                         r'\(7, 7, 3, 64\)'):
        load_imagenet(encoder, keras_resnet50)
    with pytest.raises(ValueError, match='first difference conv2_block2'):
        load_imagenet(ResNetEncoder((1, 1, 1, 1), stem='imagenet'), keras_resnet50)
    for old, new in zip(before, encoder.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_grey_is_repeated_for_imagenet():
    grey = tf.constant([[[[-1.0], [0.0], [1.0]]]])
    np.testing.assert_allclose(imagenet_input(grey), imagenet_input(tf.repeat(grey, 3, -1)))
    np.testing.assert_allclose(imagenet_input(grey)[0, 0, 2], [151.061, 138.221, 131.32], atol=1e-4)


@pytest.mark.parametrize('blocks, trainable', [
    ((3, 4, 6, 3), 23_631_808),
    ((3, 4, 23, 3), 23_631_808 + 17 * 1_117_184),  # 17 more bottlenecks 256-256-1024
])
def test_trainable_parameters(blocks, trainable):
    encoder = ResNetEncoder(blocks)
    encoder.build((None, 41, 41, 3))
    assert sum(np.prod(v.shape) for v in encoder.trainable_variables) == trainable


@pytest.mark.parametrize('stem, c1_channels', [('deep', 128), ('imagenet', 64)])
def test_shapes_at_377(stem, c1_channels):
    c1, c2, x = ResNetEncoder(stem=stem)(tf.keras.Input([377, 377, 1]))
    assert c1.shape[1:] == (189, 189, c1_channels)
    assert c2.shape[1:] == (95, 95, 256)
    assert x.shape[1:] == (48, 48, 2048)


@pytest.mark.parametrize('size', [(8, 12), (6, 7)])  # (6, 7) is no multiple of the dilation
def test_dilated_unit_is_a_dilated_convolution(size):
    x = tf.random.stateless_normal([2, *size, 3], seed=[1, 2])
    unit = ConvNorm(5, 3, random.Random(0), dilation=4, relu=False)
    ours = unit(x)
    expected = tf.nn.conv2d(x, unit.conv.kernel, 1, 'SAME', dilations=4)
    np.testing.assert_allclose(ours, expected / np.sqrt(1 + 1.001e-5), atol=1e-5)


@pytest.mark.parametrize('dilated, dilations', [(True, (1, 1, 2, 4)), (False, (1, 1, 1, 1))])
def test_the_last_two_stages_are_dilated_by_two_and_four(dilated, dilations):
    encoder = ResNetEncoder((1, 2, 1, 2), width=0.125, dilated=dilated)
    assert [[[unit.dilation for unit in block.units] for block in stage] for stage in encoder.stages] == [
        [[1, dilation, 1]] * depth for depth, dilation in zip((1, 2, 1, 2), dilations)]


def test_statistics_move_by_a_tenth_of_a_batch():
    unit = ConvNorm(3, 1, random.Random(0))
    x = tf.random.stateless_normal([2, 4, 4, 3], seed=[1, 2]) + 1
    unit(x, training=True)
    np.testing.assert_allclose(unit.norm.moving_mean, 0.1 * np.mean(unit.conv(x), (0, 1, 2)), rtol=1e-4)


def test_bottleneck_adds_its_input():
    block = Bottleneck(8, 16, random.Random(0))
    x = tf.random.stateless_normal([1, 4, 4, 16], seed=[3, 4])
    block(x)
    block.units[-1].norm.gamma.assign(tf.zeros([16]))
    np.testing.assert_allclose(block(x), tf.nn.relu(x))


@pytest.mark.parametrize('filters, width, expected', [
    (64, 1.0, 64), (64, 0.125, 8), (64, 0.01, 8), (2048, 0.25, 512), (64, 0.3, 16),
])
def test_scaled(filters, width, expected):
    assert scaled(filters, width) == expected


def test_seed_decides_the_weights():
    def weights(seed):
        encoder = ResNetEncoder((1, 1, 1, 1), width=0.125, seed=seed)
        encoder.build((None, 41, 41, 1))
        return encoder.get_weights()
    for one, same in zip(weights(1), weights(1)):
        np.testing.assert_array_equal(one, same)
    assert not np.array_equal(weights(1)[0], weights(2)[0])


@pytest.mark.parametrize('arguments, message', [
    ({'stem': 'deeep'}, "stem: expected one of deep, imagenet, found 'deeep'"),
    ({'blocks': (3, 4, 6)}, r'blocks: expected the depths of four stages.*found \(3, 4, 6\)'),
])
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        ResNetEncoder(**arguments)
