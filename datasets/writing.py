"""Writes folders of records, shard by shard, with any number of workers.

`recipe.json` describes a folder before its first shard is there; beside each shard lies a file with
its count, sha256, sources, notes and the recipe that it was made by. A shard is written under a
temporary name and renamed, and one that is there is kept: an interrupted writer is repeated, not
restarted, and workers share a folder or bring their shards together in one. Whoever finds all of
them there completes it, see `merge`.
"""
from __future__ import annotations

import collections
import dataclasses
import itertools
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Iterable, Iterator, List, NamedTuple, Optional, Sequence

import tensorflow as tf

from datasets import locks
from datasets.errors import InputError
from datasets.files import digest, is_vacant, read_json, sha256, whole_file, write_json
from datasets.records import INFO, Example, Info, check_shards, info_of, read_info, serialize

RECIPE = 'recipe.json'
ENTRY = {'file', 'count', 'sha256', 'sources', 'notes', 'recipe'}
AHEAD = 64  # examples that wait for their PNG, to bound memory

MakeExamples = Callable[[collections.Counter], Iterable[Example]]


class Part(NamedTuple):
    """The shards of one of `workers` workers: those of number `index`, `index` + `workers`, ..."""
    index: int = 0
    workers: int = 1

    def of(self, shards: Sequence) -> Sequence:
        """Those of all shards that this worker writes."""
        return shards[self.index::self.workers]


def shard_files(name: str, count: int) -> List[str]:
    """The file names of `count` shards."""
    return [f'{name}-{i:05d}-of-{count:05d}.tfrecord' for i in range(count)]


def write_dataset(info: Info, shards: Sequence[MakeExamples], part: Part = Part()) -> Optional[Info]:
    """Writes those shards of a part that are not there yet.

    Args:
      info: describes the folder; its count, shards and notes are still empty.
      shards: a function for each shard, which makes its examples and counts its notes.

    Returns:
      The complete Info if all shards are there, otherwise None.

    Raises:
      InputError: the folder holds something else, or another run writes one of the shards now.
    """
    directory = Path(info.directory)
    recipe = json.loads(json.dumps({**info.to_dict(), 'num_shards': len(shards)}))
    _claim(directory, recipe)
    files = shard_files(info.name, len(shards))
    for number in part.of(range(len(shards))):
        path = directory / files[number]
        if not _is_written(path):
            with locks.held(directory / f'{path.stem}.lock', str(path)):
                _write_shard(path, shards[number], digest(recipe))
    if not all(_is_written(directory / file) for file in files):
        return None
    return merge(directory)


def merge(directory) -> Info:
    """Completes a folder that holds every shard, whoever wrote them.

    Raises:
      InputError: no folder of shards, a shard is missing or damaged, or the shards together are not
        the records of every source once, in the order of the recipe.
    """
    directory = Path(directory)
    if (directory / INFO).exists():
        return read_info(directory)
    if not (directory / RECIPE).is_file():
        raise InputError(f'{directory}: expected a folder of records with {RECIPE}, found none')
    recipe = read_json(directory / RECIPE)
    made_by = digest(recipe)
    count = recipe.pop('num_shards', 0)
    info = info_of(directory, recipe, RECIPE)
    files = shard_files(info.name, count)
    missing = [file for file in files if not _is_written(directory / file)]
    if missing:
        raise InputError(f'{directory}: {len(missing)} of {count} shards are missing '
                         f'({", ".join(missing[:3])}{", ..." if len(missing) > 3 else ""}); write '
                         f'them, or bring them here, each with the .json beside it')
    entries = [_read_entry(directory / file) for file in files]
    notes: collections.Counter = collections.Counter()
    sources: List[str] = []
    for entry in entries:
        if entry.pop('recipe') != made_by:
            raise InputError(f'{directory / entry["file"]}: made with other weights or settings than '
                             f'{RECIPE} says; remove it and the .json beside it, and write it again')
        notes.update(entry.pop('notes'))
        sources += entry.pop('sources')
    info = dataclasses.replace(info, shards=entries, notes=dict(sorted(notes.items())),
                               count=len(sources))
    check_shards(info)
    _check_order(info, sources)
    write_json(directory / INFO, info.to_dict())
    return info


def _check_order(info: Info, sources: Sequence[str]) -> None:
    """InputError unless there are equally many records of each source, sources in their order."""
    runs = [(id, sum(1 for _ in group)) for id, group in itertools.groupby(sources)]
    if [id for id, _ in runs] != list(info.ids) or len({length for _, length in runs}) > 1:
        raise InputError(f'{info.directory}: expected as many records of each of {len(info.ids)} '
                         f'sources in their order, found {info.count} of {len(dict(runs))}, or in '
                         f'another order; remove the folder and make the records anew')


def check_vacant(directory) -> None:
    """InputError unless a folder holds records, whole or begun, or nothing."""
    if not (Path(directory) / RECIPE).exists() and not is_vacant(Path(directory)):
        raise InputError(f'{directory}: expected a new or empty folder for records, found files '
                         f'that are none; choose another folder')


def _claim(directory: Path, recipe: dict) -> None:
    """Makes the folder for records of a recipe, or refuses one that holds something else."""
    path = directory / RECIPE
    if path.exists():
        found = read_json(path)
        if found == recipe:
            return
        if any(directory.glob('*.tfrecord')):  # without: nothing was made yet
            made, wanted = found.get('made', {}), recipe['made']
            keys = sorted(k for k in {*made, *wanted} if made.get(k) != wanted.get(k))
            raise InputError(f'{directory}: holds records made with another '
                             f'{", ".join(keys) or "description"}; choose another folder or remove '
                             f'it')
    check_vacant(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write_json(path, recipe)
    except OSError as error:
        raise InputError(f'{directory}: cannot write there: {error.strerror}') from None


def _entry(shard: Path) -> Path:
    """The file beside a shard, see ENTRY: the source of every record, the recipe's sha256, ..."""
    return shard.with_suffix('.json')


def _read_entry(shard: Path) -> dict:
    entry = read_json(_entry(shard))
    if set(entry) != ENTRY or entry['file'] != shard.name:
        raise InputError(f'{_entry(shard)}: expected the description of {shard.name}, found another; '
                         f'remove both and write the shard again')
    return entry


def _is_written(shard: Path) -> bool:
    return shard.exists() and _entry(shard).exists()


def _serialized(examples: Iterable[Example]) -> Iterator[bytes]:
    """In their order; PNG is encoded in threads, while the next examples are made."""
    waiting: collections.deque = collections.deque()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for example in examples:
            waiting.append(pool.submit(serialize, example))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _write_shard(path: Path, make_examples: MakeExamples, recipe: str) -> None:
    notes: collections.Counter = collections.Counter()
    sources: List[str] = []

    def noted() -> Iterator[Example]:
        for example in make_examples(notes):
            sources.append(example.source_id)
            yield example

    for left in path.parent.glob(f'{path.name}.*.tmp'):  # by one that was killed: the lock is ours
        left.unlink()
    with whole_file(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
        for serialized in _serialized(noted()):
            writer.write(serialized)
    write_json(_entry(path), {'file': path.name, 'count': len(sources), 'sha256': sha256(path),
                              'sources': sources, 'notes': dict(notes), 'recipe': recipe})
