"""Loaded networks as functions of one tensor each, for a SavedModel that needs nothing of ours.

Any number of samples, images NHWC; those of Pix2PixHD of any size that the network itself takes.
"""
from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

import tensorflow as tf

Networks = Mapping[str, tf.keras.Model]
Functions = Dict[str, Callable[[tf.Tensor], Dict[str, tf.Tensor]]]


def serve_pggan(networks: Networks, meta: Mapping[str, Any]) -> Functions:
    """Fully grown 'generator': latent [N, L] -> image, 'discriminator': images -> scores [N, 1]."""
    side, channels = meta['resolution'], meta['num_channels']
    functions = {}
    if 'generator' in networks:
        generator = networks['generator']
        functions['generator'] = _function(
            lambda latent: {'image': generator(latent, level=generator.top_level)},
            [None, generator.latent_size], 'latent')
    if 'discriminator' in networks:
        discriminator = networks['discriminator']
        functions['discriminator'] = _function(
            lambda images: {'scores': discriminator(images, level=discriminator.top_level)},
            [None, side, side, channels], 'images')
    return functions


def serve_pix2pixhd(networks: Networks, meta: Mapping[str, Any]) -> Functions:
    """'generator': source -> image, 'discriminator': images -> scale<i>_feature<j> and _scores.

    A discriminator's images are label map and picture together; its last feature is the scores.
    """
    shape = [None, None, None, meta['input_nc']]
    functions = {}
    if 'generator' in networks:
        functions['generator'] = _function(
            lambda source: {'image': networks['generator'](source)}, shape, 'source')
    if 'discriminator' in networks:
        functions['discriminator'] = _function(
            lambda images: _named(networks['discriminator'](images)), shape, 'images')
    return functions


def _named(features) -> Dict[str, tf.Tensor]:
    named = {f'scale{i}_feature{j}': feature for i, scale in enumerate(features)
             for j, feature in enumerate(scale[:-1])}
    return {**named, **{f'scale{i}_scores': scale[-1] for i, scale in enumerate(features)}}


def _function(function, shape, name: str):
    return tf.function(function, input_signature=[tf.TensorSpec(shape, tf.float32, name)])
