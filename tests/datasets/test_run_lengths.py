"""Two run-length codes: by hand, there and back, one never taken for the other in silence, refusals in one line."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from datasets.errors import InputError
from datasets.run_lengths import CHEXMASK, SIIM_ACR

CODES = [SIIM_ACR, CHEXMASK]
# numbered down the columns: 0 3 6 / 1 4 7 / 2 5 8; along the rows: 1 2 3 / 4 5 6 / 7 8 9
MASK = np.array([[0, 1, 1],
                 [1, 1, 0],
                 [1, 0, 0]], bool)
WIDE = np.array([[1, 1, 0, 0],
                 [0, 0, 0, 1]], bool)
MASKS = hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))


@pytest.mark.parametrize('code, mask, text', [
    (SIIM_ACR, MASK, '1 4 1 1'),            # pixels 1 to 4, then one skipped, then pixel 6
    (CHEXMASK, MASK, '2 4 7 1'),            # pixels 2 to 5 and 7
    (SIIM_ACR, WIDE, '0 1 1 1 4 1'),        # pixels 0, 2, 7 of columns of two
    (CHEXMASK, WIDE, '1 2 8 1'),
    (SIIM_ACR, MASK & False, '-1'), (CHEXMASK, MASK & False, ''),
    (SIIM_ACR, MASK | True, '0 9'), (CHEXMASK, MASK | True, '1 9'),
])
def test_by_hand(code, mask, text):
    assert code.encode(mask) == text
    np.testing.assert_array_equal(code.decode(text, mask.shape, 'a'), mask)


def test_runs_that_touch_are_read_and_spaces_count_for_nothing():
    """Some write a run in pieces; the competition's file has ` -1` too."""
    np.testing.assert_array_equal(SIIM_ACR.decode(' 1 2 0 2 1  1\n', (3, 3), 'a'), MASK)
    np.testing.assert_array_equal(CHEXMASK.decode('2 1 3 3 7 1', (3, 3), 'a'), MASK)
    assert not SIIM_ACR.decode(' -1', (3, 3), 'a').any()


@pytest.mark.parametrize('code', CODES, ids=lambda code: code.name)
@given(mask=MASKS)
def test_there_and_back(code, mask):
    text = code.encode(mask)
    found = code.decode(text, mask.shape, 'a')
    assert found.dtype == bool and found.shape == mask.shape
    np.testing.assert_array_equal(found, mask)
    numbers = [] if text == code.none else list(map(int, text.split()))
    assert sum(numbers[1::2]) == mask.sum()


@given(mask=MASKS)
def test_the_codes_are_each_others_transpose(mask):
    """What the one numbers down the columns of a picture the other numbers along the rows of its transpose."""
    relative, absolute = (code.encode(own) for code, own in ((SIIM_ACR, mask), (CHEXMASK, mask.T)))
    if mask.any():
        gaps, places = (np.array(text.split(), int).reshape(-1, 2) for text in (relative, absolute))
        ends = np.concatenate([[0], np.cumsum(gaps.sum(axis=1))[:-1]])
        np.testing.assert_array_equal(gaps[:, 0] + ends + 1, places[:, 0])
        np.testing.assert_array_equal(gaps[:, 1], places[:, 1])


@given(text=st.text('0123456789- x', max_size=40))
def test_any_text_is_a_mask_or_refused_in_one_line(text):
    for code in CODES:
        try:
            assert code.decode(text, (5, 7), 'a').shape == (5, 7)
        except InputError as error:
            assert str(error).startswith('a: expected run lengths (') and '\n' not in str(error)


@pytest.mark.parametrize('code, text, message', [
    (SIIM_ACR, '1 2 3', "pairs of a place and a length, or '-1' for none, found 3 numbers; is the line cut off"),
    (SIIM_ACR, '', 'found 0 numbers'),
    (SIIM_ACR, '1 2.0', "found '2.0'"),
    (SIIM_ACR, '1 2 -1', "found 3 numbers"),
    (SIIM_ACR, '-1 2', 'found the place -1, before the first, 0'),
    (SIIM_ACR, '1 -2', 'found a length of -2'),
    (SIIM_ACR, '1 0', 'found a length of 0'),
    (SIIM_ACR, '0 10', r'within 3 x 3 pixels, found a run that ends at pixel 10 of 9; are they of a picture of anoth'),
    (SIIM_ACR, '5 3 2 1', 'found a run that ends at pixel 11 of 9'),
    (SIIM_ACR, '1 ' + 30 * '9', "found '999"),
    (CHEXMASK, '0 1', "or '' for none, found the place 0, before the first, 1"),
    (CHEXMASK, '-1', "found 1 numbers"),
    (CHEXMASK, '9 2', 'ends at pixel 10 of 9'),
    (CHEXMASK, '4 2 5 1', 'in their order, found a run at 5 before the end of the one before it; is it another code'),
    (CHEXMASK, '4 2 1 1', 'found a run at 1 before the end'),
    (CHEXMASK, 'nan', "found 'nan'"),
])
def test_refused_in_one_line(code, text, message):
    with pytest.raises(InputError, match=message) as caught:
        code.decode(text, (3, 3), 'labels.csv, line 2')
    assert str(caught.value).startswith(f'labels.csv, line 2: expected run lengths ({code.name})')
    assert '\n' not in str(caught.value) and len(str(caught.value)) < 250


def test_a_blob_read_by_the_other_code_is_refused():
    """Twenty columns of a square: as places they go back, and as distances they leave the picture."""
    square = np.zeros((64, 64), bool)
    square[20:40, 30:50] = True
    with pytest.raises(InputError, match='is it another code'):
        CHEXMASK.decode(SIIM_ACR.encode(square), (64, 64), 'a')
    with pytest.raises(InputError, match='is it another code'):
        SIIM_ACR.decode(CHEXMASK.encode(square), (64, 64), 'a')
