"""Features: the random network fixed and by hand; Inception from a local file or a clear error."""
import numpy as np
import pytest
import tensorflow as tf

from models.features import inception_features, random_features


def pictures(count, size, seed=0):
    return np.random.default_rng(seed).random((count, size, size, 1)).astype(np.float32)


def test_random_features_never_change():
    ramp = np.linspace(0, 1, 32 * 32, dtype=np.float32).reshape(1, 32, 32, 1)
    found = random_features()(ramp).numpy()
    assert found.shape == (1, 480) and found.dtype == np.float32
    np.testing.assert_allclose(found[0, [0, 40, 120, 300, 479]],
                               [1.4731976, 0.9664509, 1.1802576, 0.1247692, 0.6728445], rtol=1e-4)
    assert np.abs(found - random_features(seed=1)(ramp).numpy()).max() > 0.1


def test_random_features_by_hand():
    image = pictures(1, 16)
    maps, expected = (image[0] - 0.5) * 8, []
    for level, width in enumerate((32, 64, 128, 256)):
        channels = maps.shape[-1]
        kernel = tf.random.stateless_normal([3, 3, channels, width], [0, level],
                                            alg='philox').numpy()
        kernel = (kernel - 0.5 * kernel.mean((0, 1, 2))) * np.sqrt(2 / (9 * channels))
        # an even side with stride 2: padded by one pixel below and on the right
        padded, side = np.pad(maps, ((0, 1), (0, 1), (0, 0))), len(maps)
        maps = np.stack([[np.maximum(np.tensordot(padded[i:i + 3, j:j + 3], kernel, 3), 0)
                          for j in range(0, side, 2)] for i in range(0, side, 2)])
        expected += list(maps.mean((0, 1)))
    np.testing.assert_allclose(random_features()(image)[0], expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize('size', [16, 64, 299])
def test_random_features_of_any_size(size):
    look = random_features()
    both = look(pictures(2, size)).numpy()
    np.testing.assert_allclose(both[1:], look(pictures(2, size)[1:]), rtol=1e-4, atol=1e-5)
    # contrast alone scales them: no bias anywhere
    np.testing.assert_allclose(look(0.5 + (pictures(2, size) - 0.5) / 2), both / 2, rtol=1e-3,
                               atol=1e-5)
    assert 0.1 < np.abs(both).mean() < 2


def test_layout_and_texture_matter():
    look = random_features()
    rng = np.random.default_rng(0)
    half = np.repeat(np.float32([0.2, 0.8]), 32)[None, :, None, None] * np.ones((1, 64, 64, 1),
                                                                              np.float32)
    noisy = np.float32(half + rng.normal(0, 0.02, half.shape))
    # the same grey values, elsewhere
    blocks = np.roll(half, 16, axis=1)
    shuffled = rng.permuted(half.reshape(-1)).reshape(half.shape)
    base = look(half).numpy()
    nearby, moved, mixed = (np.linalg.norm(look(x).numpy() - base)
                            for x in (noisy, blocks, shuffled))
    assert 3 * nearby < moved < mixed


@pytest.fixture(scope='module')
def inception(tmp_path_factory):
    """(Inception v3 with random weights, the file of them)."""
    tf.keras.utils.set_random_seed(0)
    network = tf.keras.applications.InceptionV3(include_top=False, weights=None, pooling='avg')
    path = tmp_path_factory.mktemp('inception') / 'notop.h5'
    network.save_weights(str(path))
    return network, str(path)


def test_inception_from_a_file(inception):
    network, path = inception
    look = inception_features(path)
    images = pictures(2, 299)
    expected = network(np.repeat(images * 2 - 1, 3, axis=-1), training=False)
    found = look(images)
    assert found.shape == (2, 2048) and found.dtype == tf.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    small = look(pictures(1, 40))
    resized = tf.image.resize(pictures(1, 40), [299, 299], antialias=True).numpy()
    np.testing.assert_allclose(small, look(resized), rtol=1e-4, atol=1e-5)


def test_files_that_are_no_inception(tmp_path):
    text, other = tmp_path / 'text.h5', tmp_path / 'other.h5'
    text.write_text('nothing')
    tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=(3,))]).save_weights(str(other))
    for path, wrong in ((tmp_path / 'none.h5', 'no such file'), (tmp_path, 'no such file'),
                        (text, 'text.h5'), (other, 'other.h5')):
        with pytest.raises(ValueError, match='expected Keras\' Inception v3 "no top"') as error:
            inception_features(str(path))
        assert wrong in str(error.value) and '\n' not in str(error.value)
