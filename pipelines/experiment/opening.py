"""Opens the workdir of an experiment: what it holds has to fit, or is made anew, or adopted."""
from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Sequence

from datasets.divisions import DIVISIONS
from datasets.errors import InputError
from datasets.files import read_json
from datasets.labels import LabelCoding
from datasets.readers import place_of
from datasets.records import INFO
from datasets.sample import Dataset
from datasets.splits import name_some
from datasets.targets import Targets, scored_on, targets_of
from pipelines.data.contents import contents_of
from pipelines.data.fields import field_of
from pipelines.data.sources import has_left_out, labelled_ids, open_split
from pipelines.plan import artefacts, matrix, notes, provenance, redo as taking
from pipelines.plan.artefacts import Artefact
from pipelines.plan.config import Config
from pipelines.plan.loading import segmenter_settings, stage_settings
from pipelines.plan.matrix import Arm
from pipelines.plan.methods import check_pairs
from pipelines.plan.provenance import Outdated
from pipelines.plan.regimes import methods_of, stages_of
from pipelines.plan.translators import TARGET
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
              f'--redo {" ".join(wrong)}', list(wrong))
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


def check_possible(arm: Arm, is_whole: bool) -> None:
    """InputError for what would only be found after hours: targets that the data set has not or that no picture
    of a fold shows, too few test images to measure samples against, learning images that samples cannot begin with.

    Args:
      is_whole: whether samples are going to be measured.
    """
    try:
        dataset = open_split(arm.config, 'train')
        count = len(open_split(arm.config, 'test').ids) if is_whole else 2
    except InputError:  # which preparing them says better
        return
    for name in {run.segmenter for run in arm.runs}:
        settings = segmenter_settings(arm.config, name)
        _check_shown(arm.config, targets_of(dataset.coding, settings.targets, settings.overlapping))
    _check_target(arm, dataset.coding)
    _check_sides(arm, dataset.coding)
    _check_begun(arm, dataset)
    synthetic = any(run.regime.method for run in arm.runs)
    if synthetic and count < 2 and not has_left_out(arm.config):
        raise InputError(f'data: expected at least 2 test images, to measure samples against, found {count}; '
                         f'add some, or leave regimes with synthetic pairs out')


def _check_sides(arm: Arm, coding: LabelCoding) -> None:
    """InputError where pictures would be mirrored that have a left and a right."""
    used = {f'segmenter.augmentation.flip ({run.segmenter})': segmenter_settings(arm.config, run.segmenter)
            for run in arm.runs}
    used.update({f'augmentation.flip of stage {stage.folder}': stage_settings(arm.config, stage)
                 for stage in stages_of([run.regime for run in arm.runs]).values()})
    for key, settings in used.items():
        how = getattr(settings, 'augmentation', None)
        if how and how.flip and coding.left_right:
            raise InputError(f'{key}: expected 0 where organs have sides, {" and ".join(coding.left_right[0])} of '
                             f'{arm.config.data.dataset}, found {how.flip:g}')


def _check_begun(arm: Arm, dataset: Dataset) -> None:
    """InputError where samples begin with learning images of which too few are there, or that show nothing."""
    methods = [method for method in methods_of([run.regime for run in arm.runs]) if method.begins]
    for method in methods:
        field_of('region', arm.config, dataset.coding)
        check_pairs(method, arm.config.generation.count, len(dataset.ids), 'generation.num_train + num_validation')
    if methods and dataset.coding.optional:  # others are in every picture, or it is refused
        without = [id for id in dataset.ids if not dataset.load(id).masks[dataset.coding.organs[0]].any()]
        if without:
            raise InputError(f'{dataset.name}: expected a {dataset.coding.organs[0]} in every learning image, around '
                             f'which {methods[0].name} draws, found none in {name_some(without, notes.NAMED)}; leave '
                             'them out (data.train_ids), or choose a data set without such pictures')


def _check_target(arm: Arm, ours: LabelCoding) -> None:
    """InputError where the other hospital has not what a run learns there: its classes, or one labelled image."""
    going = [run for run in arm.runs if run.regime.transfer and run.regime.transfer.is_trained]
    if not going:
        return
    there = open_split(arm.config, TARGET)
    for run in going:
        labelled_ids(there.ids, run.labelled, 0)
        settings = segmenter_settings(arm.config, run.segmenter)
        if run.labelled:
            theirs = targets_of(there.coding, settings.targets, settings.overlapping, f'sources.{TARGET}: segmenter.targets')
            names = targets_of(ours, settings.targets, settings.overlapping).names
            if theirs.names != names:
                raise InputError(f'sources.{TARGET}: expected the classes of data, {", ".join(names)}, found '
                                 f'{", ".join(theirs.names)}; say in segmenter.targets which organs of both make a class')


def check_external(arm: Arm, folder) -> None:
    """InputError for another hospital's data set that is not there, or that shows nothing of what a segmenter of the
    arm finds."""
    config = arm.config
    for name in dict.fromkeys(split for splits in arm.scores.values() for split in splits if split in config.external):
        info = Workdir(folder).records(name) / INFO
        theirs = LabelCoding.from_dict(read_json(info)['coding']) if info.exists() else open_split(config, name).coding
        try:
            ours = open_split(config, 'train').coding
        except InputError:  # which preparing it says better
            return
        for segmenter in {run.segmenter for run, splits in arm.scores.items() if name in splits}:
            settings = segmenter_settings(config, segmenter)
            found = targets_of(ours, settings.targets, settings.overlapping)
            chosen = config.external[name].targets
            scored_on(found, theirs, chosen, f'external.{name}' + ('.targets' if chosen else ''))


def _check_shown(config: Config, targets: Targets) -> None:
    """InputError for a class that no picture of a part of a fold shows: nobody could learn or score it there."""
    if DIVISIONS[config.data.division].fold(config.data) is None:
        return
    for part in (*artefacts.learned_from(config), 'test'):
        dataset = open_split(config, part)
        for name, organs in zip(targets.names, targets.organs):  # others are in every picture, or it is refused
            if set(organs) <= set(dataset.coding.optional) and not any(
                    dataset.load(id).masks[organ].any() for id in dataset.ids for organ in organs):
                raise InputError(f'data.fold={config.data.fold}: none of the {len(dataset.ids)} pictures of {part} '
                                 f'shows {name}; take fewer folds, or another target')


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
