"""With which probability the discriminator of a stage is shown changed pictures, of the stage's settings."""
from __future__ import annotations

from typing import Optional

from models.discriminator_augmentation import Probability


def probability_of(settings) -> Optional[Probability]:
    """None where it is shown pictures as they are."""
    how = settings.discriminator_augmentation
    return Probability(how.probability, how.target, how.images) if how.is_on else None
