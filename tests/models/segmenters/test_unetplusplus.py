"""U-Net++: four heads and their loss."""
import numpy as np
import tensorflow as tf

from models.segmenters import unetplusplus
from tests.models.segmenters.test_published import batch_of, made


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


def test_dropout_can_be_left_out():
    """Behind every convolution half of its values; with none dropped training sees what prediction does."""
    batch, keys = batch_of('unetplusplus', 2, 1), tf.constant([[1, 2]] * 2)
    for dropout, differs in ((0.5, True), (0.0, False)):
        network = unetplusplus.UNetPlusPlus(2, filters=8, dropout=dropout)
        image = batch['image'][:2, ..., :1]
        there = [np.abs(one - other).max() > 1e-6 for one, other in zip(
            network.heads(image, keys[:len(image)], training=True), network.heads(image))]
        assert there == [differs] * 4
