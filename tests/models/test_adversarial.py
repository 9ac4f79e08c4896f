"""The training step: what a bad loss may touch, and in which order updates run."""
import numpy as np
import pytest
import tensorflow as tf

from models.adversarial import Group, Update, train_step


def sgd(variables):
    optimizer = tf.keras.optimizers.SGD(1.0)
    optimizer.build(variables)
    return optimizer


@pytest.mark.parametrize('bad', [np.nan, np.inf])
def test_a_loss_that_is_not_finite_moves_nothing(bad):
    weights = [tf.Variable(tf.ones([64, 64])) for _ in range(20)]
    update = Update('w', weights, lambda batch, made: (
        tf.add_n([tf.reduce_mean(w) for w in weights]) * batch['factor'], {}))
    optimizers = {'w': sgd(weights)}
    step = tf.function(lambda batch: train_step((update,), optimizers, batch))
    with pytest.raises(tf.errors.InvalidArgumentError, match='w loss'):
        step({'factor': tf.constant(bad, tf.float32)})
    assert all((w.numpy() == 1).all() for w in weights)
    step({'factor': tf.constant(1.0)})
    assert all((w.numpy() < 1).all() for w in weights)


def test_an_update_sees_what_the_one_before_moved_and_made():
    first, second = tf.Variable(1.0), tf.Variable(1.0)

    def loss_of_first(batch, made):
        made['product'] = first * batch['x']  # before the update
        return made['product'], {}

    def loss_of_second(batch, made):
        return second * first * made['product'], {'seen': first + 0.0}

    updates = (Update('a', [first], loss_of_first), Update('b', [second], loss_of_second))
    optimizers = {'a': sgd([first]), 'b': sgd([second])}
    metrics = tf.function(lambda x: train_step(updates, optimizers, {'x': x}))(tf.constant(3.0))
    assert first.numpy() == -2                    # 1 - 3
    assert metrics['seen'].numpy() == -2
    assert second.numpy() == 1 - (-2 * 3)
    assert metrics['a_loss'].numpy() == 3 and metrics['a_gradient_norm'].numpy() == 3


@pytest.mark.parametrize('wrap', [lambda step: step, tf.function], ids=['eager', 'graph'])
def test_what_is_made_ahead_is_computed_once_and_differentiated_when_it_is_its_turn(wrap):
    """A critic c moves by d/dc (c w x) = w x from 2 to -4; then w by d/dw (c w x) = -4 x, though made before."""
    critic, network, calls = tf.Variable(2.0), tf.Variable(2.0), []

    def ahead(batch):
        calls.append(1)
        return {'drawn': network * batch['x']}

    updates = (Update('critic', [critic], lambda batch, made: (critic * tf.stop_gradient(made['drawn']), {})),
               Update('network', [network], lambda batch, made: (critic * made['drawn'], {}), ahead=ahead))
    optimizers = {'critic': sgd([critic]), 'network': sgd([network])}
    metrics = wrap(lambda x: train_step(updates, optimizers, {'x': x}))(tf.constant(3.0))
    assert (critic.numpy(), network.numpy()) == (2 - 6, 2 + 12)
    assert (metrics['critic_loss'].numpy(), metrics['network_loss'].numpy()) == (12, -24) and len(calls) == 1


def test_coupled_decay_is_added_to_the_gradient_of_its_group_alone():
    """As PyTorch's SGD and Adam take weight_decay: g + decay * w; the logged norm is the loss's own."""
    decayed, plain = tf.Variable(2.0), tf.Variable(2.0)
    update = Update('w', [decayed, plain], lambda batch, made: (3 * decayed + 4 * plain, {}),
                    groups=(Group([decayed], decay=0.25),))
    metrics = train_step((update,), {'w': sgd([decayed, plain])}, {})
    assert decayed.numpy() == 2 - (3 + 0.25 * 2) and plain.numpy() == 2 - 4
    assert metrics['w_gradient_norm'].numpy() == 5
