"""MUNIT's and UNIT's terms with generators that can be followed by hand, their order and their noise."""
import numpy as np
import pytest
import tensorflow as tf

from models.adversarial import train_step
from models.munit import updates as munit
from models.munit.discriminator import MultiscaleDiscriminator
from models.munit.networks import MUNITGenerator, UNITGenerator
from pipelines.training.checkpoints import make_optimizers


class ToyMUNIT(tf.Module):
    """content = c x, style = s x (as [N, 1]), decode = d (content + style)."""

    def __init__(self, c, s, d):
        super().__init__()
        self.c, self.s, self.d = (tf.Variable(float(value)) for value in (c, s, d))
        self.style_numbers = 1

    def encode(self, x):
        return self.content(x), self.style(x)

    def content(self, x):
        return self.c * x

    def style(self, x):
        return self.s * x[:, 0, 0]

    def decode(self, content, style):
        return self.d * (content + style[:, None, None])


class ToyUNIT(tf.Module):
    """code = c x, decode = d code."""

    def __init__(self, c, d):
        super().__init__()
        self.c, self.d = tf.Variable(float(c)), tf.Variable(float(d))

    def encode(self, x):
        return self.c * x

    def decode(self, code):
        return self.d * code


class ToyJudge(tf.Module):
    """Two scales: w x and 2 w x."""

    def __init__(self, w):
        super().__init__()
        self.w = tf.Variable(float(w))

    def __call__(self, x):
        return [self.w * x, 2 * self.w * x]


def picture(value):
    return tf.fill([1, 1, 1, 1], float(value))


BATCH = {'a_image': picture(1), 'b_image': picture(3)}
NOISE = {'a_discriminators': 0.5, 'b_discriminators': -0.5, 'a_generators': 2.0, 'b_generators': 1.0, 'a_cycle': 0.25,
         'b_cycle': -0.25}


def given(batch, use, shape):
    del batch
    return tf.fill([1, *shape], NOISE[use])


def step(networks, make, weights):
    updates = make(networks, weights, given)
    optimizers = {update.name: tf.keras.optimizers.SGD(0.0) for update in updates}
    for update in updates:
        optimizers[update.name].build(update.variables)
    assert [update.name for update in updates] == ['discriminators', 'generators']
    return {name: float(value) for name, value in train_step(updates, optimizers, BATCH).items()}


def judged(w, real, fake):
    return sum((factor * w * fake) ** 2 + (factor * w * real - 1) ** 2 for factor in (1, 2))


def fooled(w, fake):
    return sum((factor * w * fake - 1) ** 2 for factor in (1, 2))


def assert_metrics(metrics, expected):
    for name, value in expected.items():
        assert metrics[name] == pytest.approx(value, rel=1e-5), name


def test_munit_by_hand():
    networks = {'generator_a': ToyMUNIT(2, 3, 5), 'generator_b': ToyMUNIT(7, 11, 13), 'discriminator_a': ToyJudge(0.01),
                'discriminator_b': ToyJudge(0.02)}
    weights = {'picture': 10.0, 'style': 2.0, 'content': 3.0, 'cycle': 4.0, 'gan': 5.0}
    metrics = step(networks, munit.munit_updates, weights)
    ba, ab = 5 * (7 * 3 + 0.5), 13 * (2 * 1 - 0.5)   # with styles of the discriminators' own
    of_d = {'discriminator_a_loss': judged(0.01, 1, ba), 'discriminator_b_loss': judged(0.02, 3, ab)}
    assert_metrics(metrics, {**of_d, 'discriminators_loss': sum(of_d.values())})
    ba, ab = 5 * (7 * 3 + 2), 13 * (2 * 1 + 1)
    aba, bab = 5 * (7 * ab + 3 * 1), 13 * (2 * ba + 11 * 3)
    terms = {'picture_a_loss': abs(5 * (2 + 3) - 1), 'picture_b_loss': abs(13 * (21 + 33) - 3),
             'style_a_loss': abs(3 * ba - 2), 'style_b_loss': abs(11 * ab - 1),
             'content_a_loss': abs(7 * ab - 2), 'content_b_loss': abs(2 * ba - 21),
             'cycle_a_loss': abs(aba - 1), 'cycle_b_loss': abs(bab - 3),
             'gan_a_loss': fooled(0.01, ba), 'gan_b_loss': fooled(0.02, ab)}
    assert_metrics(metrics, {**terms, 'generators_loss': sum(
        weights[name.split('_')[0]] * value for name, value in terms.items())})
    without = step(networks, munit.munit_updates, {**weights, 'cycle': 0.0})
    assert 'cycle_a_loss' not in without


def test_both_sides_of_the_content_term_have_a_gradient():
    a, b = ToyMUNIT(2, 0, 1), ToyMUNIT(3, 0, 1)
    networks = {'generator_a': a, 'generator_b': b, 'discriminator_a': ToyJudge(0), 'discriminator_b': ToyJudge(0)}
    weights = {'picture': 0.0, 'style': 0.0, 'content': 1.0, 'cycle': 0.0, 'gan': 0.0}
    batch = {**BATCH, 'b_image': picture(0)}
    with tf.GradientTape() as tape:
        loss, _ = munit.munit_updates(networks, weights, lambda *_: tf.zeros([1, 1]))[1].loss(batch, {})
    assert float(loss) == 3 * 2 - 2   # |c_b(ab) - c_a(a)|, ab = 2
    assert float(tape.gradient(loss, a.c)) == 3 - 1


def test_unit_by_hand():
    networks = {'generator_a': ToyUNIT(2, 5), 'generator_b': ToyUNIT(7, 13), 'discriminator_a': ToyJudge(0.01),
                'discriminator_b': ToyJudge(0.02)}
    weights = {'picture': 10.0, 'kl': 2.0, 'cycle': 4.0, 'kl_cycle': 3.0, 'gan': 5.0}
    metrics = step(networks, munit.unit_updates, weights)
    assert_metrics(metrics, {'discriminator_a_loss': judged(0.01, 1, 5 * (21 - 0.5)),
                             'discriminator_b_loss': judged(0.02, 3, 13 * (2 + 0.5))})
    noisy_a, noisy_b = 2 + 2.0, 21 + 1.0   # the same for what a code is decoded into
    ba, ab = 5 * noisy_b, 13 * noisy_a
    terms = {'picture_a_loss': abs(5 * noisy_a - 1), 'picture_b_loss': abs(13 * noisy_b - 3),
             'kl_a_loss': 2 ** 2, 'kl_b_loss': 21 ** 2,   # of codes without noise
             'kl_cycle_a_loss': (7 * ab) ** 2, 'kl_cycle_b_loss': (2 * ba) ** 2,
             'cycle_a_loss': abs(5 * (7 * ab + 0.25) - 1), 'cycle_b_loss': abs(13 * (2 * ba - 0.25) - 3),
             'gan_a_loss': fooled(0.01, ba), 'gan_b_loss': fooled(0.02, ab)}
    assert_metrics(metrics, {**terms, 'generators_loss': sum(
        weights[name.rsplit('_', 2)[0]] * value for name, value in terms.items())})


def test_noise_of_every_use_and_domain_is_its_own():
    batch = {'a_key': tf.constant([[3, 1]]), 'b_key': tf.constant([[4, 1]])}
    drawn = [munit.drawn_noise(batch, use, [6]).numpy() for use in munit.USES]
    assert len({tuple(values[0]) for values in drawn}) == len(munit.USES)
    moved = {**batch, 'b_key': tf.constant([[4, 2]])}
    same = [np.array_equal(munit.drawn_noise(moved, use, [6]), values) for use, values in zip(munit.USES, drawn)]
    assert same == [use.startswith('a_') for use in munit.USES]


@pytest.mark.parametrize('generator, make, shallow', [(MUNITGenerator, munit.munit_updates, True),
                                                      (UNITGenerator, munit.unit_updates, False)])
def test_real_networks_learn_to_repeat_a_picture(generator, make, shallow):
    networks = {f'generator_{domain}': generator(1, 4, 1 + shallow, 1, shallow=shallow, seed=seed)
                for seed, domain in enumerate('ab')}
    networks.update({f'discriminator_{domain}': MultiscaleDiscriminator(1, 4, 2, 1, seed=seed)
                     for seed, domain in enumerate('ab', start=2)})
    rows = np.linspace(-0.8, 0.8, 16, dtype=np.float32)
    batch = {'a_image': tf.constant(np.broadcast_to(rows[:, None], [1, 16, 16])[..., None]),
             'b_image': tf.constant(np.broadcast_to(-rows[None], [1, 16, 16])[..., None]),
             'a_key': tf.constant([[0, 1]]), 'b_key': tf.constant([[1, 1]])}
    updates = make(networks)
    optimizers = make_optimizers([updates], (0.5, 0.999), False)
    for optimizer in optimizers.values():
        optimizer.learning_rate.assign(5e-3)
    walk = tf.function(lambda: train_step(updates, optimizers, batch))
    losses = [{name: float(value) for name, value in walk().items()} for _ in range(25)]
    assert losses[-1]['picture_a_loss'] < 0.6 * losses[0]['picture_a_loss']
    assert all(np.isfinite(list(row.values())).all() for row in losses)
