"""Centre lines of thin structures: a mask worn down to lines of one pixel.

[ours] Guo and Hall, "Parallel thinning with two-subiteration algorithms", CACM 32 (1989) 359, algorithm A1, in numpy:
it keeps pieces and holes as they are, and unlike Zhang and Suen's (1984) wears no square of four pixels away.
"""
from __future__ import annotations

import numpy as np

# the eight neighbours clockwise from the one above, as (row, column); a code has a bit for each
NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def _removable(turn: int) -> np.ndarray:
    """Whether a pixel with neighbours of a code may go, bool [256]; `turn` 0 wears down from the south-east, 1 from
    the north-west."""
    n, ne, e, se, s, sw, w, nw = (np.arange(256) >> bit & 1 for bit in range(8))
    crossings = (1 - n & (ne | e)) + (1 - e & (se | s)) + (1 - s & (sw | w)) + (1 - w & (nw | n))
    pairs = np.minimum((nw | n) + (ne | e) + (se | s) + (sw | w), (n | ne) + (e | se) + (s | sw) + (w | nw))
    is_held = ((s | sw | (1 - nw)) & w) if turn == 0 else ((n | ne | (1 - se)) & e)
    return (crossings == 1) & (pairs >= 2) & (pairs <= 3) & (is_held == 0)


REMOVABLE = tuple(_removable(turn) for turn in (0, 1))


def skeleton(mask: np.ndarray) -> np.ndarray:
    """The centre lines of a mask, bool [H, W] each: as many 8-connected pieces, as many holes."""
    padded = np.pad(np.asarray(mask, bool), 1)
    flat, width = padded.ravel(), padded.shape[1]
    steps = [row * width + column for row, column in NEIGHBOURS]
    places = np.flatnonzero(flat)
    is_worn = True
    while is_worn:
        is_worn = False
        for table in REMOVABLE:
            gone = table[_codes(flat, places, steps)]
            flat[places[gone]] = False
            places, is_worn = places[~gone], is_worn or bool(gone.any())
    return padded[1:-1, 1:-1].copy()


def neighbours(lines: np.ndarray) -> np.ndarray:
    """The codes of the neighbours of every pixel of a mask [H, W] that is set, in their order, int [n]."""
    padded = np.pad(np.asarray(lines, bool), 1)
    steps = [row * padded.shape[1] + column for row, column in NEIGHBOURS]
    return _codes(padded.ravel(), np.flatnonzero(padded), steps)


def _codes(flat: np.ndarray, places: np.ndarray, steps) -> np.ndarray:
    found = np.zeros(len(places), np.intp)
    for bit, step in enumerate(steps):
        found |= flat[places + step].astype(np.intp) << bit
    return found
