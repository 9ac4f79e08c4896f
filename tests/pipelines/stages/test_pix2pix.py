"""The pix2pix stage: a step of real training, what it draws and for whom, what it refuses."""
import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import InputError
from pipelines.experiment import steps
from pipelines.plan import methods, provenance
from pipelines.plan.loading import from_dict
from pipelines.plan.methods import METHODS, Method, Stage
from pipelines.stages import pix2pix, stage
from pipelines.training import checkpoints, loop
from tests.conftest import TINY, tiny_config

SETTINGS = {'ngf': 2, 'levels': 5, 'ndf': 2, 'layers': 2, 'batch_size': 2, 'epochs': 1, 'decay_epochs': 1}
PAINT = Stage('image', 'pix2pix', 'labels', ('image',), 'painted')
PAINTED = Method('painted', '7', 'Painted', (METHODS['two'].stages[0], PAINT))


@pytest.fixture(autouse=True)
def painted(monkeypatch):
    monkeypatch.setitem(methods.METHODS, 'painted', PAINTED)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """(config, records, task) after its last step; 48 px, which 2^5 does not divide."""
    config = tiny_config(pix2pix={**SETTINGS, 'levels': 6, 'l1_weight': 10.0, 'learning_rate': 5e-3})
    workdir = provenance.open_workdir(config, tmp_path_factory.mktemp('painted') / 'run')
    info = steps.prepare(config, workdir)
    task = stage.stage_task(config, PAINT, {'train': info})
    loop.train(task, workdir / 'stages' / 'painted', log_every=1, sheet_every=100)
    return config, info, task, workdir


def test_a_training_moves_everything_and_draws_sheets(trained):
    config, info, task, workdir = trained
    fresh = stage.stage_networks(config, stage.stage_io(config, PAINT, info.coding))
    for name, network in task.networks.items():
        changed = [not np.array_equal(a, b) for a, b in zip(fresh[name].get_weights(), network.get_weights())]
        assert np.mean(changed) > 0.9, name
    assert task.steps == 2 * info.count // 2
    rows = (workdir / 'stages' / 'painted' / 'losses.jsonl').read_text().splitlines()
    assert len(rows) == task.steps and all(word in rows[0] for word in ('fake_loss', 'gan_loss', 'l1_loss'))
    assert list((workdir / 'stages' / 'painted' / 'samples').glob('*.png'))
    assert task.phases[0].learning_rate(task.steps // 2) == 5e-3 and task.betas == (0.5, 0.999)


def labels_of(count, side=48, seed=0):
    return np.random.default_rng(seed).integers(0, 8, (count, side, side)).astype(np.uint8)


@pytest.mark.parametrize('changes, has_dropout', [({}, True), ({'dropout': False}, False),
                                                  ({'statistics': 'running'}, False)])
def test_a_sample_is_the_same_beside_whatever_else(trained, changes, has_dropout):
    config, info, task, _ = trained
    io = stage.stage_io(config, PAINT, info.coding)
    io = io._replace(settings=dataclasses.replace(io.settings, **changes))
    draw = pix2pix.draw(io, task.networks['generator'])
    given = labels_of(3)
    together = draw(tf.constant(given))
    assert together.shape == (3, 48, 48, 1) and np.abs(together).max() <= 1
    for number in range(3):
        np.testing.assert_allclose(draw(tf.constant(given[number:number + 1]))[0], together[number], atol=1e-5)
    np.testing.assert_array_equal(draw(tf.constant(given)), together)
    other = pix2pix.draw(io._replace(seed=io.seed + 1), task.networks['generator'])(tf.constant(given))
    assert (np.abs(other - together).max() > 1e-4) == has_dropout
    assert np.abs(together[0] - together[1]).max() > 1e-4


def test_keys_are_of_what_is_given():
    given = labels_of(3)
    keys = pix2pix.keys_of(tf.constant(given), 5).numpy()
    assert keys.shape == (3, 2) and len({tuple(key) for key in keys}) == 3 and set(keys[:, 0]) == {5}
    given[0, 0, 0] ^= 1
    changed = pix2pix.keys_of(tf.constant(given), 5).numpy()
    assert changed[0, 1] != keys[0, 1] and (changed[1:] == keys[1:]).all()


def test_what_is_drawn_by_an_unknown_number_of_samples(trained):
    """As the exported stage takes them."""
    config, info, task, _ = trained
    io = stage.stage_io(config, PAINT, info.coding)
    draw = stage.draw_function(io, task.networks['generator'])
    exported = tf.function(draw, input_signature=[tf.TensorSpec([None, 48, 48], tf.uint8)])
    given = tf.constant(labels_of(2))
    np.testing.assert_allclose(exported(given)['image'], draw(given)['image'], atol=1)


def test_the_discriminator_moves_first_and_dropout_is_the_batchs(trained, tmp_path):
    config, info, _, _ = trained
    task = stage.stage_task(config, PAINT, {'train': info})
    state = checkpoints.State(task, tmp_path)
    state.start_phase(task.phases[0])
    assert [update.name for update in task.phases[0].updates] == ['discriminator', 'generator']
    step_fn = loop.step_function(task, task.phases[0], state)
    batch = next(iter(task.phases[0].batches(0)))
    metrics = {name: float(value) for name, value in step_fn(batch, tf.constant(0.0)).items()}
    assert metrics['generator_loss'] == pytest.approx(metrics['gan_loss'] + metrics['l1_loss'], rel=1e-5)
    again = {name: float(value) for name, value in step_fn(batch, tf.constant(0.0)).items()}
    assert again == pytest.approx(metrics, rel=1e-4)   # its dropout is the batch's, and nothing moved


@pytest.mark.parametrize('changes, message', [
    ({'levels': 4}, 'pix2pix.levels: expected a number from 5 to 12, found 4'),
    ({'levels': 8}, 'data.size: expected at least 128 for 8 levels and a discriminator of 2 layers, found 64'),
    ({'layers': 5}, 'data.size: expected at least 96 for 5 levels and a discriminator of 5 layers, found 64'),
    ({'norm': 'layer'}, 'pix2pix.norm: expected one of batch, instance, found'),
    ({'gan': 'wgan'}, 'pix2pix.gan: expected one of vanilla, lsgan, found'),
    ({'statistics': 'batch'}, 'pix2pix.statistics: expected one of sample, running, found'),
    ({'learning_rate': 0.0}, 'pix2pix.learning_rate: expected a number above 0'),
    ({'epochs': 0, 'decay_epochs': 0}, 'pix2pix.epochs: expected at least one epoch, found 0'),
    ({'ngf': 0}, 'pix2pix.ngf: expected a number from 1 on, found 0'),
    ({'l1_weight': -1.0}, 'pix2pix.l1_weight: expected a number from 0 on')])
def test_settings_that_could_not_be_carried_out(changes, message):
    with pytest.raises(InputError, match=message):
        from_dict({**TINY, 'data': {**TINY['data'], 'size': 64}, 'regimes': ['synth7'],
                   'pggan': {'batch_sizes': {side: 4 for side in (4, 8, 16, 32, 64)}},
                   'pix2pix': {**SETTINGS, **changes}})
