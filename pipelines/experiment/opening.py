"""Opens the workdir of an experiment: what it holds has to fit, or is made anew, or adopted."""
from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Sequence

from datasets.errors import InputError
from datasets.files import read_json
from datasets.readers import place_of
from pipelines.data.contents import contents_of
from pipelines.data.sources import has_left_out
from pipelines.experiment.possible import check_external, check_possible
from pipelines.plan import artefacts, matrix, notes, provenance, redo as taking
from pipelines.plan.artefacts import Artefact
from pipelines.plan.config import Config
from pipelines.plan.kinds import KINDS
from pipelines.plan.matrix import Arm
from pipelines.plan.methods import all_stages
from pipelines.plan.provenance import Outdated
from pipelines.plan.workdir import Workdir
from pipelines.scores import results


def open_experiment(config: Config, workdir, arms: Sequence[Arm], names: Optional[Iterable[str]] = None,
                    redo: Sequence[str] = (), adopt: bool = False,
                    say=functools.partial(print, flush=True)) -> Path:
    """Makes the folder or takes it, with those of its arms; returns it.

    Args:
      arms: whose artefacts are to be used.
      names: of the artefacts of one arm that the command needs or makes; None = all of them.
      redo: names of artefacts to remove first, with all that hangs on them; in a matrix behind the folder
        of their arm, as 'tiny-draw0/stages/dots'.
      adopt: to note that what has no note was made with this config and this data.

    Raises:
      InputError: see provenance; nothing is removed unless every name of `redo` is known.
    """
    for arm in arms:
        check_possible(arm, names is None)
        check_external(arm, Path(workdir) / arm.folder)
    looks = {arm.folder: contents_of(arm.config, Path(workdir) / arm.folder, say) for arm in arms}
    every = {arm.folder: _every(arm, Path(workdir) / arm.folder) for arm in arms}
    gone = _gone(config, Path(workdir), arms, every, redo)
    if adopt:
        for arm in arms:
            for name in provenance.adopt(arm.config, Path(workdir) / arm.folder, every[arm.folder],
                                         looks[arm.folder]):
                say(f'adopted: {_full(arm.folder, name)}')
    workdir = provenance.open_workdir(config, workdir)
    for folder, removed in gone.items():
        _forget_scores(folder, removed)
        for name in removed:
            taking.remove(folder, name)
            say(f'removed: {os.path.relpath(folder / name, workdir)}')
    _check(workdir, arms, {arm.folder: every[arm.folder] if names is None else artefacts.needed(
        every[arm.folder], names) for arm in arms}, looks)
    for arm in arms:
        if arm.folder:
            provenance.keep_config(arm.config, provenance.open_workdir(arm.config, workdir / arm.folder))
    provenance.keep_config(config, workdir)
    return workdir


def _how_to_go_on(workdir: Path, name: str) -> str:
    """What else could be meant where a stage is to be trained for longer."""
    parts = name.split('/')
    stage = all_stages().get(parts[-1]) if parts[-2:-1] == ['stages'] else None
    if stage is None or not hasattr(KINDS[stage.kind].settings, 'initial_weights'):
        return ''
    return f'; to train on from it: another --workdir and --set stages.{parts[-1]}.initial_weights={workdir / name}'


def _check(workdir: Path, arms: Sequence[Arm], wanted: Dict[str, Dict[str, Artefact]], looks) -> None:
    """Raises Outdated, of all arms together, where something no longer fits, or nobody knows."""
    wrong: Dict[str, List[str]] = {}
    unknown: List[str] = []
    for arm in arms:
        folder = workdir / arm.folder
        try:
            reasons, unnoted = provenance.check(arm.config, folder, wanted[arm.folder], looks[arm.folder])
        except Outdated as error:
            raise Outdated(str(error), [_full(arm.folder, name) for name in error.redo]) from None
        for name, words in reasons.items():
            wrong.setdefault(_owner(workdir, folder, name), words)
        unknown += [_full(arm.folder, name) for name in unnoted]
    if wrong:
        first, *others = wrong
        raise Outdated(
            f'{workdir}: {first} no longer fits: it was made with {"; ".join(wrong[first][:notes.NAMED])}'
            + (f', and {", ".join(others)} with it' if others else '')
            + f'. Go back to what it was made with, choose another --workdir, or repeat the command with '
              f'--redo {" ".join(wrong)}' + _how_to_go_on(workdir, first), list(wrong))
    if unknown:
        raise Outdated(
            f'{workdir}: nobody noted what {", ".join(unknown)} was made with (by an older version of this '
            f'program). If it is of this config and this data, repeat the command with --adopt; else with '
            f'--redo {" ".join(unknown)}', unknown, adopt=True)


def _full(folder: str, name: str) -> str:
    return f'{folder}/{name}' if folder else name


def _owner(workdir: Path, folder: Path, name: str) -> str:
    """The name of an artefact from the workdir on; of a linked stage, that of the arm whose own it is."""
    place = (folder / name).resolve() if (folder / name).is_symlink() else folder / name
    return os.path.relpath(place, workdir.resolve() if (folder / name).is_symlink() else workdir)


def _gone(config: Config, workdir: Path, arms: Sequence[Arm], every: Dict[str, Dict[str, Artefact]],
          redo: Sequence[str]) -> Dict[Path, List[str]]:
    """What `--redo` takes away, by folder, the last made first; InputError for a name that nothing has."""
    if not redo:
        return {}
    folders = list(dict.fromkeys([arm.folder for arm in (*arms, *matrix.arms_of(config))]))
    asked: Dict[Path, set] = {}
    for word in redo:
        folder = max((f for f in folders if not f or word == f or word.startswith(f'{f}/')), key=len,
                     default=None)
        if folder is None:
            raise InputError(f'--redo {word}: expected it behind the folder of its arm, such as '
                             f'{folders[0]}/records')
        name = word[len(folder):].strip('/')
        asked.setdefault(workdir / folder, set()).update(
            taking.chosen(workdir / folder, every.get(folder, {}), word, name))
    return taking.with_dependents([workdir / folder for folder in folders], asked)


def _every(arm: Arm, folder) -> Dict[str, Artefact]:
    try:
        is_left = has_left_out(arm.config)
    except InputError:
        if Path(place_of(arm.config.data.source) or '.').exists():
            raise
        is_left = Workdir(folder).records('left_out').exists()
    return artefacts.all_of(arm.config, arm.scores, ['test'] + ['left_out'] * is_left)


def _forget_scores(folder: Path, removed: Sequence[str]) -> None:
    """Takes the lines of evaluations that are going to be removed out of the results."""
    own, gone = Workdir(folder), []
    for name in removed:
        path = folder / f'{name}.json'
        if name.startswith('evaluations/') and path.exists():
            try:
                gone.append((path.stem, results.upgraded_images(read_json(path).get('images'))))
            except InputError:  # damaged: its line stays until it is scored anew
                continue
    if gone:
        results.remove_results(own.results, lambda row: any(
            row['images'] == images and stem.startswith(f'{row["regime"]}-{row["segmenter"]}-{row["seed"]}')
            and stem.endswith(f'-{row["split"]}') for stem, images in gone))
