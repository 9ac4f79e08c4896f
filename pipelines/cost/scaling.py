"""How time and memory grow: the same small networks on more samples, larger pictures, more images.

Every job is run in a process of its own, which remembers its highest memory use.
"""
from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, NamedTuple, Sequence, Tuple

from datasets.errors import InputError
from pipelines.cost import benchmark, measure as measuring, product
from pipelines.evaluation import quality
from pipelines.experiment import steps
from pipelines.plan.config import Config
from pipelines.plan.methods import METHODS
from pipelines.synthesis import generate

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'measure_growth.py'
METHOD = METHODS['three']


class Growth(NamedTuple):
    """What is made larger, the jobs that are measured, in their order, and the values.

    The work is value ** power.
    """
    words: str
    jobs: Tuple[str, ...]
    values: Sequence[int]
    power: int = 1


GROWTHS = {
    'samples': Growth('samples of 64 px', ('generation', 'quality'), (100, 1000, 10_000)),
    'size': Growth('picture side, px', ('preparation', 'training', 'generation'),
                   (64, 128, 256, 512, 1024), power=2),
    'images': Growth('real images of 256 px', ('preparation', 'training'), (11, 44, 124, 372, 744)),
}


class Measured(NamedTuple):
    """Seconds of a job's own work, without imports, and the peak of its process in MiB."""
    seconds: float
    mebibytes: float


def config_of(growth: str, value: int) -> Config:
    """All else alike: the samples' number, the pictures' side, or the images' number is `value`."""
    size = {'samples': 64, 'size': value, 'images': 256}[growth]
    images = value if growth == 'images' else 11
    return benchmark.config_of(
        data={'size': size, 'num_train': images, 'num_test': 11, 'dots_size': 32, 'dots_radius': 1},
        evaluation={'size': size}, labels={'channels': 'onehot'},
        generation={'num_train': value if growth == 'samples' else 32, 'num_validation': 1,
                    'block': 16, 'shard': 256},
        pix2pixhd={'ngf': 8, 'ndf': 8, 'blocks': 2, 'epochs': 1, 'decay_epochs': 0},
        pggan={'fmap_max': 16, 'fade_images': 16, 'stable_images': 16,
               'batch_sizes': {2 ** k: 4 for k in range(2, 6)}})


def measure(growth: str, value: int, workdir: Path) -> Iterator[Tuple[str, Measured]]:
    """(job, what it took) of the jobs of one growth at one value, in their order."""
    for job in GROWTHS[growth].jobs:
        yield job, measure_job(growth, job, value, workdir)


def measure_job(growth: str, job: str, value: int, workdir: Path) -> Measured:
    """A job in a process of its own; the networks that it needs are trained here and not counted.

    Args:
      workdir: of one growth; values that differ in the number of samples share the networks there.
    """
    config = config_of(growth, value)
    folder = workdir / f'{config.data.size}px-{config.data.num_train}'
    if job == 'generation':
        for made in ('synthetic', 'quality'):
            shutil.rmtree(folder / made, ignore_errors=True)
        for stage in METHOD.stages:
            steps.train_stage(config, stage, folder)
    done = subprocess.run([sys.executable, str(TOOL), '--of', growth, '--value', str(value),
                           '--job', job, '--workdir', str(folder)],
                          capture_output=True, text=True)
    if done.returncode:
        raise InputError(f'{job} at {value}: failed: {done.stderr.strip()[-300:]}')
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def run_job(growth: str, job: str, value: int, folder: Path) -> Measured:
    """One job in this process."""
    config = config_of(growth, value)
    begin = time.perf_counter()
    seconds = JOBS[job](config, folder)
    taken = time.perf_counter() - begin if seconds is None else seconds
    return Measured(taken, measuring.peak_bytes() / 2 ** 20)


def _preparation(config: Config, folder: Path) -> None:
    steps.prepare(config, folder)


def _training(config: Config, folder: Path) -> float:
    """Seconds of a step of the last stage, once its graph is built."""
    step, _ = measuring.step_of(config, METHOD.stages[-1], '', folder)
    step()
    return product.taken_by(step)


def _generation(config: Config, folder: Path) -> None:
    generate.generate(config, METHOD, folder)


def _quality(config: Config, folder: Path) -> None:
    quality.measure_quality(config, METHOD, folder)


JOBS = {'preparation': _preparation, 'training': _training, 'generation': _generation,
        'quality': _quality}


def exponent(growth: str, first: Tuple[int, float], last: Tuple[int, float]) -> float:
    """e of cost ~ work ** e between two (value, cost); about 1 or less: no faster than the work."""
    work = GROWTHS[growth].power * math.log(last[0] / first[0])
    return math.log(last[1] / first[1]) / work
