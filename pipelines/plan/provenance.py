"""The workdir of an experiment: it keeps the config that everything in it was made with.

A key of the config may change as long as nothing was made with it.
"""
from __future__ import annotations

from pathlib import Path
from typing import Iterable, List, Tuple

import yaml

from datasets.errors import InputError
from datasets.files import is_vacant, read_yaml, whole_file
from pipelines.plan.config import Config
from pipelines.plan.loading import from_dict, to_dict
from pipelines.plan.methods import METHODS, Method, all_stages
from pipelines.plan.regimes import regimes

_SEGMENTERS = ('segmenters/*/checkpoints/*', 'exports/*', 'evaluations/*.json')


def _made_by(methods: Iterable[Method]) -> Tuple[str, ...]:
    """The samples of some methods, and what learned from them: SYNTH and FINETUNE."""
    found = []
    for method in methods:
        found += [f'synthetic/{method.name}/*.tfrecord', f'quality/{method.name}.json']
        for name in (regime.name for regime in regimes().values() if regime.method == method):
            found += [f'segmenters/{name}-*/checkpoints/*', f'exports/{name}-*',
                      f'evaluations/{name}-*.json']
    return tuple(found)


_SAMPLES = ('synthetic/*/*.tfrecord', 'quality/*.json', *_made_by(METHODS.values()))
_PIX2PIXHD = (
    *[f'stages/{folder}/checkpoints/*' for folder, stage in all_stages().items()
      if stage.kind == 'pix2pixhd'],
    *_made_by(method for method in METHODS.values()
              if any(stage.kind == 'pix2pixhd' for stage in method.stages)))
_STAGES = ('stages/*/checkpoints/*', *_SAMPLES)
_ALL = ('records/*/*.tfrecord', *_STAGES, *_SEGMENTERS)

# Keys of a config -> files that were made with them, directly or by way of others: a key may change
# while none of them exists. One that is not named here counts for everything; those of FREE for nothing.
DEPENDENTS = {
    'data': _ALL, 'evaluation': ('records/*/*.tfrecord', 'evaluations/*.json'),
    'seed': (*_STAGES, *_SEGMENTERS), 'precision': (*_STAGES, *_SEGMENTERS),
    'labels.channels': _STAGES, 'pggan': _STAGES, 'pix2pixhd': _PIX2PIXHD, 'stages': _STAGES,
    'labels': _SAMPLES, 'generation': _SAMPLES, 'segmenter': _SEGMENTERS,
    'evaluation.inception_weights': ('quality/*.json',),
    'experiment': ('results.jsonl',), 'configuration': ('results.jsonl',),
}
# what is written how often, on which devices, which runs there are: not with which result
FREE = {'run', 'strategy', 'regimes', 'matrix'}


def open_workdir(config: Config, workdir) -> Path:
    """Makes the workdir or checks that what it holds was made with this config.

    Raises:
      InputError: it is not writable, holds something else, or another config's results.
    """
    workdir = Path(workdir)
    kept = workdir / 'config.yaml'
    try:
        if kept.exists():
            found = _with_defaults(_kept_tree(kept))
            differing = [key for key in _differences(found, to_dict(config)) if _used(workdir, key)]
            if differing:
                raise InputError(f'--workdir {workdir}: belongs to another experiment: what it holds '
                                 f'was made with another {", ".join(sorted(differing))}; choose '
                                 f'another folder')
        elif not is_vacant(workdir):
            raise InputError(f'--workdir {workdir}: expected a new or empty folder, or one of this '
                             f'experiment, found other files; choose another folder')
        workdir.mkdir(parents=True, exist_ok=True)
        with whole_file(kept) as temporary:
            temporary.write_text(yaml.safe_dump(to_dict(config), sort_keys=False))
    except OSError as error:
        raise InputError(f'--workdir {workdir}: cannot write there: {error.strerror}') from None
    return workdir


def _kept_tree(path: Path):
    try:
        tree = read_yaml(path)
    except ValueError:
        tree = None
    if not isinstance(tree, dict):
        raise InputError(f'{path}: damaged: expected the config that the folder was made with; put '
                         f'it back (the --config of the experiment, with its --set)')
    return tree


def _with_defaults(tree):
    """A kept config with the keys that it did not have yet; as it is if it cannot be read now."""
    try:
        return to_dict(from_dict(tree))
    except InputError:
        return tree


def _used(workdir: Path, key: str) -> bool:
    """Whether something in the workdir was made with this key of the config."""
    if key.endswith('.snapshot'):
        return _any(workdir, _SAMPLES)
    if key.startswith('segmenters.'):
        return _any(workdir, [f'{folder}/*-{key.split(".")[1]}-*'
                              for folder in ('segmenters', 'exports', 'evaluations')])
    for prefix in (key, '.'.join(key.split('.')[:2]), key.split('.')[0]):
        if prefix in FREE:
            return False
        if prefix in DEPENDENTS:
            return _any(workdir, DEPENDENTS[prefix])
    return _any(workdir, _ALL)


def _any(workdir: Path, patterns: Iterable[str]) -> bool:
    return any(any(workdir.glob(pattern)) for pattern in patterns)


def _differences(a, b, path='') -> List[str]:
    if isinstance(a, dict) or isinstance(b, dict):
        a, b = a or {}, b or {}  # a section that one of them does not have
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for key in {*a, *b} for d in _differences(
            a.get(key), b.get(key), f'{path}.{key}' if path else str(key))]
    return [] if a == b else [path]
