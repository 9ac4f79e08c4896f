"""CycleGAN's terms by hand, its order, its pools."""
import numpy as np
import pytest
import tensorflow as tf

from models.adversarial import train_step
from models.cyclegan.updates import cyclegan_updates, resnet_generator
from models.image_pool import ImagePool


def picture(value):
    return tf.fill([1, 1, 1, 1], float(value))


def toys(**arguments):
    """G_ab(x) = 2 x, G_ba(x) = 3 x, D_a(x) = 0.1 x, D_b(x) = 0.2 x, their variables by name, and the updates."""
    v = {name: tf.Variable(value) for name, value in (('ab', 2.0), ('ba', 3.0), ('a', 0.1), ('b', 0.2))}
    names = []

    def through(key):
        def translate(x, batch, name):
            names.append(name)
            return v[key] * x
        return translate
    return v, names, cyclegan_updates(through('ab'), through('ba'), lambda x: v['a'] * x, lambda x: v['b'] * x,
                                      [v['ab'], v['ba']], [v['a'], v['b']], **arguments)


def sgd(updates):
    optimizers = {update.name: tf.keras.optimizers.SGD(1e-3) for update in updates}
    for update in updates:
        optimizers[update.name].build(update.variables)
    return optimizers


BATCH = {'a_image': picture(1), 'b_image': picture(5)}


def test_terms_and_order_by_hand():
    v, names, updates = toys(cycle_weights=(10.0, 20.0))
    metrics = {name: float(value) for name, value in train_step(updates, sgd(updates), BATCH).items()}
    assert [update.name for update in updates] == ['generators', 'discriminators']
    assert sorted(names) == ['cycled_a', 'cycled_b', 'fake_a', 'fake_b', 'same_a', 'same_b']
    # a = 1 goes to 2 and comes back as 6; b = 5 goes to 15 and comes back as 30
    expected = {'gan_b_loss': (0.2 * 2 - 1) ** 2, 'gan_a_loss': (0.1 * 15 - 1) ** 2, 'cycle_a_loss': 10 * 5,
                'cycle_b_loss': 20 * 25, 'identity_b_loss': 0.5 * 20 * 5, 'identity_a_loss': 0.5 * 10 * 2}
    for name, value in expected.items():
        assert metrics[name] == pytest.approx(value, rel=1e-5), name
    assert metrics['generators_loss'] == pytest.approx(sum(expected.values()), rel=1e-5)
    # on the pictures made before the generators moved
    assert float(v['ab']) != 2 and float(v['ba']) != 3
    of_b, of_a = ((0.2 * 5 - 1) ** 2 + 0.4 ** 2) / 2, ((0.1 - 1) ** 2 + 1.5 ** 2) / 2
    assert metrics['discriminator_b_loss'] == pytest.approx(of_b, rel=1e-5)
    assert metrics['discriminator_a_loss'] == pytest.approx(of_a, rel=1e-5)
    assert metrics['discriminators_loss'] == pytest.approx(of_a + of_b, rel=1e-5)


def test_without_identity_and_with_cross_entropy():
    _, names, updates = toys(identity_weight=0.0, gan='vanilla')
    metrics = train_step(updates, sgd(updates), BATCH)
    assert 'identity_a_loss' not in metrics and not {'same_a', 'same_b'} & set(names)
    assert float(metrics['gan_b_loss']) == pytest.approx(np.log(1 + np.exp(-0.4)), rel=1e-5)


def test_discriminators_see_pictures_of_the_pools():
    pools = {domain: ImagePool(1, [1, 1, 1]) for domain in 'ab'}
    v, _, updates = toys(pools=pools)
    optimizers = sgd(updates)
    draws = {'a_pool': tf.constant([[1.0, 0.0]]), 'b_pool': tf.constant([[0.0, 0.0]])}   # a's are swapped, b's not
    train_step(updates, optimizers, {**BATCH, **draws})
    fake_a, judge_a, judge_b = 15.0, float(v['a']), float(v['b'])
    ab = float(v['ab'])
    metrics = train_step(updates, optimizers, {**BATCH, **draws})
    assert float(metrics['discriminator_a_loss']) == pytest.approx(
        ((judge_a - 1) ** 2 + (judge_a * fake_a) ** 2) / 2, rel=1e-5)   # the first step's picture
    assert float(metrics['discriminator_b_loss']) == pytest.approx(
        ((5 * judge_b - 1) ** 2 + (judge_b * ab) ** 2) / 2, rel=1e-5)   # this step's


def test_the_resnet_generator_is_pix2pixhds_with_two_downsamplings():
    network = resnet_generator(1, 1, 4, 3)
    assert len(network.trunk.downs) == 2 and len(network.trunk.blocks) == 3
    seen = []
    network(tf.zeros([1, 16, 16, 1]), drop=lambda x, rate: seen.append((x.shape, rate)) or x)
    assert seen == [((1, 4, 4, 16), 0.5)] * 3
