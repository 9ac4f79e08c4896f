"""A GAN in numbers: as small as one can be, with a rhythm of its own for the discriminator."""
from __future__ import annotations

import dataclasses

POSITIVE = ('width', 'steps', 'batch_size')


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of the toy."""
    width: int = 4
    steps: int = 4
    batch_size: int = 2
    latent_size: int = 3
    learning_rate: float = 1.0e-3


def check(config, stage, settings: Settings, refuse) -> None:
    """Refuses what could not be carried out."""
    if settings.width > 64:
        refuse('toygan.width', 'at most 64, it is a toy', settings.width)
