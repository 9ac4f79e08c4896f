"""FusedAdam: by hand, as Keras' own, and with its checkpoints."""
import numpy as np
import pytest
import tensorflow as tf

from models.fused_adam import FusedAdam


def _variables():
    rng = np.random.default_rng(0)
    return [tf.Variable(rng.normal(size=shape).astype(np.float32)) for shape in ((3, 4), (5,))]


def _walk(optimizer, variables, steps):
    rng = np.random.default_rng(1)

    @tf.function
    def apply(gradients):
        optimizer.apply_gradients(zip(gradients, variables))
    for step in range(steps):
        optimizer.learning_rate.assign(0.01 / (step + 1))
        apply([tf.constant(rng.normal(size=v.shape), tf.float32) for v in variables])


def test_two_steps_by_hand():
    variable = tf.Variable([1.0, 1.0])
    optimizer = FusedAdam(0.1, 0.5, 0.75, epsilon=1e-8, jit_compile=False)
    optimizer.build([variable])
    optimizer.apply_gradients([(tf.constant([2.0, -4.0]), variable)])
    # after one step m / (1 - 0.5) = g and v / (1 - 0.75) = g^2: it moves by the rate
    np.testing.assert_allclose(variable, [0.9, 1.1], rtol=1e-6)
    optimizer.apply_gradients([(tf.constant([0.0, -4.0]), variable)])
    # m = 0.5, v = 0.75: 0.5 / 0.75 over sqrt(0.75 / 0.4375)
    np.testing.assert_allclose(variable, [0.9 - 0.1 * (2 / 3) / (0.75 / 0.4375) ** 0.5, 1.2],
                               rtol=1e-6)


@pytest.mark.parametrize('betas', [(0.5, 0.999), (0, 0.99)], ids=['floats', 'a whole one'])
def test_it_walks_as_keras_does(betas):
    ours, theirs = _variables(), _variables()
    for kind, variables in ((FusedAdam, ours), (tf.keras.optimizers.Adam, theirs)):
        optimizer = kind(1.0, *betas, epsilon=1e-8, jit_compile=False)
        optimizer.build(variables)
        _walk(optimizer, variables, 20)
    for mine, other, start in zip(ours, theirs, _variables()):
        np.testing.assert_allclose(mine, other, atol=1e-6)
        assert np.abs(mine - start).min() > 1e-4


def test_checkpoints_of_keras_adam_are_continued(tmp_path):
    """A run that an earlier version began goes on with its moments."""
    finished, continued = _variables(), _variables()
    whole = tf.keras.optimizers.Adam(1.0, epsilon=1e-8, jit_compile=False)
    whole.build(finished)
    _walk(whole, finished, 3)
    path = tf.train.Checkpoint(optimizer=whole, variables=finished).write(str(tmp_path / 'ckpt'))
    other = FusedAdam(1.0, epsilon=1e-8, jit_compile=False)
    other.build(continued)
    tf.train.Checkpoint(optimizer=other, variables=continued).read(path).assert_consumed()
    for optimizer, variables in ((whole, finished), (other, continued)):
        _walk(optimizer, variables, 3)
    for a, b in zip(finished, continued):
        np.testing.assert_allclose(a, b, atol=1e-6)
