"""The Frechet loss beside pix2pix: its value by hand, what moves, the literal reading, resume, refusals."""
import json

import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import InputError
from models.features import random_features
from models.fid_loss import frechet_terms, side_of
from pipelines.data import batches
from pipelines.experiment import steps
from pipelines.plan import methods, provenance
from pipelines.plan.loading import from_dict
from pipelines.plan.methods import METHODS, Method, Stage
from pipelines.stages import frechet, stage
from pipelines.training import checkpoints, loop
from tests.conftest import TINY, tiny_config

SETTINGS = {'ngf': 2, 'levels': 5, 'ndf': 2, 'layers': 2, 'batch_size': 3, 'epochs': 1, 'decay_epochs': 1, 'dropout': False,
            'learning_rate': 5e-3}
PAINT = Stage('image', 'pix2pix', 'labels', ('image',), 'painted')
DRAW = Stage('labels', 'pix2pix', 'dots', ('labels',), 'drawn')


def config_of(**changes):
    return tiny_config(pix2pix={**SETTINGS, **changes})


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    workdir = provenance.open_workdir(config_of(), tmp_path_factory.mktemp('frechet') / 'run')
    return steps.prepare(config_of(), workdir), workdir


def first_step(config, info, folder, **also):
    """The first step's task, batch, metrics and what it moved; `also` takes the place of parts of the batch."""
    task = stage.stage_task(config, PAINT, {'train': info})
    task.start()
    state = checkpoints.State(task, folder)
    state.start_phase(task.phases[0])
    batch = {**next(iter(task.phases[0].batches(0))), **also}
    before = [v.numpy() for v in task.networks['generator'].trainable_variables]
    metrics = loop.step_function(task, task.phases[0], state)(batch, tf.constant(1e-3))
    moved = [v.numpy() - old for v, old in zip(task.networks['generator'].trainable_variables, before)]
    return task, batch, {name: float(value) for name, value in metrics.items()}, moved


def test_the_term_is_the_distance_of_the_batch_from_all_learning_images(made, tmp_path):
    info, _ = made
    task, batch, metrics, _ = first_step(config_of(fid_loss='batch', fid_weight=0.5), info, tmp_path)
    field, = stage.stage_io(config_of(), PAINT, info.coding).drawn
    rows = batches.prepared_rows(info, lambda row: {'image': field.prepare(row)})['image']
    pictures = rows[::info.versions].astype(np.float32)
    assert len(pictures) == 4 and task.extras['real'].centred.shape == (4, 480)
    features = random_features()
    fresh = stage.stage_task(config_of(), PAINT, {'train': info}).networks['generator']
    drawn = fresh(tf.pad(batch['source'], [[0, 0], [0, 16], [0, 16], [0, 0]], 'SYMMETRIC'), drop=None,
                  statistics='batch')[:, :48, :48]
    expected = frechet_terms(side_of(features(drawn / 2 + 0.5)), side_of(features(pictures / 2 + 0.5)))[0]
    assert metrics['frechet_random_loss'] == pytest.approx(0.5 * float(expected), rel=1e-3)
    assert metrics['generator_loss'] == pytest.approx(
        metrics['gan_loss'] + metrics['l1_loss'] + metrics['frechet_random_loss'], rel=1e-5)


def test_it_moves_the_generator_and_the_literal_reading_moves_nothing(made, tmp_path):
    info, _ = made
    due = {frechet.COUNTED: tf.ones([SETTINGS['batch_size']])}  # else this first step has no such term
    plain, batch, literal = (first_step(config_of(fid_loss=mode, fid_weight=50.0), info, tmp_path / mode, **also)
                             for mode, also in (('none', {}), ('batch', {}), ('literal', due)))
    told, of_batch = (step[2]['frechet_random_loss'] for step in (literal, batch))
    assert told == pytest.approx(of_batch, rel=1e-5) and of_batch > 0
    assert any(np.abs(a - b).max() > 1e-6 for a, b in zip(plain[3], batch[3]))
    for a, b in zip(plain[3], literal[3]):
        np.testing.assert_array_equal(a, b)
    assert 'frechet_random_loss' not in plain[2] and not plain[0].extras


def test_literally_it_is_computed_at_the_16th_picture_of_an_epoch():
    due = [int(frechet.counted(tf.constant(step, tf.int64), 3, 7).numpy()[0]) for step in range(15)]
    assert due == [0, 0, 0, 0, 0, 1, 0] * 2 + [0]      # pictures 16 to 18 of 21
    assert sum(frechet.counted(tf.constant(step, tf.int64), 3, 4).numpy().any() for step in range(12)) == 0  # 12 alone


def test_targets_of_the_step_may_stand_for_the_real_side(made, tmp_path):
    info, _ = made
    task, batch, metrics, _ = first_step(config_of(fid_loss='batch', fid_real='batch'), info, tmp_path)
    assert not task.extras and metrics['frechet_random_loss'] > 0


def test_a_resumed_training_knows_the_real_side(made, tmp_path):
    info, workdir = made
    config = config_of(fid_loss='batch')
    loop.train(stage.stage_task(config, PAINT, {'train': info}), tmp_path / 'whole', log_every=1, sheet_every=100,
               checkpoint_seconds=0.0)
    again = stage.stage_task(config, PAINT, {'train': info})
    state = checkpoints.State(again, tmp_path / 'whole')
    state.restore(tmp_path / 'whole')
    assert np.abs(again.extras['real'].centred.numpy()).max() > 0
    rows = [json.loads(line) for line in (tmp_path / 'whole' / 'losses.jsonl').read_text().splitlines()]
    assert all(row['frechet_random_loss'] > 0 for row in rows if 'gan_loss' in row)


@pytest.mark.parametrize('stage_, changes, message', [
    (PAINT, {'fid_loss': 'epoch'}, 'pix2pix.fid_loss: expected one of none, batch, literal, found'),
    (PAINT, {'fid_loss': 'batch', 'batch_size': 1}, 'pix2pix.batch_size: expected a number from 2 on with fid_loss'),
    (PAINT, {'fid_loss': 'batch', 'fid_real': 'all'}, 'pix2pix.fid_real: expected one of set, batch, found'),
    (PAINT, {'fid_loss': 'batch', 'fid_weight': -1.0}, 'pix2pix.fid_weight: expected a number from 0 on'),
    (PAINT, {'fid_loss': 'batch', 'inception_weights': '/no/such.h5'}, 'inception_weights: expected Keras'),
    (DRAW, {'fid_loss': 'literal'}, 'pix2pix.fid_loss: expected none in stage drawn, which draws labels')])
def test_what_could_not_be_carried_out_is_refused(monkeypatch, stage_, changes, message):
    monkeypatch.setitem(methods.METHODS, 'painted', Method('painted', '7', 'Painted', (
        *METHODS['three'].stages[:1 + (stage_ is PAINT)], stage_)))
    with pytest.raises(InputError, match=message):
        from_dict({**TINY, 'regimes': ['synth7'], 'pix2pix': {**SETTINGS, **changes}})
