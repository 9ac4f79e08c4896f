"""PGGAN's loss and training step: gradients of both orders, what moves, what a step reports."""
import numpy as np
import pytest
import tensorflow as tf

from models.pggan import networks as pggan, wgan_gp
from models.pggan.updates import pggan_updates
from tests.models.pggan.test_networks import batch_of, normal, small_pair


# --- loss -----------------------------------------------------------------------------------------

def test_loss_of_a_linear_score_by_hand():
    # score = 3 * first pixel + 4 * second pixel: its gradient has norm 5 everywhere.
    direction = tf.reshape([3.0, 4.0], [1, 1, 2, 1])
    score = lambda images: tf.reduce_sum(images * direction, axis=[1, 2, 3])
    real = tf.reshape([1.0, 0.0, 0.0, 2.0], [2, 1, 2, 1])  # scores 3, 8
    fake = tf.reshape([0.0, 1.0, 1.0, 1.0], [2, 1, 2, 1])  # scores 4, 7
    pieces = wgan_gp.discriminator_loss(score, real, fake, tf.constant([0.2, 0.9]))
    np.testing.assert_allclose(pieces.gradient_norms, [5, 5], rtol=1e-6)
    np.testing.assert_allclose(pieces.loss, [4 - 3 + 160 + 0.009, 7 - 8 + 160 + 0.064], rtol=1e-6)
    scaled = wgan_gp.discriminator_loss(score, real, fake, tf.constant([0.2, 0.9]), 4)
    np.testing.assert_allclose(scaled.gradient_norms, [1.25, 1.25], rtol=1e-6)
    np.testing.assert_allclose(wgan_gp.generator_loss(score, fake), [-4, -7], rtol=1e-6)


def test_the_penalty_is_asked_between_real_and_fake():
    # score = pixel^2 / 2: the gradient is the pixel itself.
    score = lambda images: tf.reduce_sum(tf.square(images), axis=[1, 2, 3]) / 2
    real, fake = tf.fill([3, 1, 1, 1], 2.0), tf.fill([3, 1, 1, 1], 6.0)
    pieces = wgan_gp.discriminator_loss(score, real, fake, tf.constant([0.0, 0.5, 0.75]))
    np.testing.assert_allclose(pieces.gradient_norms, [2, 4, 5], rtol=1e-6)


def test_a_flat_score_has_finite_derivatives():
    slope = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        norm = wgan_gp.gradient_norm(lambda x: slope * tf.reduce_sum(x, axis=[1, 2, 3]),
                                     tf.ones([2, 2, 2, 1]))
    assert np.isfinite(tape.gradient(norm, slope))


@pytest.mark.parametrize('fused_scale', [True, False])
def test_the_second_derivative_agrees_with_differences(fused_scale, monkeypatch):
    # The norm jumps where a leaky ReLU turns over; differences need something smooth.
    monkeypatch.setattr(pggan, '_activate', tf.nn.softplus)
    _, discriminator = small_pair(8, 1, fused_scale=fused_scale)
    images, alpha = normal(0, 4, 8, 8, 1), tf.fill([4], 0.6)
    variables = discriminator.trainable_variables
    direction = [normal(seed, *v.shape) for seed, v in enumerate(variables)]
    score = lambda x: discriminator(x, level=3, alpha=alpha)

    @tf.function
    def norm_and_slope():
        with tf.GradientTape() as tape:
            norm = tf.reduce_sum(wgan_gp.gradient_norm(score, images))
        gradients = tape.gradient(norm, variables, unconnected_gradients='zero')
        return norm, tf.add_n([tf.reduce_sum(g * d) for g, d in zip(gradients, direction)])

    slope, step = norm_and_slope()[1], 3e-3
    ends = []
    for sign in (1, -2):
        for variable, d in zip(variables, direction):
            variable.assign_add(sign * step * d)
        ends.append(norm_and_slope()[0])
    np.testing.assert_allclose((ends[0] - ends[1]) / (2 * step), slope, rtol=1e-2)


# --- training step --------------------------------------------------------------------------------

def gradients_of(update, batch):
    with tf.GradientTape() as tape:
        loss, metrics = update.loss(batch, {})
    names = [variable.name for variable in update.variables]
    return loss, metrics, dict(zip(names, tape.gradient(loss, update.variables)))


@pytest.mark.parametrize('fused_scale', [True, False])
@pytest.mark.parametrize('level, fading', [(2, False), (3, True), (3, False), (4, True)])
def test_gradients_reach_what_is_used_and_nothing_else(fused_scale, level, fading):
    networks = small_pair(fused_scale=fused_scale)
    batch = batch_of(level, alpha=tf.fill([4], 0.5)) if fading else batch_of(level)
    for update, kind in zip(pggan_updates(*networks, level, 2.0 ** (4 - level)),
                            ('from_rgb', 'to_rgb')):
        _, _, gradients = gradients_of(update, batch)
        used_colours = {level, level - 1} if fading else {level}
        used = {f'{side}/{part}' for part in ('kernel:0', 'bias:0') for side in
                ['4x4_conv'] + (['4x4_dense'] if kind == 'to_rgb' else ['4x4_dense0', '4x4_dense1'])
                + [f'{2**l}px_{kind}' for l in used_colours]
                + [f'{2**l}px_conv{i}' for l in range(3, level + 1) for i in (0, 1)]}
        assert {name for name, gradient in gradients.items() if gradient is not None} == used
        assert all(np.isfinite(gradients[name]).all() for name in used)
        assert all(np.abs(gradients[name]).max() > 0 for name in used)


def test_updates_train_the_discriminator_first_and_report():
    generator, discriminator = small_pair(8, 2)
    first, second = pggan_updates(generator, discriminator, 3, 1.0)
    assert (first.name, second.name) == ('discriminator', 'generator')
    for update, network in ((first, discriminator), (second, generator)):
        assert {id(v) for v in update.variables} == {id(v) for v in network.trainable_variables}
    batch = batch_of(3, channels=2)
    loss, metrics, _ = gradients_of(first, batch)

    score = lambda images: discriminator(images, level=3)
    fake = generator(batch['latent_discriminator'], level=3)
    pieces = wgan_gp.discriminator_loss(score, batch['real'], fake, batch['mixing'])
    real_score, fake_score = (np.mean(score(x)) for x in (batch['real'], fake))
    np.testing.assert_allclose(loss, np.mean(pieces.loss), rtol=1e-5)
    assert {name: float(value) for name, value in metrics.items()} == pytest.approx({
        'score_real': real_score, 'score_fake': fake_score, 'wasserstein': real_score - fake_score,
        'image_gradient_norm': np.mean(pieces.gradient_norms)}, rel=1e-4)
    np.testing.assert_allclose(
        gradients_of(second, batch)[0],
        -np.mean(score(generator(batch['latent_generator'], level=3))), rtol=1e-5)


def test_a_few_steps_separate_real_from_fake():
    generator, discriminator = small_pair(8, 1)
    updates = pggan_updates(generator, discriminator, 3, 1.0)
    optimizer = tf.keras.optimizers.Adam(3e-3, 0.0, 0.99, 1e-8)
    batch = batch_of(3, count=8)
    batch['real'] = tf.ones([8, 8, 8, 1]) * tf.linspace(-1.0, 1.0, 8)[None, :, None, None]

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss, metrics = updates[0].loss(batch, {})
        pairs = zip(tape.gradient(loss, discriminator.trainable_variables),
                    discriminator.trainable_variables)
        optimizer.apply_gradients([pair for pair in pairs if pair[0] is not None])
        return loss, metrics

    optimizer.build(discriminator.trainable_variables)
    losses = [float(step()[0]) for _ in range(60)]
    assert losses[-1] < min(losses[0], 0.0)
    assert 0.5 < float(step()[1]['image_gradient_norm']) < 1.5


def test_mixed_precision_keeps_weights_and_results_in_float32():
    exact = small_pair(8, 1)
    tf.keras.mixed_precision.set_global_policy('mixed_float16')
    try:
        half = small_pair(8, 1)
    finally:
        tf.keras.mixed_precision.set_global_policy('float32')
    batch = batch_of(3, alpha=tf.fill([4], 0.5))
    for networks in zip(exact, half):
        assert all(variable.dtype == tf.float32 for variable in networks[1].variables)
    images = half[0](batch['latent_generator'], level=3, alpha=batch['alpha'])
    assert images.dtype == half[1](images, level=3).dtype == tf.float32
    assert half[0].blocks[0][0](tf.zeros([1, 4, 4, 8])).dtype == tf.float16
    for update, reference in zip(pggan_updates(*half, 3, 1.0), pggan_updates(*exact, 3, 1.0)):
        loss, _, gradients = gradients_of(update, batch)
        expected_loss, _, expected = gradients_of(reference, batch)
        np.testing.assert_allclose(loss, expected_loss, rtol=2e-2)
        for name, gradient in gradients.items():
            if expected[name] is None:
                assert gradient is None
            else:
                scale = np.abs(expected[name]).max()
                np.testing.assert_allclose(gradient, expected[name], atol=0.1 * scale)
