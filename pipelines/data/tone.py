"""The tone of one hospital's pictures on those of another, by histograms: the baseline of every translator.

Each picture's greys are mapped so that they are spread as those of the other hospital's pictures are on average: one
rising curve a picture, the same at all of its places, so that nothing is drawn that was not there. Here is no
TensorFlow graph: numpy on pictures, before they are written or scored.
"""
from __future__ import annotations

from typing import Iterable

import numpy as np

from datasets import records
from datasets.errors import InputError
from datasets.film import film

LEVELS = 1024  # quantiles of a curve, in the middle of as many equal shares of the pixels


def tone_of(pictures: Iterable[np.ndarray], levels: int = LEVELS) -> np.ndarray:
    """The reference: the mean tone of some pictures, as quantiles that never fall, float64 [levels].

    [ours] The mean of the pictures' quantiles, as Nyul, Udupa and Zhang (IEEE TMI 19, 2000, 143) average landmarks of
    histograms; the histogram of all pixels together would be flatter than that of any picture. The black border
    of a film counts for nothing, see datasets/film.py.

    Args:
      pictures: grey, [H, W] or [H, W, 1] each, of any sizes.

    Raises:
      InputError: there is no picture, or one in colours.
    """
    total, count = np.zeros(levels), 0
    for picture in pictures:
        grey = _grey(picture)
        total += np.quantile(grey[film(grey)], _middles(levels), method='inverted_cdf')
        count += 1
    if not count:
        raise InputError('the tone of no pictures: expected at least one to learn a tone from, found none')
    return total / count


def tone_of_records(info: records.Info, levels: int = LEVELS) -> np.ndarray:
    """`tone_of` of the originals of a set of records, without their variants and what surrounds them."""
    return tone_of((info.shown(row)[0] for number, row in enumerate(records.read(info))
                    if number % info.versions == 0), levels)


def matched_tone(pictures: Iterable[np.ndarray], reference: np.ndarray) -> list:
    """Pictures in the tone of a reference: each pixel becomes the reference's quantile of its own rank.

    Equal pixels stay equal, and take the middle of their ranks; a brighter one never becomes darker. The black
    border of a film does not count among the ranks, and becomes the reference's darkest.

    Args:
      pictures: as in `tone_of`; also an array of pictures of one size.
      reference: of `tone_of`.

    Returns:
      A float32 array for each, of its shape, in the reference's grey scale.

    Raises:
      InputError: the reference falls or is no curve, or a picture is in colours.
    """
    reference = np.asarray(reference, np.float64)
    if reference.ndim != 1 or not len(reference) or not (np.diff(reference) >= 0).all():
        raise InputError(f'the reference of a tone: expected quantiles that never fall, as tone_of makes them, found '
                         f'shape {list(reference.shape)}')
    return [_matched(picture, reference) for picture in pictures]


def _matched(picture: np.ndarray, reference: np.ndarray) -> np.ndarray:
    grey = _grey(picture)
    values, counts = np.unique(grey[film(grey)], return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2) / counts.sum()
    tones = np.interp(ranks, _middles(len(reference)), reference)
    tones = np.interp(grey, values, tones, left=reference[0])
    return tones.reshape(picture.shape).astype(np.float32)


def _middles(levels: int) -> np.ndarray:
    return (np.arange(levels) + 0.5) / levels


def _grey(picture: np.ndarray) -> np.ndarray:
    if picture.ndim == 3 and picture.shape[-1] == 1:
        return picture[..., 0]
    if picture.ndim != 2:
        raise InputError(f'a tone is that of grey pictures: expected [H, W] or [H, W, 1], found '
                         f'{list(picture.shape)}; set data.channels=1, or leave the tone as it is')
    return picture
