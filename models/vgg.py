"""VGG19 perceptual loss from a local weights file; nothing is downloaded.

Source: Wang et al. 2018, section 3.2 and the official code; Johnson et al. 2016.
"""
from __future__ import annotations

import os
from typing import Callable, Optional

import tensorflow as tf

from models.lsgan import mean_distance

_WEIGHT_OF_LAYER = {'block1_conv1': 1 / 32, 'block2_conv1': 1 / 16, 'block3_conv1': 1 / 8,
                    'block4_conv1': 1 / 4, 'block5_conv1': 1.0}


def perceptual_loss(weights: str, prepare: Optional[Callable[[tf.Tensor], tf.Tensor]] = None
                    ) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Distance of two pictures in VGG19's relu1_1 .. relu5_1, weighted 1/32, 1/16, 1/8, 1/4, 1.

    The official code feeds the raw [-1, 1] RGB picture, near the range torchvision's weights were
    trained on. Keras' own ImageNet file was trained on BGR in 0..255 less a mean: with it, pass
    `prepare=lambda rgb: tf.keras.applications.vgg19.preprocess_input(127.5 * (rgb + 1))` [ours].

    Args:
      weights: a file of `tf.keras.applications.VGG19(include_top=False)` weights.
      prepare: RGB [N, H, W, 3] in [-1, 1] -> the range the weights expect; as it is by default.

    Returns:
      (real, fake) -> float32 scalar, pictures [N, H, W, 1 or 3] in [-1, 1], grey repeated; no
      gradient reaches `real` or VGG19.

    Raises:
      ValueError: if the file is missing, or a picture has other than 1 or 3 channels.
    """
    if not os.path.isfile(weights):
        raise ValueError(f'VGG19 weights: expected a local file of Keras VGG19 "no top" weights, '
                         f'found none at {weights!r}: fetch it or train without perceptual loss.')
    network = tf.keras.applications.VGG19(include_top=False, weights=weights)
    features = tf.keras.Model(network.input, [network.get_layer(name).output
                                              for name in _WEIGHT_OF_LAYER])
    features.trainable = False

    def look(picture):
        if picture.shape[-1] not in (1, 3):
            raise ValueError(f'VGG19: expected a picture of 1 or 3 channels, found '
                             f'{picture.shape[-1]}: train without perceptual loss.')
        rgb = tf.repeat(picture, 3 // picture.shape[-1], axis=-1)
        return features(rgb if prepare is None else prepare(rgb))

    def loss(real, fake):
        return tf.add_n([weight * mean_distance(a, b) for weight, a, b
                         in zip(_WEIGHT_OF_LAYER.values(), look(real), look(fake))])

    return loss
