"""The growth schedule of PGGAN as a pure function of numbers (Karras et al. 2017, appendix A.1).

4x4 trains first; then each doubling is faded in and trained on. A phase is a run of steps in which
level, batch size and learning rate do not change; each starts with fresh optimisers. Images are
counted as the discriminator is shown them, repetitions included.
"""
from __future__ import annotations

from typing import Mapping, NamedTuple, Optional, Tuple

from datasets.errors import InputError

# Official settings for one GPU, by side of the images.
BATCH_SIZES = {4: 128, 8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8, 512: 4, 1024: 4}
SNAPSHOT_IMAGES = {4: 160_000, 8: 140_000, 16: 120_000, 32: 100_000, 64: 80_000, 128: 60_000,
                   256: 40_000, 512: 20_000, 1024: 10_000}

_RAISED_EVERY = 4


class GrowthPhase(NamedTuple):
    """A stretch of training at one resolution.

    Attributes:
      level: log2 of the images' side.
      fading: whether the level below is still blended in.
      steps: of the whole phase.
      batch_size: images in a step.
      learning_rate: of both networks.
      snapshot_steps: steps between two official snapshots.
    """
    level: int
    fading: bool
    steps: int
    batch_size: int
    learning_rate: float
    snapshot_steps: int


def phases(resolution: int,
           fade_images: int = 600_000,
           stable_images: int = 600_000,
           batch_sizes: Mapping[int, int] = BATCH_SIZES,
           learning_rate: float = 1.0e-3,
           learning_rate_1024: float = 1.5e-3,
           total_images: Optional[int] = None,
           group_size: int = 4) -> Tuple[GrowthPhase, ...]:
    """The phases from 4x4 to `resolution`, each with that resolution's batch from its first step.

    Args:
      resolution: side of the finished images, a power of two of at least 4.
      fade_images: shown while a level fades in; 0 leaves the fades out.
      stable_images: shown at each level after its fade.
      batch_sizes: by side, for every side up to `resolution`.
      learning_rate: below 1024 px; `learning_rate_1024` from there on.
      total_images: shown in all phases together: what the others leave goes to the last (12 million
        at 1024 in the official settings). None: the last is as long as the other stable ones.
      group_size: of the minibatch standard deviation.

    Raises:
      InputError: a resolution or a number of images out of range; a side without a batch size; a
        batch larger than `group_size` and no multiple of it.
    """
    top_level = int(resolution).bit_length() - 1
    if top_level < 2 or 2 ** top_level != resolution:
        raise InputError(f'resolution: expected a power of two from 4 on, found {resolution}')
    if fade_images < 0 or stable_images < 1:
        raise InputError(f'fade_images, stable_images: expected at least 0 and 1, found '
                         f'{fade_images} and {stable_images}; correct them')
    before_last = (top_level - 2) * (stable_images + fade_images)
    last_images = stable_images if total_images is None else total_images - before_last
    if last_images < 1:
        raise InputError(f'total_images: expected more than the {before_last} of all phases but '
                         f'the last, found {total_images}; shorten fade_images or stable_images')
    schedule = []
    for level in range(2, top_level + 1):
        side = 2 ** level
        batch = _batch_size(batch_sizes, side, group_size)
        rate = learning_rate if side < 1024 else learning_rate_1024
        snapshot_steps = _ceil_div(SNAPSHOT_IMAGES[min(side, 1024)], batch)
        fade = fade_images if level > 2 else 0
        stable = stable_images if level < top_level else last_images
        schedule += [
            GrowthPhase(level, fading, _ceil_div(images, batch), batch, rate, snapshot_steps)
            for fading, images in ((True, fade), (False, stable)) if images]
    return tuple(schedule)


def fade_alpha(step, steps):
    """How much the new level counts at a step of its fade, in (0, 1].

    It rises every 4 steps, as in the official code, and ends at 1. [ours] It has risen once already
    for the first 4 steps: at 0 the new layers would learn nothing.

    Args:
      step: in the phase, from 0: int, array or integer tensor.
      steps: of the phase, int.
    """
    return (step // _RAISED_EVERY + 1) / _ceil_div(steps, _RAISED_EVERY)


def _batch_size(batch_sizes: Mapping[int, int], side: int, group_size: int) -> int:
    batch = batch_sizes.get(side, 0)
    if batch < 1 or batch > group_size and batch % group_size:
        raise InputError(f'batch_sizes: expected for {side} px a multiple of {group_size} (the '
                         f'group of the minibatch standard deviation) or less than that, found '
                         f'{batch_sizes.get(side, "none")}; correct it')
    return batch


def _ceil_div(number: int, divisor: int) -> int:
    return -(-number // divisor)
