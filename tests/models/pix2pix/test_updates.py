"""pix2pix's losses by hand, and one step: one picture, drawn once, the discriminator first."""
import math

import numpy as np
import pytest
import tensorflow as tf

from models.adversarial import train_step
from models.pix2pix.networks import PatchGAN, UNetGenerator
from models.pix2pix.updates import least_squares, pix2pix_updates, vanilla
from models.segmenters.layers import dropouts
from pipelines.training.checkpoints import make_optimizers


def test_losses_by_hand():
    scores = tf.constant([[0.0, 2.0]])
    assert float(vanilla(scores, True)) == pytest.approx((math.log(2) + math.log(1 + math.exp(-2))) / 2, rel=1e-6)
    assert float(vanilla(scores, False)) == pytest.approx((math.log(2) + math.log(1 + math.exp(2))) / 2, rel=1e-6)
    assert float(least_squares(scores, True)) == (1 + 1) / 2 and float(least_squares(scores, False)) == 4 / 2


@pytest.mark.parametrize('gan, expected', [('lsgan', lambda score, label: (score - label) ** 2),
                                           ('vanilla', lambda score, label: math.log(1 + math.exp(
                                               -score if label else score)))])
def test_a_step_by_hand(gan, expected):
    """G(x) = g x, D(x, y) = d y: the generator meets the discriminator that has just moved, with the same picture."""
    g, d, drawn = tf.Variable(2.0), tf.Variable(0.5), []
    batch = {'source': tf.fill([1, 1, 1, 1], 3.0), 'target': tf.fill([1, 1, 1, 1], 5.0)}

    def generate(batch):
        drawn.append(1)
        return g * batch['source']
    updates = pix2pix_updates(generate, lambda pair: d * pair[..., 1:], [g], [d], gan, 10.0)
    optimizers = {name: tf.keras.optimizers.SGD(0.01) for name in ('discriminator', 'generator')}
    for update in updates:
        optimizers[update.name].build(update.variables)
    metrics = train_step(updates, optimizers, batch)
    assert len(drawn) == 1 and [update.name for update in updates] == ['discriminator', 'generator']
    assert float(metrics['fake_loss']) == pytest.approx(expected(0.5 * 6, 0), rel=1e-5)
    assert float(metrics['real_loss']) == pytest.approx(expected(0.5 * 5, 1), rel=1e-5)
    assert float(metrics['discriminator_loss']) == pytest.approx(
        (expected(3, 0) + expected(2.5, 1)) / 2, rel=1e-5)
    moved = float(d)
    assert moved != 0.5 and float(metrics['gan_loss']) == pytest.approx(expected(moved * 6, 1), rel=1e-5)
    assert float(metrics['l1_loss']) == 10 * 1
    slope = (2 * (moved * 6 - 1) if gan == 'lsgan' else -1 / (1 + math.exp(moved * 6))) * moved * 3 + 10 * 3
    assert float(g) == pytest.approx(2 - 0.01 * slope, rel=1e-5)


def test_statistics_move_once_for_the_generator_and_three_times_for_the_discriminator():
    generator, discriminator = UNetGenerator(1, 1, 5, 1), PatchGAN(2, 1, 1)
    batch = {'source': tf.random.stateless_normal([2, 32, 32, 1], [0, 1]),
             'target': tf.random.stateless_normal([2, 32, 32, 1], [0, 2]), 'key': tf.constant([[1, 2], [1, 3]])}
    updates = pix2pix_updates(
        lambda batch: generator(batch['source'], drop=dropouts(batch['key'], True), statistics='batch'),
        lambda pair: discriminator(pair, statistics='batch'), generator.trainable_variables,
        discriminator.trainable_variables)
    optimizers = make_optimizers([updates], (0.5, 0.999), False)
    for norm, times in ((generator.downs[1].norm, 1), (discriminator.hidden[0].norm, 3)):
        norm.moving_variance.assign(tf.fill(norm.moving_variance.shape, 1e6))   # what comes is nothing beside it
    tf.function(lambda: train_step(updates, optimizers, batch))()
    for norm, times in ((generator.downs[1].norm, 1), (discriminator.hidden[0].norm, 3)):
        np.testing.assert_allclose(norm.moving_variance, 1e6 * 0.9 ** times, rtol=1e-4)


def test_a_pair_is_learnt():
    rows, columns = np.mgrid[:32, :32] / 32 - 0.5
    disc = (rows ** 2 + columns ** 2 < 0.1).astype(np.float32)[None, ..., None]
    batch = {'source': tf.constant(2 * disc - 1), 'target': tf.constant(np.tanh(2 * disc - 0.5), tf.float32)}
    generator, discriminator = UNetGenerator(1, 1, 5, 4, seed=1), PatchGAN(2, 4, 2, seed=2)
    updates = pix2pix_updates(lambda batch: generator(batch['source'], statistics='batch'),
                              lambda pair: discriminator(pair, statistics='batch'), generator.trainable_variables,
                              discriminator.trainable_variables)
    optimizers = make_optimizers([updates], (0.5, 0.999), False)
    for optimizer in optimizers.values():
        optimizer.learning_rate.assign(2e-3)
    step = tf.function(lambda: train_step(updates, optimizers, batch))
    losses = [float(step()['l1_loss']) for _ in range(60)]
    assert np.mean(losses[-5:]) < 0.3 * np.mean(losses[:5])
