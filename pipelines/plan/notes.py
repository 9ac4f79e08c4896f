"""The note that lies beside every artefact: what it was made with; and in what two of them differ.

`made_with.json` holds the settings that the artefact depends on, digests of what it was made of (see
plan/artefacts.py), and of records what the data set held.
"""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Iterable, List, Mapping, Optional

from datasets.errors import InputError
from datasets.files import MADE_WITH, digest, read_json, sha256, write_json
from datasets.splits import name_some
from pipelines.plan import artefacts
from pipelines.plan.artefacts import Artefact
from pipelines.plan.config import Config

RESULTS = {               # sort of artefact -> the files that say what was made; of several the last counts
    'records': 'dataset_info.json', 'stages': 'checkpoints/*.json', 'synthetic': 'dataset_info.json',
    'segmenters': 'checkpoints/*.json', 'exports': '1/manifest.json', 'evaluations': '',
    'predictions': 'predictions.csv', 'reading': 'key.json'}
SINGLE = ('predictions', 'reading')  # sorts of which there is one
NAMED = 3                 # differences that a message names

ContentsOf = Callable[[str], Optional[dict]]  # records set -> digests.contents; None: it is not there


def note_of(folder, name: str) -> Path:
    """Where what an artefact was made with is noted."""
    place = Path(folder) / name
    return Path(f'{place}.{MADE_WITH}') if name.split('/')[0] == 'evaluations' else place / MADE_WITH


def note(folder, artefact: Artefact, contents: Optional[dict] = None, also: Mapping[str, Any] = {}) -> None:
    """Writes down what an artefact is made with now, and what all was made with that it is made of: that may
    be removed to save space, and counts all the same."""
    path, upstream = note_of(folder, artefact.name), {}
    path.parent.mkdir(parents=True, exist_ok=True)
    for name in artefact.made_of:
        kept = kept_note(folder, name) or {}
        upstream.update(kept.get('upstream', {}))
        if kept:
            upstream[name] = {'settings': kept['settings'], 'contents': digest(kept.get('contents', {}))}
    write_json(path, {
        'artefact': artefact.name, 'settings': artefact.settings,
        'made_of': {name: identity(folder, name) for name in artefact.made_of}, 'upstream': upstream,
        **({} if contents is None else {'contents': contents}), **also})


def kept_note(folder, name: str) -> Optional[dict]:
    """What is noted of an artefact, None if nothing is; InputError if the note is damaged."""
    path = note_of(folder, name)
    if not path.exists():
        return None
    found = read_json(path)
    if found.get('artefact') != name or not isinstance(found.get('settings'), dict):
        raise InputError(f'{path}: expected what {name} was made with, found that of '
                         f'{str(found.get("artefact"))[:60]}; make {name} anew: --redo {name}')
    return found


def is_there(folder, name: str) -> bool:
    """Whether anything is there of an artefact, if only a part."""
    return bool(_results(folder, name)) or any(
        path.suffix == '.tfrecord' for path in _listed(Path(folder) / name))


def identity(folder, name: str) -> Optional[str]:
    """Digest of what is there of an artefact; None if nothing is."""
    found = _results(folder, name)
    return sha256(found[-1]) if found else None


def differences(config: Config, folder, artefact: Artefact, kept: dict, contents: ContentsOf,
                every: Mapping[str, Artefact]) -> List[str]:
    """Words for everything that an artefact was made with and would not be made with now.

    Args:
      every: what there is to be made now, by name: against it stands what is no longer there to be compared.
    """
    found = _other_settings(config, artefact, kept['settings'])
    for name, was in kept.get('made_of', {}).items():
        now = identity(folder, name)
        if now is not None and now != was:
            found.append(f'another {name}')
    for name, was in kept.get('upstream', {}).items():
        if name in every and identity(folder, name) is None:
            found += [f'{name} of {words}' for words in _other_settings(config, every[name], was['settings'])]
            now = contents(name.split('/')[1]) if name.startswith('records/') else None
            if now is not None and digest(now) != was['contents']:
                found.append(f'{name} of other pictures, masks or lists')
    if artefact.name.startswith('records/'):
        now = contents(artefact.name.split('/')[1])
        found += [] if now is None else _other_contents(kept.get('contents'), now)
    return found


def _other_settings(config: Config, artefact: Artefact, was: dict) -> List[str]:
    defaults = artefact.under(artefacts.defaults_of(config)).settings
    return [f'{key} {_value(was, key)} and not {_value(artefact.settings, key)}'
            for key in unlike_keys(was, artefact.settings, defaults)
            if key not in artefacts.FREED]


def unlike_keys(a, b, default=None, path: str = '') -> List[str]:
    """Keys in which two trees differ; one that `a` does not have counts as that of `default`."""
    if isinstance(a, dict) or isinstance(b, dict):
        a, b = ({} if tree is None else tree for tree in (a, b))
    if not (isinstance(a, dict) and isinstance(b, dict)):
        return [] if a == b else [path]
    default = default if isinstance(default, dict) else {}
    return [key for name in dict.fromkeys([*a, *b]) for key in unlike_keys(
        a.get(name, default.get(name)), b.get(name), default.get(name),
        f'{path}.{name}' if path else str(name))]


def _other_contents(was: Optional[dict], now: dict) -> List[str]:
    """Words for what a data set held otherwise."""
    if was is None:
        return ['data that nobody noted']
    found = []
    if was['ids'] != now['ids']:
        gone, new = (sorted({*a['ids']} - {*b['ids']}) for a, b in ((was, now), (now, was)))
        words = [f'{verb} {name_some(ids, NAMED)}' for verb, ids in (('with', gone), ('without', new)) if ids]
        found.append('another list of images' + (f' ({", ".join(words)})' if words else ', in another order'))
    changed = [id for id, of in now['samples'].items() if was['samples'].get(id, of) != of]
    if changed:
        found.append(f'other pictures or masks of {name_some(changed, NAMED)}')
    if was['coding'] != now['coding']:
        found.append('another coding of the organs (coding.yaml)')
    if any(was.get(key) != now.get(key) for key in ('field_of_view_mm', 'is_at_detector')):
        found.append('another field of view or spacing in mm')
    return found


def _value(tree, key: str):
    for name in key.split('.'):
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _listed(place: Path) -> Iterable[Path]:
    return place.iterdir() if place.is_dir() else ()


def _results(folder, name: str) -> List[Path]:
    sort, place = name.split('/')[0], Path(folder) / name
    if not RESULTS[sort]:
        return [path for path in (Path(f'{place}.json'),) if path.exists()]
    return sorted(place.glob(RESULTS[sort]), key=lambda path: (len(path.name), path.name))
