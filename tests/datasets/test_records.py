"""The TFRecord schema and dataset_info.json: round trip and damage."""
import dataclasses
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from datasets import files, records, writing
from datasets.errors import InputError
from datasets.labels import CHEST

ROOT = Path(__file__).resolve().parents[2]
SIZE, DOTS = 16, 8


def example(i, bits=8, code=None):
    rng = np.random.default_rng(i)
    kind = np.uint16 if bits == 16 else np.uint8
    image = rng.integers(0, 2 ** bits, (SIZE, SIZE)).astype(kind)
    label_map = rng.integers(0, 8, (SIZE, SIZE)).astype(np.uint8)
    if code is not None:
        label_map[0, 0] = code
    dots = rng.integers(0, 6, (DOTS, DOTS)).astype(np.uint8)
    ignored = rng.integers(0, 2, (SIZE, SIZE)) > 0
    return records.Example(f'x{i}', f's{i // 2}', image, label_map, dots, ignored, (40 + i, 30), (12.5, i + 1),
                           index=i, seed=9, bone_suppressed=image // 2, cut_from=(i, 2, 50 + i, 40))


def write(directory, examples, bits=8, made=None, part=writing.Part()):
    """Two shards of half the examples each; two examples a source."""
    half = len(examples) // 2
    sources = sorted({example.source_id for example in examples})
    blank = records.Info(directory, 'set', 'train', SIZE, bits, DOTS, CHEST, sources, made or {'n': 1},
                         fit='pad', has_ignored=True, has_bone_suppressed=True)
    return writing.write_dataset(blank, [lambda notes: examples[:half],
                                         lambda notes: examples[half:]], part)


@pytest.mark.parametrize('bits', [8, 16])
def test_round_trip(tmp_path, bits):
    examples = [example(i, bits) for i in range(4)]
    write(tmp_path / 'r', examples, bits)
    info = records.read_info(tmp_path / 'r')
    assert (info.count, info.size, info.bits, info.coding) == (4, SIZE, bits, CHEST)
    assert [s['file'] for s in info.shards] == ['set-00000-of-00002.tfrecord',
                                                'set-00001-of-00002.tfrecord']
    arrays = records.load_arrays(info)
    for i, given in enumerate(examples):
        assert (arrays['image'][i, ..., 0] == given.image).all()
        assert (arrays['labels'][i] == given.label_map).all()
        assert (arrays['dots'][i] == given.dots).all()
        assert arrays['source_id'][i].decode() == given.source_id
        assert arrays['index'][i] == i
        assert (arrays['ignored'][i] == given.ignored).all()
        assert (arrays['bone_suppressed'][i, ..., 0] == given.image // 2).all()
        assert tuple(arrays['shape'][i]) == given.shape and tuple(arrays['field_mm'][i]) == given.field_mm
        assert tuple(arrays['cut_from'][i]) == given.cut_from


def test_the_same_example_is_the_same_bytes_in_every_process():
    """Whose sha256 says whether records are still those that something was made with."""
    code = ('import hashlib; from datasets import records; from tests.datasets.test_records import example\n'
            'print(hashlib.sha256(records.serialize(example(0))).hexdigest())')
    found = {subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout for _ in range(2)}
    assert found == {hashlib.sha256(records.serialize(example(0))).hexdigest() + '\n'}


def test_the_features_are_those_of_the_field(tmp_path):
    parsed = tf.train.Example.FromString(records.serialize(example(0)))
    features = parsed.features.feature
    assert set(features) == set(records.SCHEMA)
    assert features['image/format'].bytes_list.value[0] == b'png'
    assert features['image/encoded'].bytes_list.value[0].startswith(b'\x89PNG')
    assert features['synthetic/seed'].int64_list.value[0] == 9


def test_what_a_record_does_not_have_leaves_no_trace(tmp_path):
    """Its bytes are those of before there was such a picture, and so is the description of its folder."""
    plain = example(0)._replace(bone_suppressed=None, cut_from=(0, 0, 0, 0))
    features = tf.train.Example.FromString(records.serialize(plain)).features.feature
    assert set(records.SCHEMA) - set(features) == {'image/bone_suppressed/encoded', 'image/cut_from'}
    info = records.Info(tmp_path, 'set', 'train', SIZE, 8, DOTS, CHEST, ['s0'], {}, has_ignored=True)
    assert 'has_bone_suppressed' not in info.to_dict() and 'has_ignored' in info.to_dict()
    assert records.info_of(tmp_path, info.to_dict(), 'x') == info
    told = dataclasses.replace(info, has_bone_suppressed=True).to_dict()
    assert records.info_of(tmp_path, told, 'x').has_bone_suppressed
    assert set(records.parse(records.serialize(plain), info)) == {
        'image', 'labels', 'source_id', 'name', 'index', 'shape', 'field_mm', 'cut_from', 'ignored', 'dots'}


def test_records_of_older_versions_fill_their_square(tmp_path):
    """They say neither shape nor field: all of the square is the picture, of the data set's field if it has one."""
    row = {'shape': np.zeros(2, int), 'field_mm': np.zeros(2, np.float32)}
    info = records.Info(tmp_path, 'set', 'train', 20, 8, 0, CHEST, [], {'field_of_view_mm': [40, 60]})
    assert info.box(row) == (0, 0, 20, 20) and info.spacing_mm(row) == (2, 3)
    assert dataclasses.replace(info, made={}).spacing_mm(row) is None
    wide = dataclasses.replace(info, fit='pad')
    row['shape'] = np.array([50, 100])
    assert wide.box(row) == (5, 0, 10, 20) and wide.spacing_mm(row) == (4, 3)
    row['field_mm'] = np.array([5, 10], np.float32)
    assert wide.spacing_mm(row) == (0.5, 0.5)


def test_nothing_there_is_named(tmp_path):
    with pytest.raises(InputError, match='found none; make it with tools/prepare_records.py'):
        records.read_info(tmp_path / 'nowhere')


def damage(path, how):
    data = bytearray(path.read_bytes())
    if how == 'flipped':
        data[len(data) // 2] ^= 1
    path.write_bytes(data[:-100] if how == 'cut' else data)


@pytest.mark.parametrize('how', ['flipped', 'cut'])
def test_a_damaged_shard_is_named(tmp_path, how):
    info = write(tmp_path / 'r', [example(i) for i in range(4)])
    damage(tmp_path / 'r' / info.shards[0]['file'], how)
    with pytest.raises(InputError, match='set-00000-of-00002.tfrecord: the file is damaged'):
        records.read_info(tmp_path / 'r')
    with pytest.raises(InputError, match='a record cannot be read'):  # past the check, too
        records.load_arrays(info)


def test_a_missing_shard_and_a_broken_description_are_named(tmp_path):
    info = write(tmp_path / 'r', [example(i) for i in range(4)])
    (tmp_path / 'r' / info.shards[1]['file']).unlink()
    with pytest.raises(InputError, match='00001-of-00002.tfrecord: this shard is missing'):
        records.read_info(tmp_path / 'r')
    for text, message in (('{', 'expected a JSON object'), ('{}', 'expected a JSON object'),
                          (json.dumps(files.sealed({})), 'not a description of records'),
                          (json.dumps(files.sealed({'coding': []})), 'not a description')):
        (tmp_path / 'r' / records.INFO).write_text(text)
        with pytest.raises(InputError, match=f'{records.INFO}: {message}'):
            records.read_info(tmp_path / 'r')


def test_a_picture_of_another_size_is_refused_before_it_is_decoded(tmp_path):
    info = write(tmp_path / 'r', [example(i) for i in range(4)])
    huge = bytearray(records.serialize(example(0)))
    start = huge.index(b'IHDR') + 4
    huge[start:start + 4] = (2 ** 30).to_bytes(4, 'big')
    with tf.io.TFRecordWriter(info.paths[0]) as writer:
        writer.write(bytes(huge))
    with pytest.raises(InputError, match='a record cannot be read .*a picture is not 16 x 16'):
        records.load_arrays(info)


def test_a_code_out_of_range_names_the_record(tmp_path):
    info = write(tmp_path / 'r', [example(i, code=8 if i == 3 else None) for i in range(4)])
    with pytest.raises(InputError, match='x3.png: label code 8 is out of range'):
        records.load_arrays(info)


def test_only_png_is_decoded(tmp_path):
    """TensorFlow's decoder takes a JPEG of any size, wherever a PNG's sides would stand."""
    info = write(tmp_path / 'r', [example(i) for i in range(4)])
    _, jpeg = cv2.imencode('.jpg', np.zeros((99, 99), np.uint8))
    forged = tf.train.Example.FromString(records.serialize(example(0)))
    data = jpeg.tobytes()
    forged.features.feature['image/encoded'].bytes_list.value[0] = (
        data[:16] + SIZE.to_bytes(4, 'big') * 2 + data[24:])
    with tf.io.TFRecordWriter(info.paths[0]) as writer:
        writer.write(forged.SerializeToString())
    with pytest.raises(InputError, match='a record cannot be read .*a picture is no PNG file'):
        records.load_arrays(info)
