"""Pix2Pix MTdG of its authors, mohaEs/image-to-images-translation: generator and discriminator, TensorFlow 1's names.

Batch norm takes the batch's statistics always. What is drawn is all targets, one behind the other.
"""
from __future__ import annotations

import re
from typing import Any, Dict

import numpy as np
import tensorflow as tf

from models.official.segmentation import as_official, norms_of, runs_of
from models.official.tensors import (Arrays, Family, Functions, Meta, Networks, Slot, Tensors, keras_slots, nhwc,
                                     served, shape, spell_keras)
from models.segmenters.pix2pix_mtdg import (GAN_WEIGHT, L1_WEIGHT, Discriminator, Generator, discriminator_loss,
                                            generator_terms)

_NET = 'image_to_images_translation.pix2pix_MTdG'


def spell(tensors: Tensors) -> Dict[str, np.ndarray]:
    """As Keras', without running statistics, which nothing reads."""
    return {name: array for name, array in spell_keras(tensors).items()
            if not name.endswith(('/moving_mean', '/moving_variance'))}


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` from the weights; how many targets there are leaves no trace, only their channels together."""
    if 'generator/encoder_1/conv2d/kernel' not in tensors:
        return {}
    _, _, channels, ngf = shape(tensors, 'generator/encoder_1/conv2d/kernel')
    return {'net': _NET, 'input_nc': channels, 'ngf': ngf,
            'ndf': shape(tensors, 'discriminator/layer_1/conv2d/kernel')[3],
            'targets_nc': [shape(tensors, 'generator/decoder_1/conv2d_transpose/kernel')[2]]}


def build(meta: Meta) -> Dict[str, tf.keras.Model]:
    """{'generator': ..., 'discriminator': ...} of `meta`.

    Raises:
      ValueError: 'targets_nc' is no list of channels.
    """
    targets = meta.get('targets_nc')
    if not isinstance(targets, list) or not targets or not all(
            isinstance(count, int) and 1 <= count < 1 << 16 for count in targets):
        raise ValueError(f"meta['targets_nc']: expected the channels of each target, such as [3, 3], found "
                         f'{targets!r}; write the arguments of the official network')
    return {'generator': Generator(sum(targets), meta['input_nc'], meta['ngf']),
            'discriminator': Discriminator(meta['input_nc'] + sum(targets), meta['ndf'])}


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """All variables of both."""
    del tensors
    generator, discriminator, layers = networks['generator'], networks['discriminator'], {}
    for number, convolution in enumerate(generator.encoder, start=1):
        layers[f'generator/encoder_{number}/conv2d'] = convolution
    for number, norm in enumerate(generator.encoder_norms, start=2):
        layers[f'generator/encoder_{number}/batch_normalization'] = norm
    for number, up in zip(range(8, 0, -1), generator.decoder):
        layers[f'generator/decoder_{number}/conv2d_transpose'] = up
    for number, norm in zip(range(8, 1, -1), generator.decoder_norms):
        layers[f'generator/decoder_{number}/batch_normalization'] = norm
    for number, convolution in enumerate([*discriminator.convolutions, discriminator.score], start=1):
        layers[f'discriminator/layer_{number}/conv2d'] = convolution
    for number, norm in enumerate(discriminator.norms, start=2):
        layers[f'discriminator/layer_{number}/batch_normalization'] = norm
    return keras_slots(layers)


def replay(networks: Networks, meta: Meta, arrays: Arrays) -> Dict[str, np.ndarray]:
    """'<run>/y', where targets are given scores and losses too, and gradient norms of each side's own loss.

    Only those pixels of 'y' that meta['y'] names, as 'y[:, :, 1::3, 1::3]': every third from the second.
    """
    if 'x' not in arrays:
        return {}
    places = slots(networks, {})
    kept = re.search(r'\[:, :, (\d+)::(\d+)', str(meta.get('y', '')))
    start, step = (int(kept[1]), int(kept[2])) if kept else (0, 1)
    made = _computed(networks, meta, arrays, places)
    if made['y'].ndim == 4:
        made['y'] = made['y'][:, :, start::max(step, 1), start::max(step, 1)]
    return {f'{run}/{name}': value for run in runs_of(meta, arrays) for name, value in made.items()}


def _computed(networks: Networks, meta: Meta, arrays: Arrays, places) -> Dict[str, np.ndarray]:
    image = nhwc(arrays['x'])
    targets = [nhwc(arrays[name]) for name in sorted(arrays) if re.fullmatch(r'targets_\d+', name)]
    with tf.GradientTape(persistent=True) as tape:
        drawn = tf.tanh(networks['generator'](image, None, training=True) / 2)
        made = {'y': drawn}
        if targets:
            target = tf.concat(targets, -1)
            real, fake = (networks['discriminator'](tf.concat([image, maps], -1)) for maps in (target, drawn))
            made.update({'predict_real': tf.nn.sigmoid(real), 'predict_fake': tf.nn.sigmoid(fake)})
            made['discrim_loss'] = discriminator_loss(real, fake)
            made['gen_loss_GAN'], made['gen_loss_L1'] = generator_terms(fake, target, drawn)
            made['gen_loss'] = (meta.get('gan_weight', GAN_WEIGHT) * made['gen_loss_GAN']
                                + meta.get('l1_weight', L1_WEIGHT) * made['gen_loss_L1'])
    outputs = {name: as_official(value) for name, value in made.items()}
    for side, loss in (('discrim', 'discrim_loss'), ('gen', 'gen_loss')):
        names = meta.get(f'{side}_grad_norms', ())
        if targets and names and set(names) <= set(places):
            outputs[f'{side}_grad_norms'] = norms_of(
                tape.gradient(made[loss], [places[name].variable for name in names]))
    return outputs


def serve(networks: Networks, meta: Meta) -> Functions:
    """'generator': source -> image in [-1, 1], each sample by its own statistics; 'discriminator': source and image
    together -> scores of patches in [0, 1], by the batch's."""
    generator, discriminator = networks['generator'], networks['discriminator']
    channels = meta['input_nc']
    return {'generator': served(lambda source: {'image': tf.tanh(generator(source) / 2)},
                                [None, None, None, channels], 'source'),
            'discriminator': served(lambda images: {'scores': tf.nn.sigmoid(discriminator(images))},
                                    [None, None, None, channels + sum(meta['targets_nc'])], 'images')}


FAMILY = Family({_NET: ('input_nc', 'ngf', 'ndf')}, spell, infer, build, slots, ('x', r'targets_\d+'), replay, serve)
