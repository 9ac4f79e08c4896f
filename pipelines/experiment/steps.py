"""The whole job, one step after the other; every step is skipped when its result is there.

prepare records -> train the stages -> generate -> train segmenters -> export -> evaluate -> report,
for every arm of the matrix.
"""
from __future__ import annotations

import functools
import secrets
import time
from pathlib import Path
from typing import Iterable, Optional, Sequence

from datasets.errors import InputError
from datasets.files import read_json
from pipelines.plan import matrix
from pipelines.plan.config import Config, segmenter_settings
from pipelines.plan.matrix import Arm
from pipelines.plan.methods import Method, Run, Stage, methods_of
from pipelines.plan.provenance import open_workdir

# The steps import what they need when they run: a finished experiment costs no TensorFlow.

PREDICTED = 4     # pictures, as a user would
READ_IMAGES = 20  # of a blinded reading, as in the paper's section 4.4


def is_done(workdir, arms: Sequence[Arm]) -> bool:
    """Whether every run is scored and reported; a look at files, without TensorFlow."""
    from pipelines.scores import results
    report = Path(workdir) / 'report.html'
    for arm in arms:
        path = Path(workdir) / arm.folder / results.RESULTS
        if not (report.exists() and path.exists()
                and path.stat().st_mtime <= report.stat().st_mtime):
            return False
        if matrix.unscored([arm], results.read_results(path)):
            return False
    return True


def prepare(config: Config, workdir, scored: Iterable[str] = ('test',)):
    """Training records and those that are scored; returns the training set's records.Info."""
    from pipelines.data.prepare import prepare_split
    from pipelines.runtime import devices
    while not (devices.is_chief(devices.distribution(config.strategy))
               or _is_prepared(workdir)):
        time.sleep(1)  # the first of several hosts prepares
    info = prepare_split(config, workdir, 'train')
    for split in sorted(scored):
        prepare_split(config, workdir, split)
    return info


def _is_prepared(workdir) -> bool:
    from datasets import records
    return all((Path(workdir) / 'records' / split / records.INFO).exists()
               for split in ('train', 'test'))


def train_stage(config: Config, stage: Stage, workdir) -> None:
    """Trains what is left of a GAN stage, unless a snapshot is to draw in its place."""
    from pipelines.runtime import devices
    from pipelines.stages.stage import has_snapshot, stage_directory, stage_task
    from pipelines.training import checkpoints, loop
    directory = stage_directory(workdir, stage)
    if checkpoints.is_finished(directory) or has_snapshot(config, stage, workdir):
        return
    info = prepare(config, workdir)
    with devices.distribution(config.strategy).scope():
        loop.train(stage_task(config, stage, info), directory, **vars(config.run))


def generate(config: Config, method: Method, workdir) -> None:
    """Draws a method's samples, unless they are there."""
    from datasets import records
    from pipelines.segmentation import task
    from pipelines.synthesis import generate as synthesis
    directory = task.synthetic_directory(workdir, method)
    if not ((directory / records.INFO).exists() and (directory / synthesis.SHEET).exists()):
        synthesis.generate(config, method, workdir)


def train_segmenter(config: Config, run: Run, workdir) -> None:
    """Trains what is left of a run."""
    from pipelines.runtime import devices
    from pipelines.segmentation import task
    from pipelines.training import checkpoints, loop
    directory = task.segmenter_directory(workdir, run)
    if checkpoints.is_finished(directory):
        return
    prepare(config, workdir)
    with devices.distribution(config.strategy).scope():
        loop.train(task.segmenter_task(config, run, workdir), directory,
                   **vars(config.run))


def evaluate(arm: Arm, run: Run, split: str, workdir) -> dict:
    """Exports a run's model, scores it on the records of a split and appends the result.

    Returns the evaluation: what results.jsonl holds of it, see pipelines/scores/results.py.
    """
    from pipelines.scores import results
    workdir = Path(workdir)
    model, output = workdir / 'exports' / run.name, workdir / 'evaluations'
    scored = output / f'{run.name}-{split}.json'
    if not scored.exists():
        from pipelines.evaluation import evaluate as evaluation
        from pipelines.serving import export
        if not (model / '1').exists():
            export.export_segmenter(arm.config, run, workdir, model)
        output.mkdir(exist_ok=True)
        evaluation.evaluate(model / '1', workdir / 'records' / split, scored,
                            scored.with_suffix('.png'))
    row = _result(arm, run, split, workdir, read_scores(scored, run, split))
    results.append_results(workdir / results.RESULTS, [row])
    return row


def read_scores(path: Path, run: Run, split: str) -> dict:
    """What evaluate.evaluate wrote; InputError if it is damaged or of another run or split."""
    scored = read_json(path)
    model, records = Path(str(scored.get('model'))), Path(str(scored.get('records')))
    if (model.parent.name, records.name) != (run.name, split):
        raise InputError(f'{path}: expected the scores of {run.name} on {split}, found something '
                         f'else; remove the file and repeat the command')
    return scored


def _result(arm: Arm, run: Run, split: str, workdir: Path, scored: dict) -> dict:
    from pipelines.segmentation.task import updates_of
    config, settings = arm.config, segmenter_settings(arm.config, run.segmenter)
    train = read_json(workdir / 'records' / 'train' / 'dataset_info.json')
    protocol = {
        'dataset': config.data.dataset, 'configuration': config.configuration,
        'size': scored['size'], 'train_size': settings.size, 'gan_size': config.data.size,
        'augmentation': config.data.augment > 1, 'updates': updates_of(config, run),
        'distances': scored['library'], 'spacing_mm': scored['spacing_mm']}
    return dict(
        experiment=config.experiment, arm=arm.name, num_real=len(train['ids']),
        draw=config.data.draw, regime=run.regime.name, segmenter=run.segmenter,
        num_synthetic=matrix.pairs_of(config, run), seed=run.seed, split=split,
        organs=scored['organs'], images=scored['images'], scores=scored['scores'],
        protocol=protocol, versions=scored['versions'])


def predict_some(run: Run, workdir) -> None:
    """Segments a few test pictures with the exported model, as a user would."""
    from datasets.files import write_png
    from pipelines.serving import predict
    workdir = Path(workdir)
    output = workdir / 'predictions'
    if (output / 'predictions.csv').exists():
        return
    pictures = workdir / 'pictures'
    pictures.mkdir(exist_ok=True)
    paths = []
    for name, image in predict.some_images(workdir / 'records' / 'test', PREDICTED):
        paths.append(pictures / f'{name}.png')
        write_png(paths[-1], image)
    predict.predict(workdir / 'exports' / run.name / '1', paths, output)


def lay_out_reading(run: Run, workdir) -> None:
    """A blinded reading of the hardest test images, ready for readers, under a secret seed."""
    from pipelines.reading import layout
    workdir = Path(workdir)
    if (workdir / 'reading').exists():
        return
    info = read_json(workdir / 'records' / 'test' / 'dataset_info.json')
    layout.make_reading(workdir / 'exports' / run.name / '1', workdir / 'records' / 'test',
                        workdir / 'reading', secrets.randbelow(2 ** 31),
                        min(READ_IMAGES, info['count']), hardest=True)


def run(config: Config, workdir, arms: Optional[Sequence[Arm]] = None,
        say=functools.partial(print, flush=True)) -> Path:
    """Everything; returns the path of the report.

    Args:
      arms: the part of the matrix to run; None = all.
      say: told of every step, and of every score as a line of a running table.
    """
    from pipelines.report import report
    if config.strategy == 'multi_worker':
        raise InputError('strategy: multi_worker trains one stage at a time: start train_stage.py or '
                         'train_segmenter.py on every host; the other steps need one host')
    workdir, every = open_workdir(config, workdir), matrix.arms_of(config)
    arms = every if arms is None else arms
    total, done = sum(len(splits) for arm in arms for splits in arm.scores.values()), 0
    for arm in arms:
        folder = open_workdir(arm.config, workdir / arm.folder)
        make_samples(every, arm, workdir, say)
        for run in arm.runs:
            say(f'segmenter {arm.folder} {run.name}'.replace('  ', ' '))
            train_segmenter(arm.config, run, folder)
            for split in arm.scores[run]:
                row, done = evaluate(arm, run, split, folder), done + 1
                say(f'{done:3} of {total}  {arm.folder or arm.name:16} {run.name:24} {split:8} '
                    f'pooled J {row["scores"]["jaccard_pooled"]["average"][0]:.2f}')
    shown = matrix.shown(every)
    if shown and (workdir / shown[0].folder / 'exports' / shown[1].name).exists():
        predict_some(shown[1], workdir / shown[0].folder)
        lay_out_reading(shown[1], workdir / shown[0].folder)
    return report.write_report(workdir)


def make_samples(arms: Sequence[Arm], arm: Arm, workdir, say) -> None:
    """Records of an arm, its GAN stages, the samples of its methods and their quality."""
    from pipelines.data import prepare as prepare_records
    folder = Path(workdir) / arm.folder
    splits = {'test', *(split for splits in arm.scores.values() for split in splits)}
    if prepare_records.has_left_out(arm.config):
        splits.add('left_out')  # what samples are measured against
    prepare(arm.config, folder, splits)
    for method in methods_of([run.regime for run in arm.runs]):
        for stage in method.stages:
            say(f'stage {stage.name} of method {method.name} {arm.folder}'.rstrip())
            matrix.share_stage(arms, arm, stage, workdir)
            train_stage(arm.config, stage, folder)
        say(f'samples of method {method.name} {arm.folder}'.rstrip())
        generate(arm.config, method, folder)
        measure_samples(arm.config, method, folder)


def measure_samples(config: Config, method: Method, workdir) -> None:
    """Measures the quality of a method's samples, unless that is done."""
    from pipelines.evaluation import quality
    quality.measure_quality(config, method, workdir)
