"""Opens the workdir of an experiment: what it holds has to fit, or is made anew, or adopted."""
from __future__ import annotations

import functools
from pathlib import Path
from typing import Dict, Iterable, Optional, Sequence

from datasets.errors import InputError
from datasets.readers import place_of
from pipelines.data.contents import contents_of
from pipelines.data.sources import has_left_out, open_split
from pipelines.plan import artefacts, provenance
from pipelines.plan.artefacts import Artefact
from pipelines.plan.config import Config
from pipelines.plan.matrix import Arm, pairs_of
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
    for arm in arms if names is None else ():
        check_counts(arm)
    prefixes = {arm.folder: f'{arm.folder}/' if arm.folder else '' for arm in arms}
    every = {arm.folder: _every(arm, Path(workdir) / arm.folder) for arm in arms}
    asked = {arm.folder: [name[len(prefixes[arm.folder]):] for name in redo
                          if name.startswith(prefixes[arm.folder])] for arm in arms}
    for name in redo:
        if not any(name.startswith(prefix) for prefix in prefixes.values()):
            raise InputError(f'--redo {name}: expected it behind the folder of its arm, such as '
                             f'{next(iter(prefixes.values()))}{name}')
    looks = {arm.folder: contents_of(arm.config, Path(workdir) / arm.folder, say) for arm in arms}
    if adopt:
        for arm in arms:
            for name in provenance.adopt(arm.config, Path(workdir) / arm.folder, every[arm.folder],
                                         looks[arm.folder]):
                say(f'adopted: {prefixes[arm.folder]}{name}')
    workdir = provenance.open_workdir(config, workdir)
    for arm in arms:
        folder = provenance.open_workdir(arm.config, workdir / arm.folder) if arm.folder else workdir
        if asked[arm.folder]:
            removed = provenance.redo(folder, every[arm.folder], asked[arm.folder])
            _forget_scores(arm, folder, removed)
            for name in removed:
                say(f'removed: {prefixes[arm.folder]}{name}')
    for arm in arms:
        wanted = every[arm.folder] if names is None else artefacts.needed(every[arm.folder], names)
        try:
            provenance.check(arm.config, workdir / arm.folder, wanted, looks[arm.folder])
        except Outdated as error:
            raise Outdated(str(error), [prefixes[arm.folder] + name for name in error.redo],
                           error.adopt) from None
    return workdir


def check_counts(arm: Arm) -> None:
    """InputError where there are too few test images to measure samples against, before anything is made."""
    if not any(run.regime.method for run in arm.runs):
        return
    try:
        count = len(open_split(arm.config, 'test').ids)
    except InputError:  # which preparing them says better
        return
    if count < 2 and not has_left_out(arm.config):
        raise InputError(f'data: expected at least 2 test images, to measure samples against, found {count}; '
                         f'add some, or leave regimes with synthetic pairs out')


def _every(arm: Arm, folder) -> Dict[str, Artefact]:
    try:
        is_left = has_left_out(arm.config)
    except InputError:
        if Path(place_of(arm.config.data.source) or '.').exists():
            raise
        is_left = Workdir(folder).records('left_out').exists()
    return artefacts.all_of(arm.config, arm.scores, ['test'] + ['left_out'] * is_left)


def _forget_scores(arm: Arm, folder, removed: Sequence[str]) -> None:
    """Takes the lines of removed evaluations out of the results."""
    gone = {name.split('/', 1)[1] for name in removed if name.startswith('evaluations/')}
    keys = {(run.regime.name, run.segmenter, run.seed, pairs_of(arm.config, run), split) for run, splits in arm.scores.items()
            for split in splits if f'{run.name}-{split}' in gone}
    if keys:
        results.remove_results(Workdir(folder).results, lambda row: (
            row['regime'], row['segmenter'], row['seed'], row['num_synthetic'], row['split']) in keys)
