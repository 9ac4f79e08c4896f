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
from datasets.fitting import Box, box_of, crop
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
    'image/segmentation/class/encoded': tf.io.FixedLenFeature([], tf.string, ''),
    'image/segmentation/class/format': tf.io.FixedLenFeature([], tf.string, 'png'),
    'image/dots/encoded': tf.io.FixedLenFeature([], tf.string, ''),
    'image/ignored/encoded': tf.io.FixedLenFeature([], tf.string, ''),
    'image/bone_suppressed/encoded': tf.io.FixedLenFeature([], tf.string, ''),
    'image/source_shape': tf.io.FixedLenFeature([2], tf.int64, [0, 0]),
    'image/cut_from': tf.io.FixedLenFeature([4], tf.int64, [0, 0, 0, 0]),
    'image/field_mm': tf.io.FixedLenFeature([2], tf.float32, [0.0, 0.0]),
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
      label_map: codes, uint8 [S, S]; None of an unlabelled picture.
      dots: dot codes, uint8 [D, D], or None.
      ignored: bool [S, S], pixels of which nobody says what they are, or None.
      shape: (height, width) of the picture that was fitted into the square, px; zeros where nobody knows.
      field_mm: (height, width) that the picture covers, mm; zeros where it is that of the data set, if any.
      index, seed: address of a synthetic sample; -1 for real ones.
      bone_suppressed: the image without ribs and clavicles, of its type and shape, or None.
      cut_from: as in sample.Sample.
    """
    name: str
    source_id: str
    image: np.ndarray
    label_map: Optional[np.ndarray]
    dots: Optional[np.ndarray] = None
    ignored: Optional[np.ndarray] = None
    shape: Tuple[int, int] = (0, 0)
    field_mm: Tuple[float, float] = (0.0, 0.0)
    index: int = -1
    seed: int = -1
    bone_suppressed: Optional[np.ndarray] = None
    cut_from: Tuple[int, int, int, int] = (0, 0, 0, 0)


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
    fit: str = 'stretch'          # how pictures lie in the square, see datasets/fitting.py
    has_ignored: bool = False     # whether some pixels neither train nor score
    has_bone_suppressed: bool = False  # whether each image has that picture beside it

    def to_dict(self) -> dict:
        """As `dataset_info.json` has it: without a word of a picture that is not there, as before there was any."""
        unsaid = {'directory'} | ({'has_bone_suppressed'} if not self.has_bone_suppressed else set())
        told = {key: value for key, value in vars(self).items() if key not in unsaid}
        return {**told, 'coding': self.coding.to_dict()}

    @property
    def versions(self) -> int:
        """Records of each source, which stand together: the original and its variants."""
        return max(1, self.count // max(1, len(self.ids)))

    def box(self, row: Dict[str, np.ndarray]) -> Box:
        """The part of the square that the picture of a record takes; all of it where nobody knows."""
        height, width = map(int, row['shape'])
        return box_of(height, width, self.size, self.fit) if height else Box(0, 0, self.size, self.size)

    def shown(self, row: Dict[str, np.ndarray]) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A record without its margins: image [h, w, C], labels [h, w], and bool [h, w], what somebody knows."""
        box, is_labelled = self.box(row), self.coding.is_labelled
        image = crop(row['image'], box)
        labels = crop(row['labels'], box) if is_labelled else np.zeros(image.shape[:2], np.uint8)
        known = crop(row['ignored'], box) == 0 if self.has_ignored else np.full(labels.shape, is_labelled)
        return image, labels, known

    def spacing_mm(self, row: Dict[str, np.ndarray]) -> Optional[Tuple[float, float]]:
        """(row, column) mm from pixel to pixel of a record; None where the data set does not say."""
        field, box = self.made.get('field_of_view_mm'), self.box(row)
        field = [float(side) for side in row['field_mm']] if row['field_mm'].any() else field
        return (field[0] / box.height, field[1] / box.width) if field else None

    @property
    def paths(self) -> List[str]:
        """Of the shards, in their order."""
        return [str(self.directory / os.path.basename(shard['file'])) for shard in self.shards]


def serialize(example: Example) -> bytes:
    """One example -> bytes of a tf.train.Example in the schema."""
    def feature(value):
        if isinstance(value, int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        if isinstance(value, np.ndarray) and value.dtype.kind == 'i':
            return tf.train.Feature(int64_list=tf.train.Int64List(value=value))
        if isinstance(value, np.ndarray):
            return tf.train.Feature(float_list=tf.train.FloatList(value=value))
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    height, width = example.image.shape[:2]
    values = {
        'image/encoded': encode_png(example.image), 'image/format': b'png',
        'image/filename': f'{example.name}.png'.encode(), 'image/source_id': example.source_id.encode(),
        'image/height': int(height), 'image/width': int(width),
        'image/channels': 1 if example.image.ndim == 2 else example.image.shape[2],
        'synthetic/index': int(example.index), 'synthetic/seed': int(example.seed),
    }
    if example.label_map is not None:
        values['image/segmentation/class/encoded'] = encode_png(example.label_map)
        values['image/segmentation/class/format'] = b'png'
    for key, numbers, kind in (('source_shape', example.shape, np.int64), ('cut_from', example.cut_from, np.int64),
                               ('field_mm', example.field_mm, np.float32)):
        if any(numbers):
            values[f'image/{key}'] = np.array(numbers, kind)
    for key in ('dots', 'ignored', 'bone_suppressed'):
        picture = getattr(example, key)
        if picture is not None:
            values[f'image/{key}/encoded'] = encode_png(picture.astype(np.uint8) if picture.dtype == bool else picture)
    features = {key: feature(value) for key, value in values.items()}
    # by name, so that the same records have the same bytes under any protobuf
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(deterministic=True)


def parse(serialized: tf.Tensor, info: Info) -> Dict[str, tf.Tensor]:
    """Bytes -> {image [S, S, C], labels [S, S], dots [D, D] (uint8), source_id, name, index, shape [2], field_mm [2],
    cut_from [4]}, ignored [S, S] where some pixels are, and bone_suppressed [S, S, C] where records have it; of
    unlabelled pictures no labels."""
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
        'source_id': features['image/source_id'], 'name': features['image/filename'],
        'index': features['synthetic/index'], 'shape': tf.cast(features['image/source_shape'], tf.int32),
        'field_mm': features['image/field_mm'], 'cut_from': tf.cast(features['image/cut_from'], tf.int32),
    }
    if info.coding.is_labelled:
        parsed['labels'] = decode('image/segmentation/class/encoded', info.size)[..., 0]
    if info.has_ignored:
        parsed['ignored'] = decode('image/ignored/encoded', info.size)[..., 0]
    if info.has_bone_suppressed:
        parsed['bone_suppressed'] = decode('image/bone_suppressed/encoded', info.size, image_type, info.channels)
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
            if info.coding.is_labelled:
                info.coding.check(row['labels'], f'{info.directory}: {row["name"].decode()}')
            rows.append({key: row[key] for key in keys or row})
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        raise InputError(f'{info.directory}: a record cannot be read ({reason(error.message)[:200]}); '
                         f'make the records anew') from None
    if not rows:
        raise InputError(f'{info.directory}: expected records, found none')
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]}
