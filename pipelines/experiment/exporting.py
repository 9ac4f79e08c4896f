"""The SavedModel of a run in a workdir, made where it is not there."""
from __future__ import annotations

from pathlib import Path

from pipelines.plan import artefacts, provenance
from pipelines.plan.config import Config
from pipelines.plan.regimes import Run
from pipelines.plan.workdir import Workdir
from pipelines.serving.export import export_segmenter


def exported(config: Config, run: Run, workdir) -> Path:
    """The folder of a trained run's SavedModel; InputError if it is not trained yet."""
    folder = Workdir(workdir).export(run)
    provenance.claim(config, workdir, artefacts.export_of(run))
    if not (folder / '1').exists():
        export_segmenter(config, run, workdir, folder)
    return folder / '1'
