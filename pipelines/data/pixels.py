"""Pixels into tensors and back: grey scales, sizes, label channels. TensorFlow ops only.

The same functions run in the training pipelines and inside the exported graphs, so that a model is
served exactly what it was trained on.
"""
from __future__ import annotations

import numpy as np
import tensorflow as tf

from datasets.labels import grey_levels
from pipelines.data.resampling import resampled

CLIP_PERCENT = 0.5   # [ours] share of pixels clipped at either end of a GAN's grey range
TONES = 256          # [ours] ranks at which a tone is known, equally spaced from the darkest pixel to the brightest


def stretch(image: tf.Tensor) -> tf.Tensor:
    """Any pictures [..., H, W, C] -> float32 in [-1, 1] for a GAN, clipped at the 0.5 and 99.5 percentiles.

    JSRT's tone varies a lot between images, so each is normalised by itself.
    """
    image = tf.cast(image, tf.float32)
    ordered = tf.sort(tf.reshape(image, tf.concat([tf.shape(image)[:-3], [-1]], 0)))
    last = tf.cast(tf.shape(ordered)[-1] - 1, tf.float32)
    low, high = (tf.gather(ordered, tf.cast(last * share / 100, tf.int32), axis=-1)[..., None, None, None]
                 for share in (CLIP_PERCENT, 100 - CLIP_PERCENT))
    unit = (image - low) / tf.maximum(high - low, 1e-6)
    return tf.clip_by_value(unit, 0, 1) * 2 - 1


def tones(image: tf.Tensor) -> tf.Tensor:
    """The greys of a picture [H, W, C] at TONES ranks from its darkest to its brightest, float32 [TONES]."""
    ordered = tf.sort(tf.reshape(tf.cast(image, tf.float32), [-1]))
    last = tf.cast(tf.size(ordered) - 1, tf.float32)
    return tf.gather(ordered, tf.cast(tf.round(tf.linspace(0.0, 1.0, TONES) * last), tf.int32))


def with_tone(images: tf.Tensor, curve) -> tf.Tensor:
    """Pictures [N, H, W, C] with another tone: the grey of each pixel becomes that of its rank in `curve`.

    A monotone map for each picture, all channels together: pixels that were equal, those of a black border for
    example, stay equal, at their middle rank.

    Args:
      curve: greys at equally spaced ranks, float32 [TONES], as of `tones`.
    """
    flat = tf.reshape(tf.cast(images, tf.float32), [tf.shape(images)[0], -1])
    ordered = tf.sort(flat)
    first, behind = (tf.cast(tf.searchsorted(ordered, flat, side), tf.float32) for side in ('left', 'right'))
    count = tf.cast(tf.shape(flat)[1], tf.float32)
    place = (first + behind - 1) / 2 / tf.maximum(count - 1, 1) * (TONES - 1)
    below = tf.cast(tf.clip_by_value(tf.floor(place), 0, TONES - 2), tf.int32)
    share, curve = place - tf.cast(below, tf.float32), tf.constant(curve, tf.float32)
    made = tf.gather(curve, below) * (1 - share) + tf.gather(curve, below + 1) * share
    return tf.reshape(made, tf.shape(images))


def to_uint8(image: tf.Tensor) -> tf.Tensor:
    """GAN picture in [-1, 1] -> uint8; the only place where it is clipped."""
    return tf.cast(tf.round(tf.clip_by_value((image + 1) * 127.5, 0, 255)), tf.uint8)


def displayed(image) -> np.ndarray:
    """Any picture [H, W, C] -> uint8 [H, W] or, of several channels, [H, W, C], in the range that a GAN
    sees, for people."""
    picture = to_uint8(stretch(image)).numpy()
    return picture[..., 0] if picture.shape[-1] == 1 else picture


def standardise(images: tf.Tensor, deviation: float = 1.0) -> tf.Tensor:
    """Float pictures [..., H, W, C] -> mean 0 and the given standard deviation each.

    Any positive linear grey scale gives the same result; polarity is not guessed.
    """
    mean, variance = tf.nn.moments(images, axes=[-3, -2, -1], keepdims=True)
    return (images - mean) * (deviation * tf.math.rsqrt(tf.maximum(variance, 1e-12)))


def resize(images: tf.Tensor, height, width) -> tf.Tensor:
    """Bilinear, antialiased when shrinking; [N, H, W, C] or [H, W, C] -> float32."""
    return tf.image.resize(tf.cast(images, tf.float32), [height, width], antialias=True)


def fitted(images: tf.Tensor, size: int, fit: str):
    """Pictures [N, H, W, C] of one shape -> (float32 [N, size, size, C], (top, left, height, width)).

    As prepare.resize_sample fits them into the squares of records: there `fitting.box_of` says where.
    """
    if fit == 'stretch':
        return resampled(images, size, size), (0, 0, size, size)
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    longest = tf.maximum(height, width)
    rows, columns = (tf.maximum(1, (2 * side * size + longest) // (2 * longest)) for side in (height, width))
    top, left = (size - rows) // 2, (size - columns) // 2
    small = resampled(images, rows, columns)
    darkest = tf.reduce_min(small, axis=[1, 2, 3], keepdims=True)
    taken = tf.image.pad_to_bounding_box(tf.ones_like(small), top, left, size, size)
    square = tf.image.pad_to_bounding_box(small, top, left, size, size)
    return tf.where(taken > 0, square, darkest), (top, left, rows, columns)


def resize_labels(labels: tf.Tensor, size: int, num_values: int) -> tf.Tensor:
    """Label map [H, W] of 0..num_values-1 -> uint8 [size, size]: the value that covers most."""
    if labels.shape[-2:] == (size, size):
        return tf.cast(labels, tf.uint8)
    shares = resize(tf.one_hot(tf.cast(labels, tf.int32), num_values), size, size)
    return tf.cast(tf.argmax(shares, axis=-1), tf.uint8)


def resize_nearest(labels: tf.Tensor, size: int) -> tf.Tensor:
    """Map of codes [N, h, w] -> [N, size, size], nearest neighbour: the codes survive (section 3.3)."""
    if labels.shape[1] == size:
        return labels
    method = tf.image.ResizeMethod.NEAREST_NEIGHBOR
    return tf.image.resize(labels[..., None], [size, size], method)[..., 0]


def encode_labels(labels: tf.Tensor, num_codes: int, channels: str) -> tf.Tensor:
    """Codes [...] -> the channels in which a GAN learns to draw them, float32 in [-1, 1].

    Args:
      channels: 'grey', one channel of equally spaced levels (the paper's); 'onehot', one each; 'distance', one for each but
        background, see `near`, of codes [N, H, W].
    """
    labels = tf.cast(labels, tf.int32)
    if channels == 'grey':
        return tf.gather(tf.constant(grey_levels(num_codes)), labels)[..., None]
    if channels == 'distance':
        return near(tf.one_hot(labels - 1, num_codes - 1))
    return tf.one_hot(labels, num_codes, on_value=1.0, off_value=-1.0)


def near(inside: tf.Tensor) -> tf.Tensor:
    """Masks, float32 0 or 1 [N, H, W, K] -> 1 inside, at most 0 outside, falling to -1 at a twentieth of the side from there.

    [ours] A thin structure leaves next to nothing of itself in a picture of 8 x 8: a progressively grown discriminator,
    which is asked for a slope there that is as many times as steep, could not tell vessel maps from drawn ones. What is
    around them it sees. Distance is the larger of those along rows and columns.
    """
    grown, ramp, reach = inside, 0.0, max(inside.shape[-2] // 20, 2)
    for _ in range(reach):
        grown = tf.nn.max_pool2d(grown, 3, 1, 'SAME')
        ramp += grown / reach
    return inside + ramp - 1


def decode_labels(drawn: tf.Tensor, num_codes: int, channels: str) -> tf.Tensor:
    """The inverse for what a GAN drew: nearest level, or arg max, of distances where it is inside; uint8 without the last axis."""
    if channels == 'grey':
        distance = tf.abs(drawn - tf.constant(grey_levels(num_codes)))
        return tf.cast(tf.argmin(distance, axis=-1), tf.uint8)
    if channels == 'distance':
        return tf.where(tf.reduce_max(drawn, -1) > 0.5, 1 + tf.cast(tf.argmax(drawn, axis=-1), tf.uint8), tf.constant(0, tf.uint8))
    return tf.cast(tf.argmax(drawn, axis=-1), tf.uint8)


def label_channels(num_codes: int, channels: str) -> int:
    """How many channels `encode_labels` makes."""
    return {'grey': 1, 'distance': num_codes - 1}.get(channels, num_codes)


def condition(labels: tf.Tensor, num_codes: int, edges: bool) -> tf.Tensor:
    """Codes [N, H, W] -> the input of a Pix2PixHD: one-hot float32 0/1 (official label handling).

    Args:
      edges: adds a channel that is 1 where a pixel's code differs from that of a neighbour above,
        below, left or right (the official edge map, there of object instances).
    """
    labels = tf.cast(labels, tf.int32)
    channels = tf.one_hot(labels, num_codes)
    if not edges:
        return channels
    down = tf.cast(labels[:, 1:] != labels[:, :-1], tf.float32)
    right = tf.cast(labels[:, :, 1:] != labels[:, :, :-1], tf.float32)
    edge = tf.reduce_max([tf.pad(down, [[0, 0], [1, 0], [0, 0]]), tf.pad(down, [[0, 0], [0, 1], [0, 0]]),
                          tf.pad(right, [[0, 0], [0, 0], [1, 0]]),
                          tf.pad(right, [[0, 0], [0, 0], [0, 1]])], axis=0)
    return tf.concat([channels, edge[..., None]], -1)


def padded(translate, multiple: int):
    """A network for sides that are multiples of `multiple` -> one for any side.

    [ours] Pads below and on the right by mirroring, and crops back; the official data set resizes.
    """
    def any_size(source: tf.Tensor) -> tf.Tensor:
        _, height, width, _ = source.shape
        if height % multiple == 0 and width % multiple == 0:
            return translate(source)
        border = [[0, 0], [0, -height % multiple], [0, -width % multiple], [0, 0]]
        return translate(tf.pad(source, border, 'SYMMETRIC'))[:, :height, :width]
    return any_size
