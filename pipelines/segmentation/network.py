"""Building a segmenter from its row in plan.segmenters.SEGMENTERS, and what it is given."""
from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Callable, Dict

import tensorflow as tf

from datasets.errors import InputError
from datasets.labels import LabelCoding
from datasets.targets import Targets, targets_of
from models.segmenters import fcn, resnet
from pipelines.plan.config import Config, Segmenter
from pipelines.plan.loading import segmenter_settings
from pipelines.plan.regimes import Run
from pipelines.plan.segmenters import RESNETS, SEGMENTERS, resolve
from pipelines.plan.workdir import Workdir
from pipelines.runtime.seeds import stable_seed
from pipelines.training.checkpoints import restore_networks


def targets_for(config: Config, run: Run, coding: LabelCoding) -> Targets:
    """What the segmenter of a run learns to find."""
    settings = segmenter_settings(config, run.segmenter)
    return targets_of(coding, settings.targets, settings.overlapping)


def make_network(config: Config, run: Run, num_outputs: int) -> tf.keras.Model:
    """The network of a run with weights from the seeds: the same start in every regime."""
    settings = segmenter_settings(config, run.segmenter)
    return _built(config, run, settings, SEGMENTERS[settings.network].build, num_outputs)


def make_helpers(config: Config, run: Run, num_outputs: int) -> Dict[str, tf.keras.Model]:
    """What is trained beside the network and not exported, a critic for example; mostly nothing."""
    settings = segmenter_settings(config, run.segmenter)
    helpers = SEGMENTERS[settings.network].helpers
    return _built(config, run, settings, helpers, num_outputs) if helpers else {}


def _built(config: Config, run: Run, settings: Segmenter, place: str, num_outputs: int):
    return resolve(place)(num_outputs, channels=config.data.channels,
                          seed=stable_seed(config.seed, run.seed, settings.network),
                          **dataclasses.asdict(settings.options))


def input_deviation(settings: Segmenter) -> float:
    """Standard deviation of the pictures that the network is given.

    [ours] 1; but ImageNet's own, 58 grey levels of 127.5, for weights that learned from ImageNet.
    """
    return 58 / 127.5 if getattr(settings.options, 'imagenet_weights', None) else 1.0


def load_imagenet_file(network: tf.keras.Model, settings: Segmenter) -> None:
    """Fills SMANet's encoder from Keras' file of ImageNet weights, if one is named; nothing is downloaded.

    Raises:
      InputError: there is no such file, or it holds another network.
    """
    if settings.options.imagenet_weights:
        name = RESNETS[settings.options.blocks]
        build = {'resnet50': tf.keras.applications.ResNet50, 'resnet101': tf.keras.applications.ResNet101}[name]
        _fill(settings, f'{name} without top', f'{name}_weights_tf_dim_ordering_tf_kernels_notop.h5',
              lambda path: resnet.load_imagenet(network.encoder, build(include_top=False, weights=path)))


def load_vgg16_file(network: tf.keras.Model, settings: Segmenter) -> None:
    """`load_imagenet_file` of an FCN, from Keras' VGG16 with its dense layers."""
    if settings.options.imagenet_weights:
        _fill(settings, 'vgg16 with top', 'vgg16_weights_tf_dim_ordering_tf_kernels.h5',
              lambda path: fcn.load_imagenet(network, tf.keras.applications.VGG16(weights=path)))


def _fill(settings: Segmenter, what: str, in_cache: str, load: Callable[[str], None]) -> None:
    path = Path(settings.options.imagenet_weights)
    if settings.options.imagenet_weights == 'keras':
        path = Path.home() / '.keras/models' / in_cache
    if not path.is_file():
        raise InputError(f'segmenter.imagenet_weights: expected Keras\' file of {what}, '
                         f'found none at {path}; fetch it (tf.keras.applications does) or set null')
    try:
        load(str(path))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f'segmenter.imagenet_weights: {path} does not hold {what}: '
                         f'{" ".join(str(error).split())[:160]}') from None


def trained_network(config: Config, run: Run, num_outputs: int, workdir) -> tf.keras.Model:
    """The network with the chosen weights of a trained run; InputError if it is not trained yet."""
    network = make_network(config, run, num_outputs)
    restore_networks({'chosen': network}, Workdir(workdir).segmenter(run.trained))
    return network
