"""A translator that did not converge: said, put aside, begun anew from another seed, so often as allowed."""
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from datasets.errors import InputError
from datasets.records import read_info
from pipelines.experiment import restarts, steps
from pipelines.plan import artefacts, matrix, provenance, redo
from pipelines.plan.methods import METHODS
from pipelines.plan.translators import TRANSLATORS
from pipelines.plan.workdir import Workdir
from pipelines.runtime.seeds import stable_seed
from pipelines.stages.stage import stage_io, stage_networks
from tests.conftest import tiny_config
from tests.test_resume import Killed
from tests.translators import SMALL

STAGE = TRANSLATORS['munit']


def trained(workdir, error_a, error_b=0.01):
    folder = Workdir(workdir).stage(STAGE)
    (folder / 'checkpoints').mkdir(parents=True)
    rows = [{'step': 1, 'cycle_error_a': 0.0, 'cycle_error_b': 0.0}, {'step': 2, 'generators_loss': 1.0},
            {'step': 2, 'cycle_error_a': error_a, 'cycle_error_b': error_b}]
    (folder / 'losses.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    (folder / 'checkpoints' / '2.json').write_text('{}')
    (folder / 'finished.json').write_text(json.dumps({'steps': 2}))
    return folder


def config_of(**transfer):
    return tiny_config(sources={'target': {'draw': 1}}, transfer=transfer, munit=SMALL['munit'])


def settle(config, workdir):
    said = []
    return restarts.settle(config, STAGE, workdir, said.append), said


def test_what_converged_stands(tmp_path):
    trained(tmp_path, 0.05)
    assert settle(config_of(restarts=2), tmp_path) == (True, [])
    assert restarts.reseeded(config_of(), STAGE, tmp_path).seed == config_of().seed


def test_what_did_not_is_said_and_kept_where_no_restart_is_allowed(tmp_path):
    folder = trained(tmp_path, 0.05, 0.4)
    stands, said = settle(config_of(), tmp_path)
    assert stands and 'changed by 0.400 (at most 0.2 counts as converged): it has NOT converged' in said[0]
    assert folder.exists() and restarts.count(STAGE, tmp_path) == 0


def test_it_is_begun_anew_from_another_seed_each_time_and_the_last_one_stands(tmp_path):
    config, seeds = config_of(restarts=2), set()
    for number in (1, 2):
        folder = trained(tmp_path, 0.4)
        stands, said = settle(config, tmp_path)
        assert not stands and f'restart {number} of 2' in said[0] and not folder.exists()
        assert restarts.count(STAGE, tmp_path) == number
        seeds.add(restarts.reseeded(config, STAGE, tmp_path).seed)
        assert restarts.reseeded(config, STAGE, tmp_path).seed == restarts.reseeded(config, STAGE, tmp_path).seed
    assert len({config.seed, *seeds}) == 3
    trained(tmp_path, 0.4)
    assert settle(config, tmp_path)[0] and restarts.count(STAGE, tmp_path) == 2
    redo.remove(tmp_path, f'stages/{STAGE.folder}')
    assert restarts.count(STAGE, tmp_path) == 0


def test_what_is_not_trained_and_what_is_no_translator(tmp_path):
    assert settle(config_of(restarts=2), tmp_path) == (False, [])
    stage = METHODS['three'].stages[0]
    assert restarts.reseeded(config_of(), stage, tmp_path).seed == config_of().seed


@pytest.mark.parametrize('key', ('cycle_error', 'restarts'))
def test_numbers_below_0_are_refused(key):
    with pytest.raises(InputError, match=f'transfer.{key}: expected a number from 0 on, found -1'):
        matrix.arms_of(config_of(**{key: -1}))


def test_an_arm_that_shares_the_translator_of_another_tells_its_restarts(tmp_path):
    trained(tmp_path / 'one', 0.05)
    (tmp_path / 'one' / 'stages' / f'{STAGE.folder}-failed0').mkdir()
    own = Workdir(tmp_path / 'other').stage(STAGE)
    own.parent.mkdir(parents=True)
    own.symlink_to(Path('../../one/stages') / STAGE.folder)
    assert restarts.count(STAGE, tmp_path / 'other') == restarts.count(STAGE, tmp_path / 'one') == 1


def test_train_stage_trains_anew_until_it_converged_also_after_kills(tmp_path, monkeypatch):
    """Trainings are stood in for by what they leave: three that failed, then one that converged. Killed before the second
    begins, and when it has just ended, the work goes on: with the same weights to begin with, in the same folders."""
    begun, errors, kills = [], [0.4, 0.3, 0.25, 0.05], ['before', 'behind']

    def train(task, folder, **_):
        if len(begun) == 1 and kills[0] == 'before':
            raise kills.pop(0) and Killed
        begun.append(np.concatenate([weights.ravel() for weights in task.networks['generator_a'].get_weights()]))
        trained(tmp_path, errors[len(begun) - 1])
        if len(begun) == 2:
            raise kills.pop(0) and Killed

    config = config_of(restarts=3)
    monkeypatch.setattr(steps.loop, 'train', train)
    provenance.open_workdir(config, tmp_path)
    for _ in range(2):
        with pytest.raises(Killed):
            steps.train_stage(config, STAGE, tmp_path)
    steps.train_stage(config, STAGE, tmp_path)
    stages = {path.name: restarts.cycle_error(path) for path in (tmp_path / 'stages').iterdir()}
    assert stages == {STAGE.folder: 0.05, f'{STAGE.folder}-failed0': 0.4, f'{STAGE.folder}-failed1': 0.3,
                      f'{STAGE.folder}-failed2': 0.25}
    assert restarts.count(STAGE, tmp_path) == 3 and len(begun) == 4
    seeds = [config.seed, *(stable_seed(config.seed, 'restart', failed) for failed in (1, 2, 3))]
    for weights, seed in zip(begun, seeds):
        np.testing.assert_array_equal(weights, first_weights(dataclasses.replace(config, seed=seed), tmp_path))
    assert len({weights.tobytes() for weights in begun}) == 4
    steps.train_stage(config, STAGE, tmp_path)   # which is trained
    assert len(begun) == 4
    assert provenance.unlike(config, tmp_path, artefacts.stage_of(config, STAGE)) == []


def first_weights(config, workdir):
    io = stage_io(config, STAGE, read_info(workdir / 'records' / 'train').coding)
    return np.concatenate([weights.ravel() for weights in stage_networks(config, io)['generator_a'].get_weights()])
