"""What a config's numbers must fulfil, checked before anything is trained. No TensorFlow here.

Rules that concern one kind of GAN or one segmenter stand in its own file; here is what crosses sections.
"""
from __future__ import annotations

import functools
from pathlib import Path

from datasets.errors import InputError
from pipelines.plan import data_checks, pseudo, transfers
from pipelines.plan.data_checks import NAME, SCORED
from pipelines.plan.kinds import KINDS
from pipelines.plan.methods import all_stages
from pipelines.plan.regimes import parse_regime, teacher_of
from pipelines.plan.segmenters import SEGMENTERS

POSITIVE = (
    'generation.num_train', 'generation.block', 'generation.shard', 'segmenter.size', 'segmenter.batch_size',
    'segmenter.synth_steps', 'segmenter.finetune_steps', 'segmenter.validate_every', 'segmenter.max_validation',
    'evaluation.size', 'run.log_every', 'run.sheet_every')
NOT_NEGATIVE = ('generation.num_validation', 'labels.margin', 'labels.centroid_margin', 'run.checkpoint_seconds')
SHARES = ('labels.warp', 'labels.jitter')  # of the side
MOST_MOVED = 0.25  # [ours] beyond it nothing stays where it belongs; a per cent that was meant is 0.01
HALVINGS = ('downsamplings', 'enhancers', 'layers', 'levels', 'scales')
MOST_HALVINGS = 14  # of a picture of 16,384 px, the largest that is read
CHOICES = {
    'labels.channels': ('grey', 'onehot', 'distance'),
    'precision': ('float32', 'mixed_float16'),
    'strategy': ('none', 'mirrored', 'multi_worker'),
}


def check(config, source: str, stage_settings, segmenter_settings) -> None:
    """Raises InputError, naming `source` and the key, for a config that could not be carried out.

    Args:
      stage_settings: (config, stage, source) -> its settings.
      segmenter_settings: (config, name of a segmenter, source) -> its settings.
    """
    refuse = functools.partial(_refuse, source)
    for key in POSITIVE:
        if _value(config, key) < 1:
            refuse(key, 'a number from 1 on', _value(config, key))
    for key in NOT_NEGATIVE:
        if not _value(config, key) >= 0:
            refuse(key, 'a number from 0 on', _value(config, key))
    for key in SHARES:
        if not 0 <= _value(config, key) <= MOST_MOVED:
            refuse(key, f'a share of the side from 0 to {MOST_MOVED}', _value(config, key))
    for name, kind in KINDS.items():
        _check_numbers(name, config.kinds[name], kind, refuse)
    for key, choices in CHOICES.items():
        if _value(config, key) not in choices:
            refuse(key, f'one of {", ".join(map(str, choices))}', _value(config, key))
    data_checks.check(config, refuse)
    regimes = map(parse_regime, sorted(_regimes(config)))
    chosen = ', '.join(regime.name for regime in regimes if regime.method and regime.kind != 'mixed')
    if chosen and not config.generation.num_validation:
        refuse('generation.num_validation', f'a number from 1 on with {chosen}, whose epoch these pairs choose', 0)
    if config.generation.shard % config.generation.block:
        refuse('generation.shard', f'a multiple of generation.block ({config.generation.block})',
               config.generation.shard)
    segmenters = [config.segmenter.network, *config.segmenters,
                  *(name for block in config.matrix for name in block.segmenters)]
    _check_spelling('segmenters', segmenters, refuse)
    _check_spelling('matrix', [block.arm or config.configuration for block in config.matrix], refuse)
    for name in segmenters:
        if not NAME.fullmatch(name):
            refuse(f'segmenters.{name}', 'a name of letters, digits and _', name)
        check_segmenter(config, name, segmenter_settings(config, name, source), source)
    weights = config.evaluation.inception_weights
    if weights and not Path(weights).is_file():
        refuse('evaluation.inception_weights', 'Keras\' file of InceptionV3 without top', weights)
    if not config.regimes:
        refuse('regimes', 'at least one regime', [])
    transfers.check_numbers(config, refuse)
    for number, block in enumerate(config.matrix):
        _check_block(config, block, f'matrix[{number}]', refuse)
    _check_stages(config, source, stage_settings, refuse)


def _check_spelling(key: str, names, refuse) -> None:
    spelled = {name.lower(): name for name in names}
    for name in names:  # of folders, too, and not every disk tells a from A
        if spelled[name.lower()] != name:
            refuse(key, f'names that differ by more than capitals, as from {spelled[name.lower()]}', name)


def check_segmenter(config, name: str, segmenter, source: str) -> None:
    """Raises InputError, naming `source`, for settings of a segmenter that could not be carried out."""
    is_own = name == config.segmenter.network and name not in config.segmenters
    section = 'segmenter' if is_own else f'segmenters.{name}'

    def refuse(key: str, expected: str, found) -> None:
        _refuse(source, f'{section}.{key}', expected, found)

    for key in (key.split('.')[1] for key in POSITIVE if key.startswith('segmenter.')):
        if getattr(segmenter, key) < 1:
            refuse(key, 'a number from 1 on', getattr(segmenter, key))
    segmenter.augmentation.check(section, functools.partial(_refuse, source))
    if segmenter.min_holdout_images < 0:
        refuse('min_holdout_images', 'a number from 0 on', segmenter.min_holdout_images)
    if not 0 <= segmenter.average_decay < 1:
        refuse('average_decay', 'a share from 0 to below 1', segmenter.average_decay)
    if not 0 < segmenter.holdout < 1:
        refuse('holdout', 'a share between 0 and 1', segmenter.holdout)
    for key in ('learning_rate', 'finetune_learning_rate'):
        if not getattr(segmenter, key) > 0:
            refuse(key, 'a number above 0', getattr(segmenter, key))
    if segmenter.greys not in ('standardised', 'as_is'):
        refuse('greys', 'one of standardised, as_is', segmenter.greys)
    if not segmenter.weight_decay >= 0:
        refuse('weight_decay', 'a number from 0 on', segmenter.weight_decay)
    mixed = sorted(name for name in _regimes(config) if parse_regime(name).kind == 'mixed')
    share, batch = segmenter.mixed_share, segmenter.batch_size
    if share is not None and mixed and not 1 <= round(share * batch) < batch:
        refuse('mixed_share', f'a share that is some of a batch of {batch} and not all, with {mixed[0]}, or null', share)
    if segmenter.decayed not in ('weights', 'all'):
        refuse('decayed', 'one of weights, all', segmenter.decayed)
    if segmenter.epochs is not None:
        others = sorted(_regimes(config) - {'real', *transfers.TRANSFERS})
        if segmenter.epochs < 1:
            refuse('epochs', 'a number from 1 on, or null', segmenter.epochs)
        if others:
            refuse('epochs', f'null with {", ".join(others)}, for REAL gets as many updates as both trainings of what '
                   f'starts twice', segmenter.epochs)
    data_checks.check_targets(segmenter.targets, 'targets', refuse)
    network = SEGMENTERS[segmenter.network]
    if network.check:
        network.check(segmenter, refuse)
    if not network.sides.fit(segmenter.crop):
        refuse('crop', network.sides.words, segmenter.crop)
    if segmenter.crop > segmenter.size:
        refuse('crop', f'at most {section}.size ({segmenter.size})', segmenter.crop)


def check_run(config, run, splits, segmenter, stage_settings) -> None:
    """Raises InputError for a network that also learns pictures which its regime, or the config's records, do not have,
    for a way to another hospital that this config does not know, and for pictures of that hospital among `splits`, on which
    it is scored, that are shown otherwise than it is told; `segmenter`: the settings of the run's."""
    if run.regime.transfer:
        transfers.check(config, run, segmenter, stage_settings, functools.partial(_refuse, 'config'))
        data_checks.check_shown_alike(config, run.regime, splits, functools.partial(_refuse, 'config'))
    if teacher_of(config, [run]):
        pseudo.check_source(config, f'regime {run.regime.name}', functools.partial(_refuse, 'config'))
    for name in SEGMENTERS[segmenter.network].also:
        if run.regime.reads != 'train':
            _refuse(f'segmenter {run.segmenter}', 'regime', f'one of real pairs alone (real, restart), for pictures that a '
                    f'teacher labelled bring no {name} picture', run.regime.name)
        if run.regime.method:
            _refuse(f'segmenter {run.segmenter}', 'regime', f'one of real pairs alone (real, restart), for samples '
                    f'bring no {name} picture', run.regime.name)
        if not getattr(config.data, name):
            _refuse(f'segmenter {run.segmenter}', f'data.{name}', 'true, for it learns that picture too', False)


def check_translator(config, stage, settings, source: str = 'config') -> None:
    """Raises InputError, naming `source`, for a translator that this config could not train."""
    transfers.check_translator(config, stage, settings, functools.partial(_refuse, source))


def _check_stages(config, source: str, stage_settings, refuse) -> None:
    stages = all_stages()
    for folder in config.stages:
        if folder not in stages:
            raise InputError(f'{source}: stages.{folder}: unknown stage; known: {", ".join(stages)}')
        stage = stages[folder]
        _check_numbers(f'stages.{folder}', stage_settings(config, stage, source), KINDS[stage.kind], refuse)
    for regime in _regimes(config):
        method = parse_regime(regime).method
        for stage in method.stages if method else ():
            first = config.sources.get(stage.reads[0])  # whose coding is the stage's
            if first and first.unlabelled and {stage.consumes, *stage.produces} - {None, 'image'}:
                refuse(f'sources.{stage.reads[0]}.unlabelled', f'false, for stage {stage.folder} learns labels', True)
            settings = stage_settings(config, stage, source)
            KINDS[stage.kind].check(config, stage, settings, refuse)


def _regimes(config) -> set:
    return {*config.regimes, *(name for block in config.matrix for name in block.regimes)}


def _check_block(config, block, where, refuse) -> None:
    for key, values in (('draws', block.draws), ('seeds', block.seeds), ('folds', block.folds)):
        if any(value < 0 for value in values):
            refuse(f'{where}.{key}', 'numbers from 0 on', list(values))
    known = (*SCORED, *config.external)
    if not block.seeds or not block.score:
        refuse(where, 'at least one of seeds and score', vars(block))
    if not set(block.score) <= set(known):
        refuse(f'{where}.score', f'of {", ".join(known)}, or names in external', list(block.score))


def _check_numbers(section: str, settings, kind, refuse) -> None:
    if hasattr(settings, 'augmentation'):
        settings.augmentation.check(section, refuse)
    for keys, least in ((kind.positive, 1), (kind.not_negative, 0)):
        for key in keys:
            if not getattr(settings, key) >= least:
                refuse(f'{section}.{key}', f'a number from {least} on', getattr(settings, key))
    for key in HALVINGS:  # 2 to the power of more is nothing that could be said
        if getattr(settings, key, 0) > MOST_HALVINGS:
            refuse(f'{section}.{key}', f'at most {MOST_HALVINGS}', getattr(settings, key))


def _refuse(source: str, key: str, expected: str, found) -> None:
    raise InputError(f'{source}: {key}: expected {expected}, found {found!r}')


def _value(config, key: str):
    for name in key.split('.'):
        config = getattr(config, name)
    return config
