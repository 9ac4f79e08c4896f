"""An evaluation as a line of results.jsonl."""
from __future__ import annotations

from pathlib import Path

from datasets.divisions import DIVISIONS, validates
from datasets.errors import InputError
from datasets.files import read_json
from datasets.records import INFO, read_info
from pipelines.data.prepare import ENLARGED
from pipelines.experiment import restarts
from pipelines.plan import matrix
from pipelines.plan.augmentation import Augmentation
from pipelines.plan.kinds import KINDS
from pipelines.plan.loading import segmenter_settings, stage_settings
from pipelines.plan.matrix import Arm
from pipelines.plan.config import Config
from pipelines.plan.regimes import Run
from pipelines.plan.translators import TARGET
from pipelines.plan.workdir import Workdir
from pipelines.scores import results
from pipelines.segmentation.pairs import labelled_of
from pipelines.segmentation.task import updates_of
from pipelines.training.checkpoints import FINISHED


def _of_target(config: Config, run: Run, workdir: Path) -> dict:
    """What a row says of the hospital that a segmenter was brought to."""
    if run.trained != run:
        return {'num_labelled': 0}
    info = read_info(Workdir(workdir).records(TARGET))
    found = {'target': config.sources[TARGET].dataset, 'num_labelled': len(labelled_of(config, run, info))}
    translator = run.regime.transfer.translator
    if translator is None:
        return {**found, 'num_target': found['num_labelled']}
    return {**found, 'num_target': len(info.ids), 'restarts': restarts.count(translator, workdir),
            'convergence': read_json(Workdir(workdir).convergence(run))}


def read_scores(path: Path, run: Run, split: str) -> dict:
    """What evaluation.evaluate wrote; InputError if it is damaged or of another run or split."""
    scored = read_json(path)
    model, records = Path(str(scored.get('model'))), Path(str(scored.get('records')))
    if (model.parent.name, records.name) != (run.name, split):
        raise InputError(f'{path}: expected the scores of {run.name} on {split}, found something '
                         f'else; remove the file and repeat the command')
    return {**scored, 'images': results.upgraded_images(scored.get('images'))}


def is_augmented(config: Config, run: Run) -> bool:
    """Whether pictures vary while it learns: a translator and its segmenter as the translator's settings say."""
    translator = run.regime.transfer and run.regime.transfer.translator
    learning = stage_settings(config, translator) if translator else segmenter_settings(config, run.segmenter)
    return learning.augmentation != Augmentation()


def row_of(arm: Arm, run: Run, split: str, workdir: Path, scored: dict) -> dict:
    """What results.jsonl holds of an evaluation, see scores/results.py."""
    config, settings = arm.config, segmenter_settings(arm.config, run.segmenter)
    division = DIVISIONS[config.data.division]
    train = read_json(Workdir(workdir).records('train') / INFO)
    protocol = {
        'dataset': config.data.dataset, 'configuration': config.configuration,
        'size': scored['size'], 'train_size': settings.size, 'gan_size': config.data.size,
        'augmentation': config.data.augment > 1,
        'updates': updates_of(config, run, len(train['ids']) * config.data.augment, workdir),
        'distances': scored['library'], 'spacing_mm': scored['spacing_mm'],
        'enlarged': train.get('notes', {}).get(ENLARGED, 0)}
    if split in config.external:
        protocol.update(dataset=config.external[split].dataset, learned_from=config.data.dataset)
    if is_augmented(config, run):
        protocol['augmented'] = True
    if config.external.get(split, config.data).trim_borders:
        protocol['trimmed'] = True
    if scored.get('at_detector'):
        protocol['at_detector'] = True
    if scored.get('threshold'):
        protocol.update(threshold=scored['threshold']['threshold'],
                        threshold_chosen_on=scored['threshold']['chosen_on'])
    if division.fold(config.data) is not None:
        protocol['folds'] = config.data.folds
    if validates(config.data) and run.regime.transfer is None:
        finished = read_json(Workdir(workdir).segmenter(run) / FINISHED)
        protocol.update(epochs=settings.epochs, chosen_update=finished.get('chosen_step'))
    if run.regime.method:
        drawn = {stage.folder: KINDS[stage.kind].told(stage_settings(config, stage))
                 for stage in run.regime.method.stages}
        protocol.update({'drawn': drawn} if any(drawn.values()) else {})
    if run.regime.transfer:
        protocol.update(_of_target(config, run, workdir))
    return dict(
        experiment=config.experiment, arm=arm.name, num_real=len(train['ids']),
        draw=config.data.draw, regime=run.regime.name, segmenter=run.segmenter,
        num_synthetic=matrix.pairs_of(config, run), labelled=run.labelled, seed=run.seed, division=division.label(config.data),
        fold=division.fold(config.data), split=split,
        organs=scored['organs'], images=scored['images'], scores=scored['scores'],
        protocol=protocol, versions=scored['versions'])
