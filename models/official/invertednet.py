"""InvertedNet in the reading of five levels, under names of our own in PyTorch's layouts."""
from __future__ import annotations

from typing import Any, Dict

from models.official.segmentation import INPUTS, logits_and_loss, replay_with, serve
from models.official.tensors import Family, Meta, Networks, Slot, Tensors, numbers, shape, spell_torch, torch_slots
from models.segmenters.invertednet import InvertedNet
from models.segmenters.losses import dice_per_class

_NET = 'InvertedNet'


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` from the weights."""
    levels = numbers(tensors, r'enc(\d+)_1\.weight')
    if not levels:
        return {}
    width, channels, _, _ = shape(tensors, 'enc1_1.weight')
    return {'net': _NET, 'input_nc': channels, 'num_classes': shape(tensors, 'final.weight')[0], 'width': width,
            'levels': len(levels)}


def build(meta: Meta) -> Dict[str, InvertedNet]:
    """{'segmenter': the InvertedNet that `meta` describes}."""
    return {'segmenter': InvertedNet(meta['num_classes'], meta['input_nc'], meta['width'], meta['levels'])}


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """All variables."""
    del tensors
    network, layers = networks['segmenter'], {}
    pairs = {f'enc{level}': pair for level, pair in enumerate(network.encoder, start=1)}
    pairs.update({f'dec{level}': pair for level, pair in enumerate(reversed(network.decoder), start=1)})
    for name, pair in pairs.items():
        layers.update(zip((f'{name}_1', f'{name}_2'), pair))
    return torch_slots({**layers, 'final': network.classifier})


def _compute(network, run, image, labels):
    made = logits_and_loss(network, run, image, labels)
    return made if labels is None else {**made, 'loss_dice': dice_per_class(labels, made['y'])}


FAMILY = Family({_NET: ('input_nc', 'num_classes', 'width', 'levels')}, spell_torch, infer, build, slots, INPUTS,
                replay_with(_compute, slots), serve)
