"""VGG19 perceptual loss from a local weights file; nothing is downloaded.

Source: Wang et al. 2018, section 3.2 and the official code; Johnson et al. 2016. The official code
feeds the raw [-1, 1] RGB picture to torchvision's weights.
"""
from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Callable

import numpy as np
import tensorflow as tf

from models.pix2pixhd.updates import mean_distance

_WEIGHT_OF_LAYER = {'block1_conv1': 1 / 32, 'block2_conv1': 1 / 16, 'block3_conv1': 1 / 8,
                    'block4_conv1': 1 / 4, 'block5_conv1': 1.0}


def perceptual_loss(weights: str) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Distance of two pictures in VGG19's relu1_1 .. relu5_1, weighted 1/32, 1/16, 1/8, 1/4, 1.

    Args:
      weights: a file of torchvision's VGG19 (`.npz` of its state_dict, 'features.0.weight' ...), fed
        raw as officially; or Keras' own `.h5` of VGG19 without top, which was trained on BGR in
        0..255 less a mean and is fed that [ours]. Inside a `tf.Graph`, where nothing is run and a
        step is only described, the file is not read.

    Returns:
      (real, fake) -> float32 scalar, pictures [N, H, W, 1 or 3] in [-1, 1], grey repeated; no
      gradient reaches `real` or VGG19.

    Raises:
      ValueError: the file is missing or holds something else; a picture has other than 1 or 3
        channels.
    """
    network = tf.keras.applications.VGG19(include_top=False, weights=None)
    try:
        prepare = _load(network, Path(weights))
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise ValueError(
            f'VGG19 weights: expected torchvision\'s as .npz or Keras\' "no top" file as .h5, found '
            f'{weights!r} ({" ".join(str(error).split())[:120]}): give another file, or none to '
            f'train without perceptual loss.') from None
    features = tf.keras.Model(network.input, [network.get_layer(name).output
                                              for name in _WEIGHT_OF_LAYER])
    features.trainable = False

    def look(picture):
        if picture.shape[-1] not in (1, 3):
            raise ValueError(f'VGG19: expected a picture of 1 or 3 channels, found '
                             f'{picture.shape[-1]}: train without perceptual loss.')
        return features(prepare(tf.repeat(picture, 3 // picture.shape[-1], axis=-1)))

    def loss(real, fake):
        return tf.add_n([weight * mean_distance(a, b) for weight, a, b
                         in zip(_WEIGHT_OF_LAYER.values(), look(real), look(fake))])

    return loss


def _load(network: tf.keras.Model, path: Path) -> Callable[[tf.Tensor], tf.Tensor]:
    """Fills the network; returns what turns RGB in [-1, 1] into the input of these weights."""
    described = not tf.compat.v1.executing_eagerly_outside_functions()
    if path.suffix != '.npz':
        if not described:
            network.load_weights(str(path))
        return lambda rgb: tf.keras.applications.vgg19.preprocess_input(127.5 * (rgb + 1))
    if described:
        return tf.identity
    with np.load(path, allow_pickle=False) as tensors:
        numbers = sorted(int(name.split('.')[1]) for name in tensors
                         if name.startswith('features.') and name.endswith('.weight'))
        layers = [layer for layer in network.layers if '_conv' in layer.name]
        for layer, number in zip(layers, numbers[:len(layers)] + [-1] * len(layers)):
            kernel = tensors[f'features.{number}.weight']
            layer.set_weights([kernel.transpose(2, 3, 1, 0), tensors[f'features.{number}.bias']])
    return tf.identity
