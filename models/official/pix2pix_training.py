"""Pix2PixModel and CycleGANModel of junyanz/pytorch-CycleGAN-and-pix2pix: all networks of a training.

Their tensors have the attribute of the network before them: 'netG.', 'netD.', 'netG_A.', ... netG_A draws pictures
of B, netD_A judges those of B; ours are called by what they draw and judge.
"""
from __future__ import annotations

from typing import Any, Dict

import numpy as np
import tensorflow as tf

from models.cyclegan.updates import cyclegan_updates
from models.image_pool import ImagePool
from models.official import pix2pix, translation
from models.official.tensors import Arrays, Family, Functions, Meta, Networks, Slot, Tensors
from models.official.translation import (at_rest, batches_of, inputs_of, named, number, of_scope, one_of, scoped,
                                         trained, unmoved, whole)
from models.pix2pix.updates import GAN_LOSSES, pix2pix_updates

PIX2PIX, CYCLEGAN = 'pix2pix.Pix2PixModel', 'cyclegan.CycleGANModel'
_NETS = {PIX2PIX: ('input_nc', 'output_nc', 'num_downs', 'ngf', 'ndf', 'n_layers'),
         CYCLEGAN: ('input_nc', 'output_nc', 'ngf', 'ndf', 'n_layers')}
# official attribute -> our role, as users of a SavedModel know it
_ROLES = {PIX2PIX: {'netG': 'generator', 'netD': 'discriminator'},
          CYCLEGAN: {'netG_A': 'generator_b', 'netG_B': 'generator_a', 'netD_A': 'discriminator_b',
                     'netD_B': 'discriminator_a'}}
_TERMS = {PIX2PIX: {'fake_loss': 'loss_D_fake', 'real_loss': 'loss_D_real', 'discriminator_loss': 'loss_D',
                    'gan_loss': 'loss_G_GAN', 'l1_loss': 'loss_G_L1', 'generator_loss': 'loss_G'},
          CYCLEGAN: {'gan_b_loss': 'loss_G_A', 'gan_a_loss': 'loss_G_B', 'cycle_a_loss': 'loss_cycle_A',
                     'cycle_b_loss': 'loss_cycle_B', 'identity_b_loss': 'loss_idt_A', 'identity_a_loss': 'loss_idt_B',
                     'generators_loss': 'loss_G', 'discriminator_b_loss': 'loss_D_A',
                     'discriminator_a_loss': 'loss_D_B', 'discriminators_loss': 'loss_D'}}
_MADE = {PIX2PIX: {'picture': 'fake_B'},
         CYCLEGAN: {'fake_b': 'fake_B', 'cycled_a': 'rec_A', 'fake_a': 'fake_A', 'cycled_b': 'rec_B',
                    'same_b': 'idt_A', 'same_a': 'idt_B'}}


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` from the weights."""
    net = PIX2PIX if any(name.startswith('netG.') for name in tensors) else CYCLEGAN
    if net == CYCLEGAN and not any(name.startswith('netG_A.') for name in tensors):
        return {}
    if not all(of_scope(official, tensors) for official in _ROLES[net]):
        raise ValueError(f'tensors: expected {", ".join(_ROLES[net])}, found only some of them; save all of them or '
                         f'one alone, without its name')
    first, *_, last = _ROLES[net]
    drawn, judged = of_scope(first, tensors), of_scope(last, tensors)
    generator = pix2pix.infer_unet(drawn) or pix2pix.infer_resnet(drawn)
    return {**generator, **{key: value for key, value in pix2pix.infer_patchgan(judged).items()
                            if key in ('ndf', 'n_layers')}, 'net': net}


def build(meta: Meta) -> Dict[str, tf.keras.Model]:
    """The networks of a training, by our roles."""
    net, channels = meta['net'], (meta['input_nc'], meta['output_nc'])
    judged = {'discriminator': sum(channels), 'discriminator_a': channels[0], 'discriminator_b': channels[1]}
    return {role: (_generator(meta, role) if role.startswith('generator') else pix2pix.patchgan(
        {'norm': _norm(meta), **meta}, judged[role])) for role in _ROLES[net].values()}


def _norm(meta: Meta) -> str:
    return 'batch' if meta['net'] == PIX2PIX else 'instance'


def _generator(meta: Meta, role: str) -> tf.keras.Model:
    back = {'input_nc': meta['output_nc'], 'output_nc': meta['input_nc']} if role == 'generator_a' else {}
    return pix2pix.generator({'norm': _norm(meta), **meta, **back})


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """All variables of all networks."""
    return _slots(networks, any('.conv_block.6.weight' in name and np.ndim(array) == 4
                                for name, array in tensors.items()))


def _slots(networks: Networks, use_dropout: bool) -> Dict[str, Slot]:
    roles = next(roles for roles in _ROLES.values() if set(roles.values()) == set(networks))
    return {name: slot for official, role in roles.items() for name, slot in scoped(
        official, pix2pix.slots_of(networks[role], use_dropout)).items()}


def replay(networks: Networks, meta: Meta, arrays: Arrays) -> Dict[str, np.ndarray]:
    """'static/...' and 'steps/...', of Pix2PixModel behind each of meta['modes']."""
    given = inputs_of(arrays)
    if 'real_A' not in given:
        return {}
    if meta['net'] == CYCLEGAN:
        return _replay(networks, meta, given, 'output', one_of(meta, 'gan_mode', GAN_LOSSES, 'lsgan'))
    modes = meta.get('modes', ['vanilla'])
    if not isinstance(modes, list) or not set(modes) <= set(GAN_LOSSES):
        raise ValueError(f"meta['modes']: expected some of {', '.join(GAN_LOSSES)}, found {modes!r}; take another file")
    return {name: value for mode in modes
            for name, value in _replay(networks, meta, given, f'output/{mode}', mode).items()}


def _replay(networks: Networks, meta: Meta, given: Arrays, prefix: str, mode: str) -> Dict[str, np.ndarray]:
    net, places = meta['net'], _slots(networks, bool(meta.get('use_dropout')))
    make = _pix2pix if net == PIX2PIX else _cyclegan
    batches = batches_of(given, {'real_A': 'source', 'real_B': 'target'} if net == PIX2PIX else _cyclegan_inputs(meta))
    with unmoved(networks):
        rest = at_rest(make(networks, meta, mode, {}), batches[0])
    static = {official: rest.metrics.get(ours, np.float32(0)) for ours, official in _TERMS[net].items()}
    static.update({official: rest.made[ours] for ours, official in _MADE[net].items() if ours in rest.made})
    updates = make(networks, meta, mode, batches[0])
    for update, official in zip(updates, [_TERMS[net][f'{update.name}_loss'] for update in updates]):
        norms = translation.gradient_norms(places, update.variables, rest.gradients[update.name])
        static.update({f'grad_norm/{official}/{name}': norm for name, norm in norms.items()})
    with unmoved(networks):
        metrics = trained(updates, batches, meta)
        steps = {official: metrics.get(ours, np.zeros(len(batches), np.float32))
                 for ours, official in _TERMS[net].items()}
        steps.update({f'state/{name}': value for name, value in translation.running(places).items()})
    return {**named(f'{prefix}/static', static), **named(f'{prefix}/steps', steps)}


def _pix2pix(networks: Networks, meta: Meta, mode: str, batch):
    del batch
    generator, discriminator = networks['generator'], networks['discriminator']
    return pix2pix_updates(
        lambda batch: generator(batch['source'], statistics='batch'),
        lambda pair: discriminator(pair, statistics='batch'), generator.trainable_variables,
        discriminator.trainable_variables, mode, number(meta, 'lambda_L1', 100.0))


def _cyclegan_inputs(meta: Meta) -> Dict[str, str]:
    pictures = {'real_A': 'a_image', 'real_B': 'b_image'}
    return {**pictures, 'pool_draws_A': 'a_pool', 'pool_draws_B': 'b_pool'} if _pool_size(meta) else pictures


def _pool_size(meta: Meta) -> int:
    return whole({'pool_size': 0, **meta}, 'pool_size', 0, 10_000)


def _cyclegan(networks: Networks, meta: Meta, mode: str, batch):
    """With pools of meta['pool_size'] for pictures like those of the batch, if it has draws for them."""
    pools = {domain: ImagePool(_pool_size(meta), batch[f'{domain}_image'].shape[1:])
             for domain in ('a', 'b')} if 'a_pool' in batch else None
    draw = lambda role: lambda x, batch, name: networks[role](x, statistics='batch')
    judge = lambda role: lambda x: networks[role](x, statistics='batch')
    both = lambda kind: [v for domain in ('b', 'a') for v in networks[f'{kind}_{domain}'].trainable_variables]
    return cyclegan_updates(
        draw('generator_b'), draw('generator_a'), judge('discriminator_a'), judge('discriminator_b'),
        both('generator'), both('discriminator'), mode,
        (number(meta, 'lambda_A', 10.0), number(meta, 'lambda_B', 10.0)), number(meta, 'lambda_identity', 0.5),
        pools)


def serve(networks: Networks, meta: Meta) -> Functions:
    """Generators: source -> image, each sample by its own statistics; discriminators: images -> scores."""
    channels = (meta['input_nc'], meta['output_nc'])
    taken = {'generator': channels[0], 'generator_b': channels[0], 'generator_a': channels[1],
             'discriminator': sum(channels), 'discriminator_a': channels[0], 'discriminator_b': channels[1]}
    functions = {}
    for role, network in networks.items():
        functions.update(pix2pix.serve_as(role, network, taken[role]))
    return functions


FAMILY = Family(_NETS, translation.spell, infer, build, slots, translation.INPUTS, replay, serve)
