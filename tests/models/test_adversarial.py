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


def test_coupled_decay_is_added_to_the_gradient_of_its_group_alone():
    """As PyTorch's SGD and Adam take weight_decay: g + decay * w; the logged norm is the loss's own."""
    decayed, plain = tf.Variable(2.0), tf.Variable(2.0)
    update = Update('w', [decayed, plain], lambda batch, made: (3 * decayed + 4 * plain, {}),
                    groups=(Group([decayed], decay=0.25),))
    metrics = train_step((update,), {'w': sgd([decayed, plain])}, {})
    assert decayed.numpy() == 2 - (3 + 0.25 * 2) and plain.numpy() == 2 - 4
    assert metrics['w_gradient_norm'].numpy() == 5


@pytest.mark.parametrize('compiled', [False, True])
def test_what_an_update_begins_with_is_made_once_and_has_its_gradient(compiled):
    """A discriminator judges a picture before its generator moves; the generator's gradient goes through it."""
    first, second, calls = tf.Variable(1.0), tf.Variable(2.0), []

    def begin(batch):
        calls.append(1)
        return {'picture': second ** 2 * batch['x']}

    def loss_of_first(batch, made):
        return first * tf.stop_gradient(made['picture']), {}

    def loss_of_second(batch, made):
        made['seen'] = made['picture']
        return first * made['picture'], {'picture': made['picture'] + 0.0}

    updates = (Update('a', [first], loss_of_first), Update('b', [second], loss_of_second, begin=begin))
    optimizers = {'a': sgd([first]), 'b': sgd([second])}
    step = (tf.function if compiled else lambda function: function)(
        lambda x: train_step(updates, optimizers, {'x': x}))
    metrics = step(tf.constant(3.0))
    assert len(calls) == 1 and metrics['picture'].numpy() == 12
    assert first.numpy() == 1 - 12                    # of the first, by the picture
    assert second.numpy() == 2 - (-11) * 2 * 2 * 3    # first has moved; d picture / d second = 2 second x
    assert metrics['b_gradient_norm'].numpy() == 11 * 12
