"""Thresholds of scattered organs: chosen on learning images as test images are scored, once, and used by every mask."""
import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.files import read_json, write_png
from datasets.images import read_picture
from datasets.labels import CHEST, PNEUMOTHORAX, VESSELS
from datasets.phantom import retina
from datasets.targets import Targets, targets_of
from pipelines.data.prepare import write_records
from pipelines.data.sources import open_split
from pipelines.evaluation import finders
from pipelines.experiment import steps
from pipelines.plan.matrix import arm_of
from pipelines.plan.provenance import Outdated
from pipelines.plan.regimes import Run, parse_regime
from pipelines.plan.transfers import VALIDATION
from pipelines.report.thresholds import CHOSEN_ON
from pipelines.scores import overlap, results
from pipelines.segmentation.trained import Trained
from pipelines.serving import export, predict, threshold
from pipelines.serving.segmenter import Segmenter
from tests.conftest import tiny_config

REAL = Run(parse_regime('real'), 'unet')
EYES = {'dataset': 'phantom_retina', 'channels': 3, 'size': 16, 'num_train': 2, 'num_test': 2, 'augment': 2,
        'dots_size': 16}
SIZE = 24


@pytest.fixture(autouse=True, scope='module')
def drawn_once():
    """An eye takes longer to draw than all else here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retina, 'draw_retina', functools.lru_cache(None)(retina.draw_retina))
        yield


def config_of(data={}, **sections):
    return tiny_config(**{'data': {**EYES, **data}, 'evaluation': {'size': SIZE}, 'regimes': ['real'],
                          'segmenters': {'unet': {'crop': 48}}, **sections})


def darkness(image):
    """The darker green is, the more likely a vessel; outside the field of view it is sure of them."""
    probability = (1 - image[..., 1:2] / 255) ** 2
    return {'probabilities': tf.concat([1 - probability, probability], -1)}


def refuses(image):
    raise AssertionError('chosen again')


def test_counts_and_the_best_threshold_are_those_of_masks(rng=np.random.default_rng(0)):
    """Probabilities that are a threshold exactly do not lie above it."""
    counted = []
    for _ in range(3):
        probabilities = rng.choice([*threshold.THRESHOLDS, 0, 1, 1e-9], 400).astype(np.float32)
        target = rng.uniform(size=400) < probabilities ** 3
        counted.append(threshold._counted(target, probabilities))
        wanted = [overlap.mask_counts(target[None], (probabilities > above)[None])[0] for above in threshold.THRESHOLDS]
        np.testing.assert_array_equal(counted[-1], wanted)
    means = overlap.dice(np.array(counted)).mean(axis=0)
    above, dice = threshold.best(np.array(counted))
    assert above == round(0.01 * (1 + means.argmax()), 2) > 0.5 and dice == pytest.approx(means.max(), abs=1e-3)


def test_of_equally_good_thresholds_the_nearest_to_half():
    counted = np.zeros((2, 99, 3), int)
    counted[:, 9:30, 0] = 5                # 0.10 to 0.30: all of it, and nothing else
    counted[:, :, 2] = 5 - counted[..., 0]
    counted[1] = 0                         # an image without the organ, in which nothing is found
    assert threshold.best(counted) == (0.3, 100.0)
    assert threshold.best(counted[1:]) is None
    counted[0, :] = [3, 1, 2]
    assert threshold.best(counted[:1])[0] == 0.5


def test_it_is_chosen_as_test_images_are_scored_and_once(tmp_path):
    config = config_of()
    chosen = threshold.threshold_of(config, REAL, tmp_path, targets_of(VESSELS), darkness)
    at_size = dataclasses.replace(config, data=dataclasses.replace(config.data, size=SIZE))
    learned = open_split(at_size, 'train')
    info = write_records(learned, tmp_path / 'learned', 'train', SIZE, 1, 0, config.data)
    scores = []
    for row in records.read(info):
        known, target = row['ignored'] == 0, row['labels'] == 1
        found = darkness(tf.cast(row['image'], tf.float32)[None])['probabilities'][0, ..., 1].numpy()
        scores.append([overlap.dice(overlap.mask_counts((target & known)[None], (found > above)[None] & known))[0]
                       for above in threshold.THRESHOLDS])
    means = np.mean(scores, axis=0)
    best = round(0.01 * (1 + int(np.argmax(means))), 2)
    assert chosen == {'threshold': best, 'chosen_on': 'train', 'images': len(learned.ids), 'size': SIZE,
                      'dice': pytest.approx(max(means), abs=1e-3)}
    assert best != 0.5 and max(means) > means[49]          # that of 0.50
    kept = (tmp_path / 'exports' / REAL.name / 'threshold.json').read_bytes()
    assert threshold.threshold_of(config, REAL, tmp_path, targets_of(VESSELS), refuses) == chosen
    assert (tmp_path / 'exports' / REAL.name / 'threshold.json').read_bytes() == kept
    larger = dataclasses.replace(config, evaluation=dataclasses.replace(config.evaluation, size=16))
    with pytest.raises(AssertionError, match='chosen again'):
        threshold.threshold_of(larger, REAL, tmp_path, targets_of(VESSELS), refuses)


def test_which_learning_images_choose():
    """Those that are not learned from, where there are such; at most MOST of them; never a test image."""
    many = {'dataset': 'phantom', 'channels': 1, 'num_train': None, 'num_test': None}
    cases = {'validation': {'division': '60/20/20'}, 'train': {'num_train': 30, 'num_test': 60}}
    for called, data in cases.items():
        config = config_of({**many, **data}, segmenter={'min_holdout_images': 1000})
        found = threshold.chooses_of(config, REAL, 'nowhere')
        there = open_split(config, called).ids
        assert found.called == found.split == called and called in CHOSEN_ON and set(found.ids) <= set(there)
        assert len(set(found.ids)) == len(found.ids) == min(threshold.MOST, len(there))
        assert not set(found.ids) & set(open_split(config, 'test').ids)
    config = config_of(many, segmenter={'min_holdout_images': 2, 'holdout': 0.2})
    held = threshold.chooses_of(config, REAL, 'nowhere')
    assert (held.called, held.split) == ('held_out', 'train') and set(held.ids) < set(open_split(config, 'train').ids)


def test_which_images_choose_for_another_hospital():
    """Its labelled ones; without labels none, but for what only shows pictures otherwise."""
    target = {'dataset': 'phantom_b', 'num_train': 8, 'num_test': 4, 'division': '60/20/20'}
    config = config_of({'dataset': 'phantom', 'channels': 1, 'num_test': 3}, sources={'target': target})
    found = threshold.chooses_of(config, Run(parse_regime('tuned'), 'unet', labelled=50.0), 'nowhere')
    assert found.called == found.split == VALIDATION in CHOSEN_ON and found.ids == open_split(config, VALIDATION).ids
    assert threshold.chooses_of(config, Run(parse_regime('munit'), 'unet', labelled=0.0), 'nowhere') is None
    tone = threshold.chooses_of(config, Run(parse_regime('tone'), 'unet', labelled=0.0), 'nowhere')
    assert tone == threshold.chooses_of(config, REAL, 'nowhere') and tone.called == 'train'


def test_only_one_class_of_scattered_organs_has_one():
    assert threshold.has_threshold(targets_of(VESSELS), VESSELS)
    assert threshold.has_threshold(targets_of(PNEUMOTHORAX, is_overlapping=True), PNEUMOTHORAX)
    assert not threshold.has_threshold(targets_of(CHEST), CHEST)
    assert not threshold.has_threshold(targets_of(CHEST, {'heart': ('heart',)}), CHEST)
    two = dataclasses.replace(CHEST, scattered=('heart', 'left_lung'))
    assert not threshold.has_threshold(targets_of(two, {'heart': ['heart'], 'lung': ['left_lung']}), two)
    assert not threshold.has_threshold(targets_of(two, {'all': ['heart', 'right_lung']}), two)


@pytest.mark.parametrize('is_overlapping', [False, True])
def test_masks_are_what_lies_above_it(is_overlapping):
    """Nothing else of what a model returns changes."""
    targets = Targets(('vessels',), (('vessels',),), is_overlapping)
    start = tf.keras.initializers.RandomNormal(seed=0)
    network = tf.keras.Sequential([tf.keras.layers.Conv2D(targets.num_outputs, 1, kernel_initializer=start)])
    trained = Trained(network, lambda pictures: pictures / 2 - 64, targets, (), None, 'standardised')
    picture = tf.random.stateless_uniform([1, 20, 14, 3], [1, 2], maxval=255)
    plain, low = (Segmenter(trained, 16, 16, 3, threshold=above).segment(picture) for above in (None, 0.31))
    loopless = Segmenter(trained, 16, 16, 3, threshold=0.31).without_loop().segment(picture)
    for name in plain:
        np.testing.assert_array_equal(low[name], loopless[name])
    np.testing.assert_array_equal(low['probabilities'], plain['probabilities'])
    probability = plain['probabilities'].numpy()[..., -1]
    np.testing.assert_array_equal(plain['class_map'], probability > 0.5)
    np.testing.assert_array_equal(low['class_map'], probability > np.float32(0.31))
    assert low['class_map'].numpy().sum() > plain['class_map'].numpy().sum()
    assert not is_overlapping or (low['masks'].numpy()[..., 0] == low['class_map'].numpy()).all()
    with pytest.raises(ValueError, match='expected none of several classes'):
        Segmenter(trained._replace(targets=targets_of(CHEST)), 16, 16, 3, threshold=0.3)


def test_a_run_keeps_it_with_its_model_its_scores_and_its_card(tmp_path, monkeypatch):
    config = config_of(segmenter={'synth_steps': 1, 'finetune_steps': 1})
    steps.prepare(config, tmp_path)
    steps.train_segmenter(config, REAL, tmp_path)
    row = steps.evaluate(arm_of(config, [REAL]), REAL, 'test', tmp_path)
    model = tmp_path / 'exports' / REAL.name / '1'
    chosen = export.read_description(model)['threshold']
    assert row['protocol']['threshold'] == chosen['threshold'] and row['protocol']['threshold_chosen_on'] == 'train'
    assert results.read_results(tmp_path / 'results.jsonl')[0]['protocol']['threshold'] == chosen['threshold']
    assert f'above {chosen["threshold"]:.2f}, the threshold' in (model / 'MODEL_CARD.md').read_text()

    finder = finders.of_model(model, tmp_path / 'records' / 'test')
    record = next(records.read(finder.info))
    found = finder.find(record, record['image'])
    np.testing.assert_array_equal(found.masks, found.probabilities() > np.float32(chosen['threshold']))
    write_png(tmp_path / 'eye.png', record['image'])
    predict.predict(model, [tmp_path / 'eye.png'], tmp_path / 'own')
    np.testing.assert_array_equal(read_picture(tmp_path / 'own' / 'eye.png'), found.masks[0])

    monkeypatch.setattr(threshold, '_shown', refuses)      # another export takes what was chosen
    other = export.export_segmenter(config, REAL, tmp_path, tmp_path / 'other')
    assert export.read_description(other)['threshold'] == chosen == read_json(
        tmp_path / 'exports' / REAL.name / 'threshold.json')['chosen']
    larger = dataclasses.replace(config, evaluation=dataclasses.replace(config.evaluation, size=32))
    with pytest.raises(Outdated, match=f'exports/{REAL.name} no longer fits: its threshold was chosen at 24 px') as raised:
        steps.exported(larger, REAL, tmp_path)
    assert raised.value.redo == (f'exports/{REAL.name}',)
