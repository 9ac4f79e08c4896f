"""Pix2PixHD's networks: sizes, parameter counts, normalisation, precision, seeds."""
import numpy as np
import pytest
import tensorflow as tf

from models.pix2pixhd.layers import Convolution, convolve_by_product, halve, instance_norm
from models.pix2pixhd.networks import GlobalGenerator, LocalEnhancer, MultiscaleDiscriminator


def output_shapes(network, *shape):
    function = tf.function(lambda x: network(x))
    outputs = function.get_concrete_function(tf.TensorSpec(shape)).structured_outputs
    return tf.nest.map_structure(lambda output: tuple(output.shape), outputs)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_parameters_of_the_global_generator():
    assert GlobalGenerator(8, 1).count_params() == 182_452_673
    assert round(GlobalGenerator(36, 3).count_params() / 1e6, 2) == 182.55


def test_parameters_of_the_discriminator():
    widths = [39, 64, 128, 256, 512, 1]
    one = sum(16 * a * b + b for a, b in zip(widths, widths[1:]))
    assert MultiscaleDiscriminator(39).count_params() == 2 * one == 5_603_202
    assert MultiscaleDiscriminator(39, scales=3).count_params() == 3 * one == 8_404_803


def test_discriminator_maps_at_1024():
    full, half = output_shapes(MultiscaleDiscriminator(39), 1, 1024, 1024, 39)
    assert full == [(1, 513, 513, 64), (1, 257, 257, 128), (1, 129, 129, 256),
                    (1, 130, 130, 512), (1, 131, 131, 1)]
    assert half == [(1, 257, 257, 64), (1, 129, 129, 128), (1, 65, 65, 256),
                    (1, 66, 66, 512), (1, 67, 67, 1)]


def test_discriminator_channels_stop_doubling_at_512():
    network = MultiscaleDiscriminator(3, ndf=96, layers=4, scales=1)
    assert [layer.kernel.shape[-1] for layer in network.scales[0].convolutions] == [
        96, 192, 384, 512, 512, 1]


@pytest.mark.parametrize('size, expected', [((16, 24), (16, 24)), ((17, 23), (20, 24)),
                                            ((5, 33), (8, 36))])
def test_global_generator_rounds_sizes_up(size, expected):
    picture = GlobalGenerator(3, 2, ngf=4, downsamplings=2, blocks=1)(normal(2, *size, 3))
    assert picture.shape == (2, *expected, 2) and picture.dtype == tf.float32
    assert np.abs(picture).max() <= 1


def test_unknown_sizes_give_the_same_picture():
    network = GlobalGenerator(3, 2, ngf=4, downsamplings=2, blocks=1)
    x = normal(2, 17, 23, 3)
    unknown = tf.function(lambda x: network(x), [tf.TensorSpec([None, None, None, 3])])
    np.testing.assert_allclose(unknown(x), network(x), atol=1e-5)


def test_samples_of_a_batch_are_independent():
    for network in (GlobalGenerator(3, 1, 4, 1, 1), MultiscaleDiscriminator(3, 4, 2, 2)):
        x = normal(3, 16, 20, 3)
        both, alone = tf.nest.flatten(network(x)), tf.nest.flatten(network(x[1:2]))
        for a, b in zip(both, alone):
            np.testing.assert_allclose(a[1:2], b, atol=1e-5)


def test_too_small_a_label_map():
    with pytest.raises(ValueError, match='must be at least 17 .* got 16 x 32'):
        GlobalGenerator(1, 1, ngf=2, blocks=1)(normal(1, 16, 32, 1))


def test_local_enhancer_sizes():
    network = LocalEnhancer(3, 1, 2, enhancers=2, blocks_local=1, downsamplings=1, blocks_global=1)
    assert network(normal(1, 24, 40, 3)).shape == (1, 24, 40, 1)
    with pytest.raises(ValueError, match='half size of 6 x 5 against 6 x 6'):
        network(normal(1, 24, 20, 3))


def test_local_enhancer_shares_its_trunk_with_the_global_generator():
    network = LocalEnhancer(3, 1, 2, 1, 1, 1, 1)
    coarse = network.global_generator(seed=5)
    assert coarse(normal(1, 12, 20, 3)).shape == (1, 12, 20, 1)
    assert coarse.trunk is network.trunk and coarse.head is not network.head
    everything = {id(v) for v in network.trainable_variables}
    enhancer = {id(v) for v in network.enhancer_variables}
    trunk = {id(v) for v in coarse.trunk.trainable_variables}
    assert enhancer | trunk == everything and not enhancer & trunk and enhancer and trunk


def test_discriminator_without_its_finest_scale_is_the_coarser_one():
    network = MultiscaleDiscriminator(3, 4, 2, scales=3)
    x = normal(1, 24, 20, 3)
    for a, b in zip(tf.nest.flatten(network(halve(x), skip=1)), tf.nest.flatten(network(x)[1:])):
        np.testing.assert_array_equal(a, b)
    finest = {id(v) for v in network.scales[0].trainable_variables}
    coarser = {id(v) for v in network.variables_of(1)}
    assert not finest & coarser
    assert finest | coarser == {id(v) for v in network.trainable_variables}


@pytest.mark.parametrize('batch, height, width, size', [(1, 4, 5, 3), (2, 3, 3, 3), (3, 5, 4, 1)])
def test_convolution_by_product_is_the_convolution(batch, height, width, size):
    rng = np.random.default_rng(0)
    x, kernel, dy = [tf.constant(rng.normal(size=shape)) for shape in (
        (batch, height, width, 2), (size, size, 2, 3),
        (batch, height - size + 1, width - size + 1, 3))]
    found = []
    for convolve in (convolve_by_product, lambda x, k: tf.nn.conv2d(x, k, 1, 'VALID')):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = convolve(x, kernel)
        found.append([y, *tape.gradient(y, [x, kernel], dy)])
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


@pytest.mark.parametrize('shape, operation', [
    ((1, 4, 4, 2), 'MatMul'), ((1, 1, 17, 2), 'Conv2D'), ((2, 4, 4, 2), 'Conv2D'),
    ((None, 4, 4, 2), 'Conv2D')])
@pytest.mark.parametrize('dtype', ['float32', 'mixed_float16'])
def test_no_more_pixels_than_channels_are_a_matrix_product(shape, operation, dtype):
    tf.keras.mixed_precision.set_global_policy(dtype)
    try:
        layer = Convolution(2, 16, 3, tf.keras.initializers.GlorotUniform(0), padding=1)
        function = tf.function(layer).get_concrete_function(
            tf.TensorSpec(shape, layer.compute_dtype))
    finally:
        tf.keras.mixed_precision.set_global_policy('float32')
    assert [op.type for op in function.graph.get_operations()
            if op.type in ('MatMul', 'Conv2D')] == [operation]


@pytest.mark.parametrize('shape', [(1, 8, 8, 3), (3, 5, 7, 4)])
@pytest.mark.parametrize('scale', [1.0, 1e-3])  # at 1e-3 epsilon outweighs the variance
def test_instance_norm_by_hand(shape, scale):
    x = scale * normal(*shape) + np.arange(shape[-1], dtype=np.float32)
    wide = x.astype(np.float64)
    mean, variance = wide.mean((1, 2), keepdims=True), wide.var((1, 2), keepdims=True)
    np.testing.assert_allclose(instance_norm(x), (wide - mean) / np.sqrt(variance + 1e-5),
                               atol=2e-4 if scale < 1 else 1e-5)


def test_instance_norm_gradient_by_hand():
    x, upstream = normal(2, 4, 6, 3), normal(2, 4, 6, 3, seed=1)
    variable = tf.Variable(x)
    with tf.GradientTape() as tape:
        score = tf.reduce_sum(instance_norm(variable) * upstream)
    deviation = np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    y = (x - x.mean((1, 2), keepdims=True)) / deviation
    expected = (upstream - upstream.mean((1, 2), keepdims=True)
                - y * (upstream * y).mean((1, 2), keepdims=True)) / deviation
    np.testing.assert_allclose(tape.gradient(score, variable), expected, atol=1e-5)


def test_instance_norm_keeps_float32_statistics():
    x = (100 * normal(2, 16, 16, 2) + 1000).astype(np.float16)  # squares overflow float16
    y = instance_norm(x)
    assert y.dtype == tf.float16
    np.testing.assert_allclose(y, instance_norm(x.astype(np.float32)), atol=5e-3)


@pytest.mark.parametrize('height, width', [(4, 4), (5, 4), (6, 7), (1, 2)])
def test_halve_by_hand(height, width):
    x = normal(2, height, width, 3)
    expected = np.stack([[x[:, max(i - 1, 0):i + 2, max(j - 1, 0):j + 2].mean((1, 2))
                          for j in range(0, width, 2)] for i in range(0, height, 2)])
    np.testing.assert_allclose(halve(x), expected.transpose(2, 0, 1, 3), atol=1e-6)


def test_mixed_precision_stays_near_float32():
    x = normal(2, 16, 16, 3)

    def make():
        return LocalEnhancer(3, 1, 4, 1, 1, 1, 1, seed=1), MultiscaleDiscriminator(3, 4, 2, seed=1)

    exact, exact_discriminator = make()
    tf.keras.mixed_precision.set_global_policy('mixed_float16')
    try:
        mixed, mixed_discriminator = make()
    finally:
        tf.keras.mixed_precision.set_global_policy('float32')
    assert mixed(x).dtype == tf.float32
    np.testing.assert_allclose(mixed(x), exact(x), atol=0.01)
    for a, b in zip(tf.nest.flatten(mixed_discriminator(x)),
                    tf.nest.flatten(exact_discriminator(x))):
        assert a.dtype == tf.float16
        np.testing.assert_allclose(a, b, atol=0.02)


def test_seed_alone_decides_the_weights():
    first, same, other = [GlobalGenerator(3, 1, 8, 2, 2, seed=seed) for seed in (1, 1, 2)]
    for a, b in zip(first.variables, same.variables):
        np.testing.assert_array_equal(a, b)
    kernels, others = [[variable.numpy() for variable in network.variables
                        if len(variable.shape) == 4] for network in (first, other)]
    assert all((a != b).any() for a, b in zip(kernels, others))
    block = first.trunk.blocks[0]
    assert (block.first.kernel.numpy() != block.second.kernel.numpy()).any()
    values = np.concatenate([kernel.ravel() for kernel in kernels])
    assert abs(values.std() - 0.02) < 0.0005 and abs(values.mean()) < 0.0005
