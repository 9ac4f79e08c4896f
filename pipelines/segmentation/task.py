"""A segmenter's regimes as task.Tasks: REAL, SYNTH k, FINETUNE k (papers 000/001, section 4.2).

SYNTH learns from the first `generation.num_train` synthetic pairs and the rest choose the epoch
(caption of Table 1). REAL and the fine-tuning hold out source images for that; with few of them they
train a fixed number of updates and take averaged weights. REAL gets as many updates as SYNTH and
fine-tuning together [ours]: a weak baseline proves nothing.
"""
from __future__ import annotations

from pathlib import Path
from typing import Callable, Dict, NamedTuple, Optional

import numpy as np
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from models import adversarial
from models.segmenters.losses import segmentation_update
from models.segmenters.resnet import load_imagenet
from models.segmenters.smanet import SMANet
from models.segmenters.unet import UNet
from models.sliding_window import sliding_window_probabilities
from pipelines.data import batches, pixels
from pipelines.plan import checks
from pipelines.plan.config import Config, Segmenter, segmenter_settings
from pipelines.plan.methods import Run
from pipelines.runtime import devices, keyed
from pipelines.runtime.devices import stable_seed
from pipelines.scores import overlap
from pipelines.training.checkpoints import restore_networks
from pipelines.training.task import Average, Phase, Task, Validation

VALIDATION_BATCH = 8


class Pairs(NamedTuple):
    """Which records a regime learns from and which choose the epoch (None: none do)."""
    info: records.Info
    train: Optional[Callable]
    validation: Optional[Callable]


def segmenter_directory(workdir, run: Run) -> Path:
    """Where a run is trained."""
    return Path(workdir) / 'segmenters' / run.name


def synthetic_directory(workdir, method) -> Path:
    """Where a method's samples are."""
    return Path(workdir) / 'synthetic' / method.name


def steps_of(config: Config, run: Run) -> int:
    """Updates of a run's own training."""
    settings = segmenter_settings(config, run.segmenter)
    synth, finetune = settings.synth_steps, settings.finetune_steps
    return {'real': synth + finetune, 'synth': synth, 'finetune': finetune}[run.regime.kind]


def updates_of(config: Config, run: Run) -> int:
    """Updates behind a run's model, pre-training included."""
    return steps_of(config, run) + (steps_of(config, run.pretraining)
                                    if run.regime.kind == 'finetune' else 0)


def segmenter_task(config: Config, run: Run, workdir) -> Task:
    """The training of one run; a FINETUNE starts from its SYNTH's chosen weights.

    Raises:
      InputError: the records or the SYNTH model that the run needs are not there yet.
    """
    settings, pairs = segmenter_settings(config, run.segmenter), _pairs(config, run, workdir)
    coding = pairs.info.coding
    with devices.precision(config.precision):
        network, chosen = (make_network(config, run, coding.num_classes) for _ in range(2))
    seed = stable_seed(config.seed, run.seed, 'segmenter', run.regime.name)
    rate = settings.learning_rate
    if run.regime.kind == 'finetune':
        restore_networks({'chosen': network}, segmenter_directory(workdir, run.pretraining))
        rate = settings.finetune_learning_rate
    elif settings.imagenet_weights:
        load_imagenet_file(network, settings)
    adversarial.copy_weights(chosen, network)
    phase = Phase(run.name, steps_of(config, run), lambda step: rate,
                  (segmentation_update(network),),
                  lambda first: _batches(config, settings, pairs, seed, first))
    networks = {'network': network, 'chosen': chosen}
    if pairs.validation is None:
        averages = (Average(chosen, network, settings.average_decay),)
        return Task(run.name, networks, (phase,), (0.9, 0.999), averages,
                    mixed_precision=config.precision == 'mixed_float16')
    validation = Validation(settings.validate_every, _validator(config, settings, pairs, network),
                            chosen, network)
    return Task(run.name, networks, (phase,), (0.9, 0.999), validation=validation,
                mixed_precision=config.precision == 'mixed_float16')


def batch_spec(settings: Segmenter) -> Dict[str, tf.TensorSpec]:
    """What a training batch looks like."""
    count, crop = settings.batch_size, settings.crop
    return {'image': tf.TensorSpec([count, crop, crop, 1]),
            'label': tf.TensorSpec([count, crop, crop], tf.uint8),
            'key': tf.TensorSpec([count, 2], tf.int32)}


def make_network(config: Config, run: Run, num_classes: int) -> tf.keras.Model:
    """SMANet or U-Net with weights from the seeds: the same start in every regime."""
    settings = segmenter_settings(config, run.segmenter)
    seed = stable_seed(config.seed, run.seed, settings.network)
    if settings.network == 'unet':
        return UNet(num_classes, channels=1, width=settings.width, seed=seed)
    return SMANet(num_classes, channels=1, blocks=settings.blocks, width=settings.width,
                  stem='imagenet' if settings.imagenet_weights else 'deep',
                  context=settings.context, seed=seed)


def input_deviation(settings: Segmenter) -> float:
    """Standard deviation of the pictures that the network is given.

    [ours] 1; but ImageNet's own, 58 grey levels of 127.5, for weights that learned from ImageNet.
    """
    return 58 / 127.5 if settings.imagenet_weights else 1.0


def load_imagenet_file(network: SMANet, settings) -> None:
    """Fills the encoder from Keras' file of ImageNet weights; nothing is downloaded.

    Raises:
      InputError: there is no such file, or it holds another network.
    """
    name = checks.RESNETS[settings.blocks]
    path = Path(settings.imagenet_weights)
    if settings.imagenet_weights == 'keras':
        path = Path.home() / f'.keras/models/{name}_weights_tf_dim_ordering_tf_kernels_notop.h5'
    if not path.is_file():
        raise InputError(f'segmenter.imagenet_weights: expected Keras\' file of {name} without top, '
                         f'found none at {path}; fetch it (tf.keras.applications does) or set null')
    build = {'resnet50': tf.keras.applications.ResNet50,
             'resnet101': tf.keras.applications.ResNet101}[name]
    try:
        load_imagenet(network.encoder, build(include_top=False, weights=str(path)))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f'segmenter.imagenet_weights: {path} does not hold {name} without top: '
                         f'{" ".join(str(error).split())[:160]}') from None


def trained_network(config: Config, run: Run, num_classes: int, workdir) -> tf.keras.Model:
    """The network with the chosen weights of a trained run; InputError if it is not trained yet."""
    network = make_network(config, run, num_classes)
    restore_networks({'chosen': network}, segmenter_directory(workdir, run))
    return network


def predict_probabilities(network, images: tf.Tensor, crop: int, num_classes: int) -> tf.Tensor:
    """Standardised pictures [N, H, W, 1] -> class probabilities by sliding window."""
    return sliding_window_probabilities(lambda windows: network(windows, training=False), images,
                                        crop, num_classes)


def _pairs(config: Config, run: Run, workdir) -> Pairs:
    if run.regime.kind == 'synth':
        info = records.read_info(synthetic_directory(workdir, run.regime.method))
        total, wanted = config.generation.num_train, config.generation.count
        count = run.num_synthetic or total
        if count > total:
            raise InputError(f'--num-synthetic {count}: expected at most generation.num_train = '
                             f'{total}; the others choose the epoch')
        trains = lambda row: row['index'] < count
        chooses = lambda row: row['index'] >= total
        if info.count != wanted:
            raise InputError(f'{info.directory}: expected generation.num_train + num_validation = '
                             f'{wanted} samples, found {info.count}; remove the folder and generate '
                             f'without --num')
        return Pairs(info, trains, chooses)
    info = records.read_info(Path(workdir) / 'records' / 'train')
    ids, settings = sorted(set(info.ids)), segmenter_settings(config, run.segmenter)
    if len(ids) < settings.min_holdout_images:
        return Pairs(info, None, None)
    rng = np.random.default_rng(stable_seed(config.seed, run.seed, 'holdout'))
    held_out = tf.constant(rng.choice(ids, max(1, round(settings.holdout * len(ids))),
                                      replace=False))
    is_held_out = lambda row: tf.reduce_any(row['source_id'] == held_out)
    return Pairs(info, lambda row: ~is_held_out(row), is_held_out)


def _prepare(settings: Segmenter, coding):
    """Parsed record -> standardised float16 picture and classes, at the training size."""
    size, projection = settings.size, tf.constant(coding.projection)
    deviation = input_deviation(settings)

    def prepare(row):
        image = pixels.standardise(pixels.resize(row['image'], size, size), deviation)
        classes = tf.gather(projection, tf.cast(row['labels'], tf.int32))
        classes = pixels.resize_labels(classes, size, coding.num_classes)
        return {'image': tf.cast(image, tf.float16), 'label': tf.ensure_shape(classes, [size, size])}
    return prepare


def _batches(config: Config, settings: Segmenter, pairs: Pairs, seed: int,
             first_step: int) -> tf.data.Dataset:
    shape = [settings.batch_size, settings.size, settings.size]

    def finish(step, keys, rows):
        image = tf.ensure_shape(tf.cast(rows['image'], tf.float32), shape + [1])
        image, (label,) = keyed.augment(image, [tf.ensure_shape(rows['label'], shape)], keys,
                                        settings.augmentation)
        image, label = keyed.random_crop(image, label, keys, settings.crop)
        return {'image': image, 'label': label, 'key': keys}

    return batches.batches(pairs.info, _prepare(settings, pairs.info.coding), finish,
                           settings.batch_size, seed, first_step, config.data.memory_limit_mb,
                           pairs.train)


def _validator(config: Config, settings: Segmenter, pairs: Pairs, network) -> Callable[[], float]:
    """-> pooled average Jaccard, per cent, of the network on the validation pairs."""
    coding, size = pairs.info.coding, settings.size
    prepare = _prepare(settings, coding)
    rows = batches.serialized(pairs.info.paths, pairs.validation)
    rows = rows.take(settings.max_validation).map(
        lambda record: prepare(records.parse(record, pairs.info)), batches.THREADS)
    if settings.max_validation * size * size * 3 < config.data.memory_limit_mb * 2 ** 20:
        rows = rows.cache()

    @tf.function(input_signature=[tf.TensorSpec([None, size, size, 1], tf.float16)])
    def predict(image):
        probabilities = predict_probabilities(network, tf.cast(image, tf.float32), settings.crop,
                                              coding.num_classes)
        return tf.argmax(probabilities, -1, output_type=tf.int32)

    def score() -> float:
        confusions = [overlap.confusion_matrix(row['label'].numpy(), predict(row['image']).numpy(),
                                               coding.num_classes)
                      for row in rows.batch(VALIDATION_BATCH)]
        if not confusions:
            raise InputError(f'{pairs.info.directory}: no pair is left to choose the epoch; raise '
                             f'generation.num_validation or segmenter.holdout')
        return overlap.pooled_scores(np.stack(confusions), coding.targets)[
            'jaccard_pooled', 'average']
    return score
