"""What translators between two data sets share: batches without pairs, epochs, sheets, cycle errors.

In names a is a picture of the first set that a stage reads, A, which is the config's own; b one of the second, B; ab is
a brought to B, and aba the same brought back. Of either set the pictures alone are read, labelled or not.
"""
from __future__ import annotations

from typing import Callable, Dict, Iterator, Mapping, Optional

import numpy as np
import tensorflow as tf

from datasets.records import Info
from pipelines.data import augment, batches, sheets
from pipelines.plan.kinds.pix2pixhd import epoch_steps
from pipelines.runtime import keyed
from pipelines.runtime.seeds import stable_seed
from pipelines.training.task import Phase

Translate = Callable[[tf.Tensor, tf.Tensor], Dict[str, tf.Tensor]]
DOMAINS = ('a', 'b')
ROWS = ('a', 'ab', 'aba', 'b', 'ba', 'bab')  # of a sheet


def unpaired_phase(io, sources: Mapping[str, Info], epochs: int, learning_rate: Callable[[int, int], float], updates,
                   translate: Translate, has_pools: bool = False) -> Phase:
    """The one phase of a translator.

    [ours] Each set has a permutation of its own for every epoch of its own, and an epoch of the training is as long
    as that of the larger set: the official CycleGAN draws B with replacement.

    Args:
      learning_rate: (step, steps of an epoch) -> rate.
      translate: (a, b), [1, S, S, C] each -> 'ab', 'aba', 'ba', 'bab', as after training.
      has_pools: whether batches hold draws for image pools.
    """
    infos = infos_of(io, sources)
    epoch, spec = epoch_of(io, infos), _batch_spec(io, has_pools)

    def sheet(done):
        del done
        field, = io.drawn
        shown = list(_translated(io, infos, translate))
        return sheets.grid([[field.picture(field.decode(made[row])[0].numpy()) for made in shown] for row in ROWS])

    def measured():
        errors = [[np.mean(np.abs(made[domain] - made[back])) for domain, back in (('a', 'aba'), ('b', 'bab'))]
                  for made in _translated(io, infos, translate)]
        return dict(zip(('cycle_error_a', 'cycle_error_b'), np.mean(errors, 0).tolist()))

    return Phase('all', epoch * epochs, lambda step: learning_rate(step, epoch), updates,
                 unpaired_batches(io, infos, spec), spec, sheet, measured=measured)


def infos_of(io, sources: Mapping[str, Info]) -> Dict[str, Info]:
    """The records of both domains."""
    return {domain: sources[name] for domain, name in zip(DOMAINS, io.stage.reads)}


def epoch_of(io, infos: Mapping[str, Info]) -> int:
    """Steps in which the larger set is shown once."""
    return epoch_steps(io.settings, max(info.count for info in infos.values()))


def unpaired_batches(io, infos: Mapping[str, Info], spec: Mapping[str, tf.TensorSpec],
                     also: Mapping[str, Callable] = {}, crop: Optional[int] = None) -> Callable:
    """A Phase's `batches` of both domains, each as a function of (seed, step) alone.

    'a_image', 'b_image' [N, S, S, C] in [-1, 1]; 'a_key', 'b_key' int32 [N, 2], the samples' own, for noise; and where
    `spec` names them 'a_pool', 'b_pool' [N, 2], draws for an image pool; and what is read `also`.

    Args:
      also: domain -> (parsed record -> further tensors): maps [S, S], which move with the picture, and numbers.
      crop: side of the window that is left of such maps, see `augment.random_window`; the pictures stay whole.
    """
    field, = io.drawn

    def of_domain(domain, first_step):
        more = also.get(domain, lambda row: {})

        def finish(step, keys, rows):
            numbers = {key: value for key, value in rows.items() if key != 'image'}
            maps = {key: numbers.pop(key) for key in list(numbers) if numbers[key].shape.rank == 3}
            picture, moved = augment.augment(field.encode(rows['image']), list(maps.values()), keys,
                                             io.settings.augmentation)
            batch = {'image': picture, 'key': keys, **numbers}
            batch.update({key: augment.random_window(value, keys, crop) for key, value in zip(maps, moved)})
            if f'{domain}_pool' in spec:
                batch['pool'] = keyed.uniform(keys, keyed.POOL, [2])
            return {key: tf.ensure_shape(value, spec[f'{domain}_{key}'].shape) for key, value in batch.items()}

        return batches.batches(infos[domain], lambda row: {**_prepare(io)(row), **more(row)}, finish,
                               io.settings.batch_size, stable_seed(io.seed, domain), first_step, io.data.memory_limit_mb)

    return lambda first_step: batches.zipped({domain: of_domain(domain, first_step) for domain in DOMAINS})


def first_pictures(io, info: Info, at_most: int) -> np.ndarray:
    """The first pictures of a set, float32 [N, S, S, C] in [-1, 1]; no augmented versions."""
    rows = batches.prepared_rows(info, _prepare(io), at_most=at_most * info.versions)
    return rows['image'][::info.versions].astype(np.float32)


def _translated(io, infos: Mapping[str, Info], translate: Translate) -> Iterator[Dict[str, tf.Tensor]]:
    """The first pictures of both sets side by side and what becomes of them, see ROWS."""
    pictures = [first_pictures(io, infos[domain], sheets.COLUMNS) for domain in DOMAINS]
    for pair in zip(*pictures):  # one at a time: memory
        a, b = (tf.constant(one[None]) for one in pair)
        yield {'a': a, 'b': b, **translate(a, b)}


def _prepare(io) -> Callable:
    field, = io.drawn
    return lambda row: {'image': field.prepare(row)}


def _batch_spec(io, has_pools: bool) -> Dict[str, tf.TensorSpec]:
    count, side = io.settings.batch_size, io.data.size
    spec = {'image': tf.TensorSpec([count, side, side, io.channels]), 'key': tf.TensorSpec([count, 2], tf.int32)}
    if has_pools:
        spec['pool'] = tf.TensorSpec([count, 2])
    return {f'{domain}_{key}': value for domain in DOMAINS for key, value in spec.items()}
