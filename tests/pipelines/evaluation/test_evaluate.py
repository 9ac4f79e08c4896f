"""An evaluation of vessels: their own scores, inside the field of view alone, from masks and probabilities."""
import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.files import read_json
from datasets.images import read_picture
from datasets.readers import Request, open_dataset
from datasets.targets import Scored, Targets, scored_on, targets_of
from pipelines.data import prepare
from pipelines.evaluation import finders
from pipelines.evaluation.evaluate import evaluate
from pipelines.plan.config import Data
from pipelines.scores import metrics, results, thin
from pipelines.serving import export
from tests.evaluations import make_evaluation


@pytest.fixture(scope='module')
def eyes(tmp_path_factory):
    dataset = open_dataset('phantom_retina', Request(None, 'test', channels=3, count=3, size=64))._replace(
        is_at_detector=True)
    return prepare.write_records(dataset, tmp_path_factory.mktemp('eyes') / 'r', 'test', 64, 1, 0, Data(
        'phantom_retina', channels=3))


def darkness(image):
    """A segmenter: the darker green is, the more likely a vessel; outside the field of view it is sure of them."""
    probability = 1 - image[..., 1:2] / 255
    both = tf.concat([1 - probability, probability], -1)
    return {'class_map': tf.cast(probability[..., 0] > 0.5, tf.uint8), 'probabilities': both}


@pytest.fixture
def scored(eyes, monkeypatch, tmp_path):
    own = targets_of(eyes.coding)
    monkeypatch.setattr(export, 'load_segmenter_on', lambda model, directory, chosen: (
        darkness, eyes, own, scored_on(own, eyes.coding)))
    monkeypatch.setattr(export, 'read_description', lambda model: {})
    evaluate(finders.of_model('model', eyes.directory), tmp_path / 'scores.json', tmp_path / 'sheet.png')
    return read_json(tmp_path / 'scores.json')


def test_vessels_have_scores_of_their_own(scored, eyes):
    """As by hand, from the pixels of the field."""
    assert scored['at_detector'] is True
    areas = []
    for number, row in enumerate(records.read(eyes)):
        known, target = row['ignored'] == 0, row['labels'] == 1
        guess = 1 - row['image'][..., 1].astype(np.float32) / 255
        measured = np.array(scored['images']['thin'][number])[0]
        assert measured[:4].sum() == known.sum() < known.size
        assert measured[thin.Column.REST] == (known & ~target & (guess <= 0.5)).sum()
        areas.append(thin.roc_auc(target[known], guess[known]))
        assert measured[thin.Column.AUC] == pytest.approx(areas[-1], abs=1e-3) and areas[-1] > 60
    assert scored['scores']['auc_per_image']['vessels'][0] == pytest.approx(np.mean(areas), abs=1e-3)
    of_thin = {name for name, metric in metrics.METRICS.items() if metric.measure == metrics.THIN}
    assert of_thin <= set(scored['scores'])
    for name in of_thin:
        value, low, high = scored['scores'][name]['vessels']
        assert low <= value <= high


def test_results_take_them_and_refuse_what_does_not_follow(scored, tmp_path):
    row = make_evaluation(organs=scored['organs'], images=scored['images'], scores=scored['scores'])
    assert results.append_results(tmp_path / 'results.jsonl', [row]) == 1
    kept, = results.read_results(tmp_path / 'results.jsonl')
    assert kept['scores']['cldice_per_image'] == scored['scores']['cldice_per_image']
    row['scores']['specificity_pooled']['vessels'][0] += 1
    with pytest.raises(ValueError, match='specificity_pooled of vessels: the images give'):
        results.append_results(tmp_path / 'other.jsonl', [row])


def test_probabilities_of_classes_that_are_scored_together():
    """Of classes that exclude each other they add up; of overlapping ones the larger counts."""
    probabilities = np.array([0.1, 0.6, 0.3])[:, None, None] * np.ones((1, 2, 2))   # background, arteries, veins
    names = ('arteries', 'veins')
    for is_overlapping, wanted in ((False, 0.9), (True, 0.6)):
        found = Targets(names, (('arteries',), ('veins',)), is_overlapping)
        given = np.moveaxis(probabilities[1:] if is_overlapping else probabilities, 0, -1)[None]
        of_classes = export.probabilities_of({'probabilities': tf.constant(given)}, found)
        assert of_classes.shape == (2, 2, 2)
        together = Scored(Targets(('vessels',), (names,), is_overlapping), ((0, 1),), ())
        np.testing.assert_allclose(together.united_probabilities(of_classes), np.full((1, 2, 2), wanted))


def test_classes_without_labels_are_drawn_though_not_scored(eyes, monkeypatch, tmp_path):
    """In the prediction alone, in the model's colour."""
    own = Targets(('vessels', 'disc'), (('vessels',), ('disc',)))
    left = np.zeros((1, 64, 64), np.uint8)
    left[:, 20:40, 20:40] = 2

    def segment(image):
        classes = left[:, :image.shape[1], :image.shape[2]]
        return {'class_map': tf.constant(classes), 'probabilities': tf.one_hot(classes, 3)}

    monkeypatch.setattr(export, 'load_segmenter_on', lambda model, directory, chosen: (
        segment, eyes, own, scored_on(own, eyes.coding)))
    monkeypatch.setattr(export, 'read_description', lambda model: {'colours': [[0, 0, 0], [1, 1, 1], [255, 0, 200]]})
    found = evaluate(finders.of_model('model', eyes.directory), tmp_path / 'scores.json', tmp_path / 'sheet.png')
    assert found.left_out == ('disc',) and read_json(tmp_path / 'scores.json')['organs'] == ['vessels']
    sheet = read_picture(tmp_path / 'sheet.png', 3)
    columns = np.array_split((sheet == [255, 0, 200]).all(-1), 3, axis=1)
    assert [bool(column.any()) for column in columns] == [False, False, True]
