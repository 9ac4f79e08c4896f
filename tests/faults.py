"""Kills a small experiment at random moments, and lets its disk fill at random writes.

    python -m tests.faults --kills 20 --fills 10    # the full run; tests/test_kill.py is a small one

After every fault the same command is repeated. In the end shards, weights, moments and scores must be
those of an undisturbed run, to the byte.
"""
from __future__ import annotations

import argparse
import hashlib
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, List, NamedTuple

import numpy as np
import yaml

from datasets.files import read_json, sha256
from pipelines.scores import results
from tests.conftest import TINY

TOOL = Path(__file__).resolve().parents[1] / 'tools' / 'run_experiment.py'
FEWEST, MOST = 4.0, 16.0     # seconds after which a run is killed: TensorFlow alone takes three
SMALLEST, LARGEST = 500, 400_000   # bytes above which no file can grow: config to checkpoint


class Fault(NamedTuple):
    """What a faulty run was given, and how it ended."""
    words: str
    returncode: int
    stderr: str

    @property
    def is_clear(self) -> bool:
        """Whether it ended by itself with one line that names the trouble, or was done."""
        lines = [line for line in self.stderr.splitlines() if line.startswith('error: ')]
        return self.returncode == 0 or (self.returncode == 2 and len(lines) == 1
                                        and 'Traceback' not in self.stderr)


def command(folder: Path) -> List[str]:
    """Runs the tiny experiment in `folder`/run."""
    config = folder / 'tiny.yaml'
    config.write_text(yaml.safe_dump(TINY))
    return [sys.executable, str(TOOL), '--config', str(config), '--workdir', str(folder / 'run')]


def run_to_the_end(arguments: List[str]) -> None:
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def kill_after(arguments: List[str], seconds: float) -> Fault:
    """SIGKILL after so long, unless it has ended by itself."""
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True) as process:
        try:
            _, error = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            _, error = process.communicate()
    return Fault(f'killed after {seconds:.1f} s', process.returncode, error)


def wait_for(process: subprocess.Popen, happened: Callable[[], bool]) -> None:
    """Returns when it has happened, or the process has ended."""
    while not happened():
        try:
            process.wait(timeout=0.1)
            return
        except subprocess.TimeoutExpired:
            pass


def fill_disk(arguments: List[str], size: int) -> Fault:
    """Runs where no file can grow above `size` bytes, TensorFlow's own writers included."""
    done = subprocess.run(
        arguments, capture_output=True, text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    return Fault(f'no file above {size} bytes', done.returncode, done.stderr)


def fingerprint(workdir: Path) -> dict:
    """Everything that a run leaves and that must not depend on faults."""
    import tensorflow as tf
    from pipelines.training import checkpoints
    found = {str(path.relative_to(workdir)): sha256(path) for path in workdir.rglob('*.tfrecord')}
    for folder in [*workdir.glob('stages/*'), *workdir.glob('segmenters/*')]:
        reader = tf.train.load_checkpoint(str(checkpoints.latest(folder / 'checkpoints')))
        digest = hashlib.sha256((folder / 'losses.jsonl').read_bytes())
        for name in sorted(reader.get_variable_to_shape_map()):
            if name.endswith('VARIABLE_VALUE'):
                digest.update(name.encode() + np.asarray(reader.get_tensor(name)).tobytes())
        found[str(folder.relative_to(workdir))] = digest.hexdigest()
    for path in workdir.glob('evaluations/*-test.json'):
        found[path.name] = {**read_json(path), 'model': None, 'records': None}
    found['quality'] = [read_json(path) for path in sorted(workdir.glob('quality/*.json'))]
    found['results'] = [{**row, 'versions': None}
                        for row in results.read_results(workdir / 'results.jsonl')]
    return found


def leftovers(workdir: Path) -> List[str]:
    """Temporary files that a later run should have removed or replaced."""
    return [str(path.relative_to(workdir)) for path in workdir.rglob('*')
            if path.suffix in ('.tmp', '.lock') or path.name.startswith('.unfinished')
            or path.name == 'lock']


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--kills', type=int, default=20)
    options.add_argument('--fills', type=int, default=10)
    options.add_argument('--seed', type=int, default=0)
    asked = options.parse_args()
    rng = np.random.default_rng(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        folders = {name: Path(folder) / name for name in ('whole', 'killed', 'filled')}
        for path in folders.values():
            path.mkdir()
        run_to_the_end(command(folders['whole']))
        wanted = fingerprint(folders['whole'] / 'run')
        faults = [kill_after(command(folders['killed']), rng.uniform(FEWEST, MOST))
                  for _ in range(asked.kills)]
        sizes = np.exp(np.sort(rng.uniform(np.log(SMALLEST), np.log(LARGEST), asked.fills)))
        filled = [fill_disk(command(folders['filled']), int(size)) for size in sizes]
        for fault in faults + filled:
            print(f'{fault.words}: exit {fault.returncode} '
                  f'{"" if fault.is_clear else fault.stderr[-3000:]}'
                  f'{[line for line in fault.stderr.splitlines() if line.startswith("error")]}')
        equal = []
        for name in ('killed', 'filled'):
            run_to_the_end(command(folders[name]))
            equal.append(fingerprint(folders[name] / 'run') == wanted)
            print(f'{name}: equal to the undisturbed run: {equal[-1]}; left over: '
                  f'{leftovers(folders[name] / "run")}')
    killed = sum(fault.returncode == -9 for fault in faults)
    clear = all(fault.is_clear for fault in filled)
    print(f'{killed} kills survived of {asked.kills} tried, {len(filled)} full disks, every one '
          f'told in one line: {clear}')
    sys.exit(not (all(equal) and clear))


if __name__ == '__main__':
    main()
