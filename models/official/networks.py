"""Official networks: built from their `meta`, loaded with their tensors, and put to the proof.

`meta` is a parity file's: 'net' and the arguments by their official names. Networks come by role: 'generator',
'discriminator' or both, or 'segmenter'. Arrays to replay are the inputs and the outputs of the official network
under the official names, NCHW. Another family is a file in this folder and a row here.
"""
from __future__ import annotations

import re
from typing import Any, Dict, Tuple

import numpy as np
import tensorflow as tf

from models.official import (fcn, frechet, invertednet, invertednet_kth, munit, pggan, pix2pix, pix2pix_mtdg,
                             pix2pix_training, pix2pixhd, scan, segnet, segnet_zijun, transfer, unet_oliveira,
                             unetplusplus)
from models.official.tensors import Arrays, Family, Functions, Meta, Networks, assign

_FAMILIES = tuple(module.FAMILY for module in (
    transfer, pggan, pix2pix, pix2pix_training, munit, pix2pixhd, fcn, unet_oliveira, segnet, segnet_zijun, invertednet,
    invertednet_kth, scan, unetplusplus, pix2pix_mtdg, frechet))
_MAY_BE_ZERO = ('fused_scale', 'mbstd_group_size', 'n_blocks', 'n_blocks_local', 'n_blocks_global',
                'n_downsampling', 'n_downsample_global', 'deep_supervision')
_MOST = {'levels': 12, 'num_downs': 12}


def infer_meta(tensors: Arrays) -> Dict[str, Any]:
    """The `meta` of a parity file, as far as weights tell it.

    Args:
      tensors: in any spelling.

    Raises:
      ValueError: the names are of none of the networks, or a telling tensor is missing.
    """
    for family in _FAMILIES:
        meta = family.infer(family.spell(tensors))
        if meta:
            return meta
    shown = ', '.join(sorted(tensors)[:3]) or 'none'
    raise ValueError(f'tensors: expected the names of a network that we have, found {shown}; save them under '
                     'their official names (models/README.md)')


def build(meta: Meta) -> Dict[str, tf.keras.Model]:
    """The networks that `meta` describes, with weights of their own.

    Raises:
      ValueError: an unknown network, an argument that is missing or no whole number.
    """
    for name in arguments(meta):
        least = 0 if name in _MAY_BE_ZERO else 1
        most = _MOST.get(name, 100 if name.startswith('n_') else 1 << 24)
        value = meta.get(name)
        if not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f'meta[{name!r}]: expected a whole number from {least} to {most}, found '
                             f'{value!r}; write the argument of the official network')
    return _family(meta).build(meta)


def arguments(meta: Meta) -> Tuple[str, ...]:
    """Names of the official arguments of `meta` that are whole numbers; ValueError if its network is unknown."""
    return _family(meta).nets[meta['net']]


def load(networks: Networks, meta: Meta, tensors: Arrays) -> None:
    """Assigns official tensors, in any of their spellings, to all variables.

    Raises:
      ValueError: one is missing, left over, mis-shaped or not finite; then nothing is assigned.
    """
    family = _family(meta)
    tensors = family.spell(tensors)
    for name, tensor in tensors.items():
        if not np.issubdtype(tensor.dtype, np.floating):
            raise ValueError(f'tensors[{name!r}]: expected floats, found {tensor.dtype}; save it '
                             'as float32')
        tensors[name] = tensor.astype(np.float32)
        if not np.isfinite(tensors[name]).all():
            raise ValueError(f'tensors[{name!r}]: expected finite numbers, found NaN or infinity; '
                             'take weights from before the training ran away')
    assign(family.slots(networks, tensors), tensors)


def serving_functions(networks: Networks, meta: Meta) -> Functions:
    """What each network is for users of a SavedModel, by role: see the families' `serve`."""
    return _family(meta).serve(networks, meta)


def replay(networks: Networks, meta: Meta, arrays: Arrays) -> Dict[str, np.ndarray]:
    """Every output of the official network that the inputs among `arrays` allow, by its name.

    Computed by the networks, losses and updates that training uses.

    Raises:
      ValueError: inputs of a shape that the networks refuse.
    """
    return _family(meta).replay(networks, meta, arrays)


def relative_errors(networks: Networks, meta: Meta, arrays: Arrays) -> Dict[str, float]:
    """How far our outputs are from the official ones: max |ours - official| / max |official|.

    Outputs that the official side did not save are no error: there is nothing to compare.

    Returns:
      By name, for every array that is no input; not finite where either side is not.

    Raises:
      ValueError: an array that is neither an input nor an output that can be replayed, one of
        another shape than ours, a level of detail or run of `meta` without any output.
    """
    ours = replay(networks, meta, arrays)
    inputs = _family(meta).inputs
    official = {name: array for name, array in arrays.items()
                if not any(re.fullmatch(given, name) for given in inputs)}
    unknown = sorted(official.keys() - ours)
    if unknown:
        raise ValueError(f'array {unknown[0]!r} ({len(unknown)} such): expected an input or an '
                         f'output of {meta["net"]} that its inputs ('
                         f'{", ".join(inputs)}) lead to; remove it, or add them')
    groups = {name.split('/')[0] for name in ours if '/' in name}
    silent = sorted(groups - {name.split('/')[0] for name in official})
    if silent:
        raise ValueError(f'meta: expected arrays of every level of detail and run, found none of '
                         f'{", ".join(silent)}; save them or shorten the list')
    return {name: _relative_error(name, ours[name], array, _family(meta).noise)
            for name, array in official.items()}


def _relative_error(name: str, ours: np.ndarray, official: np.ndarray, noise: float) -> float:
    if ours.shape != official.shape:
        raise ValueError(f'array {name!r}: expected shape {ours.shape}, as our network computes '
                         f'it, found {official.shape}; check meta and the inputs')
    if not np.isfinite(official).all():
        return np.inf
    scale, error = max(np.abs(official).max(), noise), np.abs(ours - official).max()
    return float(error / scale) if scale else float(error and np.inf)


def _family(meta: Meta) -> Family:
    for family in _FAMILIES:
        if meta.get('net') in tuple(family.nets):
            return family
    known = ', '.join(net for family in _FAMILIES for net in family.nets)
    raise ValueError(f"meta['net']: expected one of {known}, found {meta.get('net')!r}; take "
                     'another file')
