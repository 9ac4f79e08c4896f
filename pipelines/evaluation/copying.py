"""Whether generated pictures copy training pictures, in numpy.

The training set means all real training images with their augmented variants: a copy of a variant
is a copy. A distance is one under features, or 1 - the correlation of pixels.

Two tests, both against real images that were held out. `copying`: a generator that learnt the
distribution draws pictures no closer to the training set than held-out images are (Meehan et al.
2020, here as a share below a threshold). One that blurs correlates better with everything, so this
share can rise without copying: blurring drawn chests by a deviation of 1/64 of the side tripled it.
`nearest_real` [ours] asks instead whether the nearest real image was trained on more often than by
chance, which blur left as it was. Beside them `repeated_percent`: how many samples copy each other.
"""
from __future__ import annotations

from typing import List, NamedTuple

import numpy as np
from scipy import stats
from scipy.spatial.distance import cdist

from datasets.labels import LabelCoding
from pipelines.data import sheets
from pipelines.data.likeness import unit_vector

CORRELATION_SIDE = 64  # px, at which pixels are compared
RESAMPLES = 2000
CHANCE = 0.05          # [ours] a sample counts as copied below this quantile of held-out distances


class Pictures(NamedTuple):
    """Radiographs uint8 [N, S, S], label maps of codes uint8 [N, S, S], source ids [N]."""
    images: np.ndarray
    labels: np.ndarray
    sources: np.ndarray


class Copying(NamedTuple):
    """How close generated samples come to training images; shares in per cent.

    Attributes:
      copied_percent: samples closer to a training image than all but 5 % of held-out images are.
      chance_percent: what that is where nothing is copied: 5, or with fewer than 19 held-out
        images the least that they can resolve.
      chance_range_percent: 95 % of sample sets without copying fall in here (beta-binomial,
        independent samples).
      below_minimum_percent: samples closer to a training image than any held-out image is.
      threshold: the distance below which a sample counts as copied.
      generated_median, held_out_median: of the distances to the nearest training image.
    """
    copied_percent: float
    chance_percent: float
    chance_range_percent: List[float]
    below_minimum_percent: float
    threshold: float
    generated_median: float
    held_out_median: float


class NearestReal(NamedTuple):
    """Of how many samples the nearest real image was trained on; shares in per cent.

    Attributes:
      trained_percent: the share of samples.
      chance_percent: what it is without copying, the training images' share of the real ones.
      chance_range_percent: 95 % of what other choices of training images from the same real ones
        would have given. Above it is copying; below, the held-out ones differ in some other way.
    """
    trained_percent: float
    chance_percent: float
    chance_range_percent: List[float]


def feature_distances(queries: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Euclidean distance of every pair of features, [N, D] and [M, D] -> [N, M]."""
    return cdist(queries, others)


def correlation_distances(queries: np.ndarray, others: np.ndarray) -> np.ndarray:
    """1 - Pearson's correlation over pixels of every pair of pictures.

    Args:
      queries, others: [N, S, S] and [M, T, T], any grey scale; compared at 64 x 64 pixels (area
        averages), smaller ones at the smaller side.

    Returns:
      float64 [N, M] in [0, 2]; 1 for a constant picture.
    """
    side = min(CORRELATION_SIDE, queries.shape[1], others.shape[1])
    return 1 - _unit_vectors(queries, side) @ _unit_vectors(others, side).T


def copying(generated: np.ndarray, held_out: np.ndarray) -> Copying:
    """Judges distances to the nearest training image, variants included.

    Args:
      generated: of each generated sample, float [N].
      held_out: of each real image that was not trained on, float [M].
    """
    generated, held_out = np.asarray(generated), np.asarray(held_out)
    if not generated.size or not held_out.size:
        raise ValueError(f'expected distances of generated and of held-out pictures, found '
                         f'{generated.size} and {held_out.size}')
    # this quantile of M distances has a new one of the same kind below it with probability 5 %
    threshold = np.quantile(held_out, CHANCE, method='weibull')
    rank = max(1.0, CHANCE * (held_out.size + 1))
    chance = stats.betabinom(generated.size, rank, held_out.size + 1 - rank)
    return Copying(
        copied_percent=_percent(generated < threshold),
        chance_percent=100 * max(CHANCE, 1 / (held_out.size + 1)),
        chance_range_percent=[100 * float(count) / generated.size
                              for count in chance.interval(0.95)],
        below_minimum_percent=_percent(generated < held_out.min()),
        threshold=float(threshold), generated_median=float(np.median(generated)),
        held_out_median=float(np.median(held_out)))


def nearest_real(to_train: np.ndarray, to_held_out: np.ndarray) -> NearestReal:
    """Judges which real image is nearest; without copying any of them is as likely as another.

    Args:
      to_train: distances of samples to training images, float [N, M], one column an image: variants
        would give the training set more chances.
      to_held_out: distances of the same samples to held-out images, float [N, K].
    """
    num_train, num_real = to_train.shape[1], to_train.shape[1] + to_held_out.shape[1]
    nearest = np.concatenate([to_train, to_held_out], axis=1).argmin(axis=1)
    shares = np.bincount(nearest, minlength=num_real) / len(nearest)
    rng = np.random.default_rng(0)
    others = rng.permuted(np.tile(shares, (RESAMPLES, 1)), axis=1)[:, :num_train].sum(axis=1)
    return NearestReal(100 * float(shares[:num_train].sum()), 100 * num_train / num_real,
                       [100 * float(share) for share in np.quantile(others, [0.025, 0.975])])


def repeated_percent(pictures: Pictures) -> float:
    """Per cent of pairs whose picture and label map are those of an earlier pair, to the pixel."""
    distinct = {image.tobytes() + labels.tobytes()
                for image, labels in zip(pictures.images, pictures.labels)}
    return 100 * (1 - len(distinct) / len(pictures.images))


def nearest_sheet(generated: Pictures, train: Pictures, by_features: np.ndarray,
                  by_correlation: np.ndarray, chosen: np.ndarray, coding: LabelCoding
                  ) -> np.ndarray:
    """Samples beside the training images nearest to them, organs outlined, as one RGB picture.

    Args:
      by_features, by_correlation: index of the nearest training image of each sample, [N].
      chosen: the samples to show, one row each: sample, nearest by features, by correlation.
    """
    def outlined(pictures: Pictures, i: int) -> np.ndarray:
        return sheets.overlay(pictures.images[i], pictures.labels[i], coding.colours, opacity=0)

    return sheets.grid([[outlined(generated, i), outlined(train, by_features[i]),
                         outlined(train, by_correlation[i])] for i in chosen])


def _percent(share: np.ndarray) -> float:
    return 100 * float(share.mean())


def _unit_vectors(images: np.ndarray, side: int) -> np.ndarray:
    """Pictures [N, S, S] -> rows of mean 0 and length 1, [N, side * side]; constant ones are 0."""
    return np.stack([unit_vector(image, side) for image in images])
