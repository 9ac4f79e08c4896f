"""U-Net++ of its authors, MrGiovanni/UNetPlusPlus, keras/helper_functions.py: the node in each layer's name."""
from __future__ import annotations

from typing import Any, Dict

import tensorflow as tf

from models.official.segmentation import INPUTS, replay_with, serve
from models.official.tensors import Family, Meta, Networks, Slot, Tensors, keras_slots, shape, spell_keras
from models.segmenters.losses import masks_of
from models.segmenters.unetplusplus import UNetPlusPlus, head_loss

_NET = 'unetplusplus.UNetPlusPlus'


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` from the weights."""
    if 'conv11_1/kernel' not in tensors:
        return {}
    _, _, channels, width = shape(tensors, 'conv11_1/kernel')
    return {'net': _NET, 'color_type': channels, 'num_class': shape(tensors, 'output_4/kernel')[3], 'width': width,
            'deep_supervision': 'output_1/kernel' in tensors}


def build(meta: Meta) -> Dict[str, UNetPlusPlus]:
    """{'segmenter': the U-Net++ that `meta` describes}."""
    return {'segmenter': UNetPlusPlus(meta['num_class'], meta['color_type'], meta['width'],
                                      bool(meta['deep_supervision']))}


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """All variables."""
    del tensors
    network = networks['segmenter']
    layers = {f'up{node}': up for node, up in network.ups.items()}
    for node, unit in network.units.items():
        layers.update(zip((f'conv{node}_1', f'conv{node}_2'), unit))
    layers.update({f'output_{int(node[1]) - 1}': head for node, head in network.classifiers.items()})
    return keras_slots(layers)


def _compute(network, run, image, labels):
    """'y<j>': the heads' probabilities; 'loss_heads', 'penalty' and 'loss', the sum of all of them."""
    heads = network.heads(image, None, training=run['mode'] == 'train')
    made = {f'y{int(node[1]) - 1}': tf.nn.sigmoid(head) for node, head in zip(network.classifiers, heads)}
    if len(heads) == 1:   # [ours] a file may count it by its node or alone
        made['y'] = made['y1'] = made['y4']
    made['penalty'] = network.penalty()
    if labels is not None:
        masks = masks_of(labels, heads[0].shape[-1])
        made['loss_heads'] = tf.stack([head_loss(masks, head) for head in heads])
        made['loss'] = tf.reduce_sum(made['loss_heads']) + made['penalty']
    return made


FAMILY = Family({_NET: ('color_type', 'num_class', 'width', 'deep_supervision')}, spell_keras, infer, build, slots,
                INPUTS, replay_with(_compute, slots), serve)
