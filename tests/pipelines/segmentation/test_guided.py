"""The image stage that a segmenter watches: what moves, what rests, killed and repeated, refused."""
import json

import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import InputError
from models.adversarial import train_step
from pipelines.experiment import steps
from pipelines.plan import artefacts, matrix
from pipelines.plan.loading import from_dict
from pipelines.plan.methods import METHODS
from pipelines.plan.regimes import Run, parse_regime, trained_before, watcher
from pipelines.segmentation import guided
from pipelines.stages.stage import stage_task
from pipelines.training import checkpoints, loop
from tests.conftest import TINY
from tests.test_resume import Killed, fingerprint, killed_at

STAGE = METHODS['three_guided'].stages[-1]
SHORT = {'network': 'unet', 'crop': 48, 'size': 48, 'width': 0.0625, 'synth_steps': 2, 'finetune_steps': 1, 'batch_size': 2}


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """(config, workdir with records and the segmenter that watches)."""
    config, workdir = config_of(), tmp_path_factory.mktemp('guided')
    steps.train_segmenter(config, watcher(config), workdir)
    return config, workdir, {'train': steps.prepare(config, workdir)}


def config_of(**sections):
    merged = {'segmenter': SHORT, 'pix2pixhd': {**TINY['pix2pixhd'], **sections.pop('pix2pixhd', {})}, **sections}
    return from_dict({**TINY, 'regimes': ['finetune3g'], **merged}, 'test')


def tasks(made, **sections):
    _, workdir, sources = made
    return guided.guided_task(config_of(**sections), STAGE, sources, workdir)


def weights(folder, name):
    reader = tf.train.load_checkpoint(str(checkpoints.latest(folder / 'checkpoints')))
    return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()
            if key.startswith(f'networks/{name}/') and key.endswith('VARIABLE_VALUE')}


def train(task, folder, config):
    loop.train(task, folder, **vars(config.run))


def test_its_errors_move_the_generator_alone_and_fall(made):
    task = tasks(made)
    task.start()
    *others, update = task.phases[0].updates
    assert [one.name for one in others] == ['generator', 'discriminator'] and update.name == 'watched'
    batch = next(iter(task.phases[0].batches(0)))
    before = {name: [v.numpy() for v in network.variables] for name, network in task.networks.items()}
    optimizers = {'watched': tf.keras.optimizers.Adam(2e-3)}
    losses = [float(train_step((update,), optimizers, batch)['watched_loss']) for _ in range(12)]
    assert losses[-1] < 0.9 * losses[0]
    moved = {name: any((a != b.numpy()).any() for a, b in zip(before[name], network.variables))
             for name, network in task.networks.items()}
    assert moved == {'generator': True, 'discriminator': False, 'watcher': False}


def test_killed_and_repeated_equals_undisturbed_and_without_weight_nobody_watches(made, tmp_path, monkeypatch):
    config, _, sources = made
    with killed_at(monkeypatch, 3), pytest.raises(Killed):
        train(tasks(made), tmp_path / 'killed', config)
    train(tasks(made), tmp_path / 'killed', config)
    train(tasks(made), tmp_path / 'whole', config)
    assert fingerprint(tmp_path / 'killed') == fingerprint(tmp_path / 'whole')
    train(tasks(made, pix2pixhd={'watched_weight': 0}), tmp_path / 'none', config)
    train(stage_task(config, STAGE, sources), tmp_path / 'plain', config)
    none, plain, watched = (weights(tmp_path / name, 'generator') for name in ('none', 'plain', 'whole'))
    assert len(plain) > 10 and all(np.array_equal(none[key], plain[key]) for key in plain)
    assert any((watched[key] != plain[key]).any() for key in plain)
    first = json.loads((tmp_path / 'whole' / 'losses.jsonl').read_text().splitlines()[0])
    assert 0 <= first['watched_accuracy'] <= 1 and first['watched_loss'] > 0


def test_who_watches_is_trained_before_and_counts(made):
    config, workdir, _ = made
    arm = matrix.arm_of(config, [Run(parse_regime('finetune3g'), 'unet')])
    assert [run.name for run in trained_before(config, arm.runs)] == ['real-unet-0'] and watcher(config) in arm.runs
    assert artefacts.stage_of(config, STAGE).made_of == ('records/train', 'segmenters/real-unet-0')
    assert not trained_before(config, [Run(parse_regime('finetune3'), 'unet')])


def test_nobody_who_watches_is_one_line(made, tmp_path):
    with pytest.raises(InputError, match='stage image_guided: expected segmenters/real-unet-0, which watches it, trained, found '
                                         'it is not: first tools/train_segmenter.py --regime real --segmenter unet'):
        steps.train_stage(made[0], STAGE, tmp_path)
    assert not (tmp_path / 'stages').exists()


def test_masks_that_may_overlap_are_watched_too(made):
    task = guided.guided_task(config_of(segmenter={**SHORT, 'overlapping': True, 'targets': {
        'lungs': ['left_lung', 'right_lung'], 'clavicle': ['left_clavicle']}}), STAGE, made[2], None)
    update = task.phases[0].updates[-1]
    loss, metrics = update.loss(next(iter(task.phases[0].batches(0))), {})
    assert np.isfinite(float(loss)) and 0 <= float(metrics['watched_accuracy']) <= 1
