"""The SegNet of ZijunDeng/pytorch-semantic-segmentation: one module under several names where a list repeats it."""
from __future__ import annotations

from typing import Any, Dict

from models.official.segmentation import INPUTS, logits_and_loss, replay_with, serve
from models.official.tensors import Family, Meta, Networks, Slot, Tensors, shape, spell_torch, torch_slots
from models.segmenters.segnet_zijun import SegNetZijun

_NET = 'pytorch_semantic_segmentation.SegNet'


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` from the weights."""
    if 'dec5.1.weight' not in tensors:
        return {}
    width, channels, _, _ = shape(tensors, 'enc1.0.weight')
    return {'net': _NET, 'input_nc': channels, 'num_classes': shape(tensors, 'dec1.decode.4.weight')[0],
            'width': width}


def build(meta: Meta) -> Dict[str, SegNetZijun]:
    """{'segmenter': the SegNet that `meta` describes}."""
    return {'segmenter': SegNetZijun(meta['num_classes'], meta['input_nc'], meta['width'])}


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """All variables, those of shared modules under each name."""
    del tensors
    network, layers = networks['segmenter'], {}
    stacks = {f'enc{number}': (0, units) for number, units in enumerate(network.encoder, start=1)}
    scopes = ('dec5', 'dec4.decode', 'dec3.decode', 'dec2.decode', 'dec1.decode')
    stacks.update({scope: (1, units) for scope, units in zip(scopes, network.decoder)})
    for scope, (first, units) in stacks.items():   # each: convolution, norm, activation
        for number, unit in enumerate(units):
            place = first + 3 * number
            layers.update({f'{scope}.{place}': unit.conv, f'{scope}.{place + 1}': unit.norm})
    layers.update({f'{scope}.0': up for scope, up in zip(scopes, network.ups)})
    return torch_slots(layers)


FAMILY = Family({_NET: ('input_nc', 'num_classes', 'width')}, spell_torch, infer, build, slots, INPUTS,
                replay_with(logits_and_loss, slots), serve)
