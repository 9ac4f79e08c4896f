"""pix2pix in numbers: settings, checks; translates a field into another, as Pix2PixHD does, by a U-Net.

The schedule is Pix2PixHD's: constant, then falling linearly to 0 over epochs (`kinds.pix2pixhd.linear_decay`); the
official code has stepped its rate an epoch earlier since 2020, so that its last epoch trains at 0 [ours].
"""
from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Dict, Mapping, Optional, Sequence

from pipelines.plan.augmentation import Augmentation

POSITIVE = ('ngf', 'ndf', 'batch_size', 'layers')
NOT_NEGATIVE = ('l1_weight', 'fid_weight', 'epochs', 'decay_epochs')
WORDS = {'norm': ('batch', 'instance'), 'gan': ('vanilla', 'lsgan'), 'statistics': ('sample', 'running'),
         'fid_loss': ('none', 'batch', 'literal'), 'fid_real': ('set', 'batch')}
COUNTED = 'counted'  # in batches: where the literal Frechet loss is due
FROM = 16            # DF-GAN, Algorithm 1: the picture of an epoch at which it is computed
LEVELS = range(5, 13)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Networks and schedule of the stages that translate with pix2pix; see models/pix2pix."""
    # Channels of the generator after its first halving, doubled up to 8 times that; parameters grow with the square
    # (ngf 64, levels 8: 54 million).
    ngf: int = 64
    # Halvings of the U-Net: 8 for 256 px, 7 for 128 px. Sides that 2^levels does not divide are mirrored up to it.
    levels: int = 8
    norm: str = 'batch'                 # or instance: needs no statistics, takes each picture's contrast away
    dropout: bool = True                # of half the features in the levels - 5 blocks after the innermost one
    ndf: int = 64                       # channels of the discriminator's first layer, doubled up to 8 times that
    # Strided layers of the discriminator: 3 judge patches of 70 px. Fewer: sharper, more blind to shape.
    layers: int = 3
    gan: str = 'vanilla'                # cross entropy, as published; or lsgan, least squares
    l1_weight: float = 100.0            # of the distance to the target, against the adversarial loss
    # A Frechet distance of drawn pictures in the generator's loss (DF-GAN): none | batch (in every step, of its pictures,
    # with a gradient) | literal (as its algorithm is printed: once an epoch, a constant, so that nothing changes).
    fid_loss: str = 'none'
    fid_weight: float = 1.0             # of it
    fid_real: str = 'set'               # against: set (all learning images) | batch (the targets of the step)
    inception_weights: Optional[str] = None  # Keras' InceptionV3 .h5 without top; none = a fixed random network's features
    # What batch norm divides by when the stage draws: each sample's own statistics, as published (with dropout left
    # on), or the running ones of the training, without dropout.
    statistics: str = 'sample'
    batch_size: int = 1                 # images in a step; batch norm then mixes them; divides by the devices
    learning_rate: float = 2.0e-4       # of both networks
    epochs: int = 100                   # at a constant learning rate ...
    decay_epochs: int = 100             # ... and then falling linearly to 0
    # To start from: a folder of tools/import_weights.py, or WORKDIR/stages/<stage> of a finished training.
    initial_weights: Optional[str] = None
    augmentation: Augmentation = Augmentation()


def check(config, stage, settings: Settings, refuse, words: Mapping[str, Sequence[str]] = WORDS) -> None:
    """Refuses, before anything is trained, settings of a stage that could not be carried out."""
    check_choices(settings, refuse, stage.kind, words)
    smallest = max(2 ** (settings.levels - 1), 3 * 2 ** settings.layers)
    if config.data.size < smallest:
        refuse('data.size', f'at least {smallest} for {settings.levels} levels and a discriminator of '
               f'{settings.layers} layers', config.data.size)
    if settings.fid_loss != 'none':
        _check_frechet(config, stage, settings, refuse)
    if settings.epochs + settings.decay_epochs < 1:
        refuse(f'{stage.kind}.epochs', 'at least one epoch', settings.epochs)


def _check_frechet(config, stage, settings: Settings, refuse) -> None:
    if settings.batch_size < 2:
        refuse(f'{stage.kind}.batch_size', 'a number from 2 on with fid_loss, for one picture has no covariance '
               '(published: 16)', settings.batch_size)
    if tuple(stage.produces) != ('image',):
        refuse(f'{stage.kind}.fid_loss', f'none in stage {stage.folder}, which draws {" and ".join(stage.produces)}',
               settings.fid_loss)
    if config.strategy != 'none':
        refuse(f'{stage.kind}.fid_loss', f'none with strategy {config.strategy}: it is of the whole batch',
               settings.fid_loss)
    if settings.inception_weights and not Path(settings.inception_weights).is_file():
        refuse(f'{stage.kind}.inception_weights', 'Keras\' file of InceptionV3 without top', settings.inception_weights)


def told(settings: Settings) -> Dict[str, str]:
    """What results say of a stage: its Frechet loss, whose features that compares, and how it drew."""
    features = {'features': 'keras' if settings.inception_weights else 'random'} if settings.fid_loss != 'none' else {}
    return {'fid_loss': settings.fid_loss, **features, 'statistics': settings.statistics}


def check_choices(settings, refuse, kind: str, choices: Mapping[str, Sequence[str]]) -> None:
    """What pix2pix and CycleGAN refuse alike; `choices`: setting -> the words that it may be."""
    if not settings.learning_rate > 0:
        refuse(f'{kind}.learning_rate', 'a number above 0', settings.learning_rate)
    for key, words in choices.items():
        if getattr(settings, key) not in words:
            refuse(f'{kind}.{key}', f'one of {", ".join(words)}', getattr(settings, key))
    if settings.levels not in LEVELS:
        refuse(f'{kind}.levels', f'a number from {LEVELS.start} to {LEVELS.stop - 1}', settings.levels)
