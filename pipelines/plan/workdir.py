"""Where everything lies: every path of an experiment's folder, spelled once.

The tree is drawn in pipelines/README.md, "A workdir".
"""
from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pipelines.plan.methods import Method, Stage
from pipelines.plan.regimes import Run


class Workdir(NamedTuple):
    """The folder of an experiment, or of one arm of it."""
    root: Path

    @property
    def config(self) -> Path:
        """The config that everything in it was made with."""
        return Path(self.root) / 'config.yaml'

    @property
    def results(self) -> Path:
        """A line an evaluation, see scores/results.py."""
        return Path(self.root) / 'results.jsonl'

    @property
    def report(self) -> Path:
        """For people."""
        return Path(self.root) / 'report.html'

    def arm(self, folder: str) -> 'Workdir':
        """The folder of one arm; '' = this one."""
        return Workdir(Path(self.root) / folder)

    def records(self, name: str) -> Path:
        """Records of a set: train, validation, test, left_out, pseudo, a source or an external set of the config."""
        return Path(self.root) / 'records' / name

    def stage(self, stage: Stage) -> Path:
        """Where a GAN stage is trained."""
        return Path(self.root) / 'stages' / stage.folder

    def samples(self, method: Method) -> Path:
        """Records of a method's samples."""
        return Path(self.root) / 'synthetic' / method.name

    def quality(self, method: Method) -> Path:
        """What the samples of a method are worth, see evaluation/quality.py."""
        return Path(self.root) / 'quality' / f'{method.name}.json'

    def convergence(self, run: Run) -> Path:
        """Whether a run with a translator converged, see evaluation/convergence.py."""
        return Path(self.root) / 'quality' / f'{run.name}.json'

    def segmenter(self, run: Run) -> Path:
        """Where a segmenter is trained."""
        return Path(self.root) / 'segmenters' / run.name

    def export(self, run: Run) -> Path:
        """The folder of its SavedModel, which is `1` in it."""
        return Path(self.root) / 'exports' / run.name

    def evaluation(self, run: Run, name: str) -> Path:
        """Its scores on a set of records; the overlays lie beside them as .png."""
        return Path(self.root) / 'evaluations' / f'{run.name}-{name}.json'

    @property
    def observer(self) -> Path:
        """What a second observer of the test images reaches, where there is one."""
        return Path(self.root) / 'observer.json'

    @property
    def predictions(self) -> Path:
        """Test pictures as the exported model segments them."""
        return Path(self.root) / 'predictions'

    @property
    def pictures(self) -> Path:
        """The test pictures of `predictions`, as files."""
        return Path(self.root) / 'pictures'

    @property
    def reading(self) -> Path:
        """The blinded reading."""
        return Path(self.root) / 'reading'
