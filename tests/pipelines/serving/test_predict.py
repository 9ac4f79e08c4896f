"""predict.py's work: label maps, overlays, CSV; every odd picture read right or refused in a line."""
import csv

import cv2
import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import InputError
from pipelines.serving import pictures, predict
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


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'')


def test_folders_are_walked_and_their_names_kept(tmp_path):
    scans = tmp_path / 'scans'
    touch(scans / 'one/x.png', scans / 'two/x.JPG', scans / 'z.v1.tif', scans / 'one/notes.txt',
          scans / 'one/._x.png', scans / '.trash/y.png', scans / 'segmented/one/x.png')
    found = pictures.list_pictures([scans], scans / 'segmented')
    assert list(found.values()) == ['one/x', 'two/x', 'z.v1']


def test_pictures_whose_results_would_meet_or_none_are_refused(tmp_path):
    touch(tmp_path / 'one/x.png', tmp_path / 'two/x.png')
    with pytest.raises(InputError, match='--input: the results of .*one/x.png and .*two/x.png would both be called '
                                         'x.png; segment them into two folders'):
        pictures.list_pictures([tmp_path / 'one', tmp_path / 'two'])
    touch(tmp_path / 'one/x_overlay.png')
    with pytest.raises(InputError, match='would both be called x_overlay.png'):
        pictures.list_pictures([tmp_path / 'one'])
    touch(tmp_path / 'four/X.png', tmp_path / 'four/x.png')
    with pytest.raises(InputError, match='would both be called'):  # where a disk does not tell X from x
        pictures.list_pictures([tmp_path / 'four'])
    touch(tmp_path / 'three/x.jpg', tmp_path / 'three/x.png')
    with pytest.raises(InputError, match='would both be called x.png'):
        pictures.list_pictures([tmp_path / 'three'])
    (tmp_path / 'empty').mkdir()
    with pytest.raises(InputError, match='expected pictures .*, found none'):
        pictures.list_pictures([tmp_path / 'empty'])
    touch(tmp_path / 'clinic/a/1.dcm', tmp_path / 'clinic/a/2.txt')
    assert list(pictures.list_pictures([tmp_path / 'clinic']).values()) == ['a/1']  # what it holds is seen on reading


def test_inputs_are_checked_before_the_model_is_loaded(model, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(predict.export, 'load_segmenter', None)
    (tmp_path / 'scan.dcm').write_bytes(bytes(128) + b'DICM')
    with pytest.raises(InputError, match='scan.dcm: (cannot be read as DICOM|DICOM is read by pydicom)'):
        predict.predict(model, [tmp_path / 'scan.dcm'], tmp_path / 'out')
    cv2.imwrite(str(tmp_path / 'a.png'), picture()[0, ..., 0].astype(np.uint8))
    (tmp_path / 'file').touch()
    with pytest.raises(InputError, match='--output .*file: cannot write there'):
        predict.predict(model, [tmp_path / 'a.png'], tmp_path / 'file')


def test_names_that_are_no_text_are_written_as_they_are(tmp_path):
    """A name in Latin-1 on a system of UTF-8: Python keeps its bytes, and so does the table."""
    name = b'M\xfcller.png'.decode('utf-8', 'surrogateescape')
    predict._write_csv(tmp_path / 'x.csv', [{'file': name}])
    assert (tmp_path / 'x.csv').read_bytes() == b'file\r\nM\xfcller.png\r\n'


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
    assert len(pictures.list_pictures([tmp_path])) == 3000


@pytest.mark.parametrize('learned, asked, trims', [
    ({}, None, False), ({'trim_borders': True}, None, True), ({'trim_borders': True}, False, False), ({}, True, True)])
def test_a_trimmed_border_comes_back_as_background(tmp_path, monkeypatch, learned, asked, trims):
    """A stand-in finds an organ everywhere that it is shown."""
    shown = []

    def segment(image):
        shown.append(image.shape[1:3])
        return {'class_map': tf.ones(image.shape[:3], tf.uint8)}

    described = {'classes': ['background', 'lungs'], 'colours': [[0, 0, 0], [9, 9, 9]], **learned}
    monkeypatch.setattr(predict.export, 'read_description', lambda model: described)
    monkeypatch.setattr(predict.export, 'load_segmenter', lambda model: (segment, described))
    image = np.random.default_rng(0).integers(60, 255, (50, 40)).astype(np.uint8)
    image[38:], image[:, :6] = 0, 0
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    row, = predict.predict('model', [tmp_path / 'a.png'], tmp_path / 'out', asked)
    found = cv2.imread(str(tmp_path / 'out' / 'a.png'), cv2.IMREAD_UNCHANGED)
    expected = np.zeros_like(image) if trims else np.ones_like(image)
    expected[:38, 6:] = 1
    np.testing.assert_array_equal(found, expected)
    assert shown == [(38, 34) if trims else (50, 40)]
    assert (row['height'], row['width'], row['lungs_px']) == (50, 40, expected.sum())
