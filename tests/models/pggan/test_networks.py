"""PGGAN's networks: sizes, resampling, minibatch statistics, growing and fading."""
import numpy as np
import pytest
import tensorflow as tf

from models.pggan import networks
from models.pggan.layers import (box_downscale, convolve, fused_convolve_downscale,
                                 fused_upscale_convolve, nearest_upscale, upscale_convolve)

SMALL = dict(fmap_base=64, fmap_max=8)


def normal(seed, *shape):
    return tf.random.stateless_normal(shape, [seed, 0])


def small_pair(resolution=16, channels=1, **kwargs):
    tf.keras.utils.set_random_seed(1)
    return (networks.Generator(resolution, channels, latent_size=8, **SMALL, **kwargs),
            networks.Discriminator(resolution, channels, **SMALL, **kwargs))


def batch_of(level, channels=1, count=4, **extra):
    return {'real': normal(1, count, 2 ** level, 2 ** level, channels),
            'latent_discriminator': normal(2, count, 8), 'latent_generator': normal(3, count, 8),
            'mixing': tf.random.stateless_uniform([count], [4, 0]), **extra}


# --- sizes ----------------------------------------------------------------------------------------

@pytest.mark.parametrize('resolution, channels, generator, discriminator', [
    (64, 1, 398_277, 399_233),
    (64, 2, 398_602, 399_553),
    (1024, 1, 580_825, 582_001),
    (1024, 2, 581_330, 582_497),
])
def test_parameters(resolution, channels, generator, discriminator):
    for fused_scale in (True, False):
        sizes = dict(fused_scale=fused_scale)
        assert networks.Generator(resolution, channels, **sizes).count_params() == generator
        assert networks.Discriminator(resolution, channels, **sizes).count_params() == discriminator


def test_feature_maps_of_the_official_defaults():
    assert [networks.feature_maps(level, 8192, 512) for level in range(2, 11)] == [
        512, 512, 512, 512, 256, 128, 64, 32, 16]
    assert networks.feature_maps(3, 100, 64) == 25


def test_weights_follow_the_global_seed():
    first, second = small_pair(), small_pair()
    for one, other in zip(first, second):
        for a, b in zip(one.get_weights(), other.get_weights()):
            np.testing.assert_array_equal(a, b)
    kernels = [w for w in first[0].get_weights() if w.shape == (3, 3, 8, 8)]
    assert len({w.tobytes() for w in kernels}) == len(kernels)  # no two layers start alike


# --- resampling and convolutions ------------------------------------------------------------------

def test_box_and_nearest_by_hand():
    image = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
    np.testing.assert_array_equal(box_downscale(image, 2)[0, ..., 0], [[2.5, 4.5], [10.5, 12.5]])
    np.testing.assert_array_equal(box_downscale(image, 4)[0, ..., 0], [[7.5]])
    repeated = nearest_upscale(normal(0, 2, 3, 5, 2), 3)
    np.testing.assert_array_equal(
        repeated, np.repeat(np.repeat(normal(0, 2, 3, 5, 2), 3, axis=1), 3, axis=2))


def test_fused_convolutions_equal_their_two_steps():
    x, kernel = normal(0, 2, 6, 8, 3), normal(1, 3, 3, 3, 5)
    np.testing.assert_allclose(fused_upscale_convolve(x, kernel), upscale_convolve(x, kernel),
                               atol=1e-4)
    np.testing.assert_allclose(fused_convolve_downscale(x, kernel),
                               box_downscale(convolve(x, kernel), 2), atol=1e-4)


def test_fused_generator_draws_the_same_images():
    fused, _ = small_pair(fused_scale=True)
    plain, _ = small_pair(fused_scale=False)
    latents = normal(5, 4, 8)
    np.testing.assert_allclose(fused(latents, level=4), plain(latents, level=4), atol=1e-5)


def test_equalized_learning_rate():
    generator, _ = small_pair()
    conv = generator.to_rgb[0]  # gain 1, 8 inputs
    x = normal(0, 1, 4, 4, 8)
    np.testing.assert_allclose(conv(x), x @ conv.kernel[0, 0] / np.sqrt(8), atol=1e-6)


# --- minibatch standard deviation -----------------------------------------------------------------

def test_minibatch_stddev_groups_are_strided():
    # 4 samples in groups of 2: 0 with 2, 1 with 3; half the difference is the deviation of a pair.
    x = tf.constant([1.0, 10.0, 3.0, 30.0])[:, None, None, None] * tf.ones([4, 4, 4, 3])
    extra = networks.minibatch_stddev(x, 2)
    assert extra.shape == (4, 4, 4, 1)
    np.testing.assert_allclose(extra[:, 0, 0, 0], [1, 10, 1, 10], rtol=1e-5)
    np.testing.assert_array_equal(extra, tf.broadcast_to(extra[:, :1, :1], extra.shape))


def test_minibatch_stddev_of_an_unknown_or_small_batch():
    x = normal(0, 6, 4, 4, 3)
    dynamic = tf.function(lambda x: networks.minibatch_stddev(x, 3),
                          input_signature=[tf.TensorSpec([None, 4, 4, 3])])
    np.testing.assert_allclose(dynamic(x), networks.minibatch_stddev(x, 3), rtol=1e-6)
    np.testing.assert_allclose(dynamic(x[:2]), networks.minibatch_stddev(x[:2], 2), rtol=1e-6)


def test_minibatch_stddev_is_exact_in_half_precision():
    x = tf.cast(1000.0 + normal(0, 4, 4, 4, 3), tf.float16)  # its variance sums overflow float16
    extra = networks.minibatch_stddev(x, 4)
    assert extra.dtype == tf.float16
    expected = np.std(x.numpy().astype(np.float64), axis=0).mean()
    np.testing.assert_allclose(extra[0, 0, 0, 0], expected, rtol=1e-3)


# --- growing and fading ---------------------------------------------------------------------------

@pytest.mark.parametrize('channels', [1, 2, 3, 8])
@pytest.mark.parametrize('fused_scale', [True, False])
def test_every_level_draws_and_scores(channels, fused_scale):
    generator, discriminator = small_pair(16, channels, fused_scale=fused_scale)
    names = [variable.name for variable in generator.variables + discriminator.variables]
    for level in (2, 3, 4):
        for alpha in (1.0, 0.3, tf.constant(0.3), tf.fill([4], 0.3)):
            images = generator(normal(0, 4, 8), level=level, alpha=alpha)
            assert images.shape == (4, 2 ** level, 2 ** level, channels)
            assert images.dtype == tf.float32
            assert discriminator(images, level=level, alpha=alpha).shape == (4, 1)
    # Growing has made no variable.
    assert names == [variable.name for variable in generator.variables + discriminator.variables]


@pytest.mark.parametrize('fused_scale', [True, False])
def test_the_fade_starts_at_the_level_below_and_ends_at_the_new_one(fused_scale):
    generator, discriminator = small_pair(fused_scale=fused_scale)
    latents, images = normal(0, 4, 8), normal(1, 4, 16, 16, 1)
    for alpha, tolerance in ((1e-6, 1e-4), (tf.fill([4], 1e-6), 1e-4)):
        np.testing.assert_allclose(generator(latents, level=4, alpha=alpha),
                                   nearest_upscale(generator(latents, level=3), 2), atol=tolerance)
        np.testing.assert_allclose(discriminator(images, level=4, alpha=alpha),
                                   discriminator(box_downscale(images, 2), level=3), atol=tolerance)
        np.testing.assert_allclose(
            networks.grow_images(images, 4, alpha),
            nearest_upscale(networks.grow_images(images, 3), 2), atol=tolerance)
    one = tf.ones([4])
    np.testing.assert_array_equal(generator(latents, level=4, alpha=one),
                                  generator(latents, level=4))
    np.testing.assert_array_equal(discriminator(images, level=4, alpha=one),
                                  discriminator(images, level=4))
    np.testing.assert_array_equal(networks.grow_images(images, 4, one), images)


def test_the_generator_fades_linearly_and_per_sample():
    generator, _ = small_pair()
    latents = normal(0, 4, 8)
    old = nearest_upscale(generator(latents, level=3), 2)
    new = generator(latents, level=4)
    alpha = tf.constant([0.25, 0.5, 0.75, 1.0])
    weight = alpha[:, None, None, None]
    np.testing.assert_allclose(generator(latents, level=4, alpha=alpha),
                               (1 - weight) * old + weight * new, atol=1e-5)


def test_grow_images_by_hand():
    images = tf.reshape(tf.range(64.0), [1, 8, 8, 1])
    np.testing.assert_array_equal(networks.grow_images(images, 2), box_downscale(images, 2))
    np.testing.assert_array_equal(networks.grow_images(images, 2, 0.5), box_downscale(images, 2))
    # The top left pixel is 0, the mean of its block 4.5.
    assert networks.grow_images(images, 3, 0.5)[0, 0, 0, 0] == 2.25
    assert networks.grow_images(images, 3, 0.75)[0, 0, 0, 0] == 1.125


@pytest.mark.parametrize('call, message', [
    (lambda g, d: networks.Generator(48, 1), 'resolution: expected a power of two .* found 48'),
    (lambda g, d: networks.Discriminator(2, 1), 'resolution: .* found 2'),
    (lambda g, d: g(normal(0, 4, 8), level=5), r'level: .*from 2 \(4x4\) to 4 \(16x16\), found 5'),
    (lambda g, d: g(normal(0, 4, 8), level=tf.constant(3)), 'level: expected an int'),
    (lambda g, d: d(normal(0, 4, 16, 16, 1), level=1), 'level: .* found 1'),
    (lambda g, d: d(normal(0, 4, 16, 16, 1), level=3), r'images: expected \[N, 8, 8, 1\]'),
    (lambda g, d: d(normal(0, 4, 8, 8, 2), level=3), r'images: expected \[N, 8, 8, 1\]'),
    (lambda g, d: d(normal(0, 6, 8, 8, 1), level=3), 'batch of 6 .* groups of 4'),
    (lambda g, d: networks.grow_images(normal(0, 4, 12, 12, 1), 3), 'images: .*multiple of 8'),
    (lambda g, d: networks.grow_images(normal(0, 4, 8, 16, 1), 3), 'images: .*multiple of 8'),
    (lambda g, d: networks.grow_images(normal(0, 4, 4, 4, 1), 3), 'images: .*multiple of 8'),
])
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(*small_pair())
