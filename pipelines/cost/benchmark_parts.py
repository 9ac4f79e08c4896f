"""What tools/benchmark.py measures: networks, sizes and targets, part by part."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Iterator, List

from datasets import records
from pipelines.cost import scaling
from pipelines.cost.benchmark import (Figure, Step, best_seconds, config_of, generation, operations_of,
                                      pipeline, record_writing, segmenter_task, sliding_window,
                                      stage_task, step)
from pipelines.cost.operations import SMANET_STEP

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
PGGAN = {'data': {'size': 128}, 'pggan': {'batch_sizes': {2 ** k: 16 for k in range(2, 7)}}}
# as large as the paper's, and beyond the memory limit: records are read and prepared while a network trains
READ = {'size': 1024, 'dots_size': 64, 'memory_limit_mb': 1}
READ_TARGETS = (0.25, 1.0)  # [ours] preparation may take three times what decoding does; a GPU must not wait
PGGAN_SECONDS, PGGAN_RATE = 0.6, 210.0  # the target, where the matrix product has so many GFLOP/s


def part(name: str, workdir: Path, quick: bool) -> Iterator[Figure]:
    """The figures of one part, as they are measured."""
    repeats = 2 if quick else 6
    yield from {'steps': _steps, 'inference': _inference, 'generation': _generation,
                'pipelines': _pipelines, 'writing': _writing, 'memory': _memory,
                'help': lambda workdir, repeats: help_times(repeats)}[name](workdir, repeats)


def _steps(workdir: Path, repeats: int) -> Iterator[Figure]:
    name, task = 'SMANet, ResNet-50, 377 px, batch 2', segmenter_task(workdir / 'smanet', batch_size=2)
    yield _share_of_product(name, step(task, repeats), 0.82)
    for ngf, target in ((64, 0.65), (16, 0.55)):
        task = stage_task(workdir / 'pix2pixhd', 'two', 1, data={'size': 256}, pix2pixhd={'ngf': ngf})
        name = f'Pix2PixHD, 256 px, batch 1, ngf {ngf}'
        yield _share_of_product(name, step(task, repeats), target)
    measured = step(stage_task(workdir / 'pggan', 'three', 0, **PGGAN), repeats)
    limit = PGGAN_SECONDS * PGGAN_RATE / measured.matrix_rate
    yield Figure(f'PGGAN, 64 px, 64 maps, batch 16: {measured.words}', measured.seconds, limit, 's',
                 1.0, False)


def _share_of_product(name: str, measured: Step, target: float) -> Figure:
    return Figure(f'{name}: {measured.words}', measured.rate, measured.matrix_rate, 'GFLOP/s', target,
                  True)


def _inference(workdir: Path, repeats: int) -> Iterator[Figure]:
    network = segmenter_task(workdir, batch_size=2).networks['network']
    yield sliding_window(network, 377, 512, repeats)


def _generation(workdir: Path, repeats: int) -> Iterator[Figure]:
    config = config_of(
        data={'size': 256, 'dots_size': 64}, generation={'block': 4, 'shard': 16},
        labels={'channels': 'onehot'}, pix2pixhd={'epochs': 1, 'decay_epochs': 1},
        pggan={'fade_images': 16, 'stable_images': 16, 'batch_sizes': {
            2 ** k: 4 for k in range(2, 7)}})
    yield generation(config, workdir, blocks=3 * repeats)


def _pipelines(workdir: Path, repeats: int) -> Iterator[Figure]:
    samples = 100 * repeats
    task = segmenter_task(workdir / 'smanet', batch_size=17)
    yield from pipeline('SMANet, 377 of 512 px', task, records.read_info(
        workdir / 'smanet/records/train'), samples, SMANET_STEP)
    for name, method, number, sections in (
            ('Pix2PixHD, 256 px', 'two', 1, {'data': {'size': 256}}),
            ('PGGAN, 64 px', 'three', 0, PGGAN)):
        folder = workdir / method
        task = stage_task(folder, method, number, **sections)
        yield from pipeline(name, task, records.read_info(folder / 'records/train'), samples,
                            operations_of(task))
    yield from _read_pipelines(workdir / 'read', samples // 4)


def _read_pipelines(workdir: Path, samples: int) -> Iterator[Figure]:
    info = workdir / 'records/train'
    task = segmenter_task(workdir, READ, batch_size=17)
    yield from pipeline('SMANet, 377 of 512 px, read at 1024 px', task, records.read_info(info), samples,
                        SMANET_STEP, READ_TARGETS)
    task = stage_task(workdir, 'single', 0, data=READ)
    yield from pipeline('PGGAN, 2 channels, read at 1024 px', task, records.read_info(info), samples,
                        operations_of(task), READ_TARGETS)


def _writing(workdir: Path, repeats: int) -> Iterator[Figure]:
    workdir.mkdir()
    yield record_writing(workdir, count=100, side=512, repeats=2 * repeats)


def _memory(workdir: Path, repeats: int) -> Iterator[Figure]:
    few, many = (scaling.measure_job('samples', 'generation', count, workdir).mebibytes
                 for count in (200, 2000))
    yield Figure('peak memory of generation, 2000 samples over 200', many, few, 'MiB', 1.05, False)


def help_times(repeats: int) -> List[Figure]:
    """Seconds until each tool has printed its --help."""
    return [Figure(f'{path.name} --help', best_seconds(
        lambda: subprocess.run([sys.executable, str(path), '--help'], check=True,
                               stdout=subprocess.DEVNULL), repeats), 1.0, 's', 1.0, False)
            for path in sorted(TOOLS.glob('*.py')) if path.name not in ('__init__.py', 'common.py')]
