"""Masks as text: the two run-length codes that chest radiographs are distributed in, by name.

Both are pairs of whole numbers, where a run begins and how many pixels it has, of a picture whose pixels are
numbered one by one. They differ in all else, and no text says which of them it is:

  SIIM_ACR  the first number of a pair counts from the end of the run before (the very first from pixel 0); pixels
            are numbered down the columns; `-1` is an empty mask. As mask_functions.py of the SIIM-ACR Pneumothorax
            Segmentation challenge (2019) decodes it.
  CHEXMASK  the first number is the run's own place, counted from 1; pixels are numbered along the rows; an empty
            text is an empty mask. Gaggion et al., "CheXmask: a large-scale dataset of anatomical segmentation masks
            for multi-center chest x-ray images", Scientific Data 11 (2024).

[ours] Runs that overlap or go back, and runs of no pixel, are refused: nobody writes them, and the one code read as
the other mostly has some.
"""
from __future__ import annotations

import re
from typing import List, NamedTuple, Tuple

import numpy as np

from datasets.errors import InputError

NUMBER = re.compile(r'-?[0-9]+')
SHOWN = 30  # characters of a text that a message quotes


class RunLengthCode(NamedTuple):
    """One run-length code.

    Attributes:
      name: of the code, in messages.
      is_relative: a run begins so many pixels behind the end of the run before; else at its own place.
      first: number of the first pixel.
      order: 'F': pixels are numbered down the columns; 'C': along the rows.
      none: the text of an empty mask.
    """
    name: str
    is_relative: bool
    first: int
    order: str
    none: str

    def encode(self, mask: np.ndarray) -> str:
        """A mask, bool [H, W] -> its text, runs as long as they get."""
        flat = np.concatenate([[0], np.asarray(mask, bool).ravel(order=self.order), [0]]).astype(np.int8)
        changes = np.flatnonzero(np.diff(flat))
        starts, ends = changes[::2], changes[1::2]
        if not len(starts):
            return self.none
        places = starts - np.concatenate([[0], ends[:-1]]) if self.is_relative else starts
        return ' '.join(map(str, np.stack([places + self.first, ends - starts], axis=1).ravel()))

    def decode(self, text: str, shape: Tuple[int, int], source: str) -> np.ndarray:
        """A text -> the mask, bool [H, W].

        Args:
          shape: (height, width) of the picture that it was drawn on, px.
          source: names the text in a refusal, such as a file and a line.

        Raises:
          InputError: no pairs of whole numbers, a run without pixels, one that overlaps the run before or goes back,
            or one that leaves the picture.
        """
        text, flat = text.strip(), np.zeros(shape[0] * shape[1], bool)
        end = 0
        for place, length in self._pairs(text, source) if text != self.none else ():
            start = place - self.first + (end if self.is_relative else 0)
            if start < end:
                raise InputError(f'{source}: expected run lengths ({self.name}) in their order, found a run at {place} '
                                 f'before the end of the one before it; is it another code?')
            if start + length > len(flat):
                raise InputError(f'{source}: expected run lengths ({self.name}) within {shape[0]} x {shape[1]} pixels, '
                                 f'found a run that ends at pixel {start + length} of {len(flat)}; are they of a '
                                 f'picture of another size, or is it another code?')
            end = start + length
            flat[start:end] = True
        return flat.reshape(shape, order=self.order)

    def _pairs(self, text: str, source: str) -> List[Tuple[int, int]]:
        words = text.split()
        expected = f'{source}: expected run lengths ({self.name}), pairs of a place and a length, or {self.none!r} ' \
                   f'for none'
        for word in words:
            if not NUMBER.fullmatch(word) or len(word) > 18:  # as many digits as an int64 holds
                raise InputError(f'{expected}, found {word[:SHOWN]!r}')
        if len(words) % 2 or not words:
            raise InputError(f'{expected}, found {len(words)} numbers; is the line cut off?')
        pairs = [(int(place), int(length)) for place, length in zip(words[::2], words[1::2])]
        for place, length in pairs:
            if place < self.first:
                raise InputError(f'{expected}, found the place {place}, before the first, {self.first}')
            if length < 1:
                raise InputError(f'{expected}, found a length of {length}')
        return pairs


SIIM_ACR = RunLengthCode('SIIM-ACR', is_relative=True, first=0, order='F', none='-1')
CHEXMASK = RunLengthCode('CheXmask', is_relative=False, first=1, order='C', none='')
