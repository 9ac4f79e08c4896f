"""MUNIT in numbers: settings, checks, learning rate; what it has in common with UNIT.

The defaults are those of CoDAGAN's code, which we take for what Oliveira & dos Santos 2018 leave unsaid [ours]; the
official ones stand in the comments.
"""
from __future__ import annotations

import dataclasses
from typing import Optional

from pipelines.plan.augmentation import Augmentation

OF_BOTH = ('width', 'downsamplings', 'ndf', 'layers', 'scales', 'batch_size', 'epochs')
POSITIVE = (*OF_BOTH, 'style', 'mlp')
WEIGHTS = ('picture', 'style', 'content', 'cycle', 'gan')
NOT_NEGATIVE = ('blocks', 'weight_decay', 'halve_every', *(f'{name}_weight' for name in WEIGHTS))
STYLES_FROM = 'picture', 'drawn'
LEAST_SIDE = 16  # px: its style encoder halves four times


@dataclasses.dataclass(frozen=True)
class Settings:
    """Networks and schedule of a MUNIT; see models/munit."""
    width: int = 32                     # channels of a generator at full size (official: 64)
    downsamplings: int = 2              # halvings of the content encoder; the side is a multiple of 2^downsamplings
    blocks: int = 2                     # residual blocks of the encoder, and of the decoder (official: 4)
    style: int = 8                      # numbers of a style
    # Of what b is drawn in: that of a picture of A (the paper: one after training), or 'drawn', from N(0, 1), as MUNIT's own.
    style_from: str = 'picture'
    mlp: int = 32                       # width of what turns a style into tone (official: 256)
    # "Two encoding and two decoding layers" read literally: neither a 7x7 stem nor residual blocks.
    shallow: bool = False
    ndf: int = 32                       # channels of a discriminator's first layer (official: 64)
    layers: int = 2                     # its strided layers (official: 4)
    scales: int = 1                     # sizes that are judged: 1, 1/2, ... of the side (official: 3)
    picture_weight: float = 10.0        # of |a - what its own code and style give|
    style_weight: float = 1.0           # of the drawn style against the one read from the picture drawn with it
    content_weight: float = 1.0         # of the code against that of the translated picture
    cycle_weight: float = 1.0           # of |a - aba|; 0 leaves it out (official: 10 or 0)
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
    check_codes(config, settings, refuse, 'munit', LEAST_SIDE)
    if settings.style_from not in STYLES_FROM:
        refuse('munit.style_from', f'one of {", ".join(STYLES_FROM)}', settings.style_from)


def check_codes(config, settings, refuse, kind: str, least: int) -> None:
    """What MUNIT and UNIT refuse; `least`: px."""
    if not settings.learning_rate > 0:
        refuse(f'{kind}.learning_rate', 'a number above 0', settings.learning_rate)
    multiple = 2 ** settings.downsamplings
    least = max(least, 2 * multiple, 2 ** (settings.layers + settings.scales - 1))
    if config.data.size % multiple or config.data.size < least:
        refuse('data.size', f'a multiple of {multiple} from {least} on, for {settings.downsamplings} downsamplings and '
               f'discriminators of {settings.layers} layers and {settings.scales} scales', config.data.size)


def learning_rate(settings, step: int) -> float:
    """Of step 0, 1, ...: halved after every `halve_every` steps."""
    return settings.learning_rate * 0.5 ** (step // settings.halve_every if settings.halve_every else 0)
