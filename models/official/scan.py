"""The segmentation network of SCAN as pdpino/medical-ai re-implemented it: one list, 'fcn'."""
from __future__ import annotations

from typing import Any, Dict

from models.official.segmentation import INPUTS, logits_and_loss, replay_with, serve
from models.official.tensors import Family, Meta, Networks, Slot, Tensors, numbers, shape, spell_torch, torch_slots
from models.segmenters.scan import SCAN

_NET = 'medai.ScanFCN'


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` from the weights."""
    blocks = numbers(tensors, r'fcn\.0\.res_blocks\.(\d+)\.block\.0\.weight')
    if not blocks:
        return {}
    return {'net': _NET, 'num_classes': shape(tensors, 'fcn.15.weight')[1], 'width': len(blocks),
            'input_nc': shape(tensors, 'fcn.0.res_blocks.0.block.0.weight')[1]}


def build(meta: Meta) -> Dict[str, SCAN]:
    """{'segmenter': the network}, of full width unless meta['width'] says otherwise; ValueError for colours."""
    if meta['input_nc'] != 1:
        raise ValueError(f"meta['input_nc']: expected 1, found {meta['input_nc']}; this code takes grey pictures")
    return {'segmenter': SCAN(meta['num_classes'], 1, meta.get('width', 8))}


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """All variables."""
    del tensors
    network, layers = networks['segmenter'], {}
    trunk = network.trunk
    blocks = {f'fcn.0.res_blocks.{number}': block for number, block in enumerate(trunk.first)}
    blocks['fcn.1'] = trunk.stages[0][0]
    for place, stage in zip((3, 5, 7), trunk.stages[1:]):
        blocks.update({f'fcn.{place}.res_blocks.{number}': block for number, block in enumerate(stage)})
    blocks.update({f'fcn.{place}': block for place, block in enumerate(trunk.last, start=9)})
    for name, block in blocks.items():
        layers.update(zip((f'{name}.block.0', f'{name}.block.3'), block.convolutions))
        layers.update(zip((f'{name}.block.1', f'{name}.block.4', f'{name}.final.0'), block.norms))
    return torch_slots({**layers, 'fcn.14': network.to_four, 'fcn.15': network.up})


FAMILY = Family({_NET: ('input_nc', 'num_classes')}, spell_torch, infer, build, slots, INPUTS,
                replay_with(logits_and_loss, slots), serve)
