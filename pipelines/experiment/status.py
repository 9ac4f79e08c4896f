"""Whether something is left to do: a look at files, without TensorFlow."""
from __future__ import annotations

from typing import Sequence

from pipelines.plan import matrix
from pipelines.plan.matrix import Arm
from pipelines.plan.workdir import Workdir
from pipelines.scores import results


def is_done(workdir, arms: Sequence[Arm]) -> bool:
    """Whether every run of some arms is scored, and the report is younger than its scores."""
    report = Workdir(workdir).report
    for arm in arms:
        path = Workdir(workdir).arm(arm.folder).results
        if not (report.exists() and path.exists()
                and path.stat().st_mtime <= report.stat().st_mtime):
            return False
        if matrix.unscored([arm], results.read_results(path)):
            return False
        own = Workdir(workdir).arm(arm.folder)
        if not all(own.evaluation(run, split).exists() for run, splits in arm.scores.items()
                   for split in splits):
            return False
    return True
