"""CycleGAN in numbers: settings, checks; two data sets without pairs, each translated into the other.

The schedule is Pix2PixHD's: constant, then falling linearly to 0 over epochs (`kinds.pix2pixhd.linear_decay`).
"""
from __future__ import annotations

import dataclasses
from typing import Optional

from pipelines.plan.augmentation import Augmentation
from pipelines.plan.kinds.pix2pix import check_choices

POSITIVE = ('ngf', 'blocks', 'ndf', 'layers', 'batch_size')
NOT_NEGATIVE = ('cycle_weight', 'identity_weight', 'pool_size', 'epochs', 'decay_epochs')
WORDS = {'network': ('resnet', 'unet'), 'norm': ('instance', 'batch'), 'gan': ('lsgan', 'vanilla')}
DOWNSAMPLINGS = 2  # of the ResNet


@dataclasses.dataclass(frozen=True)
class Settings:
    """Networks and schedule of a CycleGAN, as published; see models/cyclegan."""
    network: str = 'resnet'             # of both generators: resnet | unet
    ngf: int = 64                       # channels of a generator's first layer; parameters grow with the square
    blocks: int = 9                     # resnet: residual blocks; published: 9 at 256 px, 6 at 128 px
    levels: int = 8                     # unet: halvings; the side is a multiple of 2^levels; 7 at 128 px
    norm: str = 'instance'              # or batch: then the mean of a step's pictures is what is taken away
    ndf: int = 64                       # channels of a discriminator's first layer
    layers: int = 3                     # strided layers of a discriminator: 3 judge patches of 70 px
    gan: str = 'lsgan'                  # least squares, as published; or vanilla, cross entropy
    # Of |a - aba| and |b - bab|: larger, and less is changed on the way.
    cycle_weight: float = 10.0
    # Times cycle_weight, of how far a picture moves that is there already: keeps the tone; 0 = off.
    identity_weight: float = 0.5
    pool_size: int = 50                 # drawn pictures kept to be judged again, a domain; 0 = none; one device only
    batch_size: int = 1                 # pictures of each set in a step; divides by the devices
    learning_rate: float = 2.0e-4       # of all networks
    # At a constant learning rate, and then falling linearly to 0. An epoch shows the larger set once, augmented
    # versions included.
    epochs: int = 100
    decay_epochs: int = 100
    # To start from: a folder of tools/import_weights.py, or WORKDIR/stages/<stage> of a finished training.
    initial_weights: Optional[str] = None
    augmentation: Augmentation = Augmentation()


def check(config, stage, settings: Settings, refuse) -> None:
    """Refuses, before anything is trained, settings of a stage that could not be carried out."""
    check_choices(settings, refuse, 'cyclegan', WORDS)
    halvings = settings.levels if settings.network == 'unet' else DOWNSAMPLINGS
    least = max(2 ** halvings, 2 ** (DOWNSAMPLINGS + 1), 3 * 2 ** settings.layers)
    if config.data.size % 2 ** halvings or config.data.size < least:
        refuse('data.size', f'a multiple of {2 ** halvings} from {least} on, for {halvings} halvings and a '
               f'discriminator of {settings.layers} layers', config.data.size)
    if settings.epochs + settings.decay_epochs < 1:
        refuse('cyclegan.epochs', 'at least one epoch', settings.epochs)
    if settings.pool_size and config.strategy != 'none':
        refuse('cyclegan.pool_size', f'0 with strategy {config.strategy}: one pool serves one device',
               settings.pool_size)
