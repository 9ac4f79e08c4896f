"""A killed and repeated training ends with the same weights and logs as an undisturbed one.

Killed in the middle of an epoch (Pix2PixHD), of a fade (PGGAN), of pre-training and of fine-tuning;
another seed is the control.
"""
import contextlib
import dataclasses
import hashlib
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import Diverged, InputError
from pipelines.experiment import steps
from pipelines.plan.methods import METHODS
from pipelines.plan.regimes import Run, parse_regime, regimes
from pipelines.segmentation.task import segmenter_task
from pipelines.stages import pggan
from pipelines.stages.stage import stage_task
from pipelines.training import checkpoints, logs, loop
from tests.conftest import FADES, with_kind

THREE = METHODS['three']


class Killed(BaseException):
    pass


def fingerprint(directory) -> str:
    """sha256 over everything in the last checkpoint (names, weights, moments, steps) and the logs."""
    digest = hashlib.sha256()
    reader = tf.train.load_checkpoint(str(checkpoints.latest(directory / 'checkpoints')))
    for name in sorted(reader.get_variable_to_shape_map()):
        if name.endswith('VARIABLE_VALUE'):
            digest.update(name.encode() + np.asarray(reader.get_tensor(name)).tobytes())
    digest.update((directory / 'losses.jsonl').read_bytes())
    return digest.hexdigest()


def make(config, workdir, what):
    if what in regimes():
        return segmenter_task(config, Run(parse_regime(what)), workdir)
    stage = next(s for s in THREE.stages if s.name == what)
    return stage_task(config, stage, {'train': steps.prepare(config, workdir)})


@contextlib.contextmanager
def killed_at(monkeypatch, step):
    """A training in it dies once the row of a step is logged; None = none does."""
    row = logs.Logs.row

    def row_or_kill(self, number, *rest):
        row(self, number, *rest)
        if number == step:
            raise Killed
    with monkeypatch.context() as patch:
        patch.setattr(logs.Logs, 'row', row_or_kill)
        yield


def train(config, workdir, what, directory, monkeypatch=None, kill_at=None):
    with killed_at(monkeypatch, kill_at):
        loop.train(make(config, workdir, what), directory, **vars(config.run))


def undisturbed(workdir, what):
    """The folder of the same training in the finished experiment, which nobody killed."""
    return workdir / ('segmenters' if what in regimes() else 'stages') / {
        'dots': 'dots', 'labels': 'labels_from_dots', **{name: f'{name}-smanet-0' for name in regimes()}}[what]


@pytest.mark.parametrize('what, kill_at', [('labels', 3), ('synth3', 3), ('finetune3', 2), ('real', 5)])
def test_killed_and_repeated_equals_undisturbed(finished, tmp_path, monkeypatch, what, kill_at):
    config, workdir = finished
    with pytest.raises(Killed):
        train(config, workdir, what, tmp_path, monkeypatch, kill_at)
    assert not checkpoints.is_finished(tmp_path)
    train(config, workdir, what, tmp_path, monkeypatch)
    assert fingerprint(tmp_path) == fingerprint(undisturbed(workdir, what))


def test_killed_in_a_fade_equals_undisturbed(finished, tmp_path, monkeypatch):
    """At step 7 of dots: 4 stable steps at 4 px, then inside the 6 steps of the fade to 8 px, then 4 at 8 px."""
    config, workdir = with_kind(finished[0], 'pggan', **FADES), finished[1]
    schedule = pggan.schedule
    monkeypatch.setattr(pggan, 'schedule', lambda *arguments: schedule(*arguments)[:3])
    train(config, workdir, 'dots', tmp_path / 'whole', monkeypatch)
    with pytest.raises(Killed):
        train(config, workdir, 'dots', tmp_path / 'killed', monkeypatch, 7)
    assert not checkpoints.is_finished(tmp_path / 'killed')
    train(config, workdir, 'dots', tmp_path / 'killed', monkeypatch)
    assert fingerprint(tmp_path / 'killed') == fingerprint(tmp_path / 'whole')
    phases = [row['phase'] for row in logs.read_rows(tmp_path / 'whole' / 'losses.jsonl')]
    assert phases == ['4 px, stable'] * 4 + ['8 px, fade-in'] * 6 + ['8 px, stable'] * 4


def test_killed_in_coarse_to_fine_equals_undisturbed(finished, tmp_path, monkeypatch):
    config, workdir = finished
    config = with_kind(config, 'pix2pixhd', enhancers=1, blocks_local=1, pool_size=3,
                       enhancer_epochs=1, edges=True, scales=1)
    config = dataclasses.replace(config, precision='mixed_float16')
    train(config, workdir, 'image', tmp_path / 'whole', monkeypatch)
    # 4 steps an epoch: 8 of the global generator, 4 of the enhancer alone, 4 of everything
    for kill_at in (3, 9, 12, 14):
        with pytest.raises(Killed):
            train(config, workdir, 'image', tmp_path / 'killed', monkeypatch, kill_at)
    train(config, workdir, 'image', tmp_path / 'killed', monkeypatch)
    assert fingerprint(tmp_path / 'killed') == fingerprint(tmp_path / 'whole')
    phases = [row['phase'] for row in logs.read_rows(tmp_path / 'whole' / 'losses.jsonl')]
    assert phases == ['global'] * 8 + ['enhancer'] * 4 + ['everything'] * 4


def test_another_seed_trains_something_else(finished, tmp_path, monkeypatch):
    config, workdir = finished
    train(dataclasses.replace(config, seed=2), workdir, 'labels', tmp_path, monkeypatch)
    assert fingerprint(undisturbed(workdir, 'labels')) != fingerprint(tmp_path)


def test_a_finished_training_is_left_alone(finished, tmp_path, monkeypatch):
    config, workdir = finished
    own = shutil.copytree(undisturbed(workdir, 'real'), tmp_path / 'own')
    train(config, workdir, 'real', own, monkeypatch)
    assert fingerprint(own) == fingerprint(undisturbed(workdir, 'real'))


def test_rows_after_the_restored_step_are_dropped(tmp_path):
    rows = [{'step': s, 'phase': 'p', 'loss': 1.0} for s in (1, 2, 3)]
    (tmp_path / 'losses.jsonl').write_text(''.join(json.dumps(r) + '\n' for r in rows) + '{"step": 4, ')
    logs.Logs(tmp_path, 2)
    assert [row['step'] for row in logs.read_rows(tmp_path / 'losses.jsonl')] == [1, 2]


def test_a_sheet_that_is_damaged_and_rows_without_a_step(tmp_path):
    (tmp_path / 'samples').mkdir()
    sheet = tmp_path / 'samples' / 'step-00000001.png'
    sheet.write_bytes(b'')
    logs.Logs(tmp_path, 2)
    assert not sheet.exists()
    (tmp_path / 'losses.jsonl').write_text('{"stop": 1}\n')
    with pytest.raises(InputError, match='losses.jsonl: damaged: expected rows with their step'):
        logs.Logs(tmp_path, 2)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(finished, tmp_path,
                                                                       monkeypatch):
    config, workdir = finished
    task = make(config, workdir, 'labels')
    phase, = task.phases

    def batches(first):
        def spoil(number, batch):
            bad = tf.where(number + first >= 3, np.nan, 1.0)
            return {**batch, 'target': batch['target'] * tf.cast(bad, tf.float32)}
        return phase.batches(first).enumerate().map(spoil)

    task = task._replace(phases=(phase._replace(batches=batches),))
    with pytest.raises(Diverged, match='not finite at step 4: .*generator loss'):
        loop.train(task, tmp_path, **vars(config.run))
    reader = tf.train.load_checkpoint(str(checkpoints.latest(tmp_path / 'checkpoints')))
    assert reader.get_tensor('step/.ATTRIBUTES/VARIABLE_VALUE') == 3
    kernels = [reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
               if 'networks' in name]
    assert all(np.isfinite(kernel).all() for kernel in kernels)


def test_a_checkpoint_of_another_network_is_refused(finished, tmp_path, monkeypatch):
    config, workdir = finished
    own = shutil.copytree(undisturbed(workdir, 'labels'), tmp_path / 'own')
    (own / 'finished.json').unlink()
    other = with_kind(config, 'pix2pixhd', blocks=2)
    with pytest.raises(ValueError, match='of another network'):
        train(other, workdir, 'labels', own, monkeypatch)
