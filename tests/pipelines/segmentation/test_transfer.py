"""A segmenter for another hospital: its batches and first step, what moves, kill and resume, choice, export, refusals."""
import shutil

import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.files import read_json, write_json
from models.adversarial import train_step
from pipelines.data import pixels
from pipelines.data.augment import random_window
from pipelines.data.sources import labelled_ids
from pipelines.evaluation.convergence import measure_convergence
from pipelines.experiment import steps
from pipelines.experiment.possible import check_possible
from pipelines.experiment.rows import is_augmented, row_of
from pipelines.plan import artefacts, matrix, provenance
from pipelines.plan.regimes import Run, parse_regime
from pipelines.segmentation.inputs import normalised
from pipelines.segmentation.pairs import labelled_of, pairs_of
from pipelines.segmentation.task import segmenter_task, steps_of, updates_of
from pipelines.segmentation.trained import trained_segmenter
from pipelines.serving.export import check_bits, export_segmenter, load_segmenter, segmenter_of
from pipelines.training import checkpoints, loop
from tests.conftest import tiny_config
from tests.test_resume import Killed, fingerprint, killed_at

MUNIT = {'width': 4, 'blocks': 0, 'mlp': 4, 'style': 2, 'ndf': 2, 'epochs': 1, 'learning_rate': 5e-3}
SECTIONS = {
    'regimes': ['real'], 'munit': MUNIT,
    'sources': {'target': {'dataset': 'phantom', 'num_train': 5, 'num_test': 2, 'division': '60/20/20', 'augment': 1}},
    'segmenter': {'targets': {'lungs': ['left_lung', 'right_lung']}, 'finetune_learning_rate': 2e-3},
    'segmenters': {'small': {'network': 'unet', 'crop': 32, 'width': 0.0625}},
    'transfer': {'epochs': 2}}


def config_of(**changes):
    return tiny_config(**{**SECTIONS, **changes})


def run_of(regime, labelled=None):
    return Run(parse_regime(regime), 'small', labelled=labelled)


REAL, HALF, NONE = run_of('real'), run_of('munit', 60.0), run_of('munit', 0.0)


@pytest.fixture(scope='module')
def workdir(tmp_path_factory):
    """Records of both hospitals, REAL's segmenter of the one, a translator between them."""
    config = config_of()
    folder = provenance.open_workdir(config, tmp_path_factory.mktemp('transfer') / 'run')
    for name in artefacts.used_by(config, HALF):
        steps.prepare_split(config, folder, name)
    steps.train_segmenter(config, REAL, folder)
    steps.train_stage(config, HALF.regime.transfer.translator, folder)
    return folder


@pytest.fixture(scope='module')
def trained(workdir):
    """(config, run) of a supervised part that is trained."""
    loop.train(segmenter_task(config_of(), HALF, workdir), workdir / 'segmenters' / HALF.name, **vars(config_of().run))
    return config_of(), HALF


def test_the_labelled_images_of_fewer_are_a_part_of_those_of_more():
    ids = [f'{i:03}' for i in range(84)]
    shares = (0, 1.25, 2.5, 5, 10, 20, 50, 100)
    drawn = [labelled_ids(ids, share, 3) for share in shares]
    assert [len(one) for one in drawn] == [0, 1, 2, 4, 8, 16, 42, 84]   # as published
    assert all({*fewer} < {*more} for fewer, more in zip(drawn, drawn[1:]))
    assert labelled_ids(ids, 10, 4) != drawn[4] and labelled_ids(ids, 10, 3) == drawn[4]
    with pytest.raises(InputError, match=r'labelled .*: expected 0, or at least 2.5 %, which is 1 of the 40 .*found 1.25 %'):
        labelled_ids(ids[:40], 1.25, 0)


def test_on_labels_of_b_alone_these_are_learned_from_and_its_validation_part_chooses(workdir):
    config, run = config_of(), run_of('tuned', 60.0)
    pairs = pairs_of(config, run, workdir)
    labelled = labelled_of(config, run, pairs.info)
    kept = [row['source_id'].decode() for row in records.read(pairs.info) if pairs.train(row)]
    assert pairs.info.split == 'target' and kept == list(labelled) and len(kept) == 3
    assert pairs.chooser.info.split == 'target_validation' and not {*pairs.chooser.info.ids} & {*pairs.info.ids}
    assert steps_of(config, run, 8) == 3 and updates_of(config, run, 8) == 10
    assert steps_of(config, run_of('scratch', 60.0), 8) == updates_of(config, run_of('scratch', 60.0), 8) == 7
    network = segmenter_task(config, run, workdir).networks['network']
    task = segmenter_task(config, run, workdir)
    task.start()
    real = trained_segmenter(config, REAL, records.read_info(workdir / 'records/train'), workdir)
    for own, other, untrained in zip(task.networks['network'].get_weights(), real.network.get_weights(),
                                     network.get_weights()):
        np.testing.assert_array_equal(own, other)
    assert any((a != b).any() for a, b in zip(real.network.get_weights(), network.get_weights()))


def test_batches_hold_a_with_labels_and_b_with_those_that_are_known(workdir):
    config = config_of()
    phase, = segmenter_task(config, HALF, workdir).phases
    assert phase.steps == 2 * 4   # 8 records of A are more than 5 of B: 4 steps of 2 an epoch
    batches = list(phase.batches(0).take(5).as_numpy_iterator())
    assert {key: value.shape for key, value in batches[0].items()} == {
        key: tuple(spec.shape) for key, spec in phase.batch_spec.items()}
    info = records.read_info(workdir / 'records/target')
    known = {*labelled_of(config, HALF, info)}
    of_id = {row['source_id'].decode(): pixels.stretch(row['image']).numpy() for row in records.read(info)}
    seen = set()
    for picture, labelled in zip(*(np.concatenate([batch[key] for batch in batches]) for key in ('b_image', 'b_labelled'))):
        id = min(of_id, key=lambda id: np.abs(of_id[id] - picture).max())
        seen.add(id)
        assert labelled == (id in known)
    assert seen == {*of_id}
    lungs = batches[0]['a_label'] == 1
    dark = random_window(batches[0]['a_image'], batches[0]['a_key'], 32)[..., 0].numpy()
    assert dark[lungs].mean() < dark[~lungs].mean() - 0.2
    assert 'b_label' not in segmenter_task(config, NONE, workdir).phases[0].batch_spec


def test_a_step_moves_the_discriminators_first_and_the_segmenter_with_both_generators_last(workdir):
    task = segmenter_task(config_of(), HALF, workdir)
    task.start()
    phase, = task.phases
    assert [update.name for update in phase.updates] == ['discriminators', 'generators', 'supervised']
    before = {name: network.get_weights() for name, network in task.networks.items()}
    optimizers = checkpoints.make_optimizers([phase.updates], task.betas, False)
    batch = next(iter(phase.batches(0)))
    supervised = phase.updates[-1]
    optimizers['supervised'].learning_rate.assign(5e-3)
    metrics = tf.function(lambda: train_step((supervised,), {'supervised': optimizers['supervised']}, batch))()
    moved = {name: any((a != b).any() for a, b in zip(before[name], network.get_weights()))
             for name, network in task.networks.items()}
    assert moved == {'generator_a': True, 'generator_b': True, 'discriminator_a': False, 'discriminator_b': False,
                     'translator': True, 'network': True, 'chosen': False}
    assert {'recovered_loss', 'synthetic_loss', 'supervised_loss'} <= set(metrics)
    rates = {group.rate for group in supervised.groups}
    assert rates == {1.0, 2e-3 / 5e-3}


def test_killed_in_the_supervised_part_equals_undisturbed(workdir, trained, tmp_path, monkeypatch):
    config, _ = trained

    def train(folder, kill_at=None):
        with killed_at(monkeypatch, kill_at):
            loop.train(segmenter_task(config, HALF, workdir), folder, **vars(config.run))

    with pytest.raises(Killed):
        train(tmp_path / 'killed', 3)
    train(tmp_path / 'killed')
    assert fingerprint(tmp_path / 'killed') == fingerprint(workdir / 'segmenters' / HALF.name)


def test_what_is_exported_translates_and_segments_as_by_hand(workdir, trained, tmp_path):
    config, run = trained
    info = records.read_info(workdir / 'records/train')
    both = trained_segmenter(config, run, info, workdir)
    model, description = load_segmenter(export_segmenter(config, run, workdir, tmp_path / 'model'))
    assert (description['regime'], description['labelled'], description['updates']) == ('munit', 60.0, 8 + 7)
    row = next(iter(records.read(records.read_info(workdir / 'records/target'))))
    image = tf.cast(row['image'], tf.float32)[None]
    seen = both.seen(image)
    assert abs(float(tf.reduce_mean(seen))) < 1e-4 and abs(float(tf.math.reduce_std(seen)) - 1) < 1e-3
    probabilities = model(image)['probabilities'].numpy()
    np.testing.assert_allclose(probabilities.sum(-1), 1, atol=1e-4)
    tone = model(image * 3 + 7)['probabilities'].numpy()   # any positive linear grey scale
    np.testing.assert_allclose(tone, probabilities, atol=2e-3)
    real = load_segmenter(export_segmenter(config, REAL, workdir, tmp_path / 'real'))[0](image)['probabilities'].numpy()
    assert np.abs(real - probabilities).max() > 1e-3


def test_without_labels_of_b_the_last_weights_are_kept(workdir):
    task = segmenter_task(config_of(), NONE, workdir)
    assert task.validation is None and [average.decay for average in task.averages] == [0.0]
    divided = config_of(data={'division': '60/20/20', 'num_train': None, 'num_test': None})
    assert artefacts.used_by(divided, NONE)[-1] == 'validation'


@pytest.mark.parametrize('kind', ['munit', 'unit', 'cyclegan'])
def test_without_labels_of_b_a_validation_part_of_a_chooses_by_pictures_that_came_back(kind, tmp_path):
    """One validation before any step: whatever the translator draws, it has the keys for."""
    config = config_of(data={'division': '60/20/20', 'num_train': 5, 'num_test': 2, 'augment': 1},
                       unit={'width': 4, 'blocks': 0, 'ndf': 2, 'epochs': 1},
                       cyclegan={'ngf': 2, 'blocks': 1, 'ndf': 2, 'epochs': 1, 'decay_epochs': 0})
    run, folder = run_of(kind, 0.0), provenance.open_workdir(config, tmp_path / 'run')
    for name in artefacts.used_by(config, run):
        steps.prepare_split(config, folder, name)
    score = segmenter_task(config, run, folder).validation.score
    assert 0 <= score() <= 100 and score() == score()


def test_the_row_says_of_how_many_images_it_learned_there(workdir, trained):
    config, run = trained
    arm = matrix.arm_of(config, [run])
    convergence = measure_convergence(config, run, workdir)
    row = row_of(arm, run, 'test', workdir, {'size': 64, 'library': None, 'spacing_mm': None, 'organs': [], 'images': {},
                                             'scores': {}, 'versions': {}})
    assert row['labelled'] == 60.0
    assert {key: row['protocol'][key] for key in ('target', 'num_target', 'num_labelled', 'updates')} == {
        'target': 'phantom', 'num_target': 5, 'num_labelled': 3, 'updates': 15}
    assert row['protocol']['restarts'] == 0 and row['protocol']['convergence'] == convergence
    assert convergence['pictures'] == 1 and convergence['learned_from'] == {'a': True, 'b': False}  # one chooses


def test_a_translator_is_augmented_by_its_own_settings():
    turned = {'augmentation': {'rotation': 5}}
    theirs, own = config_of(segmenter={**SECTIONS['segmenter'], **turned}), config_of(munit={**MUNIT, **turned})
    assert [is_augmented(theirs, run) for run in (REAL, HALF)] == [True, False]
    assert [is_augmented(own, run) for run in (REAL, HALF)] == [False, True]


def test_tone_is_that_of_real_whose_pictures_are_shown_otherwise(workdir, tmp_path):
    config, run = config_of(), run_of('tone', 0.0)
    steps.train_segmenter(config, run, workdir)
    assert not (workdir / 'segmenters' / run.name).exists()
    info = records.read_info(workdir / 'records/train')
    tone, real = (trained_segmenter(config, one, info, workdir) for one in (run, REAL))
    for a, b in zip(tone.network.get_weights(), real.network.get_weights()):
        np.testing.assert_array_equal(a, b)
    row = next(iter(records.read(info)))
    image = tf.cast(row['image'], tf.float32)[None]
    dull = 255 * (image / 255) ** 3   # no linear change undoes this, ranks do
    np.testing.assert_allclose(tone.seen(dull), tone.seen(image), atol=0.1)
    assert np.abs(real.seen(dull) - real.seen(image)).max() > 0.5


@pytest.mark.parametrize('changes, run, words', [
    ({}, run_of('scratch', 10.0), 'labelled .*: expected 0, or at least 20 %, which is 1 of the 5'),
    ({'segmenter': {'targets': {'clavicles': ['spine']}}}, HALF, r'segmenter.targets.clavicles: expected organs of'),
])
def test_what_only_the_data_sets_can_tell_is_refused_before_anything_is_trained(changes, run, words):
    with pytest.raises(InputError, match=words):
        check_possible(matrix.arm_of(config_of(**changes), [run]), True)


@pytest.mark.parametrize('regime, labelled, words', [
    ('munit', 0.0, 'starts from stages/translator_munit, which is not trained yet: first tools/train_stage.py --translator munit'),
    ('tuned', 60.0, 'starts from segmenters/real-small-0, .* first tools/train_segmenter.py --regime real --segmenter small --seed 0')])
def test_what_a_run_starts_from_is_asked_for_before_records_are_made(tmp_path, regime, labelled, words):
    with pytest.raises(InputError, match=words):
        steps.train_segmenter(config_of(), run_of(regime, labelled), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_translator_without_its_segmenter_is_told_what_it_starts_from(tmp_path):
    folder = tmp_path / 'stages' / 'translator_munit'
    folder.mkdir(parents=True)
    (folder / 'finished.json').write_text('{"steps": 1}')
    with pytest.raises(InputError, match='munit-small-0-l0: starts from segmenters/real-small-0, which is not trained yet: first '
                                         'tools/train_segmenter.py --regime real --segmenter small --seed 0, with the same'):
        steps.train_segmenter(config_of(), NONE, tmp_path)
    assert not (tmp_path / 'records').exists()


def told_as_they_are(run, bits, workdir, folder):
    """How a run is shown pictures under `as_is` where those of B that it learned from had so many bits, and its description."""
    config = config_of(segmenter={**SECTIONS['segmenter'], 'greys': 'as_is'})
    shutil.copytree(workdir, folder)
    for name in ('train', 'target'):
        path = folder / 'records' / name / records.INFO
        content = read_json(path)
        write_json(path, {**content, 'bits': 8 if name == 'train' else bits})
    return config, segmenter_of(config, run, folder)


def test_greys_as_they_are_are_those_of_the_files_that_were_learned_from(workdir, trained, tmp_path):
    """[N, H, W, C] of a share of what the files of B can have; the tone of A and a translator take any scale."""
    loop.train(segmenter_task(config_of(), run_of('scratch', 60.0), workdir), workdir / 'segmenters' / 'scratch-small-0-l60',
               **vars(config_of().run))
    image = tf.constant(np.random.default_rng(0).integers(0, 65536, (1, 48, 48, 1)).astype(np.float32))
    info = records.read_info(workdir / 'records/train')
    for run, greys, bits in ((REAL, 'as_is', 8), (run_of('scratch', 60.0), 'as_is', 16), (HALF, 'stretched', 16),
                             (run_of('tone', 0.0), 'ranked', 8)):
        config, made = told_as_they_are(run, 16, workdir, tmp_path / run.regime.name)
        assert (made.description['greys'], made.description['bits']) == (greys, bits)
        seen = trained_segmenter(config, run, info, tmp_path / run.regime.name).seen(image).numpy()
        if greys == 'as_is':
            np.testing.assert_allclose(seen, image / (127.5 if bits == 8 else 32767.5) - 1, rtol=1e-5, atol=1e-5)
            continue
        assert seen.min() >= -1 and seen.max() <= 1 and seen.std() > 0.1
        check_bits(made.description, 8, 'here', 'model')
    with pytest.raises(InputError, match='here: expected pictures of 16 bits'):
        check_bits({'greys': 'as_is', 'bits': 16}, 8, 'here', 'model')


def test_greys_as_they_are_stay_a_share_of_the_deepest(workdir, tmp_path):
    """0 and 255 of 8 bits are -1 and 1, whatever else is in the picture; and 16 bits are another scale."""
    config = config_of(segmenter={'greys': 'as_is'})
    image = tf.constant([[0.0, 51.0], [102.0, 255.0]])[None, :, :, None]
    np.testing.assert_allclose(normalised(image, config.segmenter, 8)[0, ..., 0], [[-1, -0.6], [-0.2, 1]], atol=1e-6)
    np.testing.assert_allclose(normalised(image * 257, config.segmenter, 16), normalised(image, config.segmenter, 8), atol=1e-6)


def test_another_run_of_the_same_share_draws_other_images():
    config, ids = config_of(), [f'{i}' for i in range(20)]
    info = records.Info(None, '', 'target', 48, 8, 0, None, ids, {})
    assert labelled_of(config, HALF, info) != labelled_of(config, HALF._replace(seed=1), info)
