"""The U-Net against its paper's figure 1, by hand."""
import numpy as np
import pytest
import tensorflow as tf

from models.adversarial import train_step
from models.segmenters.losses import segmentation_update
from models.segmenters.unet import UNet, check_size


def test_parameters_of_the_full_size():
    """Figure 1: 23 convolutions. 3x3 pairs without bias but with batch norm's gamma and beta, 2x2
    transposed ones and the last 1x1 with bias."""
    count, before = 0, 1
    for filters in (64, 128, 256, 512, 1024):
        count += 9 * (before * filters + filters * filters) + 4 * filters
        before = filters
    for filters in (512, 256, 128, 64):
        count += 4 * 2 * filters * filters + filters                 # 2x2 up-convolution
        count += 9 * (2 * filters * filters + filters * filters) + 4 * filters
    count += 64 * 4 + 4
    network = UNet(4)
    assert sum(int(tf.size(v)) for v in network.trainable_variables) == count == 31_036_676


@pytest.mark.parametrize('shape', [(2, 48, 80, 1), (1, 16, 16, 1)])
def test_logits_have_the_size_of_the_image(shape):
    network = UNet(3, width=0.125)
    logits = network(tf.zeros(shape), training=False)
    assert logits.shape == (*shape[:3], 3) and logits.dtype == tf.float32


def test_skips_carry_detail_that_the_lowest_level_cannot():
    """A change of one pixel reaches its own logits by the first skip, whatever pooling loses."""
    network = UNet(2, levels=3, width=0.125, seed=1)
    image = np.zeros([1, 32, 32, 1], np.float32)
    changed = image.copy()
    changed[0, 13, 7] = 3.0
    moved = np.abs(network(changed) - network(image)).sum(-1)[0]
    assert moved[13, 7] > 0 and moved[31, 31] < moved[13, 7]


def test_the_seed_makes_the_weights():
    first, same, other = (UNet(2, levels=2, width=0.125, seed=s).get_weights() for s in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, same))
    assert not np.array_equal(first[0], other[0])


def test_learns_a_tiny_picture_by_heart():
    network = UNet(2, levels=3, width=0.125)
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, [2, 16, 16]).astype(np.uint8)
    batch = {'image': tf.constant(label[..., None] + 0.1 * rng.normal(size=[2, 16, 16, 1]),
                                  tf.float32),
             'label': tf.constant(label), 'key': tf.zeros([2, 2], tf.int32)}
    updates = (segmentation_update(network),)
    adam = tf.keras.optimizers.Adam(1e-2)
    adam.build(network.trainable_variables)
    step = tf.function(lambda: train_step(updates, {'segmentation': adam}, batch))
    losses = [float(step()['segmentation_loss']) for _ in range(40)]
    assert losses[0] > 0.4 and losses[-1] < 0.05


@pytest.mark.parametrize('size', [(40, 48), (None, 48), (8, 16)])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match='divisible by 16 for a U-Net of 5 levels, found'):
        check_size(*size)
