"""Random changes while training, as numbers; data/augment.py carries them out, and models/discriminator_augmentation.py."""
from __future__ import annotations

import dataclasses

MOST = {'rotation': 180, 'shift': 0.5, 'scale': 2, 'elastic': 0.25, 'gamma': 3, 'noise': 5, 'flip': 1}  # [ours]


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

    def check(self, section: str, refuse) -> None:
        """Refuses numbers beyond which nothing of a picture is left, or that are none of their kind."""
        for key, most in MOST.items():
            if not 0 <= getattr(self, key) <= most:
                refuse(f'{section}.augmentation.{key}', f'a number from 0 to {most}', getattr(self, key))


@dataclasses.dataclass(frozen=True)
class DiscriminatorAugmentation:
    """What a discriminator alone is shown changed, real and drawn pictures alike (Karras et al. 2020); 0 = nothing."""
    probability: float = 0.0            # of each change of each picture, from 0 to 0.8; where it starts, with a target
    # The mean sign of the scores of real pictures (the paper: 0.6) that the probability follows, so that it rises where
    # they are known by heart; 0 = it stays.
    target: float = 0.0
    images: int = 500_000               # shown while the probability goes from 0 to 1; fewer for short trainings

    @property
    def is_on(self) -> bool:
        """Whether anything may be changed."""
        return self.probability > 0 or self.target > 0

    def check(self, section: str, strategy: str, refuse) -> None:
        """Refuses numbers that could not be carried out."""
        key = f'{section}.discriminator_augmentation'
        if not 0 <= self.probability <= 0.8:
            refuse(f'{key}.probability', 'a share from 0 to 0.8, above which changes leak into what is drawn', self.probability)
        if not 0 <= self.target < 1:
            refuse(f'{key}.target', 'a mean sign from 0 to below 1', self.target)
        if self.target and strategy != 'none':
            refuse(f'{key}.target', f'0 with strategy {strategy}: one probability serves one device', self.target)
        if self.images < 1:
            refuse(f'{key}.images', 'a number from 1 on', self.images)
