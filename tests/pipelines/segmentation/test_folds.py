"""A validation fold: three parts of a phantom archive, the epoch by the mean J over images, lengths in epochs."""
import cv2
import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from pipelines.data.sources import open_split
from pipelines.experiment import steps
from pipelines.experiment.opening import open_experiment
from pipelines.experiment.possible import check_possible
from pipelines.plan import matrix, segmenters
from pipelines.plan.loading import from_dict, to_dict
from pipelines.plan.regimes import Run, parse_regime
from pipelines.plan.workdir import Workdir
from pipelines.scores import results, runs
from pipelines.segmentation import task as segmentation
from pipelines.training import logs
from tests.conftest import tiny_config
from tests.pipelines.experiment.test_steps import draw_fundus
from tests.toys import segmenter

REAL = Run(parse_regime('real'), 'toynet')
FOLDS = dict(
    regimes=['real'], data={'size': 32, 'num_train': 3, 'num_test': 6, 'augment': 1, 'division': 'folds', 'folds': 3,
                            'validation': 1, 'dots_size': 32},
    segmenter={'network': 'toynet', 'size': 32, 'crop': 32, 'batch_size': 2, 'epochs': 4,
               'weight_decay': 5e-4, 'targets': {'lungs': ['left_lung', 'right_lung']}}, evaluation={'size': 32})


@pytest.fixture(scope='module', autouse=True)
def toynet():
    """A network of two convolutions, trained by cross entropy alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(segmenters.SEGMENTERS, 'toynet', segmenters.Segmenter(
            'tests.toys.segmenter:build', segmenter.Options, segmenters.Sides(words='any number')))
        yield


def fold_config(**changes):
    sections = {**FOLDS, **changes}
    tree = to_dict(tiny_config(**{**sections, 'segmenter': {}}))
    return from_dict({**tree, 'segmenter': sections['segmenter']})


@pytest.fixture(scope='module')
def prepared(tmp_path_factory, toynet):
    """(config, workdir) with the records of one fold."""
    config, workdir = fold_config(), tmp_path_factory.mktemp('fold')
    steps.prepare(config, workdir)
    return config, workdir


def test_the_epoch_is_chosen_by_the_mean_of_j_over_the_images_of_the_validation_fold(prepared, monkeypatch):
    config, workdir = prepared
    parts = {name: records.read_info(workdir / 'records' / name) for name in ('train', 'validation', 'test')}
    assert [info.count for info in parts.values()] == [3, 3, 3]
    assert len({id for info in parts.values() for id in info.ids}) == 9
    # the upper half of every picture is said to be lung
    upper = tf.cast(tf.range(32) < 16, tf.int32)[None, :, None] * tf.ones([1, 32, 32], tf.int32)
    monkeypatch.setattr(segmentation, 'predict_probabilities', lambda network, images, crop, targets: tf.one_hot(
        tf.tile(upper, [tf.shape(images)[0], 1, 1]), targets.num_outputs))
    task = segmentation.segmenter_task(config, REAL, workdir)
    codes = records.load_arrays(parts['validation'])['labels']
    lungs, said = np.isin(codes, (1, 2, 6, 7)), np.arange(32)[None, :, None] < 16
    of_images = 100 * (lungs & said).sum((1, 2)) / (lungs | said).sum((1, 2))
    pooled = 100 * (lungs & said).sum() / (lungs | said).sum()
    assert task.validation.score() == pytest.approx(of_images.mean()) != pytest.approx(pooled, rel=1e-5)
    assert task.validation.best is task.networks['chosen'] and not task.averages


def test_tasks_together_choose_by_the_mean_over_their_masks(prepared, monkeypatch):
    """Clavicles lie on lungs; the upper half of every picture is said to be each of both."""
    _, workdir = prepared
    config = fold_config(segmenter={**FOLDS['segmenter'], 'overlapping': True, 'targets': {
        'lungs': ['left_lung', 'right_lung'], 'clavicles': ['left_clavicle', 'right_clavicle']}})
    upper = np.tile(np.arange(32)[:, None, None] < 16, (1, 32, 2)).astype(np.float32)
    monkeypatch.setattr(segmentation, 'predict_probabilities',
                        lambda network, images, crop, targets: tf.tile(upper[None], [tf.shape(images)[0], 1, 1, 1]))
    codes = records.load_arrays(records.read_info(workdir / 'records' / 'validation'))['labels']
    said, means = np.arange(32)[None, :, None] < 16, []
    for of_task in ((1, 2, 6, 7), (4, 5, 6, 7)):
        mask = np.isin(codes, of_task)
        means.append(np.mean(100 * (mask & said).sum((1, 2)) / (mask | said).sum((1, 2))))
    score = segmentation.segmenter_task(config, REAL, workdir).validation.score()
    assert score == pytest.approx(np.mean(means)) and min(means) > 0


def test_an_epoch_is_every_image_once_and_then_it_is_validated(prepared):
    """Three images in batches of two: two updates, four times."""
    config, workdir = prepared
    task = segmentation.segmenter_task(config, REAL, workdir)
    assert (task.steps, task.validation.every) == (8, 2)
    assert [len(group.variables) > 0 for group in task.phases[0].updates[0].groups] == [True, True]
    augmented = fold_config(data={**FOLDS['data'], 'augment': 6})
    assert segmentation.updates_of(augmented, REAL, 3 * 6) == 4 * 9
    held = fold_config(data={**FOLDS['data'], 'validation': 0},
                       segmenter={**FOLDS['segmenter'], 'min_holdout_images': 2, 'holdout': 0.25})
    assert segmentation.steps_of(held, REAL, 40) == 4 * 15  # 10 of 40 choose


def test_a_fold_is_scored_with_its_chosen_epoch_and_the_missing_folds_are_said(tmp_path):
    config = fold_config(matrix=[{'arm': 'lungs', 'folds': [1]}])
    (arm,), folder = matrix.arms_of(config), tmp_path / 'lungs-fold1'
    open_experiment(config, tmp_path, [arm])
    steps.train_segmenter(arm.config, REAL, folder)
    steps.evaluate(arm, REAL, 'test', folder)
    row, = results.collect(tmp_path)
    assert (row['fold'], row['division'], row['num_real'], row['organs'], row['protocol']['epochs']) == (
        1, '3 folds, 1 for validation', 3, ['lungs'], 4)
    told = [(line['jaccard_validation'], -line['step'])
            for line in logs.read_rows(Workdir(folder).segmenter(REAL) / 'losses.jsonl')
            if 'jaccard_validation' in line]
    assert [-step for _, step in told] == [2, 4, 6, 8]
    assert (row['protocol']['updates'], row['protocol']['chosen_update']) == (8, -max(told)[1])
    assert runs.joined([row]) == ([], ['lungs, real, toynet, seed 0: fold 0, 2 of 3'])
    before = (folder / 'results.jsonl').read_bytes()
    open_experiment(config, tmp_path, [arm])
    steps.evaluate(arm, REAL, 'test', folder)
    assert (folder / 'results.jsonl').read_bytes() == before


def test_a_task_that_the_data_set_has_not_is_refused_before_anything_is_made():
    liver = fold_config(segmenter={**FOLDS['segmenter'], 'targets': {'liver': ['liver']}})
    with pytest.raises(InputError, match="segmenter.targets.liver: expected organs of the data set .*found 'liver'"):
        check_possible(matrix.arms_of(liver)[0], True)


@pytest.mark.parametrize('part', ['train', 'validation', 'test'])
def test_a_fold_without_the_organ_in_a_part_is_refused(tmp_path, part):
    """Six pictures in three parts; the macula, which may be absent, is in no picture of one."""
    draw_fundus(tmp_path, [f'a{i}' for i in range(6)], np.random.default_rng(0))
    (tmp_path / 'coding.yaml').write_text('organs: [disc, macula]\noptional: [macula]\n')
    config = fold_config(data={**FOLDS['data'], 'dataset': 'folder', 'source': str(tmp_path), 'num_train': None,
                               'num_test': None},
                         segmenter={**FOLDS['segmenter'], 'targets': {'macula': ['macula']}})
    arm, = matrix.arms_of(config)
    check_possible(arm, True)
    for id in open_split(config, part).ids:
        path = tmp_path / 'masks' / 'macula' / f'{id}.png'
        cv2.imwrite(str(path), 0 * cv2.imread(str(path), 0))
    with pytest.raises(InputError, match=f'data.fold=0: none of the 2 pictures of {part} shows macula; take fewer'):
        check_possible(arm, True)
