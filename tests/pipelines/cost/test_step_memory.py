"""The memory of a training step: small graphs by hand, and a real step of a fresh process."""
import json
import subprocess
import sys

import pytest
import tensorflow as tf

from models.adversarial import Update
from models.fused_adam import FusedAdam
from models.pggan.networks import Discriminator, Generator
from models.pggan.updates import pggan_updates
from pipelines.cost import step_memory
from pipelines.cost.graph_memory import peak_bytes

MIB = 2 ** 20
X = tf.TensorSpec([256, 1024])  # 1 MiB


def peak_mib(function, *specs) -> int:
    """Of the concrete function; scalars and indices of some bytes are rounded off."""
    graph = tf.function(function, autograph=False).get_concrete_function(*(specs or [X])).graph
    return peak_bytes(graph) // MIB


def new(x):
    """An op that can neither share nor overwrite its input."""
    return tf.cumsum(x)


def test_chain_holds_two_links_beside_its_argument():
    assert peak_mib(lambda x: new(new(new(new(x))))) == 3


def test_branches_wait_for_each_other():
    def two(x):
        a = new(x)
        return tf.concat([new(a), tf.cumsum(a, reverse=True)], 0)

    assert peak_mib(two) == 5  # the argument, two branches, their concatenation of 2 MiB


def test_element_wise_ops_overwrite_what_nobody_needs():
    assert peak_mib(lambda x: tf.nn.relu(new(x)) * 2.0 + 1.0) == 2

    def needed_later(x):
        a = new(x)
        return tf.concat([tf.nn.relu(a), a], 0)

    assert peak_mib(needed_later) == 5
    assert peak_mib(tf.nn.relu) == 2  # the argument stays its caller's


def test_reshapes_and_transposes_of_nothing_share():
    assert peak_mib(lambda x: tf.reshape(tf.transpose(tf.expand_dims(x, 0), [1, 0, 2]), [-1])) == 1
    assert peak_mib(lambda x: tf.transpose(x)) == 2


def test_results_nobody_needs_are_left_out():
    def unused(x):
        new(new(x))
        return tf.reduce_sum(x)

    assert peak_mib(unused) == 1


def test_zeros_stay():
    def late(x):
        return new(new(x)) * tf.zeros([256, 1024])

    assert peak_mib(late) == 4


@pytest.mark.parametrize('read_later, mib', [(False, 2), (True, 4)])
def test_update_copies_a_variable_that_is_read_later(read_later, mib):
    with tf.Graph().as_default():
        variable = tf.Variable(tf.zeros([256, 1024]))

        def update(x):
            before = variable.read_value()
            with tf.control_dependencies([variable.assign_add(x)]):
                return new(before) if read_later else tf.constant(0.0)

        assert peak_mib(update, X) == mib  # variable, argument; the copy, the sum


@pytest.mark.parametrize('read_later, mib', [(False, 4), (True, 6)])
def test_adam_does_so_too(read_later, mib):
    with tf.Graph().as_default():
        variable, optimizer = tf.Variable(tf.zeros([256, 1024])), FusedAdam(jit_compile=False)
        optimizer.build([variable])

        def update(x):
            before = variable.read_value()
            optimizer.apply_gradients([(x, variable)])
            with tf.control_dependencies([variable.read_value()]):  # after the update
                return new(before) if read_later else tf.constant(0.0)

        assert peak_mib(update, X) == mib  # variable, two moments, gradient; the copy, the sum


def test_condition_needs_what_a_branch_needs():
    def either(x, flag):
        return tf.cond(flag, lambda: tf.reduce_sum(new(new(x))), lambda: tf.reduce_sum(x))

    assert peak_mib(either, X, tf.TensorSpec([], tf.bool)) == 3


def test_gradient_keeps_the_activations():
    def loss(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            a = tf.sigmoid(new(x))
            b = tf.sigmoid(new(a))
            c = tf.sigmoid(new(b))
            total = tf.reduce_sum(c)
        return tape.gradient(total, x)

    # The argument, three activations, and beside the last of them the gradient that comes in; it
    # goes on in the buffer of that activation.
    assert peak_mib(loss) == 5


def test_plain_graph_keeps_what_nobody_takes():
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [256, 1024])
        for _ in range(3):
            new(x)
    assert peak_bytes(graph) // MIB == 4


def _pggan(batch):
    shapes = {'real': [batch or 4, 32, 32, 1], 'latent_discriminator': [batch or 4, 16],
              'latent_generator': [batch or 4, 16], 'mixing': [batch]}

    def make():
        shape = dict(resolution=32, channels=1, fmap_max=16)
        updates = pggan_updates(Generator(latent_size=16, **shape), Discriminator(**shape), 5, 1.0)
        return [updates], {name: tf.TensorSpec(of) for name, of in shapes.items()}
    return make


def test_weights_do_not_grow_with_the_batch_and_activations_do():
    small, large = (step_memory.predict(_pggan(batch)) for batch in (16, 64))
    shape = dict(resolution=32, channels=1, fmap_max=16)
    count = (Generator(latent_size=16, **shape).count_params()
             + Discriminator(**shape).count_params())
    counters = 2 * (8 + 4)  # step and learning rate of each optimiser
    assert small.parameters == count
    assert small.weights == large.weights == 3 * 4 * count + counters
    assert 3.5 < large.activations / small.activations < 4.05
    assert small.total == small.weights + small.activations + small.baseline


def test_variables_that_no_update_moves_count_as_weights():
    def make():
        moved, resting = tf.Variable(tf.zeros([100])), tf.Variable(tf.zeros([1000]))
        loss = lambda batch, made: (tf.reduce_sum(batch['x'] * (moved + resting[0])), {})
        return [(Update('only', [moved], loss),)], {'x': tf.TensorSpec([7, 100])}

    estimate = step_memory.predict(make)
    assert estimate.parameters == 100
    assert estimate.weights == 4 * (3 * 100 + 1000) + 12


def test_the_start_of_a_large_variable_may_take_more_than_a_call():
    def call(channels):
        def make():
            layer = tf.keras.layers.Conv2D(channels, 1)
            layer.build([1, 8, 8, 4])
            return tf.function(layer).get_concrete_function(tf.TensorSpec([1, 8, 8, 4])).graph
        return step_memory.predict_call(make)

    small, large = call(1), call(4096)
    assert small.weights == 4 * 5 and small.parameters == 0
    assert large.weights == 4 * 5 * 4096
    assert large.activations >= 8 * 8 * 4096 * 4  # what comes out is more than the kernel
    assert step_memory._starting_bytes([10, 100, 20]) == 10 + 4 * 100
    wide = step_memory.predict_call(lambda: _product_graph(2048))
    assert wide.weights + wide.activations == 4 * 4 * 2048 ** 2  # the variable, and three times its size


def test_ops_of_a_loop_are_ops_of_the_process():
    def looped(x):
        return tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, tf.sin(tf.sin(tf.sin(y)))), [0, x])[1]

    def count(function):
        return step_memory._count_ops(tf.function(function).get_concrete_function(X).graph)

    assert count(looped) > count(lambda x: tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, y), [0, x])[1]) + 2


def _product_graph(side):
    weights = tf.Variable(tf.zeros([side, side]))
    return tf.function(lambda x: x @ weights).get_concrete_function(tf.TensorSpec([1, side])).graph


def test_unknown_dimension_is_refused():
    with pytest.raises(ValueError, match="batch_spec 'mixing': expected every dimension"):
        step_memory.predict(_pggan(None))


def test_device_is_the_machine_or_a_tighter_control_group(monkeypatch):
    monkeypatch.setattr(step_memory, '_gpus', lambda: [])
    monkeypatch.setattr(step_memory, '_group_limits', lambda: [('control group', 2 ** 70)])
    name, machine = step_memory.device_bytes()
    assert name == 'machine' and 2 ** 28 < machine < 2 ** 70
    monkeypatch.setattr(step_memory, '_group_limits', lambda: [('control group', 1000)])
    assert step_memory.device_bytes() == ('control group', 1000)


_FRESH = '''
import json, sys
import tensorflow as tf
from models import adversarial
from models.segmenters.losses import segmentation_update
from models.segmenters.smanet import SMANet
from pipelines.cost import step_memory
from pipelines.training.checkpoints import make_optimizers

tf.config.threading.set_inter_op_parallelism_threads(1)
tf.zeros([1])
batch, side = 32, 185
def make():
    return [(segmentation_update(SMANet(4, blocks=(1, 1, 1, 1), width=0.25)),)], data
data = {'image': tf.TensorSpec([batch, side, side, 1]), 'key': tf.TensorSpec([batch, 2], tf.int32),
        'label': tf.TensorSpec([batch, side, side], tf.uint8)}
if sys.argv[1] == 'predict':
    estimate = step_memory.predict(make)
    result = {'total': estimate.total, 'activations': estimate.activations}
else:
    (updates,), _ = make()
    adams = make_optimizers([updates], (0.9, 0.999), False)
    step = tf.function(lambda values: adversarial.train_step(updates, adams, values), autograph=False)
    made = step({name: tf.zeros(spec.shape, spec.dtype) for name, spec in data.items()})
    result = {'loss': float(made['segmentation_loss'])}
# ru_maxrss would start from that of the process that started this one
line, = [line for line in open('/proc/self/status') if line.startswith('VmHWM')]
print(json.dumps({**result, 'peak': int(line.split()[1]) * 1024}))
'''


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='reads /proc')
def test_prediction_is_near_the_peak_of_a_real_step():
    predicted, real = (json.loads(subprocess.run(
        [sys.executable, '-c', _FRESH, what], check=True, capture_output=True, text=True,
    ).stdout.splitlines()[-1]) for what in ('predict', 'run'))
    assert predicted['activations'] > 0.5 * real['peak']
    assert predicted['total'] == pytest.approx(real['peak'], rel=0.25)
    assert predicted['peak'] < 0.5 * real['peak']  # for it allocates nothing
