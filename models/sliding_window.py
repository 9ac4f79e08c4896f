"""Segmentation of images larger (or smaller) than the crop a network was trained on.

As PSPNet's evaluation does (Zhao et al. 2017): overlapping windows of the crop's size, the last of
each row and column shifted back inside, softmax averaged where they overlap. Everything is graph
ops: batch, height and width may be unknown, while the network sees one static window size.
"""
from __future__ import annotations

from typing import Callable, List, Optional

import numpy as np
import tensorflow as tf

PIXELS_AT_ONCE = 2 ** 20   # [ours] of the windows of one picture that are predicted as one batch: memory


def default_stride(window: int) -> int:
    """PSPNet's overlap of a third: ceil(2/3 window), 252 for 377."""
    return -(-2 * window // 3)


def window_starts(length: int, window: int, stride: int) -> List[int]:
    """First pixels of the windows that cover `length` pixels; [0] where one window is enough."""
    last = max(length - window, 0)
    return [min(index * stride, last) for index in range(-(-last // stride) + 1)]


def sliding_window_probabilities(predict_fn: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor,
                                 window: int, num_classes: int,
                                 stride: Optional[int] = None,
                                 activation: Callable[[tf.Tensor], tf.Tensor] = tf.nn.softmax
                                 ) -> tf.Tensor:
    """Class probabilities of whole images from a network that sees windows.

    The windows of all images at one position are predicted together. Images smaller than the window
    are extended below and to the right by their last pixels [ours], and the result is cropped back.

    Args:
      predict_fn: windows [N, window, window, C] -> logits [N, window, window, num_classes].
      images: [N, H, W, C]; N, H and W may be dynamic.
      window: size of the square window, in pixels.
      num_classes: channels of the logits.
      stride: pixels from one window to the next; None is `default_stride(window)`.
      activation: float32 logits -> probabilities; softmax, or sigmoid for classes that may overlap.

    Returns:
      float32 [N, H, W, num_classes], with softmax summing to 1 over the classes.

    Raises:
      ValueError: `stride` leaves gaps or is not positive.
    """
    stride = default_stride(window) if stride is None else stride
    if not 1 <= stride <= window:
        raise ValueError(f'stride: expected 1 to {window}, the window, found {stride}; '
                         f'a larger one leaves gaps')
    static_shape = images.shape[:3].concatenate(num_classes)
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    images = _extend(_extend(images, window, axis=1), window, axis=2)
    batch, rows, columns = tf.unstack(tf.shape(images)[:3])
    tops, lefts = _starts(rows, window, stride), _starts(columns, window, stride)

    def add_window(index, total):
        top, left = tops[index // tf.size(lefts)], lefts[index % tf.size(lefts)]
        crops = images[:, top:top + window, left:left + window]
        crops = tf.ensure_shape(crops, [images.shape[0], window, window, images.shape[3]])
        probabilities = activation(tf.cast(predict_fn(crops), tf.float32))
        margins = [[0, 0], [top, rows - window - top], [left, columns - window - left], [0, 0]]
        padded = tf.pad(probabilities, margins)
        return index + 1, total + tf.ensure_shape(padded, total.shape)

    zeros = tf.zeros([batch, rows, columns, num_classes])
    # One window after the other: memory stays that of a single prediction.
    _, total = tf.while_loop(lambda index, _: index < tf.size(tops) * tf.size(lefts), add_window,
                             [tf.constant(0), zeros], parallel_iterations=1)
    windows_over = (_coverage(tops, rows, window)[:, tf.newaxis]
                    * _coverage(lefts, columns, window)[tf.newaxis, :])
    mean = total / windows_over[tf.newaxis, :, :, tf.newaxis]
    return tf.ensure_shape(mean[:, :height, :width], static_shape)


def window_batch_probabilities(predict_fn: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor, window: int,
                               num_classes: int, activation: Callable[[tf.Tensor], tf.Tensor] = tf.nn.softmax,
                               at_once: Optional[int] = None) -> tf.Tensor:
    """`sliding_window_probabilities` at the default stride without a loop, for graphs that leave TensorFlow.

    Windows are predicted as one batch, or as few batches of nearly one size, one after the other.

    Args:
      images: [N, H, W, C], H and W static.
      at_once: windows of a picture in one batch at most; None is as many as cover `PIXELS_AT_ONCE`, at least one.

    Returns:
      float32 [N, H, W, num_classes].
    """
    _, height, width, channels = images.shape
    images = _extend(_extend(images, window, axis=1), window, axis=2)
    rows, columns = max(height, window), max(width, window)
    tops, lefts = (window_starts(side, window, default_stride(window)) for side in (rows, columns))
    places = [(top, left) for top in tops for left in lefts]
    batches = -(-len(places) // (at_once or max(1, PIXELS_AT_ONCE // window ** 2)))
    total, over = 0.0, np.zeros([rows, columns, 1], np.float32)
    for number in range(batches):
        taken = places[number * len(places) // batches:(number + 1) * len(places) // batches]
        crops = tf.concat([images[:, top:top + window, left:left + window] for top, left in taken], 0)
        crops = tf.ensure_shape(crops, [None, window, window, channels])
        found = activation(tf.cast(predict_fn(crops), tf.float32))
        parts = tf.unstack(tf.reshape(found, [len(taken), -1, window, window, num_classes]))
        for (top, left), part in zip(taken, parts):
            total += tf.pad(part, [[0, 0], [top, rows - window - top], [left, columns - window - left], [0, 0]])
            over[top:top + window, left:left + window] += 1
    return (total / over)[:, :height, :width]


def _extend(images: tf.Tensor, window: int, axis: int) -> tf.Tensor:
    """Repeats the last pixels along `axis` until there are at least `window`."""
    length = tf.shape(images)[axis]
    pixels = tf.minimum(tf.range(tf.maximum(length, window)), length - 1)
    return tf.gather(images, pixels, axis=axis)


def _starts(length: tf.Tensor, window: int, stride: int) -> tf.Tensor:
    """`window_starts` in graph ops, for a length of at least `window`."""
    last = length - window
    return tf.minimum(tf.range((last + stride - 1) // stride + 1) * stride, last)


def _coverage(starts: tf.Tensor, length: tf.Tensor, window: int) -> tf.Tensor:
    """How many windows lie over each pixel of one axis: float32 [length]."""
    offsets = tf.range(length) - starts[:, tf.newaxis]
    return tf.reduce_sum(tf.cast((offsets >= 0) & (offsets < window), tf.float32), 0)
