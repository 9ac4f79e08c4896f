"""Official networks: built from their `meta`, loaded with their tensors, and put to the proof.

`meta` is a parity file's: 'net' and the arguments by their official names. Networks come as
{'generator': ..., 'discriminator': ...} or one of the two. Arrays to replay are the inputs and the
outputs of the official network under the official names, NCHW.
"""
from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, NamedTuple, Tuple

import numpy as np
import tensorflow as tf

from models.official import names, pggan, pix2pixhd, serving
from models.official.replay import PGGAN_INPUTS, PIX2PIXHD_INPUTS, replay_pggan, replay_pix2pixhd

Networks = Mapping[str, tf.keras.Model]
Arrays = Mapping[str, np.ndarray]
Meta = Mapping[str, Any]

infer_meta = names.infer_meta
is_tensor = names.is_tensor

_MAY_BE_ZERO = ('fused_scale', 'mbstd_group_size', 'n_blocks', 'n_blocks_local', 'n_blocks_global',
                'n_downsampling', 'n_downsample_global')


class _Family(NamedTuple):
    """What differs between PGGAN and Pix2PixHD."""
    arguments: Mapping[str, Tuple[str, ...]]     # of every meta['net']
    build: Callable[[Meta], Dict[str, tf.keras.Model]]
    load: Callable[[Networks, Arrays], None]
    inputs: Tuple[str, ...]
    replay: Callable[[Networks, Meta, Arrays], Dict[str, np.ndarray]]
    serve: Callable[[Networks, Meta], serving.Functions]


_FAMILIES = (
    _Family(pggan.NETWORKS, pggan.build, pggan.load, PGGAN_INPUTS, replay_pggan,
            serving.serve_pggan),
    _Family(pix2pixhd.NETWORKS, pix2pixhd.build, pix2pixhd.load, PIX2PIXHD_INPUTS,
            replay_pix2pixhd, serving.serve_pix2pixhd))


def build(meta: Meta) -> Dict[str, tf.keras.Model]:
    """The networks that `meta` describes, with weights of their own.

    Raises:
      ValueError: an unknown network, an argument that is missing or no whole number.
    """
    for name in arguments(meta):
        least, most = 0 if name in _MAY_BE_ZERO else 1, 100 if name.startswith('n_') else 1 << 24
        value = meta.get(name)
        if not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f'meta[{name!r}]: expected a whole number from {least} to {most}, found '
                             f'{value!r}; write the argument of the official network')
    return _family(meta).build(meta)


def arguments(meta: Meta) -> Tuple[str, ...]:
    """Names of the official arguments that make the network of `meta`; ValueError if unknown."""
    return _family(meta).arguments[meta['net']]


def load(networks: Networks, meta: Meta, tensors: Arrays) -> None:
    """Assigns official tensors, in any of their spellings, to all variables.

    Raises:
      ValueError: one is missing, left over, mis-shaped or not finite; then nothing is assigned.
    """
    tensors = names.canonical(tensors)
    for name, tensor in tensors.items():
        if not np.issubdtype(tensor.dtype, np.floating):
            raise ValueError(f'tensors[{name!r}]: expected floats, found {tensor.dtype}; save it '
                             'as float32')
        tensors[name] = tensor.astype(np.float32)
        if not np.isfinite(tensors[name]).all():
            raise ValueError(f'tensors[{name!r}]: expected finite numbers, found NaN or infinity; '
                             'take weights from before the training ran away')
    _family(meta).load(networks, tensors)


def serving_functions(networks: Networks, meta: Meta) -> serving.Functions:
    """What each network is for users of a SavedModel: see `official_serving`."""
    return _family(meta).serve(networks, meta)


def replay(networks: Networks, meta: Meta, arrays: Arrays) -> Dict[str, np.ndarray]:
    """Every output of the official network that the inputs among `arrays` allow, by its name.

    Computed by the networks, losses and gradient penalty that training uses.

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
        another shape than ours, a level of detail of `meta` without any output.
    """
    ours = replay(networks, meta, arrays)
    official = {name: array for name, array in arrays.items()
                if name not in _family(meta).inputs}
    unknown = sorted(official.keys() - ours)
    if unknown:
        raise ValueError(f'array {unknown[0]!r} ({len(unknown)} such): expected an input or an '
                         f'output of {meta["net"]} that its inputs ('
                         f'{", ".join(_family(meta).inputs)}) lead to; remove it, or add them')
    groups = {name.split('/')[0] for name in ours if '/' in name}
    silent = sorted(groups - {name.split('/')[0] for name in official})
    if silent:
        raise ValueError(f"meta['lods']: expected arrays of every level of detail, found none of "
                         f'{", ".join(silent)}; save them or shorten the list')
    return {name: _relative_error(name, ours[name], array) for name, array in official.items()}


def _relative_error(name: str, ours: np.ndarray, official: np.ndarray) -> float:
    if ours.shape != official.shape:
        raise ValueError(f'array {name!r}: expected shape {ours.shape}, as our network computes '
                         f'it, found {official.shape}; check meta and the inputs')
    if not np.isfinite(official).all():
        return np.inf
    scale, error = np.abs(official).max(), np.abs(ours - official).max()
    return float(error / scale) if scale else float(error and np.inf)


def _family(meta: Meta) -> _Family:
    for family in _FAMILIES:
        if meta.get('net') in tuple(family.arguments):
            return family
    known = ', '.join(net for family in _FAMILIES for net in family.arguments)
    raise ValueError(f"meta['net']: expected one of {known}, found {meta.get('net')!r}; take "
                     'another file')
