"""pix2pix's networks: published sizes, where dropout comes, what batch norm divides by."""
import numpy as np
import pytest
import tensorflow as tf

from models.pix2pix.networks import PatchGAN, UNetGenerator
from models.pix2pixhd.networks import GlobalGenerator


def counted(make):
    """(trainable numbers, statistics) of a network that is described and never filled."""
    with tf.Graph().as_default():
        network = make()
        return tuple(sum(v.shape.num_elements() for v in part)
                     for part in (network.trainable_variables, network.non_trainable_variables))


@pytest.mark.parametrize('given, drawn, norm, expected', [
    (3, 3, 'batch', (54_413_955, 9_856)), (3, 3, 'instance', (54_409_603, 0)), (1, 1, 'batch', (54_407_809, 9_856)),
    (3, 1, 'batch', (54_409_857, 9_856)), (1, 1, 'instance', (54_403_457, 0)), (3, 1, 'instance', (54_405_505, 0))])
def test_parameters_of_the_published_u_net(given, drawn, norm, expected):
    assert counted(lambda: UNetGenerator(given, drawn, norm=norm)) == expected


@pytest.mark.parametrize('channels, norm, expected', [
    (6, 'batch', (2_768_705, 1_792)), (4, 'batch', (2_766_657, 1_792)), (2, 'batch', (2_764_609, 1_792)),
    (6, 'instance', (2_767_809, 0)), (4, 'instance', (2_765_761, 0)), (2, 'instance', (2_763_713, 0)),
    (3, 'instance', (2_764_737, 0)), (1, 'instance', (2_762_689, 0))])   # the last two: CycleGAN's
def test_parameters_of_the_published_patchgan(channels, norm, expected):
    assert counted(lambda: PatchGAN(channels, norm=norm)) == expected


@pytest.mark.parametrize('channels, blocks, expected', [
    (3, 9, 11_378_179), (1, 9, 11_365_633), (3, 6, 7_837_699), (1, 6, 7_825_153)])
def test_parameters_of_cyclegans_generator(channels, blocks, expected):
    assert counted(lambda: GlobalGenerator(channels, channels, downsamplings=2, blocks=blocks)) == (expected, 0)


@pytest.mark.parametrize('levels', range(5, 10))
def test_sides_of_the_u_net(levels):
    network = UNetGenerator(2, 3, levels, 1, seed=3)
    side = 2 ** levels
    assert network(tf.zeros([1, side, 2 * side if levels < 8 else side, 2])).shape[1:] == (
        side, 2 * side if levels < 8 else side, 3)
    with pytest.raises(ValueError, match=f'divisible by {side} for the U-Net generator, found {side + 1} x {side}'):
        network(tf.zeros([1, side + 1, side, 2]))


def test_the_published_patchgan_scores_30_x_30_patches_of_70_px():
    network = PatchGAN(1, 1)
    picture = tf.Variable(tf.random.stateless_normal([1, 256, 256, 1], [1, 2]))
    with tf.GradientTape() as tape:
        scores = network(picture)
        middle = scores[0, 15, 15, 0]
    assert scores.shape == (1, 30, 30, 1)
    rows = np.flatnonzero(np.abs(tape.gradient(middle, picture).numpy()[0, :, :, 0]).sum(1))
    assert rows[-1] - rows[0] + 1 == 70


def test_a_picture_that_is_too_small_to_be_judged_is_named():
    assert PatchGAN(1, 1)(tf.zeros([1, 24, 24, 1])).shape == (1, 1, 1, 1)
    with pytest.raises(ValueError, match='from 24 px on for a PatchGAN of 3 layers, found 23 x 24'):
        PatchGAN(1, 1)(tf.zeros([1, 23, 24, 1]))


@pytest.mark.parametrize('levels, blocks', [(5, 0), (6, 1), (8, 3), (9, 4)])
def test_dropout_follows_the_blocks_after_the_innermost(levels, blocks):
    network, seen = UNetGenerator(1, 1, levels, 1), []

    def drop(x, rate):
        seen.append((x.shape[1], rate))
        return x
    network(tf.zeros([1, 2 ** levels, 2 ** levels, 1]), drop=drop)
    assert seen == [(2 ** (number + 2), 0.5) for number in range(blocks)]


def random(network, seed=0):
    """Weights that make every layer count."""
    rng = np.random.default_rng(seed)
    network.set_weights([np.abs(w) if (w >= 0).all() and w.ndim == 1 and w.any() else
                         rng.normal(scale=0.3, size=w.shape) for w in network.get_weights()])
    return network


@pytest.mark.parametrize('make', [lambda norm: UNetGenerator(1, 2, 5, 2, norm), lambda norm: PatchGAN(1, 2, 2, norm),
                                  lambda norm: GlobalGenerator(1, 2, 2, 2, 1, norm=norm)])
def test_statistics(make):
    network, x = random(make('batch')), tf.random.stateless_normal([3, 32, 32, 1], [1, 2])
    before = network.get_weights()
    one_by_one = tf.concat([network(one[None], statistics='batch') for one in x], 0)
    network.set_weights(before)
    np.testing.assert_allclose(network(x, statistics='sample'), one_by_one, atol=2e-5)
    moving = network(x, statistics='running')
    assert all((a == b).all() for a, b in zip(before, network.get_weights()))   # only the batch's are followed
    batch = network(x, statistics='batch')
    assert np.abs(batch - one_by_one).max() > 1e-3 and np.abs(batch - moving).max() > 1e-3
    moved = [not (a == b).all() for a, b in zip(before, network.get_weights())]
    assert sum(moved) == len(network.non_trainable_variables) > 0
    network = make('instance')
    np.testing.assert_array_equal(network(x, statistics='batch'), network(x, statistics='running'))
    assert not network.non_trainable_variables


def test_the_seed_decides_the_weights():
    one, again, other = (UNetGenerator(1, 1, 5, 2, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, again))
    assert (one[0] != other[0]).all()
    gamma = UNetGenerator(1, 1, 8, 64, seed=1).downs[3].norm.gamma.numpy()
    assert abs(gamma.mean() - 1) < 0.01 and 0.017 < gamma.std() < 0.023


@pytest.mark.parametrize('make, message', [
    (lambda: UNetGenerator(1, 1, 4), 'levels: expected from 5 on, found 4'),
    (lambda: UNetGenerator(1, 1, 5, norm='layer'), "norm: expected one of instance, batch, found 'layer'"),
    (lambda: PatchGAN(1, norm='none'), "norm: expected one of instance, batch, found 'none'")])
def test_what_there_is_not(make, message):
    with pytest.raises(ValueError, match=message):
        make()
