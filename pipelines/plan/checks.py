"""What a config's numbers must fulfil, checked before anything is trained. No TensorFlow here."""
from __future__ import annotations

import functools
import re
from pathlib import Path

from datasets.errors import InputError
from pipelines.plan import growth
from pipelines.plan.methods import parse_regime, stage_keys

POSITIVE = (
    'data.size', 'data.augment', 'data.dots_size', 'data.dots_radius', 'data.memory_limit_mb',
    'pggan.fmap_max', 'pggan.fmap_base', 'pggan.latent_size', 'pggan.group_size',
    'pix2pixhd.ngf', 'pix2pixhd.ndf', 'pix2pixhd.batch_size', 'pix2pixhd.layers',
    'pix2pixhd.scales', 'pix2pixhd.blocks_local',
    'generation.num_train', 'generation.num_validation', 'generation.block',
    'generation.shard', 'segmenter.size', 'segmenter.batch_size', 'segmenter.synth_steps',
    'segmenter.finetune_steps', 'segmenter.validate_every', 'segmenter.max_validation',
    'evaluation.size', 'run.log_every', 'run.sheet_every')
NOT_NEGATIVE = ('data.draw', 'labels.warp', 'labels.margin', 'labels.centroid_margin',
                'pix2pixhd.feature_weight', 'run.checkpoint_seconds')
NETWORKS = ('smanet', 'unet')
SCORED = ('test', 'left_out')  # splits
NAME = re.compile(r'\w+')         # of an arm or a segmenter: part of folder names
CHOICES = {
    'data.dataset': ('phantom', 'jsrt', 'folder'),
    'data.noise': ('variance', 'std'),
    'data.augment_mode': ('separate', 'composed'),
    'labels.channels': ('grey', 'onehot'),
    'segmenter.network': NETWORKS,
    'segmenter.context': ('attention', 'pyramid'),
    'precision': ('float32', 'mixed_float16'),
    'strategy': ('none', 'mirrored', 'multi_worker'),
}

RESNETS = {(3, 4, 6, 3): 'resnet50', (3, 4, 23, 3): 'resnet101'}   # depths -> name in Keras


def check(config, source: str, stage_settings, segmenter_settings) -> None:
    """Raises InputError, naming `source` and the key, for a config that could not be carried out.

    Args:
      stage_settings: (config, model, key of a stage) -> its settings.
      segmenter_settings: (config, name of a segmenter) -> its settings.
    """
    refuse = functools.partial(_refuse, source)
    for key in POSITIVE:
        if _value(config, key) < 1:
            refuse(key, 'a number from 1 on', _value(config, key))
    for key in NOT_NEGATIVE:
        if not _value(config, key) >= 0:
            refuse(key, 'a number from 0 on', _value(config, key))
    for key in ('data.num_train', 'data.num_test'):
        if _value(config, key) is not None and _value(config, key) < 1:
            refuse(key, 'a number from 1 on, or null for all there are', _value(config, key))
    for key, choices in CHOICES.items():
        if _value(config, key) not in choices:
            refuse(key, f'one of {", ".join(choices)}', _value(config, key))
    if config.data.dataset != 'phantom' and not config.data.source:
        refuse('data.source', 'the folder of the data set (--set data.source=DIR)', None)
    field = config.data.field_of_view_mm
    if field is not None and (len(field) != 2 or min(field) <= 0):
        refuse('data.field_of_view_mm', 'height and width in mm, as [358.4, 358.4]', list(field))
    if config.generation.shard % config.generation.block:
        refuse('generation.shard', f'a multiple of generation.block ({config.generation.block})',
               config.generation.shard)
    for name in ['smanet', *config.segmenters, *(n for b in config.matrix for n in b.segmenters)]:
        if not NAME.fullmatch(name):
            refuse(f'segmenters.{name}', 'a name of letters, digits and _', name)
        check_segmenter(segmenter_settings(config, name), source)
    weights = config.evaluation.inception_weights
    if weights and not Path(weights).is_file():
        refuse('evaluation.inception_weights', 'Keras\' file of InceptionV3 without top', weights)
    for number, block in enumerate(config.matrix):
        _check_block(config, block, f'matrix[{number}]', refuse)
    for regime in {*config.regimes, *(name for block in config.matrix for name in block.regimes)}:
        method = parse_regime(regime).method
        for stage in method.stages if method else ():
            _check_stage(config, stage, stage_settings(config, stage.model, stage.key), refuse)
    models = stage_keys()
    for key in config.stages:
        if key not in models:
            raise InputError(f'{source}: stages.{key}: unknown stage; known: {", ".join(models)}')
        stage_settings(config, models[key], key)


def check_segmenter(segmenter, source: str) -> None:
    """Raises InputError, naming `source`, for settings that could not be carried out."""
    refuse = functools.partial(_refuse, source)
    if not 0 < segmenter.holdout < 1:
        refuse('segmenter.holdout', 'a share between 0 and 1', segmenter.holdout)
    for key in ('width', 'learning_rate', 'finetune_learning_rate'):
        if not getattr(segmenter, key) > 0:
            refuse(f'segmenter.{key}', 'a number above 0', getattr(segmenter, key))
    if len(segmenter.blocks) != 4 or min(segmenter.blocks) < 1:
        refuse('segmenter.blocks', 'four numbers from 1 on', list(segmenter.blocks))
    if segmenter.network == 'smanet' and (segmenter.crop < 41 or (segmenter.crop + 7) % 48):
        refuse('segmenter.crop', '8*k - 7 with k a multiple of 6 (41, 89, 137, 185, 233, 281, 329, '
               '377, ...), so that the pyramid\'s bins divide it', segmenter.crop)
    if segmenter.network == 'unet' and (segmenter.crop < 16 or segmenter.crop % 16):
        refuse('segmenters.unet.crop', 'a multiple of 16, which a U-Net halves four times; set '
               'segmenters: {unet: {size: ..., crop: ...}}', segmenter.crop)
    if segmenter.crop > segmenter.size:
        refuse('segmenter.crop', f'at most segmenter.size ({segmenter.size})', segmenter.crop)
    if segmenter.imagenet_weights and segmenter.width != 1.0:
        refuse('segmenter.width', '1.0 with segmenter.imagenet_weights', segmenter.width)
    if segmenter.imagenet_weights and segmenter.blocks not in RESNETS:
        refuse('segmenter.blocks', 'those of ResNet-50 or -101, [3, 4, 6, 3] or [3, 4, 23, 3], with '
               'segmenter.imagenet_weights', list(segmenter.blocks))


def _check_block(config, block, where, refuse) -> None:
    for key, values in (('draws', block.draws), ('seeds', block.seeds)):
        if any(value < 0 for value in values):
            refuse(f'{where}.{key}', 'numbers from 0 on', list(values))
    if not block.segmenters or not block.seeds or not block.score:
        refuse(where, 'at least one of segmenters, seeds and score', vars(block))
    if not set(block.score) <= set(SCORED):
        refuse(f'{where}.score', f'of {", ".join(SCORED)}', list(block.score))


def _check_stage(config, stage, settings, refuse) -> None:
    if not settings.learning_rate > 0:
        refuse(f'{stage.model}.learning_rate', 'a number above 0', settings.learning_rate)
    if stage.model == 'pix2pixhd':
        _check_pix2pixhd(config, settings, refuse)
        return
    key = 'data.dots_size' if stage.produces == ('dots',) else 'data.size'
    side = _value(config, key)
    if side < 4 or side & (side - 1):
        refuse(key, f'a power of two from 4 on for stage {stage.name} of PGGAN', side)
    growth_plan(settings, side)


def _check_pix2pixhd(config, settings, refuse) -> None:
    for key in ('downsamplings', 'blocks', 'enhancers', 'pool_size', 'enhancer_epochs', 'epochs',
                'decay_epochs'):
        if getattr(settings, key) < 0:
            refuse(f'pix2pixhd.{key}', 'a number from 0 on', getattr(settings, key))
    if settings.ngf % 2 ** settings.enhancers:
        refuse('pix2pixhd.ngf', f'a multiple of 2^enhancers = {2 ** settings.enhancers}',
               settings.ngf)
    smallest = 2 ** settings.enhancers * max(4, 2 ** settings.downsamplings + 1)
    if config.data.size < smallest:
        refuse('data.size', f'at least {smallest} for {settings.downsamplings} downsamplings and '
               f'{settings.enhancers} enhancers of Pix2PixHD', config.data.size)
    epochs = settings.epochs + settings.decay_epochs
    if epochs < 1:
        refuse('pix2pixhd.epochs', 'at least one epoch', settings.epochs)
    if settings.enhancers and settings.enhancer_epochs >= epochs:
        refuse('pix2pixhd.enhancer_epochs', f'fewer than epochs + decay_epochs = {epochs}',
               settings.enhancer_epochs)
    if settings.pool_size and config.strategy != 'none':
        refuse('pix2pixhd.pool_size', f'0 with strategy {config.strategy}: one pool serves one '
               f'device', settings.pool_size)


def growth_plan(settings, resolution: int):
    """The growth schedule that a `pggan` section of a config asks for."""
    return growth.phases(
        resolution, fade_images=settings.fade_images, stable_images=settings.stable_images,
        total_images=settings.total_images, batch_sizes=settings.batch_sizes,
        learning_rate=settings.learning_rate, learning_rate_1024=settings.learning_rate_1024,
        group_size=settings.group_size)


def _refuse(source: str, key: str, expected: str, found) -> None:
    raise InputError(f'{source}: {key}: expected {expected}, found {found!r}')


def _value(config, key: str):
    for name in key.split('.'):
        config = getattr(config, name)
    return config
