"""What stages share that learn from pairs, a field that is given and one that is drawn: batches and sheets."""
from __future__ import annotations

from typing import Callable, Dict, Sequence, Tuple

import tensorflow as tf

from datasets.records import Info
from pipelines.data import augment, batches, sheets
from pipelines.plan.augmentation import Augmentation
from pipelines.runtime import keyed


def pair_batches(io, infos: Sequence[Info], spec: Dict[str, tf.TensorSpec], seed: int, edges: bool = False,
                 more: Callable[[tf.Tensor], Dict[str, tf.Tensor]] = lambda step: {}) -> Callable:
    """A Phase's `batches` with what `spec` names, all at the side of its 'source', of all records together.

    'source' and 'target': channels in [-1, 1] or 0 and 1; 'pool' [N, 2]: draws for an image pool; 'key' int32
    [N, 2]: the samples' own, for dropout; 'shown': draws for a changing discriminator; 'style' [N, 2, K, K]: two styles, normal;
    and what `more` makes of the step.
    """
    side, (target,) = spec['source'].shape[1], io.drawn

    def finish(step, keys, rows):
        given, wanted = augmented(io, rows, keys)
        batch = {'source': io.source.condition(given, side, edges),
                 'target': target.encode(target.resize(wanted, side)), **more(step)}
        if 'pool' in spec:
            batch['pool'] = keyed.uniform(keys, keyed.POOL, [2])
        if 'key' in spec:
            batch['key'] = keys
        if 'style' in spec:
            batch['style'] = keyed.normal(keys, keyed.STYLE, list(spec['style'].shape[1:]))
        if 'shown' in spec:
            batch['shown'] = keyed.uniform(keys, keyed.SHOWN, list(spec['shown'].shape[1:]))
        return {name: tf.ensure_shape(value, spec[name].shape) for name, value in batch.items()}

    return lambda first_step: batches.batches(
        infos[0], prepare(io), finish, io.settings.batch_size, seed, first_step, io.data.memory_limit_mb,
        others=[batches.Source(info, prepare(io)) for info in infos[1:]])


def prepare(io) -> Callable:
    """What is kept of a record: both fields."""
    target, = io.drawn
    return lambda row: {'source': io.source.prepare(row), 'target': target.prepare(row)}


def pair_sheet(io, info: Info, side: int, *translates: Callable[[tf.Tensor], tf.Tensor], edges: bool = False) -> Callable:
    """A Phase's `sheet`: what is given, the real picture and the drawn ones, of the first records.

    Args:
      translates: each channels [1, S, S, C] -> what is drawn, a row of the sheet.
    """
    (target,), source = io.drawn, io.source

    def sheet(done):
        del done
        rows = batches.prepared_rows(info, prepare(io), at_most=sheets.COLUMNS)
        given = tf.constant(rows['source'])
        drawn = [tf.concat([target.decode(translate(source.condition(one, side, edges)))
                            for one in tf.split(given, len(given))], 0)  # one at a time: memory
                 for translate in translates]
        real = target.decode(target.encode(target.resize(tf.constant(rows['target']), side)))
        return sheets.grid([[source.picture(v) for v in source.decode(source.encode(given)).numpy()],
                            [target.picture(v) for v in real.numpy()],
                            *([target.picture(v) for v in row.numpy()] for row in drawn)])
    return sheet


def augmented(io, rows, keys) -> Tuple:
    """Changes source and target alike at the size of the pictures."""
    how, (target,), side = io.settings.augmentation, io.drawn, io.data.size
    if how == Augmentation():
        return rows['source'], rows['target']
    both = [tf.cast(field.resize(rows[role], side), tf.float32)
            for role, field in (('source', io.source), ('target', target))]
    maps = [values for values in both if values.shape.rank == 3]
    pictures = [values for values in both if values.shape.rank == 4] or [
        tf.zeros_like(both[0])[..., None]]
    picture, maps = augment.augment(tf.concat(pictures, -1), maps, keys, how)
    pictures = tf.split(picture, [values.shape[-1] for values in pictures], axis=-1)
    return tuple((pictures if values.shape.rank == 4 else maps).pop(0) for values in both)
