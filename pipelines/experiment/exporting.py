"""The SavedModel of a run in a workdir, made where it is not there."""
from __future__ import annotations

from pathlib import Path

from pipelines.plan import artefacts, provenance
from pipelines.plan.config import Config
from pipelines.plan.regimes import Run
from pipelines.plan.workdir import Workdir
from pipelines.serving.export import export_segmenter, read_threshold


def exported(config: Config, run: Run, workdir) -> Path:
    """The folder of a trained run's SavedModel.

    Raises:
      InputError: it is not trained yet, or its threshold was chosen at another size than that of scores now.
    """
    folder, artefact = Workdir(workdir).export(run), artefacts.export_of(config, run)
    provenance.claim(config, workdir, artefact)
    if not (folder / '1').exists():
        export_segmenter(config, run, workdir, folder)
    size = (read_threshold(folder / '1') or {}).get('size', config.evaluation.size)
    if size != config.evaluation.size:
        raise provenance.Outdated(
            f'{Path(workdir)}: {artefact.name} no longer fits: its threshold was chosen at {size} px, and '
            f'evaluation.size is {config.evaluation.size}; repeat the command with --redo {artefact.name}',
            [artefact.name])
    return folder / '1'
