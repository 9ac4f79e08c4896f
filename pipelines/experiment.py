"""The whole job, one step after the other; every step is skipped when its result is there.

prepare records -> train the stages -> generate -> train SMANet -> export -> evaluate -> report.
"""
from __future__ import annotations

import functools
import json
import time
from pathlib import Path
from typing import List, Sequence

import yaml

from datasets.errors import InputError
from datasets.files import whole_file
from pipelines.config import Config, to_dict
from pipelines.methods import (REGIMES, Method, Regime, Stage, methods_of, parse_regime,
                               synth_regime)

# The steps import what they need when they run: a finished experiment costs no TensorFlow.

# Keys of a config -> files that were made with them: a key may change while none of them exists.
DEPENDENTS = {
    'data': 'records/*/*.tfrecord', 'evaluation': 'records/*/*.tfrecord',
    'seed': '*/*/checkpoints/*', 'precision': '*/*/checkpoints/*',
    'labels.channels': 'stages/*/checkpoints/*',
    'pggan': 'stages/*/checkpoints/*', 'pix2pixhd': 'stages/*_from_*/checkpoints/*',
    'stages': 'stages/*/checkpoints/*', 'labels': 'synthetic/*/*.tfrecord',
    'generation': 'synthetic/*/*.tfrecord', 'segmenter': 'segmenters/*/checkpoints/*',
    'experiment': 'results.jsonl', 'configuration': 'results.jsonl',
}


def open_workdir(config: Config, workdir) -> Path:
    """Makes the workdir or checks that what it holds was made with this config.

    Raises:
      InputError: it is not writable, holds something else, or another config's results.
    """
    workdir = Path(workdir)
    kept = workdir / 'config.yaml'
    try:
        if kept.exists():
            found = yaml.safe_load(kept.read_text())
            differing = [key for key in _differences(found, to_dict(config)) if _used(workdir, key)]
            if differing:
                raise InputError(f'--workdir {workdir}: belongs to another experiment: what it holds '
                                 f'was made with another {", ".join(sorted(differing))}; choose '
                                 f'another folder')
        elif workdir.exists() and any(workdir.iterdir()):
            raise InputError(f'--workdir {workdir}: expected a new or empty folder, or one of this '
                             f'experiment, found other files; choose another folder')
        workdir.mkdir(parents=True, exist_ok=True)
        with whole_file(kept) as temporary:
            temporary.write_text(yaml.safe_dump(to_dict(config), sort_keys=False))
    except OSError as error:
        raise InputError(f'--workdir {workdir}: cannot write there: {error.strerror}') from None
    return workdir


def _used(workdir: Path, key: str) -> bool:
    """Whether something in the workdir was made with this key of the config."""
    if key.endswith('.snapshot'):
        return any(workdir.glob(DEPENDENTS['generation']))
    for prefix in (key, '.'.join(key.split('.')[:2]), key.split('.')[0]):
        if prefix in DEPENDENTS:
            return any(workdir.glob(DEPENDENTS[prefix]))
    return False  # run.*, regimes: how and what, not with which result


def _differences(a, b, path='') -> List[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for key in {*a, *b} for d in _differences(
            a.get(key), b.get(key), f'{path}.{key}' if path else str(key))]
    return [] if a == b else [path]


def plan(config: Config, regimes: Sequence[Regime]) -> str:
    """What run_experiment would do, as text."""
    from pipelines import planning
    return planning.describe(config, regimes)


def is_done(workdir, regimes: Sequence[Regime]) -> bool:
    """Whether every regime is scored and reported; a look at files, without TensorFlow."""
    report = Path(workdir) / 'report.html'
    scored = [Path(workdir) / 'evaluations' / f'{regime.name}.json' for regime in regimes]
    return report.exists() and all(
        path.exists() and path.stat().st_mtime <= report.stat().st_mtime for path in scored)


def prepare(config: Config, workdir):
    """Training and test records; returns the training set's records.Info."""
    from pipelines import runtime
    from pipelines.prepare import prepare_split
    while not (runtime.is_chief(runtime.distribution(config.strategy))
               or _is_prepared(workdir)):
        time.sleep(1)  # the first of several hosts prepares
    info = prepare_split(config, workdir, 'train')
    prepare_split(config, workdir, 'test')
    return info


def _is_prepared(workdir) -> bool:
    from datasets import records
    return all((Path(workdir) / 'records' / split / records.INFO).exists()
               for split in ('train', 'test'))


def train_stage(config: Config, stage: Stage, workdir) -> None:
    """Trains what is left of a GAN stage, unless a snapshot is to draw in its place."""
    from pipelines import checkpoints, runtime, stages, training
    directory = stages.stage_directory(workdir, stage)
    if checkpoints.is_finished(directory) or stages.has_snapshot(config, stage, workdir):
        return
    info = prepare(config, workdir)
    with runtime.distribution(config.strategy).scope():
        training.train(stages.stage_task(config, stage, info), directory, **vars(config.run))


def generate(config: Config, method: Method, workdir) -> None:
    """Draws a method's samples, unless they are there."""
    from datasets import records
    from pipelines import segmentation, synthesis
    if not (segmentation.synthetic_directory(workdir, method) / records.INFO).exists():
        synthesis.generate(config, method, workdir)


def train_segmenter(config: Config, regime: Regime, workdir) -> None:
    """Trains what is left of a regime."""
    from pipelines import checkpoints, runtime, segmentation, training
    directory = segmentation.segmenter_directory(workdir, regime)
    if checkpoints.is_finished(directory):
        return
    prepare(config, workdir)
    with runtime.distribution(config.strategy).scope():
        training.train(segmentation.segmenter_task(config, regime, workdir), directory,
                       **vars(config.run))


def evaluate(config: Config, regime: Regime, workdir) -> None:
    """Exports a regime's model, scores it on the test records and appends the results."""
    from pipelines import evaluation, export
    workdir = Path(workdir)
    model, output = workdir / 'exports' / regime.name, workdir / 'evaluations'
    scored = output / f'{regime.name}.json'
    if not scored.exists():
        if not (model / '1').exists():
            export.export_segmenter(config, regime, workdir, model)
        output.mkdir(exist_ok=True)
        evaluation.evaluate(model / '1', workdir / 'records' / 'test', scored,
                            output / f'{regime.name}.png')
    append_scores(config, regime, workdir, json.loads(scored.read_text()))


def append_scores(config: Config, regime: Regime, workdir: Path, scored: dict) -> None:
    """Rows of an evaluation go to results.jsonl; repeating it changes nothing."""
    from datasets import records
    from pipelines import results
    from pipelines.segmentation import updates_of
    train = records.read_info(workdir / 'records' / 'train')
    protocol = {
        'dataset': config.data.dataset, 'size': scored['size'],
        'train_size': config.segmenter.size, 'gan_size': config.data.size,
        'num_test_images': len(scored['names']), 'num_real_images': len(train.ids),
        'num_synthetic': config.generation.count if regime.method else 0,
        'smanet_updates': updates_of(config, regime),
        'configuration': config.configuration, 'augmentation': config.data.augment > 1}
    values = {(s['metric'], s['organ']): s['value'] for s in scored['scores']}
    intervals = {(s['metric'], s['organ']): s['interval_95'] for s in scored['scores']
                 if s['interval_95']}
    method = regime.method.name if regime.method else 'real'
    results.append_results(workdir / 'results.jsonl', results.rows_of_scores(
        values, intervals, config.experiment, method, regime.name, config.seed, protocol))


def predict_some(regime: Regime, workdir, count: int = 4) -> None:
    """Segments a few test pictures with the exported model, as a user would."""
    from datasets.files import write_png
    from pipelines import prediction
    workdir = Path(workdir)
    output = workdir / 'predictions'
    if (output / 'predictions.csv').exists():
        return
    pictures = workdir / 'pictures'
    pictures.mkdir(exist_ok=True)
    paths = []
    for name, image in prediction.some_images(workdir / 'records' / 'test', count):
        paths.append(pictures / f'{name}.png')
        write_png(paths[-1], image)
    prediction.predict(workdir / 'exports' / regime.name / '1', paths, output)


def with_prerequisites(names: Sequence[str]) -> List[Regime]:
    """The regimes asked for, each FINETUNE k behind its SYNTH k, in the order of the tables."""
    wanted = [parse_regime(name) for name in names]
    wanted += [synth_regime(r.method) for r in wanted if r.kind == 'finetune']
    return [regime for regime in REGIMES.values() if regime in wanted]


def run(config: Config, workdir, regimes: Sequence[Regime],
        say=functools.partial(print, flush=True)) -> Path:
    """Everything; returns the path of the report. `say` is told of every step."""
    from pipelines import report
    if config.strategy == 'multi_worker':
        raise InputError('strategy: multi_worker trains one stage at a time: start train_stage.py or '
                         'train_segmenter.py on every host; the other steps need one host')
    workdir = open_workdir(config, workdir)
    prepare(config, workdir)
    for method in methods_of(regimes):
        for stage in method.stages:
            say(f'stage {stage.name} of method {method.name}')
            train_stage(config, stage, workdir)
        say(f'samples of method {method.name}')
        generate(config, method, workdir)
    for regime in regimes:
        say(f'segmenter {regime.name}')
        train_segmenter(config, regime, workdir)
        evaluate(config, regime, workdir)
    predict_some(regimes[-1], workdir)
    return report.write_report(workdir)
