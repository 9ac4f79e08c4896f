"""The whole job, one step after the other; every step is skipped when its result is there.

prepare records -> train the stages -> generate -> train segmenters -> export -> evaluate -> report,
for every arm of the matrix. Nothing that is finished is loaded: tools/run_experiment.py asks
experiment/status.py before it imports this.
"""
from __future__ import annotations

import functools
from pathlib import Path
from typing import Optional, Sequence

from datasets.errors import InputError
from pipelines.data.sources import has_left_out
from pipelines.evaluation.convergence import looked_at
from pipelines.evaluation.observers import score_second_observer
from pipelines.experiment import steps
from pipelines.experiment.opening import open_experiment
from pipelines.plan import matrix
from pipelines.plan.artefacts import used_by
from pipelines.plan.config import Config
from pipelines.plan.matrix import Arm
from pipelines.plan.pseudo import PSEUDO
from pipelines.plan.regimes import methods_of, teacher_of, trained_before, translators_of
from pipelines.plan.workdir import Workdir
from pipelines.report.report import write_report


def run_experiment(config: Config, workdir, arms: Optional[Sequence[Arm]] = None,
                   say=functools.partial(print, flush=True), stages_from=None) -> Path:
    """Everything; returns the path of the report.

    Args:
      arms: the part of the matrix to run; None = all.
      say: told of every step, and of every score as a line of a running table.
      stages_from: the workdir of another experiment, whose trained stages are taken where they fit.
    """
    if config.strategy == 'multi_worker':
        raise InputError('strategy: multi_worker trains one stage at a time: start train_stage.py or '
                         'train_segmenter.py on every host; the other steps need one host')
    arms = matrix.arms_of(config) if arms is None else arms
    every = matrix.arms_of(config) if config.matrix else arms
    workdir = open_experiment(config, workdir, arms, say=say)
    total, done = sum(len(splits) for arm in arms for splits in arm.scores.values()), 0
    for arm in arms:
        folder = workdir / arm.folder
        make_samples(every, arm, workdir, say, stages_from)
        score_second_observer(arm.config, folder, say)
        for run in arm.runs:
            say(f'segmenter {arm.folder} {run.name}'.replace('  ', ' '))
            steps.train_segmenter(arm.config, run, folder)
            for split in arm.scores[run]:
                row, done = steps.evaluate(arm, run, split, folder), done + 1
                say(f'{done:3} of {total}  {arm.folder or arm.name:16} {run.name:24} {split:8} '
                    f'pooled J {row["scores"]["jaccard_pooled"]["average"][0]:.2f}')
    shown = matrix.shown(every)
    if shown and Workdir(workdir).arm(shown[0].folder).export(shown[1]).exists():
        steps.predict_some(shown[0].config, shown[1], workdir / shown[0].folder)
        steps.lay_out_reading(shown[0].config, shown[1], workdir / shown[0].folder, say)
    return write_report(workdir)


def make_samples(arms: Sequence[Arm], arm: Arm, workdir, say, stages_from=None) -> None:
    """Records of an arm, its GAN stages, the samples of its methods and their quality."""
    folder = Path(workdir) / arm.folder
    splits = {'test', *(split for splits in arm.scores.values() for split in splits)}
    if has_left_out(arm.config):
        splits.add('left_out')  # what samples are measured against
    splits.update(name for run in arm.runs if run.trained == run for name in used_by(arm.config, run))
    regimes = [run.regime for run in arm.runs]
    if translators_of(regimes):
        splits.update(looked_at(arm.config).values())
    splits.discard(PSEUDO)
    steps.prepare(arm.config, folder, splits)
    for run in trained_before(arm.config, arm.runs):
        say(f'segmenter {arm.folder} {run.name}, which stages need'.replace('  ', ' '))
        steps.train_segmenter(arm.config, run, folder)
    if teacher_of(arm.config, arm.runs):
        steps.prepare(arm.config, folder, {PSEUDO})

    def train(stage, words):
        say(f'{words} {arm.folder}'.rstrip())
        steps.share_stage(arms, arm, stage, workdir)
        if stages_from:
            steps.take_stage(arm.config, stage, folder, [Path(stages_from) / arm.folder, stages_from], say)
        steps.train_stage(arm.config, stage, folder)

    for stage in translators_of(regimes):
        train(stage, f'translator {stage.kind}')
    for method in methods_of(regimes):
        for stage in method.stages:
            train(stage, f'stage {stage.name} of method {method.name}')
        say(f'samples of method {method.name} {arm.folder}'.rstrip())
        steps.generate(arm.config, method, folder)
        steps.describe_samples(arm.config, method, folder)
