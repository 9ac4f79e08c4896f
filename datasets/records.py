"""The one TFRecord schema: write it, read it, describe it in `dataset_info.json`.

A folder of records holds `<name>-00000-of-00008.tfrecord` shards of PNG-encoded examples and one
`dataset_info.json` with name, split, size, bits, label coding, ids, the recipe (`made`) and the
count and sha256 of each shard. Feature keys are those of DeepLab and the TF Model Garden,
with ours beside them.

Shards are written under a temporary name and renamed; one that exists is kept, so an interrupted
writer is repeated, not restarted.
"""
from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import tensorflow as tf

from datasets.errors import InputError
from datasets.files import encode_png, sha256, whole_file, write_json
from datasets.labels import LabelCoding

INFO = 'dataset_info.json'

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
      image: uint8 or uint16 [S, S].
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
    ids: List[str]                # source ids
    count: int
    shards: List[dict]            # file, count, sha256
    made: dict                    # the recipe
    notes: dict                   # what was counted while making them

    @property
    def spacing_mm(self) -> Optional[Tuple[float, float]]:
        """(row, column) mm from pixel to pixel; None where the data set does not say."""
        field = self.made.get('field_of_view_mm')
        return (field[0] / self.size, field[1] / self.size) if field else None

    @property
    def paths(self) -> List[str]:
        return [str(self.directory / shard['file']) for shard in self.shards]


def serialize(example: Example) -> bytes:
    """One example -> bytes of a tf.train.Example in the schema."""
    def feature(value):
        if isinstance(value, int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    height, width = example.image.shape
    values = {
        'image/encoded': encode_png(example.image), 'image/format': b'png',
        'image/filename': f'{example.name}.png'.encode(),
        'image/height': int(height), 'image/width': int(width), 'image/channels': 1,
        'image/segmentation/class/encoded': encode_png(example.label_map),
        'image/segmentation/class/format': b'png',
        'image/source_id': example.source_id.encode(),
        'synthetic/index': int(example.index), 'synthetic/seed': int(example.seed),
    }
    if example.dots is not None:
        values['image/dots/encoded'] = encode_png(example.dots)
    features = {key: feature(value) for key, value in values.items()}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def parse(serialized: tf.Tensor, info: Info) -> Dict[str, tf.Tensor]:
    """Bytes -> {image [S, S, 1], labels [S, S], dots [D, D] (uint8), source_id, name, index}."""
    features = tf.io.parse_single_example(serialized, SCHEMA)

    def decode(key, size, dtype=tf.uint8):
        picture = tf.io.decode_png(features[key], channels=1, dtype=dtype)
        return tf.ensure_shape(picture, [size, size, 1])

    image_type = tf.uint16 if info.bits == 16 else tf.uint8
    parsed = {
        'image': decode('image/encoded', info.size, image_type),
        'labels': decode('image/segmentation/class/encoded', info.size)[..., 0],
        'source_id': features['image/source_id'], 'name': features['image/filename'],
        'index': features['synthetic/index'],
    }
    if info.dots_size:
        parsed['dots'] = decode('image/dots/encoded', info.dots_size)[..., 0]
    return parsed


def write_dataset(directory, name: str, split: str, size: int, bits: int, dots_size: int,
                  coding: LabelCoding, ids: Sequence[str], made: dict,
                  shards: Sequence[Callable[[], Iterable[Example]]],
                  only: Optional[Iterable[int]] = None,
                  notes: Optional[Callable[[], dict]] = None) -> Info:
    """Writes the shards that are not there yet, then `dataset_info.json`.

    Args:
      made: the recipe; a folder that holds records of another recipe is refused.
      shards: one function per shard that makes its examples.
      only: write just these shards (and no info unless that completes the folder).
      notes: called at the end for what was counted.
    """
    directory = Path(directory)
    claim_directory(directory, made)
    names = [f'{name}-{i:05d}-of-{len(shards):05d}.tfrecord' for i in range(len(shards))]
    for i in (range(len(shards)) if only is None else only):
        path = directory / names[i]
        if not path.exists():
            _write_shard(path, shards[i]())
    if not all((directory / n).exists() for n in names):
        return None
    entries = [{'file': n, 'count': _count(directory / n), 'sha256': sha256(directory / n)}
               for n in names]
    info = Info(directory, name, split, size, bits, dots_size, coding, list(ids),
                sum(e['count'] for e in entries), entries, made, notes() if notes else {})
    write_json(directory / INFO, {**{k: v for k, v in vars(info).items() if k != 'directory'},
                                  'coding': coding.to_dict()})
    return info


def claim_directory(directory: Path, made: dict) -> None:
    """Makes the folder for records of recipe `made`, or refuses one that holds something else."""
    recipe = directory / 'recipe.json'
    if recipe.exists() and any(directory.glob('*.tfrecord')):  # without: nothing was made yet
        found = json.loads(recipe.read_text())
        wanted = json.loads(json.dumps(made))
        if found != wanted:
            keys = sorted(k for k in {*found, *wanted} if found.get(k) != wanted.get(k))
            raise InputError(f'{directory}: holds records made with another {", ".join(keys)}; '
                             f'choose another folder or remove it')
        return
    if not recipe.exists() and directory.exists() and any(directory.iterdir()):
        raise InputError(f'{directory}: expected a new or empty folder for records, found files '
                         f'that are none; choose another folder')
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write_json(recipe, made)
    except OSError as error:
        raise InputError(f'{directory}: cannot write there: {error.strerror}') from None


def read_info(directory) -> Info:
    """Reads and checks `dataset_info.json`: every shard there, every sha256 as recorded.

    Raises:
      InputError: no complete folder of records, or a shard is missing or altered.
    """
    directory = Path(directory)
    try:
        data = json.loads((directory / INFO).read_text())
        info = Info(directory, **{**data, 'coding': LabelCoding.from_dict(data['coding'])})
    except OSError:
        raise InputError(f'{directory}: expected a folder of records with {INFO}, found none; '
                         f'make it with tools/prepare_records.py or '
                         f'tools/generate_samples.py') from None
    except (ValueError, TypeError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f'{directory / INFO}: not a description of records '
                         f'({type(error).__name__}: {error}); make the records anew') from None
    for shard in info.shards:
        path = directory / os.path.basename(shard['file'])
        if not path.is_file():
            raise InputError(f'{path}: this shard is missing; make the records anew')
        if sha256(path) != shard['sha256']:
            raise InputError(f'{path}: the file is damaged (its sha256 differs from {INFO}); '
                             f'remove the folder and make the records anew')
    return info


def read(info: Info, at_most: int = -1) -> Iterator[Dict[str, np.ndarray]]:
    """The records of a folder in their order, decoded (see `parse`); -1 = all of them."""
    return tf.data.TFRecordDataset(info.paths).take(at_most).map(
        lambda record: parse(record, info),
        num_parallel_calls=tf.data.AUTOTUNE).as_numpy_iterator()


def load_arrays(info: Info) -> Dict[str, np.ndarray]:
    """All records of a folder as arrays, first axis = record (see `parse`)."""
    try:
        rows = list(read(info))
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        line = ' '.join(error.message.split())[:200]
        raise InputError(f'{info.directory}: a record cannot be read ({line}); '
                         f'make the records anew') from None
    if not rows:
        raise InputError(f'{info.directory}: expected records, found none')
    arrays = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    for name, label_map in zip(arrays['name'], arrays['labels']):
        info.coding.check(label_map, f'{info.directory}: {name.decode()}')
    return arrays


def _write_shard(path: Path, examples: Iterable[Example]) -> None:
    with whole_file(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
        for example in examples:
            writer.write(serialize(example))


def _count(path: Path) -> int:
    return sum(1 for _ in tf.data.TFRecordDataset(str(path)))
