"""CycleGAN's losses and updates: both generators in one, then both discriminators in one.

Pictures of domain a are in the style of set A, those of b in that of B. The official code calls the generator from
a to b netG_A, and netD_A what judges pictures of b; ours are called by what they draw and judge.
Source: Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks",
section 3 and appendix, and the official code.
"""
from __future__ import annotations

from typing import Callable, Mapping, Optional, Tuple

import tensorflow as tf

from models.adversarial import Batch, Update
from models.image_pool import ImagePool
from models.pix2pix.updates import GAN_LOSSES
from models.pix2pixhd.networks import GlobalGenerator

Translate = Callable[[tf.Tensor, Batch, str], tf.Tensor]


def resnet_generator(channels_in: int, channels_out: int, width: int = 64, blocks: int = 9, norm: str = 'instance',
                     seed: int = 0) -> GlobalGenerator:
    """The generator of section 4 and the appendix: 9 blocks at 256 px, 6 at 128 px."""
    return GlobalGenerator(channels_in, channels_out, width, 2, blocks, seed, norm=norm)


def cyclegan_updates(to_b: Translate, to_a: Translate,
                     judge_a: Callable[[tf.Tensor], tf.Tensor], judge_b: Callable[[tf.Tensor], tf.Tensor],
                     generator_variables, discriminator_variables, gan: str = 'lsgan',
                     cycle_weights: Tuple[float, float] = (10.0, 10.0), identity_weight: float = 0.5,
                     pools: Optional[Mapping[str, ImagePool]] = None) -> Tuple[Update, Update]:
    """The generators' update and then the discriminators', on the pictures made before the generators moved.

    Batches hold 'a_image' and 'b_image' [N, H, W, C] in [-1, 1], with pools 'a_pool' and 'b_pool' [N, 2],
    uniform in [0, 1), and what the generators need besides. Losses are float32 scalars; logged terms hold their
    weights.

    Args:
      to_b, to_a: (pictures, batch, name) -> pictures of the other domain; the name is that of the picture drawn,
        for dropout of its own.
      judge_a, judge_b: pictures -> scores; called for real pictures and then for fake ones.
      generator_variables, discriminator_variables: of both.
      gan: a name in GAN_LOSSES.
      cycle_weights: of |a - aba| and of |b - bab|, means of absolute differences.
      identity_weight: times the domain's cycle weight, of |G(b) - b| for the generator that draws b; 0 leaves
        both out, as different numbers of channels need.
      pools: 'a' and 'b': of which the discriminators see the drawn pictures.
    """
    gan_loss = GAN_LOSSES[gan]
    distance = lambda one, other: tf.reduce_mean(tf.abs(one - other))

    def generator_loss(batch, made):
        a, b = batch['a_image'], batch['b_image']
        made['fake_b'] = to_b(a, batch, 'fake_b')
        made['cycled_a'] = to_a(made['fake_b'], batch, 'cycled_a')
        made['fake_a'] = to_a(b, batch, 'fake_a')
        made['cycled_b'] = to_b(made['fake_a'], batch, 'cycled_b')
        terms = {'gan_b_loss': gan_loss(judge_b(made['fake_b']), True),
                 'gan_a_loss': gan_loss(judge_a(made['fake_a']), True),
                 'cycle_a_loss': cycle_weights[0] * distance(made['cycled_a'], a),
                 'cycle_b_loss': cycle_weights[1] * distance(made['cycled_b'], b)}
        if identity_weight:
            made['same_b'], made['same_a'] = to_b(b, batch, 'same_b'), to_a(a, batch, 'same_a')
            terms['identity_b_loss'] = identity_weight * cycle_weights[1] * distance(made['same_b'], b)
            terms['identity_a_loss'] = identity_weight * cycle_weights[0] * distance(made['same_a'], a)
        return tf.add_n(list(terms.values())), terms

    def discriminator_loss(batch, made):
        terms = {}
        for domain, judge in (('b', judge_b), ('a', judge_a)):
            fake = tf.stop_gradient(made[f'fake_{domain}'])
            if pools is not None:
                fake = pools[domain].exchange(fake, batch[f'{domain}_pool'])
            real_loss = gan_loss(judge(batch[f'{domain}_image']), True)
            terms[f'discriminator_{domain}_loss'] = 0.5 * (real_loss + gan_loss(judge(fake), False))
        return tf.add_n(list(terms.values())), terms

    return (Update('generators', generator_variables, generator_loss),
            Update('discriminators', discriminator_variables, discriminator_loss))
