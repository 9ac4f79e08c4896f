"""MUNIT's and UNIT's networks: published sizes, norms by hand, where style enters, keyed noise."""
import numpy as np
import pytest
import tensorflow as tf

from models.munit.discriminator import MultiscaleDiscriminator
from models.munit.layers import LayerNorm, adaptive_instance_norm, kaiming_initializers, keyed_normal
from models.munit.networks import MUNITGenerator, UNITGenerator

CODAGAN = {'width': 32, 'downsamplings': 2, 'blocks': 2}


def counted(make, part=lambda network: network):
    """Trainable numbers of a network, or of parts of it, that is described and never filled."""
    with tf.Graph().as_default():
        parts = part(make())
        parts = parts if isinstance(parts, list) else [parts]
        return sum(v.shape.num_elements() for one in parts for v in one.trainable_variables)


@pytest.mark.parametrize('make, expected', [
    (lambda: MUNITGenerator(3), 15_026_187), (lambda: MUNITGenerator(1), 15_007_369),
    (lambda: UNITGenerator(3), 11_140_483), (lambda: UNITGenerator(1), 11_127_937),
    (lambda: MultiscaleDiscriminator(3), 8_271_171), (lambda: MultiscaleDiscriminator(1), 8_265_027),
    (lambda: MUNITGenerator(1, mlp=32, **CODAGAN), 2_330_505), (lambda: UNITGenerator(1, **CODAGAN), 1_604_161),
    (lambda: MultiscaleDiscriminator(1, 32, 2, 1), 33_441)])
def test_parameters_at_the_published_sizes(make, expected):
    assert counted(make) == expected


@pytest.mark.parametrize('part, expected', [
    (lambda network: network.style_encoder, 2_764_936), (lambda network: network.content_encoder, 5_385_856),
    (lambda network: network.decoder, 5_754_627), (lambda network: network.mlp, 1_120_768)])
def test_parameters_of_the_parts(part, expected):
    assert counted(lambda: MUNITGenerator(3), part) == expected


@pytest.mark.parametrize('make, shapes', [
    (lambda: MultiscaleDiscriminator(1, 2), [(16, 16), (8, 8), (4, 4)]),
    (lambda: MultiscaleDiscriminator(1, 2, 2, 1), [(64, 64)])])
def test_scores_of_the_discriminator(make, shapes):
    assert [scores.shape[1:3] for scores in make()(tf.zeros([1, 256, 256, 1]))] == shapes


def test_codes_and_pictures_have_their_sizes():
    network = MUNITGenerator(3, 4, 2, 1, style=5, mlp=6)
    content, style = network.encode(tf.zeros([2, 32, 48, 3]))
    assert content.shape == (2, 8, 12, 16) and style.shape == (2, 5)
    assert network.decode(content, style).shape == (2, 32, 48, 3)
    network = UNITGenerator(1, 4, 3, 1)
    code = network.encode(tf.zeros([1, 32, 48, 1]))
    assert code.shape == (1, 4, 6, 32) and network.decode(code).shape == (1, 32, 48, 1)


@pytest.mark.parametrize('name, encode', [('MUNIT', lambda x: MUNITGenerator(1, 1, 2, 0).content(x)),
                                          ('UNIT', lambda x: UNITGenerator(1, 1, 2, 0).encode(x))])
def test_sides_that_do_not_divide_are_named(name, encode):
    with pytest.raises(ValueError, match=f'divisible by 4 for {name}, found 18 x 16'):
        encode(tf.zeros([1, 18, 16, 1]))


def test_a_picture_that_is_too_small_for_a_style_is_named():
    with pytest.raises(ValueError, match='from 16 px on for MUNIT, found 8 x 16'):
        MUNITGenerator(1, 1, 1, 0).encode(tf.zeros([1, 8, 16, 1]))


def test_layer_norm_by_hand():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    layer = LayerNorm(5, lambda shape, dtype=None, **_: tf.range(1.0, 6.0))
    layer.beta.assign(tf.range(5.0))
    flat = x.reshape(2, -1)
    expected = (x - flat.mean(1)[:, None, None, None]) / (flat.std(1, ddof=1) + 1e-5)[:, None, None, None]
    np.testing.assert_allclose(layer(x), expected * np.arange(1, 6) + np.arange(5), rtol=2e-5, atol=1e-5)


def test_a_flat_picture_has_a_gradient():
    layer, x = LayerNorm(2, tf.keras.initializers.Ones()), tf.Variable(tf.ones([1, 4, 4, 2]))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 2)
    assert np.isfinite(tape.gradient(loss, x)).all()


def test_adaptive_instance_norm_by_hand():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype(np.float32)
    mean, deviation = np.array([[1., 2.], [3., 4.]], np.float32), np.array([[5., 6.], [7., 8.]], np.float32)
    normed = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    np.testing.assert_allclose(adaptive_instance_norm(x, mean, deviation),
                               normed * deviation[:, None, None] + mean[:, None, None], rtol=1e-5, atol=1e-5)


def test_kaiming_is_not_truncated():
    initializers = kaiming_initializers(3)
    kernel = next(initializers)([3, 3, 32, 256]).numpy()
    deviation = (2 / (9 * 32)) ** 0.5
    assert kernel.std() == pytest.approx(deviation, rel=0.02)
    assert np.abs(kernel).max() > 3 * deviation   # Keras' HeNormal ends at 2
    assert next(initializers)([8, 256]).numpy().std() == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize('shallow', [False, True])
def test_style_changes_the_picture_and_content_carries_it(shallow):
    network = MUNITGenerator(1, 4, 2, 1, style=3, mlp=8, shallow=shallow, seed=1)
    content, _ = network.encode(tf.random.stateless_normal([2, 16, 16, 1], [0, 1]))
    styles = tf.random.stateless_normal([2, 3], [0, 2])
    one, other = network.decode(content, styles), network.decode(content, styles[::-1])
    assert np.abs(one - other).max() > 1e-2
    alone = network.decode(content[:1], styles[:1])
    np.testing.assert_allclose(alone, one[:1], atol=1e-5)   # no sample sees another
    assert np.abs(network.decode(content[::-1], styles) - one).max() > 1e-2


@pytest.mark.parametrize('make, encoder', [(lambda: MUNITGenerator(1, 32, 2, 2, shallow=True), 'content_encoder'),
                                           (lambda: UNITGenerator(1, 32, 2, 2, shallow=True), 'encoder')])
def test_the_shallow_variant_has_two_layers_each_way(make, encoder):
    """Oliveira & dos Santos 2018: two encoding and two decoding layers."""
    network = make()
    kernels = {role: [v.shape.as_list() for v in getattr(network, role).trainable_variables if v.shape.rank == 4]
               for role in (encoder, 'decoder')}
    assert kernels == {encoder: [[4, 4, 1, 64], [4, 4, 64, 128]],
                       'decoder': [[5, 5, 128, 64], [5, 5, 64, 1]]}
    adaptive = isinstance(network, MUNITGenerator)
    assert network.decoder.adaptive_numbers == (2 * 64 if adaptive else 0)
    assert [norm is None for norm in network.decoder.norms] == [adaptive]


def test_noise_is_each_samples_own():
    keys = tf.constant([[1, 2], [1, 3], [5, 6]])
    drawn = keyed_normal(keys, 7, [50, 40])
    np.testing.assert_array_equal(keyed_normal(keys[1:2], 7, [50, 40])[0], drawn[1])
    any_number = tf.function(lambda some: keyed_normal(some, 7, [50, 40]), input_signature=[tf.TensorSpec([None, 2], tf.int32)])
    np.testing.assert_array_equal(any_number(keys), drawn)
    assert abs(np.mean(drawn)) < 0.05 and np.std(drawn) == pytest.approx(1, abs=0.05)
    assert np.abs(np.corrcoef(np.reshape(drawn, [3, -1]))[np.triu_indices(3, 1)]).max() < 0.1
    assert not np.array_equal(drawn, keyed_normal(keys, 8, [50, 40]))
