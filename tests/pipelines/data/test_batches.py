"""Batches are pure functions of (seed, step), in memory or as read; augmentation moves pairs alike."""
import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import InputError
from pipelines.data import batches as inputs, pixels
from pipelines.plan.augmentation import Augmentation
from pipelines.runtime import keyed
from tests.datasets.test_records import example, write
from pipelines.data import augment

COUNT, BATCH = 6, 4


@pytest.fixture(scope='module')
def info(tmp_path_factory):
    return write(tmp_path_factory.mktemp('records') / 'r', [example(i) for i in range(COUNT)])


def prepare(row):
    return {'image': tf.cast(row['image'], tf.float32), 'labels': row['labels'],
            'index': row['index']}


def finish(step, keys, rows):
    image = tf.ensure_shape(rows['image'], [BATCH, 16, 16, 1])
    labels = tf.ensure_shape(rows['labels'], [BATCH, 16, 16])
    image, (labels,) = augment.augment(image, [labels], keys, Augmentation(9, .1, .1, .02, .2, .1))
    image, labels = augment.random_crop(image, labels, keys, 9)
    return {'image': image, 'labels': labels, 'index': rows['index'], 'step': step,
            'latent': keyed.normal(keys, keyed.LATENT, [3])}


def take(info, first, count, memory=100, seed=5, keep=None):
    stream = inputs.batches(info, prepare, finish, BATCH, seed, first, memory, keep)
    return list(stream.take(count).as_numpy_iterator())


@pytest.mark.parametrize('memory', [100, 0], ids=['in memory', 'as read'])
def test_a_stream_begun_later_continues_the_same(info, memory):
    whole = take(info, 0, 7, memory)
    tf.random.set_seed(1)  # what else ran in the process does not matter
    rest = take(info, 4, 3, memory)
    for a, b in zip(whole[4:], rest):
        assert all((a[key] == b[key]).all() for key in a)
    assert [batch['step'] for batch in rest] == [4, 5, 6]


@pytest.mark.parametrize('memory', [100, 0], ids=['in memory', 'as read'])
def test_every_epoch_is_a_permutation_and_epochs_differ(info, memory):
    order = np.concatenate([batch['index'] for batch in take(info, 0, 6, memory)])
    epochs = order.reshape(-1, COUNT)
    assert all(sorted(epoch) == list(range(COUNT)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_there_are_as_many_orders_as_epochs():
    """`index_shuffle` by the bare numbers has 256, and seeds that agree modulo 256 share them."""
    shuffled = tf.function(keyed.shuffled)

    def orders(seed, count=24, epochs=2000):
        found = shuffled(tf.range(count * epochs, dtype=tf.int64), count, seed).numpy().reshape(epochs, count)
        assert (np.sort(found, axis=1) == np.arange(count)).all()
        return found

    one, other = orders(5), orders(5 + 256)
    assert len(np.unique(one, axis=0)) > 1900
    assert not (one == other).all(axis=1).any()
    shares = np.stack([np.bincount(one[:, place], minlength=24) for place in range(24)])
    assert abs(shares - 2000 / 24).max() < 5 * np.sqrt(2000 / 24)  # each row anywhere, as often


def test_the_memory_limit_changes_no_batch(info):
    keep = lambda row: row['index'] != 2
    for kept, read in zip(take(info, 3, 5, 100, keep=keep), take(info, 3, 5, 0, keep=keep)):
        assert set(kept) == set(read) and all((kept[key] == read[key]).all() for key in kept)


def test_rows_in_memory_lie_on_the_host(info, monkeypatch):
    """On a machine with a GPU that is the default; here another device is."""
    placed = []

    def on_host(rows, put=inputs.on_host):
        placed.append(put(rows))
        return placed[-1]

    monkeypatch.setattr(inputs, 'on_host', on_host)
    with tf.device('/CPU:1'):
        assert tf.constant(1.0).device.endswith('CPU:1')
        inputs.batches(info, prepare, lambda step, keys, rows: rows, BATCH, 5, 0, memory_limit_mb=100)
    rows, = placed
    assert len(rows) == 3 and all(value.device.endswith('CPU:0') for value in rows.values())


def test_seed_and_sample_decide_the_random_numbers(info):
    a, b = take(info, 0, 2), take(info, 0, 2, seed=6)
    assert not np.allclose(a[0]['latent'], b[0]['latent'])
    latents = np.concatenate([batch['latent'] for batch in a])
    assert len(np.unique(latents.round(5))) == latents.size


@pytest.mark.parametrize('memory', [100, 0], ids=['in memory', 'as read'])
def test_only_kept_records_come(info, memory):
    batches = take(info, 0, 3, memory, keep=lambda row: row['index'] < 2)
    assert set(np.concatenate([batch['index'] for batch in batches])) == {0, 1}


def test_nothing_kept_is_one_line(info):
    with pytest.raises(InputError, match='expected records to learn from, found none'):
        take(info, 0, 1, keep=lambda row: row['index'] < 0)


@pytest.mark.parametrize('how', [Augmentation(rotation=10, shift=0.1, scale=0.1),
                                 Augmentation(elastic=0.03)], ids=['affine', 'elastic'])
def test_crops_and_warps_move_image_and_labels_alike(how):
    """The image is its label map; after any warp and crop nearly every pixel still is."""
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 5, (4, 6, 6)), np.ones((8, 8))).astype(np.uint8)
    keys = keyed.sample_keys(3, tf.range(4))
    image, (moved,) = augment.augment(tf.constant(labels[..., None], tf.float32),
                                      [tf.constant(labels)], keys, how)
    image, moved = augment.random_crop(image, moved, keys, 24)
    assert image.shape == (4, 24, 24, 1) and moved.dtype == tf.uint8
    same = np.abs(image.numpy()[..., 0] - moved.numpy()) < 0.5
    assert same.mean() > 0.8
    assert (moved.numpy() != labels[:, :24, :24]).mean() > 0.2


@pytest.mark.parametrize('how', [Augmentation(rotation=10, shift=0.1, scale=0.1),
                                 Augmentation(elastic=0.03)], ids=['affine', 'elastic'])
def test_warped_codes_stay_codes(how):
    """Between an organ's code and another's lie those of other organs: none of them may appear."""
    labels = np.kron(np.random.default_rng(0).choice([1, 7], (4, 6, 6)), np.ones((8, 8))).astype(np.uint8)
    _, (moved,) = augment.augment(tf.zeros([4, 48, 48, 1]), [tf.constant(labels)],
                                  keyed.sample_keys(3, tf.range(4)), how)
    assert set(np.unique(moved)) <= {0, 1, 7} and (moved.numpy() != labels).any()


def test_crops_reach_every_edge():
    rows, columns = np.meshgrid(np.arange(11), np.arange(11), indexing='ij')
    pair = np.broadcast_to(rows, [64, 11, 11]), np.broadcast_to(columns, [64, 11, 11])
    tops, lefts = augment.random_crop(tf.constant(pair[0][..., None]), tf.constant(pair[1]),
                                      keyed.sample_keys(3, tf.range(64)), 9)
    assert set(tops.numpy()[:, 0, 0, 0]) == set(lefts.numpy()[:, 0, 0]) == {0, 1, 2}


def test_an_elastic_warp_is_smooth_and_as_strong_as_asked():
    """A picture of its own x and y shows by how much every pixel came from elsewhere."""
    size, strength = 64, 0.02
    ramp = np.broadcast_to(np.arange(size, dtype=np.float32)[:, None], [32, size, size])
    keys = keyed.sample_keys(3, tf.range(32))
    moved, _ = augment.augment(tf.constant(ramp[..., None]), [], keys,
                               Augmentation(elastic=strength))
    apart = (moved.numpy()[..., 0] - ramp)[:, 12:-12, 12:-12]
    # between the nodes of the grid independent displacements average out
    assert 0.6 * strength * size < apart.std() < strength * size
    assert np.abs(np.diff(apart, axis=1)).max() < 1  # never folds
    assert len(np.unique(apart[:, 0, 0])) == 32


def test_tone_and_noise_leave_labels_alone_and_the_range_of_tone():
    image = tf.random.stateless_uniform([2, 8, 8, 1], [1, 2])
    labels = tf.zeros([2, 8, 8], tf.uint8)
    keys = keyed.sample_keys(3, tf.range(2))
    toned, _ = augment.augment(image, [labels], keys, Augmentation(gamma=0.5))
    np.testing.assert_allclose(tf.reduce_max(toned, [1, 2, 3]), tf.reduce_max(image, [1, 2, 3]),
                               rtol=1e-5)
    assert float(tf.reduce_max(tf.abs(toned - image))) > 0.01
    noisy, (same,) = augment.augment(image, [labels], keys, Augmentation(noise=0.5))
    assert float(tf.reduce_max(tf.abs(noisy - image))) > 0.01
    assert (same.numpy() == 0).all()


def test_standardise_gives_the_same_for_any_positive_linear_grey_scale():
    image = tf.random.stateless_uniform([1, 16, 16, 1], [1, 2])
    one, other = pixels.standardise(image), pixels.standardise(image * 65535 - 40)
    np.testing.assert_allclose(one, other, atol=1e-3)
    np.testing.assert_allclose([tf.reduce_mean(one), tf.math.reduce_std(one)], [0, 1], atol=1e-5)


def test_stretch_clips_the_ends_and_comes_back_as_uint8():
    image = tf.reshape(tf.range(1000), [20, 50, 1])
    stretched = pixels.stretch(image).numpy().ravel()
    # 0.5 % of 999 is 4.995: the pixels 4 and 994 become the ends
    assert (stretched[:5] == -1).all() and (stretched[994:] == 1).all()
    assert stretched[5] > -1 and stretched[993] < 1
    np.testing.assert_allclose(stretched[499], 0, atol=1e-6)
    assert pixels.to_uint8(tf.constant([-2.0, -1, 0, 1, 2])).numpy().tolist() == [
        0, 0, 128, 255, 255]


def test_resized_labels_take_what_covers_most():
    labels = tf.constant([[1, 1, 0, 2], [1, 0, 2, 2], [0, 0, 2, 2], [0, 3, 2, 2]], tf.uint8)
    assert pixels.resize_labels(labels, 2, 4).numpy().tolist() == [[1, 2], [0, 2]]
    assert pixels.resize_labels(labels, 4, 4).numpy().tolist() == labels.numpy().tolist()


def test_enlarging_codes_keeps_them():
    codes = tf.constant([[[1, 2], [3, 4]]], tf.uint8)
    assert pixels.resize_nearest(codes, 4)[0].numpy().tolist() == [
        [1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]


def test_a_share_of_the_pictures_is_mirrored_with_their_maps():
    keys = keyed.sample_keys(3, tf.range(400))
    image = tf.tile(tf.reshape(tf.range(6.0), [1, 1, 6, 1]), [400, 2, 1, 2])
    labels = tf.cast(image[..., 0], tf.uint8)
    mirrored, (moved,) = augment.augment(image, [labels], keys, Augmentation(flip=0.25))
    turned = mirrored[:, 0, 0, 0].numpy() == 5
    assert 0.18 < turned.mean() < 0.32
    np.testing.assert_array_equal(mirrored[turned], image[turned][:, :, ::-1])
    np.testing.assert_array_equal(mirrored[~turned], image[~turned])
    np.testing.assert_array_equal(moved, mirrored[..., 1])
    assert moved.dtype == tf.uint8
    whole, _ = augment.augment(image, [labels], keys, Augmentation(flip=1.0))
    np.testing.assert_array_equal(whole, image[:, :, ::-1])
