"""Loads tensors of the official Pix2PixHD networks, under their PyTorch names, into ours.

Convolutions come as OIHW, transposed ones as IOHW, biases as they are. The official networks number
the layers of one long list; norms, activations and paddings without weights take numbers too.
"""
from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence, Tuple

import numpy as np
import tensorflow as tf

from models.pix2pixhd import (GlobalGenerator, LocalEnhancer, MultiscaleDiscriminator,
                              ResidualBlock, Trunk)

_Named = Dict[str, tf.keras.layers.Layer]


def build_official(meta: Mapping[str, Any]) -> tf.keras.Model:
    """The network that `meta` of a parity file describes, by the official argument names.

    Raises:
      ValueError: if `meta['net']` is none of Pix2PixHD's.
    """
    builders = {
        'pix2pixhd.GlobalGenerator': lambda: GlobalGenerator(
            meta['input_nc'], meta['output_nc'], meta['ngf'], meta['n_downsampling'],
            meta['n_blocks']),
        'pix2pixhd.LocalEnhancer': lambda: LocalEnhancer(
            meta['input_nc'], meta['output_nc'], meta['ngf'], meta['n_local_enhancers'],
            meta['n_blocks_local'], meta['n_downsample_global'], meta['n_blocks_global']),
        'pix2pixhd.MultiscaleDiscriminator': lambda: MultiscaleDiscriminator(
            meta['input_nc'], meta['ndf'], meta['n_layers'], meta['num_D']),
    }
    if meta.get('net') not in builders:
        raise ValueError(f"meta['net']: expected one of {', '.join(builders)}, found "
                         f"{meta.get('net')!r}: take another file.")
    return builders[meta['net']]()


def load_generator(network: GlobalGenerator, tensors: Mapping[str, np.ndarray]) -> None:
    """Loads 'model.<i>...' tensors. ValueError if one is missing, left over or mis-shaped."""
    named, end = _trunk(network.trunk)
    named[f'model.{end + 1}'] = network.head
    _assign(named, tensors)


def load_local_enhancer(network: LocalEnhancer, tensors: Mapping[str, np.ndarray]) -> None:
    """Loads 'model...', 'model1_1...', 'model1_2...', ...: errors as in `load_generator`."""
    named, _ = _trunk(network.trunk)
    for number, enhancer in enumerate(network.enhancers, start=1):
        down, up = f'model{number}_1', f'model{number}_2'
        named[f'{down}.1'] = enhancer.first
        named[f'{down}.4'] = enhancer.down
        named.update(_blocks(up, 0, enhancer.blocks))
        end = len(enhancer.blocks)
        named[f'{up}.{end}'] = enhancer.up
    named[f'{up}.{end + 4}'] = network.head
    _assign(named, tensors)


def load_discriminator(network: MultiscaleDiscriminator,
                       tensors: Mapping[str, np.ndarray]) -> None:
    """Loads 'scale<s>_layer<l>.0...' tensors: errors as in `load_generator`.

    The official names count from the smallest scale: the last one sees the full size.
    """
    _assign({f'scale{scale}_layer{layer}.0': convolution
             for scale, discriminator in enumerate(reversed(network.scales))
             for layer, convolution in enumerate(discriminator.convolutions)}, tensors)


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
        raise ValueError(f'official tensors: {len(missing)} missing (first: '
                         f'{", ".join(missing[:3]) or "none"}), {len(left_over)} left over '
                         f'(first: {", ".join(left_over[:3]) or "none"}): build the network that '
                         f'wrote them.')
    for name, (variable, order) in values.items():
        expected = tuple(variable.shape[order.index(axis)] for axis in range(len(order)))
        if tensors[name].shape != expected:
            raise ValueError(f'official tensor {name!r}: expected shape {expected}, found '
                             f'{tensors[name].shape}: build the network that wrote it.')
    for name, (variable, order) in values.items():
        variable.assign(np.transpose(tensors[name], order))
