import math

import numpy as np
import pytest
from scipy import stats

from pipelines.scores.fold_comparison import ranked, student


def test_the_corrected_test_by_hand():
    # differences 1, 2, 3: mean 2, variance 1; (1/3 + 40/120) * 1 = 2/3; Student's t of 2 degrees: 4.302653 at 97.5 %
    mean, reach, p = student([91, 92, 93], [90, 90, 90], tested=40, learned=120)
    assert mean == 2 and reach == pytest.approx(4.302653 * math.sqrt(2 / 3), abs=1e-5)
    t = 2 / math.sqrt(2 / 3)  # p of t with 2 degrees has a closed form
    assert p == pytest.approx(1 - t / math.sqrt(t * t + 2), abs=1e-9)


def test_without_common_images_it_is_the_paired_t_test():
    ours, theirs = np.random.default_rng(0).normal(90, 1, (2, 5))
    expected = stats.ttest_rel(ours, theirs)
    mean, reach, p = student(ours, theirs, tested=0, learned=1)
    assert p == pytest.approx(expected.pvalue) and mean == pytest.approx(np.mean(ours - theirs))
    assert mean - reach == pytest.approx(expected.confidence_interval(.95).low)


def test_networks_stand_in_order_each_against_the_highest_adjusted_for_all_pairs():
    folds = {'low': [80, 81, 82], 'high': [90, 90.5, 92], 'middle': [89, 91, 91]}
    lines = ranked(folds, 20, 60)
    assert [line.name for line in lines] == ['high', 'middle', 'low']
    assert math.isnan(lines[0].low) and lines[0].gap == 0 and not lines[0].is_apart
    mean, reach, p = student(folds['high'], folds['low'], 20, 60, told=3)
    assert (lines[2].gap, lines[2].low, lines[2].high) == pytest.approx((mean, mean - reach, mean + reach))
    assert lines[2].is_apart and not lines[1].is_apart
    everyone = sorted(student(folds[a], folds[b], 20, 60)[2] for a, b in (
        ('high', 'low'), ('high', 'middle'), ('middle', 'low')))
    assert lines[2].p_holm == pytest.approx(max(everyone[0] * 3, everyone[1] * 2) if p == everyone[1] else p * 3)


def test_folds_that_all_differ_by_the_same_leave_a_point():
    assert student([2, 3], [1, 2], 1, 3) == (1, 0, 0) and student([2, 3], [2, 3], 1, 3) == (0, 0, 1)


@pytest.mark.parametrize('folds', [{'a': [1.0]}, {'a': [1, 2], 'b': [1, 2, 3]}])
def test_too_few_or_other_folds_are_refused(folds):
    with pytest.raises(ValueError, match='expected two folds or more, as many of each network'):
        ranked(folds, 1, 3)
