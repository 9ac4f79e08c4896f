"""Random changes while training, as numbers; data/augment.py carries them out."""
from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """Random changes while training, the same ones in every regime; all 0 = none (the paper)."""
    rotation: float = 0.0               # degrees, either way
    shift: float = 0.0                  # share of the side, either way
    scale: float = 0.0                  # share, either way
    elastic: float = 0.0                # deviation of displacements on a 5x5 grid, share of the side
    gamma: float = 0.0                  # exponent exp(U(-gamma, gamma)) on the grey range; image only
    noise: float = 0.0                  # highest standard deviation, in units of the image's own
    # Share of the pictures that are mirrored, left to right; not where organs have a left and a right.
    flip: float = 0.0
