"""run_experiment.py killed with SIGKILL between steps and repeated gives an undisturbed run's results."""
import subprocess
import sys
from pathlib import Path

import yaml

from datasets.files import read_json, sha256
from pipelines import results
from tests.conftest import TINY

TOOL = Path(__file__).resolve().parents[1] / 'tools' / 'run_experiment.py'


def hashes(workdir):
    """sha256 of every shard, by path, and what every evaluation found."""
    shards = {str(path.relative_to(workdir)): sha256(path)
              for path in workdir.glob('*/*/*.tfrecord')}
    return {**shards, **{path.name: {**read_json(path), 'model': None, 'records': None}
                         for path in workdir.glob('evaluations/*.json')}}


def scores(workdir):
    return [{**row, 'versions': None} for row in results.read_results(workdir / 'results.jsonl')]


def run_until(command, announced):
    """Runs until a line that begins with `announced` is printed, then kills; None runs to the end."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as process:
        for line in process.stdout:
            if announced and line.startswith(announced):
                process.kill()
                return line
    assert announced is None and process.returncode == 0
    return line


def test_killed_between_steps_and_repeated(finished, tmp_path):
    _, undisturbed = finished
    config = tmp_path / 'tiny.yaml'
    config.write_text(yaml.safe_dump(TINY))
    workdir = tmp_path / 'run'
    command = [sys.executable, str(TOOL), '--config', str(config), '--workdir', str(workdir)]
    # killed when the next step is announced: each step ends in one process and the next begins anew
    for announced in ('samples', 'segmenter finetune3'):
        assert run_until(command, announced)
    assert run_until(command, None).startswith('report:')
    assert hashes(workdir) == hashes(undisturbed)
    assert scores(workdir) == scores(undisturbed)
