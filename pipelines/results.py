"""Scores as files: `<workdir>/results.jsonl`, one JSON object a line, appended and never rewritten.

A row holds one number. Its keys, exactly:
  experiment  name of the run, str.
  method      how the training pictures were made, str: 'single', 'two', 'three' or 'real'.
  regime      'real', or 'synth' or 'finetune' and the method's number of stages.
  seed        int.
  metric      one of METRICS: its name says whether pixels are pooled over the test set or images
              averaged.
  organ       a target of the label coding, or 'average'.
  value       per cent, 0..100.
  protocol    dict: how it was measured. `dataset` ('jsrt...' is the paper's), `configuration`
              ('full' and 'tiny' are the paper's, any other name is ours), `size` (scored at, px),
              `train_size` (SMANet's, px), `gan_size` (px), `num_test_images`, `num_real_images`
              (before augmentation), `augmentation` (bool, of the real images), `num_synthetic`
              (training and validation together), `smanet_updates` (pre-training and fine-tuning
              together), and for per-image means `interval_95`: [low, high]. None is required; a
              table says '?' for what it is not told.
  versions    dict: see `versions`.

The first six are the key of a row: of several rows with one key the newest counts. A line that a
crash tore off at the end of the file is dropped. One writer at a time.
"""
from __future__ import annotations

import importlib.metadata
import json
import math
import os
import pathlib
import platform
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple, Union

from datasets.errors import InputError
from pipelines.methods import REGIMES

KEY = ('experiment', 'method', 'regime', 'seed', 'metric', 'organ')
FIELDS = KEY + ('value', 'protocol', 'versions')
METRICS = ('jaccard_pooled', 'dice_pooled', 'jaccard_per_image', 'dice_per_image')

PathLike = Union[str, os.PathLike]
Row = Dict[str, Any]


def read_results(path: PathLike) -> List[Row]:
    """Reads the newest row of each key, in the order in which the keys first appeared.

    Raises:
      InputError: no such file, or a line that is no result (a torn last line is dropped).
    """
    newest = {}
    for number, row in read_json_lines(path):
        _check(row, f'{path}, line {number}')
        newest[_key(row)] = row
    return list(newest.values())


def append_results(path: PathLike, rows: Iterable[Mapping[str, Any]]) -> int:
    """Appends the rows that the file does not already end up with; returns how many were written.

    Repeating a command therefore changes nothing, and a new value for an old key wins on reading.

    Raises:
      InputError: a row that is no result (nothing is written then), or an unreadable file.
    """
    path = pathlib.Path(path)
    newest = {_key(row): row for row in read_results(path)} if path.exists() else {}
    lines = []
    for given in rows:
        row = dict(given)
        _check(row, 'result to append')
        text = json.dumps(row, allow_nan=False)
        row = json.loads(text)  # as it will be read: tuples are lists
        if newest.get(_key(row)) != row:
            newest[_key(row)] = row
            lines.append(text + '\n')
    if lines:
        _append(path, ''.join(lines).encode())
    return len(lines)


def rows_of_scores(scores: Mapping[Tuple[str, str], float],
                   intervals: Mapping[Tuple[str, str], Sequence[float]],
                   experiment: str, method: str, regime: str, seed: int,
                   protocol: Mapping[str, Any]) -> List[Row]:
    """Makes rows of what `pipelines.metrics` returns.

    Args:
      scores: (metric, organ) -> per cent.
      intervals: (metric, organ) -> [low, high], per cent; kept as `protocol['interval_95']`.
      protocol: what all these rows have in common.
    """
    installed = versions()
    rows = []
    for (metric, organ), value in scores.items():
        interval = intervals.get((metric, organ))
        extra = {} if interval is None else {'interval_95': [float(v) for v in interval]}
        rows.append(dict(experiment=experiment, method=method, regime=regime, seed=int(seed),
                         metric=metric, organ=organ, value=float(value),
                         protocol={**protocol, **extra}, versions=installed))
    return rows


def versions() -> Dict[str, str]:
    """Versions of Python and of the packages that decide numbers, without importing them."""
    found = {'python': platform.python_version()}
    for package in ('tensorflow', 'keras', 'numpy'):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = 'unknown'
    return found


def read_json_lines(path: PathLike) -> List[Tuple[int, Row]]:
    """Reads (line number, object) pairs of any JSON-lines file, dropping a torn last line.

    Raises:
      InputError: no such file, or a line before the last that is no JSON object.
    """
    return _parse(path)[0]


def _parse(path: PathLike) -> Tuple[List[Tuple[int, Row]], int]:
    """Returns the (line number, object) pairs and the length in bytes of what is not torn."""
    try:
        data = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise InputError(f'{path}: expected a JSON-lines file, found none that can be read '
                         f'({error.strerror}); check the path') from error
    lines = data.rstrip(b'\n').split(b'\n')
    rows, length = [], 0
    for number, line in enumerate(lines, start=1):
        if line.strip():
            row = _object(line)
            if row is None and number == len(lines):
                return rows, length
            if row is None:
                raise InputError(f'{path}, line {number}: expected a JSON object, found '
                                 f'{line[:40].decode(errors="replace")!r}; delete the line')
            rows.append((number, row))
        length += len(line) + 1
    return rows, len(data)


def _object(line: bytes):
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _append(path: pathlib.Path, data: bytes) -> None:
    if path.exists():
        _, length = _parse(path)
        if length < path.stat().st_size:
            os.truncate(path, length)
        kept = path.read_bytes()
        if kept and not kept.endswith(b'\n'):
            data = b'\n' + data
    with open(path, 'ab') as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _key(row: Mapping[str, Any]) -> tuple:
    return tuple(row[name] for name in KEY)


def _check(row: Mapping[str, Any], where: str) -> None:
    """Raises InputError, naming `where`, unless `row` is a result as the module docstring says."""
    if set(row) != set(FIELDS):
        wrong = sorted(set(row) ^ set(FIELDS))
        raise InputError(f'{where}: expected exactly the keys {", ".join(FIELDS)}; missing or '
                         f'unknown: {", ".join(map(str, wrong))}')
    for name in ('experiment', 'method', 'organ'):
        if not isinstance(row[name], str) or not row[name]:
            raise InputError(f'{where}: expected {name} to be a name, found {row[name]!r}')
    if row['metric'] not in METRICS:
        raise InputError(f'{where}: expected metric to be one of {", ".join(METRICS)}, found '
                         f'{row["metric"]!r}')
    if row['regime'] not in tuple(REGIMES):
        raise InputError(f'{where}: expected regime to be one of {", ".join(REGIMES)}, found '
                         f'{row["regime"]!r}')
    if isinstance(row['seed'], bool) or not isinstance(row['seed'], int):
        raise InputError(f'{where}: expected seed to be an integer, found {row["seed"]!r}')
    value = row['value']
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 <= value <= 100:
        raise InputError(f'{where}: expected value to be a percentage from 0 to 100, found '
                         f'{value!r}')
    for name in ('protocol', 'versions'):
        if not isinstance(row[name], dict):
            raise InputError(f'{where}: expected {name} to be a mapping, found {row[name]!r}')
