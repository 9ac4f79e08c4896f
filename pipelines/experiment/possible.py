"""What would only be found after hours, found before: whether a data set has what the runs of an arm need."""
from __future__ import annotations

from datasets.divisions import DIVISIONS
from datasets.errors import InputError
from datasets.files import read_json
from datasets.labels import LabelCoding
from datasets.records import INFO
from datasets.sample import Dataset
from datasets.splits import name_some
from datasets.targets import Targets, scored_on, targets_of
from pipelines.data.fields import field_of
from pipelines.data.sources import has_left_out, labelled_ids, open_split
from pipelines.plan import artefacts, notes
from pipelines.plan.config import Config
from pipelines.plan.loading import segmenter_settings, stage_settings
from pipelines.plan.matrix import Arm
from pipelines.plan.methods import check_pairs
from pipelines.plan.pseudo import PSEUDO, TEACHER
from pipelines.plan.regimes import methods_of, stages_of, teacher_of
from pipelines.plan.translators import TARGET
from pipelines.plan.workdir import Workdir


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
    _check_teacher(arm, dataset.coding)
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


def _check_teacher(arm: Arm, coding: LabelCoding) -> None:
    """InputError for a teacher that does not find every organ by itself, or has nothing to label."""
    teacher = teacher_of(arm.config, arm.runs)
    if teacher is None:
        return
    settings = segmenter_settings(arm.config, teacher.segmenter)
    targets = targets_of(coding, settings.targets, settings.overlapping)
    if sorted(targets.organs) != sorted((organ,) for organ in coding.organs):
        every = ', '.join(f'{organ}: [{organ}]' for organ in coding.organs)
        raise InputError(f'segmenters.{TEACHER}: expected a segmenter that finds every organ by itself, for its label maps are '
                         f'learned from, as {TEACHER}: {{network: unet, overlapping: true, targets: {{{every}}}}}, found '
                         f'{teacher.segmenter}, which finds {", ".join(targets.names)}')
    if not targets.is_overlapping and any(len(code['organs']) > 1 for code in coding.to_dict()['codes']):
        raise InputError(f'segmenters.{TEACHER}.overlapping: expected true where organs lie over each other, as in '
                         f'{arm.config.data.dataset}: a teacher that gives a pixel to one of them rubs the others out')
    open_split(arm.config, PSEUDO)


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
    there = _opened(arm.config, TARGET)
    for run in going:
        labelled_ids(there.ids, run.labelled, 0)
        settings = segmenter_settings(arm.config, run.segmenter)
        if run.labelled:
            theirs = targets_of(there.coding, settings.targets, settings.overlapping, f'sources.{TARGET}: segmenter.targets')
            found = targets_of(ours, settings.targets, settings.overlapping)
            if theirs.names != found.names:
                raise InputError(f'sources.{TARGET}: expected the classes of data, {", ".join(found.names)}, found '
                                 f'{", ".join(theirs.names)}; say in segmenter.targets which organs of both make a class')
            _check_same_sides(found, ours, there.coding, f'sources.{TARGET}')


def check_external(arm: Arm, folder) -> None:
    """InputError for another hospital's data set that is not there, or that shows nothing of what a segmenter of the
    arm finds."""
    config = arm.config
    for name in dict.fromkeys(split for splits in arm.scores.values() for split in splits if split in config.external):
        info = Workdir(folder).records(name) / INFO
        theirs = LabelCoding.from_dict(read_json(info)['coding']) if info.exists() else _opened(config, name).coding
        try:
            ours = open_split(config, 'train').coding
        except InputError:  # which preparing it says better
            return
        for segmenter in {run.segmenter for run, splits in arm.scores.items() if name in splits}:
            settings = segmenter_settings(config, segmenter)
            found = targets_of(ours, settings.targets, settings.overlapping)
            chosen = config.external[name].targets
            compared = scored_on(found, theirs, chosen, f'external.{name}' + ('.targets' if chosen else ''))
            _check_same_sides(compared.targets, ours, theirs, f'external.{name}')


def _opened(config: Config, split: str) -> Dataset:
    """A data set of which one picture is read: colours among greys are found before the own pictures are made records."""
    dataset = open_split(config, split)
    dataset.load(dataset.ids[0])
    return dataset


def _check_same_sides(targets: Targets, ours: LabelCoding, theirs: LabelCoding, where: str) -> None:
    """InputError where a class is one of two organs of which only one data set says that they are sides: nothing shows
    that the other does not exchange them."""
    for (coding, other), who in (((ours, theirs), where), ((theirs, ours), 'data')):
        for pair in coding.left_right:
            apart = any(len({*pair} & {*organs}) == 1 for organs in targets.organs)
            if apart and {*pair} <= {*other.organs} and pair not in other.left_right:
                raise InputError(f'{who}: expected {" and ".join(pair)} to be known as the patient\'s sides, as in the other '
                                 f'data set, found that nothing says so; add left_right: [[{", ".join(pair)}]] to its '
                                 f'coding.yaml, so that they are checked')


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
