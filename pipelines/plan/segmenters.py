"""The segmentation networks as a table: another one is a file in models/segmenters and a row here.

A row names its builder as text, because planning and reports import no TensorFlow; `resolve` finds it
when it is to be built.
"""
from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

RESNETS = {(3, 4, 6, 3): 'resnet50', (3, 4, 23, 3): 'resnet101'}   # depths -> name in Keras


class Sides(NamedTuple):
    """Which sides of a crop a network takes: at least `least`, and side + `offset` divides."""
    multiple: int = 1
    offset: int = 0
    least: int = 1
    words: str = 'a number from 1 on'

    def fit(self, side: int) -> bool:
        """Whether the network takes a crop of this side, px."""
        return side >= self.least and (side + self.offset) % self.multiple == 0


class Segmenter(NamedTuple):
    """One network.

    Attributes:
      build: 'module:function', called as function(num_classes, channels=, seed=, **options) -> a
        Keras model called as network(image, key, training=) -> logits [N, H, W, classes].
      options: frozen dataclass of the settings that are this network's own, with their defaults; they
        stand in the config's `segmenter` section beside those that all networks have.
      sides: of the crops that it takes.
      check: (settings, refuse) -> None, refuses what could not be carried out: refuse(key of the section,
        what was expected, what was found).
      updates: 'module:function', called as function({'network': ..., and the helpers}) -> the updates of
        a training step, whose batches hold 'image', 'label' and 'key'.
      helpers: 'module:function' or None, called as `build` -> {name: model}: what is trained beside the
        network and not exported, a critic for example.
      prepare: 'module:function' or None, called as function(network, settings) after building: puts
        weights that were learned elsewhere into it.
      label: in tables and figures; '' = the name.
      betas: of Adam, for all that is trained.
      also: what it learns beside label maps, and batches hold beside them: 'bone_suppressed', the picture that
        records keep with `data.bone_suppressed`.
    """
    build: str
    options: type
    sides: Sides
    check: Optional[Callable[[Any, Callable], None]] = None
    updates: str = 'models.segmenters.losses:segmentation_updates'
    helpers: Optional[str] = None
    prepare: Optional[str] = None
    label: str = ''
    betas: Tuple[float, float] = (0.9, 0.999)
    also: Tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether it learns by cross entropy alone, in one update."""
        return self.updates == Segmenter._field_defaults['updates']


@dataclasses.dataclass(frozen=True)
class SMANetOptions:
    """Of SMANet, see models/segmenters/smanet.py."""
    width: float = 1.0                  # scales every channel count; parameters grow with its square
    blocks: Tuple[int, ...] = (3, 4, 6, 3)  # of the encoder: ResNet-50; (3, 4, 23, 3): ResNet-101
    context: str = 'attention'          # attention (SMANet) | pyramid (PSPNet's, to compare)
    imagenet_weights: Optional[str] = None  # Keras' ResNet .h5 without top | keras | none


@dataclasses.dataclass(frozen=True)
class WidthOptions:
    """Of a network that has no option but its width."""
    width: float = 1.0                  # scales every channel count; parameters grow with its square


@dataclasses.dataclass(frozen=True)
class FCNOptions:
    """Of FCN-8s, -16s and -32s, see models/segmenters/fcn.py."""
    width: float = 1.0                  # scales every channel count; parameters grow with its square
    imagenet_weights: Optional[str] = None  # Keras' VGG16 .h5 with top | keras | none


@dataclasses.dataclass(frozen=True)
class OliveiraOptions:
    """Of the U-Net of Oliveira & dos Santos 2018, see models/segmenters/unet_oliveira.py."""
    width: float = 1.0                  # scales every channel count; parameters grow with its square
    padding: str = 'same'               # same | valid (as its code was published; crops from 188 px on)
    align_corners: bool = True          # of its bilinear resizing, as PyTorch did it at the time


@dataclasses.dataclass(frozen=True)
class UNetPlusPlusOptions:
    """Of U-Net++, see models/segmenters/unetplusplus.py."""
    width: float = 1.0                  # scales every channel count; parameters grow with its square
    deep_supervision: bool = True       # four heads learn, and their mean predicts; else the last alone
    dropout: float = 0.5                # behind every convolution; with few maps none is left to learn from: then 0


def _check_imagenet(settings, refuse) -> None:
    weights = settings.options.imagenet_weights
    if weights not in (None, '', 'keras') and not Path(weights).is_file():
        refuse('imagenet_weights', 'a file of Keras\' weights, keras or null', weights)


def _check_width(settings, refuse) -> None:
    if not settings.options.width > 0:
        refuse('width', 'a number above 0', settings.options.width)


def _check_unetplusplus(settings, refuse) -> None:
    _check_width(settings, refuse)
    if not 0 <= settings.options.dropout < 1:
        refuse('dropout', 'a share from 0 to below 1', settings.options.dropout)


def _check_smanet(settings, refuse) -> None:
    options = settings.options
    _check_width(settings, refuse)
    _check_imagenet(settings, refuse)
    if options.context not in ('attention', 'pyramid'):
        refuse('context', 'one of attention, pyramid', options.context)
    if len(options.blocks) != 4 or min(options.blocks) < 1:
        refuse('blocks', 'four numbers from 1 on', list(options.blocks))
    if options.imagenet_weights and options.width != 1.0:
        refuse('width', '1.0 with imagenet_weights', options.width)
    if options.imagenet_weights and options.blocks not in RESNETS:
        refuse('blocks', 'those of ResNet-50 or -101, [3, 4, 6, 3] or [3, 4, 23, 3], with '
               'imagenet_weights', list(options.blocks))


def _check_fcn(settings, refuse) -> None:
    _check_width(settings, refuse)
    _check_imagenet(settings, refuse)
    if settings.options.imagenet_weights and settings.options.width != 1.0:
        refuse('width', '1.0 with imagenet_weights', settings.options.width)


def _check_oliveira(settings, refuse) -> None:
    _check_width(settings, refuse)
    padding = settings.options.padding
    if padding not in ('same', 'valid'):
        refuse('padding', 'one of same, valid', padding)
    if padding == 'valid' and settings.crop < 188:
        refuse('crop', 'a number from 188 on with padding valid', settings.crop)


def _check_kth(settings, refuse) -> None:
    _check_width(settings, refuse)
    if settings.overlapping:
        refuse('overlapping', 'false for invertednet_kth, whose maps sum to 1', True)


_ANY = Sides(words='a number from 1 on')
_OF_16 = Sides(16, 0, 16, 'a multiple of 16')
_OF_256 = Sides(256, 0, 256, 'a multiple of 256')

SEGMENTERS: Dict[str, Segmenter] = {
    'smanet': Segmenter(
        'models.segmenters.smanet:build', SMANetOptions,
        Sides(48, 7, 41, '8*k - 7 with k a multiple of 6 (41, 89, 137, 185, 233, 281, 329, 377, ...), '
              'so that the pyramid\'s bins divide it'),
        _check_smanet, prepare='pipelines.segmentation.network:load_imagenet_file', label='SMANet'),
    'unet': Segmenter(
        'models.segmenters.unet:build', WidthOptions,
        Sides(16, 0, 16, 'a multiple of 16, which a U-Net halves four times'),
        _check_width, label='U-Net'),
    'fcn8s': Segmenter(
        'models.segmenters.fcn:build8', FCNOptions, _ANY, _check_fcn,
        prepare='pipelines.segmentation.network:load_vgg16_file', label='FCN-8s'),
    'fcn16s': Segmenter(
        'models.segmenters.fcn:build16', FCNOptions, _ANY, _check_fcn,
        prepare='pipelines.segmentation.network:load_vgg16_file', label='FCN-16s'),
    'fcn32s': Segmenter(
        'models.segmenters.fcn:build32', FCNOptions, _ANY, _check_fcn,
        prepare='pipelines.segmentation.network:load_vgg16_file', label='FCN-32s'),
    'unet_oliveira': Segmenter(
        'models.segmenters.unet_oliveira:build', OliveiraOptions, Sides(1, 0, 16, 'a number from 16 on'),
        _check_oliveira, label='U-Net (Oliveira)'),
    'segnet': Segmenter('models.segmenters.segnet:build', WidthOptions, _ANY, _check_width, label='SegNet'),
    'segnet_zijun': Segmenter(
        'models.segmenters.segnet_zijun:build', WidthOptions, Sides(32, 0, 32, 'a multiple of 32'), _check_width,
        label='SegNet (VGG19)'),
    'invertednet': Segmenter(
        'models.segmenters.invertednet:build', WidthOptions, _OF_16, _check_width,
        'models.segmenters.invertednet:updates', label='InvertedNet'),
    'invertednet_kth': Segmenter(
        'models.segmenters.invertednet_kth:build', WidthOptions, Sides(8, 0, 8, 'a multiple of 8'), _check_kth,
        'models.segmenters.invertednet_kth:updates', label='InvertedNet (KTH)'),
    'scan': Segmenter(
        'models.segmenters.scan:build', WidthOptions, _OF_16, _check_width, 'models.segmenters.scan:updates',
        'models.segmenters.scan:helpers', label='SCAN, reconstructed'),
    'unetplusplus': Segmenter(
        'models.segmenters.unetplusplus:build', UNetPlusPlusOptions, _OF_16, _check_unetplusplus,
        'models.segmenters.unetplusplus:updates', label='U-Net++'),
    'pix2pix_mtdg': Segmenter(
        'models.segmenters.pix2pix_mtdg:build', WidthOptions, _OF_256, _check_width,
        'models.segmenters.pix2pix_mtdg:updates', 'models.segmenters.pix2pix_mtdg:helpers', label='Pix2Pix dG',
        betas=(0.5, 0.999)),
    'pix2pix_mtdg_both': Segmenter(
        'models.segmenters.pix2pix_mtdg:build_both', WidthOptions, _OF_256, _check_width,
        'models.segmenters.pix2pix_mtdg:updates', 'models.segmenters.pix2pix_mtdg:helpers_of_both',
        label='Pix2Pix MTdG', betas=(0.5, 0.999), also=('bone_suppressed',)),
}


def order_of(name: str) -> Tuple[int, str]:
    """Sorts names of segmenters as tables do: in the order of the rows, then those of configs."""
    names = list(SEGMENTERS)
    return (names.index(name) if name in names else len(names)), name


def label_of(name: str) -> str:
    """The network in tables and figures; one that is no more has its name."""
    return (SEGMENTERS[name].label or name) if name in SEGMENTERS else name


def foremost() -> str:
    """The network that an experiment is about; tables name only the others."""
    return next(iter(SEGMENTERS))


def resolve(place: str) -> Callable:
    """'module:name' -> what stands there; imports the module."""
    module, name = place.split(':')
    return getattr(importlib.import_module(module), name)
