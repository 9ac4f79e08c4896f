"""Trainers of NVlabs/MUNIT and their networks alone: MUNIT's and UNIT's generators, the multi-scale discriminator.

A trainer's tensors have 'gen_a.', 'gen_b.', 'dis_a.' or 'dis_b.' before them; the official program saves two
generators, or two discriminators, as {'a': ..., 'b': ...}, so that one alone can be read too.
"""
from __future__ import annotations

from typing import Any, Dict

import numpy as np
import tensorflow as tf

from models.munit.discriminator import MultiscaleDiscriminator
from models.munit.networks import MUNITGenerator, UNITGenerator
from models.munit.updates import munit_updates, unit_updates
from models.official import translation
from models.official.tensors import (Arrays, Family, Functions, Layers, Meta, Networks, Slot, Tensors, numbers, served,
                                     shape, torch_slots)
from models.official.translation import (at_rest, batches_of, inputs_of, named, number, of_scope, one_of, scoped,
                                         trained, unmoved, whole)

MUNIT, UNIT = 'munit.MUNIT_Trainer', 'munit.UNIT_Trainer'
_ALONE = {'munit.AdaINGen': 'generator', 'munit.VAEGen': 'generator', 'munit.MsImageDis': 'discriminator'}
_ROLES = {'gen_a': 'generator_a', 'gen_b': 'generator_b', 'dis_a': 'discriminator_a', 'dis_b': 'discriminator_b'}
_SIZES = {'dim': (1, 4096), 'n_downsample': (0, 8), 'n_res': (0, 100)}
# draws: the official name behind 's_' or 'n_' -> ours, see models.munit.updates.USES
_DRAWS = {'a_dis': 'a_discriminators', 'b_dis': 'b_discriminators', 'a_gen': 'a_generators', 'b_gen': 'b_generators'}
_CYCLE_DRAWS = {'a_recon_gen': 'a_cycle', 'b_recon_gen': 'b_cycle'}
# what generators draw, and their terms: by net, ours -> official but for the domain at its end
_MADE = {MUNIT: {'content': 'c_{}', 'style': 's_{}_prime', 'recon': 'x_{}_recon', 'content_again': 'c_{}_recon',
                 'style_again': 's_{}_recon'},
         UNIT: {'code': 'h_{}', 'recon': 'x_{}_recon', 'code_again': 'h_{}_recon'}}
_TERMS = {MUNIT: {'picture': 'recon_x_{}', 'style': 'recon_s_{}', 'content': 'recon_c_{}', 'cycle': 'cycrecon_x_{}',
                  'gan': 'adv_{}'},
          UNIT: {'picture': 'recon_x_{}', 'kl': 'recon_kl_{}', 'cycle': 'cyc_x_{}', 'kl_cycle': 'recon_kl_cyc_{}',
                 'gan': 'adv_{}'}}
_WEIGHTS = {MUNIT: {'picture': 'recon_x_w', 'style': 'recon_s_w', 'content': 'recon_c_w', 'cycle': 'recon_x_cyc_w',
                    'gan': 'gan_w'},
            UNIT: {'picture': 'recon_x_w', 'kl': 'recon_kl_w', 'cycle': 'recon_x_cyc_w', 'kl_cycle': 'recon_kl_cyc_w',
                   'gan': 'gan_w'}}


def infer(tensors: Tensors) -> Dict[str, Any]:
    """`meta` from the weights."""
    generator, discriminator = of_scope('gen_a', tensors), of_scope('dis_a', tensors)
    if not generator:
        return infer_generator(tensors) or _infer_discriminator(tensors)
    if not all(of_scope(official, tensors) for official in _ROLES):
        raise ValueError(f'tensors: expected {", ".join(_ROLES)}, found only some of them; save all four or one alone, '
                         f'without its name')
    meta = infer_generator(generator)
    net = MUNIT if meta.get('net') == 'munit.AdaINGen' else UNIT
    return {**meta, **_infer_discriminator(discriminator), 'net': net} if meta else {}


def infer_generator(tensors: Tensors) -> Dict[str, Any]:
    """Of one generator, else {}."""
    net, encoder = 'munit.AdaINGen', 'enc_content.model'
    if f'{encoder}.0.conv.weight' not in tensors:
        net, encoder = 'munit.VAEGen', 'enc.model'
    if f'{encoder}.0.conv.weight' not in tensors:
        return {}
    dim, channels, _, _ = shape(tensors, f'{encoder}.0.conv.weight')
    convolutions = len(numbers(tensors, rf'{encoder}\.(\d+)\.conv\.weight'))
    gen = {'dim': dim, 'n_downsample': convolutions - 1,
           'n_res': len(numbers(tensors, rf'{encoder}\.{convolutions}\.model\.(\d+)\.model\.0\.conv\.weight'))}
    if net == 'munit.AdaINGen':
        gen['mlp_dim'], gen['style_dim'] = shape(tensors, 'mlp.model.0.fc.weight', 2)
    return {'net': net, 'input_dim': channels, 'gen': gen}


def _infer_discriminator(tensors: Tensors) -> Dict[str, Any]:
    if 'cnns.0.0.conv.weight' not in tensors:
        return {}
    dim, channels, _, _ = shape(tensors, 'cnns.0.0.conv.weight')
    return {'net': 'munit.MsImageDis', 'input_dim': channels, 'dis': {
        'dim': dim, 'n_layer': len(numbers(tensors, r'cnns\.0\.(\d+)\.conv\.weight')),
        'num_scales': len(numbers(tensors, r'cnns\.(\d+)\.0\.conv\.weight'))}}


def build(meta: Meta) -> Dict[str, tf.keras.Model]:
    """The networks of a trainer by role, or the one network."""
    net = meta['net']
    roles = [_ALONE[net]] if net in _ALONE else list(_ROLES.values())
    style = net in (MUNIT, 'munit.AdaINGen')
    return {role: (generator(meta.get('gen'), meta['input_dim'], style) if role.startswith('generator')
                   else _discriminator(meta.get('dis'), meta['input_dim'])) for role in roles}


def generator(sizes: Meta, channels: int, has_style: bool) -> tf.keras.Model:
    """MUNIT's generator, or UNIT's, of meta['gen']; ValueError for sizes or options that we have not."""
    dim, downsamplings, blocks = (whole(sizes, key, *limits) for key, limits in _SIZES.items())
    one_of(sizes, 'activ', ('relu',), 'relu')
    one_of(sizes, 'pad_type', ('reflect',), 'reflect')
    if not has_style:
        return UNITGenerator(channels, dim, downsamplings, blocks)
    return MUNITGenerator(channels, dim, downsamplings, blocks, whole(sizes, 'style_dim', 1, 65536),
                          whole(sizes, 'mlp_dim', 1, 65536))


def _discriminator(sizes: Meta, channels: int) -> MultiscaleDiscriminator:
    dim, layers, scales = (whole(sizes, key, 1, most) for key, most in (
        ('dim', 4096), ('n_layer', 12), ('num_scales', 12)))
    for key, word in (('norm', 'none'), ('activ', 'lrelu'), ('gan_type', 'lsgan'), ('pad_type', 'reflect')):
        one_of(sizes, key, (word,), word)
    return MultiscaleDiscriminator(channels, dim, layers, scales)


def slots(networks: Networks, tensors: Tensors) -> Dict[str, Slot]:
    """All variables."""
    del tensors
    if len(networks) == 1:
        return slots_of(*networks.values())
    return {name: slot for official, role in _ROLES.items()
            for name, slot in scoped(official, slots_of(networks[role])).items()}


def slots_of(network: tf.keras.Model) -> Dict[str, Slot]:
    """Of one network of this family."""
    if isinstance(network, MultiscaleDiscriminator):
        return torch_slots({f'cnns.{scale}.{number}' + ('' if layer is convolutions[-1] else '.conv'): layer
                            for scale, convolutions in enumerate(network.scales)
                            for number, layer in enumerate(convolutions)})
    if isinstance(network, UNITGenerator):
        layers = _encoder('enc.model', network.encoder)
    else:
        layers = _encoder('enc_content.model', network.content_encoder)
        layers.update({f'enc_style.model.{number}.conv': layer
                       for number, layer in enumerate(network.style_encoder.convolutions)})
        # the mean has a number between them
        layers[f'enc_style.model.{len(network.style_encoder.convolutions) + 1}'] = network.style_encoder.last
        layers.update({f'mlp.model.{number}.fc': layer for number, layer in enumerate(network.mlp)})
    return {**torch_slots({**layers, **_decoder(network.decoder)}), **_norms(network.decoder)}


def _encoder(scope: str, encoder) -> Layers:
    layers = {f'{scope}.{number}.conv': layer for number, layer in enumerate(encoder.convolutions)}
    return {**layers, **_blocks(f'{scope}.{len(encoder.convolutions)}', encoder.blocks)}


def _decoder(decoder) -> Layers:
    """Every up-convolution has a resize before it, which takes a number."""
    layers = {f'dec.model.{2 + 2 * number}.conv': layer for number, layer in enumerate(decoder.ups)}
    layers[f'dec.model.{1 + 2 * len(decoder.ups)}.conv'] = decoder.head
    return {**layers, **_blocks('dec.model.0', decoder.blocks)}


def _blocks(scope: str, blocks) -> Layers:
    return {f'{scope}.model.{number}.model.{place}.conv': layer for number, block in enumerate(blocks)
            for place, layer in enumerate((block.first, block.second))}


def _norms(decoder) -> Dict[str, Slot]:
    return {f'dec.model.{2 + 2 * number}.norm.{end}': Slot(variable, tuple(variable.shape))
            for number, norm in enumerate(decoder.norms)
            for end, variable in (('gamma', norm.gamma), ('beta', norm.beta))}


def replay(networks: Networks, meta: Meta, arrays: Arrays) -> Dict[str, np.ndarray]:
    """A trainer's 'static/...' and 'steps/...'; a network alone has nothing to repeat."""
    given, net = inputs_of(arrays), meta['net']
    if net in _ALONE or 'x_a' not in given:
        return {}
    kind, draws = ('s', _DRAWS) if net == MUNIT else ('n', {**_DRAWS, **_CYCLE_DRAWS})
    batches = batches_of(given, {'x_a': 'a_image', 'x_b': 'b_image',
                                 **{f'{kind}_{official}': ours for official, ours in draws.items()}})
    updates, places = _updates_of(networks, meta), slots(networks, {})
    with unmoved(networks):
        rest = at_rest(updates, batches[0])
        static = {**_drawn(net, rest.made), **_losses(net, rest.metrics, np.float32(0))}
        static.update({f'dis_{domain}_scale{number}': scores for domain in 'ab' for number, scores in enumerate(
            networks[f'discriminator_{domain}'](batches[0][f'{domain}_image']))})
        for update, total in zip(updates, ('loss_dis_total', 'loss_gen_total')):
            norms = translation.gradient_norms(places, update.variables, rest.gradients[update.name])
            static.update({f'grad_norm/{total}/{name}': norm for name, norm in norms.items()})
    with unmoved(networks):
        steps = _losses(net, trained(updates, batches, meta), np.zeros(len(batches), np.float32))
    return {**named('output/static', static), **named('output/steps', steps)}


def _updates_of(networks: Networks, meta: Meta):
    given = meta.get('weights') if isinstance(meta.get('weights'), dict) else {}
    weights = {ours: number(given, official, 0.0) for ours, official in _WEIGHTS[meta['net']].items()}
    return (munit_updates if meta['net'] == MUNIT else unit_updates)(networks, weights, given_noise)


def given_noise(batch, use: str, sizes) -> tf.Tensor:
    """The draws of a file, [N, 1, 1, style] or like a code, in the place of drawn ones."""
    return tf.reshape(batch[use], [-1, *sizes])


def _drawn(net: str, made) -> Dict[str, tf.Tensor]:
    outputs = {f'x_{name}': made[name] for name in ('ba', 'ab', 'aba', 'bab') if name in made}
    for domain in 'ab':
        for ours, official in _MADE[net].items():
            first, _, again = ours.partition('_')
            value = made[f'{first}_{domain}' + (f'_{again}' if again else '')]
            outputs[official.format(domain)] = value if value.shape.rank == 4 else value[:, tf.newaxis, tf.newaxis]
    return outputs


def _losses(net: str, metrics, nothing) -> Dict[str, Any]:
    losses = {'loss_dis_total': metrics['discriminators_loss'], 'loss_gen_total': metrics['generators_loss']}
    for domain in 'ab':
        losses[f'loss_dis_{domain}'] = metrics[f'discriminator_{domain}_loss']
        for ours, official in _TERMS[net].items():
            end = {'a': 'aba', 'b': 'bab'}[domain] if ours == 'kl_cycle' else domain
            losses[f'loss_gen_{official.format(end)}'] = metrics.get(f'{ours}_{domain}_loss', nothing)
    return losses


def serve(networks: Networks, meta: Meta) -> Functions:
    """Of a trainer, 'generator_a': source, pictures of b, and with MUNIT example, pictures of a, or one of them for
    all, -> image, b in the style of a; 'generator_b' the other way. Of a generator alone: source -> image, and what it
    is encoded as. Discriminators: images -> scale<i>_scores."""
    sizes, functions = [None, None, None, meta['input_dim']], {}
    for role, network in networks.items():
        if isinstance(network, MultiscaleDiscriminator):
            functions[role] = served(lambda images, judge=network: {
                f'scale{number}_scores': scores for number, scores in enumerate(judge(images))}, sizes, 'images')
        elif role == 'generator':
            functions[role] = served(lambda source, one=network: _encoded(one, source), sizes, 'source')
        else:
            other = networks['generator_b' if role == 'generator_a' else 'generator_a']
            functions[role] = _translating(network, other, sizes)
    return functions


def _encoded(one: tf.keras.Model, source: tf.Tensor) -> Dict[str, tf.Tensor]:
    if isinstance(one, UNITGenerator):
        code = one.encode(source)
        return {'code': code, 'image': one.decode(code)}
    content, style = one.encode(source)
    return {'content': content, 'style': style, 'image': one.decode(content, style)}


def _translating(to: tf.keras.Model, other: tf.keras.Model, sizes):
    if isinstance(to, UNITGenerator):
        return served(lambda source: {'image': to.decode(other.encode(source))}, sizes, 'source')
    return tf.function(lambda source, example: {'image': to.decode(other.content(source), to.style(example))},
                       input_signature=[tf.TensorSpec(sizes, tf.float32, name) for name in ('source', 'example')])


FAMILY = Family({net: ('input_dim',) for net in (MUNIT, UNIT, *_ALONE)}, translation.spell, infer, build, slots,
                translation.INPUTS, replay, serve)
