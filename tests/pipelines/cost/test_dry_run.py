"""The plan: steps, parameters and memory from the config alone, and a warning where it will not fit."""
import re

import pytest
import tensorflow as tf

from datasets.labels import CHEST
from pipelines.cost import dry_run, step_memory
from pipelines.cost.planned import planned_segmenter, planned_stage
from pipelines.experiment import steps
from pipelines.plan import matrix
from pipelines.plan.methods import METHODS
from pipelines.plan.regimes import Run, parse_regime
from pipelines.segmentation.task import segmenter_task
from pipelines.stages.stage import stage_task
from tests.conftest import FADES, tiny_config, with_kind


def plan(monkeypatch, there, **sections):
    monkeypatch.setattr(step_memory, 'device_bytes', lambda: ('GPU', there))
    config = tiny_config(**sections)
    return dry_run.describe([matrix.arm_of(config, [Run(parse_regime('finetune3'))])])


def test_a_plan_that_fits(monkeypatch):
    text = plan(monkeypatch, 64 * 2 ** 30, pggan=FADES, pix2pixhd={'enhancers': 1, 'enhancer_epochs': 1},
                labels={'clean': 'auto', 'reject': 'auto'})
    assert re.search(r'three/dots: pggan, 10,761 parameters; 7 phases, 4 px, stable to 32 px, stable; 34 steps, '
                     r'\d\.\d GiB', text)
    # 4 images in 2 versions, batch 2: 4 steps in each of 2 epochs of the global generator, 1 + 1 after
    assert 'parameters; global, enhancer, everything; 16 steps' in text
    assert re.search(r'finetune3-smanet-0: [\d,]+ parameters, crop 41 of 48 px, batch 2, 3 updates', text)
    assert 'network    smanet: finds left_lung, heart, right_lung' in text
    assert re.search(r'memory     at most \d\.\d GiB, for [\w ]+, .*; GPU: 64.0 GiB', text)
    assert 'labels     clean false (auto), reject true (auto)' in text  # clavicles are thin at 48 px
    assert 'WARNING' not in text


def test_a_plan_that_does_not_fit_is_warned_of(monkeypatch):
    text = plan(monkeypatch, 2 ** 20)
    assert re.search(r'WARNING: left_clavicle: cleaning would remove \d+% of its pixels in real label maps', text)
    assert re.search(r'WARNING: segmenter smanet needs about \d\.\d GiB and will not fit: lower its batch', text)


def test_what_arms_train_alike_is_traced_once(monkeypatch):
    counted = []
    described = dry_run.Described(['all'], 1, step_memory.Estimate(1, 2, 3, 4))
    monkeypatch.setattr(dry_run, '_trace', lambda *_: counted.append(0) or described)
    kinds = [{}, {'labels': {'warp': 0.02}}, {'generation': {'num_train': 12}},
             {'segmenter': {'batch_size': 3}}, {'labels': {'channels': 'grey'}}]
    totals = []
    for count in range(1, len(kinds) + 1):
        counted.clear()
        dry_run.describe([matrix.arm_of(tiny_config(**kind), [Run(parse_regime('finetune3'))])
                          for kind in kinds[:count]])
        totals.append(len(counted))
    # three stages and a segmenter; then nothing new, nothing new, a segmenter, and all of them:
    # whether a network needs the channels' coding is not asked
    assert totals == [4, 4, 4, 5, 9]


def test_folds_and_tasks_of_one_network_are_traced_once(monkeypatch):
    counted = []
    described = dry_run.Described(['all'], 1, step_memory.Estimate(1, 2, 3, 4))
    monkeypatch.setattr(dry_run, '_trace', lambda *_: counted.append(0) or described)
    tasks = [{'heart': ['heart']}, {'lungs': ['left_lung', 'right_lung']}]
    both = {'heart': ['heart'], 'lungs': ['left_lung', 'right_lung']}
    arms = [matrix.arm_of(tiny_config(data={'division': 'folds', 'folds': 3, 'fold': fold}, regimes=['real'],
                                      segmenter={'targets': targets}), [Run(parse_regime('real'))])
            for targets in (*tasks, both) for fold in range(2)]
    text = dry_run.describe(arms)
    assert len(counted) == 2 and text.count('of other images') == 3  # one output, two outputs


def shapes(spec):
    return {name: (value.shape, value.dtype) for name, value in spec.items()}


@pytest.mark.parametrize('stage', METHODS['three'].stages, ids=lambda stage: stage.name)
def test_what_is_predicted_is_what_is_trained(finished, stage):
    """Phases, batches, parameters and updates of the plan are those of the task that runs."""
    config, workdir = with_kind(finished[0], 'pggan', **FADES), finished[1]
    info = steps.prepare(config, workdir)
    task = stage_task(config, stage, {'train': info})
    with tf.Graph().as_default():
        plan = planned_stage(config, stage, CHEST, info.count)
        moved = [[v.shape for v in update.variables] for update in plan.phases[-1].updates]
    assert [(p.name, p.steps) for p in plan.phases] == [(p.name, p.steps) for p in task.phases]
    assert moved == [[v.shape for v in update.variables] for update in task.phases[-1].updates]
    for planned, phase in zip(plan.phases, task.phases):
        assert shapes(next(iter(phase.batches(0)))) == shapes(planned.batch_spec)


def test_what_is_predicted_of_the_segmenter_is_what_is_trained(finished):
    config, workdir = finished
    phase, = segmenter_task(config, Run(parse_regime('real')), workdir).phases
    with tf.Graph().as_default():
        planned, = planned_segmenter(config, 'smanet', CHEST).phases
    assert shapes(next(iter(phase.batches(0)))) == shapes(planned.batch_spec)


def test_the_perceptual_loss_and_the_pool_are_part_of_the_plan(tmp_path):
    """They were left out once: the plan described a training of its own."""
    weights = tmp_path / 'vgg.h5'
    tf.keras.applications.VGG19(include_top=False, weights=None).save_weights(str(weights))
    image = METHODS['three'].stages[-1]

    def total(**settings):
        config = tiny_config(pix2pixhd=settings)
        return dry_run.predicted(config, lambda: planned_stage(config, image, CHEST, 8))

    plain, pool, perceptual = total(), total(pool_size=50), total(vgg_weights=str(weights))
    pictures = 50 * 48 * 48 * (8 + 1) * 4  # condition and picture, float32
    assert pool.weights - plain.weights >= pictures
    assert perceptual.weights - plain.weights >= 12_944_960 * 4  # VGG19 up to conv5_1
    assert perceptual.activations > plain.activations
    assert plain.parameters == pool.parameters == perceptual.parameters  # none of it moves
