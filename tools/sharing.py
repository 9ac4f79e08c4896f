"""Options of the tools whose work several workers share, in a folder that all see or in one for each."""
from __future__ import annotations

import argparse
import os

from datasets.errors import InputError
from tools import common


def add_part_options(options: argparse.ArgumentParser) -> None:
    """--shard-index and --num-shards, see `part_of`."""
    options.add_argument('--num-shards', type=common.positive, default=1, metavar='S', help='divide the '
                         'work among S workers that share a folder or bring their files together; '
                         'the files are the same for any S (default 1). More workers than there '
                         'are files have nothing to do: a file holds generation.shard samples, or '
                         '32 real images')
    options.add_argument('--shard-index', type=common.natural, metavar='I', help='which worker this is, '
                         '0 to S - 1; default: the index in a Slurm job array')


def part_of(arguments: argparse.Namespace):
    """The writing.Part that the options of `add_part_options` name."""
    from datasets.writing import Part
    index, workers = arguments.shard_index, arguments.num_shards
    task = os.environ.get('SLURM_ARRAY_TASK_ID', '')
    if index is None and workers > 1:
        if not task.isdecimal():
            raise InputError(f'--shard-index: expected 0 to {workers - 1}, one worker each, found '
                             f'nothing, and this is no Slurm job array (SLURM_ARRAY_TASK_ID)')
        first, last, count = (int(os.environ.get(f'SLURM_ARRAY_TASK_{name}', default)) for name, default in (
            ('MIN', '0'), ('MAX', str(workers - 1)), ('COUNT', str(workers))))
        if (last - first + 1, count) != (workers, workers):  # a part of it: which part of the work is whose?
            raise InputError(f'--num-shards {workers}: expected a Slurm job array of {workers} tasks without '
                             f'gaps, found {count} of {first} to {last}; say --shard-index in each task')
        index = int(task) - first
    index = index or 0
    if not 0 <= index < workers:
        raise InputError(f'--shard-index: expected 0 to {workers - 1}, for --num-shards {workers}, '
                         f'found {index}')
    return Part(index, workers)
