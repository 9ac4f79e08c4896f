"""The anatomical check and the cleaning of organs that are scattered, as vessels are, or may be absent."""
import json

import numpy as np
import pytest

from datasets.anatomy import AnatomyRange, clean_labels
from datasets.labels import Code, LabelCoding
from datasets.vessels import speck_area

COLOUR = (1, 2, 3)
EYE = LabelCoding('eye', ('disc', 'lesion', 'vessels'), (
    Code((), (0, 0, 0), None), Code(('disc',), (1, 1, 1), 'disc'), Code(('lesion',), (2, 2, 2), 'lesion'),
    Code(('vessels',), (3, 3, 3), 'vessels')), ('disc', 'lesion', 'vessels'), optional=('lesion',),
    scattered=('vessels',))


def eye(lesion=True, columns=(4, 20), shift=0):
    """A disc, perhaps a lesion, and vessels in two lines far apart."""
    label_map = np.zeros((32, 32), np.uint8)
    label_map[:, list(columns)] = 3
    label_map[12 + shift:18 + shift, 10:16] = 1
    if lesion:
        label_map[2:5, 25:28] = 2
    return label_map


def test_organs_that_may_be_absent_or_lie_anywhere():
    limits = AnatomyRange.of([eye(), eye(lesion=False)], EYE)
    assert limits.violations(eye()) == [] == limits.violations(eye(lesion=False))
    assert limits.violations(eye(columns=(1, 29))) == []  # in pieces and elsewhere: vessels may
    assert limits.violations(eye(columns=(1, 3, 5, 7, 9, 17)))[0].startswith('vessels: area')
    assert [wrong.split(':')[0] for wrong in limits.violations(eye(shift=10))] == ['disc']
    never = AnatomyRange.of([eye(lesion=False)] * 2, EYE)
    assert any(wrong.startswith('lesion: area') for wrong in never.violations(eye()))
    assert never.violations(np.zeros((32, 32), np.uint8)) == ['disc: missing', 'vessels: missing']


def test_cleaning_leaves_thin_scattered_organs():
    drawn = eye()
    drawn[25, 25] = 1  # a speck of the disc
    cleaned, changed = clean_labels(drawn, EYE, window=3)
    assert ((cleaned == 3) == (drawn == 3)).all() and cleaned[25, 25] == 0
    assert changed == (cleaned != drawn).sum() >= 1


TREE = LabelCoding('tree', ('vessels',), (Code((), COLOUR, None), Code(('vessels',), COLOUR, 'vessels')), ('vessels',),
                   scattered=('vessels',))


def _tree(pieces=(), thickness=1):
    """A line of 40 px with a branch of 9, and pieces of so many px below it."""
    found = np.zeros((100, 100), np.uint8)
    found[20:20 + thickness, 10:50] = found[20:30, 30:30 + thickness] = 1
    for number, size in enumerate(pieces):
        found[40 + 8 * number, 10:10 + size] = 1
    return found


def test_vessels_have_shapes_that_are_checked():
    limits = AnatomyRange.of([_tree(), _tree([9])], TREE, area_margin=0.2)
    assert limits.shapes['vessels']['length'] == (pytest.approx(0.49 * 0.8), pytest.approx(0.58 * 1.2))
    assert limits.shapes['vessels']['branchings'] == (pytest.approx(0.8), pytest.approx(1.2))
    assert limits.violations(_tree()) == []
    line = np.zeros((100, 100), np.uint8)
    line[20, 10:60] = 1
    assert limits.violations(line) == ['vessels: branchings 0 outside 0.8 to 1.2']
    blob = np.zeros((100, 100), np.uint8)   # of the right area
    blob[20:27, 20:27] = 1
    assert [words.split(' 0')[0] for words in limits.violations(blob)] == [
        'vessels: width', 'vessels: length', 'vessels: branchings']
    assert AnatomyRange.from_dict(json.loads(json.dumps(limits.to_dict()))) == limits


@pytest.mark.parametrize('real, loss, speck', [
    ([[30], [30]], 0.002, 3),            # no small pieces in real maps: at most what any organ's speck is
    ([[2] * 6], 0.002, 2),               # capillaries of two pixels stay
    ([[1, 20, 20]], 0.02, 3), ([[1, 20, 20]], 0.002, 1)])
def test_specks_are_smaller_than_what_real_vessels_are_made_of(real, loss, speck):
    """Golden: 49 px of tree; a piece of one pixel among 90 is more than 0.2 %, less than 2 %."""
    masks = [_tree(pieces) > 0 for pieces in real]
    assert speck_area(masks, loss, 0.0003) * 100 ** 2 == pytest.approx(speck)


def test_cleaning_takes_specks_of_vessels_and_leaves_capillaries():
    drawn = _tree([1, 2, 3, 20])
    limits = AnatomyRange.of([_tree([3, 20])] * 4, TREE)
    cleaned, changed = clean_labels(drawn, TREE, 3, thin_specks=limits.specks)
    np.testing.assert_array_equal(cleaned, _tree([0, 0, 3, 20]))
    assert changed == 3
    np.testing.assert_array_equal(clean_labels(drawn, TREE, 3)[0], drawn)   # without a measure all stay
