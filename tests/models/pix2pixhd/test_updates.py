"""Pix2PixHD's losses by hand, its two updates, and the VGG19 perceptual loss."""
import numpy as np
import pytest
import tensorflow as tf

from models.adversarial import train_step
from models.pix2pixhd.networks import GlobalGenerator, MultiscaleDiscriminator
from models.pix2pixhd.updates import feature_matching, least_squares, pix2pixhd_updates
from models.pix2pixhd.vgg import perceptual_loss

REAL = [[[0.0, 2.0], [1.0], [3.0]], [[4.0], [5.0], [0.0, 2.0]]]
FAKE = [[[1.0, 2.0], [3.0], [9.0]], [[4.0], [6.0], [9.0]]]


def features(values):
    return [[tf.Variable(layer) for layer in scale] for scale in values]


def test_least_squares_sums_over_scales():
    assert least_squares(features(REAL), 1.0).numpy() == (3 - 1) ** 2 + (1 + 1) / 2
    assert least_squares(features(REAL), 0.0).numpy() == 9 + 2


def test_feature_matching_skips_the_scores_and_detaches_the_real_side():
    real, fake = features(REAL), features(FAKE)
    with tf.GradientTape() as tape:
        loss = feature_matching(real, fake)
    assert loss.numpy() == (0.5 + 2 + 0 + 1) * 4 / 2 / 2
    of_real, of_fake = tape.gradient(loss, [real, fake])
    assert of_real == [[None] * 3] * 2
    assert of_fake[0][1].numpy() == [1.0] and of_fake[0][2] is None


def test_losses_are_float32_under_mixed_precision():
    large = [[tf.fill([400], tf.constant(300, tf.float16))] * 2]
    assert least_squares(large, 0.0).numpy() == 90_000  # beyond float16
    zero = [[tf.zeros([400], tf.float16)] * 2]
    assert feature_matching(zero, large).numpy() == 1200


def pair(size=32):
    """A disc in one of two channels, and a picture with a ramp inside it."""
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    disc = (rows ** 2 + columns ** 2 < 0.1).astype(np.float32)
    return {'source': np.stack([1 - disc, disc], -1)[None],
            'target': np.tanh(disc * (2 * rows + 0.5) - 0.5)[None, ..., None].astype(np.float32)}


def networks():
    return (GlobalGenerator(2, 1, ngf=8, downsamplings=2, blocks=1, seed=1),
            MultiscaleDiscriminator(3, ndf=8, layers=2, scales=2, seed=2))


def updates_of(generator, discriminator, *arguments, translate=None):
    return pix2pixhd_updates(lambda batch: (translate or generator)(batch['source']), discriminator, generator.trainable_variables,
                             discriminator.trainable_variables, *arguments)


def test_one_picture_serves_both_updates_and_is_detached():
    generator, discriminator = networks()
    pictures = []

    def counted(source):
        pictures.append(generator(source))
        return pictures[-1]

    first, second = updates_of(generator, discriminator, translate=counted)
    made = {}
    with tf.GradientTape(persistent=True) as tape:
        of_generator, generator_terms = first.loss(pair(), made)
        of_discriminator, discriminator_terms = second.loss(pair(), made)
    assert len(pictures) == 1
    variables = generator.trainable_variables
    assert None not in tape.gradient(of_generator, variables)
    assert set(tape.gradient(of_discriminator, variables)) == {None}
    assert None not in tape.gradient(of_discriminator, discriminator.trainable_variables)
    assert float(of_generator) == pytest.approx(sum(map(float, generator_terms.values())))
    assert float(of_discriminator) == pytest.approx(
        sum(map(float, discriminator_terms.values())) / 2)


def test_weight_of_features_and_perceptual_loss():
    generator, discriminator = networks()

    def terms(*arguments):
        _, terms = updates_of(generator, discriminator, *arguments)[0].loss(pair(), {})
        return {name: float(value) for name, value in terms.items()}

    ten, two = terms(), terms(2.0, lambda real, fake: tf.constant(7.0))
    assert sorted(ten) == ['feature_loss', 'gan_loss']
    assert two['feature_loss'] == pytest.approx(ten['feature_loss'] / 5)
    assert two['gan_loss'] == pytest.approx(ten['gan_loss'])
    assert two['perceptual_loss'] == 14


def test_a_pair_is_learnt():
    generator, discriminator = networks()
    batch = {name: tf.constant(value) for name, value in pair().items()}
    updates = updates_of(generator, discriminator)
    optimizers = {update.name: tf.keras.optimizers.Adam(2e-3, beta_1=0.5) for update in updates}
    for update in updates:
        optimizers[update.name].build(update.variables)

    @tf.function
    def step():
        return {**train_step(updates, optimizers, batch),
                'distance': tf.reduce_mean(tf.abs(generator(batch['source']) - batch['target']))}

    history = [step() for _ in range(60)]
    first, last = [{name: np.mean([float(metrics[name]) for metrics in part])
                    for name in history[0]} for part in (history[:5], history[-5:])]
    assert last['feature_loss'] < 0.5 * first['feature_loss']
    assert last['distance'] < 0.5 * first['distance']


@pytest.fixture(scope='module')
def vgg(tmp_path_factory):
    """Folder with the same random weights as Keras' and as torchvision's file, and the network."""
    folder = tmp_path_factory.mktemp('vgg')
    tf.keras.utils.set_random_seed(0)
    network = tf.keras.applications.VGG19(include_top=False, weights=None)
    network.save_weights(str(folder / 'random_notop.h5'))
    numbers = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]  # of torchvision's layers
    layers = [layer for layer in network.layers if layer.weights]
    np.savez(folder / 'vgg19.npz', **{
        f'features.{number}.{part}': value for number, layer in zip(numbers, layers)
        for part, value in (('weight', layer.kernel.numpy().transpose(3, 2, 0, 1)),
                            ('bias', layer.bias.numpy()))})
    return folder, network


@pytest.mark.parametrize('name, prepare', [
    ('vgg19.npz', lambda rgb: rgb),
    ('random_notop.h5', lambda rgb: 127.5 * (rgb[..., ::-1] + 1) - [103.939, 116.779, 123.68])])
def test_perceptual_loss_by_hand(vgg, name, prepare):
    folder, network = vgg
    real, fake = np.random.default_rng(0).uniform(-1, 1, (2, 2, 32, 32, 1)).astype(np.float32)
    expected = 0.0
    for i, weight in enumerate([1 / 32, 1 / 16, 1 / 8, 1 / 4, 1], start=1):
        layer = tf.keras.Model(network.input, network.get_layer(f'block{i}_conv1').output)
        a, b = [layer(prepare(np.repeat(picture, 3, -1))).numpy() for picture in (real, fake)]
        assert a.min() == 0  # after the ReLU
        expected += weight * np.abs(a - b).mean()
    loss = perceptual_loss(str(folder / name))
    assert float(loss(real, fake)) == pytest.approx(expected, rel=1e-4)
    assert float(loss(np.repeat(real, 3, -1), np.repeat(fake, 3, -1))) == pytest.approx(
        expected, rel=1e-4)


def test_perceptual_gradient_reaches_only_the_fake_picture(vgg):
    real, fake = [tf.Variable(np.full((1, 32, 32, 1), value, np.float32)) for value in (-.5, .5)]
    loss = perceptual_loss(str(vgg[0] / 'vgg19.npz'))
    with tf.GradientTape() as tape:
        value = loss(real, fake)
    of_real, of_fake = tape.gradient(value, [real, fake])
    assert of_real is None and np.abs(of_fake).max() > 0


def test_perceptual_loss_refuses_two_channels(vgg):
    with pytest.raises(ValueError, match='1 or 3 channels, found 2'):
        perceptual_loss(str(vgg[0] / 'vgg19.npz'))(*np.zeros((2, 1, 32, 32, 2)))


@pytest.mark.parametrize('name, content', [
    ('nowhere.h5', None), ('nowhere.npz', None), ('wrong.h5', b'no weights'),
    ('wrong.npz', b'no weights'), ('cut.npz', b'PK')])
def test_wrong_weights_of_vgg(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f'VGG19 weights: expected .* found .*{name}.*give another'):
        perceptual_loss(str(tmp_path / name))


def test_weights_of_another_network_are_no_vgg(tmp_path):
    np.savez(tmp_path / 'other.npz', **{'model.1.weight': np.zeros((3, 3, 3, 3))})
    with pytest.raises(ValueError, match="VGG19 weights: .*'.*other.npz'"):
        perceptual_loss(str(tmp_path / 'other.npz'))
