"""Picture files as an exported model reads them: the policy of datasets/images.py as far as TensorFlow goes.

What TensorFlow cannot: it does not turn a picture as its EXIF says, and knows no TIFF.
"""
from __future__ import annotations

import tensorflow as tf

from datasets.images import GREY


def decoded(data: tf.Tensor, channels: int, grey: str) -> tf.Tensor:
    """Bytes of one PNG, JPEG, BMP or GIF file -> float32 [H, W, channels], 0..65535.

    Args:
      channels, grey: what the model learned from, see images.read_picture.

    Raises:
      tf.errors.InvalidArgumentError: transparent pixels, or colours where the model learned from grey
        pictures only.
    """
    known = tf.io.decode_image(data, dtype=tf.uint16, expand_animations=False)
    known = tf.ensure_shape(known, [None, None, None])
    count = tf.where(tf.shape(known)[-1] >= 3, 3, 1)
    colours, alpha = known[..., :count], known[..., count:]
    opaque = tf.debugging.Assert(tf.reduce_all(alpha == 65535), [
        'data: expected an opaque picture, found transparent pixels; flatten it'])
    with tf.control_dependencies([opaque]):
        colours = tf.broadcast_to(colours, tf.concat([tf.shape(colours)[:2], [3]], 0))
    if channels == 3:
        return tf.cast(colours, tf.float32)
    if grey == 'equal':
        same = tf.debugging.Assert(tf.reduce_all(colours == colours[..., :1]), [
            'data: expected a grey picture, as the model learned from, found colours'])
        with tf.control_dependencies([same]):
            return tf.cast(colours[..., :1], tf.float32)
    weighed = tf.round(tf.linalg.matvec(tf.cast(colours, tf.float64), tf.constant(GREY[grey], tf.float64)))
    is_grey = tf.reduce_all(colours == colours[..., :1], axis=-1)
    return tf.cast(tf.where(is_grey, tf.cast(colours[..., 0], tf.float64), weighed), tf.float32)[..., None]
