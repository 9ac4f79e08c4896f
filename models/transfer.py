"""The supervised step of Oliveira & dos Santos 2018: a segmenter of A watches a translator between A and B.

Third in a training step, behind the translator's two updates: the segmenter M_A is fine-tuned on pictures that the
generators drew, and its errors move the generators; the discriminators rest. M_A sees a after it went to B and came
back ("recovered a", Fig. 6a), always with labels, and b brought to A ("synthetic a", Fig. 6b) where b has labels.
Source: Oliveira & dos Santos 2018, section IV and Fig. 6.
"""
from __future__ import annotations

from typing import Callable, Mapping, NamedTuple, Sequence, Tuple

import tensorflow as tf

from models.adversarial import Batch, Group, Update
from models.munit.updates import Noise, code_shape, drawn_noise
from models.segmenters.losses import pixel_loss

Draw = Callable[[Batch], tf.Tensor]


class Translations(NamedTuple):
    """What a translator draws for the segmenter of A.

    Attributes:
      recovered_a: batch -> 'a_image' brought to B and back, [N, H, W, C] in [-1, 1].
      synthetic_a: batch -> 'b_image' brought to A.
    """
    recovered_a: Draw
    synthetic_a: Draw


def cyclegan_translations(to_b: Callable, to_a: Callable) -> Translations:
    """Of CycleGAN; to_b and to_a as of `cyclegan_updates`."""
    return Translations(
        lambda batch: to_a(to_b(batch['a_image'], batch, 'supervised_b'), batch, 'recovered_a'),
        lambda batch: to_a(batch['b_image'], batch, 'synthetic_a'))


def munit_translations(networks: Mapping[str, tf.keras.Model], noise: Noise = drawn_noise, is_drawn: bool = False) -> Translations:
    """Of MUNIT: styles of A are those of the batch's own a, a style of B is drawn.

    [ours] The paper takes the style of A from one image; in training that is the a of the same row.

    Args:
      is_drawn: the style in which b is drawn, too.
    """
    a, b = networks['generator_a'], networks['generator_b']

    def recovered_a(batch):
        content, style = a.encode(batch['a_image'])
        ab = b.decode(content, noise(batch, 'b_supervised', [b.style_numbers]))
        return a.decode(b.content(ab), style)

    def synthetic_a(batch):
        style = noise(batch, 'a_supervised', [a.style_numbers]) if is_drawn else a.style(batch['a_image'])
        return a.decode(b.content(batch['b_image']), style)

    return Translations(recovered_a, synthetic_a)


def unit_translations(networks: Mapping[str, tf.keras.Model], noise: Noise = drawn_noise) -> Translations:
    """Of UNIT, with noise on every code, as it trains."""
    a, b = networks['generator_a'], networks['generator_b']

    def noisy(code, batch, use):
        return code + tf.cast(noise(batch, use, code_shape(code)), code.dtype)

    def recovered_a(batch):
        ab = b.decode(noisy(a.encode(batch['a_image']), batch, 'a_supervised'))
        return a.decode(noisy(b.encode(ab), batch, 'a_supervised_cycle'))

    return Translations(recovered_a, lambda batch: a.decode(noisy(b.encode(batch['b_image']), batch, 'b_supervised')))


def supervised_update(segmenter: tf.keras.Model, translations: Translations,
                      generator_variables: Sequence[tf.Variable], is_b_labelled: bool = True,
                      loss: Callable = pixel_loss, decay: float = 5e-4, generator_decay: float = 0.0, rate: float = 1.0,
                      betas: Tuple[float, float] = (0.9, 0.999)) -> Update:
    """The third update of the step, 'supervised', with an Adam of its own [ours: CoDAGAN's is the generators'].

    Batches hold 'a_image', 'b_image' [N, H, W, C] in [-1, 1], 'a_label', 'b_label' as of `losses.pixel_loss`,
    'b_labelled' [N], 1 where b has a label, 'a_key', 'b_key' int32 [N, 2], and where some pixels take no part
    'a_ignored', 'b_ignored' [N, H, W]. `made` gets 'recovered_a', 'synthetic_a' and their logits.

    Args:
      segmenter: called as segmenter(image, key, training=True), once for each of the two terms, whose batch
        statistics are apart.
      generator_variables: of both generators; those that no error reaches stay (`adversarial.train_step`).
      is_b_labelled: False where no picture of B has a label: then b is not looked at.
      loss: (labels, logits, ignored) -> scalar: the mean over the pixels that take part, 0 where none does.
      decay, generator_decay: coupled weight decay (published for M_A: 5e-4).
      rate: of the segmenter, times the learning rate of the phase, which is the generators'.
      betas: of this Adam ("momentum 0.9").
    """
    def loss_of(batch, made):
        made['recovered_a'] = translations.recovered_a(batch)
        made['logits_a'] = segmenter(made['recovered_a'], batch['a_key'], training=True)
        terms = {'recovered_loss': loss(batch['a_label'], made['logits_a'], batch.get('a_ignored'))}
        if is_b_labelled:
            made['synthetic_a'] = translations.synthetic_a(batch)
            made['logits_b'] = segmenter(made['synthetic_a'], batch['b_key'], training=True)
            terms['synthetic_loss'] = loss(batch['b_label'], made['logits_b'], _unlabelled(batch))
        return tf.add_n(list(terms.values())), terms

    groups = (Group(segmenter.trainable_variables, rate, decay), Group(generator_variables, decay=generator_decay))
    return Update('supervised', [*segmenter.trainable_variables, *generator_variables], loss_of, groups=groups,
                  betas=betas)


def _unlabelled(batch: Batch) -> tf.Tensor:
    """1 at pixels of b that take no part, uint8 [N, H, W]: all where there is no label."""
    unknown = tf.broadcast_to(tf.equal(batch['b_labelled'], 0)[:, tf.newaxis, tf.newaxis], tf.shape(batch['b_label'])[:3])
    if 'b_ignored' in batch:
        unknown |= tf.not_equal(batch['b_ignored'], 0)
    return tf.cast(unknown, tf.uint8)
