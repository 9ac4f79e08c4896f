"""Features of pictures by which sets of them are compared (`pipelines/evaluation/set_distances.py`).

Pictures are grey, float32 [N, H, W, 1] in [0, 1]; features are float32 [N, D], one row a picture.
Nothing is ever downloaded.
"""
from __future__ import annotations

import math
from pathlib import Path
from typing import Callable

import tensorflow as tf

Features = Callable[[tf.Tensor], tf.Tensor]

INCEPTION_SIZE = 299
# [ours] of the fixed random network
_WIDTHS = (32, 64, 128, 256)
_GAIN = 8.0          # brings its features to the order of Inception's, 0.5
_MEAN_TAKEN = 0.5    # of each kernel: whole ones hardly see texture, those of mean 0 little else
_PICTURES = tf.TensorSpec([None, None, None, 1], tf.float32)


def random_features(seed: int = 0) -> Features:
    """A fixed convolutional network that was never trained: 480 features of pictures of any size.

    Four levels of 3x3 convolution with stride 2 and ReLU, He-initialised from stateless seeds; each
    level's average over the picture is a part of the features. Random networks tell sets of
    pictures apart where ImageNet is far away (Naeem et al. 2020: a random VGG16). [ours] the
    network: chosen for telling drawn chests from blurred, noisy, shifted, few and differently toned
    ones while it knows a copy through noise.

    Distances under these features compare only with others of the same seed in this program. They
    are no published score, and a name that carries them must say `random`.

    Args:
      seed: another seed is another network.

    Returns:
      A graph function, float32 [N, H, W, 1] in [0, 1] -> float32 [N, 480]; sides from 16 px.
    """
    kernels, channels = [], 1
    for level, width in enumerate(_WIDTHS):
        kernel = tf.random.stateless_normal([3, 3, channels, width], [seed, level], alg='philox')
        kernel -= _MEAN_TAKEN * tf.reduce_mean(kernel, [0, 1, 2])
        kernels.append(kernel * math.sqrt(2 / (9 * channels)))
        channels = width

    @tf.function(input_signature=[_PICTURES])
    def features(images):
        maps, averages = (images - 0.5) * _GAIN, []
        for kernel in kernels:
            maps = tf.nn.relu(tf.nn.conv2d(maps, kernel, 2, 'SAME'))
            averages.append(tf.reduce_mean(maps, [1, 2]))
        return tf.concat(averages, -1)

    return features


def inception_features(path: str) -> Features:
    """Inception v3 with Keras' ImageNet weights from a local file: 2048 features.

    The network and weights are not those of Heusel et al. 2017 (TF-GAN's port of 2015), so
    distances differ a little from published ones: a name that carries them says `keras`.

    Args:
      path: Keras' own "no top" weights (inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5).

    Returns:
      A graph function, float32 [N, H, W, 1] in [0, 1] -> float32 [N, 2048]; pictures are resized
      to 299 x 299 (bilinear, antialiased), repeated to three channels and scaled to [-1, 1].

    Raises:
      ValueError: the file is missing or holds something else.
    """
    expected = 'Inception weights: expected Keras\' Inception v3 "no top" file as .h5'
    if Path(path).suffix != '.h5' or not Path(path).is_file():
        raise ValueError(f'{expected}, found no such file at {str(path)!r}: give another file, or '
                         f'none for features of a random network.')
    network = tf.keras.applications.InceptionV3(
        include_top=False, weights=None, pooling='avg', input_shape=(INCEPTION_SIZE,) * 2 + (3,))
    try:
        network.load_weights(str(path))
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise ValueError(f'{expected}, found {str(path)!r} ({" ".join(str(error).split())[:120]}): '
                         f'give another file, or none for features of a random network.') from None

    @tf.function(input_signature=[_PICTURES])
    def features(images):
        images = tf.image.resize(images, [INCEPTION_SIZE] * 2, antialias=True)
        return network(tf.repeat(images * 2 - 1, 3, axis=-1), training=False)

    return features
