"""Distances between two sets of pictures, each given by its features [pictures, D], in numpy.

They depend on the features (`models/features.py`), so a name that carries one says which, for
example `fid_random`. A Fréchet distance falls with the number of pictures: compare sets of one
size, or read the kernel distance, which is unbiased.
"""
from __future__ import annotations

from typing import NamedTuple, Tuple

import numpy as np
from scipy.spatial.distance import cdist

RESAMPLES = 100
RESAMPLING_SEED = 0


class KernelDistance(NamedTuple):
    """An estimate and its standard error (NaN with fewer than four pictures in a set)."""
    value: float
    error: float


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^1/2) of means and covariances (unbiased ones).

    Heusel et al. 2017, equation 6 (FID). The eigenvalues of the square root are the singular values
    of A B^T, where A and B are the centred features over (n - 1)^1/2: no matrix is inverted or
    rooted, so fewer pictures than features do no harm, and equal sets are at 0 up to rounding.

    Args:
      a, b: float [N, D] and [M, D], at least 2 pictures each.

    Raises:
      ValueError: too few pictures, or another number of features.
    """
    a, b = _checked(a, b, 2)
    shift = a.mean(axis=0) - b.mean(axis=0)
    centred_a, centred_b = ((x - x.mean(axis=0)) / np.sqrt(len(x) - 1) for x in (a, b))
    # R of A = QR has the same singular values against B, and at most D rows
    root_a, root_b = (np.linalg.qr(x, mode='r') for x in (centred_a, centred_b))
    cross = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    return float(max(0.0, shift @ shift + (root_a ** 2).sum() + (root_b ** 2).sum() - 2 * cross))


def kernel_distance(a: np.ndarray, b: np.ndarray) -> KernelDistance:
    """Unbiased MMD^2 under the kernel (x.y / D + 1)^3 (Binkowski et al. 2018, section 4: KID).

    The value is that of all pictures, below 0 by chance where the sets are alike. [ours] The error
    is the standard deviation over 100 random halves of both sets (fixed seed): right where the
    sets differ, up to 1.7 times too large where they do not.

    Args:
      a, b: float [N, D] and [M, D], at least 2 pictures each.

    Raises:
      ValueError: too few pictures, or another number of features.
    """
    a, b = _checked(a, b, 2)
    within_a, within_b, between = (_kernel(x, y) for x, y in ((a, a), (b, b), (a, b)))
    np.fill_diagonal(within_a, 0)
    np.fill_diagonal(within_b, 0)

    def distances(in_a, in_b):
        """Of subsets, given as 0/1 columns [pictures, subsets]."""
        n, m = in_a.sum(axis=0), in_b.sum(axis=0)
        return ((in_a * (within_a @ in_a)).sum(axis=0) / (n * (n - 1))
                + (in_b * (within_b @ in_b)).sum(axis=0) / (m * (m - 1))
                - 2 * (in_a * (between @ in_b)).sum(axis=0) / (n * m))

    value = float(distances(np.ones((len(a), 1)), np.ones((len(b), 1)))[0])
    if min(len(a), len(b)) < 4:
        return KernelDistance(value, float('nan'))
    rng = np.random.default_rng(RESAMPLING_SEED)
    return KernelDistance(value, float(distances(_halves(rng, len(a)), _halves(rng, len(b))).std()))


def precision_recall(real: np.ndarray, generated: np.ndarray, k: int = 3) -> Tuple[float, float]:
    """Shares of generated pictures that look real, and of real ones that could be generated.

    Kynkäänniemi et al. 2019, equations 1 and 2: a picture is inside a set's manifold where it is no
    farther from a member of the set than that member's k-th neighbour in its own set.

    Args:
      real, generated: float [N, D] and [M, D], at least k + 1 pictures each.

    Returns:
      (precision, recall), both in [0, 1].

    Raises:
      ValueError: too few pictures, or another number of features.
    """
    real, generated = _checked(real, generated, k + 1)
    distances = cdist(real, generated)
    return (float((distances <= _radii(real, k)[:, None]).any(axis=0).mean()),
            float((distances <= _radii(generated, k)[None]).any(axis=1).mean()))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _halves(rng: np.random.Generator, count: int) -> np.ndarray:
    """Random halves of `count` pictures as 0/1 columns [count, RESAMPLES]."""
    order = rng.permuted(np.tile(np.arange(count)[:, None], RESAMPLES), axis=0)
    return (order < count // 2).astype(np.float64)


def _radii(x: np.ndarray, k: int) -> np.ndarray:
    """Distance of each row to its k-th neighbour; the nearest of all is the row itself."""
    return np.partition(cdist(x, x), k, axis=1)[:, k]


def _checked(a: np.ndarray, b: np.ndarray, least: int) -> Tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f'expected two sets of features [pictures, D] of one D, found shapes '
                         f'{a.shape} and {b.shape}')
    if min(len(a), len(b)) < least:
        raise ValueError(f'expected at least {least} pictures in each set, found {len(a)} and '
                         f'{len(b)}')
    return a, b
