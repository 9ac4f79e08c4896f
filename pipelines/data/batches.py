"""Records -> tf.data batches of named tensors, each a pure function of (seed, step).

A consumer gives two functions: `prepare`, applied to each record once (decode, resize, channels), and
`finish`, applied to a batch of prepared rows together with its step and per-sample keys (noise,
augmentation, crops). Prepared rows stay in memory while they fit; else they are prepared as read.
Either way the stream starts at any step without computing the batches before it.
"""
from __future__ import annotations

from typing import Callable, Dict, Optional

import numpy as np
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from pipelines.runtime import keyed

Rows = Dict[str, tf.Tensor]
SHUFFLE_BUFFER = 1024   # encoded records, when the set does not fit in memory
THREADS = 2


def batches(info: records.Info, prepare: Callable[[Rows], Rows],
            finish: Callable[[tf.Tensor, tf.Tensor, Rows], Rows], batch_size: int, seed: int,
            first_step: int, memory_limit_mb: int,
            keep: Optional[Callable[[Rows], tf.Tensor]] = None) -> tf.data.Dataset:
    """Endless batches, beginning with that of `first_step`.

    Args:
      prepare: parsed record (see records.parse) -> dict of tensors of static shape.
      finish: (step int64, keys int32 [N, 2], rows) -> the batch.
      keep: which records take part: {source_id, index} -> bool; None = all.
      memory_limit_mb: prepared rows are kept in memory if all of them fit in this.

    Raises:
      InputError: no record is kept.
    """
    rows = prepared_rows(info, prepare, memory_limit_mb, keep)
    steps = tf.data.Dataset.range(first_step, np.iinfo(np.int64).max)

    def sample_numbers(step):
        return step * batch_size + tf.range(batch_size, dtype=tf.int64)

    if rows is not None:
        count = len(next(iter(rows.values())))
        rows = {key: tf.constant(value) for key, value in rows.items()}

        def make(step):
            picked = keyed.shuffled(sample_numbers(step), count, seed)
            return _finish(step, {k: tf.gather(v, picked) for k, v in rows.items()})
        dataset = steps
    else:
        stream = _serialized_stream(info, seed, keep, first_step * batch_size)
        stream = stream.map(lambda r: prepare(records.parse(r, info)), tf.data.AUTOTUNE)
        dataset = tf.data.Dataset.zip((steps, stream.batch(batch_size, drop_remainder=True)))

        def make(step, picked):
            return _finish(step, picked)

    def _finish(step, picked):
        keys = keyed.sample_keys(seed, tf.ensure_shape(sample_numbers(step), [batch_size]))
        return finish(step, keys, picked)

    dataset = dataset.map(make, num_parallel_calls=THREADS, deterministic=True).prefetch(4)
    options = tf.data.Options()
    options.threading.private_threadpool_size = THREADS
    return dataset.with_options(options)


def zipped(sources: Dict[str, tf.data.Dataset]) -> tf.data.Dataset:
    """Endless batches of several record sets side by side, as pure functions of the step as each of them is.

    Args:
      sources: name -> its batches.

    Returns:
      Batches of which the tensor `key` of source `name` is called '<name>_<key>'.
    """
    return tf.data.Dataset.zip(dict(sources)).map(lambda parts: {
        f'{name}_{key}': value for name, batch in parts.items() for key, value in batch.items()})


def prepared_rows(info: records.Info, prepare, memory_limit_mb: int, keep=None,
                  at_most: Optional[int] = None) -> Optional[Dict[str, np.ndarray]]:
    """All prepared rows as arrays, or None if they need more than the limit."""
    dataset = serialized(info.paths, keep)
    if at_most is not None:
        dataset = dataset.take(at_most)
    dataset = dataset.map(lambda r: prepare(records.parse(r, info)), tf.data.AUTOTUNE)
    row_bytes = sum(np.prod(spec.shape) * spec.dtype.size
                    for spec in dataset.element_spec.values())
    count = info.count if at_most is None else min(info.count, at_most)
    if row_bytes * count > memory_limit_mb * 2 ** 20:
        return None
    rows = list(dataset.as_numpy_iterator())
    if not rows:
        raise nothing_kept(info)
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]}


def serialized(paths, keep: Optional[Callable[[Rows], tf.Tensor]] = None) -> tf.data.Dataset:
    """The serialized records of shards, those kept by `keep` (see `batches`); none is decoded."""
    def is_kept(record):
        features = tf.io.parse_single_example(record, {
            key: records.SCHEMA[key] for key in ('image/source_id', 'synthetic/index')})
        return keep({'source_id': features['image/source_id'],
                     'index': features['synthetic/index']})

    dataset = tf.data.TFRecordDataset(paths)
    return dataset if keep is None else dataset.filter(is_kept)


def _serialized_stream(info: records.Info, seed: int, keep, first_sample: int) -> tf.data.Dataset:
    """Encoded records for ever from a sample on; an epoch's order is a function of (seed, epoch)."""
    tf.random.set_seed(seed)  # Dataset.shuffle mixes the global seed into its own
    paths, count = tf.constant(info.paths), info.count
    if keep is not None:
        count = int(serialized(paths, keep).reduce(np.int64(0), lambda total, _: total + 1))
        if not count:
            raise nothing_kept(info)

    def epoch(number):
        order = keyed.shuffled(number * len(info.paths) + tf.range(
            len(info.paths), dtype=tf.int64), len(info.paths), seed)
        return serialized(tf.gather(paths, order), keep).shuffle(
            SHUFFLE_BUFFER, seed=seed + number, reshuffle_each_iteration=False)

    epochs = tf.data.Dataset.range(first_sample // count, np.iinfo(np.int64).max)
    return epochs.flat_map(epoch).skip(first_sample % count)


def nothing_kept(info: records.Info) -> InputError:
    """The error of a selection that leaves no record."""
    return InputError(f'{info.directory}: expected records to learn from, found none; check the '
                      f'number of samples or the held-out share')
