"""Intervals over runs and images, by hand and against scipy; differences; the error of a bound."""
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
     'paired: expected as many runs on both sides, found 2 and 1')])
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message) as raised:
        call(random_runs(0, 2))
    assert '\n' not in str(raised.value)
