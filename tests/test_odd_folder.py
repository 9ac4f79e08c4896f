"""The whole chain on pictures as users bring them: each comes back in its own shape."""
import base64
import csv
import json

import cv2
import numpy as np
import pytest
import tensorflow as tf
import yaml

from datasets import records
from datasets.errors import InputError
from datasets.files import read_json
from datasets.fitting import crop
from datasets.targets import scored_on, targets_of
from pipelines.data.prepare import prepare_split, resize_sample
from pipelines.data.sources import open_split
from pipelines.evaluation import finders
from pipelines.evaluation.evaluate import evaluate
from pipelines.experiment.run import run_experiment
from pipelines.plan.regimes import Run, parse_regime
from pipelines.plan.workdir import Workdir
from pipelines.scores import metrics
from pipelines.segmentation.task import segmenter_task
from pipelines.serving import export, predict
from tests.conftest import made_once, tiny_config
from tests.odd_folder import draw, make_folder

REAL = Run(parse_regime('real'))


def config_of(source, **data):
    return tiny_config(experiment='kidneys', configuration='kidneys', regimes=['real'], data={
        'dataset': 'folder', 'source': str(source), 'num_train': None, 'num_test': None,
        'field_of_view_mm': [150.0, 120.0], **data})


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """(config, workdir) of REAL trained, scored and shown."""
    folder = made_once(tmp_path_factory, 'odd', lambda folder: run_experiment(
        config_of(make_folder(folder / 'source')), folder / 'run', say=lambda text: None))
    return config_of(folder / 'source'), folder / 'run'


def test_records_hold_the_whole_picture_undistorted(run):
    config, workdir = run
    info = records.read_info(workdir / 'records' / 'test')
    assert (info.fit, info.bits) == ('pad', 16)  # one of the test pictures has 16 bits
    dataset = open_split(config, 'test')
    for row, id in zip(records.read(info), dataset.ids):
        sample = dataset.load(id)
        assert row['source_id'].decode() == id and tuple(row['shape']) == sample.image.shape
        box = info.box(row)
        assert (box.height, box.width) == (64, 51) and box.left == 6
        own = cv2.resize(sample.image, (51, 64), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(crop(row['image'], box)[..., 0], own)
        outside = np.ones((64, 64), bool)
        outside[:, box.left:box.left + box.width] = False
        assert (row['image'][outside] == own.min()).all() and not row['labels'][outside].any()


def test_scores_are_those_of_the_picture_without_its_surroundings(run):
    config, workdir = run
    segment, info, targets, _ = export.load_segmenter_on(
        Workdir(workdir).export(REAL) / '1', workdir / 'records' / 'test')
    scored = read_json(workdir / 'evaluations' / 'real-smanet-0-test.json')
    for number, row in enumerate(records.read(info)):
        image, labels, _ = info.shown(row)
        found = export.masks_of(segment(tf.constant(image[None], tf.float32)), targets)
        own = metrics.measure(targets.masks(info.coding, labels), found, (150 / 64, 120 / 51))
        assert (own['counts'] == np.array(scored['images']['counts'][number])).all()
        np.testing.assert_allclose(own['distances'], np.array(scored['images']['distances'][number], float))
    assert np.allclose(scored['spacing_mm'], [150 / 64, 120 / 51])
    for organ, missing in (('cyst', 1), ('kidney', 0)):  # what is absent costs nothing where nothing is found
        assert sum(sum(of[targets.names.index(organ)][::2]) == 0 for of in scored['images']['counts']) == missing


def test_predictions_have_the_shape_of_the_pictures(run, tmp_path):
    config, workdir = run
    images = workdir.parent / 'source' / 'images'
    rows = predict.predict(Workdir(workdir).export(REAL) / '1', [images], tmp_path / 'out')
    shapes = {path.name: cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape[:2] for path in images.iterdir()}
    assert set(shapes.values()) == {(75, 60), (150, 120)} and len(rows) == 9
    for row in rows:
        name = row['file'].rsplit('/', 1)[-1]
        found = cv2.imread(str(tmp_path / 'out' / f'{name[:3]}.png'), cv2.IMREAD_UNCHANGED)
        assert found.shape == shapes[name] == (row['height'], row['width'])
    with open(tmp_path / 'out' / 'predictions.csv') as file:
        assert next(csv.reader(file)) == ['file', 'height', 'width', 'kidney_px', 'cyst_px']


def test_what_an_experiment_shows_has_the_aspect_of_the_pictures(run):
    shown = [*(run[1] / 'pictures').glob('*.png'), *(run[1] / 'predictions').glob('*.png')]
    assert {cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape[:2] for path in shown} == {(64, 51)}
    assert len(shown) == 9


def test_readers_see_the_shape_of_the_pictures(run):
    page = (run[1] / 'reading' / 'reading.html').read_text()
    pairs = json.loads(page.split('id="data">')[1].split('</script>')[0])['pairs']
    for pair in pairs:
        data = base64.b64decode(pair['picture'].split(',')[1])
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        assert picture.shape[:2] == (pair['height'], pair['width']) == (512, 408)


def test_a_field_of_another_aspect_is_refused(run, tmp_path):
    config, _ = run
    with pytest.raises(InputError, match=r'k00: expected a picture of the aspect of the field of view, 100 x 100 '
                                         r'mm, found 75 x 60 px'):
        prepare_split(config_of(config.data.source, field_of_view_mm=[100.0, 100.0]), tmp_path, 'train')
    assert not (tmp_path / 'records').exists()


def test_each_picture_has_its_own_millimetres(run, tmp_path):
    """Pictures of one field in two resolutions: the spacing of a record is that of its own picture."""
    source = make_folder(tmp_path / 'source')
    lines = [f'k{number:02},{2.0 / (1 + number % 2)}' for number in range(9)]
    (source / 'spacing.csv').write_text('\n'.join(lines))
    info = prepare_split(config_of(source, field_of_view_mm=None), tmp_path, 'train')
    spacings = {info.spacing_mm(row) for row in records.read(info)}
    assert spacings == {(150 / 48, 120 / 38)}


def test_stretching_is_a_choice(run):
    sample = open_split(run[0], 'train').load('k00')
    stretched = resize_sample(sample, 48, 'stretch')
    np.testing.assert_array_equal(stretched.image, cv2.resize(sample.image, (48, 48), interpolation=cv2.INTER_AREA))


@pytest.fixture
def with_unknown(tmp_path):
    """(config, folder) of pictures of codes, of which a corner is nobody's."""
    source = make_folder(tmp_path / 'source', train=2, test=2)
    (source / 'labels').mkdir()
    for number in range(4):
        masks = draw(number, *(side * (1 + number % 2) for side in (75, 60)))[1]
        stored = (masks['kidney'] * 100 + masks['cyst'] * 200).astype(np.uint8)
        stored[:stored.shape[0] // 3, :stored.shape[1] // 2] = 255
        cv2.imwrite(str(source / 'labels' / f'k{number:02}.png'), stored)
    (source / 'coding.yaml').write_text(yaml.safe_dump({
        'organs': ['kidney', 'cyst'], 'optional': ['cyst'], 'values': [0, 100, 200], 'ignore': 255}))
    return config_of(source, field_of_view_mm=None), tmp_path


def test_pixels_that_nobody_knows_do_not_train(with_unknown):
    config, folder = with_unknown
    prepare_split(config, folder, 'train')
    task = segmenter_task(config, REAL, folder)
    phase, = task.phases
    batch = next(iter(phase.batches(1)))
    assert batch.keys() == phase.batch_spec.keys() == {'image', 'label', 'key', 'ignored'}
    assert 0 < batch['ignored'].numpy().mean() < 0.3
    assert not (batch['label'].numpy() * batch['ignored'].numpy()).any()
    update, = phase.updates
    loss = update.loss(batch, {})[0]
    other = {**batch, 'label': batch['label'] + batch['ignored']}  # another class where nobody knows
    assert float(update.loss(other, {})[0]) == float(loss)
    known = {**other, 'ignored': tf.zeros_like(batch['ignored'])}
    assert float(update.loss(known, {})[0]) != float(loss)


def test_pixels_that_nobody_knows_do_not_score(with_unknown, monkeypatch):
    config, folder = with_unknown
    prepare_split(config, folder, 'train')
    info = prepare_split(config, folder, 'test')

    def kidney_everywhere(image):
        return {'class_map': tf.ones(image.shape[:3], tf.uint8)}

    own = targets_of(info.coding)
    monkeypatch.setattr(export, 'load_segmenter_on', lambda model, directory, chosen: (
        kidney_everywhere, info, own, scored_on(own, info.coding)))
    evaluate(finders.of_model('model', info.directory), folder / 'scores.json')
    for row, counts in zip(records.read(info), read_json(folder / 'scores.json')['images']['counts']):
        labels, ignored = (crop(row[key], info.box(row)) for key in ('labels', 'ignored'))
        right, invented, missed = counts[0]
        assert ignored.any() and right == (labels == 1).sum() and missed == 0
        assert right + invented == labels.size - ignored.sum()
