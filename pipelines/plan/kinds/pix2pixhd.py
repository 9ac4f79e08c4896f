"""Pix2PixHD in numbers: settings, checks, schedule coarse to fine; translates a field into another.

Without enhancers there is one phase, the global generator at full size. With n of them: the global
generator at size / 2^n; then the enhancers alone, with a new generator optimiser, one more
discriminator per enhancer for the finer scales, and the coarser discriminators as they are; then
everything, with a new generator optimiser again (Wang et al. 2018, section 3.1, and the official
training scripts). [ours] Several enhancers begin together; the official code moves the outermost
alone and leaves the others to an earlier run.
"""
from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple, Optional, Tuple

from pipelines.plan.augmentation import Augmentation, DiscriminatorAugmentation

POSITIVE = ('ngf', 'ndf', 'batch_size', 'layers', 'scales', 'blocks_local')
NOT_NEGATIVE = ('feature_weight', 'watched_weight', 'style_size', 'style_weight', 'downsamplings', 'blocks', 'enhancers', 'pool_size',
                'enhancer_epochs', 'epochs', 'decay_epochs')


@dataclasses.dataclass(frozen=True)
class Settings:
    """Networks and schedule of the stages that translate; see models/pix2pixhd."""
    # Channels of the global generator at its own full size, a multiple of 2^enhancers; parameters grow with
    # the square (ngf 64: 182 million).
    ngf: int = 64
    # Strided convolutions of the global generator: each halves the side and doubles the channels, and its
    # residual blocks see four times as much. Sides below 2^downsamplings + 1 are refused.
    downsamplings: int = 4
    blocks: int = 9                     # residual blocks of the global generator, at its smallest side
    # Local enhancers; each doubles the size and halves ngf. The global generator learns at size / 2^enhancers.
    enhancers: int = 0
    blocks_local: int = 3               # residual blocks of an enhancer
    enhancer_epochs: int = 10           # train the enhancers alone, before everything; below epochs + decay
    ndf: int = 64                       # channels of a discriminator's first layer, doubled up to 512
    # Strided layers of a discriminator: 3 judge patches of 70 px, 2 of 34, 1 of 16. A patch larger than the
    # picture judges borders.
    layers: int = 3
    scales: int = 2                     # discriminators, at 1, 1/2, ... of the side; each enhancer brings one
    edges: bool = False                 # one more input channel: where label codes change
    pool_size: int = 0                  # generated pictures kept to be shown again; 0 = none; one device only
    # Images in a step. More than 1 averages tone over patients: smoother, duller; divides by the devices.
    batch_size: int = 1
    learning_rate: float = 2.0e-4       # of both networks
    # At a constant learning rate, then falling linearly to 0; with enhancers, of either part. A step count is
    # epochs x records / batch_size, augmented versions included.
    epochs: int = 100
    decay_epochs: int = 100
    # Of feature matching and of the perceptual loss, against the adversarial one: larger, nearer to the
    # training pictures and less detail of its own.
    feature_weight: float = 10.0
    # [ours] Side of a grid of standard normal numbers that the generator is given beside its source, spread over the picture:
    # one label map then makes many pictures. 0 = none, as published; else from 2 on.
    style_size: int = 0
    style_weight: float = 1.0           # [ours] of mode seeking: more, and styles differ more; see pix2pixhd/style.py
    watched_weight: float = 1.0         # of the errors of a segmenter that watches; of method three_guided
    vgg_weights: Optional[str] = None   # file for the perceptual loss, see pix2pixhd/vgg.py; none = off
    # To start from: a folder of tools/import_weights.py, or WORKDIR/stages/<stage> of a finished training.
    initial_weights: Optional[str] = None
    augmentation: Augmentation = Augmentation()
    discriminator_augmentation: DiscriminatorAugmentation = DiscriminatorAugmentation()


class Part(NamedTuple):
    """A stretch of the schedule.

    Attributes:
      network: key of the generator that is trained.
      coarser: how often sides are halved; as many of the finest discriminators rest.
      epochs: their numbers from 0 on; the learning rate depends on them.
      enhancers_alone: whether the trunk rests.
      keeps: see training.task.Phase.
    """
    name: str
    network: str
    coarser: int
    epochs: range
    enhancers_alone: bool = False
    keeps: Tuple[str, ...] = ()


def check(config, stage, settings: Settings, refuse) -> None:
    """Refuses, before anything is trained, settings of a stage that could not be carried out."""
    if not settings.learning_rate > 0:
        refuse('pix2pixhd.learning_rate', 'a number above 0', settings.learning_rate)
    settings.discriminator_augmentation.check('pix2pixhd', config.strategy, refuse)
    if settings.ngf % 2 ** settings.enhancers:
        refuse('pix2pixhd.ngf', f'a multiple of 2^enhancers = {2 ** settings.enhancers}',
               settings.ngf)
    smallest = least_side(settings)
    if config.data.size < smallest:
        refuse('data.size', f'at least {smallest} for {settings.downsamplings} downsamplings and '
               f'{settings.enhancers} enhancers of Pix2PixHD', config.data.size)
    epochs = settings.epochs + settings.decay_epochs
    if epochs < 1:
        refuse('pix2pixhd.epochs', 'at least one epoch', settings.epochs)
    if settings.enhancers and settings.enhancer_epochs >= epochs:
        refuse('pix2pixhd.enhancer_epochs', f'fewer than epochs + decay_epochs = {epochs}',
               settings.enhancer_epochs)
    if settings.style_size == 1:
        refuse('pix2pixhd.style_size', '0, or a grid of at least 2, for one number is lost in normalisation', 1)
    if settings.pool_size and config.strategy != 'none':
        refuse('pix2pixhd.pool_size', f'0 with strategy {config.strategy}: one pool serves one '
               f'device', settings.pool_size)


def least_side(settings: Settings) -> int:
    """Pictures below this many px are nothing after the strided convolutions."""
    return 2 ** settings.enhancers * max(4, 2 ** settings.downsamplings + 1)


def schedule(settings: Settings) -> Tuple[Part, ...]:
    """The parts of the training, coarse to fine."""
    epochs, alone = settings.epochs + settings.decay_epochs, settings.enhancer_epochs
    if not settings.enhancers:
        return (Part('global', 'generator', 0, range(epochs)),)
    parts = (Part('global', 'global_generator', settings.enhancers, range(epochs)),
             Part('enhancer', 'generator', 0, range(alone), enhancers_alone=True),
             Part('everything', 'generator', 0, range(alone, epochs), keeps=('discriminator',)))
    return tuple(part for part in parts if len(part.epochs))


def epoch_steps(settings: Settings, count: int) -> int:
    """Steps of one epoch over `count` records."""
    return math.ceil(count / settings.batch_size)


def linear_decay(epoch: int, rate: float, constant: int, decay: int) -> float:
    """Learning rate of epoch 1, 2, ...: constant, then falling linearly to 0 (official schedule)."""
    return rate * (1 - max(0, epoch - constant - 1) / max(decay, 1))
