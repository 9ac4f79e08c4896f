"""The one TFRecord schema, and folders of records as they are read; see writing.py for the writer.

A folder of records holds `<name>-00000-of-00008.tfrecord` shards of PNG-encoded examples and one
`dataset_info.json` with name, split, size, bits, label coding, ids, the recipe (`made`) and the
count and sha256 of each shard. Feature keys are those of DeepLab and the TF Model Garden,
with ours beside them.
"""
from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow as tf

from datasets.errors import InputError, reason
from datasets.files import encode_png, read_json, sha256
from datasets.labels import LabelCoding

INFO = 'dataset_info.json'
PNG = b'\x89PNG\r\n\x1a\n'
_ANEW = ('remove it, {}.json beside it and ' + INFO + ', and repeat the command that made the '
         'records: the other shards are kept')

SCHEMA = {
    'image/encoded': tf.io.FixedLenFeature([], tf.string),
    'image/format': tf.io.FixedLenFeature([], tf.string, 'png'),
    'image/filename': tf.io.FixedLenFeature([], tf.string),
    'image/height': tf.io.FixedLenFeature([], tf.int64),
    'image/width': tf.io.FixedLenFeature([], tf.int64),
    'image/channels': tf.io.FixedLenFeature([], tf.int64, 1),
    'image/segmentation/class/encoded': tf.io.FixedLenFeature([], tf.string),
    'image/segmentation/class/format': tf.io.FixedLenFeature([], tf.string, 'png'),
    'image/dots/encoded': tf.io.FixedLenFeature([], tf.string, ''),
    'image/source_id': tf.io.FixedLenFeature([], tf.string),
    'synthetic/index': tf.io.FixedLenFeature([], tf.int64, -1),
    'synthetic/seed': tf.io.FixedLenFeature([], tf.int64, -1),
}


class Example(NamedTuple):
    """One image + label map pair.

    Attributes:
      name: file name stem, unique in the folder, for example 'JPCLN001-3'.
      source_id: the real image it was made from; variants of one image share it.
      image: uint8 or uint16 [S, S], or uint8 [S, S, 3].
      label_map: codes, uint8 [S, S].
      dots: dot codes, uint8 [D, D], or None.
      index, seed: address of a synthetic sample; -1 for real ones.
    """
    name: str
    source_id: str
    image: np.ndarray
    label_map: np.ndarray
    dots: Optional[np.ndarray] = None
    index: int = -1
    seed: int = -1


@dataclasses.dataclass(frozen=True)
class Info:
    """What `dataset_info.json` says; `directory` is where it was read."""
    directory: Path
    name: str
    split: str
    size: int
    bits: int                     # of the image: 8 or 16
    dots_size: int                # 0: no dots
    coding: LabelCoding
    ids: List[str]                # source ids, in the order of their records
    made: dict                    # the recipe
    count: int = 0
    shards: Sequence[dict] = ()   # file, count, sha256
    notes: dict = dataclasses.field(default_factory=dict)  # counted while making them
    channels: int = 1             # of the image: 1 or 3

    def to_dict(self) -> dict:
        """As `dataset_info.json` has it."""
        return {**{key: value for key, value in vars(self).items() if key != 'directory'},
                'coding': self.coding.to_dict()}

    @property
    def spacing_mm(self) -> Optional[Tuple[float, float]]:
        """(row, column) mm from pixel to pixel; None where the data set does not say."""
        field = self.made.get('field_of_view_mm')
        return (field[0] / self.size, field[1] / self.size) if field else None

    @property
    def paths(self) -> List[str]:
        """Of the shards, in their order."""
        return [str(self.directory / os.path.basename(shard['file'])) for shard in self.shards]


def serialize(example: Example) -> bytes:
    """One example -> bytes of a tf.train.Example in the schema."""
    def feature(value):
        if isinstance(value, int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    height, width = example.image.shape[:2]
    # In the order that protobuf 4 gave them, so that records made anew keep their bytes; newer ones shuffle.
    values = {
        'synthetic/index': int(example.index), 'synthetic/seed': int(example.seed),
        'image/channels': 1 if example.image.ndim == 2 else example.image.shape[2],
        'image/source_id': example.source_id.encode(), 'image/filename': f'{example.name}.png'.encode(),
        'image/segmentation/class/format': b'png', 'image/format': b'png',
        'image/segmentation/class/encoded': encode_png(example.label_map),
        'image/encoded': encode_png(example.image), 'image/height': int(height),
        **({} if example.dots is None else {'image/dots/encoded': encode_png(example.dots)}),
        'image/width': int(width),
    }
    features = b''.join(tf.train.Features(feature={key: feature(value)}).SerializeToString()
                        for key, value in values.items())
    return b'\n' + _varint(len(features)) + features  # a tf.train.Example of these features


def _varint(number: int) -> bytes:
    """A length as protobuf writes it: seven bits a byte, the lowest first."""
    head = b''
    while number > 127:
        head, number = head + bytes([number & 127 | 128]), number >> 7
    return head + bytes([number])


def parse(serialized: tf.Tensor, info: Info) -> Dict[str, tf.Tensor]:
    """Bytes -> {image [S, S, C], labels [S, S], dots [D, D] (uint8), source_id, name, index}."""
    features = tf.io.parse_single_example(serialized, SCHEMA)

    def decode(key, size, dtype=tf.uint8, channels=1):
        # the width and height that a PNG file names, before anything of that size is made
        sides = tf.io.decode_raw(tf.strings.substr(features[key], 16, 8), tf.int32,
                                 little_endian=False)
        with tf.control_dependencies([
                tf.debugging.Assert(tf.strings.substr(features[key], 0, len(PNG)) == PNG,
                                    ['a picture is no PNG file']),  # TensorFlow takes others
                tf.debugging.assert_equal(sides, [size, size],
                                          f'a picture is not {size} x {size}')]):
            picture = tf.io.decode_png(features[key], channels=channels, dtype=dtype)
        return tf.ensure_shape(picture, [size, size, channels])

    image_type = tf.uint16 if info.bits == 16 else tf.uint8
    parsed = {
        'image': decode('image/encoded', info.size, image_type, info.channels),
        'labels': decode('image/segmentation/class/encoded', info.size)[..., 0],
        'source_id': features['image/source_id'], 'name': features['image/filename'],
        'index': features['synthetic/index'],
    }
    if info.dots_size:
        parsed['dots'] = decode('image/dots/encoded', info.dots_size)[..., 0]
    return parsed


def read_info(directory) -> Info:
    """Reads and checks `dataset_info.json`: every shard there, every sha256 as recorded.

    Raises:
      InputError: no complete folder of records, or a shard is missing or altered.
    """
    directory = Path(directory)
    if not (directory / INFO).is_file():
        raise InputError(f'{directory}: expected a folder of records with {INFO}, found none; '
                         f'make it with tools/prepare_records.py or tools/generate_samples.py')
    info = info_of(directory, read_json(directory / INFO), INFO)
    check_shards(info)
    return info


def info_of(directory: Path, tree: dict, file: str) -> Info:
    """The Info that a file of the folder describes; InputError if it does not."""
    try:
        return Info(directory, **{**tree, 'coding': LabelCoding.from_dict(tree['coding'])})
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f'{directory / file}: not a description of records '
                         f'({type(error).__name__}: {error}); make the records anew') from None


def check_shards(info: Info) -> None:
    """InputError unless every shard is there, with the sha256 that was recorded."""
    for path, shard in zip(map(Path, info.paths), info.shards):
        if not path.is_file():
            raise InputError(f'{path}: this shard is missing; {_ANEW.format(path.stem)}')
        if sha256(path) != shard['sha256']:
            raise InputError(f'{path}: the file is damaged (its sha256 is not the one recorded when '
                             f'it was written); {_ANEW.format(path.stem)}')


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


def read(info: Info, at_most: int = -1) -> Iterator[Dict[str, np.ndarray]]:
    """The records of a folder in their order, decoded (see `parse`); -1 = all of them."""
    return tf.data.TFRecordDataset(info.paths).take(at_most).map(
        lambda record: parse(record, info),
        num_parallel_calls=tf.data.AUTOTUNE).as_numpy_iterator()


def load_arrays(info: Info, keys: Sequence[str] = ()) -> Dict[str, np.ndarray]:
    """All records of a folder as arrays, first axis = record (see `parse`); keys: only those."""
    rows = []
    try:
        for row in read(info):
            info.coding.check(row['labels'], f'{info.directory}: {row["name"].decode()}')
            rows.append({key: row[key] for key in keys or row})
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        raise InputError(f'{info.directory}: a record cannot be read ({reason(error.message)[:200]}); '
                         f'make the records anew') from None
    if not rows:
        raise InputError(f'{info.directory}: expected records, found none')
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]}
