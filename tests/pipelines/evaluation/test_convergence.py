"""Whether a translator converged, in numbers of pictures that were made by hand."""
import numpy as np
import pytest

from pipelines.evaluation.convergence import Watched, _sheet, numbers

RNG = np.random.default_rng(0)
PICTURES = {name: RNG.uniform(-1, 1, (6, 32, 32, 1)).astype(np.float32) for name in ('a', 'ab', 'b', 'ba')}
PICTURES['b'] = PICTURES['b'] * 0.2 - 0.7   # of another tone, which its translation has not


def watched(moved=0.0, disagree=0):
    """What comes back is changed by `moved`; of the square that is found, so many columns are lost on the way."""
    classes = np.zeros((6, 32, 32), np.int32)
    classes[:, 8:24, 8:24] = 1
    back = classes.copy()
    back[:, :, 8:8 + disagree] = 0
    return Watched({**PICTURES, 'aba': PICTURES['a'] + moved, 'bab': PICTURES['b'] - moved / 2},
                   {'a': classes, 'aba': back, 'ba': classes})


def test_errors_and_agreement_by_hand():
    found = numbers(watched(0.25, 4), 1, 0.2)
    assert found['cycle_error_a'] == pytest.approx(0.25, abs=1e-6)
    assert found['cycle_error_b'] == pytest.approx(0.125, abs=1e-6)
    assert found['agreement'] == pytest.approx(75.0)   # 12 of 16 columns


@pytest.mark.parametrize('moved, disagree, cycle_error, converged', [
    (0.1, 0, 0.2, True), (0.3, 0, 0.2, False), (0.3, 0, 0.4, True), (0.1, 4, 0.2, False)])
def test_what_comes_back_must_be_as_it_was_and_found_as_it_was(moved, disagree, cycle_error, converged):
    assert numbers(watched(moved, disagree), 1, cycle_error)['has_converged'] is converged


def test_a_translator_that_changes_nothing_has_not_converged():
    translated, idle = watched(), watched()
    idle.pictures['ba'] = PICTURES['b']
    found, of_idle = numbers(translated, 1, 0.2), numbers(idle, 1, 0.2)
    assert found['has_converged'] and found['kid_random'] < 0.5 * found['kid_random_before']
    assert of_idle['agreement'] == 100 and of_idle['kid_random'] == of_idle['kid_random_before']
    assert of_idle['has_converged'] is False


def test_the_sheet_outlines_what_was_found_where_the_segmenter_looked():
    colours = np.array([[0, 0, 0], [255, 0, 0]], np.uint8)
    sheet = _sheet(watched(disagree=8), colours)
    rows = np.array_split(sheet, 6)
    red = [int(((row == [255, 0, 0]).all(-1)).sum()) for row in rows]
    assert red[1] == red[5] == 0 and min(red[0], red[2], red[3], red[4]) > 0
    assert red[2] < red[0] == red[3] == red[4]
