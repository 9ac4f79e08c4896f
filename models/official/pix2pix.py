"""Networks of junyanz/pytorch-CycleGAN-and-pix2pix, each alone: U-Net generator, PatchGAN, ResNet generator.

The official U-Net nests its blocks: level k is 'model.model' with k times '.1.model' or '.3.model' behind it. A norm
has the number after its convolution's. A ResNet generator with instance norm has the names of Pix2PixHD's global
generator and computes the same: weights alone are taken for that.
"""
from __future__ import annotations

from typing import Any, Dict

import numpy as np
import tensorflow as tf

from models.official import pix2pixhd, translation
from models.official.tensors import (Arrays, Family, Functions, Layers, Meta, Networks, Slot, Tensors, nhwc,
                                     numbers, served, shape, torch_slots)
from models.official.translation import inputs_of, named, norm_kind, unmoved, whole
from models.pix2pix.networks import LEAST_LEVELS, PatchGAN, UNetGenerator
from models.pix2pix.updates import GAN_LOSSES
from models.pix2pixhd.networks import GlobalGenerator

UNET, PATCHGAN, RESNET = 'pix2pix.UnetGenerator', 'pix2pix.NLayerDiscriminator', 'cyclegan.ResnetGenerator'
_NETS = {UNET: ('input_nc', 'output_nc', 'num_downs', 'ngf'), PATCHGAN: ('input_nc', 'ndf', 'n_layers'),
         RESNET: ('input_nc', 'output_nc', 'ngf', 'n_blocks')}
DOWNSAMPLINGS = 2   # of the ResNet generator, always


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` from the weights."""
    return infer_unet(tensors) or infer_patchgan(tensors) or _infer_resnet(tensors)


def infer_unet(tensors: Tensors) -> Dict[str, Any]:
    """Of a U-Net generator, else {}; dropout leaves no trace."""
    if 'model.model.0.weight' not in tensors:
        return {}
    ngf, channels, _, _ = shape(tensors, 'model.model.0.weight')
    levels = 1
    while f'{_scope(levels)}.1.weight' in tensors:
        levels += 1
    return {'net': UNET, 'input_nc': channels, 'output_nc': shape(tensors, 'model.model.3.weight')[1],
            'num_downs': levels, 'ngf': ngf, 'norm': _norm(tensors, 'model.model.0')}


def infer_patchgan(tensors: Tensors) -> Dict[str, Any]:
    """Of a PatchGAN, else {}."""
    if np.ndim(tensors.get('model.0.weight')) != 4:
        return {}
    ndf, channels, _, _ = shape(tensors, 'model.0.weight')
    convolutions = [number for number in numbers(tensors, r'model\.(\d+)\.weight')
                    if np.ndim(tensors[f'model.{number}.weight']) == 4]
    return {'net': PATCHGAN, 'input_nc': channels, 'ndf': ndf, 'n_layers': len(convolutions) - 2,
            'norm': _norm(tensors, 'model.2')}


def infer_resnet(tensors: Tensors) -> Dict[str, Any]:
    """Of a ResNet generator with either norm, else {}."""
    convolutions = [number for number in numbers(tensors, r'model\.(\d+)\.weight')
                    if np.ndim(tensors[f'model.{number}.weight']) == 4]
    if len(convolutions) != 2 + 2 * DOWNSAMPLINGS or convolutions[0] != 1:
        return {}
    ngf, channels, _, _ = shape(tensors, 'model.1.weight')
    return {'net': RESNET, 'input_nc': channels, 'ngf': ngf, 'norm': _norm(tensors, 'model.1'),
            'output_nc': shape(tensors, f'model.{convolutions[-1]}.weight')[0],
            'n_blocks': len(numbers(tensors, r'model\.(\d+)\.conv_block\.1\.weight')),
            'use_dropout': bool(_dropped(tensors))}


def _infer_resnet(tensors: Tensors) -> Dict[str, Any]:
    meta = infer_resnet(tensors)
    return meta if meta and (meta['norm'] == 'batch' or meta['use_dropout']) else {}


def _norm(tensors: Tensors, convolution: str) -> str:
    return 'instance' if f'{convolution}.bias' in tensors else 'batch'


def _dropped(tensors: Tensors):
    """Residual blocks whose second convolution stands behind a dropout."""
    return [number for number in numbers(tensors, r'model\.(\d+)\.conv_block\.6\.weight')
            if np.ndim(tensors[f'model.{number}.conv_block.6.weight']) == 4]


def build(meta: Meta) -> Dict[str, tf.keras.Model]:
    """{'generator': network} or {'discriminator': network}, as `meta` describes it."""
    if meta['net'] == PATCHGAN:
        return {'discriminator': patchgan(meta, meta['input_nc'])}
    return {'generator': (unet if meta['net'] == UNET else resnet)(meta)}


def unet(meta: Meta) -> UNetGenerator:
    """The U-Net generator of a meta."""
    if meta['num_downs'] < LEAST_LEVELS:
        raise ValueError(f"meta['num_downs']: expected at least {LEAST_LEVELS}, found {meta['num_downs']}; write the "
                         'argument of the official network')
    return UNetGenerator(meta['input_nc'], meta['output_nc'], meta['num_downs'], meta['ngf'],
                         norm_kind(meta, 'batch'))


def resnet(meta: Meta) -> GlobalGenerator:
    """The ResNet generator of a meta."""
    return GlobalGenerator(meta['input_nc'], meta['output_nc'], meta['ngf'], DOWNSAMPLINGS, meta['n_blocks'],
                           norm=norm_kind(meta, 'instance'))


def generator(meta: Meta) -> tf.keras.Model:
    """The U-Net of a meta that says 'num_downs', else the ResNet; of a whole training."""
    if 'num_downs' in meta:
        whole(meta, 'num_downs', 1, 12)
        return unet(meta)
    whole(meta, 'n_blocks', 0, 100)
    return resnet(meta)


def patchgan(meta: Meta, channels: int) -> PatchGAN:
    """The PatchGAN of a meta, for pictures of so many channels."""
    return PatchGAN(channels, meta['ndf'], meta['n_layers'], norm_kind(meta, 'batch'))


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """All variables of the one network; whether a ResNet's blocks drop is read from the names."""
    network, = networks.values()
    return slots_of(network, bool(_dropped(tensors)))


def slots_of(network: tf.keras.Model, use_dropout: bool = False) -> Dict[str, Slot]:
    """Of one network of this family; a ResNet's dropout moves the numbers behind it."""
    layers = _LAYERS[type(network)](network)
    if isinstance(network, GlobalGenerator) and use_dropout:
        layers = {name.replace('conv_block.5', 'conv_block.6'): layer for name, layer in layers.items()}
    norms = {}
    for name, layer in layers.items():
        scope, number = name.rsplit('.', 1)
        norms[f'{scope}.{int(number) + 1}'] = layer.norm
    return torch_slots({**layers, **{name: norm for name, norm in norms.items() if norm is not None}})


def _unet_layers(network: UNetGenerator) -> Layers:
    innermost = len(network.downs) - 1
    layers = {f'{_scope(level)}.{1 if level else 0}': down for level, down in enumerate(network.downs)}
    for level, up in zip(reversed(range(innermost + 1)), network.ups):
        layers[f'{_scope(level)}.{3 if level in (0, innermost) else 5}'] = up
    return layers


def _scope(level: int) -> str:
    return 'model.model' + ('.1.model' + '.3.model' * (level - 1) if level else '')


def _patchgan_layers(network: PatchGAN) -> Layers:
    layers = {f'model.{2 + 3 * number}': layer for number, layer in enumerate([*network.hidden, network.last])}
    return {'model.0': network.first, **layers}


_LAYERS = {UNetGenerator: _unet_layers, PatchGAN: _patchgan_layers, GlobalGenerator: pix2pixhd.generator_layers}
NETWORKS = tuple(_LAYERS)


def replay(networks: Networks, meta: Meta, arrays: Arrays) -> Dict[str, np.ndarray]:
    """A generator's pictures, gradient norms of mean(y * cotangent), and statistics after one forward pass in
    training mode; a discriminator's scores, losses, gradient norms, and statistics after fake and then real."""
    given, outputs = inputs_of(arrays), {}
    network, = networks.values()
    places = slots_of(network, bool(meta.get('use_dropout')))
    with unmoved(networks):
        if 'generator' in networks and 'x' in given:
            outputs = _replay_generator(network, given, places)
        if 'discriminator' in networks and {'real', 'fake'} <= set(given):
            outputs = _replay_discriminator(network, given, places)
    return named('output', outputs)


def _given_dropout(masks):
    """A network's `drop` with masks [N, H, W, C] of 0 and 1, in the order of its blocks."""
    left = list(masks)

    def drop(x, rate):
        if not left or left[0].shape != x.shape:
            raise ValueError(f"arrays 'input/dropout_keep_*': expected {tuple(x.shape)} (NHWC) next, found "
                             f'{tuple(left[0].shape) if left else "none"}; save a mask for each block')
        return x * left.pop(0) / (1 - rate)
    return drop


def _replay_generator(network, given: Arrays, places) -> Dict[str, np.ndarray]:
    x = nhwc(given['x'])
    outputs = {'y_eval': network(x, statistics='running')}
    keeps = [nhwc(given[name]) for name in sorted(given, key=lambda name: (len(name), name))
             if name.startswith('dropout_keep_')]
    with tf.GradientTape() as tape:
        outputs['y'] = network(x, statistics='batch')
        if 'cotangent' in given:
            loss = tf.reduce_mean(outputs['y'] * nhwc(given['cotangent']))
    outputs.update({f'state/{name}': value for name, value in translation.running(places).items()})
    if 'cotangent' in given:
        variables = network.trainable_variables
        norms = translation.gradient_norms(places, variables, tape.gradient(loss, variables))
        outputs.update({f'grad_norm/y/{name}': norm for name, norm in norms.items()})
    if keeps:
        outputs['y_dropout'] = network(x, drop=_given_dropout(keeps), statistics='batch')
    return outputs


def _replay_discriminator(network: PatchGAN, given: Arrays, places) -> Dict[str, np.ndarray]:
    real, fake = nhwc(given['real']), nhwc(given['fake'])
    outputs, variables = {'real_scores_eval': network(real, statistics='running')}, network.trainable_variables
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(fake)
        of_fake, of_real = network(fake, statistics='batch'), network(real, statistics='batch')
        losses = {}
        for mode, loss in GAN_LOSSES.items():
            losses[mode] = {'loss_D_fake': loss(of_fake, False), 'loss_D_real': loss(of_real, True),
                            'loss_G_GAN': loss(of_fake, True)}
            losses[mode]['loss_D'] = 0.5 * (losses[mode]['loss_D_fake'] + losses[mode]['loss_D_real'])
    outputs.update({'fake_scores': of_fake, 'real_scores': of_real})
    outputs.update({f'state_after_fake_then_real/{name}': value
                    for name, value in translation.running(places).items()})
    for mode, terms in losses.items():
        outputs.update({f'{mode}/{name}': value for name, value in terms.items()})
        norms = translation.gradient_norms(places, variables, tape.gradient(terms['loss_D'], variables))
        outputs.update({f'{mode}/grad_norm/loss_D/{name}': norm for name, norm in norms.items()})
        outputs[f'{mode}/grad_norm/loss_G_GAN/input_fake'] = tf.norm(tape.gradient(terms['loss_G_GAN'], fake))
    return outputs


def serve(networks: Networks, meta: Meta) -> Functions:
    """'generator': source -> image, each sample by its own statistics; 'discriminator': images -> scores.

    A batch norm of the discriminator takes its running statistics.
    """
    (role, network), = networks.items()
    return serve_as(role, network, meta['input_nc'])


def serve_as(role: str, network: tf.keras.Model, channels: int) -> Functions:
    """See `serve`: one network of these."""
    sizes = [None, None, None, channels]
    if isinstance(network, PatchGAN):
        return {role: served(lambda images: {'scores': network(images)}, sizes, 'images')}
    return {role: served(lambda source: {'image': network(source, statistics='sample')}, sizes, 'source')}


FAMILY = Family(_NETS, translation.spell, infer, build, slots, translation.INPUTS, replay, serve)
