"""The second task of Pix2Pix MTdG: a bone-suppressed picture from the data set to the batch, learned, left behind."""
import dataclasses
import json

import cv2
import numpy as np
import pytest
import tensorflow as tf
import yaml
from PIL import Image

from datasets import records
from datasets.errors import InputError
from datasets.phantom.phantom import draw_phantom
from pipelines.data import pixels
from pipelines.experiment import steps
from pipelines.experiment.opening import open_experiment
from pipelines.plan import matrix, segmenters, strict
from pipelines.plan.augmentation import Augmentation
from pipelines.plan.config import MatrixBlock
from pipelines.plan.loading import from_dict
from pipelines.plan.regimes import Run, parse_regime
from pipelines.segmentation import network as networks, task as segmentation
from pipelines.serving.export import export_segmenter, load_segmenter
from tests.conftest import TINY, tiny_config
from tests.toys import segmenter

REAL = Run(parse_regime('real'), 'pix2pix_mtdg_both')
MOVES = Augmentation(rotation=10, shift=0.1, scale=0.1, elastic=0.02, gamma=0.4)


def both_config(data, **settings):
    """Tiny, of real pairs alone, with MTdG of both tasks in the place of SMANet."""
    return from_dict({**TINY, 'regimes': ['real'], 'data': {**TINY['data'], 'bone_suppressed': True, **data},
                      'segmenter': {'network': 'pix2pix_mtdg_both', 'size': 256, 'crop': 256, 'width': 0.125,
                                    'batch_size': 1, **settings}, 'run': {**TINY['run'], 'checkpoint_seconds': 60.0}})


@pytest.fixture
def source(tmp_path):
    """Two wide pictures; their bone-suppressed ones are they, at half the size in another grey scale."""
    folder = tmp_path / 'mine'
    for index, id in enumerate('ab'):
        sample = draw_phantom(3, index, 120)
        half = cv2.resize(sample.image[:90], (60, 45), interpolation=cv2.INTER_AREA)
        for name, array in (('images', sample.image[:90]), ('bone_suppressed', 20 + half // 2),
                            ('masks/heart', 255 * sample.masks['heart'][:90].astype(np.uint8))):
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(folder / name / f'{id}.png')
    (folder / 'coding.yaml').write_text(yaml.safe_dump({'organs': ['heart']}))
    (folder / 'train.txt').write_text('a\n')
    (folder / 'test.txt').write_text('b\n')
    return folder


def folder_config(source, **changes):
    data = {'dataset': 'folder', 'source': str(source), 'num_train': None, 'num_test': None, 'augment': 5,
            'bone_suppressed': True}
    return tiny_config(regimes=['real'], data={**data, **changes})


def alike(one, other):
    """Correlation of two pictures, whatever their grey scales."""
    return np.corrcoef(np.ravel(one).astype(float), np.ravel(other).astype(float))[0, 1]


def test_versions_in_records_move_with_their_image(source, tmp_path):
    """The original, turned, and three shifts; none of them has noise."""
    info = steps.prepare(folder_config(source), tmp_path / 'run')
    rows = records.load_arrays(info)
    assert info.has_bone_suppressed and rows['bone_suppressed'].shape == rows['image'].shape == (5, 48, 48, 1)
    likeness = np.array([[alike(image, suppressed) for suppressed in rows['bone_suppressed']]
                         for image in rows['image']])
    assert likeness.argmax(1).tolist() == [0, 1, 2, 3, 4] and likeness.diagonal().min() > 0.99
    test = records.read_info(tmp_path / 'run' / 'records' / 'test')
    assert not test.has_bone_suppressed


def batch_of(config, workdir, augmentation, monkeypatch):
    """Of a network of two convolutions: what batches hold is the word of its row."""
    monkeypatch.setitem(segmenters.SEGMENTERS, 'toynet', segmenters.Segmenter(
        'tests.toys.segmenter:build', segmenter.Options, segmenters.Sides(words='any'), also=('bone_suppressed',)))
    config = dataclasses.replace(config, segmenter=dataclasses.replace(
        config.segmenter, network='toynet', options=segmenter.Options(), augmentation=augmentation))
    phase, = segmentation.segmenter_task(config, Run(parse_regime('real'), 'toynet'), workdir).phases
    batch = next(iter(phase.batches(0)))
    assert {name: (tuple(value.shape), value.dtype) for name, value in batch.items()} == {
        name: (tuple(spec.shape), spec.dtype) for name, spec in phase.batch_spec.items()}
    return {name: value.numpy() for name, value in batch.items()}


def test_in_training_it_moves_with_the_image_and_takes_its_tone_but_not_its_noise(source, tmp_path, monkeypatch):
    config, workdir = folder_config(source, augment=1), tmp_path / 'run'
    steps.prepare(config, workdir)
    still, moved, noisy = (batch_of(config, workdir, how, monkeypatch) for how in (
        Augmentation(), MOVES, dataclasses.replace(MOVES, noise=0.5)))
    for image, suppressed, before in zip(moved['image'], moved['bone_suppressed'], still['bone_suppressed']):
        assert alike(image, suppressed) > 0.99 > alike(suppressed, before) + 0.02
    np.testing.assert_array_equal(noisy['bone_suppressed'], moved['bone_suppressed'])
    assert np.abs(noisy['image'] - moved['image']).max() > 0.1
    for batch in (still, moved):
        low, high = batch['bone_suppressed'].min(), batch['bone_suppressed'].max()
        assert -1.001 <= low < -0.9 and 0.9 < high <= 1.001
    toned = batch_of(config, workdir, Augmentation(gamma=0.4), monkeypatch)
    assert np.abs(toned['bone_suppressed'] - still['bone_suppressed']).max() > 0.05


def test_nobody_who_does_not_ask_has_it(tmp_path, monkeypatch):
    """Records, their description and their recipe have the bytes that they had; notes of before still fit."""
    plain, asking, workdir = tiny_config(regimes=['real']), tiny_config(
        regimes=['real'], data={'bone_suppressed': True}), tmp_path / 'run'
    arms = [matrix.arm_of(plain, [Run(parse_regime('real'))])]
    open_experiment(plain, workdir, arms, say=lambda text: None)
    info = steps.prepare(plain, workdir)
    features = tf.train.Example.FromString(next(tf.data.TFRecordDataset(info.paths).as_numpy_iterator())).features
    assert not [key for key in features.feature if 'suppressed' in key]
    for name in (records.INFO, 'recipe.json'):
        assert 'suppressed' not in (workdir / 'records' / 'train' / name).read_text()
    note = workdir / 'records' / 'train' / 'made_with.json'
    assert json.loads(note.read_text())['settings']['data'].get('bone_suppressed', False) is False
    with pytest.raises(InputError, match=r'records/train no longer fits: it was made with data.bone_suppressed False '
                                         r'and not True\. '):   # and no other records
        open_experiment(asking, workdir, [matrix.arm_of(asking, [Run(parse_regime('real'))])], say=lambda text: None)
    # a note of an older version, which did not know the key
    monkeypatch.setattr('pipelines.plan.notes.kept_note', lambda folder, name, read=__import__(
        'pipelines.plan.notes', fromlist=['']).kept_note: _without_key(read(folder, name)))
    open_experiment(plain, workdir, arms, say=lambda text: None)


def _without_key(note):
    if note:
        note['settings'].get('data', {}).pop('bone_suppressed', None)
    return note


@pytest.mark.parametrize('spoil, message', [
    (lambda folder: [path.unlink() for path in folder.iterdir()] and folder.rmdir(),
     r'data.bone_suppressed: expected a data set with bone-suppressed pictures, .*found folder without; set it to'),
    (lambda folder: (folder / 'a.png').unlink(), 'expected a picture for every image, found none for a'),
    (lambda folder: Image.fromarray(np.arange(2700, dtype=np.uint16).reshape(45, 60)).save(folder / 'a.png'),
     'a.png: expected the 8 bits of its image, found 16; convert it'),
    (lambda folder: Image.fromarray(np.eye(60, dtype=np.uint8)).save(folder / 'a.png'),
     "a.png: expected a bone-suppressed picture of the picture's aspect, 90 x 120, found 60 x 60"),
    (lambda folder: Image.fromarray(np.zeros((45, 60), np.uint8)).save(folder / 'a.png'), 'found the same value 0')])
def test_pictures_that_cannot_be_learned_are_one_line(source, tmp_path, spoil, message):
    spoil(source / 'bone_suppressed')
    with pytest.raises(InputError, match=message) as error:
        steps.prepare(folder_config(source), tmp_path / 'run')
    assert '\n' not in str(error.value) and not (tmp_path / 'run' / 'records' / 'train' / records.INFO).exists()
    steps.prepare(folder_config(source, bone_suppressed=False), tmp_path / 'run')   # who does not ask does not look


def test_a_changed_picture_is_noticed(source, tmp_path):
    config, workdir, say = folder_config(source), tmp_path / 'run', lambda text: None
    arms = [matrix.arm_of(config, [Run(parse_regime('real'))])]
    open_experiment(config, workdir, arms, say=say)
    steps.prepare(config, workdir)
    open_experiment(config, workdir, arms, say=say)
    picture = np.array(Image.open(source / 'bone_suppressed' / 'a.png'))
    Image.fromarray(picture[::-1]).save(source / 'bone_suppressed' / 'a.png')
    with pytest.raises(InputError, match='records/train no longer fits: .*other pictures or masks of a'):
        open_experiment(config, workdir, arms, say=say)


@pytest.mark.parametrize('data, regime, message', [
    ({}, 'finetune3', 'regime: expected one of real pairs alone .real, restart., .*no bone_suppressed picture, found'),
    ({'size': 32}, 'synth1', "found 'synth1'"),
    ({'bone_suppressed': False}, 'real', 'data.bone_suppressed: expected true, for it learns that picture too, found')])
def test_what_does_not_bring_the_picture_is_refused_when_it_is_planned(data, regime, message):
    config = both_config(data)
    with pytest.raises(InputError, match=f'segmenter pix2pix_mtdg_both: .*{message}'):
        matrix.arm_of(config, [Run(parse_regime(regime), 'pix2pix_mtdg_both')])
    block = {'regimes': [regime], 'segmenters': ['pix2pix_mtdg_both']}
    with pytest.raises(InputError, match=message):
        matrix.arms_of(dataclasses.replace(config, matrix=(strict.build(MatrixBlock, block, '', 'matrix'),)))
    matrix.arm_of(both_config({}), [Run(parse_regime('restart'), 'pix2pix_mtdg_both')])


def test_records_without_the_picture_are_refused_by_the_training(tmp_path):
    config = both_config({'num_train': 1, 'augment': 1})
    steps.prepare(dataclasses.replace(config, data=dataclasses.replace(config.data, bone_suppressed=False)), tmp_path)
    with pytest.raises(InputError, match='records/train: expected records with bone_suppressed, .*found none; set'):
        segmentation.segmenter_task(config, REAL, tmp_path)


def test_both_tasks_are_learned_and_the_classes_exported(tmp_path):
    """One drawn chest, by heart: where bones lay, what is drawn is nearer to what lies behind than the input is.

    Of seven trainings by other seeds and rates the distances are 0.36 to 0.52 of the input's; half as long, up to 0.69.
    Elsewhere the input is the answer but for its tone, and so small a network blurs the grain.
    """
    config = both_config({'size': 256, 'num_train': 1, 'num_test': 1, 'augment': 1, 'draw': 7}, synth_steps=160,
                         finetune_steps=40, learning_rate=2e-3, average_decay=0.9)
    steps.train_segmenter(config, REAL, tmp_path)
    info = records.read_info(tmp_path / 'records' / 'train')
    row = next(records.read(info))
    network = networks.trained_network(config, REAL, 4, tmp_path)
    drawn = np.tanh(network.both(pixels.standardise(tf.cast(row['image'], tf.float32))[None])[0, ..., -1] / 2)
    image, wanted = (pixels.stretch(row[name]).numpy()[..., 0] for name in ('image', 'bone_suppressed'))
    bones = np.abs(row['image'][..., 0].astype(int) - row['bone_suppressed'][..., 0]) > 8
    assert 0.1 < bones.mean() < 0.2
    assert np.abs(drawn - wanted)[bones].mean() < 0.75 * np.abs(image - wanted)[bones].mean()
    assert np.abs(drawn - wanted).mean() < 0.2 * np.abs(wanted - np.median(wanted)).mean()
    export_segmenter(config, REAL, tmp_path, tmp_path / 'model')
    segment, description = load_segmenter(tmp_path / 'model' / '1')
    found = segment(tf.constant(row['image'][None, :200], tf.float32))
    assert set(found) == {'class_map', 'probabilities'} and len(description['classes']) == 4
    assert found['probabilities'].shape == (1, 200, 256, 4)
    assert np.mean((found['class_map'][0].numpy() > 0) == (info.coding.projection[row['labels'][:200]] > 0)) > 0.7


def test_names_in_tables():
    names = ('pix2pix_mtdg', 'pix2pix_mtdg_both')
    assert [segmenters.label_of(name) for name in names] == ['Pix2Pix dG', 'Pix2Pix MTdG']
