"""Weights of the official PGGAN networks, by their official names, into ours.

Official kernels are [height, width, in, out], except 'Conv0_up', [height, width, out, in], which a
transposed convolution applies: turned by 180 degrees it is our kernel. Dense layers meet feature
maps flattened as channels, height, width. 'lod0' names the finished resolution. Names begin with
'G/' or 'D/'.
"""
from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, NamedTuple, Tuple

import numpy as np
import tensorflow as tf

from models.pggan.layers import Equalized
from models.pggan.networks import Discriminator, Generator, feature_maps, level_of

_Shape = Tuple[int, ...]
_Tensors = Mapping[str, np.ndarray]

_SHARED = ('resolution', 'num_channels', 'fmap_base', 'fmap_max', 'fused_scale')
# meta['net'] -> the official arguments that `meta` must hold
NETWORKS = {
    'progressive_growing_of_gans.G_paper/D_paper': _SHARED + ('latent_size', 'mbstd_group_size'),
    'progressive_growing_of_gans.G_paper': _SHARED + ('latent_size',),
    'progressive_growing_of_gans.D_paper': _SHARED + ('mbstd_group_size',),
}


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


def build(meta: Mapping[str, Any]) -> Dict[str, tf.keras.Model]:
    """{'generator': Generator, 'discriminator': Discriminator}, or the one that `meta` describes.

    Raises:
      ValueError: no feature maps at the finished resolution, or no such resolution.
    """
    shared = dict(resolution=meta['resolution'], channels=meta['num_channels'],
                  fmap_base=meta['fmap_base'], fmap_max=meta['fmap_max'],
                  fused_scale=bool(meta['fused_scale']))
    if feature_maps(level_of(meta['resolution']), meta['fmap_base'], meta['fmap_max']) < 1:
        raise ValueError(f"meta['fmap_base']: expected at least {meta['resolution'] // 2} for "
                         f"{meta['resolution']} px, found {meta['fmap_base']}; correct it")
    networks = {}
    if 'G_paper' in meta['net']:
        networks['generator'] = Generator(latent_size=meta['latent_size'], **shared)
    if 'D_paper' in meta['net']:
        networks['discriminator'] = Discriminator(group_size=meta['mbstd_group_size'], **shared)
    return networks


def load(networks: Mapping[str, tf.keras.Model], tensors: _Tensors) -> None:
    """Assigns official tensors such as 'G/4x4/Dense/weight' to all variables of all networks.

    Fused and unfused weights ('Conv0_up', 'Conv0') fit any generator: both compute the same.

    Raises:
      ValueError: names missing or left over, or a wrong shape; then nothing is assigned. Also for
        fused weights ('Conv1_down') in an unfused discriminator or the reverse, which compute
        different scores.
    """
    layers: _Layers = {}
    if 'generator' in networks:
        fused = any('Conv0_up' in name for name in tensors)
        layers.update(_generator_layers(networks['generator'], fused))
    if 'discriminator' in networks:
        layers.update(_discriminator_layers(networks['discriminator']))
    _assign(layers, tensors)


def _generator_layers(network: Generator, fused: bool) -> _Layers:
    layers: _Layers = {'G/4x4/Dense': (network.dense, _DENSE_TO_MAPS),
                       'G/4x4/Conv': (network.conv, _SAME)}
    first, layout = ('Conv0_up', _TURNED) if fused else ('Conv0', _SAME)
    for level, block in enumerate(network.blocks, start=3):
        layers[f'G/{_scope(level)}/{first}'] = (block[0], layout)
        layers[f'G/{_scope(level)}/Conv1'] = (block[1], _SAME)
    for level, to_rgb in enumerate(network.to_rgb, start=2):
        layers[f'G/ToRGB_lod{network.top_level - level}'] = (to_rgb, _SAME)
    return layers


def _discriminator_layers(network: Discriminator) -> _Layers:
    layers: _Layers = {'D/4x4/Conv': (network.conv, _SAME),
                       'D/4x4/Dense0': (network.dense0, _MAPS_TO_DENSE),
                       'D/4x4/Dense1': (network.dense1, _SAME)}
    second = 'Conv1_down' if network.fused_scale else 'Conv1'
    for level, block in enumerate(network.blocks, start=3):
        layers[f'D/{_scope(level)}/Conv0'] = (block[0], _SAME)
        layers[f'D/{_scope(level)}/{second}'] = (block[1], _SAME)
    for level, from_rgb in enumerate(network.from_rgb, start=2):
        layers[f'D/FromRGB_lod{network.top_level - level}'] = (from_rgb, _SAME)
    return layers


def _scope(level: int) -> str:
    return f'{2**level}x{2**level}'


def _assign(layers: _Layers, tensors: _Tensors) -> None:
    wanted = {f'{name}/{part}' for name in layers for part in ('weight', 'bias')}
    found = set(tensors)
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


def _checked(tensors: _Tensors, name: str, shape: _Shape) -> np.ndarray:
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
