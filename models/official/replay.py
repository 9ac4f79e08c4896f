"""The outputs of official networks, computed anew from the same inputs by our networks and losses.

Functions take networks with official weights, `meta`, and arrays under their official names, images
NCHW, and return arrays likewise. What an input is missing for is left out.
"""
from __future__ import annotations

import re
from typing import Any, Dict, Mapping

import numpy as np
import tensorflow as tf

from models.pggan import wgan_gp
from models.pggan.layers import nearest_upscale
from models.pggan.networks import grow_images, level_and_alpha
from models.pix2pixhd import updates

Networks = Mapping[str, tf.keras.Model]
Arrays = Mapping[str, np.ndarray]
Meta = Mapping[str, Any]
Outputs = Dict[str, np.ndarray]

PGGAN_INPUTS = ('latents', 'real', 'fake', 'mixing_factors')
PIX2PIXHD_INPUTS = ('x', 'real', 'fake')

_LOSS_ARGUMENTS = {'wgan_lambda': 'penalty_weight', 'wgan_epsilon': 'drift_weight',
                   'wgan_target': 'target'}


def replay_pggan(networks: Networks, meta: Meta, arrays: Arrays) -> Outputs:
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


def replay_pix2pixhd(networks: Networks, meta: Meta, arrays: Arrays) -> Outputs:
    """A generator's 'y'; a discriminator's '<real|fake>_scale<i>_feature<j>' and loss terms.

    Scale 0 sees the full size. 'loss_D_*' and 'loss_G_GAN' are sums over the scales.
    """
    outputs = {}
    if 'generator' in networks and 'x' in arrays:
        outputs['y'] = _nchw(networks['generator'](_nhwc(arrays['x'])))
    if 'discriminator' not in networks:
        return outputs
    features = {side: networks['discriminator'](_nhwc(arrays[side]))
                for side in ('real', 'fake') if side in arrays}
    outputs.update({f'{side}_scale{i}_feature{j}': _nchw(feature)
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


def _levels_of_detail(meta: Meta, arrays: Arrays) -> Dict[str, float]:
    """'lod0.4' -> 0.4, by the names of arrays first: 'lod1' and 'lod1.0' are the same."""
    found = {match[0][:-1]: float(match[1])
             for match in (re.match(r'lod(\d+(?:\.\d*)?)/', name) for name in arrays) if match}
    silent = [lod for lod in meta.get('lods', ()) if lod not in found.values()]
    return {**{f'lod{lod}': float(lod) for lod in silent}, **found}


def _generated(networks: Networks, arrays: Arrays, lod: float) -> Outputs:
    if 'generator' not in networks or 'latents' not in arrays:
        return {}
    generator = networks['generator']
    level, alpha = level_and_alpha(lod, generator.top_level)
    images = generator(_float(arrays['latents']), level=level, alpha=alpha)
    return {'generated': _nchw(nearest_upscale(images, 2 ** (generator.top_level - level)))}


def _judged(networks: Networks, meta: Meta, arrays: Arrays, lod: float) -> Outputs:
    if 'discriminator' not in networks or not {'real', 'fake', 'mixing_factors'} <= arrays.keys():
        return {}
    discriminator = networks['discriminator']
    level, alpha = level_and_alpha(lod, discriminator.top_level)
    score = lambda images: discriminator(images, level=level, alpha=alpha)
    real, fake = (grow_images(_nhwc(arrays[name]), level)
                  for name in ('real', 'fake'))
    pieces = wgan_gp.discriminator_loss(
        score, real, fake, _float(arrays['mixing_factors']), discriminator.resolution / 2 ** level,
        **{ours: float(meta[official]) for official, ours in _LOSS_ARGUMENTS.items()
           if official in meta})
    return {'real_scores': pieces.real_scores.numpy()[:, None],
            'fake_scores': pieces.fake_scores.numpy()[:, None],
            'mixed_gradient_norms': pieces.gradient_norms.numpy(),
            'd_loss_per_sample': pieces.loss.numpy()[:, None],
            'g_loss_per_sample': wgan_gp.generator_loss(score, fake).numpy()[:, None]}


def _float(array: np.ndarray) -> tf.Tensor:
    return tf.constant(array, tf.float32)


def _nhwc(images: np.ndarray) -> tf.Tensor:
    return _float(np.transpose(images, (0, 2, 3, 1)))


def _nchw(images: tf.Tensor) -> np.ndarray:
    return np.transpose(images, (0, 3, 1, 2))
