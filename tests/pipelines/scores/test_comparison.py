import numpy as np
import pytest
from scipy import stats

from pipelines.scores import bootstrap, comparison, metrics, overlap

ORGANS = ('left_lung', 'heart')


def counts(*organs):
    """Of (both, target alone, prediction alone) for each organ."""
    return np.array([(both, prediction, target) for both, target, prediction in organs])


def of_scores(scores):
    """Per cent [runs, images, organs] -> counts where each image's J of each organ is that."""
    return np.array([[counts(*((j, 100 - j, 0) for j in image)) for image in run]
                     for run in scores])


def random_runs(seed, num_runs, num_images=40, level=80, organs=2):
    rng = np.random.default_rng(seed)
    scores = (level + rng.normal(0, 1, (num_runs, 1, 1)) + rng.normal(0, 5, (1, num_images, organs))
              + rng.normal(0, 2, (num_runs, num_images, organs)))
    return of_scores(np.clip(scores.round(), 0, 100).astype(int))


def test_interval_over_two_images_by_hand():
    # J 100 % of 1 pixel and 1 of 9: together 2 of 10; a quarter of the resamples has one twice
    runs = np.array([[counts((1, 0, 0)), counts((1, 8, 0))]])
    found = bootstrap.pooled_interval(runs, ['lung'])
    assert set(found) == {'lung', 'average'}
    np.testing.assert_allclose(found['lung'], [20, 100 / 9, 100])
    assert found['average'] == found['lung']
    of_dice = bootstrap.pooled_interval(runs, ['lung'], metric=overlap.dice)
    np.testing.assert_allclose(of_dice['lung'], [100 * 4 / 12, 20, 100])


def test_interval_over_four_images_by_hand():
    # pooled, 20 % and 15 for each time the fourth is drawn: 4 times in 1 resample of 256, 3 in 12
    found = bootstrap.pooled_interval(of_scores([[[20, 20]] * 3 + [[80, 80]]]), ORGANS)
    assert found['average'] == pytest.approx((35, 20, 65))


def test_interval_over_runs_by_hand():
    # alike images leave nothing but the runs; a resample of two is one of them
    found = bootstrap.pooled_interval(of_scores(np.repeat([[[20, 40]], [[80, 60]]], 5, axis=1)),
                                       ORGANS)
    assert found == {'left_lung': (50, 20, 80), 'heart': (50, 40, 60), 'average': (50, 30, 70)}
    # a resample of four is three of them: 1 in 64 has the fourth three times, 9 in 64 twice
    four = of_scores(np.repeat([[[20, 20]], [[20, 20]], [[20, 20]], [[80, 80]]], 5, axis=1))
    assert bootstrap.pooled_interval(four, ORGANS)['average'] == pytest.approx((35, 20, 60))


def test_seeds_of_one_draw_are_no_draws():
    """Two draws of two seeds each: a resample is one of the draws, and one of its seeds twice."""
    runs = of_scores(np.repeat([[[20, 20]], [[24, 24]], [[76, 76]], [[80, 80]]], 5, axis=1))
    nested = bootstrap.pooled_interval(runs, ORGANS, draws=[0, 0, 1, 1])['average']
    assert nested == pytest.approx((50, 20, 80))
    four = of_scores(np.repeat([[[j, j]] for j in 4 * [20] + 4 * [80]], 5, axis=1))
    flat = bootstrap.pooled_interval(four, ORGANS)['average']
    draws = 4 * [0] + 4 * [1]
    nested = bootstrap.pooled_interval(four, ORGANS, draws=draws)['average']
    assert nested == pytest.approx((50, 20, 80)) and nested.low < flat.low < flat.high < nested.high
    # of four draws it is three, as of four seeds
    single = of_scores(np.repeat([[[20, 20]], [[20, 20]], [[20, 20]], [[80, 80]]], 5, axis=1))
    found = bootstrap.pooled_interval(single, ORGANS, draws=[0, 1, 2, 3])['average']
    assert found == pytest.approx((35, 20, 60))
    # what a difference is made of: the draws of both sides, together where they are paired
    found = bootstrap.difference(four, four, ORGANS, True, draws, draws)['average']
    assert found[:3] == (0, 0, 0)


def test_value_is_the_mean_over_runs_of_the_pooled_score():
    runs = random_runs(0, 3)
    found = bootstrap.pooled_interval(runs, ORGANS)
    pooled = [metrics.values({'counts': run}, ORGANS) for run in runs]
    for organ in (*ORGANS, 'average'):
        assert found[organ].value == pytest.approx(
            np.mean([of_run['jaccard_pooled', organ] for of_run in pooled]))
        assert found[organ].low < found[organ].value < found[organ].high
    assert bootstrap.pooled_interval(runs, ORGANS) == found


def test_interval_of_one_run_agrees_with_scipy():
    runs = random_runs(1, 1, num_images=60)

    def pooled(images, axis):
        return overlap.jaccard(runs[0][images].sum(axis=axis - 2)).mean(axis=-1)

    theirs = stats.bootstrap((np.arange(60),), pooled, n_resamples=9999, batch=1000, axis=-1,
                             vectorized=True, method='percentile', random_state=3)
    low, high = theirs.confidence_interval
    ours = bootstrap.pooled_interval(runs, ORGANS)['average']
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=.05 * (high - low))


def test_runs_that_vary_widen_the_interval():
    runs = random_runs(2, 6)
    alone = bootstrap.pooled_interval(runs[:1], ORGANS)['average']
    apart = runs.copy()
    apart[:3, :, 0, 0] -= 30  # three runs find fewer pixels of the lung
    apart[:3, :, 0, 2] += 30
    together = bootstrap.pooled_interval(apart, ORGANS)
    assert together['average'].high - together['average'].low > 2 * (alone.high - alone.low)


def test_organ_that_one_image_shows_is_left_out():
    one = counts((5, 5, 0), (5, 5, 0))
    none = counts((5, 5, 0), (0, 0, 0))
    runs = np.array([[one, none, none]] * 2)
    assert set(bootstrap.pooled_interval(runs, ORGANS)) == {'left_lung', 'average'}
    both = bootstrap.difference(runs, np.array([[one, one, none]]), ORGANS, paired=False)
    assert set(both) == {'left_lung', 'average'}
    # a resample without the heart has no score of it, and is none
    rare = bootstrap.pooled_interval(np.array([[one, one] + [none] * 8]), ORGANS)
    assert rare['heart'] == (50, 50, 50)


@pytest.mark.parametrize('num_runs, paired', [(1, False), (4, True)])
def test_identical_runs_do_not_differ(num_runs, paired):
    runs = random_runs(3, num_runs)
    for found in bootstrap.difference(runs, runs, ORGANS, paired).values():
        assert found[:3] == (0, 0, 0)
        assert not found.is_difference and not found.is_undecided and found.error == 0


def test_rounding_errors_are_no_difference():
    # the mean of three times 100 / 9 is not quite 100 / 9
    runs = np.array([[counts((1, 8, 0))] * 5] * 3)
    found = bootstrap.difference(runs, runs[:1], ['lung'], paired=False)['average']
    assert found[:3] == (0, 0, 0) and not found.is_difference


@pytest.mark.parametrize('paired', [True, False])
def test_better_on_every_image_is_a_difference(paired):
    baseline = random_runs(4, 3)
    better = baseline.copy()
    gain = np.minimum(np.arange(1, 41) % 15 + 1, baseline[..., 0, 2])
    better[..., 0, 0] += gain
    better[..., 0, 2] -= gain
    found = bootstrap.difference(better, baseline, ORGANS, paired)
    value, low, high = found['left_lung'][:3]
    assert found['left_lung'].is_difference and 0 < low < value < high
    assert value == pytest.approx(gain.mean())  # each lung has 100 pixels
    assert found['average'].value == pytest.approx(value / 2)
    assert found['average'].is_difference and found['average'].low > 0
    worse = bootstrap.difference(baseline, better, ORGANS, paired)['average']
    assert worse.is_difference and worse.high < 0


def test_an_interval_that_ends_at_zero_is_no_difference():
    assert not bootstrap.Difference(1., 0., 2.).is_difference
    assert not bootstrap.Difference(-1., -2., 0.).is_difference
    assert bootstrap.Difference(-1., -2., -.1).is_difference


def test_pairs_share_their_resample():
    # draws that differ by 60 between themselves, and by 2 between the sides
    baseline = of_scores(np.repeat([[[20, 20]], [[80, 80]]], 5, axis=1))
    runs = of_scores(np.repeat([[[22, 22]], [[82, 82]]], 5, axis=1))
    assert bootstrap.difference(runs, baseline, ORGANS, True)['average'][:3] == (2, 2, 2)
    # apart, one resample in four has the best against the worst
    assert bootstrap.difference(runs, baseline, ORGANS, False)['average'][:3] == (2, -58, 62)


def test_both_sides_share_the_resample_of_images():
    scores = np.random.default_rng(5).integers(10, 80, (1, 40, 2))
    found = bootstrap.difference(of_scores(scores + 5), of_scores(scores), ORGANS, False)
    assert found['average'][:3] == pytest.approx((5, 5, 5))


@pytest.mark.parametrize('num_runs, paired, tolerance', [(3, True, 1e-9), (4, False, .03)])
def test_swapped_sides_negate_the_interval(num_runs, paired, tolerance):
    # unpaired runs are drawn for each side in turn, so that it holds within Monte Carlo error
    runs, baseline = random_runs(6, num_runs), random_runs(7, 3)
    ours = bootstrap.difference(runs, baseline, ORGANS, paired)
    theirs = bootstrap.difference(baseline, runs, ORGANS, paired)
    for organ, (value, low, high, *_) in ours.items():
        width = high - low
        assert theirs[organ][:3] == pytest.approx((-value, -high, -low), abs=tolerance * width)


def test_order_of_images_does_not_matter():
    runs, baseline = random_runs(8, 3), random_runs(9, 3)
    order = np.random.default_rng(0).permutation(40)
    ours = bootstrap.difference(runs, baseline, ORGANS, True)['average']
    theirs = bootstrap.difference(runs[:, order], baseline[:, order], ORGANS, True)['average']
    assert theirs.value == pytest.approx(ours.value)
    assert theirs[:3] == pytest.approx(ours[:3], abs=.03 * (ours.high - ours.low))
    scores = comparison.image_scores(runs), comparison.image_scores(baseline)
    assert comparison.wilcoxon(*(s[order] for s in scores)) == comparison.wilcoxon(*scores)


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


def test_lines_told_together_have_wider_intervals():
    runs, baseline = random_runs(6, 4), random_runs(7, 4)
    alone, ten = (bootstrap.difference(runs, baseline, ORGANS, True, told=told)['average'] for told in (1, 10))
    assert ten.value == alone.value and ten.low < alone.low < alone.high < ten.high
    # 15 for each time the fourth image is drawn: three times or more in 13 resamples of 256, four in one
    images = of_scores([[[20, 20]] * 3 + [[80, 80]]])
    base = of_scores([[[20, 20]] * 4])
    for told, high in ((1, 45), (40, 60)):  # 2.5 and 0.06 % to be left above
        assert bootstrap.difference(images, base, ORGANS, True, told=told)['average'][:3] == pytest.approx(
            (15, 0, high))


def test_a_bound_within_its_error_of_zero_is_undecided():
    assert not bootstrap.Difference(1., .1, 2., (.05, .15)).is_undecided
    assert bootstrap.Difference(1., .1, 2., (-.01, .21)).is_undecided
    assert bootstrap.Difference(-1., -2., .01, None, (-.05, .07)).is_undecided
    assert not bootstrap.Difference(0., 0., 0., (0., 0.), (0., 0.)).is_undecided
    assert bootstrap.Difference(1., .1, 2., (.05, .15), (1.8, 2.2)).error == pytest.approx(.1)


def test_the_error_of_a_bound_is_what_other_random_numbers_move_it_by(monkeypatch):
    runs, baseline = random_runs(13, 1, 30), random_runs(14, 1, 30)
    monkeypatch.setattr(bootstrap, 'RESAMPLES', 4000)
    lows = []
    for seed in range(12):
        monkeypatch.setattr(overlap, 'BOOTSTRAP_SEED', seed)
        bootstrap._kept_images.cache_clear()
        bootstrap._kept_scores.cache_clear()
        found = bootstrap.difference(runs, baseline, ORGANS, True)['average']
        lows.append(found.low)
    bootstrap._kept_images.cache_clear()
    bootstrap._kept_scores.cache_clear()
    assert .4 * found.error < np.std(lows, ddof=1) < 2 * found.error


EMPTY = np.zeros((2, 5, 2, 3), int)


@pytest.mark.parametrize('call, message', [
    (lambda runs: bootstrap.pooled_interval(runs[0], ORGANS),
     r'\[runs, images, 2, 3\] of the organs left_lung, heart, found shape \(40, 2, 3\)'),
    (lambda runs: bootstrap.pooled_interval(runs, ['lung']), r'images, 1, 3\] of the organs l'),
    (lambda runs: bootstrap.pooled_interval(runs[:0], ORGANS), r'found shape \(0, 40, 2, 3\)'),
    (lambda runs: bootstrap.pooled_interval(runs[:, :1], ORGANS),
     'at least two test images that show an organ, found 1 of 1'),
    (lambda runs: bootstrap.pooled_interval(EMPTY, ORGANS), 'found 0 of 5'),
    (lambda runs: bootstrap.difference(runs, runs[:, 1:], ORGANS, True),
     'the same test images, found 40 and 39 images'),
    (lambda runs: bootstrap.difference(runs, random_runs(0, 2, organs=3), ORGANS, True),
     r'heart, found shape \(2, 40, 3, 3\)'),
    (lambda runs: bootstrap.difference(runs, runs[:1], ORGANS, True),
     'paired: expected as many runs on both sides, found 2 and 1'),
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
