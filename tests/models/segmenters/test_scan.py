"""SCAN: the losses of the network and of its critic, by hand."""
import numpy as np
import tensorflow as tf

from models.segmenters import scan
from tests.models.segmenters.test_published import batch_of
from tests.toys import segmenter as toy


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
