"""Records -> tf.data batches of named tensors, each a pure function of (seed, step).

A consumer gives two functions: `prepare`, applied to each record once (decode, resize, channels), and
`finish`, applied to a batch of prepared rows together with its step and per-sample keys (noise,
augmentation, crops). Prepared rows stay in memory while they fit; else each is read and prepared as it
is needed, found by its place in its file. Both give the same batches, and the stream starts at any step
without computing those before it.

Nothing here holds a random state: where TensorFlow's op determinism is switched on, as on a GPU, tf.data
gives up threads and prefetching for a whole pipeline in which one function does, `Dataset.shuffle` or a
dataset's single element for example.
"""
from __future__ import annotations

from typing import Callable, Dict, NamedTuple, Optional, Sequence

import numpy as np
import tensorflow as tf

from datasets import places, records
from datasets.errors import InputError
from pipelines.runtime import keyed

Rows = Dict[str, tf.Tensor]
THREADS = 2
# what is mapped, as it stands: AutoGraph has nothing to rewrite there, and takes a tenth of a training's start
traced = tf.autograph.experimental.do_not_convert


class Source(NamedTuple):
    """Records, and what is made of them; see `batches`."""
    info: records.Info
    prepare: Callable[[Rows], Rows]
    keep: Optional[Callable[[Rows], tf.Tensor]] = None


def batches(info: records.Info, prepare: Callable[[Rows], Rows],
            finish: Callable[[tf.Tensor, tf.Tensor, Rows], Rows], batch_size: int, seed: int,
            first_step: int, memory_limit_mb: int,
            keep: Optional[Callable[[Rows], tf.Tensor]] = None, others: Sequence[Source] = (),
            shares: Optional[Sequence[int]] = None) -> tf.data.Dataset:
    """Endless batches, beginning with that of `first_step`.

    Args:
      prepare: parsed record (see records.parse) -> dict of tensors of static shape.
      finish: (step int64, keys int32 [N, 2], rows) -> the batch.
      keep: which records take part: {source_id, index} -> bool; None = all.
      memory_limit_mb: prepared rows are kept in memory if all of them fit in this; what comes is the same.
      others: further records of one set with these, shown in one order with them; they are prepared alike.
      shares: how many of a batch come from these and from each of `others`, each in an order of its own; None = as all
        together come.

    Raises:
      InputError: no record is kept, or none of `others`.
    """
    sources = [Source(info, prepare, keep), *others]
    chosen = [kept(source.info, source.keep) for source in sources]
    count = sum(map(len, chosen))
    steps = tf.data.Dataset.range(first_step, np.iinfo(np.int64).max)

    def sample_numbers(step):
        return tf.ensure_shape(step * batch_size + tf.range(batch_size, dtype=tf.int64), [batch_size])

    def order(step):
        if shares is None:
            return keyed.shuffled(sample_numbers(step), count, seed)
        firsts = np.cumsum([0, *map(len, chosen)])
        return tf.concat([int(first) + keyed.shuffled(step * share + tf.range(share, dtype=tf.int64), len(some), seed + number)
                          for number, (first, some, share) in enumerate(zip(firsts, chosen, shares))], 0)

    @traced
    def finished(step, rows):
        return finish(step, keyed.sample_keys(seed, sample_numbers(step)), rows)

    prepared = [_prepared(*source) for source in sources]
    if _row_bytes(prepared[0]) * count <= memory_limit_mb * 2 ** 20:
        parts = [_arrays(source.info, rows) for source, rows in zip(sources, prepared)]
        rows = on_host({key: np.concatenate([part[key] for part in parts]) for key in parts[0]} if others else parts[0])

        @traced
        def gathered(step):
            picked = order(step)
            return finished(step, {key: tf.gather(value, picked) for key, value in rows.items()})
        dataset = steps.map(gathered, num_parallel_calls=THREADS, deterministic=True)
    else:
        stream = _read_in(steps.map(traced(order)).unbatch(), sources, chosen)
        dataset = tf.data.Dataset.zip((steps, stream.batch(batch_size, drop_remainder=True))).map(
            finished, num_parallel_calls=THREADS, deterministic=True)
    options = tf.data.Options()
    options.threading.private_threadpool_size = THREADS
    return dataset.prefetch(4).with_options(options)


def zipped(sources: Dict[str, tf.data.Dataset]) -> tf.data.Dataset:
    """Endless batches of several record sets side by side, as pure functions of the step as each of them is.

    Args:
      sources: name -> its batches.

    Returns:
      Batches of which the tensor `key` of source `name` is called '<name>_<key>'.
    """
    return tf.data.Dataset.zip(dict(sources)).map(lambda parts: {
        f'{name}_{key}': value for name, batch in parts.items() for key, value in batch.items()})


def prepared_rows(info: records.Info, prepare, keep=None, at_most: int = -1) -> Dict[str, np.ndarray]:
    """Prepared rows as arrays, all of those kept or the first few; InputError if there is none."""
    return _arrays(info, _prepared(info, prepare, keep).take(at_most))


def on_host(rows: Dict[str, np.ndarray]) -> Rows:
    """Arrays as tensors in the host's memory: where there is a GPU, a constant would lie there."""
    with tf.device('/CPU:0'):
        return {key: tf.constant(value) for key, value in rows.items()}


def serialized(paths, keep: Optional[Callable[[Rows], tf.Tensor]] = None) -> tf.data.Dataset:
    """The serialized records of shards, those kept by `keep` (see `batches`); none is decoded."""
    dataset = tf.data.TFRecordDataset(paths)
    return dataset if keep is None else dataset.filter(lambda record: _is_kept(record, keep))


def kept(info: records.Info, keep: Optional[Callable[[Rows], tf.Tensor]] = None) -> np.ndarray:
    """Numbers of the records that `keep` keeps (see `batches`), int64 [records], in their order.

    Raises:
      InputError: there is none.
    """
    numbers = np.arange(info.count)
    if keep is not None:
        flags = tf.data.TFRecordDataset(info.paths).map(lambda record: _is_kept(record, keep))
        numbers = np.flatnonzero(list(flags.as_numpy_iterator()))
    if not len(numbers):
        raise nothing_kept(info)
    return numbers


def _is_kept(record: tf.Tensor, keep) -> tf.Tensor:
    features = tf.io.parse_single_example(record, {
        key: records.SCHEMA[key] for key in ('image/source_id', 'synthetic/index')})
    return keep({'source_id': features['image/source_id'], 'index': features['synthetic/index']})


def _prepared(info: records.Info, prepare, keep) -> tf.data.Dataset:
    """Prepared rows of those kept; nothing is read yet."""
    return serialized(info.paths, keep).map(traced(lambda record: prepare(records.parse(record, info))), tf.data.AUTOTUNE)


def _arrays(info: records.Info, prepared: tf.data.Dataset) -> Dict[str, np.ndarray]:
    """Prepared rows as arrays; InputError if there is none."""
    rows = list(prepared.as_numpy_iterator())
    if not rows:
        raise nothing_kept(info)
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]}


def _row_bytes(prepared: tf.data.Dataset) -> int:
    """Of one prepared row."""
    return sum(int(np.prod(spec.shape)) * spec.dtype.size for spec in prepared.element_spec.values())


def _read_in(order: tf.data.Dataset, sources: Sequence[Source], chosen: Sequence[np.ndarray]) -> tf.data.Dataset:
    """Prepared records in an order of numbers among those chosen, of one source behind the other."""
    paths, shards, begins, of_source = [], [], [], []
    for number, (source, some) in enumerate(zip(sources, chosen)):
        found = places.places(source.info.paths)
        shards.append(found[0][some] + len(paths))
        begins.append(found[1][some])
        of_source.append(np.full(len(some), number, np.int32))
        paths += source.info.paths
    shards, begins, of_source = (tf.constant(np.concatenate(parts)) for parts in (shards, begins, of_source))
    paths = tf.constant(paths)

    def read_in(number):
        read = places.read_at(tf.gather(paths, tf.gather(shards, number)), tf.gather(begins, number))
        return read.map(traced(lambda record: (tf.gather(of_source, number), record)))

    @traced
    def prepared(number, record):
        made = [lambda one=source: one.prepare(records.parse(record, one.info)) for source in sources]
        return made[0]() if len(made) == 1 else tf.switch_case(number, made)
    return order.flat_map(read_in).map(prepared, tf.data.AUTOTUNE)


def nothing_kept(info: records.Info) -> InputError:
    """The error of a selection that leaves no record."""
    return InputError(f'{info.directory}: expected records to learn from, found none; check the '
                      f'number of samples or the held-out share')
