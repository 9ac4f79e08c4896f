"""Coarse-to-fine training: its schedule as a table, what moves when, edges, padding, files."""

import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import InputError
from datasets.labels import CHEST
from pipelines.data import pixels
from pipelines.experiment import steps
from pipelines.plan import provenance
from pipelines.plan.kinds.pix2pixhd import Settings as Pix2PixHD
from pipelines.plan.methods import LABELS_TO_IMAGE
from pipelines.stages import pix2pixhd, stage
from pipelines.stages.pix2pixhd import Part, schedule
from pipelines.training import checkpoints, loop
from tests.conftest import tiny_config, with_kind


def test_without_enhancers_there_is_one_phase():
    assert schedule(Pix2PixHD()) == (Part('global', 'generator', 0, range(200)),)


def test_the_official_coarse_to_fine_schedule():
    assert schedule(Pix2PixHD(enhancers=1, enhancer_epochs=10)) == (
        Part('global', 'global_generator', 1, range(200)),
        Part('enhancer', 'generator', 0, range(10), enhancers_alone=True),
        Part('everything', 'generator', 0, range(10, 200), keeps=('discriminator',)))


def test_the_learning_rate_follows_the_epochs_of_either_part():
    settings = Pix2PixHD(enhancers=1, epochs=4, decay_epochs=4, enhancer_epochs=2)
    rates = [[pix2pixhd._learning_rate(settings, part, 3)(3 * epoch + 2)
              for epoch in range(len(part.epochs))] for part in schedule(settings)]
    whole = [2e-4] * 5 + [1.5e-4, 1e-4, 0.5e-4]
    np.testing.assert_allclose(np.concatenate(rates), whole + whole)


@pytest.fixture(scope='module')
def odd(tmp_path_factory):
    """(config, records) of an enhancer at 46 px, which halving three times does not divide."""
    config = tiny_config(
        data={'size': 46}, precision='mixed_float16',
        pix2pixhd={'enhancers': 1, 'blocks_local': 1, 'scales': 1, 'enhancer_epochs': 1,
                   'edges': True, 'pool_size': 3})
    workdir = provenance.open_workdir(config, tmp_path_factory.mktemp('odd') / 'run')
    return config, steps.prepare(config, workdir)


def moved(task, before):
    """Per network: which of its kernels are no longer as they were."""
    return {name: [bool((a != b).any()) for a, b in zip(values, task.networks[name].get_weights())
                   if a.ndim == 4] for name, values in before.items()}


def test_each_phase_moves_its_own_part(odd, tmp_path):
    config, info = odd
    task = stage.stage_task(config, LABELS_TO_IMAGE, {'train': info})
    state = checkpoints.State(task, tmp_path)
    sizes, found, pictures = [], [], []
    for phase in task.phases:
        state.start_phase(phase)
        before = {name: network.get_weights() for name, network in task.networks.items()}
        step_fn = loop.step_function(task, phase, state)
        for _, batch in zip(range(4), phase.batches(0)):  # the first ones may overflow float16
            metrics = step_fn(batch, tf.constant(1e-2))
        sizes.append(batch['source'].shape[1:])
        found.append(moved(task, before))
        pictures.append(phase.sheet(1).shape)
        assert all(np.isfinite(float(value)) for value in metrics.values()), metrics
        assert float(metrics['generator_loss_scale']) > 1
    assert sizes == [(23, 23, 9), (46, 46, 9), (46, 46, 9)]  # 8 codes and the edges
    coarse, enhancer, everything = found
    trunk = len([w for w in task.networks['global_generator'].trunk.get_weights() if w.ndim == 4])
    local = len(enhancer['generator']) - trunk
    assert coarse['generator'] == [True] * trunk + [False] * local
    assert all(coarse['global_generator'])
    assert enhancer['generator'] == [False] * trunk + [True] * local
    assert all(everything['generator'])
    scale = len(coarse['discriminator']) // 2
    assert coarse['discriminator'] == [False] * scale + [True] * scale  # the finest one rests
    assert all(enhancer['discriminator']) and all(everything['discriminator'])
    assert {name: int(pool.count) for name, pool in task.extras.items()} == {
        'pool_23px': 3, 'pool_46px': 3}
    assert len(set(pictures)) == 1


def test_moments_start_afresh_but_for_what_a_phase_keeps(odd, tmp_path):
    config, info = odd
    task = stage.stage_task(config, LABELS_TO_IMAGE, {'train': info})
    state = checkpoints.State(task, tmp_path)
    for optimizer in state.optimizers.values():
        for variable in optimizer.inner_optimizer.variables:
            variable.assign(tf.ones_like(variable))
    state.start_phase(task.phases[2])
    sums = {name: sum(float(tf.reduce_sum(tf.cast(v, tf.float32))) for v in o.inner_optimizer.variables)
            for name, o in state.optimizers.items()}
    assert sums['generator'] == 0 and sums['discriminator'] > 0
    state.start_phase(task.phases[1])
    assert not any(np.any(v.numpy()) for v in state.optimizers['discriminator'].inner_optimizer.variables)


@pytest.mark.parametrize('height, width', [(8, 8), (9, 13), (15, 8)])
def test_padding_is_cropped_back(height, width):
    seen = []

    def network(x):
        seen.append(x.shape)
        return x + 1

    x = tf.random.stateless_normal([2, height, width, 3], [0, 1])
    np.testing.assert_array_equal(pixels.padded(network, 8)(x), x + 1)
    assert seen == [(2, -(-height // 8) * 8, -(-width // 8) * 8, 3)]


def test_edges_by_hand():
    codes = tf.constant([[[0, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0]]], tf.uint8)
    channels = pixels.condition(codes, 3, edges=True)
    assert channels.shape == (1, 3, 4, 4)
    assert channels[0, ..., 3].numpy().tolist() == [[0, 0, 1, 0], [0, 1, 1, 1], [0, 0, 1, 0]]
    np.testing.assert_array_equal(channels[..., :3], pixels.condition(codes, 3, edges=False))


def test_perceptual_loss_is_joined_and_its_absence_said(odd, tmp_path, capsys):
    config, info = odd
    stage.stage_task(config, LABELS_TO_IMAGE, {'train': info}).start()
    assert 'no pix2pixhd.vgg_weights are given: trained without' in capsys.readouterr().out
    path = tmp_path / 'vgg.h5'
    tf.keras.applications.VGG19(include_top=False, weights=None).save_weights(str(path))

    def with_vgg(weights):
        return with_kind(config, 'pix2pixhd', vgg_weights=str(weights))

    task = stage.stage_task(with_vgg(path), LABELS_TO_IMAGE, {'train': info})
    _, terms = task.phases[0].updates[0].loss(next(iter(task.phases[0].batches(0))), {})
    assert float(terms['perceptual_loss']) > 0
    with pytest.raises(InputError, match='pix2pixhd.vgg_weights: VGG19 weights: .*none.h5'):
        stage.stage_task(with_vgg(tmp_path / 'none.h5'), LABELS_TO_IMAGE, {'train': info})


def test_weights_to_start_from(odd, tmp_path):
    config, info = odd
    source = stage.stage_networks(config, stage.stage_io(config, LABELS_TO_IMAGE, CHEST))
    for variable in source['generator'].trainable_variables:
        variable.assign(tf.ones_like(variable))
    checkpoints.write(tf.train.Checkpoint(networks={'generator': source['generator']}),
                      tmp_path / checkpoints.IMPORTED)

    def start(folder, **changes):
        changed = with_kind(config, 'pix2pixhd', initial_weights=str(folder), **changes)
        task = stage.stage_task(changed, LABELS_TO_IMAGE, {'train': info})
        task.start()
        return task.networks

    networks = start(tmp_path)
    assert all((w == 1).all() for w in networks['generator'].get_weights())
    assert not all((w == 1).all() for w in networks['discriminator'].get_weights())
    loop.train(stage.stage_task(config, LABELS_TO_IMAGE, {'train': info}), tmp_path / 'trained', **vars(config.run))
    longer, trained = start(tmp_path / 'trained', epochs=3), stage.stage_networks(
        config, stage.stage_io(config, LABELS_TO_IMAGE, CHEST))
    checkpoints.restore_networks(trained, tmp_path / 'trained')
    for name, network in longer.items():  # a training that is to go on for longer, all networks of it
        for ours, theirs in zip(network.get_weights(), trained[name].get_weights()):
            assert (ours == theirs).all()
    with pytest.raises(InputError, match='initial_weights .*: expected a folder written by'):
        start(tmp_path / 'nowhere')
    with pytest.raises(InputError, match='initial_weights .*: weights of another architecture'):
        start(tmp_path, blocks=2)
