"""The cost of a run: every phase once, steps times the operations of a step."""
import pytest

from datasets.labels import CHEST
from pipelines.cost import benchmark, operations
from pipelines.experiment import steps
from pipelines.plan.loading import from_dict
from pipelines.plan.regimes import Run, parse_regime
from pipelines.segmentation.task import segmenter_task
from tests.conftest import FADES, tiny_config


def test_every_training_costs_its_steps_times_a_step(tmp_path):
    config = tiny_config(pggan=FADES)
    runs = [Run(parse_regime(name)) for name in ('real', 'synth3', 'finetune3')]
    found = list(operations.of_trainings(config, runs, CHEST, count=8))
    by_training = {}
    for cost in found:
        by_training.setdefault(cost.training, []).append(cost)
    # stages that regimes share cost once; PGGAN at 4 to 32 px, each but the first with its fade
    assert list(by_training) == ['dots', 'labels_from_dots', 'image_from_labels', 'real-smanet-0',
                                 'synth3-smanet-0', 'finetune3-smanet-0']
    assert [cost.phase for cost in by_training['dots']] == [
        '4 px, stable', '8 px, fade-in', '8 px, stable', '16 px, fade-in', '16 px, stable',
        '32 px, fade-in', '32 px, stable']
    assert [cost.steps for cost in by_training['dots']] == [4, 6, 4, 6, 4, 6, 4]
    assert [cost.steps for cost in by_training['image_from_labels']] == [2 * 4]
    # of 4 real images none is held out; 3 samples choose after steps 2 and 4, 4 windows of 41 px over 48 each
    assert [len(by_training[f'{name}-smanet-0']) for name in ('real', 'synth3', 'finetune3')] == [1, 2, 1]
    training, validation = by_training['synth3-smanet-0']
    assert (validation.phase, validation.steps) == ('validation', 6)
    # a step of 2 crops is 2.8 to 3 times as much as they are forward, see tests/pipelines/cost/test_benchmark.py
    assert 2.8 < training.operations / (2 * validation.operations / 4) <= 3
    assert [by_training[f'{name}-smanet-0'][0].steps for name in ('real', 'synth3', 'finetune3')] == [
        7, 4, 3]
    larger = [cost.operations for cost in by_training['dots'] if 'fade' not in cost.phase]
    assert larger == sorted(larger) and len(set(larger)) == 4

    steps.prepare(config, tmp_path / 'run')
    task = segmenter_task(config, runs[0], tmp_path / 'run')
    assert by_training['real-smanet-0'][0].operations == 2 * benchmark.operations_of(task)
    assert operations.hours(found, 1e9) == pytest.approx(
        sum(cost.steps * cost.operations for cost in found) / 3.6e12)


@pytest.mark.parametrize('regime, segmenter, pictures', [
    ('synth3', {}, 40 * 2500), ('synth3', {'max_validation': 100}, 40 * 100),
    ('synth3', {'validate_every': 15_000}, 2 * 2500), ('real', {}, 50 * 19 * 6),
    ('finetune3', {}, 10 * 19 * 6), ('real', {'min_holdout_images': 125}, 0)])
def test_validation_is_as_often_as_it_is_made(regime, segmenter, pictures):
    """FULL: 2,500 samples after each 500 of 20,000 steps; of 124 real images 19 with all versions."""
    config = from_dict({'experiment': 'x', 'configuration': 'x', 'data': {'dataset': 'phantom'},
                        'segmenter': segmenter}, 'x')
    assert operations.validated(config, Run(parse_regime(regime)), 124 * 6) == pictures


def test_a_validation_fold_is_looked_at_once_an_epoch():
    """Of 247 in five folds 148 are learned from and a third as many choose; 150 epochs."""
    config = from_dict({'experiment': 'x', 'configuration': 'x', 'regimes': ['real'], 'segmenter': {
        'epochs': 150, 'batch_size': 4},
        'data': {'dataset': 'phantom', 'division': 'folds', 'validation': 1, 'augment': 1}})
    assert operations.validated(config, Run(parse_regime('real')), 148) == 150 * 49
