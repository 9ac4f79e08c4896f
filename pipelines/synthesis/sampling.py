"""A trained method with all that drawing from it takes, and the noise of its samples by their address.

Sample k, attempt a, is drawn from noise keyed by (seed, k, a).
"""
from __future__ import annotations

import dataclasses
import hashlib
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow as tf

from datasets import anatomy, records
from datasets.errors import InputError
from pipelines.data import structures
from pipelines.plan.config import Config, Labels
from pipelines.plan.methods import Method, Stage
from pipelines.plan.workdir import Workdir
from pipelines.runtime import keyed
from pipelines.runtime.seeds import stable_seed
from pipelines.stages.stage import draw_function, stage_io, style_size, trained_generator
from pipelines.synthesis.begun import Begun, read_begun


class Sampler(NamedTuple):
    """A trained method.

    Attributes:
      draw: folder of a stage -> its function, see stage.draw_function.
      fields: folder of a stage -> the fields that it draws.
      weights: folder of a stage -> sha256 of the weights that draw.
      style_sizes: folder of a stage -> side of the style that it takes; 0 = none.
      limits: the training set's anatomy.
      decided_by: how many of the stages decide the anatomy; those behind them draw pictures only.
      shape: (height, width) of the training pictures; zeros where they differ in aspect.
      begun: what samples begin with; None = noise.
    """
    config: Config
    method: Method
    info: records.Info
    draw: Dict[str, Callable]
    fields: Dict[str, Sequence]
    weights: Dict[str, str]
    latent_size: int
    style_sizes: Dict[str, int]
    limits: anatomy.AnatomyRange
    decided_by: int
    shape: Tuple[int, int]
    begun: Optional[Begun] = None


def load_sampler(config: Config, method: Method, workdir, say: Callable[[str], None] = print) -> Sampler:
    """Loads every stage of a method; InputError if one is not trained yet.

    Args:
      say: told what 'auto' in `labels` came to.
    """
    if not (Workdir(workdir).records('train') / records.INFO).exists():
        first = method.stages[0]
        raise InputError(f'{workdir}: stage {first.folder} is not trained yet: train it first, with '
                         f'tools/train_stage.py --method {method.name} --stage {first.name}')
    info = records.read_info(Workdir(workdir).records('train'))
    real = records.load_arrays(info, ['labels', 'shape'])
    if not method.begins:  # else label maps are real ones
        config = dataclasses.replace(config, labels=_settled(config, info, real['labels'], say))
    draw, fields, weights, styles, latent_size = {}, {}, {}, {}, 0
    for stage in method.stages:
        io = stage_io(config, stage, info.coding)
        network = trained_generator(config, stage, info.coding, workdir)
        draw[stage.folder], fields[stage.folder] = draw_function(io, network), io.drawn
        styles[stage.folder] = style_size(io)
        latent_size = network.latent_size if stage.consumes is None else latent_size
        weights[stage.folder] = _digest(network.variables)
    limits = anatomy.AnatomyRange.of(real['labels'], info.coding, config.labels.margin,
                                     config.labels.centroid_margin)
    decided_by = max((i for i, stage in enumerate(method.stages, 1) if stage.produces != ('image',)),
                     default=0)
    return Sampler(config, method, info, draw, fields, weights, latent_size, styles, limits, decided_by,
                   _common_shape(info, real['shape']), read_begun(config, method, info) if method.begins else None)


def latents(sampler: Sampler, first: int, attempts: np.ndarray) -> np.ndarray:
    """Latents of the block's indices, each of its own attempt: float32 [N, L]."""
    return _normal(sampler, first, attempts, ('generate',), keyed.LATENT, sampler.latent_size)


def style(sampler: Sampler, stage: Stage, first: int, attempts: np.ndarray) -> List[np.ndarray]:
    """What a stage is given beside its source, float32 [N, K, K], likewise: equal label maps then make different pictures;
    nothing of a stage without styles."""
    size = sampler.style_sizes[stage.folder]
    return [_normal(sampler, first, attempts, (stage.folder, 'style'), keyed.STYLE, size, size)] if size else []


def _settled(config: Config, info: records.Info, label_maps: np.ndarray, say) -> Labels:
    if 'auto' not in (config.labels.clean, config.labels.reject):
        return config.labels
    found = structures.examine(structures.some(label_maps[::info.versions]), info.coding, config.labels)
    labels = structures.settled(config.labels, found)
    for name in ('clean', 'reject'):
        if getattr(config.labels, name) == 'auto':
            say(f'note: labels.{name}: auto is {str(getattr(labels, name)).lower()} here, by {found.failing:.0%} of '
                f'real label maps that fail the check and at most '
                f'{max(np.nan_to_num(organ.removed) for organ in found.organs.values()):.1%} of an organ that '
                f'cleaning would remove')
    return labels


def _common_shape(info: records.Info, shapes: np.ndarray) -> Tuple[int, int]:
    boxes = {info.box({'shape': shape}) for shape in shapes}
    return tuple(map(int, shapes[0])) if len(boxes) == 1 else (0, 0)


def _digest(variables: Sequence[tf.Variable]) -> str:
    """sha256 of the values, one variable at a time: together they are gigabytes."""
    found = hashlib.sha256()
    for variable in variables:
        found.update(np.ascontiguousarray(variable.numpy()))
    return found.hexdigest()


def _normal(sampler: Sampler, first: int, attempts: np.ndarray, words: Tuple[str, ...], use: int, *shape: int) -> np.ndarray:
    rows = []
    for offset, attempt in enumerate(attempts):
        seed = stable_seed(sampler.config.seed, sampler.method.name, *words, attempt)
        keys = keyed.sample_keys(seed, tf.constant([first + offset]))
        rows.append(keyed.normal(keys, use, shape).numpy()[0])
    return np.stack(rows)
