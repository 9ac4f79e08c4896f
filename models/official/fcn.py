"""FCN-8s, -16s and -32s of ZijunDeng/pytorch-semantic-segmentation: VGG16's layers in one to three lists."""
from __future__ import annotations

from typing import Any, Dict

from models.official.segmentation import INPUTS, logits_and_loss, replay_with, serve
from models.official.tensors import Family, Meta, Networks, Slot, Tensors, numbers, shape, spell_torch, torch_slots
from models.segmenters.fcn import FCN

_NET = 'pytorch_semantic_segmentation.'
_STRIDES = {f'{_NET}FCN8s': 8, f'{_NET}FCN16VGG': 16, f'{_NET}FCN32VGG': 32}
_ARGUMENTS = ('input_nc', 'num_classes', 'width', 'fc_width')
# by stride: how many of the five groups each list holds, and the transposed convolutions
_LISTS = {8: ((3, 3), (4, 1), (5, 1)), 16: ((4, 4), (5, 1)), 32: ((5, 5),)}
_UPS = {8: ('upscore2', 'upscore_pool4', 'upscore8'), 16: ('upscore2', 'upscore16'), 32: ('upscore',)}


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` from the weights."""
    lists = numbers(tensors, r'features(\d)\.0\.weight')
    if not lists or lists[0] not in (3, 4, 5):
        return {}
    width, channels, _, _ = shape(tensors, f'features{lists[0]}.0.weight')
    net = list(_STRIDES)[lists[0] - 3]
    return {'net': net, 'input_nc': channels, 'num_classes': shape(tensors, 'score_fr.6.weight')[0],
            'width': width, 'fc_width': shape(tensors, 'score_fr.0.weight')[0]}


def build(meta: Meta) -> Dict[str, FCN]:
    """{'segmenter': the FCN that `meta` describes}."""
    return {'segmenter': FCN(meta['num_classes'], meta['input_nc'], _STRIDES[meta['net']], meta['width'],
                             meta['fc_width'])}


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """All variables."""
    del tensors
    network, layers, groups = networks['segmenter'], {}, iter(networks['segmenter'].groups)
    for name, count in _LISTS[network.stride]:
        number = 0   # in a list, where an activation follows each convolution and a pool each group
        for _ in range(count):
            for convolution in next(groups):
                layers[f'features{name}.{number}'] = convolution
                number += 2
            number += 1
    layers.update(zip(('score_fr.0', 'score_fr.3'), network.fc))
    layers.update(zip(('score_fr.6', 'score_pool4', 'score_pool3'), network.scores))
    layers.update(zip(_UPS[network.stride], network.ups))
    return torch_slots(layers)


FAMILY = Family({net: _ARGUMENTS for net in _STRIDES}, spell_torch, infer, build, slots, INPUTS,
                replay_with(logits_and_loss, slots), serve)
