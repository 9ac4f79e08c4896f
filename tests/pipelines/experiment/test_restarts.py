"""A translator that did not converge: said, put aside, begun anew from another seed, so often as allowed."""
import json

import pytest

from datasets.errors import InputError
from pipelines.experiment import restarts
from pipelines.plan import matrix, redo
from pipelines.plan.methods import METHODS
from pipelines.plan.translators import TRANSLATORS
from pipelines.plan.workdir import Workdir
from tests.conftest import tiny_config

STAGE = TRANSLATORS['munit']


def trained(workdir, error_a, error_b=0.01):
    folder = Workdir(workdir).stage(STAGE)
    (folder / 'checkpoints').mkdir(parents=True)
    rows = [{'step': 1, 'cycle_error_a': 0.0, 'cycle_error_b': 0.0}, {'step': 2, 'generators_loss': 1.0},
            {'step': 2, 'cycle_error_a': error_a, 'cycle_error_b': error_b}]
    (folder / 'losses.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    (folder / 'finished.json').write_text(json.dumps({'steps': 2}))
    return folder


def config_of(**transfer):
    return tiny_config(sources={'target': {'draw': 1}}, transfer=transfer)


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
