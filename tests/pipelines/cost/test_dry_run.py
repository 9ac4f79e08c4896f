"""The plan: steps, parameters and memory from the config alone, and a warning where it will not fit."""
import re

import pytest

from datasets.labels import CHEST
from pipelines.cost import dry_run, step_memory
from pipelines.experiment import steps
from pipelines.plan import matrix
from pipelines.plan.methods import METHODS, REGIMES, Run
from pipelines.segmentation.task import batch_spec, segmenter_task
from pipelines.stages.stage import stage_task
from tests.conftest import tiny_config


def plan(monkeypatch, there, **sections):
    monkeypatch.setattr(step_memory, 'device_bytes', lambda: ('GPU', there))
    config = tiny_config(**sections)
    return dry_run.describe([matrix.arm_of(config, [Run(REGIMES['finetune3'])])])


def test_a_plan_that_fits(monkeypatch):
    text = plan(monkeypatch, 64 * 2 ** 30, pix2pixhd={'enhancers': 1, 'enhancer_epochs': 1})
    assert re.search(r'three/dots: pggan, 10,761 parameters; 7 phases up to 32 px, 34 steps, \d\.\d GiB', text)
    # 4 images in 2 versions, batch 2: 4 steps in each of 2 epochs of the global generator, 1 + 1 after
    assert '48 px, 4 epochs (global, enhancer, everything), 16 steps' in text
    assert re.search(r'finetune3-smanet-0: [\d,]+ parameters, crop 41 of 48 px, batch 2, 3 updates', text)
    assert re.search(r'memory     at most \d\.\d GiB, for [\w ]+, .*; GPU: 64.0 GiB', text)
    assert 'WARNING' not in text


def test_a_plan_that_does_not_fit_is_warned_of(monkeypatch):
    text = plan(monkeypatch, 2 ** 20)
    assert re.search(r'WARNING: segmenter smanet needs about \d\.\d GiB and will not fit: lower its batch', text)


def test_what_arms_train_alike_is_traced_once(monkeypatch):
    counted, one = [], step_memory.Estimate(1, 2, 3, 4)
    monkeypatch.setattr(step_memory, 'predict', lambda *_, **__: counted.append(0) or one)
    kinds = [{}, {'labels': {'warp': 0.02}}, {'generation': {'num_train': 12}},
             {'segmenter': {'batch_size': 3}}, {'labels': {'channels': 'grey'}}]
    totals = []
    for count in range(1, len(kinds) + 1):
        counted.clear()
        dry_run.describe([matrix.arm_of(tiny_config(**kind), [Run(REGIMES['finetune3'])])
                          for kind in kinds[:count]])
        totals.append(len(counted))
    # three stages and a segmenter; then nothing new, nothing new, a segmenter, and all of them:
    # whether a network needs the channels' coding is not asked
    assert totals == [4, 4, 4, 5, 9]


@pytest.mark.parametrize('stage', METHODS['three'].stages, ids=lambda stage: stage.name)
def test_what_is_predicted_is_what_is_trained(finished, stage):
    """The specs, parameters and updates of the plan are those of the task."""
    config, workdir = finished
    task = stage_task(config, stage, steps.prepare(config, workdir))
    make, spec = dry_run.step_of(config, stage, CHEST)
    for ours, trained in zip(make()[-1], task.phases[-1].updates):
        assert ours.name == trained.name
        assert [v.shape for v in ours.variables] == [v.shape for v in trained.variables]
    batch = next(iter(task.phases[-1].batches(0)))
    assert {name: (value.shape, value.dtype) for name, value in batch.items()} == {
        name: (one.shape, one.dtype) for name, one in spec.items()}


def test_what_is_predicted_of_the_segmenter_is_what_is_trained(finished):
    config, workdir = finished
    phase, = segmenter_task(config, Run(REGIMES['real']), workdir).phases
    batch = next(iter(phase.batches(0)))
    assert {name: (value.shape, value.dtype) for name, value in batch.items()} == {
        name: (one.shape, one.dtype) for name, one in batch_spec(config.segmenter).items()}
