"""The students' InvertedNet, bcabgil/DD2424: Keras' own names, numbered in the order of the layers."""
from __future__ import annotations

from typing import Any, Dict

import tensorflow as tf

from models.official.segmentation import INPUTS, replay_with, serve
from models.official.tensors import Family, Meta, Networks, Slot, Tensors, keras_slots, numbers, shape, spell_keras
from models.segmenters.invertednet_kth import InvertedNetKTH
from models.segmenters.losses import pixel_dice_entropy

_NET = 'dd2424.InvertedNet'


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` from the weights: of L levels there are 5 L - 2 convolutions."""
    convolutions = numbers(tensors, r'conv2d_(\d+)/kernel')
    if not convolutions:
        return {}
    _, _, channels, width = shape(tensors, 'conv2d_1/kernel')
    return {'net': _NET, 'input_nc': channels, 'width': width, 'levels': (len(convolutions) + 2) // 5,
            'num_classes': shape(tensors, f'conv2d_{convolutions[-1]}/kernel')[3]}


def build(meta: Meta) -> Dict[str, InvertedNetKTH]:
    """{'segmenter': the network that `meta` describes}."""
    return {'segmenter': InvertedNetKTH(meta['num_classes'], meta['input_nc'], meta['width'], meta['levels'])}


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """All variables."""
    del tensors
    network = networks['segmenter']
    convolutions = [one for stack in (*network.encoder, *network.decoder) for one in stack]
    layers = {f'conv2d_{number}': one for number, one in enumerate([*convolutions, network.classifier], start=1)}
    norms = {'batch_normalization_1': network.first_norm, 'batch_normalization_2': network.last_norm}
    return keras_slots({**layers, **norms})


def _compute(network, run, image, labels):
    logits = network(image, None, training=run['mode'] == 'train')
    made = {'y': tf.nn.softmax(logits)}
    return made if labels is None else {**made, 'loss': pixel_dice_entropy(labels, logits)}


FAMILY = Family({_NET: ('input_nc', 'num_classes', 'width', 'levels')}, spell_keras, infer, build, slots, INPUTS,
                replay_with(_compute, slots), serve)
