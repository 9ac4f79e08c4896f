"""Memorisation: copies are found through noise and shifts, fresh pictures raise no alarm."""
import numpy as np
import pytest

from datasets.labels import CHEST
from pipelines.data import sheets
from pipelines.evaluation.copying import (Pictures, copying, correlation_distances, feature_distances,
                                          nearest_real, nearest_sheet, repeated_percent)


def test_correlation_by_hand():
    others = np.array([[[0, 2], [0, 2]], [[0, 0], [1, 1]]], np.uint8)
    queries = np.array([[[0, 0], [0, 4]], [[3, 3], [0, 0]], [[7, 7], [7, 7]]], np.uint8)
    # (-1, -1, -1, 3) with (-1, 1, -1, 1): 4 / sqrt(12 * 4), and as much with the second
    one = 1 - 1 / np.sqrt(3)
    np.testing.assert_allclose(correlation_distances(queries, others),
                               [[one, one], [1, 2], [1, 1]], atol=1e-12)


def test_correlation_ignores_grey_scale_size_and_fine_noise():
    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 160, (5, 16, 16))
    train = np.kron(coarse, np.ones((8, 8))).astype(np.uint8)
    queries = np.kron(coarse, np.ones((16, 16))) * 0.5 + 7 + rng.normal(0, 5, (5, 256, 256))
    distances = correlation_distances(queries[::-1], train)
    assert distances.argmin(axis=1).tolist() == [4, 3, 2, 1, 0]
    assert distances.min(axis=1).max() < 0.01 < 0.5 < np.median(distances)


def test_correlations_are_taken_at_64_pixels():
    picture = np.random.default_rng(1).random((1, 128, 128))
    # a pattern that its area averages do not show
    pattern = np.indices((128, 128)).sum(0) % 2 - 0.5
    assert correlation_distances(picture + 5 * pattern, picture)[0, 0] == pytest.approx(0, abs=1e-9)


def test_copying_by_hand():
    held_out = np.arange(1, 20)            # 19: the 5 % quantile is the least, 1
    found = copying([0.5, 0.9, 1.0, 30.0], held_out)
    assert found.threshold == 1 and found.copied_percent == 50
    assert found.below_minimum_percent == 50 and found.chance_percent == pytest.approx(5)
    assert found.generated_median == 0.95 and found.held_out_median == 10
    # 39: the quantile is the second
    found = copying([0.5, 1.5, 2.0, 3.0], np.arange(1, 40))
    assert found.threshold == 2 and found.copied_percent == 50
    assert found.below_minimum_percent == 25


def test_few_held_out_images_say_what_they_can_resolve():
    assert copying([1.0], [2.0, 3.0, 4.0]).chance_percent == pytest.approx(25)


def test_chance_is_what_happens_without_copying():
    rng = np.random.default_rng(0)
    found = [copying(rng.random(60), rng.random(45)) for _ in range(400)]
    shares = np.array([f.copied_percent for f in found])
    low, high = found[0].chance_range_percent
    assert found[0].chance_percent == pytest.approx(5)
    assert shares.mean() == pytest.approx(5, abs=0.7)
    assert 0.93 < ((low <= shares) & (shares <= high)).mean() <= 0.995


def test_nothing_to_judge():
    with pytest.raises(ValueError, match='found 0 and 2'):
        copying([], [1.0, 2.0])


def test_nearest_real_by_hand():
    # columns: distances of three samples to two training and to two held-out images
    found = nearest_real(np.array([[1., 5], [4, 2], [9, 9]]), np.array([[2., 9], [3, 9], [8, 7]]))
    assert found.trained_percent == pytest.approx(200 / 3) and found.chance_percent == 50
    # nearest are images 0, 1 and 3, once each: of two images chosen, one or two are among them
    assert found.chance_range_percent == pytest.approx([100 / 3, 200 / 3])


def test_nearest_real_with_and_without_copying():
    rng = np.random.default_rng(0)
    held_out, train = rng.normal(size=(90, 3)), rng.normal(size=(30, 3))
    fresh, copies = rng.normal(size=(200, 3)), train[rng.integers(0, 30, 200)] * 1.02
    for generated, expected in ((fresh, False), (copies, True)):
        found = nearest_real(feature_distances(generated, train),
                             feature_distances(generated, held_out))
        low, high = found.chance_range_percent
        assert found.chance_percent == 25
        assert (found.trained_percent > 90) == expected
        assert (low <= found.trained_percent <= high) != expected


def test_a_pair_repeats_only_with_its_labels():
    images = np.stack([np.full((8, 8), value, np.uint8) for value in (1, 1, 1, 2, 1)])
    labels = np.stack([np.full((8, 8), value, np.uint8) for value in (0, 0, 3, 0, 0)])
    # the second and the fifth are the first again; the third has other labels, the fourth another picture
    assert repeated_percent(Pictures(images, labels, np.arange(5))) == pytest.approx(40)


def test_the_sheet_shows_sample_and_neighbours():
    size = sheets.TILE
    images = np.stack([np.full((size, size), grey, np.uint8) for grey in (10, 20, 30, 40)])
    labels = np.zeros_like(images)
    labels[2, 40:80, 40:80] = 3
    sheet = nearest_sheet(Pictures(images[:2], labels[:2], np.arange(2)),
                          Pictures(images, labels, np.arange(4)),
                          by_features=np.array([3, 2]), by_correlation=np.array([1, 0]),
                          chosen=np.array([1, 0]), coding=CHEST)
    step = size + 4
    assert sheet.shape == (2 * step - 4, 3 * step - 4, 3)
    corners = [[sheet[i * step, j * step, 0] for j in range(3)] for i in range(2)]
    assert corners == [[20, 30, 10], [10, 40, 20]]
    # organs are outlined, not filled
    assert (sheet[40, step + 60] == CHEST.colours[3]).all()
    assert (sheet[60, step + 60] == 30).all()

