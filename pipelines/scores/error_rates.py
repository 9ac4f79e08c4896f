"""How often the intervals of a difference are wrong, by simulation, in numpy: seconds.

Two regimes that are equal in truth are trained from `draws` draws with `seeds` seeds each, as pairs, and
scored on the same images. The difference of a pair is an effect of its draw, one of its seed and, the mean
over images of, one of each image, all normal; the resampling is that of `bootstrap` (`resampling`). An
interval that leaves out 0 is an error: 5 % are what 95 % promise. What decides is how much the draws vary
beside the seeds, which few draws cannot tell. [ours]

    python -m pipelines.scores.error_rates      # prints the table
"""
from __future__ import annotations

import functools
from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

from pipelines.scores import resampling
from pipelines.scores.table import Table, to_text

IMAGES = 62
IMAGES_TO_SEEDS = 0.3   # variance by images of the mean over all, over that by the seed: as in our study
REPETITIONS = 1000
RESAMPLES = 1000
SEED = 0
DESIGNS = ((1, 1), (1, 3), (2, 1), (2, 3), (4, 3))    # draws, seeds of each
RATIOS = (0.0, 0.5, 1.0, 4.0)                         # variance between draws over that between seeds


class Components(NamedTuple):
    """Variances of a paired difference, per cent squared: by the draw, by the seed, by the images."""
    draws: float
    seeds: float
    images: float


def error_rate(draws: int, seeds: int, ratio: float, told: int = 1,
               images_to_seeds: float = IMAGES_TO_SEEDS) -> float:
    """Share of intervals that leave out 0 although nothing differs.

    Args:
      draws, seeds: trainings of either regime: so many seeds of each draw.
      ratio: variance between draws over that between seeds.
      told: differences that are told together, see bootstrap; the share is that of each of them.
      images_to_seeds: variance of the mean over images over that between seeds.

    Returns:
      A number in 0..1, with a standard error of 0.7 points at 5 % and 1.4 at 30.
    """
    rng = np.random.default_rng(SEED)
    of_draws = np.repeat(rng.normal(0, np.sqrt(ratio), [draws, REPETITIONS]), seeds, axis=0)
    runs = of_draws + rng.normal(size=[draws * seeds, REPETITIONS])
    images = rng.normal(0, np.sqrt(images_to_seeds * IMAGES), [IMAGES, REPETITIONS])
    taken = resampling.of_runs(rng, RESAMPLES, [i // seeds for i in range(draws * seeds)])
    shown = resampling.counted(rng, RESAMPLES, IMAGES, IMAGES) / IMAGES
    resampled = taken / taken.sum(axis=1, keepdims=True) @ runs + shown @ images
    miss = 0.05 / told
    low, high = np.quantile(resampled, [miss / 2, 1 - miss / 2], axis=0)
    return float(np.mean((low > 0) | (high < 0)))


@functools.lru_cache(maxsize=None)
def table(told: int = 1) -> Table:
    """The error rates of DESIGNS and RATIOS, per cent."""
    body = [(_words(draws, seeds), *[f'{100 * error_rate(draws, seeds, ratio, told):.0f} %' for ratio in RATIOS])
            for draws, seeds in DESIGNS]
    level = 100 - 5 / told
    return Table('How often such intervals are wrong', (
        'Trainings', *[f'Draws vary {ratio:g} × seeds' for ratio in RATIOS]), body, [
        f'Of {REPETITIONS:,} simulated pairs of equal regimes each, the share whose interval (level {level:.4g} %, '
        f'should be {5 / told:.2g} %) leaves out 0. × is the ratio of the variances of a difference by '
        f'draws and by seeds; that by {IMAGES} images is {IMAGES_TO_SEEDS} of that by seeds.'])


def components(values: Dict[Tuple[int, int], float], images: float) -> Components:
    """Variances of the differences of pairs, by the method of moments; below 0 counts as 0.

    Args:
      values: (draw, seed) -> the difference of that pair, per cent; NaN where there are not
        two draws or no draw has two seeds.
      images: variance of the mean over all images, by resampling them alone.
    """
    groups: Dict[int, List[float]] = {}
    for (draw, _), value in values.items():
        groups.setdefault(draw, []).append(value)
    freedom = len(values) - len(groups)
    seeds = sum(np.sum((np.array(group) - np.mean(group)) ** 2) for group in groups.values())
    seeds = float(seeds / freedom) if freedom else float('nan')
    between = float(np.var([np.mean(group) for group in groups.values()], ddof=1)) if len(groups) > 1 \
        else float('nan')
    return Components(float(np.maximum(0.0, between - seeds / _harmonic(groups.values()))), seeds, images)


def _harmonic(groups: Sequence[Sequence[float]]) -> float:
    return len(groups) / sum(1 / len(group) for group in groups)


def _words(draws: int, seeds: int) -> str:
    return (f'{draws} draw{"s" * (draws > 1)} of {seeds} seed{"s" * (seeds > 1)}')


if __name__ == '__main__':
    print(to_text([table(), table(10)]))
