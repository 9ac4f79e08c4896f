"""A segmenter's regimes as Tasks: REAL, SYNTH k, FINETUNE k, RESTART (Ciano 2021, section 4.2).

With few real images REAL and the fine-tuning train a fixed number of updates and take averaged weights.
REAL gets as many updates as SYNTH and fine-tuning together [ours]: a weak baseline proves nothing. Alone it may
be told in epochs instead.
"""
from __future__ import annotations

from typing import Callable, Dict, Sequence

import numpy as np
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.targets import Targets
from models.adversarial import copy_weights
from pipelines.data import augment, batches, pixels
from pipelines.plan.config import Config, Segmenter
from pipelines.plan.loading import segmenter_settings
from pipelines.plan.regimes import Run
from pipelines.plan.segmenters import SEGMENTERS, resolve
from pipelines.plan.workdir import Workdir
from pipelines.runtime import determinism
from pipelines.runtime.seeds import stable_seed
from pipelines.scores import overlap
from pipelines.scores.bootstrap import mean_of
from pipelines.segmentation.decay import with_decay
from pipelines.segmentation.network import (input_deviation, make_helpers, make_network,
                                            targets_for)
from pipelines.segmentation.pairs import Pairs, num_held_out, pairs_of
from pipelines.segmentation.predict import decided, predict_probabilities
from pipelines.training.checkpoints import restore_networks
from pipelines.training.task import Average, Phase, Task, Validation

VALIDATION_BATCH = 8


def steps_of(config: Config, run: Run, count: int) -> int:
    """Updates of a run's own training.

    Args:
      count: real images after augmentation.
    """
    settings = segmenter_settings(config, run.segmenter)
    synth, finetune = settings.synth_steps, settings.finetune_steps
    real = synth + finetune if settings.epochs is None else settings.epochs * _epoch(config, settings, count)
    return {'real': real, 'synth': synth, 'finetune': finetune}[run.regime.kind]


def validated_every(config: Config, settings: Segmenter, count: int) -> int:
    """Updates from one validation to the next, of `count` real images after augmentation."""
    return settings.validate_every if settings.epochs is None else _epoch(config, settings, count)


def _epoch(config: Config, settings: Segmenter, count: int) -> int:
    """Updates of an epoch. [ours] A batch that the images do not fill counts, as in PyTorch's loaders; here the
    next images fill it."""
    versions = config.data.augment
    learned = count - versions * num_held_out(config, settings, count // versions)
    return -(-learned // settings.batch_size)


def updates_of(config: Config, run: Run, count: int) -> int:
    """Updates behind a run's model, pre-training included; of `count` real images after augmentation."""
    return steps_of(config, run, count) + (steps_of(config, run.pretraining, count)
                                           if run.regime.kind == 'finetune' else 0)


def segmenter_task(config: Config, run: Run, workdir) -> Task:
    """The training of one run; a FINETUNE starts from its SYNTH's chosen weights.

    Raises:
      InputError: the records that the run needs are not there yet.
    """
    return task_of(config, run, pairs_of(config, run, workdir), workdir)


def task_of(config: Config, run: Run, pairs: Pairs, workdir) -> Task:
    """`segmenter_task` of given pairs; nothing is read before its first batch is asked for."""
    settings, coding, count = segmenter_settings(config, run.segmenter), pairs.info.coding, pairs.info.count
    row, targets = SEGMENTERS[settings.network], targets_for(config, run, coding)
    missing = [name for name in row.also if not getattr(pairs.info, f'has_{name}')]
    if missing:
        raise InputError(f'{pairs.info.directory}: expected records with {", ".join(missing)}, which {run.segmenter} '
                         f'learns too, found none; set data.{missing[0]}=true and make them anew')
    with determinism.precision(config.precision):  # of training alone: what is exported is float32
        network, chosen = (make_network(config, run, targets.num_outputs) for _ in range(2))
        networks = {'network': network, 'chosen': chosen,
                    **make_helpers(config, run, targets.num_outputs)}
    seed = stable_seed(config.seed, run.seed, 'segmenter', run.regime.name)
    is_tuned = run.regime.kind == 'finetune'
    rate = settings.finetune_learning_rate if is_tuned else settings.learning_rate

    def start():
        if is_tuned:
            restore_networks({'chosen': network}, Workdir(workdir).segmenter(run.pretraining))
        elif row.prepare:
            resolve(row.prepare)(network, settings)
        copy_weights(chosen, network)

    updates = with_decay(resolve(row.updates)(networks), network, settings)
    phase = Phase(run.name, steps_of(config, run, count), lambda step: rate, updates,
                  lambda first: _batches(config, settings, pairs, targets, seed, first),
                  _batch_spec(settings, config.data.channels, targets, pairs.info.has_ignored))
    task = Task(run.name, networks, (phase,), row.betas, start=start,
                mixed_precision=config.precision == 'mixed_float16')
    if pairs.validation is None and pairs.fold is None:
        return task._replace(averages=(Average(chosen, network, settings.average_decay),))
    return task._replace(validation=Validation(
        validated_every(config, settings, count), _validator(config, settings, pairs, targets, network), chosen,
        network))


def _batch_spec(settings: Segmenter, channels: int, targets: Targets, has_ignored: bool
                ) -> Dict[str, tf.TensorSpec]:
    count, crop = settings.batch_size, settings.crop
    masks = [len(targets.names)] if targets.is_overlapping else []
    ignored = {'ignored': tf.TensorSpec([count, crop, crop], tf.uint8)} if has_ignored else {}
    pictures = ('image', *SEGMENTERS[settings.network].also)
    return {**ignored, **{name: tf.TensorSpec([count, crop, crop, channels]) for name in pictures},
            'label': tf.TensorSpec([count, crop, crop, *masks], tf.uint8),
            'key': tf.TensorSpec([count, 2], tf.int32)}


def _prepare(settings: Segmenter, info: records.Info, targets: Targets, also: Sequence[str] = ()):
    """Parsed record -> standardised float16 picture and classes, at the training size.

    'label' is uint8: a class of each pixel [S, S], or a mask of each class [S, S, classes]; 'ignored' is 1
    where a pixel takes no part, uint8 [S, S], in records that have such pixels. A picture that is learned `also` is
    float16 in [-1, 1], stretched by its own greys as a GAN's pictures are [ours].
    """
    size, deviation = settings.size, input_deviation(settings)
    projection, members = (tf.constant(of(info.coding)) for of in (targets.projection, targets.members))

    def masks_of(codes):
        shares = pixels.resize(tf.cast(tf.gather(members, codes), tf.float32), size, size)
        return tf.ensure_shape(tf.cast(shares >= 0.5, tf.uint8), [size, size, len(targets.names)])

    def classes_of(codes):
        classes = pixels.resize_labels(tf.gather(projection, codes), size, targets.num_outputs)
        return tf.ensure_shape(classes, [size, size])

    def prepare(row):
        image = pixels.standardise(pixels.resize(row['image'], size, size), deviation)
        codes = tf.cast(row['labels'], tf.int32)
        label = masks_of(codes) if targets.is_overlapping else classes_of(codes)
        made = {'image': tf.cast(image, tf.float16), 'label': label}
        made.update({name: tf.cast(pixels.resize(pixels.stretch(row[name]), size, size), tf.float16)
                     for name in also})
        if info.has_ignored:
            made['ignored'] = tf.ensure_shape(pixels.resize_labels(row['ignored'], size, 2), [size, size])
        return made
    return prepare


def _batches(config: Config, settings: Segmenter, pairs: Pairs, targets: Targets, seed: int,
             first_step: int) -> tf.data.Dataset:
    shape = [settings.batch_size, settings.size, settings.size]
    masks = [len(targets.names)] if targets.is_overlapping else []
    also = SEGMENTERS[settings.network].also

    def finish(step, keys, rows):
        """[ours] Pictures that are learned move with the image and take its tone, which nobody could guess; its noise
        they do not."""
        pictures = [tf.ensure_shape(tf.cast(rows[name], tf.float32), shape + [config.data.channels])
                    for name in ('image', *also)]
        label = tf.ensure_shape(rows['label'], shape + masks)
        maps = tf.unstack(label, axis=-1) if masks else [label]
        maps += [tf.ensure_shape(rows['ignored'], shape)] if 'ignored' in rows else []
        how, count = settings.augmentation, len(pictures)
        together, maps = augment.moved(tf.concat(pictures, -1), maps, keys, how)
        image, *others = [augment.toned(picture, keys, how) for picture in tf.split(together, count, -1)]
        together = tf.concat([augment.noised(image, keys, how), *others], -1)
        together, maps = augment.random_crop(together, tf.stack(maps, axis=-1), keys, settings.crop)
        batch = {'ignored': maps[..., -1]} if 'ignored' in rows else {}
        batch.update(zip(('image', *also), tf.split(together, count, -1)))
        label = maps[..., :masks[0]] if masks else maps[..., 0]
        return {'label': label, 'key': keys, **batch}

    return batches.batches(pairs.info, _prepare(settings, pairs.info, targets, also), finish,
                           settings.batch_size, seed, first_step, config.data.memory_limit_mb,
                           pairs.train)


def _validator(config: Config, settings: Segmenter, pairs: Pairs, targets: Targets, network
               ) -> Callable[[], float]:
    """-> average Jaccard, per cent, of the network on the validation pairs.

    Pooled over their pixels; [ours] on a validation fold the mean over its images, which is what its division is
    scored by, where the public trainer pools.
    """
    size, info = settings.size, pairs.fold or pairs.info
    prepare = _prepare(settings, info, targets)
    rows = batches.serialized(info.paths, pairs.validation)
    rows = rows.take(settings.max_validation).map(
        lambda record: prepare(records.parse(record, info)), batches.THREADS)
    if settings.max_validation * size * size * 3 < config.data.memory_limit_mb * 2 ** 20:
        rows = rows.cache()

    @tf.function(input_signature=[tf.TensorSpec([None, size, size, config.data.channels], tf.float16)])
    def predict(image):
        probabilities = predict_probabilities(network, tf.cast(image, tf.float32), settings.crop, targets)
        return decided(probabilities, targets)

    def score() -> float:
        counted = []
        for row in rows.batch(VALIDATION_BATCH):
            sides = [row['label'].numpy(), predict(row['image']).numpy()]
            if 'ignored' in row:
                taken = row['ignored'].numpy() == 0
                sides = [side * taken[(...,) + (None,) * (side.ndim - 3)] for side in sides]
            counted += [_counts(*of_image, targets) for of_image in zip(*sides)]
        if not counted:
            raise InputError(f'{info.directory}: no pair is left to choose the epoch; raise '
                             f'generation.num_validation or segmenter.holdout')
        of_images = overlap.jaccard(np.array(counted) if pairs.fold else np.sum(counted, axis=0, keepdims=True))
        return float(mean_of(mean_of(of_images, axis=0), axis=0))
    return score


def _counts(label: np.ndarray, found: np.ndarray, targets: Targets) -> np.ndarray:
    """Of one image, [classes, 3], see scores.overlap."""
    if targets.is_overlapping:
        return overlap.mask_counts(*(np.moveaxis(side > 0, -1, 0) for side in (label, found)))
    return overlap.counts(label, found, targets.num_outputs)
