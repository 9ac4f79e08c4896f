"""A translator that did not converge is trained anew from another seed, as often as the config allows.

Oliveira & dos Santos 2018, section V, repeated runs whose translation visibly failed. [ours] What fails is told by how
far pictures come back changed, at the end of the training; the folders of what failed stay, and are counted.
"""
from __future__ import annotations

import dataclasses
from pathlib import Path

from pipelines.plan.config import Config
from pipelines.plan.stage import Stage
from pipelines.plan.translators import TRANSLATORS
from pipelines.plan.workdir import Workdir
from pipelines.runtime.json_lines import read_json_lines
from pipelines.runtime.seeds import stable_seed
from pipelines.training.checkpoints import is_finished
from pipelines.training.logs import LOSSES

ERRORS = ('cycle_error_a', 'cycle_error_b')


def count(stage: Stage, workdir) -> int:
    """How many trainings of a translator failed before the one that stands, wherever that lies that an arm shares."""
    return len(list(Workdir(workdir).stage(stage).resolve().parent.glob(f'{stage.folder}-failed*')))


def settle(config: Config, stage: Stage, workdir, say=print) -> bool:
    """Whether the stage is trained; one that failed and may be begun anew is put aside first."""
    folder = Workdir(workdir).stage(stage)
    if not is_finished(folder):
        return False
    if stage not in TRANSLATORS.values() or folder.is_symlink():
        return True
    failed, error = count(stage, workdir), cycle_error(folder)
    if error <= config.transfer.cycle_error:
        return True
    words = (f'{stage.folder}: pictures come back changed by {error:.3f} (at most {config.transfer.cycle_error:g} counts as '
             f'converged)')
    if failed >= config.transfer.restarts:
        say(f'WARNING: {words}: it has NOT converged; train longer, or allow transfer.restarts')
        return True
    folder.rename(folder.with_name(f'{folder.name}-failed{failed}'))
    say(f'note: {words}: begun anew from another seed, restart {failed + 1} of {config.transfer.restarts}')
    return False


def reseeded(config: Config, stage: Stage, workdir) -> Config:
    """The config with the seed of the training that is due: its own at first, another after every failure."""
    failed = count(stage, workdir) if stage in TRANSLATORS.values() else 0
    return dataclasses.replace(config, seed=stable_seed(config.seed, 'restart', failed)) if failed else config


def cycle_error(folder: Path) -> float:
    """The larger of both errors at the end of a training."""
    rows = [row for _, row in read_json_lines(folder / LOSSES) if ERRORS[0] in row]
    return max(rows[-1][key] for key in ERRORS)
