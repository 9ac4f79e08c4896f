"""Distances of feature sets: golden values by hand, properties, errors."""
import numpy as np
import pytest

from pipelines.evaluation.set_distances import frechet_distance, kernel_distance, precision_recall

# sample mean (0, 0) and covariance exactly diag(4/3, 4/3)
SQUARE = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], float)


def normal(count, features, seed=0, shift=0.0):
    return np.random.default_rng(seed).normal(size=(count, features)) + shift


def test_frechet_in_one_dimension():
    # means 2 and 7, variances 2 and 8: 25 + (sqrt 2 - sqrt 8)^2
    assert frechet_distance([[1], [3]], [[5], [9]]) == pytest.approx(25 + 2)


def test_frechet_in_two_dimensions():
    moved = SQUARE * [2, 3] + [3, -4]
    # (1 - 2)^2 and (1 - 3)^2 times the variance 4/3
    assert frechet_distance(SQUARE, moved) == pytest.approx(25 + 4 / 3 * (1 + 4))


def test_frechet_of_covariances_that_do_not_commute():
    from scipy.linalg import sqrtm
    a, b = normal(30, 4, 1) @ normal(4, 4, 2), normal(25, 4, 3) @ normal(4, 4, 4) + 0.5
    of_a, of_b = np.cov(a.T), np.cov(b.T)
    expected = (((a.mean(0) - b.mean(0)) ** 2).sum()
                + np.trace(of_a + of_b - 2 * sqrtm(of_a @ of_b).real))
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize('count, features', [(40, 6), (5, 50)])
def test_frechet_of_equal_sets(count, features):
    a = 100 + 10 * normal(count, features)
    spread = np.trace(np.cov(a.T))
    assert 0 <= frechet_distance(a, a[::-1]) < 1e-6 * spread
    assert frechet_distance(a, a + 2) == pytest.approx(4 * features)


def test_frechet_with_fewer_pictures_than_features():
    # two pictures each, spread along different axes: the square root of the product is 0
    a, b = np.zeros((2, 9)), np.zeros((2, 9))
    a[:, 0], b[:, 1] = [-1, 1], [-2, 2]
    assert frechet_distance(a, b) == pytest.approx(2 + 8)


def direct_kernel_distance(a, b):
    def kernel(x, y):
        return (sum(p * q for p, q in zip(x, y)) / len(x) + 1) ** 3
    total = 0
    for i in range(len(a)):
        for j in range(len(a)):
            total += kernel(a[i], a[j]) / (len(a) * (len(a) - 1)) if i != j else 0
    for i in range(len(b)):
        for j in range(len(b)):
            total += kernel(b[i], b[j]) / (len(b) * (len(b) - 1)) if i != j else 0
    for x in a:
        for y in b:
            total -= 2 * kernel(x, y) / (len(a) * len(b))
    return total


def test_kernel_distance_by_hand():
    # kernels: within a (0+1)^3 = 1, within b (2+1)^3 = 27, between 1, 1, 8, 27 over 4
    found = kernel_distance([[0], [1]], [[1], [2]])
    assert found.value == pytest.approx(1 + 27 - 2 * (1 + 1 + 8 + 27) / 4)
    assert np.isnan(found.error)


def test_kernel_distance_by_a_double_loop():
    a, b = normal(7, 3), normal(5, 3, 1, 0.3)
    assert kernel_distance(a, b).value == pytest.approx(direct_kernel_distance(a, b))


def test_kernel_distance_is_unbiased():
    values = [kernel_distance(normal(12, 4, 2 * i), normal(20, 4, 2 * i + 1)).value
              for i in range(200)]
    assert min(values) < 0
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)


def test_kernel_distance_error_is_that_of_repeated_draws():
    found = [kernel_distance(normal(40, 4, 2 * i), normal(60, 4, 2 * i + 1, 0.7))
             for i in range(100)]
    spread = np.std([f.value for f in found])
    assert np.mean([f.error for f in found]) == pytest.approx(spread, rel=0.25)
    assert kernel_distance(normal(9, 2), normal(9, 2, 1)) == kernel_distance(normal(9, 2),
                                                                            normal(9, 2, 1))


def test_precision_and_recall_by_hand():
    real = np.array([[0.], [1.], [2.], [3.]])
    # radii with k = 1 are 1 everywhere: 3.9 is inside the ball of 3, 9 and 10 in none
    generated = np.array([[0.5], [3.9], [9.], [10.]])
    precision, recall = precision_recall(real, generated, k=1)
    assert precision == 0.5
    # radii of generated: 3.4, 3.4, 5.1, 1: the balls of 0.5 and 3.9 hold all real ones
    assert recall == 1.0


def test_a_border_belongs_to_the_manifold():
    real, generated = [[0.], [1.]], [[2.], [2.1]]
    precision, recall = precision_recall(np.array(real), np.array(generated), k=1)
    assert precision == 0.5 and recall == 0.0


def test_precision_and_recall_tell_collapse_from_noise():
    real = normal(100, 5)
    same, collapsed, wild = normal(100, 5, 1), normal(100, 5, 1) * 0.1, normal(100, 5, 1) * 4
    assert min(precision_recall(real, same)) > 0.6
    precision, recall = precision_recall(real, collapsed)
    assert precision > 0.95 and recall < 0.1
    precision, recall = precision_recall(real, wild)
    assert precision < 0.1 and recall > 0.8
    assert precision_recall(real, real[::-1]) == (1, 1)


@pytest.mark.parametrize('measure, least', [(frechet_distance, 2), (kernel_distance, 2),
                                            (precision_recall, 4)])
def test_bad_sets(measure, least):
    with pytest.raises(ValueError, match=f'at least {least} pictures.*found 9 and {least - 1}'):
        measure(normal(9, 3), normal(least - 1, 3))
    with pytest.raises(ValueError, match=r'one D, found shapes \(9, 3\) and \(9, 4\)'):
        measure(normal(9, 3), normal(9, 4))
