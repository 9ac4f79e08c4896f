"""PGGAN in numbers: settings, checks, schedule of growth; draws fields from noise."""
from __future__ import annotations

import dataclasses
from typing import Dict, Optional, Tuple

from pipelines.plan.augmentation import DiscriminatorAugmentation
from pipelines.plan.kinds import growth

POSITIVE = ('fmap_max', 'fmap_base', 'latent_size', 'group_size')


@dataclasses.dataclass(frozen=True)
class Settings:
    """Networks and growth of the stages that draw from noise; see models/pggan, growth.py."""
    # Feature maps at side 2^r: fmap_base / 2^(r-1), at most fmap_max. More of them: sharper, slower, and
    # memory grows with maps x side^2, so the last sides decide.
    fmap_base: int = 8192
    fmap_max: int = 64
    # Numbers of noise that a sample is drawn from. More than the maps at 4 px bring little.
    latent_size: int = 64
    fused_scale: bool = True            # resize inside the convolution: same function, less cost
    # Real images shown while a new resolution fades in, and at each resolution after that. Steps are
    # these over the batch size; too few leave a grid in the samples. fade_images=0: no growth by fading.
    fade_images: int = 600_000
    stable_images: int = 600_000
    # By side, for every side from 4 px to the last; each a multiple of group_size. Memory grows with it.
    batch_sizes: Dict[int, int] = dataclasses.field(
        default_factory=lambda: dict(growth.BATCH_SIZES))
    total_images: Optional[int] = None  # of all phases; the last takes what the others leave
    learning_rate: float = 1.0e-3       # of both networks, below 1024 px; higher ones diverge first in D
    learning_rate_1024: float = 1.5e-3  # from there on
    group_size: int = 4                 # samples that share a minibatch standard deviation; divides batches
    # To start from: a folder of tools/import_weights.py, or WORKDIR/stages/<stage> of a finished training.
    initial_weights: Optional[str] = None
    discriminator_augmentation: DiscriminatorAugmentation = DiscriminatorAugmentation()
    snapshot: Optional[int] = None      # step whose snapshot draws, stopping by eye; none = the last


def check(config, stage, settings: Settings, refuse) -> None:
    """Refuses, before anything is trained, settings of a stage that could not be carried out."""
    if not settings.learning_rate > 0:
        refuse(f'{stage.kind}.learning_rate', 'a number above 0', settings.learning_rate)
    settings.discriminator_augmentation.check(stage.kind, config.strategy, refuse)
    key = 'dots_size' if stage.produces == ('dots',) else 'size'
    side = getattr(config.data, key)
    if side < 4 or side & (side - 1):
        refuse(f'data.{key}', f'a power of two from 4 on for stage {stage.name} of PGGAN', side)
    schedule(settings, side)


def schedule(settings: Settings, side: int) -> Tuple[growth.GrowthPhase, ...]:
    """The growth up to pictures of `side` px; InputError where the settings do not allow one."""
    return growth.phases(
        side, fade_images=settings.fade_images, stable_images=settings.stable_images,
        total_images=settings.total_images, batch_sizes=settings.batch_sizes,
        learning_rate=settings.learning_rate, learning_rate_1024=settings.learning_rate_1024,
        group_size=settings.group_size)
