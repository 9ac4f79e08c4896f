"""The supervised step of Oliveira & dos Santos 2018 on official generators, with a stand-in for the segmenter M_A.

No code of that paper is public: the files are a reading of its text, written in PyTorch, and prove two programs equal.
"""
from __future__ import annotations

from typing import Any, Dict

import numpy as np
import tensorflow as tf

from models.official import munit, pix2pix, translation
from models.official.tensors import (Arrays, Family, Functions, Meta, Networks, Slot, Tensors, floats, nhwc, served,
                                     shape, torch_slots)
from models.official.translation import at_rest, inputs_of, named, of_scope, one_of, scoped, unmoved, whole
from models.pix2pixhd.layers import Convolution, normal_initializers
from models.transfer import (cyclegan_translations, munit_translations, supervised_update, unit_translations)

_NET = 'transfer.Supervised'
_ROLES = {'munit': {'gen_a': 'generator_a', 'gen_b': 'generator_b'},
          'unit': {'gen_a': 'generator_a', 'gen_b': 'generator_b'},
          'cyclegan': {'netG_B': 'generator_a', 'netG_A': 'generator_b'}}
# draws of a file, where it has them -> ours; without them a code has no noise
_DRAWS = {'s_b': 'b_supervised', 'n_a': 'a_supervised', 'n_b': 'b_supervised', 'n_a_recon': 'a_supervised_cycle'}


class StandIn(tf.keras.Model):
    """A 3x3 convolution, ReLU, a 1x1 one: [N, H, W, channels] -> logits [N, H, W, classes]."""

    def __init__(self, channels: int, width: int, classes: int):
        super().__init__()
        initializers = normal_initializers(0)
        self.first = Convolution(channels, width, 3, next(initializers), padding=1)
        self.second = Convolution(width, classes, 1, next(initializers))
        self.built = True

    def call(self, x, keys=None, training=False):
        return self.second(tf.nn.relu(self.first(x)))


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` from the weights."""
    if 'm_a.first.weight' not in tensors:
        return {}
    width, channels, _, _ = shape(tensors, 'm_a.first.weight')
    meta = {'net': _NET, 'input_nc': channels, 'width': width, 'num_classes': shape(tensors, 'm_a.second.weight')[0]}
    generator = of_scope('gen_a', tensors)
    if generator:
        told = munit.infer_generator(generator)
        return {**meta, 'translator': 'munit' if told.get('net') == 'munit.AdaINGen' else 'unit',
                'config': told.get('gen', {})}
    generator = of_scope('netG_A', tensors)
    return {**meta, 'translator': 'cyclegan', 'config': {
        **pix2pix.infer_unet(generator), **pix2pix.infer_resnet(generator)}}


def build(meta: Meta) -> Dict[str, tf.keras.Model]:
    """Both generators and 'segmenter'; ValueError for a translator or sizes that we have not."""
    translator = one_of(meta, 'translator', _ROLES, 'munit')
    networks = {role: _generator(meta, translator) for role in _ROLES[translator].values()}
    return {**networks, 'segmenter': StandIn(meta['input_nc'], meta['width'], meta['num_classes'])}


def _generator(meta: Meta, translator: str) -> tf.keras.Model:
    config, channels = meta.get('config'), meta['input_nc']
    if translator != 'cyclegan':
        return munit.generator(config, channels, translator == 'munit')
    whole(config, 'ngf', 1, 4096)
    return pix2pix.generator({'norm': 'instance', **config, 'input_nc': channels, 'output_nc': channels})


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """All variables."""
    segmenter = networks['segmenter']
    places = scoped('m_a', torch_slots({'first': segmenter.first, 'second': segmenter.second}))
    is_cyclegan = type(networks['generator_a']) in pix2pix.NETWORKS
    for official, role in _ROLES['cyclegan' if is_cyclegan else 'munit'].items():
        places.update(scoped(official, (pix2pix if is_cyclegan else munit).slots_of(networks[role])))
    return places


def replay(networks: Networks, meta: Meta, arrays: Arrays) -> Dict[str, np.ndarray]:
    """What the segmenter sees and says, its loss of both terms, and gradient norms of their sum."""
    given = inputs_of(arrays)
    if not {'a', 'b', 'label_a', 'label_b', 'labelled_b'} <= set(given):
        return {}
    batch = {'a_image': nhwc(given['a']), 'b_image': nhwc(given['b']), 'b_labelled': floats(given['labelled_b']),
             'a_label': tf.constant(given['label_a'], tf.int32), 'b_label': tf.constant(given['label_b'], tf.int32),
             'a_key': None, 'b_key': None}
    batch.update({ours: nhwc(given[name]) for name, ours in _DRAWS.items() if name in given})
    generators = [v for role in ('generator_a', 'generator_b') for v in networks[role].trainable_variables]
    update = supervised_update(networks['segmenter'], _translations(networks, meta), generators)
    with unmoved(networks):
        rest = at_rest((update,), batch)
    outputs = {name: rest.made[name] for name in ('recovered_a', 'synthetic_a', 'logits_a', 'logits_b')}
    outputs.update({'loss_a': rest.metrics['recovered_loss'], 'loss_b': rest.metrics['synthetic_loss'],
                    'loss': rest.metrics['supervised_loss']})
    norms = translation.gradient_norms(slots(networks, {}), update.variables, rest.gradients[update.name])
    outputs.update({f'grad_norm/loss/{name}': norm for name, norm in norms.items()})
    return named('output', outputs)


def _translations(networks: Networks, meta: Meta):
    if meta['translator'] == 'cyclegan':
        return cyclegan_translations(*(lambda x, batch, name, role=role: networks[role](x, statistics='batch')
                                       for role in ('generator_b', 'generator_a')))
    return (munit_translations if meta['translator'] == 'munit' else unit_translations)(networks, _noise)


def _noise(batch, use: str, sizes) -> tf.Tensor:
    return munit.given_noise(batch, use, sizes) if use in batch else tf.zeros([len(batch['a_image']), *sizes])


def serve(networks: Networks, meta: Meta) -> Functions:
    """'segmenter': image -> logits, as it stands."""
    return {'segmenter': served(lambda image: {'logits': networks['segmenter'](image)},
                                [None, None, None, meta['input_nc']], 'image')}


FAMILY = Family({_NET: ('input_nc', 'width', 'num_classes')}, translation.spell, infer, build, slots,
                translation.INPUTS, replay, serve)
