"""The generation methods as data: Ciano 2021, sections 3.1 to 3.3.

A method is a list of stages over the named fields of one sample: `dots` (map of centroid dots),
`labels` (label map of codes) and `image` (the picture). Generation folds a sample through the list,
so another method is another row of METHODS and nothing else. Most begin with noise; DF-GAN begins with the label map
and the `region` of a real learning image, the picture inside its mask.
"""
from __future__ import annotations

from typing import Dict, NamedTuple, Tuple

from datasets.errors import InputError
from pipelines.plan.pseudo import PSEUDO
from pipelines.plan.stage import Stage
from pipelines.plan.translators import TRANSLATORS


class Method(NamedTuple):
    """A way to generate pairs.

    Attributes:
      name: as `--method` takes it; also the name of its folder of samples.
      code: what it adds to the names of its regimes: synth<code>, finetune<code> and mixed<code>.
      label: in tables, for example 'Three-stage'.
      stages: in the order in which a sample passes them.
      rank: of several methods the one of the highest rank stands for an experiment.
      begins: the fields that a sample begins with, of a learning image of its own, or of that image mirrored; none =
        it begins with noise.
    """
    name: str
    code: str
    label: str
    stages: Tuple[Stage, ...]
    rank: int = 0
    begins: Tuple[str, ...] = ()


_TO_LABELS = (Stage('dots', 'pggan', None, ('dots',), 'dots'), Stage('labels', 'pix2pixhd', 'dots', ('labels',), 'labels_from_dots'))
LABELS_TO_IMAGE = Stage('image', 'pix2pixhd', 'labels', ('image',), 'image_from_labels')

METHODS: Dict[str, Method] = {
    'single': Method('single', '1', 'Single-stage', (
        Stage('pair', 'pggan', None, ('image', 'labels'), 'image_labels'),), rank=1),
    'two': Method('two', '2', 'Two-stage', (
        Stage('labels', 'pggan', None, ('labels',), 'labels'), LABELS_TO_IMAGE), rank=2),
    'three': Method('three', '3', 'Three-stage', (*_TO_LABELS, LABELS_TO_IMAGE), rank=3),
    # the segmenter of REAL watches the image stage [ours]
    'three_guided': Method('three_guided', '3g', 'Three-stage, guided', (
        *_TO_LABELS, Stage('image', 'pix2pixhd', 'labels', ('image',), 'image_guided', watched=True))),
    # label maps of other shapes than the few real ones, without a GAN [ours]
    'two_shapes': Method('two_shapes', '2s', 'Two-stage, shape model', (
        Stage('labels', 'shape_model', None, ('labels',), 'labels_of_shapes'), LABELS_TO_IMAGE)),
    # the image stage also learns from pictures that nobody drew the organs of, see plan/pseudo.py [ours]
    'three_more': Method('three_more', '3m', 'Three-stage, more pictures', (
        *_TO_LABELS, Stage('image', 'pix2pixhd', 'labels', ('image',), 'image_from_more', reads=('train', PSEUDO)))),
    'dfgan': Method('dfgan', 'd', 'DF-GAN', (
        Stage('image', 'dfgan', 'region', ('image',), 'image_from_region'),), begins=('labels', 'region')),
    # the same without the Frechet loss: what is left of DF-GAN without what is its own [ours]
    'pix2pix': Method('pix2pix', 'p', 'pix2pix', (
        Stage('image', 'pix2pix', 'region', ('image',), 'image_from_region_plain'),), -1, ('labels', 'region')),
}


def parse_method(name: str) -> Method:
    """Method of that name; InputError lists the names there are."""
    if name not in METHODS:
        raise InputError(f'method {name!r}: expected one of {", ".join(METHODS)}')
    return METHODS[name]


def parse_stage(method: Method, name: str) -> Stage:
    """Stage of that name; InputError lists those of the method."""
    for stage in method.stages:
        if stage.name == name:
            return stage
    raise InputError(f'stage {name!r} of method {method.name!r}: expected one of '
                     f'{", ".join(s.name for s in method.stages)}')


def check_pairs(method: Method, count: int, images: int, key: str) -> None:
    """InputError, naming `key`, for more samples than a method can draw that begins with so many learning images."""
    if method.begins and count > 2 * images:
        raise InputError(f'{key}: expected at most {2 * images} samples of method {method.name}: {images} learning '
                         f'images and the same mirrored, found {count}')


def all_stages() -> Dict[str, Stage]:
    """Every stage of every method, and every translator, by its folder.

    Raises:
      InputError: two different stages claim one folder, so that they would share their weights.
    """
    found: Dict[str, Stage] = {}
    every = [(f'method {method.name!r}', stage) for method in METHODS.values() for stage in method.stages]
    for owner, stage in [*every, *((f'translator {name!r}', stage) for name, stage in TRANSLATORS.items())]:
        if found.setdefault(stage.folder, stage) != stage:
            raise InputError(f'{owner}: stage {stage.name!r}: expected a folder of its own, found that of another '
                             f'stage, {stage.folder!r}')
    return found
