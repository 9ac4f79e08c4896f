"""SegNet with pooling indices of delta-onera/segnet_pytorch: conv<stage><number>, 'd' behind those on the way up."""
from __future__ import annotations

from typing import Any, Dict

from models.official.segmentation import INPUTS, logits_and_loss, replay_with, serve
from models.official.tensors import Family, Meta, Networks, Slot, Tensors, shape, spell_torch, torch_slots
from models.segmenters.segnet import SegNet

_NET = 'segnet_pytorch.SegNet'


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` from the weights."""
    if 'conv11.weight' not in tensors:
        return {}
    width, channels, _, _ = shape(tensors, 'conv11.weight')
    return {'net': _NET, 'input_nc': channels, 'num_classes': shape(tensors, 'conv11d.weight')[0], 'width': width}


def build(meta: Meta) -> Dict[str, SegNet]:
    """{'segmenter': the SegNet that `meta` describes}."""
    return {'segmenter': SegNet(meta['num_classes'], meta['input_nc'], meta['width'])}


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """All variables."""
    del tensors
    network = networks['segmenter']
    units = {f'{stage}{number}': unit for stage, stack in enumerate(network.encoder, start=1)
             for number, unit in enumerate(stack, start=1)}
    for stage, stack in zip((5, 4, 3, 2, 1), network.decoder):
        last = 2 if stage == 1 else 1   # the very last convolution has no norm
        units.update({f'{stage}{last + number}d': unit for number, unit in enumerate(reversed(stack))})
    layers = {'conv11d': network.classifier}
    for name, unit in units.items():
        layers.update({f'conv{name}': unit.conv, f'bn{name}': unit.norm})
    return torch_slots(layers)


FAMILY = Family({_NET: ('input_nc', 'num_classes', 'width')}, spell_torch, infer, build, slots, INPUTS,
                replay_with(logits_and_loss, slots), serve)
