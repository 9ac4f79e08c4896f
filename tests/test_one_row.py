"""The proof of the house: one more of everything is a file and a row, down to the report.

A toy GAN, a segmenter with a critic, a reader of colour pictures with an organ that half of them lack, a
method of two stages over two sources, a division and a metric, all in tests/toys. No file of the house
knows them; they are put into the tables and the tiny experiment is run.
"""
import pytest

from datasets import records
from pipelines.cost.dry_run import describe
from pipelines.experiment import status
from pipelines.experiment.opening import open_experiment
from pipelines.experiment.run import run_experiment
from pipelines.plan import matrix
from pipelines.plan.loading import from_dict
from pipelines.plan.provenance import Outdated
from pipelines.scores import results
from pipelines.serving import predict
from pipelines.training.logs import read_rows
from tests.toys.rows import ROWS

CONFIG = {
    'experiment': 'toys', 'configuration': 'toy', 'seed': 1, 'regimes': ['real', 'synth9', 'finetune9'],
    'data': {'dataset': 'toys', 'division': 'thirds', 'channels': 3, 'size': 32, 'num_train': 8,
             'num_test': 10, 'augment': 2, 'dots_size': 16, 'dots_radius': 1},
    'sources': {'elsewhere': {'draw': 1, 'division': 'official'}},
    'labels': {'channels': 'onehot', 'clean': True, 'reject': False}, 'toygan': {'width': 3},
    'stages': {'toy_look': {'steps': 6}},
    'generation': {'num_train': 5, 'num_validation': 2, 'block': 4, 'shard': 4},
    'segmenter': {'network': 'toynet', 'width': 5, 'size': 32, 'crop': 24, 'batch_size': 2, 'synth_steps': 4,
                  'finetune_steps': 3, 'validate_every': 2},
    'evaluation': {'size': 32}, 'run': {'log_every': 1, 'sheet_every': 4, 'checkpoint_seconds': 0.0}}


@pytest.fixture(scope='module')
def toys():
    with pytest.MonkeyPatch.context() as patch:
        for table, name, row in ROWS:
            patch.setitem(table, name, row)
        yield


@pytest.fixture(scope='module')
def made(toys, tmp_path_factory):
    """(config, workdir) of the whole experiment."""
    config, workdir = from_dict(CONFIG), tmp_path_factory.mktemp('toys') / 'run'
    run_experiment(config, workdir, say=lambda text: None)
    return config, workdir


def test_everything_runs_to_the_report(made):
    config, workdir = made
    assert status.is_done(workdir, matrix.arms_of(config))
    text = (workdir / 'report.md').read_text()
    assert 'FINETUNE 9' in text and 'SYNTH 9' in text and 'thirds' in text
    rows = results.read_results(workdir / 'results.jsonl')
    assert {(row['regime'], row['segmenter'], row['division']) for row in rows} == {
        (regime, 'toynet', 'thirds') for regime in config.regimes}
    assert all(row['scores']['area_error']['disc'][0] >= 0 for row in rows)


def test_records_are_in_colour_and_half_of_them_lack_the_spot(made):
    _, workdir = made
    info = records.read_info(workdir / 'records' / 'test')
    arrays = records.load_arrays(info)
    assert arrays['image'].shape[1:] == (32, 32, 3) and info.count == 6  # a third of 8 + 10
    assert sorted((labels == 2).any() for labels in arrays['labels']) == [False] * 3 + [True] * 3
    elsewhere = records.read_info(workdir / 'records' / 'elsewhere')
    assert not set(elsewhere.ids) & set(info.ids) and elsewhere.channels == 3


def test_every_update_has_its_own_rhythm(made):
    _, workdir = made
    rows = read_rows(workdir / 'stages' / 'toy_look' / 'losses.jsonl')
    assert ['discriminator_loss' in row for row in rows] == [True, False] * 3
    rows = [row for row in read_rows(workdir / 'segmenters' / 'real-toynet-0' / 'losses.jsonl')
            if 'segmentation_loss' in row]
    assert ['critic_loss' in row for row in rows] == [True, False] * 3 + [True]


def test_the_exported_model_takes_colour(made, tmp_path):
    _, workdir = made
    rows = predict.predict(workdir / 'exports' / 'real-toynet-0' / '1', [workdir / 'pictures'], tmp_path)
    assert len(rows) == 4 and {'disc_px', 'spot_px'} <= set(rows[0])


def test_a_toy_is_planned_guarded_and_redone_like_everything_else(made):
    config, workdir = made
    plan = describe(matrix.arms_of(config))
    assert 'toy/look: toygan' in plan and '6 steps' in plan
    changed = from_dict({**CONFIG, 'stages': {'toy_look': {'steps': 8}}})
    with pytest.raises(Outdated, match='stages/toy_look no longer fits: .*toygan.steps 6 and not 8') as raised:
        open_experiment(changed, workdir, matrix.arms_of(changed))
    assert raised.value.redo == ('stages/toy_look',)


def test_its_own_check_is_asked(toys):
    from datasets.errors import InputError
    with pytest.raises(InputError, match='toygan.width: expected at most 64, it is a toy, found 99'):
        from_dict({**CONFIG, 'toygan': {'width': 99}})
    with pytest.raises(InputError, match='toygan.steps: expected a number from 1 on, found 0'):
        from_dict({**CONFIG, 'toygan': {'steps': 0}})


def test_masks_that_overlap_train_and_score(made, tmp_path):
    """The same records, another choice of targets: the disc as a whole, and the spot on it."""
    config = from_dict({**CONFIG, 'regimes': ['real'], 'segmenter': {
        **CONFIG['segmenter'], 'overlapping': True, 'targets': {'whole': ['disc', 'spot'], 'spot': ['spot']}}})
    run_experiment(config, tmp_path / 'run', say=lambda text: None)
    row, = results.read_results(tmp_path / 'run' / 'results.jsonl')
    assert row['organs'] == ['whole', 'spot']
    rows = predict.predict(tmp_path / 'run' / 'exports' / 'real-toynet-0' / '1',
                           [tmp_path / 'run' / 'pictures'], tmp_path / 'out')
    assert {'whole_px', 'spot_px'} <= set(rows[0])
