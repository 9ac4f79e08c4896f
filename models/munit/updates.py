"""What MUNIT and UNIT minimise: both discriminators in one update, then both generators in one.

a and b are the domains. A picture of a is encoded by generator a and translated by the decoder of generator b. In
names, as in the official code, `ba` is a picture of b in the style of a, and `aba` one of a that came back.
Source: Huang et al. 2018, section 4; Liu et al. 2017, section 3; the trainers of the official code.
"""
from __future__ import annotations

from typing import Callable, Dict, List, Mapping, Sequence, Tuple

import tensorflow as tf

from models.adversarial import Batch, Update
from models.munit.layers import keyed_normal

Networks = Mapping[str, tf.keras.Model]   # 'generator_a', 'generator_b', 'discriminator_a', 'discriminator_b'
Noise = Callable[[Batch, str, Sequence], tf.Tensor]
MUNIT_WEIGHTS = {'picture': 10.0, 'style': 1.0, 'content': 1.0, 'cycle': 10.0, 'gan': 1.0}
UNIT_WEIGHTS = {'picture': 10.0, 'kl': 0.01, 'cycle': 10.0, 'kl_cycle': 0.01, 'gan': 1.0}
# every draw of a step, by the domain whose keys and codes or styles it is of
USES = ('a_discriminators', 'b_discriminators', 'a_generators', 'b_generators', 'a_cycle', 'b_cycle', 'a_supervised',
         'b_supervised', 'a_supervised_cycle')


def drawn_noise(batch: Batch, use: str, shape: Sequence) -> tf.Tensor:
    """Standard normal [N, *shape] of the keys 'a_key' or 'b_key' of a batch, int32 [N, 2]; `use`: see USES."""
    return keyed_normal(batch[f'{use[0]}_key'], 1_000 + USES.index(use), shape)


def discriminator_loss(real: List[tf.Tensor], fake: List[tf.Tensor]) -> tf.Tensor:
    """Sum over scales of mean fake^2 + mean (real - 1)^2, not halved."""
    return tf.add_n([tf.reduce_mean(tf.square(of_fake)) + tf.reduce_mean(tf.square(of_real - 1))
                     for of_real, of_fake in zip(real, fake)])


def generator_loss(fake: List[tf.Tensor]) -> tf.Tensor:
    """Sum over scales of mean (fake - 1)^2."""
    return tf.add_n([tf.reduce_mean(tf.square(scores - 1)) for scores in fake])


def _distance(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference; both sides have a gradient."""
    return tf.reduce_mean(tf.abs(tf.cast(one, tf.float32) - tf.cast(other, tf.float32)))


def _divergence(code: tf.Tensor) -> tf.Tensor:
    """Of N(code, I) from N(0, I), but for a factor: the mean square, without the noise."""
    return tf.reduce_mean(tf.square(tf.cast(code, tf.float32)))


def munit_updates(networks: Networks, weights: Mapping[str, float] = MUNIT_WEIGHTS,
                  noise: Noise = drawn_noise) -> Tuple[Update, Update]:
    """The updates of MUNIT; each of them draws styles of its own.

    Batches hold 'a_image' and 'b_image' [N, H, W, C] in [-1, 1], 'a_key' and 'b_key' int32 [N, 2]. Losses are float32 scalars;
    logged terms are without their weights, totals with them, as officially.

    Args:
      networks: two MUNITGenerators and two discriminators.
      weights: of the terms: 'picture' (|x - recon|), 'style' (the drawn one and what is read from the picture drawn
        with it), 'content' (likewise), 'cycle' (|x - aba|, 0 to leave it out) and 'gan'.
      noise: (batch, use, shape of one sample) -> styles [N, style].
    """
    a, b = networks['generator_a'], networks['generator_b']

    def styles(batch, who):
        return noise(batch, f'a_{who}', [a.style_numbers]), noise(batch, f'b_{who}', [b.style_numbers])

    def fakes(batch):
        style_a, style_b = styles(batch, 'discriminators')
        return a.decode(b.content(batch['b_image']), style_a), b.decode(a.content(batch['a_image']), style_b)

    def loss_of_generators(batch, made):
        style_a, style_b = styles(batch, 'generators')
        made['content_a'], made['style_a'] = a.encode(batch['a_image'])
        made['content_b'], made['style_b'] = b.encode(batch['b_image'])
        made['recon_a'] = a.decode(made['content_a'], made['style_a'])
        made['recon_b'] = b.decode(made['content_b'], made['style_b'])
        made['ba'], made['ab'] = a.decode(made['content_b'], style_a), b.decode(made['content_a'], style_b)
        made['content_b_again'], made['style_a_again'] = a.encode(made['ba'])
        made['content_a_again'], made['style_b_again'] = b.encode(made['ab'])
        terms = {'picture_a_loss': _distance(made['recon_a'], batch['a_image']),
                 'picture_b_loss': _distance(made['recon_b'], batch['b_image']),
                 'style_a_loss': _distance(made['style_a_again'], style_a),
                 'style_b_loss': _distance(made['style_b_again'], style_b),
                 'content_a_loss': _distance(made['content_a_again'], made['content_a']),
                 'content_b_loss': _distance(made['content_b_again'], made['content_b'])}
        if weights['cycle']:
            made['aba'] = a.decode(made['content_a_again'], made['style_a'])
            made['bab'] = b.decode(made['content_b_again'], made['style_b'])
            terms.update(_cycle_terms(batch, made))
        terms.update(_gan_terms(networks, made))
        return _weighted(terms, weights), terms

    return _updates(networks, fakes, loss_of_generators)


def unit_updates(networks: Networks, weights: Mapping[str, float] = UNIT_WEIGHTS,
                 noise: Noise = drawn_noise) -> Tuple[Update, Update]:
    """The updates of UNIT; a code is decoded with noise, the same for what it is decoded into in one update.

    Batches and losses as of `munit_updates`.

    Args:
      networks: two UNITGenerators and two discriminators.
      weights: 'picture', 'kl' (mean square of the codes), 'cycle', 'kl_cycle' (of the codes of translated pictures)
        and 'gan'.
      noise: (batch, use, shape of one sample) -> noise [N, *shape] for a code.
    """
    a, b = networks['generator_a'], networks['generator_b']

    def noisy(code, batch, use):
        return code + tf.cast(noise(batch, use, code_shape(code)), code.dtype)

    def fakes(batch):
        return (a.decode(noisy(b.encode(batch['b_image']), batch, 'b_discriminators')),
                b.decode(noisy(a.encode(batch['a_image']), batch, 'a_discriminators')))

    def loss_of_generators(batch, made):
        made['code_a'], made['code_b'] = a.encode(batch['a_image']), b.encode(batch['b_image'])
        noisy_a = noisy(made['code_a'], batch, 'a_generators')
        noisy_b = noisy(made['code_b'], batch, 'b_generators')
        made['recon_a'], made['recon_b'] = a.decode(noisy_a), b.decode(noisy_b)
        made['ba'], made['ab'] = a.decode(noisy_b), b.decode(noisy_a)
        made['code_b_again'], made['code_a_again'] = a.encode(made['ba']), b.encode(made['ab'])
        made['aba'] = a.decode(noisy(made['code_a_again'], batch, 'a_cycle'))
        made['bab'] = b.decode(noisy(made['code_b_again'], batch, 'b_cycle'))
        terms = {'picture_a_loss': _distance(made['recon_a'], batch['a_image']),
                 'picture_b_loss': _distance(made['recon_b'], batch['b_image']),
                 'kl_a_loss': _divergence(made['code_a']), 'kl_b_loss': _divergence(made['code_b']),
                 'kl_cycle_a_loss': _divergence(made['code_a_again']),
                 'kl_cycle_b_loss': _divergence(made['code_b_again']),
                 **_cycle_terms(batch, made), **_gan_terms(networks, made)}
        return _weighted(terms, weights), terms

    return _updates(networks, fakes, loss_of_generators)


def code_shape(code: tf.Tensor) -> List:
    """Of one sample of a code: numbers where they are known, scalar tensors where not."""
    return [tf.shape(code)[axis] if size is None else size for axis, size in enumerate(code.shape)][1:]


def _cycle_terms(batch: Batch, made) -> Dict[str, tf.Tensor]:
    return {'cycle_a_loss': _distance(made['aba'], batch['a_image']),
            'cycle_b_loss': _distance(made['bab'], batch['b_image'])}


def _gan_terms(networks: Networks, made) -> Dict[str, tf.Tensor]:
    return {'gan_a_loss': generator_loss(networks['discriminator_a'](made['ba'])),
            'gan_b_loss': generator_loss(networks['discriminator_b'](made['ab']))}


def _weighted(terms: Mapping[str, tf.Tensor], weights: Mapping[str, float]) -> tf.Tensor:
    """Every term '<weight>_<domain>_loss' times its weight."""
    return tf.add_n([weights[name.rsplit('_', 2)[0]] * value for name, value in terms.items()])


def _updates(networks: Networks, fakes, loss_of_generators) -> Tuple[Update, Update]:
    def loss_of_discriminators(batch, made):
        del made
        terms = {f'discriminator_{domain}_loss': discriminator_loss(
            networks[f'discriminator_{domain}'](batch[f'{domain}_image']),
            networks[f'discriminator_{domain}'](tf.stop_gradient(fake))) for domain, fake in zip('ab', fakes(batch))}
        return tf.add_n(list(terms.values())), terms

    def both(kind):
        return [v for domain in 'ab' for v in networks[f'{kind}_{domain}'].trainable_variables]

    return (Update('discriminators', both('discriminator'), loss_of_discriminators),
            Update('generators', both('generator'), loss_of_generators))
