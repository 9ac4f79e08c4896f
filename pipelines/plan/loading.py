"""Strict YAML -> plan.config.Config, and back."""
from __future__ import annotations

import dataclasses
from pathlib import PurePath
from typing import Sequence

from datasets.errors import InputError
from datasets.files import read_yaml
from pipelines.plan import checks, strict
from pipelines.plan.config import Config, Segmenter
from pipelines.plan.data_checks import AS_SEEN
from pipelines.plan.kinds import KINDS
from pipelines.plan.methods import Stage
from pipelines.plan.segmenters import SEGMENTERS

# keys, of any section, that name a folder or a file
PLACES = ('source', 'train_ids', 'test_ids', 'validation_ids', 'inception_weights', 'imagenet_weights', 'initial_weights')


def load_config(path: str, overrides: Sequence[str] = ()) -> Config:
    """Reads a YAML config and applies `key.path=value` overrides (values are YAML too).

    Raises:
      InputError: the file cannot be read, or a key or value is not what Config declares.
    """
    try:
        tree = read_yaml(path)
    except ValueError as error:
        raise InputError(f'--config {path}: expected a readable YAML file: {error}') from None
    if not isinstance(tree, dict):
        raise InputError(f'--config {path}: expected a mapping of keys, found '
                         f'{type(tree).__name__}')
    for override in overrides:
        strict.override(tree, override)
    return from_dict(tree, path)


def from_dict(tree: dict, source: str = 'config') -> Config:
    """Plain data -> Config, strictly checked; errors begin with `source`."""
    config = built(tree, source)
    checks.check(config, source, stage_settings, segmenter_settings)
    return config


def built(tree: dict, source: str) -> Config:
    """`from_dict` of what need not be possible: keys and types are checked, values are not."""
    tree = dict(tree)
    kinds = {name: strict.build(kind.settings, tree.pop(name, {}), name, source)
             for name, kind in KINDS.items()}
    segmenter = _segmenter(tree.pop('segmenter', {}), 'segmenter', source)
    said = {section: tree.get(section, {}) for section in ('sources', 'external')}
    if isinstance(tree.get('sources'), dict):
        tree['sources'] = {name: _source(tree.get('data', {}), changes) for name, changes in tree['sources'].items()}
    if isinstance(tree.get('external'), dict) and isinstance(tree.get('data'), dict):
        shared = {key: tree['data'][key] for key in AS_SEEN if key in tree['data']}
        tree['external'] = {name: {**shared, **changes} if isinstance(changes, dict) else changes
                            for name, changes in tree['external'].items()}
    config = strict.build(Config, tree, '', source, given={'kinds': None, 'said': said, 'segmenter': segmenter},
                          also=(*KINDS, 'segmenter'))
    return dataclasses.replace(config, kinds=kinds)


def _source(data, changes):
    """A section of `sources` is laid over `data`; terms are of the same pictures alone."""
    if all(isinstance(section, dict) for section in (data, changes)) and {'dataset', 'source'} & {*changes}:
        data = {key: value for key, value in data.items() if key != 'terms'}
    return strict.merge(data, changes)


def to_dict(config: Config) -> dict:
    """Config -> plain data that YAML writes and `from_dict` reads back."""
    tree = {}
    for key, value in strict.plain(dataclasses.asdict(config)).items():
        tree.update(value if key == 'kinds' else {key: value})
    del tree['said']
    tree['segmenter'].update(tree['segmenter'].pop('options'))
    return tree


def to_told(config: Config) -> dict:
    """`to_dict` for whom a file is passed on to: of folders and files of this machine the last part alone."""
    return _told(to_dict(config))


def _told(tree):
    if not isinstance(tree, dict):
        return [_told(value) for value in tree] if isinstance(tree, list) else tree
    return {key: PurePath(value).name if key in PLACES and isinstance(value, str) else _told(value)
            for key, value in tree.items()}


def to_changes(config: Config) -> dict:
    """`to_dict` with what sections of `sources` and `external` say themselves alone: they follow other values of `data` in
    all else, as they do where a config is read."""
    return {**to_dict(config), **config.said}


def stage_settings(config: Config, stage: Stage, source: str = 'config'):
    """Settings of one GAN stage: the section of its kind, with `stages: {folder: ...}` laid over."""
    section = config.kinds[stage.kind]
    merged = strict.merge(strict.plain(dataclasses.asdict(section)),
                          config.stages.get(stage.folder, {}))
    return strict.build(type(section), merged, f'stages.{stage.folder}', source)


def segmenter_settings(config: Config, name: str, source: str = 'config') -> Segmenter:
    """Settings of a segmenter: the section `segmenter`, with `segmenters: {name: ...}` laid over.

    The network is that of the same name, unless the changes say otherwise; of the section's options it
    takes those that are its own too.

    Raises:
      InputError: neither a network nor the changes have that name.
    """
    if name not in SEGMENTERS and name not in config.segmenters:
        raise InputError(f'segmenter {name!r}: expected one of '
                         f'{", ".join(dict.fromkeys([*SEGMENTERS, *config.segmenters]))}')
    changes = dict(config.segmenters.get(name, {}))
    changes.setdefault('network', name if name in SEGMENTERS else config.segmenter.network)
    tree = strict.plain(dataclasses.asdict(config.segmenter))
    options = tree.pop('options')
    known = _options_of(changes['network'], f'segmenters.{name}', source)
    tree.update({key: value for key, value in options.items() if key in known})
    return _segmenter(strict.merge(tree, changes), f'segmenters.{name}', source)


def _segmenter(tree, path: str, source: str) -> Segmenter:
    """A section of a segmenter: the keys that all networks have, and those of its own network."""
    if not isinstance(tree, dict):
        raise InputError(f'{source}: {path}: expected a section with keys, found {tree!r}')
    known = _options_of(tree.get('network', Segmenter.network), path, source)
    options = {key: value for key, value in tree.items() if key in known}
    common = {key: value for key, value in tree.items() if key not in known}
    row = SEGMENTERS[tree.get('network', Segmenter.network)]
    return strict.build(Segmenter, common, path, source, also=known, given={
        'options': strict.build(row.options, options, path, source)})


def _options_of(network, path: str, source: str) -> tuple:
    if network not in SEGMENTERS:
        raise InputError(f'{source}: {path}.network: expected one of {", ".join(SEGMENTERS)}, found '
                         f'{network!r}')
    return tuple(field.name for field in dataclasses.fields(SEGMENTERS[network].options))
