"""predict.py's work: label maps, overlays, CSV; every odd picture read right or refused in a line."""
import csv

import cv2
import numpy as np
import pytest

from datasets.errors import InputError
from pipelines.serving import predict
from tests.pipelines.serving.test_export import model, picture  # noqa: F401  (a fixture)

CLASSES = ['background', 'left_lung', 'heart', 'right_lung']


def test_cardiothoracic_ratio_by_hand():
    class_map = np.zeros((4, 12), int)
    class_map[1, 1:4] = 3     # lungs reach from column 1 to 10
    class_map[2, 8:11] = 1
    class_map[3, 4:8] = 2     # the heart is 4 wide
    assert predict.cardiothoracic_ratio(class_map, CLASSES) == 0.4
    assert predict.cardiothoracic_ratio(np.zeros((4, 4)), CLASSES) is None
    assert predict.cardiothoracic_ratio(class_map, ['background', 'disc']) is None


def test_label_maps_overlays_and_rows(model, tmp_path):  # noqa: F811
    small, large = picture()[0, ..., 0], picture(30, 90, 1)[0, ..., 0]
    cv2.imwrite(str(tmp_path / 'a.png'), small.astype(np.uint8))
    folder = tmp_path / 'more'
    folder.mkdir()
    cv2.imwrite(str(folder / 'b.png'), (large * 200).astype(np.uint16))
    cv2.imwrite(str(folder / 'c.png'), cv2.merge([small.astype(np.uint8)] * 3))
    rows = predict.predict(model, [tmp_path / 'a.png', folder], tmp_path / 'out')
    found = cv2.imread(str(tmp_path / 'out' / 'b.png'), cv2.IMREAD_UNCHANGED)
    assert found.shape == (30, 90) and found.dtype == np.uint8 and found.max() < 4
    assert cv2.imread(str(tmp_path / 'out' / 'b_overlay.png')).shape == (30, 90, 3)
    # grey stored as three equal channels is the same picture
    assert (cv2.imread(str(tmp_path / 'out' / 'a.png')) ==
            cv2.imread(str(tmp_path / 'out' / 'c.png'))).all()
    with open(tmp_path / 'out' / 'predictions.csv') as file:
        table = list(csv.DictReader(file))
    assert [row['file'].rsplit('/', 1)[-1] for row in table] == ['a.png', 'b.png', 'c.png']
    assert int(table[1]['heart_px']) == (found == 2).sum() == rows[1]['heart_px']
    assert sum(int(table[1][f'{c}_px']) for c in CLASSES[1:]) == (found > 0).sum()


def write_bad(folder, kind):
    path = folder / f'{kind}.png'
    if kind == 'constant':
        cv2.imwrite(str(path), np.full((9, 9), 7, np.uint8))
    elif kind == 'colour':
        cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (9, 9, 3)).astype(np.uint8))
    elif kind == 'broken':
        path.write_bytes(b'\x89PNG not really')
    return path


@pytest.mark.parametrize('kind, message', [
    ('constant', 'constant.png'), ('colour', 'colour.png'), ('broken', 'broken.png'),
    ('absent', 'no such file or folder')])
def test_bad_pictures_are_one_line_and_nothing_is_written(model, tmp_path, kind, message):  # noqa: F811
    good = tmp_path / 'good.png'
    cv2.imwrite(str(good), picture()[0, ..., 0].astype(np.uint8))
    bad = write_bad(tmp_path, kind)
    with pytest.raises(InputError) as error:
        predict.predict(model, [good, bad], tmp_path / 'out')
    assert message in str(error.value) and '\n' not in str(error.value)
    assert not (tmp_path / 'out').exists()


def test_the_pictures_are_never_overwritten(model, tmp_path):  # noqa: F811
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), picture()[0, ..., 0].astype(np.uint8))
    before = path.read_bytes()
    with pytest.raises(InputError, match='expected another folder than that of the pictures'):
        predict.predict(model, [tmp_path], tmp_path)
    assert path.read_bytes() == before


def test_pictures_of_one_name_or_none_are_refused(tmp_path):
    for folder in ('one', 'two'):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'x.png').write_bytes(b'')
    with pytest.raises(InputError, match="two pictures are called 'x'"):
        predict.list_pictures([tmp_path / 'one', tmp_path / 'two'])
    (tmp_path / 'empty').mkdir()
    with pytest.raises(InputError, match='expected pictures .*, found none'):
        predict.list_pictures([tmp_path / 'empty'])


def test_a_stray_pixel_is_no_heart():
    class_map = np.zeros((8, 20), int)
    class_map[1:3, 1:8], class_map[1:3, 11:18] = 3, 1
    class_map[4:6, 6:11] = 2
    ratio = predict.cardiothoracic_ratio(class_map, CLASSES)
    class_map[7, 19] = 2
    assert predict.cardiothoracic_ratio(class_map, CLASSES) == ratio == 5 / 17


def test_many_names_are_compared_at_once(tmp_path):
    for number in range(3000):
        (tmp_path / f'{number}.png').touch()
    (tmp_path / '._1.png').touch()  # what a Mac leaves
    assert len(predict.list_pictures([tmp_path])) == 3000
