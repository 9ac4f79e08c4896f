"""Blinded readings: page and key agree, the page stands alone and gives nothing away."""
import base64
import json
import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets import records
from datasets.errors import InputError
from datasets.files import read_json
from datasets.labels import CHEST
from pipelines.evaluation import finders
from pipelines.reading import layout, unblinding
from pipelines.serving import export
from tests.pipelines.reading.conftest import COUNT, SIZE, TARGETS, predicted
from tests.pipelines.reading.test_unblinding import write_answers

pytestmark = pytest.mark.usefixtures('model')


def make(folder, output, **options):
    """-> (key, data of the page, the page's text)."""
    key = layout.make_reading(finders.of_model('model', folder), output, **options)
    assert key == read_json(output / 'key.json')
    page = (output / 'reading.html').read_text(encoding='utf-8')
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return key, json.loads(found[1]), page


def by_name(folder):
    info = records.read_info(folder)
    return {Path(row['name'].decode()).stem: row for row in records.read(info)}


def test_the_key_says_which_side_the_prediction_is(folder, tmp_path):
    key, data, _ = make(folder, tmp_path / 'out')
    rows = by_name(folder)
    assert sorted(p['image'] for p in key['pairs']) == sorted(rows) and len(rows) == COUNT
    assert [p['pair'] for p in key['pairs']] == list(range(1, COUNT + 1))
    assert key['reading'] == data['reading'] and key['chosen'] == 'all, 6 of 6'
    for pair, shown in zip(key['pairs'], data['pairs']):
        row, other = rows[pair['image']], {'A': 'B', 'B': 'A'}[pair['prediction']]
        said = predicted(row['image'][..., 0].astype(np.float32))
        assert shown[pair['prediction']] == layout.contours(said, 4)
        assert shown[other] == layout.contours(CHEST.projection[row['labels']], 4)


def test_the_page_gives_nothing_away(folder, tmp_path):
    key, data, page = make(folder, tmp_path / 'out')
    assert data.keys() == {'reading', 'pairs', 'organs', 'left_right'}
    assert all(pair.keys() == {'picture', 'width', 'height', 'A', 'B'} for pair in data['pairs'])
    assert [organ['name'] for organ in data['organs']] == ['left lung', 'heart', 'right lung']
    for word in ('phantom', 'predict', 'target', 'truth', 'seed', str(folder)):
        assert word not in re.sub('event.target', '', page), word
    # the record's order says nothing either: neither pairs nor sides follow it
    names = list(by_name(folder))
    assert [pair['image'] for pair in key['pairs']] != names


def test_swapping_sides_swaps_two_drawings_and_nothing_else(folder):
    info = records.read_info(folder)
    pairs = [layout.make_pair(row, predicted(row['image'][..., 0]), info, TARGETS)
             for row in records.read(info)]
    one = layout.page_data(pairs, {pair.name: 'A' for pair in pairs}, info.coding, TARGETS)
    two = layout.page_data(pairs, {pair.name: 'B' for pair in pairs}, info.coding, TARGETS)
    assert one.pop('reading') != two.pop('reading')
    assert [pair['A'] for pair in one['pairs']] == [pair.prediction for pair in pairs]
    for pair in two['pairs']:
        pair['A'], pair['B'] = pair['B'], pair['A']
    assert one == two


def test_a_seed_repeats_the_page_byte_for_byte_and_another_does_not(folder, tmp_path):
    pages, keys = {}, {}
    for run, seed in (('one', 1), ('again', 1), ('two', 2)):
        keys[run], _, pages[run] = make(folder, tmp_path / run, seed=seed)
    assert pages['one'] == pages['again'] and keys['one'] == keys['again']
    assert keys['one']['pairs'] != keys['two']['pairs']
    assert keys['one']['reading'] != keys['two']['reading']


def test_sides_are_balanced_and_of_their_own():
    names = [f'JPCLN{i:03d}' for i in range(400)]
    sides = [[layout.prediction_side(seed, name) for name in names] for seed in (0, 1)]
    for drawn in sides:
        assert 160 < drawn.count('A') < 240   # four standard deviations of a coin
    assert 160 < sum(a == b for a, b in zip(*sides)) < 240


def test_some_at_random_or_the_hardest(folder, tmp_path):
    few, data, _ = make(folder, tmp_path / 'few', count=2)
    more, _, _ = make(folder, tmp_path / 'more', count=4)
    assert len(data['pairs']) == 2 and few['chosen'] == 'at random, 2 of 6'
    assert {p['image'] for p in few['pairs']} < {p['image'] for p in more['pairs']}
    info = records.read_info(folder)
    agreement = {pair.name: pair.agreement for pair in (
        layout.make_pair(row, predicted(row['image'][..., 0].astype(np.float32)), info, TARGETS)
        for row in records.read(info))}
    worst = sorted(agreement, key=agreement.get)[:3]
    hardest, _, _ = make(folder, tmp_path / 'hardest', count=3, hardest=True)
    assert {p['image'] for p in hardest['pairs']} == set(worst)
    assert hardest['chosen'] == 'hardest, 3 of 6'


def test_agreement_is_the_mean_over_organs(folder):
    info = records.read_info(folder)
    row = dict(next(iter(by_name(folder).values())))
    target = CHEST.projection[row['labels']]
    assert layout.make_pair(row, target, info, TARGETS).agreement == 100
    assert layout.make_pair(row, np.where(target == 2, 0, target), info, TARGETS).agreement == (
        pytest.approx(200 / 3))
    row['labels'] = np.zeros_like(row['labels'])
    assert layout.make_pair(row, np.zeros_like(target), info, TARGETS).agreement == 100


def test_contours_by_hand():
    class_map = np.zeros((512, 512), np.uint8)
    class_map[20:30, 10:15] = 2
    assert layout.contours(class_map, 3) == ['', 'M10 20 10 29 14 29 14 20z']
    # one pixel of a small map is a block of the picture
    assert layout.contours(np.array([[0, 1], [0, 0]]), 2) == ['M256 0 256 255 511 255 511 0z']


def test_the_picture_is_that_of_the_record_enlarged(folder, tmp_path):
    key, data, _ = make(folder, tmp_path / 'out')
    header, encoded = data['pairs'][0]['picture'].split(',')
    assert header == 'data:image/jpeg;base64'
    assert (data['pairs'][0]['width'], data['pairs'][0]['height']) == (512, 512)
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (512, 512)
    image = by_name(folder)[key['pairs'][0]['image']]['image'][..., 0].astype(float)
    small = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(small.ravel(), image.ravel())[0, 1] > 0.98


def test_colours_keep_their_order():
    picture = np.zeros((40, 20, 3), np.uint8)
    picture[..., 0] = 255  # red
    encoded = layout._data_uri(picture).split(',')[1]
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (512, 256, 3) and shown[0, 0, 2] > 250 and shown[0, 0, 0] < 5


@pytest.mark.parametrize('options, message', [
    ({'count': COUNT + 1}, '--count 7: expected 1 to the 6 images'),
    ({'hardest': True}, '--hardest: expected how many images too')])
def test_what_cannot_be_chosen(folder, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        make(folder, tmp_path / 'out', **options)
    assert not (tmp_path / 'out').exists()


def test_other_refusals_of_making(folder, tmp_path, monkeypatch):
    with pytest.raises(InputError, match='exists already; choose a new folder'):
        make(folder, tmp_path)
    monkeypatch.setattr(layout, 'MAX_PAIRS', 5)
    with pytest.raises(InputError, match='at most 5 images on one page, found 6'):
        make(folder, tmp_path / 'out')
    monkeypatch.setattr(export, 'load_segmenter', lambda model: (None, {'classes': ['a']}))
    with pytest.raises(InputError, match="expected the classes of the model, .*'a'"):
        make(folder, tmp_path / 'out')
    assert list(tmp_path.iterdir()) == []


def test_page_to_table(folder, tmp_path):
    """Whoever always takes the prediction of a real key is found out."""
    made, _, _ = make(folder, tmp_path / 'out')
    answers = {str(p['pair']): (p['prediction'], '') for p in made['pairs']}
    path = write_answers(tmp_path / 'a.json', answers, reading=made['reading'])
    unblinded = unblinding.tabulate(tmp_path / 'out' / 'key.json', [path])
    assert unblinded.tables[0].rows[0][1:5] == ('6', '0', '0', '0')
    assert {row.image for row in unblinded.rows} == set(by_name(folder))


def test_make_reading_says_who_must_not_get_the_key(folder, tmp_path, monkeypatch, capsys):
    from tools import common, make_reading
    monkeypatch.setattr(common, 'setup_tensorflow', lambda: None)   # the tests have done so
    monkeypatch.setattr(sys, 'argv', ['make_reading.py', '--model', 'm', '--records', str(folder),
                                      '--output', str(tmp_path / 'out'), '--count', '2'])
    make_reading.main()
    printed = capsys.readouterr().out
    assert re.search('^NOT for readers: .*key.json', printed, re.M)
    assert '2 pairs (images: at random, 2 of 6)' in printed
    made = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert made == ['key.json', 'reading.html']


def test_the_seed_is_secret_unless_it_is_named(folder, tmp_path, monkeypatch):
    from tools import common, make_reading
    monkeypatch.setattr(common, 'setup_tensorflow', lambda: None)
    monkeypatch.setattr(make_reading.secrets, 'randbelow', lambda limit: limit - 5)
    for name, given, seed in (('drawn', [], 2 ** 31 - 5), ('named', ['--seed', '0'], 0)):
        monkeypatch.setattr(sys, 'argv', [
            'make_reading.py', '--model', 'm', '--records', str(folder), '--output',
            str(tmp_path / name), *given])
        make_reading.main()
        assert read_json(tmp_path / name / 'key.json')['seed'] == seed
