"""UNIT in numbers: settings, checks; MUNIT's in all but the style.

The defaults are those of CoDAGAN's code, which we take for what Oliveira & dos Santos 2018 leave unsaid [ours]; the
official ones stand in the comments.
"""
from __future__ import annotations

import dataclasses
from typing import Optional

from pipelines.plan.augmentation import Augmentation
from pipelines.plan.kinds.munit import OF_BOTH, check_codes

POSITIVE = OF_BOTH
NOT_NEGATIVE = ('blocks', 'weight_decay', 'halve_every', 'picture_weight', 'kl_weight', 'cycle_weight', 'gan_weight')
LEAST_SIDE = 4  # px: its 7x7 convolutions reflect three rows at the border


@dataclasses.dataclass(frozen=True)
class Settings:
    """Networks and schedule of a UNIT; see models/munit."""
    width: int = 32                     # channels of a generator at full size (official: 64)
    downsamplings: int = 2              # halvings of the encoder; the side is a multiple of 2^downsamplings
    blocks: int = 2                     # residual blocks of the encoder, and of the decoder (official: 4)
    # "Two encoding and two decoding layers" read literally: neither a 7x7 stem nor residual blocks.
    shallow: bool = False
    ndf: int = 32                       # channels of a discriminator's first layer (official: 64)
    layers: int = 2                     # its strided layers (official: 4)
    scales: int = 1                     # sizes that are judged: 1, 1/2, ... of the side (official: 3)
    picture_weight: float = 10.0        # of |a - what its own code gives|
    kl_weight: float = 1.0              # of the mean square of codes, of translated pictures too (official: 0.01)
    cycle_weight: float = 1.0           # of |a - aba| (official: 10)
    gan_weight: float = 1.0             # of the adversarial term
    batch_size: int = 2                 # pictures of each set in a step; divides by the devices (official: 1)
    learning_rate: float = 1.0e-4       # of all networks
    halve_every: int = 0                # steps after which the rate halves, 0 = never (official: 100000)
    weight_decay: float = 1.0e-4        # coupled: times the weight, added to the gradient of everything
    epochs: int = 20                    # an epoch shows the larger set once, augmented versions included
    # To start from: a folder of tools/import_weights.py, or WORKDIR/stages/<stage> of a finished training.
    initial_weights: Optional[str] = None
    augmentation: Augmentation = Augmentation()


def check(config, stage, settings: Settings, refuse) -> None:
    """Refuses, before anything is trained, settings of a stage that could not be carried out."""
    check_codes(config, settings, refuse, 'unit', LEAST_SIDE)
