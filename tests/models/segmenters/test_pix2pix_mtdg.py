"""Pix2Pix MTdG: samples apart from each other, both tasks by hand."""
import numpy as np
import tensorflow as tf

from pipelines.plan.segmenters import SEGMENTERS, resolve
from tests.models.segmenters.test_published import batch_of, made


def test_mtdg_predicts_each_sample_as_in_a_batch_of_one():
    network, image = made('pix2pix_mtdg', 2)['network'], batch_of('pix2pix_mtdg', 2, 1)['image'] * [[[[1.0]]], [[[3.0]]]]
    both = network(image).numpy()
    np.testing.assert_allclose(network(image[1:], None, training=True), both[1:],
                               atol=1e-4 * np.abs(both).max())
    assert np.abs(network(image, None, training=True)[1:] - both[1:]).max() > 1e-2 * np.abs(both).max()
    np.testing.assert_allclose(tf.nn.sigmoid(both), (np.tanh(both / 2) + 1) / 2, atol=1e-6)


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
