"""The whole measurement on drawn chests: copies and fresh samples must be told apart."""
import dataclasses
import shutil

import cv2
import numpy as np
import pytest

from datasets import records, writing
from datasets.errors import InputError
from datasets.files import read_json, write_json
from datasets.labels import CHEST
from datasets.phantom import phantom
from datasets.phantom.phantom import draw_phantom
from datasets.readers import Request, open_dataset
from pipelines.data import prepare
from pipelines.evaluation import organs, quality
from pipelines.evaluation.quality_file import read_quality
from pipelines.plan.config import Data
from pipelines.plan.methods import METHODS
from tests.conftest import tiny_config

SIZE = 48
COPIES, FRESH, BLURRED = METHODS['single'], METHODS['two'], METHODS['three']
CONFIG = tiny_config()


def write(directory, examples, size=SIZE, notes=None):
    examples = list(examples)

    def make(counted):
        counted.update(notes or {})
        return examples
    return writing.write_dataset(
        records.Info(directory, 'drawn', directory.name, size, 8, 0, CHEST,
                     [example.source_id for example in examples], {'count': len(examples)}), [make])


def chests(first, count, size=SIZE, change=lambda image: image):
    for index in range(first, first + count):
        sample = draw_phantom(0, index, size)
        yield records.Example(sample.id, sample.id, change(sample.image),
                              CHEST.encode(sample.masks))


def blurred(image):
    return cv2.GaussianBlur(image, (0, 0), 2)


@pytest.fixture(scope='module')
def workdir(tmp_path_factory):
    """Real records, and samples that copy the training set, are drawn anew, or are blurred."""
    workdir = tmp_path_factory.mktemp('quality')
    train = list(chests(0, 50))
    write(workdir / 'records' / 'train', train)
    # larger than the samples, as test records are
    write(workdir / 'records' / 'test', chests(phantom.FIRST_TEST_INDEX, 50, 2 * SIZE), 2 * SIZE)
    write(workdir / 'synthetic' / COPIES.name, train + train[:10],
          notes={'samples': 60, 'failed_check': 3, 'redrawn': 0, 'pixels': 1000,
                 'pixels_cleaned': 7, 'violation: heart': 3})
    write(workdir / 'synthetic' / FRESH.name, chests(1000, 60))
    write(workdir / 'synthetic' / BLURRED.name, chests(2000, 60, change=blurred))
    return workdir


@pytest.fixture(scope='module')
def measured(workdir):
    return {method: quality.measure_quality(CONFIG, method, workdir)
            for method in (COPIES, FRESH, BLURRED)}


@pytest.mark.parametrize('distance', ['features', 'correlation'])
def test_copies_are_told_from_fresh_samples(measured, distance):
    copies = measured[COPIES]['copying'][distance]
    fresh = measured[FRESH]['copying'][distance]
    low, high = fresh['chance_range_percent']
    assert copies['copied_percent'] == copies['below_minimum_percent'] == 100
    assert copies['generated_median'] == pytest.approx(0, abs=1e-6)
    assert low <= fresh['copied_percent'] <= high < 25
    assert fresh['generated_median'] == pytest.approx(fresh['held_out_median'], rel=0.3)


def test_blur_is_no_copying(measured):
    for distance in ('features', 'correlation'):
        shares = {method: measured[method]['copying'][distance]['nearest_real']
                  for method in measured}
        assert shares[COPIES]['trained_percent'] == 100
        for method in (FRESH, BLURRED):
            assert shares[method]['trained_percent'] <= shares[method]['chance_range_percent'][1]
        assert shares[FRESH]['chance_percent'] == 50


def test_scores_see_blur_and_take_fresh_samples_for_real(measured):
    real, fresh, blurred = (measured[FRESH]['scores_of_real'], measured[FRESH]['scores'],
                            measured[BLURRED]['scores'])
    assert fresh['fid_random'] < 1.5 * real['fid_random'] < 0.75 * blurred['fid_random']
    assert abs(fresh['kid_random']) < 3 * fresh['kid_random_error']
    assert blurred['kid_random'] > 3 * blurred['kid_random_error']
    assert min(fresh['precision'], fresh['recall']) > 0.5


def test_copies_score_no_better_than_the_training_images_but_for_the_distance_to_them(measured):
    copies = measured[COPIES]['scores']
    assert copies['fid_random'] > 0.7 * measured[COPIES]['scores_of_real']['fid_random']
    assert copies['fid_random_to_train'] < 0.2 * copies['fid_random']
    assert measured[FRESH]['scores']['fid_random_to_train'] > 5 * copies['fid_random_to_train']


def test_organs_of_drawn_chests_agree_at_two_sizes(measured):
    rows = {row['quantity']: row for row in measured[FRESH]['organs']}
    assert len(rows) == 5 * 5 + 2 * 3
    for quantity in ('heart area', 'left_lung centroid y', 'right_lung centroid x'):
        assert rows[quantity]['distance'] < 0.6
    assert rows['heart once']['real_mean'] == rows['heart once']['generated_mean'] == 1
    assert rows['heart once']['distance'] is None


def test_what_is_written(workdir, measured):
    result = measured[COPIES]
    assert read_json(workdir / 'quality' / 'single.json') == result
    assert 'NaN' not in (workdir / 'quality' / 'single.json').read_text()
    assert (workdir / 'quality' / 'single-nearest.png').is_file()
    assert result['held_out'] == {'split': 'test', 'count': 50}
    assert (result['features'], result['size'], result['num_samples'],
            result['num_train']) == ('random', SIZE, 60, 50)
    assert result['scores']['check_failures_percent'] == 5
    assert result['scores']['cleaned_pixels_percent'] == pytest.approx(0.7)
    assert result['scores']['repeated_percent'] == pytest.approx(100 * 10 / 60)  # of 50 images
    assert measured[FRESH]['scores']['repeated_percent'] == 0
    assert measured[FRESH]['scores']['check_failures_percent'] is None


def test_both_lines_compare_as_many_pictures(measured):
    """60 copies against 50 training images: of the copies 50 are drawn, so that neither line has more."""
    for method in measured:
        assert measured[method]['num_compared'] == 50
    features = np.arange(60.)[:, None]
    some = quality._some(features, 50)
    assert len(some) == 50 == len(set(some.ravel())) and (some == quality._some(features, 50)).all()
    assert (quality._some(features, 60) == features).all()


def test_a_file_of_unequal_numbers_is_still_read(measured, tmp_path):
    older = {key: value for key, value in measured[COPIES].items() if key != 'num_compared'}
    write_json(tmp_path / 'single.json', older)
    assert 'num_compared' not in read_quality(tmp_path / 'single.json')


def test_repeating_costs_nothing_until_the_samples_change(workdir, measured, monkeypatch, tmp_path):
    def fail(*_):
        raise AssertionError('measured again')
    monkeypatch.setattr(quality, 'load_pictures', fail)
    assert quality.measure_quality(CONFIG, FRESH, workdir) == measured[FRESH]
    copy = tmp_path / 'run'
    shutil.copytree(workdir, copy)
    shutil.rmtree(copy / 'synthetic' / FRESH.name)
    write(copy / 'synthetic' / FRESH.name, chests(3000, 60))
    with pytest.raises(AssertionError, match='measured again'):
        quality.measure_quality(CONFIG, FRESH, copy)


def test_another_file_under_the_name_is_refused(workdir, measured, tmp_path):
    older = {**measured[COPIES], 'scores': {'fid_random': 1.0}}
    for found in (measured[FRESH], {'method': 'single'}, older):
        write_json(tmp_path / 'single.json', found)
        with pytest.raises(InputError, match='single.json: expected the quality of the method single, '
                                             'found something else; remove it'):
            read_quality(tmp_path / 'single.json')


def test_left_out_images_come_before_test_images(workdir, tmp_path):
    copy = tmp_path / 'run'
    shutil.copytree(workdir, copy)
    write(copy / 'records' / 'left_out', chests(500, 6))
    result = quality.measure_quality(CONFIG, FRESH, copy)
    assert result['held_out'] == {'split': 'left_out', 'count': 6}
    shutil.rmtree(copy / 'records' / 'left_out')
    write(copy / 'records' / 'left_out', chests(500, 3))
    assert quality.measure_quality(CONFIG, FRESH, copy)['held_out']['split'] == 'test'


def test_tone_does_not_matter(workdir, measured, tmp_path):
    copy = tmp_path / 'run'
    shutil.copytree(workdir, copy)
    shutil.rmtree(copy / 'synthetic' / FRESH.name)
    write(copy / 'synthetic' / FRESH.name,
          chests(1000, 60, change=lambda image: (image // 2 + 20)))
    scores = quality.measure_quality(CONFIG, FRESH, copy)['scores']
    assert scores['fid_random'] == pytest.approx(measured[FRESH]['scores']['fid_random'], rel=0.1)


def test_resizing_keeps_labels_in_place(tmp_path):
    large, small = (write(tmp_path / str(size), chests(0, 4, size), size) for size in (192, 48))
    resized, drawn = quality.load_pictures(large, 48), quality.load_pictures(small, 48)
    assert (resized.labels == drawn.labels).mean() > 0.97
    assert resized.labels.max() < CHEST.num_codes
    assert np.abs(resized.images.astype(int) - drawn.images).mean() < 12
    assert len(quality.load_pictures(large, 48, at_most=3).images) == 3


def test_label_maps_are_reduced_as_those_that_the_generators_learn(tmp_path):
    """Eyes in a frame that is no square: what is reduced when it is measured and what was when it was prepared are
    one label map, so that a perfect generator is no deviation off."""
    drawn = open_dataset('phantom_retina', Request(None, 'train', channels=3, count=3, size=192))

    def load(id, samples={id: drawn.load(id) for id in drawn.ids}):
        image, masks, ignored = samples[id].image, samples[id].masks, samples[id].ignored
        return samples[id]._replace(image=image[:, 20:164], masks={'vessels': masks['vessels'][:, 20:164]},
                                    ignored=ignored[:, 20:164])
    eyes = drawn._replace(load=load)
    large, small = (prepare.write_records(eyes, tmp_path / str(size), 'train', size, 1, 0, Data(
        'phantom_retina', channels=3)) for size in (192, 48))
    reduced, prepared = quality.load_pictures(large, 48), quality.load_pictures(small, 48)
    np.testing.assert_array_equal(prepared.labels, records.load_arrays(small, ['labels'])['labels'])
    np.testing.assert_array_equal(reduced.labels, prepared.labels)
    assert 0.02 < prepared.labels.mean() < 0.5
    of_both = [organs.measure(pictures.labels, large.coding) for pictures in (reduced, prepared)]
    for row in organs.compare(*of_both):
        assert row.real_mean == row.generated_mean
        assert row.quantity.endswith('once') or row.distance == 0


def test_few_pictures(tmp_path):
    for split, count in (('train', 4), ('test', 3)):
        write(tmp_path / 'records' / split, chests(10 * count, count))
    write(tmp_path / 'synthetic' / 'two', chests(100, 5))
    scores = quality.measure_quality(CONFIG, FRESH, tmp_path)['scores']
    assert scores['precision'] is scores['kid_random_error'] is None
    assert scores['fid_random'] > 0
    shutil.rmtree(tmp_path / 'synthetic')
    write(tmp_path / 'synthetic' / 'two', chests(100, 1))
    with pytest.raises(InputError, match='two: expected at least 2 pictures .*, found 1'):
        quality.measure_quality(CONFIG, FRESH, tmp_path)


def test_a_features_file_that_is_none(workdir, tmp_path):
    def measure(name):
        evaluation = dataclasses.replace(CONFIG.evaluation, inception_weights=str(tmp_path / name))
        quality.measure_quality(dataclasses.replace(CONFIG, evaluation=evaluation), FRESH, workdir)

    with pytest.raises(InputError, match='evaluation.inception_weights: no such file'):
        measure('none.h5')
    (tmp_path / 'text.h5').write_text('nothing')
    with pytest.raises(InputError, match='evaluation.inception_weights: Inception weights: exp'):
        measure('text.h5')


def test_what_a_stage_learned_from_without_labels_is_learned_from(workdir, tmp_path):
    """Samples of three_more that are such pictures are copies, under whatever names they stand there."""
    shutil.copytree(workdir / 'records', tmp_path / 'records')
    more = [example._replace(source_id=known.source_id) for example, known in zip(chests(3000, 20), chests(0, 20))]
    write(tmp_path / 'records' / 'pseudo', more)
    write(tmp_path / 'synthetic' / 'three_more', more)
    write(tmp_path / 'synthetic' / FRESH.name, more)
    copies, fresh = (quality.measure_quality(CONFIG, method, tmp_path) for method in (METHODS['three_more'], FRESH))
    assert copies['copying']['features']['copied_percent'] == 100 > fresh['copying']['features']['copied_percent']
    assert (copies['num_train'], fresh['num_train']) == (70, 50)
    assert copies['copying']['features']['nearest_real']['trained_percent'] == 100
