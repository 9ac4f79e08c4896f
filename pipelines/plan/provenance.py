"""What a workdir holds, and whether it still fits the config and the data.

Beside every artefact lies a note of what it was made with, see plan/notes.py. Opening a workdir compares
them with the config and the data, before anything long begins; what no longer fits is named, with the
command that makes it anew. The place of a data set is no part of it, its content is.
"""
from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import yaml

from datasets.errors import InputError
from datasets.files import read_yaml, whole_file
from pipelines.plan import notes
from pipelines.plan.artefacts import Artefact
from pipelines.plan.config import Config
from pipelines.plan.loading import from_dict, to_dict
from pipelines.plan.notes import ContentsOf

ADOPTED = 'adopted'       # in made_with.json: noted afterwards, on the user's word
OURS = {*notes.RESULTS, 'quality', 'pictures', 'results.jsonl', 'report.html'}


class Outdated(InputError):
    """Something no longer fits; `redo` are the names that `--redo` takes to make it anew."""

    def __init__(self, message: str, redo: Sequence[str] = (), adopt: bool = False):
        super().__init__(message)
        self.redo, self.adopt = tuple(redo), adopt


def open_workdir(config: Config, workdir) -> Path:
    """Makes the workdir, or takes it where it is one; a new one keeps the config.

    Raises:
      InputError: it is not writable, or holds folders of something else.
    """
    workdir = Path(workdir)
    try:
        if not (workdir / 'config.yaml').exists() and workdir.exists():
            foreign = [path.name for path in workdir.iterdir() if _is_foreign(path)]
            if foreign:
                raise InputError(f'--workdir {workdir}: expected a new or empty folder, or one of this '
                                 f'program, found {", ".join(sorted(foreign)[:notes.NAMED])}; choose another '
                                 f'folder')
        workdir.mkdir(parents=True, exist_ok=True)
        if not (workdir / 'config.yaml').exists():
            keep_config(config, workdir)
    except OSError as error:
        raise InputError(f'--workdir {workdir}: cannot write there: {error.strerror}') from None
    return workdir


def keep_config(config: Config, workdir) -> None:
    """Writes down the config that a workdir is used with, once what it holds is found to fit."""
    try:
        with whole_file(Path(workdir) / 'config.yaml') as temporary:
            temporary.write_text(yaml.safe_dump(to_dict(config), sort_keys=False))
    except OSError as error:
        raise InputError(f'--workdir {workdir}: cannot write there: {error.strerror}') from None


def check(config: Config, folder, wanted: Mapping[str, Artefact], contents: ContentsOf
          ) -> Tuple[Dict[str, List[str]], List[str]]:
    """Compares what is there of some artefacts with what it would be made with now.

    Args:
      wanted: in an order in which they can be made, see artefacts.needed.

    Returns:
      (name -> words for what it was made with otherwise; names of what nobody noted anything of).

    Raises:
      Outdated: a note is damaged.
    """
    wrong, unknown = {}, []
    for name, artefact in wanted.items():
        if not notes.is_there(folder, name):
            continue
        try:
            kept = notes.kept_note(folder, name)
        except InputError as error:
            raise Outdated(str(error), [name]) from None
        if kept is None:
            unknown.append(name)
            continue
        reasons = notes.differences(config, folder, artefact, kept, contents, wanted)
        if reasons:
            wrong[name] = reasons
    return wrong, unknown


def unlike(config: Config, folder, artefact: Artefact, place=None) -> Optional[List[str]]:
    """Words for what an artefact was made with otherwise than it would be now.

    Args:
      place: the folder that it lies in; None = `folder`, which holds what it is to be made of.

    Returns:
      None where nothing is there, or nobody noted with what it was made.
    """
    place = folder if place is None else place
    kept = notes.kept_note(place, artefact.name)
    if kept is None or not notes.is_there(place, artefact.name):
        return None
    return notes.differences(config, folder, artefact, kept, lambda name: None, {})


def claim(config: Config, folder, artefact: Artefact, contents: Optional[dict] = None) -> None:
    """Notes what an artefact is about to be made with.

    Raises:
      Outdated: it is there, and was made with something else.
    """
    kept = notes.kept_note(folder, artefact.name)
    if kept is not None and notes.is_there(folder, artefact.name):
        reasons = notes.differences(config, folder, artefact, kept, lambda name: contents, {})
        if reasons:
            raise Outdated(f'{Path(folder)}: {artefact.name} no longer fits: it was made with '
                           f'{"; ".join(reasons[:notes.NAMED])}; repeat the command with --redo '
                           f'{artefact.name}', [artefact.name])
        return
    if notes.is_there(folder, artefact.name):
        raise Outdated(f'{Path(folder)}: nobody noted what {artefact.name} was made with; repeat the '
                       f'command with --adopt or --redo {artefact.name}', [artefact.name], adopt=True)
    notes.note(folder, artefact, contents)


def adopt(config: Config, folder, every: Mapping[str, Artefact], contents: ContentsOf) -> List[str]:
    """Notes, on the user's word, that what has no note was made with this config and this data.

    Raises:
      InputError: the config that the folder keeps says otherwise.
    """
    names = [name for name in every if notes.is_there(folder, name) and notes.kept_note(folder, name) is None]
    before = _kept_config(folder)
    for name in names:
        other = [] if before is None else notes.unlike_keys(every[name].under(before).settings, every[name].settings)
        if other:
            raise InputError(f'--adopt: {name}: the config.yaml in {folder} says that it was made with '
                             f'another {", ".join(other[:notes.NAMED])}; adopt it with that config, or make it '
                             f'anew: --redo {name}')
    for name in names:
        notes.note(folder, every[name], contents(name.split('/')[1]) if name.startswith('records/') else None,
                   {ADOPTED: True})
    return names


def _kept_config(folder) -> Optional[Config]:
    """The config that the folder was last opened with; None if there is none that can be read."""
    try:
        return from_dict(read_yaml(Path(folder) / 'config.yaml'))
    except (ValueError, InputError, TypeError, AttributeError):
        return None


def _is_foreign(path: Path) -> bool:
    """Whether a folder that holds this is somebody's: not what systems and schedulers leave about."""
    if path.name in OURS:
        return True
    return path.is_dir() and path.name != 'lost+found' and not path.name.startswith('.')
