"""DF-GAN in numbers: pix2pix with a Frechet loss, at the settings that its paper prints."""
from __future__ import annotations

import dataclasses

from pipelines.plan.kinds import pix2pix

WORDS = {**pix2pix.WORDS, 'fid_loss': ('batch', 'literal')}


@dataclasses.dataclass(frozen=True)
class Settings(pix2pix.Settings):
    """As of pix2pix, see there; what DF-GAN prints (Algorithm 1) is the default."""
    # batch (a gradient in every step) | literal (as its algorithm is printed: what is learned is then pix2pix's)
    fid_loss: str = 'batch'
    batch_size: int = 16
    epochs: int = 1000                  # printed are 2000 in all; [ours] half of them at a falling rate, as pix2pix
    decay_epochs: int = 1000


def check(config, stage, settings: Settings, refuse) -> None:
    """Refuses, before anything is trained, settings of a stage that could not be carried out."""
    pix2pix.check(config, stage, settings, refuse, WORDS)
