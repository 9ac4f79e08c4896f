"""Coupled weight decay by hand: one step of Adam moves by its rate against the sign of gradient + decay * weight."""
import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from models.adversarial import Group, Update, train_step
from models.segmenters import unet
from pipelines.plan.config import Segmenter
from pipelines.segmentation.decay import with_decay
from pipelines.training.checkpoints import make_optimizers

RATE, DECAY = 1e-3, 5e-4


class Net(tf.keras.Model):
    """A kernel, a bias, and the scale and shift of a batch norm, all of them 2."""

    def __init__(self):
        super().__init__()
        self.weights_ = [tf.Variable(2.0, name=name) for name in (
            'conv/kernel', 'conv/bias', 'norm/gamma', 'norm/beta')]


def moved(decayed, decay=DECAY, groups=(), steps=1):
    """Where the four weights go whose loss has the gradient -0.0004 in each: below 2 * DECAY."""
    network = Net()
    update = Update('segmentation', network.weights_, lambda batch, made: (
        -4e-4 * tf.add_n(network.weights_), {}), groups=tuple(Group([network.weights_[i]]) for i in groups))
    settings = dataclasses.replace(Segmenter(), weight_decay=decay, decayed=decayed)
    updates = with_decay((update,), network, settings)
    optimizers = make_optimizers([updates], (0.9, 0.999), False)
    optimizers['segmentation'].learning_rate.assign(RATE)
    for _ in range(steps):
        metrics = train_step(updates, optimizers, {})
    return [float(weight.numpy()) for weight in network.weights_], metrics


def test_biases_and_shifts_move_at_twice_the_rate_without_decay():
    """The gradient -0.0004 + 0.0005 * 2 is positive, so what decays falls by the rate; what does not rises by two."""
    weights, metrics = moved('weights')
    np.testing.assert_allclose(weights, [2 - RATE, 2 + 2 * RATE, 2 - RATE, 2 + 2 * RATE], atol=2e-6)
    assert metrics['segmentation_loss'].numpy() == pytest.approx(-4e-4 * 8)  # without the decay


def test_all_weights_may_decay_at_one_rate():
    weights, _ = moved('all')
    np.testing.assert_allclose(weights, [2 - RATE] * 4, atol=2e-6)
    assert moved('all', decay=0.0)[0] == pytest.approx([2 + RATE] * 4, abs=2e-6)


def test_decay_goes_into_both_moments():
    """Two steps by hand, as PyTorch's Adam with weight_decay."""
    weight, first, second = 2.0, 0.0, 0.0
    for step in (1, 2):
        gradient = -4e-4 + DECAY * weight
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient ** 2
        weight -= RATE * (1 - 0.999 ** step) ** .5 / (1 - 0.9 ** step) * first / (second ** .5 + 1e-8)
    assert moved('weights', steps=2)[0][0] == pytest.approx(weight, abs=5e-7)


def test_what_an_update_treats_already_is_left_to_it():
    weights, _ = moved('weights', groups=(0, 1))
    np.testing.assert_allclose(weights, [2 + RATE, 2 + RATE, 2 - RATE, 2 + 2 * RATE], atol=2e-6)


def test_a_network_is_parted_by_the_names_of_its_weights():
    network = unet.build(2, channels=1, seed=0, width=0.05)
    update = Update('segmentation', network.trainable_variables, None)
    settings = dataclasses.replace(Segmenter(), weight_decay=DECAY)
    (biases, weights), = [update.groups for update in with_decay((update,), network, settings)]
    assert {v.name.split('/')[-1] for v in biases.variables} == {'bias:0', 'beta:0'}
    assert {v.name.split('/')[-1] for v in weights.variables} == {'kernel:0', 'gamma:0'}
    assert (biases.rate, biases.decay, weights.rate, weights.decay) == (2.0, 0.0, 1.0, DECAY)
    assert len(biases.variables) + len(weights.variables) == len(network.trainable_variables)
