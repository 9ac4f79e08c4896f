"""A statistical shape model in numbers: draws label maps from the few that there are, without a GAN."""
from __future__ import annotations

import dataclasses

POSITIVE = ('latent_size', 'side')


@dataclasses.dataclass(frozen=True)
class Settings:
    """Of the stages that draw label maps from a shape model; see models/shape_model.py."""
    # Components that shapes vary in, at most one less than there are label maps; more of them: nearer to the single maps.
    latent_size: int = 16
    deviations: float = 2.0             # no shape is farther from the mean, in standard deviations, component by component
    side: int = 128                     # at most, px, of the maps that it knows; outlines between them are smooth


def check(config, stage, settings: Settings, refuse) -> None:
    """Refuses, before anything is trained, settings of a stage that could not be carried out."""
    if not settings.deviations > 0:
        refuse('shape_model.deviations', 'a number above 0', settings.deviations)
