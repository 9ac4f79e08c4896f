"""The supervised step: what each term looks at, what its errors move, what is nothing where there are no labels."""
import numpy as np
import pytest
import tensorflow as tf

from models import transfer
from models.adversarial import train_step
from models.cyclegan.updates import resnet_generator
from models.munit.networks import MUNITGenerator, UNITGenerator
from models.segmenters.unet import UNet
from pipelines.training.checkpoints import make_optimizers

SIDE = 16


def batch_of(labelled=(1.0, 0.0), seed=0):
    rng = np.random.default_rng(seed)
    pictures = {f'{domain}_image': tf.constant(rng.normal(size=(2, SIDE, SIDE, 1)), tf.float32) for domain in 'ab'}
    labels = {f'{domain}_label': tf.constant(rng.integers(0, 2, (2, SIDE, SIDE)), tf.uint8) for domain in 'ab'}
    return {**pictures, **labels, 'b_labelled': tf.constant(labelled), 'a_key': tf.constant([[1, 0], [1, 1]]),
            'b_key': tf.constant([[2, 0], [2, 1]])}


def munit():
    return {f'generator_{domain}': MUNITGenerator(1, 2, 1, 1, 2, 4, seed=seed) for seed, domain in enumerate('ab')}


def unit():
    return {f'generator_{domain}': UNITGenerator(1, 2, 1, 1, seed=seed) for seed, domain in enumerate('ab')}


def cyclegan():
    return {f'generator_{domain}': resnet_generator(1, 1, 2, 1, seed=seed) for seed, domain in enumerate('ab')}


def translations(networks):
    if 'MUNIT' in type(networks['generator_a']).__name__:
        return transfer.munit_translations(networks)
    if 'UNIT' in type(networks['generator_a']).__name__:
        return transfer.unit_translations(networks)
    return transfer.cyclegan_translations(lambda x, batch, name: networks['generator_b'](x),
                                          lambda x, batch, name: networks['generator_a'](x))


def reached(networks, loss_of):
    """Parts 'role.part' with a gradient in any variable."""
    parts = {f'{role}.{name}': getattr(network, name) for role, network in networks.items() for name in (
        'trunk', 'encoder', 'content_encoder', 'style_encoder', 'decoder', 'mlp') if hasattr(network, name)}
    with tf.GradientTape() as tape:
        loss = loss_of()
    variables = {name: [v for one in (part if isinstance(part, list) else [part]) for v in one.trainable_variables]
                 for name, part in parts.items()}
    gradients = tape.gradient(loss, variables)
    return {name for name, values in gradients.items() if any(g is not None for g in values)}


FROM_B = {'munit': {'generator_b.content_encoder', 'generator_a.mlp', 'generator_a.decoder',
                    'generator_a.style_encoder'},
          'unit': {'generator_b.encoder', 'generator_a.decoder'}, 'cyclegan': {'generator_a.trunk'}}
RECOVERED = {'munit': FROM_B['munit'] | {'generator_a.content_encoder', 'generator_b.mlp', 'generator_b.decoder'},
             'unit': FROM_B['unit'] | {'generator_a.encoder', 'generator_b.decoder'},
             'cyclegan': {'generator_a.trunk', 'generator_b.trunk'}}


@pytest.mark.parametrize('make', [munit, unit, cyclegan])
def test_what_the_errors_of_each_term_reach(make):
    """As the table of the paper's reading: MUNIT's style encoder of B never, for its style is drawn."""
    networks, batch = make(), batch_of()
    drawn = translations(networks)
    assert reached(networks, lambda: tf.reduce_mean(drawn.recovered_a(batch))) == RECOVERED[make.__name__]
    assert reached(networks, lambda: tf.reduce_mean(drawn.synthetic_a(batch))) == FROM_B[make.__name__]


def test_a_style_that_is_drawn_reaches_no_style_encoder_and_is_another_for_every_row():
    networks, batch = munit(), batch_of()
    drawn = transfer.munit_translations(networks, is_drawn=True)
    assert reached(networks, lambda: tf.reduce_mean(drawn.synthetic_a(batch))) == FROM_B['munit'] - {'generator_a.style_encoder'}
    same = {**batch, 'b_image': tf.repeat(batch['b_image'][:1], 2, 0)}
    one, other = drawn.synthetic_a(same)
    assert np.abs(one - other).max() > 1e-4
    np.testing.assert_array_equal(drawn.synthetic_a({**same, 'a_image': -batch['a_image']})[0], one)


class Segmenter(tf.Module):
    """logits = (0, w x); notes what it is given."""

    def __init__(self):
        super().__init__()
        self.w, self.seen = tf.Variable(2.0), []

    def __call__(self, image, key, training):
        assert training
        self.seen.append(key)
        return tf.concat([tf.zeros_like(image), self.w * image], -1)


def by_hand(labels, image, w=2.0):
    logits = w * image
    return np.where(labels, np.log1p(np.exp(-logits)), np.log1p(np.exp(logits)))


@pytest.mark.parametrize('labelled', [(1.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_terms_by_hand(labelled):
    segmenter, batch, g = Segmenter(), batch_of(labelled), tf.Variable(3.0)
    drawn = transfer.Translations(lambda batch: g * batch['a_image'], lambda batch: 2 * g * batch['b_image'])
    made = {}
    update = transfer.supervised_update(segmenter, drawn, [g])
    loss, terms = update.loss(batch, made)
    of_a = by_hand(batch['a_label'], 3 * batch['a_image'][..., 0]).mean()
    of_b = by_hand(batch['b_label'], 6 * batch['b_image'][..., 0])[np.array(labelled) > 0]
    assert float(terms['recovered_loss']) == pytest.approx(of_a, rel=1e-5)
    assert float(terms['synthetic_loss']) == pytest.approx(of_b.mean() if of_b.size else 0, rel=1e-5)
    assert float(loss) == pytest.approx(float(terms['recovered_loss'] + terms['synthetic_loss']))
    assert [int(key[0, 0]) for key in segmenter.seen] == [1, 2]   # dropout of its own for each term
    assert set(made) == {'recovered_a', 'synthetic_a', 'logits_a', 'logits_b'}


def test_pixels_that_take_no_part():
    segmenter, batch = Segmenter(), batch_of((1.0, 1.0))
    ignored = np.zeros((2, SIDE, SIDE), np.uint8)
    ignored[:, :5] = 1
    drawn = transfer.Translations(lambda batch: batch['a_image'], lambda batch: batch['b_image'])
    _, terms = transfer.supervised_update(segmenter, drawn, []).loss(
        {**batch, 'a_ignored': ignored, 'b_ignored': tf.constant(ignored)}, {})
    for domain, term in (('a', 'recovered_loss'), ('b', 'synthetic_loss')):
        pixels = by_hand(batch[f'{domain}_label'], batch[f'{domain}_image'][..., 0])[:, 5:]
        assert float(terms[term]) == pytest.approx(pixels.mean(), rel=1e-5)


def test_a_set_without_labels_is_not_looked_at():
    drawn = transfer.Translations(lambda batch: batch['a_image'], None)
    loss, terms = transfer.supervised_update(Segmenter(), drawn, [], is_b_labelled=False).loss(batch_of(), {})
    assert list(terms) == ['recovered_loss'] and float(loss) == float(terms['recovered_loss'])


def test_a_step_moves_the_segmenter_and_the_generators_with_their_own_decay():
    networks, segmenter = munit(), UNet(2, 1, levels=2, width=0.125)
    generators = [v for network in networks.values() for v in network.trainable_variables]
    update = transfer.supervised_update(segmenter, translations(networks), generators, generator_decay=1e-4)
    assert update.name == 'supervised' and update.betas == (0.9, 0.999)
    assert [group.decay for group in update.groups] == [5e-4, 1e-4]
    optimizers = make_optimizers([(update,)], (0.5, 0.999), False)
    assert optimizers['supervised'].beta_1 == 0.9
    before = [v.numpy() for v in update.variables]
    metrics = train_step((update,), optimizers, batch_of())
    assert np.isfinite(float(metrics['supervised_loss']))
    moved = {id(v): not np.array_equal(v, value) for v, value in zip(update.variables, before)}
    assert all(moved[id(v)] for v in networks['generator_a'].style_encoder.trainable_variables if v.shape.rank > 1)
    assert not any(moved[id(v)] for v in networks['generator_b'].style_encoder.trainable_variables)
    assert moved[id(segmenter.trainable_variables[0])]
