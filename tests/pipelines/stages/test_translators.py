"""Translators as stages: two drawn hospitals, steps at the default sizes, training, resume, what draws, refusals."""
import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.labels import CHEST
from pipelines.cost import dry_run
from pipelines.cost.planned import planned_info, planned_stage
from pipelines.experiment import steps
from pipelines.plan import provenance
from pipelines.plan.kinds import munit as munit_numbers
from pipelines.plan.translators import TRANSLATORS
from pipelines.stages import munit, stage, unpaired
from pipelines.training import checkpoints, logs, loop
from tests.conftest import tiny_config
from tests.test_resume import Killed, fingerprint, killed_at
from tests.translators import config_of, two_hospitals


@pytest.fixture(scope='module', autouse=True)
def dull():
    with two_hospitals():
        yield


@pytest.fixture(scope='module')
def workdir(tmp_path_factory):
    """The records of both hospitals, 32 px."""
    folder = provenance.open_workdir(config_of(), tmp_path_factory.mktemp('hospitals') / 'run')
    steps.prepare(config_of(), folder)
    steps.prepare_split(config_of(), folder, 'target')
    return folder


def sources_of(workdir):
    return {name: records.read_info(workdir / 'records' / name) for name in ('train', 'target')}


def task_of(config, kind, workdir):
    return stage.stage_task(config, TRANSLATORS[kind], sources_of(workdir))


@pytest.mark.parametrize('kind', TRANSLATORS)
def test_a_step_at_the_default_sizes(kind):
    """Traced, not run: 256 px, the sizes and parameters that the papers' code has."""
    config = tiny_config(data={'size': 256}, sources={'target': {'draw': 1}}, regimes=['real'])
    found = dry_run.predicted(config, lambda: planned_stage(config, TRANSLATORS[kind], CHEST, 8))
    assert found.parameters == 2 * {'cyclegan': 11_365_633 + 2_762_689, 'unit': 1_604_161 + 33_441,
                                    'munit': 2_330_505 + 33_441}[kind]


@pytest.mark.parametrize('kind, changes', [('cyclegan', {'network': 'unet', 'levels': 5, 'norm': 'batch'}),
                                           ('unit', {'shallow': True}), ('munit', {'shallow': True, 'scales': 2})])
def test_other_networks_are_traced_too(kind, changes):
    config = config_of(kind, **changes)
    found = dry_run.predicted(config, lambda: planned_stage(config, TRANSLATORS[kind], CHEST, 8))
    assert found.parameters > 0


def test_batches_are_of_both_sets_in_orders_of_their_own(workdir):
    config = config_of('cyclegan')
    phase, = task_of(config, 'cyclegan', workdir).phases
    assert phase.steps == 4 * 3   # 8 records of B are more than 6 of A: 4 steps of 2
    batches = list(phase.batches(0).take(12).as_numpy_iterator())
    assert {key: value.shape for key, value in batches[0].items()} == {
        key: tuple(spec.shape) for key, spec in phase.batch_spec.items()}
    assert set(batches[0]) == {f'{domain}_{key}' for domain in 'ab' for key in ('image', 'key', 'pool')}
    for domain, count in (('a', 6), ('b', 8)):   # every epoch a permutation: each picture as often as any
        pictures = np.concatenate([batch[f'{domain}_image'] for batch in batches])[:count * 3]
        shown = [len({one.tobytes() for one in epoch}) for epoch in np.split(pictures, 3)]
        assert shown == [count] * 3 and -1 <= pictures.min() < pictures.max() <= 1
        orders = {tuple(one.tobytes() for one in epoch) for epoch in np.split(pictures, 3)}
        assert len(orders) == 3
    keys = np.concatenate([batch[f'{domain}_key'] for batch in batches for domain in 'ab'])
    assert len({tuple(key) for key in keys}) == len(keys)
    later = next(phase.batches(7).as_numpy_iterator())
    assert all((later[key] == batches[7][key]).all() for key in later)


def test_the_second_set_is_of_another_tone(workdir):
    config = config_of()
    io = stage.stage_io(config, TRANSLATORS['munit'], CHEST)
    means = {name: unpaired.first_pictures(io, info, 3).mean() for name, info in sources_of(workdir).items()}
    assert means['target'] < means['train'] - 0.2


@pytest.fixture(scope='module')
def trained(workdir, tmp_path_factory):
    """(config, task, folder) of a MUNIT after its last step."""
    config, folder = config_of(epochs=12), tmp_path_factory.mktemp('munit')
    task = task_of(config, 'munit', workdir)
    loop.train(task, folder, log_every=1, sheet_every=24)
    return config, task, folder


def test_training_moves_every_network_and_learns_to_come_back(trained):
    config, task, folder = trained
    fresh = stage.stage_networks(config, stage.stage_io(config, TRANSLATORS['munit'], CHEST))
    for name in fresh:
        changed = [not np.array_equal(a, b) for a, b in zip(fresh[name].get_weights(),
                                                            task.networks[name].get_weights())]
        assert np.mean(changed) > 0.9, name
    rows = logs.read_rows(folder / 'losses.jsonl')
    assert all(value is not None for row in rows for value in row.values())
    cycle = [row['cycle_a_loss'] + row['cycle_b_loss'] for row in rows if 'cycle_a_loss' in row]
    assert len(cycle) == task.steps and np.mean(cycle[-8:]) < 0.8 * np.mean(cycle[:8])
    errors = [row for row in rows if 'cycle_error_a' in row]
    assert [row['step'] for row in errors] == [24, 48]
    assert all(0 < row[f'cycle_error_{domain}'] < 2 for row in errors for domain in 'ab')
    assert len(list((folder / 'samples').glob('*.png'))) == 2


def test_measured_errors_are_those_of_the_pictures_on_the_sheet(trained, workdir):
    config, _, _ = trained
    task = task_of(config, 'munit', workdir)
    phase, = task.phases
    io, networks = stage.stage_io(config, TRANSLATORS['munit'], CHEST), task.networks
    munit.start(io, networks, sources_of(workdir))
    a = unpaired.first_pictures(io, sources_of(workdir)['train'], 4)
    b = unpaired.first_pictures(io, sources_of(workdir)['target'], 4)
    assert len(a) == len(b) == 4   # four pictures of B, not their augmented versions
    of_a, of_b = networks['generator_a'], networks['generator_b']
    aba = of_a.decode(of_b.content(of_b.decode(of_a.content(a), of_b.style(b))), of_a.style(a))
    found = phase.measured()
    assert found['cycle_error_a'] == pytest.approx(np.abs(a - aba).mean(), rel=1e-4)
    sheet = phase.sheet(1)
    assert sheet.shape == (6 * 164 - 4, 4 * 164 - 4, 3) and sheet.dtype == np.uint8


@pytest.mark.parametrize('kind, kill_at', [('cyclegan', 3), ('munit', 3)])
def test_killed_and_repeated_equals_undisturbed(workdir, tmp_path, monkeypatch, kind, kill_at):
    config = config_of(kind, epochs=1, **({'decay_epochs': 0} if kind == 'cyclegan' else {'shallow': True}))

    def train(name, kill_at=None):
        with killed_at(monkeypatch, kill_at):
            loop.train(task_of(config, kind, workdir), tmp_path / name, **{**vars(config.run), 'sheet_every': 2})

    train('whole')
    with pytest.raises(Killed):
        train('killed', kill_at)
    assert not checkpoints.is_finished(tmp_path / 'killed')
    train('killed')
    assert fingerprint(tmp_path / 'killed') == fingerprint(tmp_path / 'whole')


def test_what_draws_needs_no_records(trained, workdir):
    """The style is that of the first of A's pictures, whatever is beside it; and it comes back from a checkpoint."""
    config, task, folder = trained
    io = stage.stage_io(config, TRANSLATORS['munit'], CHEST)
    example = unpaired.first_pictures(io, sources_of(workdir)['train'], 1)
    np.testing.assert_array_equal(task.networks['translator'].example, example)
    network = stage.stage_networks(config, io)[munit.draws(io)]
    checkpoints.restore_networks({munit.draws(io): network}, folder)
    given = np.random.default_rng(0).integers(0, 256, (3, 32, 32)).astype(np.uint8)
    draw = stage.draw_function(io, network)
    drawn = draw(tf.constant(given))['image'].numpy()
    assert drawn.shape == (3, 32, 32) and drawn.dtype == np.uint8
    of_a, of_b = task.networks['generator_a'], task.networks['generator_b']
    b = tf.constant(given[..., None] / 127.5 - 1, tf.float32)
    expected = of_a.decode(of_b.content(b), tf.repeat(of_a.style(tf.constant(example)), 3, 0))
    assert np.abs(drawn - (expected[..., 0] + 1) * 127.5).max() <= 1
    np.testing.assert_allclose(draw(tf.constant(given[:1]))['image'][0], drawn[0], atol=1)
    network.example.assign(-network.example)
    assert np.abs(draw(tf.constant(given))['image'].numpy().astype(int) - drawn).max() > 1


def test_a_drawn_style_is_one_for_all_pictures_and_looks_at_none_of_a(workdir):
    config = config_of(style_from='drawn')
    task = task_of(config, 'munit', workdir)
    task.start()
    network, (of_a, of_b) = task.networks['translator'], (task.networks[f'generator_{domain}'] for domain in 'ab')
    assert network.example.shape == (1, of_a.style_numbers) and np.abs(network.example).min() > 0
    again = task_of(config, 'munit', workdir)
    again.start()
    np.testing.assert_array_equal(again.networks['translator'].example, network.example)
    b = tf.constant(np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 1)), tf.float32)
    np.testing.assert_allclose(network(b), of_a.decode(of_b.content(b), tf.repeat(network.example, 2, 0)), atol=1e-5)
    other = of_a.decode(of_b.content(b), -tf.repeat(network.example, 2, 0))
    assert np.abs(network(b) - other).max() > 1e-3


def test_a_translator_starts_from_a_finished_one(trained, workdir):
    _, task, folder = trained
    fresh = task_of(config_of(initial_weights=str(folder)), 'munit', workdir)
    fresh.start()
    for name, network in task.networks.items():
        assert all(np.array_equal(a, b) for a, b in zip(network.get_weights(), fresh.networks[name].get_weights())), name


@pytest.mark.parametrize('kind', ['cyclegan', 'unit'])
def test_pictures_of_b_become_pictures_of_a(kind, workdir):
    config = config_of(kind)
    io = stage.stage_io(config, TRANSLATORS[kind], CHEST)
    networks, module = stage.stage_networks(config, io), stage.kind_of(TRANSLATORS[kind])
    given = np.random.default_rng(0).integers(0, 256, (2, 32, 32)).astype(np.uint8)
    drawn = module.draw(io, networks[module.draws(io)])(tf.constant(given))
    b = tf.constant(given[..., None] / 127.5 - 1, tf.float32)
    of_a, of_b = networks['generator_a'], networks['generator_b']
    np.testing.assert_allclose(drawn, of_a(b) if kind == 'cyclegan' else of_a.decode(of_b.encode(b)), atol=1e-5)


@pytest.mark.parametrize('kind', ['unit', 'munit'])
def test_everything_decays_and_the_rate_halves(kind, workdir):
    task = task_of(config_of(kind, weight_decay=0.25, halve_every=4), kind, workdir)
    phase, = task.phases
    assert [phase.learning_rate(step) for step in (0, 3, 4, 8)] == [5e-3, 5e-3, 2.5e-3, 1.25e-3]
    assert task.betas == (0.5, 0.999)
    for update in phase.updates:
        group, = update.groups
        assert group.decay == 0.25 and [v.ref() for v in group.variables] == [v.ref() for v in update.variables]
    assert munit_numbers.learning_rate(munit_numbers.Settings(), 10 ** 6) == 1e-4


def test_cyclegans_rate_falls_by_epochs_and_its_pools_are_saved(workdir):
    task = task_of(config_of('cyclegan'), 'cyclegan', workdir)
    phase, = task.phases
    assert [phase.learning_rate(step) for step in (0, 8, 11)] == [5e-3] * 3   # Pix2PixHD's: falls from the second on
    assert set(task.extras) == {'pool_a', 'pool_b'} and task.extras['pool_a'].size == 3
    assert not task_of(config_of('cyclegan', pool_size=0), 'cyclegan', workdir).extras


@pytest.mark.parametrize('kind', ['cyclegan', 'munit'])
def test_the_dry_run_of_a_translator(kind):
    config = config_of(kind)
    plan = dry_run.describe_translator(config, TRANSLATORS[kind])
    assert 'train: phantom, 6 images, 6 after augmentation' in plan
    assert 'target: dull, 4 images, 8 after augmentation' in plan
    assert f'translator_{kind}: {kind}' in plan and '12 steps' in plan and 'memory ' in plan


def test_the_plan_counts_steps_as_the_training_does(workdir):
    config = config_of('unit')
    with tf.Graph().as_default():
        planned = stage.stage_task(config, TRANSLATORS['unit'], {
            name: planned_info(config, CHEST, info.count) for name, info in sources_of(workdir).items()})
    assert planned.steps == task_of(config, 'unit', workdir).steps == 12
