"""FCN: enlarged bilinearly, begun from Keras' VGG16, cropped to the picture."""
import numpy as np
import pytest
import tensorflow as tf

from models.segmenters import fcn


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
