"""What the tasks hand to the training loop: optimisers, rates, gradient scale, average, snapshots."""
import shutil

import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.labels import CHEST
from models.adversarial import update_average
from pipelines.experiment.steps import train_stage
from pipelines.experiment.opening import open_experiment
from pipelines.plan import matrix
from pipelines.plan.methods import METHODS
from pipelines.stages import pggan, stage
from pipelines.training import checkpoints, loop
from tests.test_resume import make
from tests.conftest import FADES, tiny_config, with_kind

DOTS = METHODS['three'].stages[0]


@pytest.mark.parametrize('what, betas', [
    ('dots', (0.0, 0.99)), ('labels', (0.5, 0.999)), ('image', (0.5, 0.999)), ('real', (0.9, 0.999))])
def test_adam_has_the_papers_settings(finished, tmp_path, what, betas):
    config, workdir = finished
    state = checkpoints.State(make(config, workdir, what), tmp_path)
    for optimizer in state.optimizers.values():
        settings = optimizer.get_config()
        assert (settings['beta_1'], settings['beta_2'], settings['epsilon']) == (*betas, 1e-8)


def test_smanet_learns_at_a_constant_rate(finished):
    config, workdir = finished
    phase, = make(config, workdir, 'real').phases
    assert {phase.learning_rate(step) for step in (0, 3, 6)} == {config.segmenter.learning_rate}


def test_every_growth_phase_scales_the_gradient_to_full_resolution(finished, monkeypatch):
    config, workdir = finished
    seen = []
    updates = pggan.pggan_updates
    monkeypatch.setattr(pggan, 'pggan_updates',
                        lambda g, d, level, scale, *more: seen.append((level, scale)) or updates(g, d, level, scale, *more))
    make(with_kind(config, 'pggan', **FADES), workdir, 'dots')
    assert seen == [(2, 8.0), (3, 4.0), (3, 4.0), (4, 2.0), (4, 2.0), (5, 1.0), (5, 1.0)]


def test_discriminator_and_generator_get_fresh_latents_each(finished):
    config, workdir = finished
    for phase in make(with_kind(config, 'pggan', **FADES), workdir, 'dots').phases[-2:]:
        first, second = phase.batches(0).take(2).as_numpy_iterator()
        drawn = [batch[f'latent_{name}'] for batch in (first, second) for name in ('discriminator', 'generator')]
        assert {one.shape for one in drawn} == {(4, 8)} and len(np.unique(drawn)) == np.size(drawn)


@pytest.mark.parametrize('channels', ['grey', 'onehot', 'distance'])
def test_full_size_is_kept_as_half_precision_and_codes(channels):
    """A picture and its map at full size; what trains is what the fields draw, at half size its means."""
    config = tiny_config(data={'size': 8}, labels={'channels': channels})
    io = stage.stage_io(config, METHODS['single'].stages[0], CHEST)
    rng = np.random.default_rng(0)
    row = {'image': tf.constant(rng.integers(0, 256, (8, 8, 1)), tf.uint8),
           'labels': tf.constant(rng.integers(0, 8, (8, 8)), tf.uint8)}
    prepare, encode = pggan._rows(io, 3, 3)
    rows = prepare(row)
    assert sum(tf.size(value) * value.dtype.size for value in rows.values()) == 3 * 64
    full = encode({key: value[None] for key, value in rows.items()})
    np.testing.assert_array_equal(full, tf.concat(
        [field.encode(field.prepare(row)[None]) for field in io.drawn], -1))
    prepare, encode = pggan._rows(io, 2, 3)
    np.testing.assert_array_equal(encode({key: value[None] for key, value in prepare(row).items()}),
                                  tf.nn.avg_pool2d(full, 2, 2, 'VALID'))


def dense(value):
    network = tf.keras.Sequential([tf.keras.layers.Dense(1, use_bias=False)])
    network.build((None, 1))
    network.set_weights([np.full((1, 1), value, np.float32)])
    return network


@pytest.mark.parametrize('step, decay', [(0, 0.1), (8, 0.5), (8990, 0.999), (10 ** 6, 0.999)])
def test_average_of_weights_by_hand(step, decay):
    average, live = dense(1.0), dense(3.0)
    update_average(average, live, 0.999, tf.constant(step, tf.int64))
    assert average.get_weights()[0].item() == pytest.approx(decay * 1 + (1 - decay) * 3, rel=1e-4)


def test_the_average_is_taken_before_its_network_moves(finished, tmp_path):
    config, workdir = finished
    task = make(config, workdir, 'dots')
    state = checkpoints.State(task, tmp_path)
    live, average = task.networks['generator'], task.networks['generator_average']
    step_fn = loop.step_function(task, task.phases[0], state)
    for _, batch in zip(range(2), task.phases[0].batches(0)):
        before, old = live.get_weights(), average.get_weights()
        step = int(state.step.numpy())
        step_fn(batch, tf.constant(1e-2))
        decay = (1 + step) / (10 + step)
        for a, b, c in zip(average.get_weights(), old, before):
            np.testing.assert_allclose(a, decay * b + (1 - decay) * c, atol=1e-6)
    assert any((a != b).any() for a, b in zip(before, live.get_weights()))


@pytest.fixture(scope='module')
def trained_with_snapshots(finished, tmp_path_factory):
    """A copy of the experiment whose dots are trained anew, with a snapshot every 3 steps."""
    config, workdir = finished
    copy = tmp_path_factory.mktemp('snapshots') / 'run'
    shutil.copytree(workdir, copy)
    shutil.rmtree(copy / 'stages' / 'dots')
    plan = pggan.schedule
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pggan, 'schedule', lambda *arguments: tuple(
            phase._replace(snapshot_steps=3) for phase in plan(*arguments)))
        train_stage(config, DOTS, copy)
    return config, copy


@pytest.fixture
def snapshots(trained_with_snapshots, tmp_path):
    """A copy of that to change."""
    config, workdir = trained_with_snapshots
    shutil.copytree(workdir, tmp_path / 'run')
    return config, tmp_path / 'run'


def test_snapshots_can_draw_in_the_place_of_the_last_step(snapshots):
    config, workdir = snapshots
    folder = workdir / 'stages' / 'dots'
    # 4 steps at each of 4, 8, 16 and 32 px: the third of each
    steps = sorted(int(path.stem) for path in (folder / 'snapshots').glob('*.index'))
    assert steps == [3, 7, 11, 15]
    assert {f'step-{step:08d}.png' for step in steps} <= {p.name for p in (folder / 'samples').iterdir()}

    def weights(snapshot):
        chosen = with_kind(config, 'pggan', snapshot=snapshot)
        coding = records.read_info(workdir / 'records' / 'train').coding
        return stage.trained_generator(chosen, DOTS, coding, workdir).get_weights()

    last, early = weights(None), weights(7)
    reader = tf.train.load_checkpoint(str(folder / 'snapshots' / '00000007'))
    kept = [reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
            if name.startswith('networks/')]
    assert sorted(float(w.sum()) for w in kept) == sorted(float(w.sum()) for w in early)
    assert any((a != b).any() for a, b in zip(last, early))
    with pytest.raises(InputError, match=r'stages.dots.snapshot: expected a step whose snapshot is '
                                         r'kept in .*\(3, 7, 11, 15\), found 8'):
        weights(8)


def test_a_stage_with_its_snapshot_needs_no_more_training(snapshots):
    config, workdir = snapshots
    (workdir / 'stages' / 'dots' / 'finished.json').unlink()
    chosen = with_kind(config, 'pggan', snapshot=7)
    train_stage(chosen, DOTS, workdir)
    assert not (workdir / 'stages' / 'dots' / 'finished.json').exists()
    arms = matrix.arms_of(chosen)
    with pytest.raises(InputError, match='synthetic/three no longer fits: .*snapshots.dots None and not 7'):
        open_experiment(chosen, workdir, arms)
    shutil.rmtree(workdir / 'synthetic')
    for folder in ('segmenters', 'exports', 'evaluations'):
        shutil.rmtree(workdir / folder)
    open_experiment(chosen, workdir, arms)  # the key may change while nothing was drawn with it
