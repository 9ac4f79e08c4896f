"""A segmenter's regimes as Tasks: REAL, SYNTH k, FINETUNE k, RESTART (Ciano 2021, section 4.2), MIXED k (DF-GAN); and,
on labels of another hospital, tuned and from scratch (Oliveira & dos Santos 2018, section V).

With few real images REAL and the fine-tuning train a fixed number of updates and take averaged weights.
REAL and MIXED k get as many updates as SYNTH and fine-tuning together [ours]: a weak baseline proves nothing. Alone
REAL may be told in epochs instead. So does what learns from scratch elsewhere; what is tuned there as many as FINETUNE.
"""
from __future__ import annotations

from typing import Dict, Optional

import tensorflow as tf

from datasets.errors import InputError
from datasets.files import read_json
from datasets.targets import Targets
from models.adversarial import copy_weights
from pipelines.data import augment, batches
from pipelines.plan.config import Config, Segmenter
from pipelines.plan.loading import segmenter_settings
from pipelines.plan.regimes import Run, translators_of
from pipelines.plan.segmenters import SEGMENTERS, resolve
from pipelines.plan.workdir import Workdir
from pipelines.runtime import determinism
from pipelines.runtime.seeds import stable_seed
from pipelines.segmentation.decay import with_decay
from pipelines.segmentation.inputs import prepare
from pipelines.segmentation.network import make_helpers, make_network, targets_for
from pipelines.segmentation.pairs import Pairs, num_held_out, pairs_of
from pipelines.segmentation.predict import predict_probabilities
from pipelines.segmentation.validation import validator
from pipelines.segmentation.transfer import read_sources, transfer_task
from pipelines.training.checkpoints import FINISHED, restore_networks
from pipelines.training.task import Average, Phase, Task, Validation


def steps_of(config: Config, run: Run, count: int) -> int:
    """Updates of a run's own training.

    Args:
      count: real images after augmentation.
    """
    settings = segmenter_settings(config, run.segmenter)
    synth, finetune = settings.synth_steps, settings.finetune_steps
    both = synth + finetune
    real = both if settings.epochs is None else settings.epochs * _epoch(config, settings, count)
    return {'real': real, 'mixed': both, 'synth': synth, 'finetune': finetune,
            'transfer': finetune if run.pretraining else both}[run.regime.kind]


def validated_every(config: Config, settings: Segmenter, run: Run, count: int) -> int:
    """Updates from one validation to the next, of `count` real images after augmentation."""
    in_epochs = settings.epochs is not None and run.regime.transfer is None
    return _epoch(config, settings, count) if in_epochs else settings.validate_every


def _epoch(config: Config, settings: Segmenter, count: int) -> int:
    """Updates of an epoch. [ours] A batch that the images do not fill counts, as in PyTorch's loaders; here the
    next images fill it."""
    versions = config.data.augment
    learned = count - versions * num_held_out(config, settings, count // versions)
    return -(-learned // settings.batch_size)


def updates_of(config: Config, run: Run, count: int, workdir=None) -> int:
    """Updates behind a run's model, pre-training included; of `count` real images after augmentation.

    Args:
      workdir: where it was trained: in epochs of two data sets, the folder alone says in how many steps.
    """
    if translators_of([run.regime]):
        own = read_json(Workdir(workdir).segmenter(run) / FINISHED)['steps']
    else:
        own = steps_of(config, run, count) if run.trained == run else 0
    return own + (updates_of(config, run.pretraining, count) if run.pretraining else 0)


def segmenter_task(config: Config, run: Run, workdir) -> Task:
    """The training of one run; what starts from another run starts from its chosen weights.

    Raises:
      InputError: the records that the run needs are not there yet.
    """
    if translators_of([run.regime]):
        return transfer_task(config, run, read_sources(config, run, workdir), workdir)
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
    is_tuned = run.pretraining is not None
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
                mixed_precision=config.precision == 'mixed_float16', key=_key(config, settings, pairs, targets))
    if pairs.chooser is None:
        return task._replace(averages=(Average(chosen, network, settings.average_decay),))
    score = validator(config, settings, pairs.chooser, targets, prepare(settings, pairs.chooser.info, targets),
                      lambda images: predict_probabilities(network, images, settings.crop, targets))
    return task._replace(validation=Validation(validated_every(config, settings, run, count), score, chosen, network))


def _key(config: Config, settings: Segmenter, pairs: Pairs, targets: Targets) -> Optional[str]:
    """See training.task.Task.key: not the regime, nor the seeds."""
    if config.precision != 'float32':
        return None
    return repr((settings, SEGMENTERS[settings.network], config.data.channels, targets, pairs.info.coding,
                 pairs.info.has_ignored, pairs.chooser is None))


def _batch_spec(settings: Segmenter, channels: int, targets: Targets, has_ignored: bool
                ) -> Dict[str, tf.TensorSpec]:
    count, crop = settings.batch_size, settings.crop
    masks = [len(targets.names)] if targets.is_overlapping else []
    ignored = {'ignored': tf.TensorSpec([count, crop, crop], tf.uint8)} if has_ignored else {}
    pictures = ('image', *SEGMENTERS[settings.network].also)
    return {**ignored, **{name: tf.TensorSpec([count, crop, crop, channels]) for name in pictures},
            'label': tf.TensorSpec([count, crop, crop, *masks], tf.uint8),
            'key': tf.TensorSpec([count, 2], tf.int32)}


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

    def source(info, keep):
        return batches.Source(info, prepare(settings, info, targets, also, pairs.info.has_ignored), keep)

    own, others = source(pairs.info, pairs.train), [source(*drawn) for drawn in pairs.drawn]
    drawn = settings.mixed_share and round(settings.mixed_share * settings.batch_size)
    shares = drawn and (settings.batch_size - drawn, drawn)
    return batches.batches(own.info, own.prepare, finish, settings.batch_size, seed, first_step,
                           config.data.memory_limit_mb, own.keep, others, shares if others else None)
