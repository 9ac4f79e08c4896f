"""The steps of an experiment, each a function that does nothing where its result is there."""
from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import Iterable, Sequence

from datasets import records
from datasets.errors import InputError
from datasets.files import write_png
from pipelines.data.prepare import prepare_split
from pipelines.evaluation import evaluate as evaluation
from pipelines.evaluation import finders
from pipelines.evaluation.convergence import measure_convergence
from pipelines.evaluation.quality import measure_quality
from pipelines.experiment import restarts, rows
from pipelines.experiment.exporting import exported
from pipelines.experiment.pseudo_labels import label_pictures
from pipelines.plan import artefacts, notes, provenance, redo
from pipelines.plan.config import Config
from pipelines.plan.matrix import Arm, owner_of
from pipelines.plan.methods import Method, Stage
from pipelines.plan.pseudo import PSEUDO
from pipelines.plan.regimes import Run, translators_of
from pipelines.plan.workdir import Workdir
from pipelines.reading.layout import make_reading
from pipelines.report import cards
from pipelines.runtime import devices
from pipelines.scores import results
from pipelines.segmentation.guided import check_watcher, guided_task
from pipelines.segmentation.task import segmenter_task
from pipelines.serving import predict
from pipelines.serving.export import read_threshold
from pipelines.stages.stage import has_snapshot
from pipelines.synthesis import generate as synthesis
from pipelines.training import loop
from pipelines.training.checkpoints import is_finished

PREDICTED = 4     # pictures, as a user would
READ_IMAGES = 20  # of a blinded reading, as in the paper's section 4.4


def prepare(config: Config, workdir, scored: Iterable[str] = ('test',)) -> records.Info:
    """Training records, those that choose, and those that are scored; returns the training set's records.Info."""
    wanted = dict.fromkeys((*artefacts.learned_from(config), *sorted(scored)))
    while not (devices.is_chief(devices.distribution(config.strategy)) or _is_prepared(workdir, wanted)):
        time.sleep(1)  # the first of several hosts prepares
    info, *_ = [prepare_split(config, workdir, split) for split in wanted if split != PSEUDO]
    if PSEUDO in wanted:
        label_pictures(config, workdir)
    return info


def _is_prepared(workdir, wanted: Iterable[str]) -> bool:
    return all((Workdir(workdir).records(split) / records.INFO).exists() for split in wanted)


def train_stage(config: Config, stage: Stage, workdir) -> None:
    """Trains what is left of a GAN stage, unless a snapshot is to draw in its place."""
    directory, artefact = Workdir(workdir).stage(stage), artefacts.stage_of(config, stage)
    if has_snapshot(config, stage, workdir) or restarts.settle(config, stage, workdir):
        provenance.claim(config, workdir, artefact)
        return
    check_watcher(config, stage, workdir)
    info = prepare(config, workdir, {'test', *stage.reads})
    provenance.claim(config, workdir, artefact)
    sources = {name: info if name == 'train' else records.read_info(Workdir(workdir).records(name))
               for name in stage.reads}
    while True:
        with devices.distribution(config.strategy).scope():
            loop.train(guided_task(restarts.reseeded(config, stage, workdir), stage, sources, workdir), directory, **vars(config.run))
        if restarts.settle(config, stage, workdir):
            return
        provenance.claim(config, workdir, artefact)


def share_stage(arms: Sequence[Arm], arm: Arm, stage: Stage, workdir) -> None:
    """Links a stage of `arm` to that of an earlier arm which trains the very same.

    Args:
      arms: all of the matrix, in its order.

    Raises:
      InputError: the earlier arm has not trained it yet: one stage is not for two to train.
    """
    own, owner = Workdir(workdir).arm(arm.folder).stage(stage), owner_of(arms, arm, stage)
    root = Path(workdir).resolve()
    if own.is_symlink() and (root in own.resolve().parents or not own.exists()):
        own.unlink()  # as the matrix was when it was made, which may be another now; not what was taken elsewhere
    if owner is None or own.exists():
        return
    shared = Workdir(workdir).arm(owner.folder).stage(stage)
    if not is_finished(shared):
        raise InputError(f'--arms {arm.folder}: its stage {stage.folder} is that of arm '
                         f'{owner.folder}, which has not trained it yet; run that arm first')
    own.parent.mkdir(parents=True, exist_ok=True)
    own.symlink_to(os.path.relpath(shared, own.parent))


def generate(config: Config, method: Method, workdir) -> None:
    """Draws a method's samples, unless they are there."""
    directory = Workdir(workdir).samples(method)
    provenance.claim(config, workdir, artefacts.samples_of(config, method))
    if not ((directory / records.INFO).exists() and (directory / synthesis.SHEET).exists()):
        synthesis.generate(config, method, workdir)


def describe_samples(config: Config, method: Method, workdir) -> None:
    """Measures a method's samples and writes their datasheet."""
    measure_quality(config, method, workdir)
    cards.write(Workdir(workdir).samples(method) / cards.SHEET, cards.datasheet(config, method, workdir))


def _check_before(run: Run, workdir) -> None:
    """InputError where a run would start from what is not there yet."""
    own, before = Workdir(workdir), run.pretraining
    needed = [(own.stage(stage), is_finished, 'trained', f'train_stage.py --translator {stage.kind}')
              for stage in translators_of([run.regime])]
    if before:
        pairs = '' if before.num_synthetic is None else f' --num-synthetic {before.num_synthetic}'
        needed.append((own.segmenter(before), is_finished, 'trained', f'train_segmenter.py --regime {before.regime.name} '
                       f'--segmenter {run.segmenter} --seed {run.seed}{pairs}'))
    elif run.regime.method:
        needed.append((own.samples(run.regime.method), lambda folder: (folder / records.INFO).exists(), 'made',
                       f'generate_samples.py --method {run.regime.method.name}'))
    for folder, is_there, done, command in needed:
        if not is_there(folder):
            raise InputError(f'{run.name}: starts from {folder.parent.name}/{folder.name}, which is not {done} yet: first '
                             f'tools/{command}, with the same --config and --workdir')


def train_segmenter(config: Config, run: Run, workdir) -> None:
    """Trains what is left of a run."""
    directory = Workdir(workdir).segmenter(run)
    if run.trained != run:  # another run's, shown pictures otherwise
        return
    if not is_finished(directory):
        _check_before(run, workdir)
        prepare(config, workdir, {'test', *artefacts.used_by(config, run)})
    provenance.claim(config, workdir, artefacts.segmenter_of(config, run))
    if is_finished(directory):
        return
    with devices.distribution(config.strategy).scope():
        loop.train(segmenter_task(config, run, workdir), directory, **vars(config.run))


def evaluate(arm: Arm, run: Run, split: str, workdir) -> dict:
    """Exports a run's model, scores it on the records of a split and appends the result.

    Returns the evaluation: what results.jsonl holds of it, see scores/results.py.
    """
    own = Workdir(workdir)
    scored = own.evaluation(run, split)
    if translators_of([run.regime]):
        measure_convergence(arm.config, run, workdir)
    model = exported(arm.config, run, workdir)
    provenance.claim(arm.config, workdir, artefacts.evaluation_of(arm.config, run, split))
    if not scored.exists():
        other = arm.config.external.get(split)
        finder = finders.of_model(model, own.records(split), other and other.targets)
        evaluation.evaluate(finder, scored, scored.with_suffix('.png'))
    row = rows.row_of(arm, run, split, workdir, rows.read_scores(scored, run, split))
    results.append_results(own.results, [row])
    cards.write(model / cards.CARD, cards.model_card(arm.config, run, workdir, read_threshold(model)))
    return row


def predict_some(config: Config, run: Run, workdir) -> None:
    """Segments a few test pictures with the exported model, as a user would; anew after another model."""
    own, paths, artefact = Workdir(workdir), [], artefacts.exhibit_of('predictions', run)
    if provenance.unlike(config, workdir, artefact) == []:
        return
    for folder in ('predictions', 'pictures'):
        redo.remove(workdir, folder)
    provenance.claim(config, workdir, artefact)
    own.pictures.mkdir(exist_ok=True)
    for name, image in predict.some_images(own.records('test'), PREDICTED):
        paths.append(own.pictures / f'{name}.png')
        write_png(paths[-1], image)
    predict.predict(own.export(run) / '1', paths, own.predictions)


def lay_out_reading(config: Config, run: Run, workdir, say=print) -> None:
    """A blinded reading of the hardest test images, ready for readers, under a secret seed.

    One that is there is kept, for it may have been read; if it is of another model, `say` is told.
    """
    own, artefact = Workdir(workdir), artefacts.exhibit_of('reading', run)
    if own.reading.exists():
        if provenance.unlike(config, workdir, artefact):
            say(f'note: {own.reading} shows another model than {run.name} as it is now; move the folder '
                f'away to have a new one laid out')
        return
    count = records.read_info(own.records('test')).count
    make_reading(finders.of_model(own.export(run) / '1', own.records('test')), own.reading,
                 secrets.randbelow(2 ** 31), min(READ_IMAGES, count), hardest=True)
    notes.note(workdir, artefact)


def take_stage(config: Config, stage: Stage, folder, others: Sequence, say=print) -> None:
    """Links a stage to one that other experiments have trained with the same settings on the same data.

    Args:
      folder: of this experiment or arm.
      others: folders of theirs, of which the first that has the stage counts.

    Raises:
      InputError: it was trained with something else.
    """
    own, artefact = Workdir(folder).stage(stage), artefacts.stage_of(config, stage)
    found = [other for other in others if is_finished(Workdir(other).stage(stage))]
    if own.exists():
        return
    if not found:
        say(f'note: {others[-1]} has no finished {artefact.name}: it is trained here')
        return
    reasons = provenance.unlike(config, folder, artefact, found[0])
    if reasons is None:
        raise InputError(f'--stages-from: {found[0]}: nobody noted what {artefact.name} was made with; '
                         f'open it with its own config and --adopt first')
    if reasons:
        raise InputError(f'--stages-from: {found[0]}: {artefact.name} was made with '
                         f'{"; ".join(reasons)}; leave the option out to train it here')
    own.parent.mkdir(parents=True, exist_ok=True)
    own.symlink_to(os.path.relpath(Path(found[0]).resolve() / artefact.name, own.parent.resolve()))
