"""Takes artefacts away with all that hangs on them: as their notes on the disk say, whatever a config asks for."""
from __future__ import annotations

import shutil
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, Sequence, Set, Tuple

from datasets.errors import InputError
from datasets.files import MADE_WITH
from pipelines.plan import notes

KEPT = 'reading'  # may hold readers' answers: removed only where it is named


def on_disk(folder) -> Dict[str, Tuple[str, ...]]:
    """Everything that is there, in the order of making: name -> what it is noted to be made of."""
    found = {}
    for sort in notes.RESULTS:
        place = Path(folder) / sort
        names = [sort] if sort in notes.SINGLE else sorted(
            f'{sort}/{path.name}' for path in (place.iterdir() if place.is_dir() else ()) if path.is_dir())
        if sort == 'evaluations':
            names = sorted(f'{sort}/{path.stem}' for path in place.glob('*.json')
                           if not path.name.endswith(MADE_WITH))
        for name in names:
            if notes.is_there(folder, name):
                try:
                    found[name] = tuple((notes.kept_note(folder, name) or {}).get('made_of', ()))
                except InputError:  # damaged: it can still be taken away
                    found[name] = ()
    return found


def chosen(folder, known: Iterable[str], asked: str, name: str) -> Set[str]:
    """The artefacts that a word stands for: one, a sort of them, or '' for all.

    Args:
      known: names that may be asked for beside those that are there.
      asked: as the user gave it, for errors.

    Raises:
      InputError: no such name; or a stage that is linked, and not this folder's own.
    """
    names = dict.fromkeys([*on_disk(folder), *known])
    found = {one for one in names if name in ('', one, one.split('/')[0]) and (one != KEPT or name == KEPT)}
    if not found:
        raise InputError(f'--redo {asked}: expected one of {", ".join(names)}, or a sort of them, such as '
                         f'{next(iter(names), "records/train").split("/")[0]}')
    if name in found and (Path(folder) / name).is_symlink():
        raise InputError(f'--redo {asked}: it is linked to {(Path(folder) / name).resolve()}: name it there')
    return found


def with_dependents(folders: Sequence[Path], gone: Mapping[Path, Set[str]]) -> Dict[Path, List[str]]:
    """Artefacts by folder, with all that hangs on them, the last made first; also by way of linked stages."""
    graphs = {folder: on_disk(folder) for folder in folders}
    found = {folder: set(gone.get(folder, ())) for folder in folders}
    size = -1
    while size != sum(map(len, found.values())):
        size = sum(map(len, found.values()))
        taken = {(folder / name).resolve() for folder, names in found.items() for name in names}
        for folder, graph in graphs.items():
            found[folder] |= {name for name, of in graph.items() if name != KEPT and (
                found[folder] & {*of} or (folder / name).is_symlink() and (folder / name).resolve() in taken)}
    return {folder: [name for name in reversed(list(graphs[folder])) if name in found[folder]]
            for folder in folders}


def remove(folder, name: str) -> None:
    """Removes one artefact, with what shows it."""
    place = Path(folder) / name
    if place.is_symlink():
        place.unlink()
    elif place.is_dir():
        shutil.rmtree(place)
    for failed in place.parent.glob(f'{place.name}-failed*'):  # see experiment/restarts.py
        shutil.rmtree(failed)
    shown = Path(folder) / 'quality' / Path(name).name if name.startswith(('synthetic/', 'segmenters/')) else place
    for path in (Path(f'{place}.json'), Path(f'{place}.png'), notes.note_of(folder, name),
                 Path(f'{shown}.json'), Path(f'{shown}-nearest.png')):
        path.unlink(missing_ok=True)
