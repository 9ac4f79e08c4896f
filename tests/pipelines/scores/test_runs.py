"""Folds put together: every image once, nothing of an incomplete division."""
import numpy as np
import pytest

from pipelines.scores import runs
from tests.evaluations import make_counts, make_evaluation


def fold(number, share, count=2, **changes):
    row = make_evaluation(make_counts([(share, share, share)] * count), fold=number, division='3 folds',
                          protocol={'folds': 3}, **changes)
    row['images']['names'] = [f'fold{number}-{i}' for i in range(count)]
    return row


def test_folds_are_one_result_over_all_images():
    parts = [fold(1, 0.6), fold(0, 0.9, count=1), fold(2, 0.3, count=3)]
    (row,), missing = runs.joined(parts)
    assert missing == [] and row['fold'] is None and row['division'] == '3 folds'
    assert row['images']['names'] == ['fold0-0', 'fold1-0', 'fold1-1', 'fold2-0', 'fold2-1', 'fold2-2']
    # six organs of 1,000 pixels each: 0.9 + 2 * 0.6 + 3 * 0.3 of six
    assert row['scores']['jaccard_pooled']['heart'][0] == pytest.approx(50.0)
    assert row['scores']['jaccard_per_image']['heart'][0] == pytest.approx(50.0)
    mean, deviation = runs.per_fold(parts, 'jaccard_per_image', 'heart')
    assert (mean, deviation) == pytest.approx((60.0, 30.0))
    assert np.isnan(runs.per_fold(parts[:1], 'jaccard_per_image', 'heart')[1])


def test_an_incomplete_division_is_left_out_and_told():
    whole, other = make_evaluation(), fold(0, 0.9, seed=4)
    rows, missing = runs.joined([whole, other, fold(2, 0.9, seed=4)])
    assert rows == [whole]
    assert missing == ['demo, synth3, smanet, seed 4: fold 1 of 3']


def test_seeds_are_not_mixed():
    rows, missing = runs.joined([fold(number, 0.9, seed=seed) for seed in (0, 1) for number in range(3)])
    assert [row['seed'] for row in rows] == [0, 1] and missing == []
