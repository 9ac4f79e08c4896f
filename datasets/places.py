"""Records read one by one at their places in a shard, so that any order is as good as another."""
from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np
import tensorflow as tf


def places(paths: Sequence[str]) -> Tuple[np.ndarray, np.ndarray]:
    """Where each record of some shards begins: (number of the shard, byte in it), int64 [records] each.

    Only lengths are read: a record is 8 bytes of length, 4 of checksum, the data, 4 of checksum
    (https://www.tensorflow.org/tutorials/load_data/tfrecord).
    """
    shards, begins = [], []
    for number, path in enumerate(paths):
        with open(path, 'rb') as file:
            begin, header = 0, file.read(8)
            while header:
                shards.append(number)
                begins.append(begin)
                begin += 16 + int.from_bytes(header, 'little')
                file.seek(begin)
                header = file.read(8)
    return np.array(shards, np.int64), np.array(begins, np.int64)


def read_at(path: tf.Tensor, begin: tf.Tensor) -> tf.data.Dataset:
    """The one serialized record of a shard that begins at a byte, see `places`; works inside a graph."""
    # the raw op: tf.data.TFRecordDataset always begins at a file's first byte
    rest = tf.raw_ops.TFRecordDatasetV2(filenames=path[None], compression_type='', buffer_size=0,
                                        byte_offsets=begin[None])
    return tf.data.experimental.from_variant(rest, tf.TensorSpec([], tf.string)).take(1)
