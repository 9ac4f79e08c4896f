"""Training on two devices against one, on the same global batches, through the real tasks."""
import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import InputError
from models.adversarial import Group, Update, train_step
from models.pggan import wgan_gp
from pipelines.experiment import steps
from pipelines.plan import provenance
from pipelines.plan.methods import METHODS
from pipelines.plan.regimes import Run, parse_regime
from pipelines.runtime import devices
from pipelines.segmentation.task import segmenter_task
from pipelines.stages.stage import stage_task
from pipelines.training import checkpoints, loop
from tests.conftest import FADES, tiny_config
from tests.models.test_adversarial import sgd

TWO = tf.distribute.MirroredStrategy(['/cpu:0', '/cpu:1'])


@pytest.fixture(scope='module')
def prepared(tmp_path_factory):
    config = tiny_config(segmenter={'batch_size': 4}, segmenters={'unet': {'crop': 48}}, pix2pixhd={'edges': True},
                         pggan={**FADES, 'batch_sizes': {4: 8, 8: 8, 16: 8, 32: 8}})
    workdir = provenance.open_workdir(config, tmp_path_factory.mktemp('strategy') / 'run')
    steps.prepare(config, workdir)
    return config, workdir


def make(config, workdir, what):
    if what in ('smanet', 'unet'):
        return segmenter_task(config, Run(parse_regime('real'), what), workdir)
    stage = {stage.name: stage for stage in METHODS['three'].stages}[what]
    return stage_task(config, stage, {'train': steps.prepare(config, workdir)})


def first_steps(prepared, what, strategy, folder, count=3, phase=0):
    """Metrics of the first steps of a phase, and the weights after them."""
    with strategy.scope():
        task = make(*prepared, what)
        state = checkpoints.State(task, folder)
        step_fn = loop.step_function(task, task.phases[phase], state)
        batches = loop.distributed_batches(task.phases[phase], 0)
        rows = [{key: float(value) for key, value in step_fn(batch, tf.constant(1e-4)).items()}
                for _, batch in zip(range(count), batches)]
    # Kernels only: a bias before a norm has no gradient but rounding, which Adam makes steps of.
    return rows, {name: [v.numpy() for v in network.trainable_variables if len(v.shape) == 4]
                  for name, network in task.networks.items()}


@pytest.mark.parametrize('what', ['smanet', 'image'])
def test_two_devices_train_as_one(prepared, what, tmp_path):
    one, weights_of_one = first_steps(prepared, what, tf.distribute.get_strategy(), tmp_path)
    two, weights_of_two = first_steps(prepared, what, TWO, tmp_path)
    for a, b in zip(one, two):
        for key in a:
            if key.endswith('_loss'):
                assert b[key] == pytest.approx(a[key], rel=1e-4), key
    for name, weights in weights_of_one.items():
        for a, b in zip(weights, weights_of_two[name]):  # three steps of Adam move by 3e-4
            assert np.abs(a - b).mean() < 1e-5


def test_pggan_on_two_devices_is_the_mean_over_its_two_half_batches(prepared, tmp_path):
    with tf.distribute.get_strategy().scope():
        task = make(*prepared, 'dots')
    generator, discriminator = task.networks['generator'], task.networks['discriminator']
    batch = next(iter(task.phases[1].batches(0)))
    expected = []
    for half in (slice(0, 4), slice(4, 8)):
        share = {key: value[half] for key, value in batch.items()}
        fake = generator(share['latent_discriminator'], level=3, alpha=share['alpha'])
        expected.append(tf.reduce_mean(wgan_gp.discriminator_loss(
            lambda x, a=share['alpha']: discriminator(x, level=3, alpha=a), share['real'], fake,
            share['mixing'], gradient_scale=4.0).loss))
    rows, _ = first_steps(prepared, 'dots', TWO, tmp_path, count=1, phase=1)
    assert rows[0]['discriminator_loss'] == pytest.approx(np.mean(expected), rel=1e-4)
    assert np.abs(expected[0] - expected[1]) > 1e-3 * np.abs(np.mean(expected))


@pytest.mark.parametrize('what', ['dots', 'labels', 'unet'])
def test_a_training_on_two_devices_continues_on_one(prepared, what, tmp_path):
    config, workdir = prepared
    with TWO.scope():
        task = make(config, workdir, what)
        short = task._replace(phases=tuple(p._replace(steps=2) for p in task.phases[:2]))
        loop.train(short, tmp_path, **vars(config.run))
    (tmp_path / 'finished.json').unlink()
    task = make(config, workdir, what)
    longer = task._replace(phases=tuple(p._replace(steps=3) for p in task.phases[:2]))
    loop.train(longer, tmp_path, **vars(config.run))
    assert checkpoints.is_finished(tmp_path)


def test_a_batch_that_does_not_divide_is_refused(prepared):
    config, workdir = prepared
    odd = dataclasses.replace(config, segmenter=dataclasses.replace(config.segmenter, batch_size=3))
    with TWO.scope():
        phase, = make(odd, workdir, 'smanet').phases
        with pytest.raises(InputError, match='strategy: a batch of 3 .* not divide by 2 devices'):
            loop.distributed_batches(phase, 0)


def test_strategies_by_name():
    assert devices.distribution('none') is tf.distribute.get_strategy()
    assert devices.distribution('mirrored').num_replicas_in_sync == 2  # of the tests' two devices


def test_coupled_decay_is_the_same_on_two_devices():
    """Here and not beside the step's own tests: a second MirroredStrategy in a process breaks the first."""
    with TWO.scope():
        weight = tf.Variable(2.0)
        update = Update('w', [weight], lambda batch, made: (3 * weight, {}), groups=(Group([weight], decay=0.25),))
        optimizers = {'w': sgd([weight])}
        tf.function(lambda: TWO.run(lambda: train_step((update,), optimizers, {})))()
    assert weight.numpy() == 2 - (3 + 0.25 * 2)
