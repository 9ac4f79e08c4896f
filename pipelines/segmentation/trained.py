"""What is used of a trained run: its network, and how pictures are shown to it."""
from __future__ import annotations

from typing import Callable, NamedTuple, Sequence

import numpy as np
import tensorflow as tf

from datasets import records
from datasets.records import Info
from datasets.targets import Targets
from pipelines.data import batches, pixels
from pipelines.plan.config import Config, Segmenter
from pipelines.plan.loading import segmenter_settings
from pipelines.plan.regimes import Run
from pipelines.plan.translators import TARGET
from pipelines.plan.workdir import Workdir
from pipelines.segmentation.inputs import normalised, of_drawn
from pipelines.segmentation.network import targets_for, trained_network
from pipelines.segmentation.transfer import new_translated
from pipelines.stages.stage import stage_io
from pipelines.training.checkpoints import restore_networks

TONE_PICTURES = 200  # of A, at most, whose tone is taken


class Trained(NamedTuple):
    """A segmenter that is ready for use.

    Attributes:
      network: called as network(pictures, training=False) -> logits.
      seen: pictures [N, S, S, C] in any positive linear grey scale, S the training size -> as it is given them.
      targets: what it finds.
      variables: all on which its results depend.
      learned: the records whose pictures it was shown so; of the tone of A those of A.
      greys: what is made of a picture's greys before all else: 'standardised' or 'as_is', see the config's
        `segmenter.greys`; 'ranked' for the tone of A; 'stretched' for a translator.
    """
    network: tf.keras.Model
    seen: Callable[[tf.Tensor], tf.Tensor]
    targets: Targets
    variables: Sequence[tf.Variable]
    learned: Info
    greys: str


def trained_segmenter(config: Config, run: Run, info: Info, workdir) -> Trained:
    """The chosen weights of a run.

    Args:
      info: the records of hospital A, 'train'.

    Raises:
      InputError: it is not trained yet, or the records of B that it learned from are not there.
    """
    settings, targets = segmenter_settings(config, run.segmenter), targets_for(config, run, info.coding)
    transfer = run.regime.transfer
    learned = records.read_info(Workdir(workdir).records(TARGET)) if transfer and transfer.is_trained else info
    if transfer and transfer.translator:
        both = new_translated(config, run, stage_io(config, transfer.translator, info.coding), targets.num_outputs)
        restore_networks({'chosen': both}, Workdir(workdir).segmenter(run))
        return Trained(both.segmenter, lambda pictures: both(pixels.stretch(pictures)), targets, both.variables,
                       learned, 'stretched')
    network = trained_network(config, run, targets.num_outputs, workdir)
    if transfer and not transfer.is_trained:
        curve = tone_of(info, settings)
        return Trained(network, lambda pictures: of_drawn(pixels.with_tone(pictures, curve), settings), targets,
                       network.variables, learned, 'ranked')
    return Trained(network, lambda pictures: normalised(pictures, settings, learned.bits), targets, network.variables,
                   learned, settings.greys)


def tone_of(info: Info, settings: Segmenter) -> np.ndarray:
    """The mean grey at each rank, float32 [pixels.TONES]: the tone of a set of pictures, each as a network is given it.

    [ours] Of the pictures themselves, not of their augmented versions, in the square in which a segmenter sees them.
    """
    rows = batches.prepared_rows(info, lambda row: {'greys': pixels.tones(normalised(
        pixels.resize(row['image'], settings.size, settings.size), settings, info.bits))}, at_most=TONE_PICTURES * info.versions)
    return rows['greys'][::info.versions].mean(0)
