"""The official Pix2PixHD networks: their tensors by PyTorch names into ours, and what they computed, anew.

Convolutions come as OIHW, transposed ones as IOHW, biases as they are. The official networks number
the layers of one long list; norms, activations and paddings without weights take numbers too.
"""
from __future__ import annotations

import re
from typing import Any, Callable, Dict, NamedTuple, Sequence, Tuple

import numpy as np
import tensorflow as tf

from models.official.tensors import (Arrays, Family, Functions, Meta, Networks, Slot, Tensors, nchw, nhwc, numbers,
                                     served, shape, spell_torch, torch_slots)
from models.pix2pixhd import updates
from models.pix2pixhd.networks import (GlobalGenerator, LocalEnhancer, MultiscaleDiscriminator,
                                       ResidualBlock, Trunk)

_Named = Dict[str, tf.keras.layers.Layer]
_STATE = ('running_mean', 'running_var', 'num_batches_tracked')


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


def build(meta: Meta) -> Dict[str, tf.keras.Model]:
    """{'generator': network} or {'discriminator': network}, as `meta` describes it."""
    kind = _KINDS[meta['net']]
    return {kind.role: kind.network(**{ours: meta[official]
                                       for official, ours in kind.arguments.items()})}


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """Of official tensors such as 'model.1.weight', all variables of the one network."""
    del tensors
    network, = networks.values()
    return torch_slots(_LAYERS[type(network)](network))


def generator_layers(network: GlobalGenerator) -> _Named:
    """The layers of a global generator by official name, norms left out."""
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


_LAYERS = {GlobalGenerator: generator_layers, LocalEnhancer: _local_enhancer,
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


def spell(tensors: Tensors) -> Dict[str, np.ndarray]:
    """Without 'module.', with hidden features ('scale0_layer1.0', not 'layer0.2') and without statistics.

    PyTorch before 0.4 wrote running statistics even for instance norm, which never reads them.
    """
    # One list of layers: convolution, activation, then convolution, norm, activation repeated.
    return {re.sub(r'^layer(\d+)\.(\d+)\.',
                   lambda found: f'scale{found[1]}_layer{(int(found[2]) + 1) // 3}.0.', name): array
            for name, array in spell_torch(tensors, _STATE).items()}


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` as far as weights tell it."""
    return _infer_discriminator(tensors) or _infer_enhancer(tensors) or _infer_generator(tensors)


def _infer_discriminator(tensors: Tensors) -> Dict[str, Any]:
    scales = numbers(tensors, r'scale(\d+)_layer\d+\.0\.weight')
    if not scales:
        return {}
    layers = numbers(tensors, r'scale\d+_layer(\d+)\.0\.weight')
    ndf, input_nc, _, _ = shape(tensors, 'scale0_layer0.0.weight', 4)
    return {'net': 'pix2pixhd.MultiscaleDiscriminator', 'input_nc': input_nc, 'ndf': ndf,
            'n_layers': len(layers) - 2, 'num_D': len(scales)}


def _infer_enhancer(tensors: Tensors) -> Dict[str, Any]:
    enhancers = numbers(tensors, r'model(\d+)_1\.1\.weight')
    if not enhancers:
        return {}
    _, input_nc, downsamplings, blocks, _ = _sizes(tensors)
    last = f'model{enhancers[-1]}'
    head = numbers(tensors, rf'{last}_2\.(\d+)\.weight')[-1:]
    return {'net': 'pix2pixhd.LocalEnhancer', 'input_nc': input_nc,
            'output_nc': shape(tensors, f'{last}_2.{head[0] if head else 0}.weight', 4)[0],
            'ngf': shape(tensors, f'{last}_1.1.weight', 4)[0],
            'n_downsample_global': downsamplings, 'n_blocks_global': blocks,
            'n_local_enhancers': len(enhancers),
            'n_blocks_local': len(numbers(tensors, rf'{last}_2\.(\d+)\.conv_block\.1\.weight'))}


def _infer_generator(tensors: Tensors) -> Dict[str, Any]:
    if 'model.1.weight' not in tensors:
        return {}
    ngf, input_nc, downsamplings, blocks, last = _sizes(tensors)
    return {'net': 'pix2pixhd.GlobalGenerator', 'input_nc': input_nc,
            'output_nc': shape(tensors, f'model.{last}.weight', 4)[0], 'ngf': ngf,
            'n_downsampling': downsamplings, 'n_blocks': blocks}


def _sizes(tensors: Tensors) -> Tuple[int, int, int, int, int]:
    """-> (ngf, input_nc, downsamplings, blocks, number of the last convolution).

    One convolution, then as many down as up, then the last one, which a local enhancer drops.
    """
    ngf, input_nc, _, _ = shape(tensors, 'model.1.weight', 4)
    convolutions = numbers(tensors, r'model\.(\d+)\.weight')
    _check_no_norms(tensors, convolutions)
    blocks = numbers(tensors, r'model\.(\d+)\.conv_block\.1\.weight')
    return ngf, input_nc, (len(convolutions) - 1) // 2, len(blocks), convolutions[-1]


def _check_no_norms(tensors: Tensors, layers: Sequence[int]) -> None:
    for number in layers:
        if np.ndim(tensors[f'model.{number}.weight']) == 1:
            raise ValueError(f"tensors['model.{number}.weight']: expected convolutions only, found "
                             'a norm with weights; train the network with --norm instance')


def replay(networks: Networks, meta: Meta, arrays: Arrays) -> Dict[str, np.ndarray]:
    """A generator's 'y'; a discriminator's '<real|fake>_scale<i>_feature<j>' and loss terms.

    Scale 0 sees the full size. 'loss_D_*' and 'loss_G_GAN' are sums over the scales.
    """
    outputs = {}
    if 'generator' in networks and 'x' in arrays:
        outputs['y'] = nchw(networks['generator'](nhwc(arrays['x'])))
    if 'discriminator' not in networks:
        return outputs
    features = {side: networks['discriminator'](nhwc(arrays[side]))
                for side in ('real', 'fake') if side in arrays}
    outputs.update({f'{side}_scale{i}_feature{j}': nchw(feature)
                    for side, scales in features.items() for i, scale in enumerate(scales)
                    for j, feature in enumerate(scale)})
    if 'real' in features:
        outputs['loss_D_real'] = updates.least_squares(features['real'], 1.0).numpy()
    if 'fake' in features:
        outputs['loss_D_fake'] = updates.least_squares(features['fake'], 0.0).numpy()
        outputs['loss_G_GAN'] = updates.least_squares(features['fake'], 1.0).numpy()
    if len(features) == 2:
        matching = updates.feature_matching(features['real'], features['fake'])
        outputs['loss_G_feat'] = (float(meta.get('lambda_feat', 10.0)) * matching).numpy()
    return outputs


def serve(networks: Networks, meta: Meta) -> Functions:
    """'generator': source -> image, 'discriminator': images -> scale<i>_feature<j> and _scores.

    A discriminator's images are label map and picture together; its last feature is the scores.
    """
    sizes = [None, None, None, meta['input_nc']]
    functions = {}
    if 'generator' in networks:
        functions['generator'] = served(
            lambda source: {'image': networks['generator'](source)}, sizes, 'source')
    if 'discriminator' in networks:
        functions['discriminator'] = served(
            lambda images: _named(networks['discriminator'](images)), sizes, 'images')
    return functions


def _named(features) -> Dict[str, tf.Tensor]:
    named = {f'scale{i}_feature{j}': feature for i, scale in enumerate(features)
             for j, feature in enumerate(scale[:-1])}
    return {**named, **{f'scale{i}_scores': scale[-1] for i, scale in enumerate(features)}}


FAMILY = Family(NETWORKS, spell, infer, build, slots, ('x', 'real', 'fake'), replay, serve)
