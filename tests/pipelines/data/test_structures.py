"""What cleaning, the anatomical check and dots do to real label maps: blobs suit them, vessels do not."""
import dataclasses

import cv2
import numpy as np
import pytest

from datasets.labels import VESSELS, Code, LabelCoding
from datasets.phantom import phantom
from datasets.phantom.retina import draw_retina
from pipelines.data import structures
from pipelines.data.prepare import prepare_split, resize_sample
from pipelines.plan.config import Labels
from pipelines.plan.methods import METHODS
from tests.conftest import tiny_config
from tests.odd_folder import make_folder

ALL = list(METHODS.values())


def coding(**changes):
    codes = (Code((), (0, 0, 0), None), Code(('disc',), (1, 1, 1), 'disc'), Code(('vessel',), (2, 2, 2), 'vessel'))
    return LabelCoding('eye', ('disc', 'vessel'), codes, ('disc', 'vessel'), **changes)


def eyes(count=8, size=64):
    """Label maps of a disc and of four vessels, a pixel wide."""
    found = []
    for number in range(count):
        rng, label_map = np.random.default_rng(number), np.zeros((size, size), np.uint8)
        for row in (6, 16, 46, 56):
            points = np.stack([np.arange(0, size, 8), row + rng.integers(-2, 3, size // 8)], -1)
            cv2.polylines(label_map, [points.reshape(-1, 1, 2).astype(np.int32)], False, 2)
        cv2.circle(label_map, (20 + number % 3, 30), 8, 1, -1)
        found.append(label_map)
    return found


def test_blobs_suit_every_rule():
    data = phantom.open_phantom('train', 6, 96, 0)
    maps = [data.coding.encode(resize_sample(data.load(id), 96).masks) for id in data.ids]
    labels = Labels('onehot', clean='auto', reject='auto')
    found = structures.examine(maps, data.coding, labels)
    assert found.failing == 0 and structures.warnings(found, data.coding, labels, ALL) == []
    assert all(organ.seen == organ.whole == 1 for organ in found.organs.values())
    settled = structures.settled(labels, found)
    assert settled.reject is True and settled.clean is all(o.removed <= 0.01 for o in found.organs.values())


def test_vessels_suit_none():
    labels = Labels('grey', clean=True, reject=True)
    found = structures.examine(eyes(), coding(), labels)
    assert found.organs['vessel'].removed > 0.5 and found.organs['disc'].removed < 0.2
    assert found.organs['vessel'].failing == found.failing == 1 and found.organs['disc'].failing < 0.5
    told = '\n'.join(structures.warnings(found, coding(), labels, ALL))
    assert 'vessel: cleaning would remove ' in told and 'set labels.clean=false or auto' in told
    assert '100% of the real label maps fail the anatomical check, most for vessel: set labels.reject=false' in told
    assert 'vessel: in several pieces, which a dot does not describe: the three-stage method does not fit, the ' \
           'two-stage method does (--regimes real synth2 finetune2)' in told
    assert structures.settled(Labels('grey', clean='auto', reject='auto'), found) == Labels('grey', clean=False, reject=False)
    assert structures.settled(labels, found) == labels
    assert [structures.warnings(found, coding(), labels, some) for some in ([], [METHODS['two']])][0] == []
    assert 'three-stage' not in '\n'.join(structures.warnings(found, coding(), labels, [METHODS['two']]))


def test_scattered_organs_are_kept_and_pass_but_have_no_dot():
    scattered = coding(scattered=('vessel',))
    labels = Labels('grey', clean=True, reject=True)
    found = structures.examine(eyes(), scattered, labels)
    assert found.organs['vessel'].removed == 0 and found.organs['vessel'].failing == 0
    told = structures.warnings(found, scattered, labels, ALL)
    assert any('vessel: in several pieces' in line for line in told)


def test_shares_by_hand():
    half, empty = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
    half[:, :5] = 1
    half[2, 8] = 2   # one pixel: cleaning takes it
    empty[:, :5] = 1
    found = structures.examine([half, empty], coding(optional=('vessel',)), Labels('onehot'))
    disc, vessel = found.organs['disc'], found.organs['vessel']
    assert (disc.seen, disc.area, disc.removed, disc.whole) == (1, 0.5, 0, 1)
    assert (vessel.seen, vessel.area, vessel.removed, vessel.whole) == (0.5, 0.01, 1, 1)
    assert found.contrast == pytest.approx(0.5)  # of the disc, which fills half of the 8 x 8 cells
    assert structures.table(found)[2].split() == ['vessel', '50.0%', '1.0%', '100.0%', '0.0%', '100.0%']


def test_what_small_pictures_do_not_show_is_drawn_by_its_distance():
    """Vessels alone; with a disc beside them there is something to see, and of real maps a PGGAN draws none."""
    maps = [VESSELS.encode(draw_retina(0, number, 128).masks) for number in range(4)]
    two, grey = [METHODS['two']], Labels('grey', clean=False, reject=False)
    found = structures.examine(maps, VESSELS, grey)
    assert 0.02 < found.contrast < 0.1
    assert [line.split(':')[0] for line in structures.warnings(found, VESSELS, grey, two)] == ['vessels']
    assert 'set labels.channels=distance' in structures.warnings(found, VESSELS, grey, two)[0]
    told = [structures.warnings(found, VESSELS, labels, [METHODS[name]]) for labels, name in (
        (dataclasses.replace(grey, channels='distance'), 'two'), (grey, 'dfgan'))]
    assert told == [[], []] and structures.examine(eyes(), coding(), grey).contrast > 0.1


def test_records_of_an_experiment_tell_what_does_not_suit(tmp_path, capsys):
    source = make_folder(tmp_path / 'source')
    for number in range(9):  # a kidney as a comb
        path = str(source / 'masks' / 'kidney' / f'k{number:02}.png')
        mask = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
        mask[:, ::8] = mask[:, 1::8] = mask[:, 2::8] = mask[:, 3::8] = 0
        cv2.imwrite(path, mask)
    config = tiny_config(regimes=['synth3'], labels={'clean': True, 'reject': True}, data={
        'dataset': 'folder', 'source': str(source), 'num_train': None, 'num_test': None, 'size': 64,
        'dots_size': 32}, pggan={'batch_sizes': {4: 4, 8: 4, 16: 4, 32: 4, 64: 4}})
    prepare_split(config, tmp_path / 'run', 'train')
    out = capsys.readouterr().out
    assert 'WARNING: kidney: cleaning would remove' in out and 'the three-stage method does not fit' in out
    sheet = cv2.imread(str(tmp_path / 'run' / 'records' / 'train' / 'contact_sheet.png'))
    assert sheet.shape == (2 * 256 + 4, 4 * 256 + 12, 3)  # six pictures, four in a row
    assert len(np.unique(sheet[:256, :205].reshape(-1, 3), axis=0)) > 200  # a picture, not one tone


@pytest.mark.parametrize('count', [3, 64, 500])
def test_some_are_evenly_chosen(count):
    chosen = structures.some(range(count))
    assert len(chosen) == min(count, 64) and chosen[0] == 0 and chosen[-1] == count - 1
