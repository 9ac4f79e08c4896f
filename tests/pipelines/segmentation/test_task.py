"""Regimes: updates, hold-out by source image, best epoch, and where fine-tuning starts."""
import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.labels import CHEST
from datasets.targets import targets_of
from models.segmenters.smanet import PyramidPooling
from pipelines.cost.planned import planned_segmenter
from pipelines.data import batches
from pipelines.plan.regimes import Run, parse_regime, regimes, with_pretraining
from pipelines.plan.workdir import Workdir
from pipelines.segmentation import inputs, pairs as pairing, task as segmentation
from pipelines.training import checkpoints, logs, loop
from tests.conftest import tiny_config


def test_real_gets_as_many_updates_as_synth_and_finetuning_together():
    config = tiny_config()
    updates = {name: segmentation.updates_of(config, Run(regime), 8)
               for name, regime in regimes().items() if not (regime.transfer and regime.transfer.translator)}
    assert updates['synth3'] == 4
    assert updates['real'] == updates['finetune3'] == updates['restart'] == 7
    assert updates['first'] == updates['synth3']
    assert (updates['scratch'], updates['tuned'], updates['tone']) == (7, 7 + 3, 7)


def test_restart_trains_twice_on_real_pairs_and_the_second_starts_from_the_first(finished, tmp_path):
    """The placebo of FINETUNE: all as there, but for the pairs that the first training learns from."""
    config, made = finished
    (tmp_path / 'records').symlink_to(made / 'records')
    restart = Run(parse_regime('restart'))
    assert [run.name for run in with_pretraining([restart])] == ['first-smanet-0', 'restart-smanet-0']
    first = segmentation.segmenter_task(config, restart.pretraining, tmp_path)
    real = segmentation.segmenter_task(config, Run(parse_regime('real')), tmp_path)
    assert first.steps == config.segmenter.synth_steps == 4 and first.validation is None
    for a, b in zip(first.networks['network'].get_weights(), real.networks['network'].get_weights()):
        assert (a == b).all()
    loop.train(first, Workdir(tmp_path).segmenter(restart.pretraining))
    task = segmentation.segmenter_task(config, restart, tmp_path)
    task.start()
    for name in ('network', 'chosen'):
        for a, b in zip(task.networks[name].get_weights(), first.networks['chosen'].get_weights()):
            assert (a == b).all()
    tuned = segmentation.segmenter_task(config, Run(parse_regime('finetune3')), made)
    assert task.steps == tuned.steps and [type(a) for a in task.averages] == [type(a) for a in tuned.averages]
    assert pairing.pairs_of(config, restart, tmp_path).info.split == 'train'


def test_finetuning_starts_from_the_chosen_weights_of_its_synth(finished):
    config, workdir = finished
    task = segmentation.segmenter_task(config, Run(parse_regime('finetune3')), workdir)
    synth = segmentation.segmenter_task(config, Run(parse_regime('synth3')), workdir)
    checkpoints.restore_networks(synth.networks,
                                 Workdir(workdir).segmenter(Run(parse_regime('synth3'))))
    task.start()
    for name in ('network', 'chosen'):
        for a, b in zip(task.networks[name].get_weights(),
                        synth.networks['chosen'].get_weights()):
            assert (a == b).all()
    assert task.steps == 3


def test_few_real_images_are_not_held_out_and_weights_are_averaged(finished):
    config, workdir = finished
    config = dataclasses.replace(config, segmenter=dataclasses.replace(config.segmenter, average_decay=0.5))
    task = segmentation.segmenter_task(config, Run(parse_regime('real')), workdir)
    assert task.validation is None
    average, = task.averages
    assert average.average is task.networks['chosen'] and average.live is task.networks['network']
    assert average.decay == 0.5


@pytest.mark.parametrize('regime, rate', [('real', 3e-4), ('finetune3', 2e-5)])
def test_fine_tuning_has_a_learning_rate_of_its_own(finished, regime, rate):
    config, workdir = finished
    config = dataclasses.replace(config, segmenter=dataclasses.replace(
        config.segmenter, learning_rate=3e-4, finetune_learning_rate=2e-5))
    phase, = segmentation.segmenter_task(config, Run(parse_regime(regime)), workdir).phases
    assert {phase.learning_rate(step) for step in (0, 2)} == {rate}


@pytest.mark.parametrize('network', ['smanet', 'scan', 'invertednet', 'pix2pix_mtdg', 'pix2pix_mtdg_both'])
def test_adam_has_the_betas_of_the_network_s_row(network):
    """Those of its authors for Pix2Pix MTdG, its discriminator's too; PyTorch's and Keras' default for others."""
    config = tiny_config(data={'bone_suppressed': True}, segmenters={network: {} if network == 'smanet' else {
        'size': 256, 'crop': 256, 'width': 0.01}})
    with tf.Graph().as_default():
        task = planned_segmenter(config, network, CHEST)
        made = checkpoints.make_optimizers([phase.updates for phase in task.phases], task.betas, False)
    wanted = 0.5 if network.startswith('pix2pix') else 0.9
    assert {(adam.beta_1, adam.beta_2) for adam in made.values()} == {(wanted, 0.999)}
    assert set(made) == {update.name for update in task.phases[0].updates}


@pytest.mark.parametrize('number, trained', [(None, range(6)), (2, range(2))])
def test_the_last_samples_choose_the_epoch_and_do_not_train(finished, number, trained):
    config, workdir = finished
    pairs = pairing.pairs_of(config, Run(parse_regime('synth3'), num_synthetic=number), workdir)
    rows = [{'index': tf.constant(index, tf.int64)} for index in range(9)]
    assert [int(row['index']) for row in rows if pairs.train(row)] == list(trained)
    assert [int(row['index']) for row in rows if pairs.chooser.keep(row)] == [6, 7, 8]


def test_held_out_images_are_held_out_with_all_their_versions(finished):
    config, workdir = finished
    config = dataclasses.replace(config, segmenter=dataclasses.replace(
        config.segmenter, min_holdout_images=2, holdout=0.25))
    pairs = pairing.pairs_of(config, Run(parse_regime('real')), workdir)
    rows = records.load_arrays(pairs.info)
    sides = {'train': set(), 'validation': set()}
    for source in rows['source_id']:
        row = {'source_id': tf.constant(source)}
        assert bool(pairs.train(row)) != bool(pairs.chooser.keep(row))
        sides['train' if pairs.train(row) else 'validation'].add(source)
    assert len(sides['validation']) == 1 and len(sides['train']) == 3
    task = segmentation.segmenter_task(config, Run(parse_regime('real')), workdir)
    assert task.validation.best is task.networks['chosen']


def test_the_validation_score_is_the_pooled_jaccard(finished, monkeypatch):
    """Against numpy: a prediction of the first organ where a picture is lighter than its corner."""
    config, workdir = finished
    monkeypatch.setattr(segmentation, 'predict_probabilities', lambda network, images, crop, targets: tf.one_hot(
        tf.cast(images[..., 0] > images[:, :1, :1, 0], tf.int32), targets.num_outputs))
    task = segmentation.segmenter_task(config, Run(parse_regime('synth3')), workdir)
    info = records.read_info(Workdir(workdir).samples(parse_regime('synth3').method))
    targets = targets_of(info.coding)
    rows = batches.prepared_rows(info, inputs.prepare(config.segmenter, info, targets))
    images, wanted = rows['image'][6:, ..., 0], rows['label'][6:] == 1
    found = images > images[:, :1, :1]
    both, either = (found & wanted).sum((1, 2)), (found | wanted).sum((1, 2))
    pooled = 100 * both.sum() / either.sum() / (targets.num_outputs - 1)  # no other organ is found
    assert pooled > 0 and task.validation.score() == pytest.approx(pooled)
    assert 100 * np.mean(both / either) / (targets.num_outputs - 1) != pytest.approx(pooled, rel=1e-4)


def test_a_network_that_says_background_scores_nothing(finished):
    config, workdir = finished
    task = segmentation.segmenter_task(config, Run(parse_regime('synth3')), workdir)
    network = task.networks['network']
    kernel, bias = network.classifier.get_weights()
    network.classifier.set_weights([np.zeros_like(kernel), np.eye(len(bias))[0] * 9])
    assert task.validation.score() == 0


def test_the_best_weights_are_kept_not_the_last(finished, tmp_path):
    config, workdir = finished
    task = segmentation.segmenter_task(config, Run(parse_regime('synth3')), workdir)
    scores = iter([50.0, 40.0])
    seen = []

    def score():
        seen.append(task.networks['network'].get_weights())
        return next(scores)

    task = task._replace(validation=task.validation._replace(score=score))
    loop.train(task, tmp_path, **vars(config.run))
    for kept, best in zip(task.networks['chosen'].get_weights(), seen[0]):
        assert (kept == best).all()
    rows = [r for r in logs.read_rows(tmp_path / 'losses.jsonl') if 'jaccard_validation' in r]
    assert [(r['step'], r['jaccard_validation']) for r in rows] == [(2, 50.0), (4, 40.0)]


def test_other_numbers_of_samples_than_the_config_says_are_refused(finished):
    config, workdir = finished
    config = dataclasses.replace(config, generation=dataclasses.replace(
        config.generation, num_train=7))
    with pytest.raises(InputError, match='num_train \\+ num_validation = 10 samples, found 9'):
        segmentation.segmenter_task(config, Run(parse_regime('synth3')), workdir)


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(InputError, match='generate_samples'):
        segmentation.segmenter_task(tiny_config(), Run(parse_regime('synth3')), tmp_path)


def with_segmenter(config, **changes):
    options = dataclasses.replace(config.segmenter.options, **changes)
    return dataclasses.replace(config, segmenter=dataclasses.replace(config.segmenter, options=options))


def test_imagenet_weights_come_from_kerass_file_and_nowhere_else(finished, tmp_path, monkeypatch):
    config, workdir = finished
    settings = dict(width=1.0, blocks=(3, 4, 6, 3))
    monkeypatch.setenv('HOME', str(tmp_path))
    folder = tmp_path / '.keras' / 'models'
    folder.mkdir(parents=True)
    path = folder / 'resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5'

    def task(weights, regime='real'):
        made = segmentation.segmenter_task(with_segmenter(config, **settings, imagenet_weights=weights),
                                           Run(parse_regime(regime)), workdir)
        made.start()
        return made

    with pytest.raises(InputError, match=f'imagenet_weights: expected .* none at {path}; fetch it'):
        task('keras')
    path.write_bytes(b'no weights')
    with pytest.raises(InputError, match='imagenet_weights: .* does not hold resnet50 without top'):
        task(str(path))
    tf.keras.utils.set_random_seed(3)
    keras = tf.keras.applications.ResNet50(include_top=False, weights=None)
    keras.save_weights(str(path))
    for weights in ('keras', str(path)):
        networks = task(weights).networks
        for network in networks.values():  # the average, too, begins there
            np.testing.assert_array_equal(network.encoder.stem[0].conv.kernel,
                                          keras.get_layer('conv1_conv').kernel)


def test_imagenet_weights_get_pictures_of_imagenets_contrast(finished):
    config, workdir = finished
    deviations = []
    for weights in (None, 'keras'):
        changed = with_segmenter(config, imagenet_weights=weights)
        info = records.read_info(workdir / 'records' / 'train')
        row = next(iter(batches.serialized(info.paths)))
        image = inputs.prepare(changed.segmenter, info, targets_of(info.coding))(
            records.parse(row, info))['image']
        deviations.append(np.std(image.numpy().astype(np.float32)))
    np.testing.assert_allclose(deviations, [1, 58 / 127.5], rtol=1e-3)


def test_the_pyramid_may_take_the_place_of_the_attention(finished):
    config, workdir = finished
    task = segmentation.segmenter_task(with_segmenter(config, context='pyramid'), Run(parse_regime('real')),
                                       workdir)
    assert isinstance(task.networks['network'].context, PyramidPooling)
    loss, _ = task.phases[0].updates[0].loss(next(iter(task.phases[0].batches(0))), {})
    assert np.isfinite(float(loss))
