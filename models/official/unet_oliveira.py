"""The U-Net of ZijunDeng/pytorch-semantic-segmentation, with valid convolutions as published or with padded ones.

Neither padding nor the kind of bilinear resizing leaves a trace in the weights: meta['padding'] and a run's
'align_corners' say them, else they are 'same' and the network's own.
"""
from __future__ import annotations

from typing import Any, Dict

from models.official.segmentation import INPUTS, logits_and_loss, replay_with, serve
from models.official.tensors import Family, Meta, Networks, Slot, Tensors, shape, spell_torch, torch_slots
from models.segmenters.unet_oliveira import UNetOliveira

_NET = 'pytorch_semantic_segmentation.UNet'


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` from the weights, without what they do not tell."""
    if 'enc1.encode.0.weight' not in tensors:
        return {}
    width, channels, _, _ = shape(tensors, 'enc1.encode.0.weight')
    return {'net': _NET, 'input_nc': channels, 'num_classes': shape(tensors, 'final.weight')[0], 'width': width}


def build(meta: Meta) -> Dict[str, UNetOliveira]:
    """{'segmenter': the U-Net that `meta` describes}; ValueError for an unknown padding."""
    return {'segmenter': UNetOliveira(meta['num_classes'], meta['input_nc'], meta['width'],
                                      meta.get('padding', 'same'))}


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """All variables."""
    del tensors
    network = networks['segmenter']
    pairs = {f'enc{number}.encode': pair for number, pair in enumerate(network.encoder, start=1)}
    scopes = ('center.decode', 'dec4.decode', 'dec3.decode', 'dec2.decode', 'dec1')
    pairs.update(zip(scopes, network.decoder))
    layers = {f'{scope}.6': up for scope, up in zip(scopes, network.ups)}
    for scope, pair in pairs.items():
        for first, unit in zip((0, 3), pair):
            layers.update({f'{scope}.{first}': unit.conv, f'{scope}.{first + 1}': unit.norm})
    return torch_slots({**layers, 'final': network.classifier})


def _compute(network, run, image, labels):
    network.align_corners = bool(run.get('align_corners', network.align_corners))
    return logits_and_loss(network, run, image, labels)


FAMILY = Family({_NET: ('input_nc', 'num_classes', 'width')}, spell_torch, infer, build, slots, INPUTS,
                replay_with(_compute, slots), serve)
