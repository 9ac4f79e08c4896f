"""What an experiment makes, and on what of the config each thing depends.

Everything that is made is an artefact. It depends on the artefacts that it is made of, and beside them on
the whole config less what is known not to matter to its sort: a key that nobody thought of counts. Nothing
here looks at files; plan/provenance.py does.
"""
from __future__ import annotations

import dataclasses
import json
from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from datasets.divisions import validates
from pipelines.plan import strict
from pipelines.plan.config import Config
from pipelines.plan.data_checks import AS_SEEN
from pipelines.plan.kinds import KINDS
from pipelines.plan.loading import built, segmenter_settings, stage_settings, to_dict
from pipelines.plan.methods import Method, Stage
from pipelines.plan.pseudo import PSEUDO
from pipelines.plan.regimes import Run, methods_of, stages_of, teacher, translators_of, watcher
from pipelines.plan.transfers import VALIDATION, chosen_by, shown_as
from pipelines.plan.translators import TARGET, TRANSLATORS

FREED = ('data.memory_limit_mb',)  # what notes of earlier versions count, and changes no result any more
# what is written how often, on which devices, which runs there are, under which name, and what cards say of the data
_NOWHERE = ('experiment', 'configuration', 'regimes', 'matrix', 'external', 'run', 'strategy', 'data.terms', *FREED)
_IMAGES = tuple(f'data.{key}' for key in (  # which images, and how they become records
    'dataset', 'source', 'size', 'channels', 'organ', 'grey', 'fit', 'trim_borders', 'num_train', 'draw', 'train_ids',
    'division', 'test_ids', 'folds', 'fold', 'validation', 'validation_ids', 'division_seed', 'unlabelled', 'num_test',
    'field_of_view_mm', 'bone_suppressed', 'augment', 'noise', 'augment_mode', 'dots_size', 'dots_radius'))
_PLACES = ('data.source', 'data.train_ids', 'data.test_ids', 'data.validation_ids', 'data.num_test')
_CLEANING = tuple(f'labels.{key}' for key in ('clean', 'warp', 'jitter', 'reject', 'margin', 'centroid_margin'))
_UNUSED = {  # of a segmenter's settings, by the kind of regime
    'real': ('finetune_learning_rate',),
    'synth': ('finetune_learning_rate', 'finetune_steps'),
    'mixed': ('finetune_learning_rate',),
    'finetune': ('learning_rate', 'synth_steps'),
    'transfer': ()}
_OF_REAL_PAIRS = ('holdout', 'min_holdout_images', 'average_decay')  # synthetic ones are told apart by number


class Artefact(NamedTuple):
    """One thing that is made.

    Attributes:
      name: its place in the folder of its arm, such as 'stages/dots': as `--redo` takes it.
      settings: all of the config on which it depends, but for what it is made of.
      made_of: the names of other artefacts.
      under: another config -> what it would be under that.
    """
    name: str
    settings: Dict[str, Any]
    made_of: Tuple[str, ...]
    under: Callable[[Config], 'Artefact']


def learned_from(config: Config) -> Tuple[str, ...]:
    """The sets of records that a segmenter learns real pairs from, and chooses its epoch by."""
    return ('train', 'validation') if validates(config.data) else ('train',)


def used_by(config: Config, run: Run) -> Tuple[str, ...]:
    """The sets of records that the training of a run on real pairs reads, the first of which it learns."""
    transfer = run.regime.transfer
    if transfer is None:
        return run.regime.reads, *learned_from(config)[1:]
    own = (TARGET,) if transfer.translator is None else transfer.translator.reads
    return (*own, *filter(None, [chosen_by(config, run.labelled)]))


def records_of(config: Config, name: str) -> Artefact:
    """Records of a set; beside the settings it depends on what the data set holds."""
    without = ['seed', 'precision', 'labels', 'generation', 'segmenter', 'segmenters', *_sections(), *_PLACES,
               'evaluation.inception_weights']
    if name != 'train':
        without.append('data.bone_suppressed')
    if name in ('train', PSEUDO, *config.sources):
        without.append('evaluation')
    else:  # as they are, at the size where they are scored, or where they choose
        without += ['data.num_train', 'data.augment', 'data.noise', 'data.augment_mode',
                    'evaluation' if name in ('validation', VALIDATION) else 'data.size']
    if name in config.external:
        without.append('data.targets')
        config = dataclasses.replace(config, data=config.external[name])
    of = ()
    if name == PSEUDO:
        of = (f'exports/{teacher(config).name}', 'records/train')
    if name in (*config.sources, VALIDATION, PSEUDO):
        config = dataclasses.replace(config, data=dataclasses.replace(
            config.data_of(name), size=config.data.size))
    return Artefact(f'records/{name}', _less(config, without), of, lambda other: records_of(other, name))


def stage_of(config: Config, stage: Stage) -> Artefact:
    """A GAN stage."""
    settings = _plain(stage_settings(config, stage))
    settings.pop('snapshot', None)  # who draws with it, and no other training
    tree = _less(config, ['generation', 'evaluation', 'segmenter', 'segmenters', *_sections(), *_IMAGES,
                          *_CLEANING])
    of = tuple(f'records/{name}' for name in stage.reads)
    of += (f'segmenters/{watcher(config).name}',) if stage.watched else ()
    return Artefact(f'stages/{stage.folder}', {**tree, stage.kind: settings}, of, lambda other: stage_of(other, stage))


def samples_of(config: Config, method: Method) -> Artefact:
    """The samples of a method."""
    snapshots = {stage.folder: getattr(stage_settings(config, stage), 'snapshot', None)
                 for stage in method.stages}
    tree = _less(config, ['evaluation', 'segmenter', 'segmenters', 'precision', *_sections(), *_IMAGES])
    return Artefact(f'synthetic/{method.name}', {**tree, 'snapshots': snapshots},
                    ('records/train', *(f'stages/{stage.folder}' for stage in method.stages)),
                    lambda other: samples_of(other, method))


def segmenter_of(config: Config, run: Run) -> Artefact:
    """A trained segmenter."""
    kind, method = run.regime.kind, run.regime.method
    settings = _plain(segmenter_settings(config, run.segmenter))
    drawn = kind == 'synth' and method is not None
    unused = _UNUSED[kind] + (_OF_REAL_PAIRS if drawn else ())
    unused += ('mixed_share',) if kind != 'mixed' else ()
    settings = {key: value for key, value in settings.items() if key not in unused}
    without = ['labels', 'evaluation', 'segmenter', 'segmenters', *_sections(), *_IMAGES,
               'generation.block', 'generation.shard']
    tree = _less(config, without + ([] if method else ['generation']))
    of = () if drawn else tuple(f'records/{name}' for name in used_by(config, run))
    of += (f'synthetic/{method.name}',) if drawn or kind == 'mixed' else ()
    of += tuple(f'stages/{stage.folder}' for stage in translators_of([run.regime]))
    if run.pretraining:
        of += (f'segmenters/{run.pretraining.name}',)
    if kind == 'transfer':
        tree['transfer'] = {'epochs': config.transfer.epochs, 'labelled': run.labelled}
    return Artefact(f'segmenters/{run.name}', {**tree, 'segmenter': settings}, of,
                    lambda other: segmenter_of(other, run))


def export_of(config: Config, run: Run) -> Artefact:
    """The SavedModel of a segmenter; one that is shown the tone of A also hangs on A's pictures, and one for B on what of
    B's is to be shown otherwise than A's."""
    of = (f'segmenters/{run.trained.name}',) + ('records/train',) * (run.trained != run)
    there = shown_as(config, run.regime.transfer)
    unlike = {key: getattr(there, key) for key in AS_SEEN if getattr(there, key) != getattr(config.data, key)}
    return Artefact(f'exports/{run.name}', {'sources': {TARGET: unlike}} if unlike else {}, of,
                    lambda other: export_of(other, run))


def evaluation_of(config: Config, run: Run, split: str) -> Artefact:
    """The scores of a segmenter on a set of records, under the names that results have."""
    names = {key: getattr(config, key) for key in ('experiment', 'configuration')}
    if split in config.external:
        names['targets'] = strict.plain(config.external[split].targets)
    return Artefact(f'evaluations/{run.name}-{split}', names,
                    (f'exports/{run.name}', f'records/{split}'),
                    lambda other: evaluation_of(other, run, split))


def exhibit_of(name: str, run: Run) -> Artefact:
    """What shows an exported model to people: 'predictions' or 'reading'."""
    return Artefact(name, {}, (f'exports/{run.name}', 'records/test'), lambda other: exhibit_of(name, run))


def all_of(config: Config, scores: Mapping[Run, Sequence[str]], splits: Iterable[str] = ()
           ) -> Dict[str, Artefact]:
    """Everything that some runs need and are scored on, by name, in an order in which it can be made; and the
    translators for which the config names both data sets.

    Args:
      scores: run -> the splits that it is scored on.
      splits: further sets of records.
    """
    regimes = [run.regime for run in scores]
    stages = {**stages_of(regimes), **{stage.folder: stage for stage in TRANSLATORS.values()
                                       if {*stage.reads} <= {'train', *config.sources}}}
    sets = dict.fromkeys([*learned_from(config), *(name for stage in stages.values() for name in stage.reads),
                          *(name for run in scores if run.trained == run for name in used_by(config, run)),
                          *(split for some in scores.values() for split in some), *splits])
    found = [records_of(config, name) for name in sets]
    found += [stage_of(config, stage) for stage in stages.values()]
    found += [samples_of(config, method) for method in methods_of(regimes)]
    for run, of_run in scores.items():
        found += [segmenter_of(config, run)] * (run.trained == run) + [export_of(config, run)]
        found += [evaluation_of(config, run, split) for split in of_run]
    return {artefact.name: artefact for artefact in found}


def needed(every: Mapping[str, Artefact], names: Iterable[str]) -> Dict[str, Artefact]:
    """Some artefacts with all that they are made of, in the order of `every`."""
    wanted, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name in every and name not in wanted:
            wanted.add(name)
            waiting += every[name].made_of
    return {name: artefact for name, artefact in every.items() if name in wanted}


def defaults_of(config: Config) -> Config:
    """The config as if it said nothing: what a key is worth that was not there yet when something was made."""
    data = {'dataset': config.data.dataset}
    networks = {name: {'network': segmenter_settings(config, name).network} for name in config.segmenters}
    return built({'experiment': '', 'configuration': '', 'data': data, 'segmenters': networks,
                  'segmenter': {'network': config.segmenter.network},
                  'sources': {name: data for name in config.sources},
                  'external': {name: {'dataset': its.dataset} for name, its in config.external.items()}}, 'defaults')


def _sections() -> List[str]:
    """In place of these an artefact has settings of its own."""
    return ['stages', 'sources', 'transfer', *KINDS]


def _less(config: Config, without: Iterable[str]) -> Dict[str, Any]:
    tree = to_dict(config)
    for key in (*_NOWHERE, *without):
        *parents, leaf = key.split('.')
        inner = tree
        for parent in parents:
            inner = inner.get(parent, {})
        inner.pop(leaf, None)
    return json.loads(json.dumps({key: value for key, value in tree.items() if value != {}}))


def _plain(settings) -> Dict[str, Any]:
    return json.loads(json.dumps(strict.plain(dataclasses.asdict(settings))))
