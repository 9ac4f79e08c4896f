"""Scores of images, Wilcoxon and Holm by hand and against scipy; which regimes are compared with which."""
import numpy as np
import pytest
from scipy import stats

from pipelines.scores import bootstrap, comparison
from tests.pipelines.scores.test_bootstrap import ORGANS, counts, of_scores, random_runs


def test_image_scores_by_hand():
    # image 1: (50 + 20) / 2 and (100 + 20) / 2; image 2 shows no heart; image 3 shows nothing
    first = [counts((1, 1, 0), (1, 3, 1)), counts((1, 3, 0), (0, 0, 0))]
    second = [counts((1, 0, 0), (1, 2, 2)), counts((3, 1, 0), (0, 0, 0))]
    nothing = counts((0, 0, 0), (0, 0, 0))
    np.testing.assert_allclose(
        comparison.image_scores(np.array([first + [nothing], second + [nothing]])),
        [47.5, 50, np.nan])


def test_wilcoxon_by_hand():
    # all five positive: one of 2 ** 5 signs, on both sides
    assert comparison.wilcoxon([1, 2, 3, 4, 5], np.zeros(5)) == pytest.approx(2 / 32)
    # the smallest is negative: rank sums 1 or less, two of 32 signs on a side
    assert comparison.wilcoxon([-1, 2, 3, 4, 5], np.zeros(5)) == pytest.approx(4 / 32)


def test_wilcoxon_agrees_with_scipy():
    rng = np.random.default_rng(10)
    ours, theirs = rng.normal(80, 5, 30), rng.normal(79, 5, 30)
    assert comparison.wilcoxon(ours, theirs) == pytest.approx(stats.wilcoxon(ours, theirs).pvalue)
    tied, zero = rng.integers(-4, 6, 123).astype(float), np.zeros(123)
    assert comparison.wilcoxon(tied, zero) == pytest.approx(
        stats.wilcoxon(tied, zero, method='approx').pvalue)
    # ties of few images: the exact distribution would not hold
    few = np.array([1., 1, 2, 2, 3, 3, -1, -2, 4, 5, 6, 7])
    assert comparison.wilcoxon(few, 0 * few) == pytest.approx(
        stats.wilcoxon(few, method='approx').pvalue)


def test_wilcoxon_leaves_out_what_has_no_score_and_rounding_errors():
    ours = np.array([1, 2, 3, 4, 5, np.nan, 7, .1 + .2])
    theirs = np.array([0, 0, 0, 0, 0, 1, np.nan, .3])
    assert comparison.wilcoxon(ours, theirs) == pytest.approx(2 / 32)
    assert comparison.wilcoxon([.1 + .2, 5], [.3, 5]) == 1
    assert np.isnan(comparison.wilcoxon([np.nan, 1], [2, np.nan]))


def test_holm_by_hand():
    # in order .01 * 4, .02 * 3, .03 * 2, .5: the third may not fall below the second
    assert comparison.holm([.5, .01, .03, .02]) == pytest.approx([.5, .04, .06, .06])
    assert comparison.holm([.6, .7]) == [1, 1]
    assert comparison.holm([.03]) == [.03]
    assert comparison.holm([]) == []
    np.testing.assert_allclose(comparison.holm([np.nan, .01]), [np.nan, .02])


def test_compare_regimes():
    baseline = random_runs(11, 3)
    better = baseline.copy()
    better[..., 1, 1] += 8
    better[..., 1, 0] -= 8
    regimes = {'better': better[::-1], 'real': baseline, 'other': random_runs(12, 3)}
    keys = {'better': [(0, 3), (0, 2), (0, 1)], 'real': [(0, 1), (0, 2), (0, 3)],
            'other': [(0, 4), (0, 5), (0, 6)]}
    found = comparison.compare_regimes(regimes, keys, 'real', ORGANS)
    assert [row.regime for row in found] == ['better', 'other']
    # the same keys in another order are pairs all the same; other keys are not
    assert [row.pairs for row in found] == [3, 0]
    assert found[0].difference == bootstrap.difference(better, baseline, ORGANS, True, told=2)['average']
    assert found[1].difference == bootstrap.difference(regimes['other'], baseline, ORGANS, False,
                                                       told=2)['average']
    assert found[0].difference.is_difference
    assert found[0].p == comparison.wilcoxon(comparison.image_scores(better),
                                             comparison.image_scores(baseline)) < 1e-6
    assert [row.p_holm for row in found] == comparison.holm([row.p for row in found])
    assert found[0].p_holm == 2 * found[0].p


def test_only_common_keys_are_compared_and_as_pairs():
    # two of the baseline's six: an effect of the draw that both share must not widen the interval
    levels = [20, 20, 20, 80, 80, 80]
    baseline = of_scores(np.repeat([[[j, j]] for j in levels], 5, axis=1))
    few = of_scores(np.repeat([[[82, 82]], [[22, 22]]], 5, axis=1))
    found, = comparison.compare_regimes(
        {'few': few, 'real': baseline}, {'few': [(1, 0), (0, 0)],
                                         'real': [(draw, seed) for draw in (0, 1) for seed in range(3)]},
        'real', ORGANS)
    assert found.pairs == 2 and found.difference[:3] == (2, 2, 2)
    # the trainings that nothing stands against do not matter
    other = baseline.copy()
    other[[1, 2, 4, 5]] = of_scores([[[50, 50]] * 5] * 4)
    again, = comparison.compare_regimes(
        {'few': few, 'real': other}, {'few': [(1, 0), (0, 0)],
                                      'real': [(draw, seed) for draw in (0, 1) for seed in range(3)]},
        'real', ORGANS)
    assert again == found


@pytest.mark.parametrize('call, message', [
    (lambda runs: comparison.wilcoxon(np.zeros(3), np.zeros(4)), r'shapes \(3,\) and \(4,\)'),
    (lambda runs: comparison.compare_regimes({'a': runs}, {'a': [(0, 1), (0, 2)]}, 'b', ORGANS),
     'baseline: expected one of a, found b'),
    (lambda runs: comparison.compare_regimes({'a': runs}, {'a': [(0, 1)]}, 'a', ORGANS),
     r'a: expected a \(draw, seed\) of its own for each of 2 runs, found \[\(0, 1\)\]'),
    (lambda runs: comparison.compare_regimes({'a': runs}, {'a': [(0, 1)] * 2}, 'a', ORGANS),
     r'found \[\(0, 1\), \(0, 1\)\]'),
    (lambda runs: comparison.compare_regimes(
        {'a': runs, 'b': runs[:, 1:]}, dict.fromkeys('ab', [(0, 1), (0, 2)]), 'a', ORGANS),
     'b against a: expected runs on the same test images, found 39 and 40 images')])
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message) as raised:
        call(random_runs(0, 2))
    assert '\n' not in str(raised.value)
