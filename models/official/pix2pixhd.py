"""Weights of the official Pix2PixHD networks, by their PyTorch names, into ours.

Convolutions come as OIHW, transposed ones as IOHW, biases as they are. The official networks number
the layers of one long list; norms, activations and paddings without weights take numbers too.
"""
from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, NamedTuple, Sequence, Tuple

import numpy as np
import tensorflow as tf

from models.pix2pixhd.networks import (GlobalGenerator, LocalEnhancer, MultiscaleDiscriminator,
                                       ResidualBlock, Trunk)

_Named = Dict[str, tf.keras.layers.Layer]


class _Kind(NamedTuple):
    """What an official network is called here: its role, class, and arguments by official name."""
    role: str
    network: Callable[..., tf.keras.Model]
    arguments: Dict[str, str]


_KINDS = {
    'pix2pixhd.GlobalGenerator': _Kind('generator', GlobalGenerator, {
        'input_nc': 'channels_in', 'output_nc': 'channels_out', 'ngf': 'ngf',
        'n_downsampling': 'downsamplings', 'n_blocks': 'blocks'}),
    'pix2pixhd.LocalEnhancer': _Kind('generator', LocalEnhancer, {
        'input_nc': 'channels_in', 'output_nc': 'channels_out', 'ngf': 'ngf',
        'n_local_enhancers': 'enhancers', 'n_blocks_local': 'blocks_local',
        'n_downsample_global': 'downsamplings', 'n_blocks_global': 'blocks_global'}),
    'pix2pixhd.MultiscaleDiscriminator': _Kind('discriminator', MultiscaleDiscriminator, {
        'input_nc': 'channels_in', 'ndf': 'ndf', 'n_layers': 'layers', 'num_D': 'scales'}),
}
# meta['net'] -> the official arguments that `meta` must hold
NETWORKS = {net: tuple(kind.arguments) for net, kind in _KINDS.items()}


def build(meta: Mapping[str, Any]) -> Dict[str, tf.keras.Model]:
    """{'generator': network} or {'discriminator': network}, as `meta` describes it."""
    kind = _KINDS[meta['net']]
    return {kind.role: kind.network(**{ours: meta[official]
                                       for official, ours in kind.arguments.items()})}


def load(networks: Mapping[str, tf.keras.Model], tensors: Mapping[str, np.ndarray]) -> None:
    """Assigns official tensors such as 'model.1.weight' to all variables of the one network.

    Raises:
      ValueError: one is missing, left over or mis-shaped; then nothing is assigned.
    """
    network, = networks.values()
    _assign(_LAYERS[type(network)](network), tensors)


def _generator(network: GlobalGenerator) -> _Named:
    named, end = _trunk(network.trunk)
    return {**named, f'model.{end + 1}': network.head}


def _local_enhancer(network: LocalEnhancer) -> _Named:
    named, _ = _trunk(network.trunk)
    for number, enhancer in enumerate(network.enhancers, start=1):
        down, up = f'model{number}_1', f'model{number}_2'
        named[f'{down}.1'] = enhancer.first
        named[f'{down}.4'] = enhancer.down
        named.update(_blocks(up, 0, enhancer.blocks))
        end = len(enhancer.blocks)
        named[f'{up}.{end}'] = enhancer.up
    return {**named, f'{up}.{end + 4}': network.head}


def _discriminator(network: MultiscaleDiscriminator) -> _Named:
    """The official names count from the smallest scale: the last one sees the full size."""
    return {f'scale{scale}_layer{layer}.0': convolution
            for scale, discriminator in enumerate(reversed(network.scales))
            for layer, convolution in enumerate(discriminator.convolutions)}


_LAYERS = {GlobalGenerator: _generator, LocalEnhancer: _local_enhancer,
           MultiscaleDiscriminator: _discriminator}


def _trunk(trunk: Trunk) -> Tuple[_Named, int]:
    """The trunk's layers by official name, and the number of the first layer after it."""
    named = {'model.1': trunk.first}
    named.update({f'model.{4 + 3 * i}': layer for i, layer in enumerate(trunk.downs)})
    start = 4 + 3 * len(trunk.downs)
    named.update(_blocks('model', start, trunk.blocks))
    start += len(trunk.blocks)
    named.update({f'model.{start + 3 * i}': layer for i, layer in enumerate(trunk.ups)})
    return named, start + 3 * len(trunk.ups)


def _blocks(prefix: str, start: int, blocks: Sequence[ResidualBlock]) -> _Named:
    return {f'{prefix}.{start + i}.conv_block.{number}': layer for i, block in enumerate(blocks)
            for number, layer in ((1, block.first), (5, block.second))}


def _assign(named: _Named, tensors: Mapping[str, np.ndarray]) -> None:
    """Checks every name and shape before the first assignment."""
    values = {}
    for name, layer in named.items():
        # Ours is HWIO, and HWOI where transposed: the same turn for both.
        values[f'{name}.weight'] = (layer.kernel, (2, 3, 1, 0))
        values[f'{name}.bias'] = (layer.bias, (0,))
    missing, left_over = sorted(values.keys() - tensors), sorted(tensors.keys() - values.keys())
    if missing or left_over:
        raise ValueError(f'tensors: {len(missing)} missing (first: '
                         f'{", ".join(missing[:3]) or "none"}), {len(left_over)} left over '
                         f'(first: {", ".join(left_over[:3]) or "none"}): build the network that '
                         f'wrote them.')
    for name, (variable, order) in values.items():
        expected = tuple(variable.shape[order.index(axis)] for axis in range(len(order)))
        if tensors[name].shape != expected:
            raise ValueError(f'tensors[{name!r}]: expected shape {expected}, found '
                             f'{tensors[name].shape}: build the network that wrote it.')
    for name, (variable, order) in values.items():
        variable.assign(np.transpose(tensors[name], order))
