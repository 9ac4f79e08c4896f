"""The official PGGAN networks: their tensors by official names into ours, and what they computed, anew.

Official kernels are [height, width, in, out], except 'Conv0_up', [height, width, out, in], which a
transposed convolution applies: turned by 180 degrees it is our kernel. Dense layers meet feature
maps flattened as channels, height, width. 'lod0' names the finished resolution. Names begin with
'G/' or 'D/'.
"""
from __future__ import annotations

import functools
import re
from typing import Any, Callable, Dict, NamedTuple, Tuple

import numpy as np
import tensorflow as tf

from models.official.tensors import (Arrays, Family, Functions, Meta, Networks, Slot, Tensors, floats, nchw, nhwc,
                                     served, shape)
from models.pggan import wgan_gp
from models.pggan.layers import Equalized, nearest_upscale
from models.pggan.networks import (Discriminator, Generator, feature_maps, grow_images, level_and_alpha,
                                   level_of)

_Shape = Tuple[int, ...]

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


def build(meta: Meta) -> Dict[str, tf.keras.Model]:
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


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """Of official tensors such as 'G/4x4/Dense/weight', all variables of all networks.

    Fused and unfused weights ('Conv0_up', 'Conv0') fit any generator: both compute the same. Not so fused
    weights ('Conv1_down') an unfused discriminator or the reverse.
    """
    layers: _Layers = {}
    if 'generator' in networks:
        fused = any('Conv0_up' in name for name in tensors)
        layers.update(_generator_layers(networks['generator'], fused))
    if 'discriminator' in networks:
        layers.update(_discriminator_layers(networks['discriminator']))
    found = {}
    for name, (layer, layout) in layers.items():
        ours = tuple(layer.kernel.shape)
        found[f'{name}/weight'] = Slot(layer.kernel, layout.official_shape(ours),
                                       functools.partial(layout.convert, ours=ours))
        found[f'{name}/bias'] = Slot(layer.bias, tuple(layer.bias.shape))
    return found


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


_SIDE = re.compile(r'(?:^|/)(\d+)x\1/')


def spell(tensors: Tensors) -> Dict[str, np.ndarray]:
    """With the network before each name: 'G/' or 'D/'; 'Gs/' is the average of G. Without 'lod'."""
    return {_spelled(name, tensors): array for name, array in tensors.items()
            if name.split('/')[-1] != 'lod'}


def _spelled(name: str, tensors: Tensors) -> str:
    if not any(other.startswith(('G/', 'Gs/', 'D/')) for other in tensors):
        return ('D/' if any('FromRGB' in other for other in tensors) else 'G/') + name
    if any(other.startswith('G/') for other in tensors):
        return name
    return re.sub('^Gs/', 'G/', name)


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` as far as weights tell it: feature maps give an fmap_base and an fmap_max that lead to them.

    Groups of the minibatch standard deviation leave no trace but the map: the official 4 is taken.
    """
    sides = [int(match[1]) for match in map(_SIDE.search, tensors) if match]
    if not sides:
        return {}
    top = level_of(max(sides))
    scopes = {level: f'{2**level}x{2**level}' for level in range(2, top + 1)}
    meta, maps, parts = {}, {}, []
    if any(name.startswith('G/') for name in tensors):
        parts.append('G_paper')
        meta['latent_size'] = shape(tensors, 'G/4x4/Dense/weight', 2)[0]
        meta['num_channels'] = shape(tensors, 'G/ToRGB_lod0/weight', 4)[3]
        for level, scope in scopes.items():
            last = 'Conv' if level == 2 else 'Conv1'
            maps[level], = shape(tensors, f'G/{scope}/{last}/bias', 1)
    if any(name.startswith('D/') for name in tensors):
        parts.append('D_paper')
        meta['num_channels'] = shape(tensors, 'D/FromRGB_lod0/weight', 4)[2]
        maps[1], = shape(tensors, 'D/4x4/Dense0/bias', 1)
        for level, scope in scopes.items():
            first = 'Conv' if level == 2 else 'Conv0'
            maps[level], = shape(tensors, f'D/{scope}/{first}/bias', 1)
        has_deviation = shape(tensors, 'D/4x4/Conv/weight', 4)[2] > maps[2]
        meta['mbstd_group_size'] = 4 if has_deviation else 1
    fused = 'Conv1_down' if 'D_paper' in parts else 'Conv0_up'
    return {'net': f'progressive_growing_of_gans.{"/".join(parts)}', **meta,
            'resolution': 2 ** top, 'fmap_max': max(maps.values()),
            'fmap_base': max(count * 2 ** (level - 1) for level, count in maps.items()),
            'fused_scale': any(fused in name for name in tensors)}


_LOSS_ARGUMENTS = {'wgan_lambda': 'penalty_weight', 'wgan_epsilon': 'drift_weight',
                   'wgan_target': 'target'}


def replay(networks: Networks, meta: Meta, arrays: Arrays) -> Dict[str, np.ndarray]:
    """Generated images, scores, gradient norms and losses, 'lod<number>/<output>'.

    Images are at full resolution whatever the level of detail; so is the image that a gradient's
    norm belongs to. Levels are those of meta['lods'] and of the names of arrays.
    """
    outputs = {}
    for label, lod in _levels_of_detail(meta, arrays).items():
        made = _generated(networks, arrays, lod)
        made.update(_judged(networks, meta, arrays, lod))
        outputs.update({f'{label}/{name}': value for name, value in made.items()})
    return outputs


def _levels_of_detail(meta: Meta, arrays: Arrays) -> Dict[str, float]:
    """'lod0.4' -> 0.4, by the names of arrays first: 'lod1' and 'lod1.0' are the same."""
    found = {match[0][:-1]: float(match[1])
             for match in (re.match(r'lod(\d+(?:\.\d*)?)/', name) for name in arrays) if match}
    silent = [lod for lod in meta.get('lods', ()) if lod not in found.values()]
    return {**{f'lod{lod}': float(lod) for lod in silent}, **found}


def _generated(networks: Networks, arrays: Arrays, lod: float) -> Dict[str, np.ndarray]:
    if 'generator' not in networks or 'latents' not in arrays:
        return {}
    generator = networks['generator']
    level, alpha = level_and_alpha(lod, generator.top_level)
    images = generator(floats(arrays['latents']), level=level, alpha=alpha)
    return {'generated': nchw(nearest_upscale(images, 2 ** (generator.top_level - level)))}


def _judged(networks: Networks, meta: Meta, arrays: Arrays, lod: float) -> Dict[str, np.ndarray]:
    if 'discriminator' not in networks or not {'real', 'fake', 'mixing_factors'} <= arrays.keys():
        return {}
    discriminator = networks['discriminator']
    level, alpha = level_and_alpha(lod, discriminator.top_level)
    score = lambda images: discriminator(images, level=level, alpha=alpha)
    real, fake = (grow_images(nhwc(arrays[name]), level)
                  for name in ('real', 'fake'))
    pieces = wgan_gp.discriminator_loss(
        score, real, fake, floats(arrays['mixing_factors']), discriminator.resolution / 2 ** level,
        **{ours: float(meta[official]) for official, ours in _LOSS_ARGUMENTS.items()
           if official in meta})
    return {'real_scores': pieces.real_scores.numpy()[:, None],
            'fake_scores': pieces.fake_scores.numpy()[:, None],
            'mixed_gradient_norms': pieces.gradient_norms.numpy(),
            'd_loss_per_sample': pieces.loss.numpy()[:, None],
            'g_loss_per_sample': wgan_gp.generator_loss(score, fake).numpy()[:, None]}


def serve(networks: Networks, meta: Meta) -> Functions:
    """Fully grown 'generator': latent [N, L] -> image, 'discriminator': images -> scores [N, 1]."""
    side, channels = meta['resolution'], meta['num_channels']
    functions = {}
    if 'generator' in networks:
        generator = networks['generator']
        functions['generator'] = served(
            lambda latent: {'image': generator(latent, level=generator.top_level)},
            [None, generator.latent_size], 'latent')
    if 'discriminator' in networks:
        discriminator = networks['discriminator']
        functions['discriminator'] = served(
            lambda images: {'scores': discriminator(images, level=discriminator.top_level)},
            [None, side, side, channels], 'images')
    return functions


FAMILY = Family(NETWORKS, spell, infer, build, slots, ('latents', 'real', 'fake', 'mixing_factors'), replay, serve)
