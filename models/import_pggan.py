"""Weights of the official PGGAN networks, by their official names, into ours.

Official kernels are [height, width, in, out], except 'Conv0_up', [height, width, out, in], which a
transposed convolution applies: turned by 180 degrees it is our kernel. Dense layers meet feature
maps flattened as channels, height, width. 'lod0' names the finished resolution.
"""
from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, NamedTuple, Tuple

import numpy as np

from models.equalized import Equalized
from models.pggan import Discriminator, Generator

_Shape = Tuple[int, ...]

_OFFICIAL_NAME = 'progressive_growing_of_gans.G_paper/D_paper'


class _Layout(NamedTuple):
    """How the official code stores a kernel that we store in another way."""
    official_shape: Callable[[_Shape], _Shape]
    convert: Callable[[np.ndarray, _Shape], np.ndarray]


_SAME = _Layout(lambda ours: ours, lambda kernel, ours: kernel)
_TURNED = _Layout(lambda ours: (ours[0], ours[1], ours[3], ours[2]),
                  lambda kernel, ours: kernel[::-1, ::-1].transpose(0, 1, 3, 2))
_DENSE_TO_MAPS = _Layout(
    lambda ours: (ours[0], 16 * ours[3]),
    lambda kernel, ours: kernel.reshape(ours[0], ours[3], 4, 4).transpose(0, 2, 3, 1))
_MAPS_TO_DENSE = _Layout(
    lambda ours: (16 * ours[2], ours[3]),
    lambda kernel, ours: kernel.reshape(ours[2], 4, 4, ours[3]).transpose(1, 2, 0, 3))

_Layers = Dict[str, Tuple[Equalized, _Layout]]


def build_official(meta: Mapping[str, Any]) -> Tuple[Generator, Discriminator]:
    """The two networks that `meta` of a parity file describes, by the official argument names.

    Raises:
      ValueError: if `meta['net']` is not PGGAN's.
    """
    if meta.get('net') != _OFFICIAL_NAME:
        raise ValueError(f"meta['net']: expected {_OFFICIAL_NAME!r}, found {meta.get('net')!r}: "
                         'take another file.')
    shared = dict(resolution=meta['resolution'], channels=meta['num_channels'],
                  fmap_base=meta['fmap_base'], fmap_max=meta['fmap_max'],
                  fused_scale=meta['fused_scale'])
    return (Generator(latent_size=meta['latent_size'], **shared),
            Discriminator(group_size=meta['mbstd_group_size'], **shared))


def load_generator(network: Generator, tensors: Mapping[str, np.ndarray]) -> None:
    """Assigns official tensors such as '4x4/Dense/weight' to all variables of a generator.

    Fused and unfused weights ('Conv0_up', 'Conv0') fit any generator: both compute the same.

    Raises:
      ValueError: names missing or left over, or a wrong shape; then nothing is assigned.
    """
    layers: _Layers = {'4x4/Dense': (network.dense, _DENSE_TO_MAPS),
                       '4x4/Conv': (network.conv, _SAME)}
    fused = any('Conv0_up' in name for name in tensors)
    first, layout = ('Conv0_up', _TURNED) if fused else ('Conv0', _SAME)
    for level, block in enumerate(network.blocks, start=3):
        layers[f'{_scope(level)}/{first}'] = (block[0], layout)
        layers[f'{_scope(level)}/Conv1'] = (block[1], _SAME)
    for level, to_rgb in enumerate(network.to_rgb, start=2):
        layers[f'ToRGB_lod{network.top_level - level}'] = (to_rgb, _SAME)
    _assign(layers, tensors)


def load_discriminator(network: Discriminator, tensors: Mapping[str, np.ndarray]) -> None:
    """Assigns official tensors such as 'FromRGB_lod0/weight' to all variables of a discriminator.

    Raises:
      ValueError: as `load_generator`; also for fused weights ('Conv1_down') in an unfused network
        or the reverse, which compute different scores.
    """
    layers: _Layers = {'4x4/Conv': (network.conv, _SAME),
                       '4x4/Dense0': (network.dense0, _MAPS_TO_DENSE),
                       '4x4/Dense1': (network.dense1, _SAME)}
    second = 'Conv1_down' if network.fused_scale else 'Conv1'
    for level, block in enumerate(network.blocks, start=3):
        layers[f'{_scope(level)}/Conv0'] = (block[0], _SAME)
        layers[f'{_scope(level)}/{second}'] = (block[1], _SAME)
    for level, from_rgb in enumerate(network.from_rgb, start=2):
        layers[f'FromRGB_lod{network.top_level - level}'] = (from_rgb, _SAME)
    _assign(layers, tensors)


def _scope(level: int) -> str:
    return f'{2**level}x{2**level}'


def _assign(layers: _Layers, tensors: Mapping[str, np.ndarray]) -> None:
    wanted = {f'{name}/{part}' for name in layers for part in ('weight', 'bias')}
    found = set(tensors) - {'lod'}  # the official networks' own state, no weight
    if wanted != found:
        raise ValueError(f'tensors: missing {_some(wanted - found)}, left over '
                         f'{_some(found - wanted)}; build the network with the resolution and '
                         'fused_scale (Conv0_up, Conv1_down) that the weights were trained with')
    values = []
    for name, (layer, layout) in layers.items():
        shape = tuple(layer.kernel.shape)
        kernel = _checked(tensors, f'{name}/weight', layout.official_shape(shape))
        values.append((layer.kernel, layout.convert(kernel, shape)))
        values.append((layer.bias, _checked(tensors, f'{name}/bias', tuple(layer.bias.shape))))
    for variable, value in values:
        variable.assign(value)


def _checked(tensors: Mapping[str, np.ndarray], name: str, shape: _Shape) -> np.ndarray:
    value = np.asarray(tensors[name])
    if value.shape != shape:
        raise ValueError(f'tensors[{name!r}]: expected shape {shape}, found {value.shape}; build '
                         'the network with the channels, latent_size and feature maps of these')
    return value


def _some(names: set) -> str:
    if not names:
        return 'nothing'
    shown = ', '.join(sorted(names)[:4])
    return shown if len(names) <= 4 else f'{shown} and {len(names) - 4} more'
