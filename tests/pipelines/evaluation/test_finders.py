"""Label maps of another program are scored and read as those of a model of ours, or refused before anything is."""
import json

import cv2
import numpy as np
import pytest

from datasets import records
from datasets.errors import InputError
from datasets.files import read_json, write_png
from datasets.readers import Request, open_dataset
from pipelines.data import prepare
from pipelines.evaluation.evaluate import evaluate
from pipelines.evaluation.finders import of_model, of_predictions
from pipelines.plan.config import Data
from tests.command import call, refused
from tests.drawn import draw_folder
from tests.odd_folder import make_folder

CODES = {'left_lung': 1, 'heart': 2, 'right_lung': 3}


@pytest.fixture(scope='module')
def model(finished):
    return finished[1] / 'exports' / 'real-smanet-0' / '1'


@pytest.fixture(scope='module')
def place(finished):
    return finished[1] / 'records' / 'test'


def write_maps(folder, maps):
    folder.mkdir(exist_ok=True)
    for name, values in maps.items():
        write_png(folder / f'{name}.png', values.astype(np.uint8))
    return folder


@pytest.fixture
def predictions(model, place, tmp_path):
    """What the model finds, as another program would leave it."""
    finder = of_model(model, place)
    return write_maps(tmp_path / 'found', {
        row['source_id'].decode(): finder.targets.class_map(finder.find(row, finder.info.shown(row)[0]).masks)
        for row in records.read(finder.info)})


def test_the_same_label_maps_have_the_same_scores(model, place, predictions, tmp_path):
    """Also four times as large, which is cut down again, under other codes, and as a subset of the classes."""
    evaluate(of_model(model, place), tmp_path / 'own.json')
    evaluate(of_predictions(predictions, place, CODES), tmp_path / 'theirs.json', tmp_path / 'sheet.png')
    own, theirs = read_json(tmp_path / 'own.json'), read_json(tmp_path / 'theirs.json')
    assert own['scores'] == theirs['scores'] and own['images'] == theirs['images']
    assert theirs['model'] == str(predictions) and (tmp_path / 'sheet.png').exists()
    recoded, table = tmp_path / 'recoded', np.array([0, 9, 8, 7], np.uint8)
    write_maps(recoded, {path.stem: table[cv2.resize(cv2.imread(str(path), -1), None, fx=4, fy=4,
                                                     interpolation=cv2.INTER_NEAREST)]
                         for path in predictions.iterdir()})
    (recoded / 'coding.yaml').write_text('{organs: [left_lung, heart, right_lung], values: [0, 9, 8, 7]}')
    evaluate(of_predictions(recoded, place, chosen={'lungs': ['left_lung', 'right_lung']}), tmp_path / 'lungs.json')
    evaluate(of_model(model, place, {'lungs': ['left_lung', 'right_lung']}), tmp_path / 'own_lungs.json')
    assert read_json(tmp_path / 'lungs.json')['images'] == read_json(tmp_path / 'own_lungs.json')['images']
    (recoded / 'coding.yaml').rename(tmp_path / 'coding.yaml')
    (recoded / 'dataset.json').write_text(json.dumps(
        {'labels': {'background': 0, 'left_lung': 9, 'heart': 8, 'right_lung': 7}, 'file_ending': '.png'}))
    evaluate(of_predictions(recoded, place), tmp_path / 'nnunet.json')
    assert read_json(tmp_path / 'nnunet.json')['images'] == own['images']


def test_a_class_that_is_made_of_several_organs(model, place, predictions, tmp_path):
    both = write_maps(tmp_path / 'both', {path.stem: np.isin(cv2.imread(str(path), -1), (1, 3))
                                          for path in predictions.iterdir()})
    chosen = {'lungs': ['left_lung', 'right_lung']}
    evaluate(of_predictions(both, place, {'lungs': 1}, chosen), tmp_path / 'theirs.json')
    evaluate(of_model(model, place, chosen), tmp_path / 'own.json')
    assert read_json(tmp_path / 'theirs.json')['images'] == read_json(tmp_path / 'own.json')['images']


def test_pictures_cut_to_their_film_take_label_maps_of_the_whole(tmp_path):
    """Left of the film is a black border; what is predicted there is left out."""
    source = make_folder(tmp_path / 'mine', 2, 1, shape=(60, 60))
    for path in sorted((source / 'images').iterdir()):
        image = cv2.imread(str(path), -1)
        image[:, :image.shape[1] // 6] = 0
        cv2.imwrite(str(path), image)
    for path in (source / 'masks').glob('*/*.png'):
        mask = cv2.imread(str(path), -1)
        mask[:, :mask.shape[1] // 4] = 0
        cv2.imwrite(str(path), mask)
    data = Data('folder', trim_borders=True)
    info = prepare.write_records(open_dataset('folder', Request(str(source), 'test')), tmp_path / 'r', 'test', 40, 1, 0,
                                 data)
    row, = records.read(info)
    top, left, height, width = map(int, row['cut_from'])
    assert left >= 10 and (top, height, width) == (0, 60, 60)
    whole = np.zeros((60, 60), np.uint8)
    whole[20:40, :30] = 1
    name = row['source_id'].decode()
    found = of_predictions(write_maps(tmp_path / 'found', {name: whole}), info.directory, {'kidney': 1})
    cut = of_predictions(write_maps(tmp_path / 'cut', {name: whole[:, left:]}), info.directory, {'kidney': 1})
    masks = found.find(row, info.shown(row)[0]).masks
    assert masks.shape[1:] == info.shown(row)[1].shape and masks.any()
    assert (masks == cut.find(row, None).masks).all()
    for wrong in (whole[:, :40], whole.T[:30]):
        write_maps(tmp_path / 'found', {name: wrong})
        with pytest.raises(InputError, match='expected a label map of the picture\'s aspect'):
            of_predictions(tmp_path / 'found', info.directory, {'kidney': 1})


def test_refused_before_anything_is_scored(place, predictions, tmp_path):
    name = next(iter(predictions.iterdir())).stem
    for codes, change, message in (
            (None, None, r'which codes are which classes\? Say --classes, as left_lung=1 heart=2 right_lung=3'),
            ({'left_lung': 1, 'heart': 2}, None, r'label code 3 is out of range: expected of \[0, 1, 2\]'),
            ({'spleen': 1}, None, 'expected the classes of the model'),
            (CODES, lambda: write_maps(predictions, {name: np.zeros((64, 32))}), 'a label map of the picture\'s aspect'),
            (CODES, lambda: write_maps(predictions, {name: np.zeros((1, 1))}), 'of its record, 64 x 64, found a smaller one, 1 x 1'),
            (CODES, lambda: write_maps(predictions, {name: np.zeros((24, 24))}), 'found a smaller one, 24 x 24'),
            (CODES, lambda: (predictions / f'{name}.png').write_bytes(b'no picture'), f'{name}.png'),
            (CODES, lambda: (predictions / f'{name}.png').unlink(), f'found none of {name}')):
        if change:
            change()
        with pytest.raises(InputError, match=message):
            of_predictions(predictions, place, codes)
    with pytest.raises(InputError, match='expected a folder of label maps, <id>.png, found none'):
        of_predictions(tmp_path / 'none', place, CODES)


def test_the_tools_take_them(finished, place, predictions, tmp_path):
    _, workdir = finished
    asked = ['--predictions', predictions, '--records', place]
    classes = ['--classes', *(f'{name}={code}' for name, code in CODES.items())]
    assert 'different codes' in refused(call('evaluate_segmenter', *asked, '--classes', 'a=1', 'b=1', '--output',
                                             tmp_path / 'x.json'))
    assert '--classes: expected with --predictions' in refused(call(
        'evaluate_segmenter', '--model', 'm', '--records', place, *classes, '--output', tmp_path / 'x.json'))
    done = call('make_reading', *asked, *classes, '--output', tmp_path / 'reading')
    assert done.returncode == 0 and (tmp_path / 'reading' / 'reading.html').exists(), done.stderr
    done = call('evaluate_segmenter', *asked, *classes, '--output', tmp_path / 'x.json')
    assert done.returncode == 0 and '3 images at 64 px' in done.stdout, done.stderr


def test_a_picture_that_its_record_enlarges_takes_a_label_map_of_its_own_shape(tmp_path):
    source = draw_folder(tmp_path / 'a', list('abcd'))   # 40 x 40
    info = prepare.write_records(open_dataset('folder', Request(str(source), 'test')), tmp_path / 'records', 'test', 96, 1, 0, Data('folder'))
    maps = {id: cv2.imread(str(source / 'masks' / 'disc' / f'{id}.png'), -1) > 0 for id in info.ids}
    evaluate(of_predictions(write_maps(tmp_path / 'own', maps), info.directory, {'disc': 1}), tmp_path / 'own.json')
    assert read_json(tmp_path / 'own.json')['scores']['jaccard_pooled']['average'][0] > 95
    smaller = {id: cv2.resize(found.astype(np.uint8), (20, 20)) for id, found in maps.items()}
    with pytest.raises(InputError, match='of its record, 96 x 96, found a smaller one, 20 x 20'):
        of_predictions(write_maps(tmp_path / 'smaller', smaller), info.directory, {'disc': 1})
