"""Scores as files: `results.jsonl`, one JSON object a line, appended and never rewritten.

A line is one evaluation: one trained segmenter on one set of images. Its keys, exactly:
  experiment     name of the run, str.
  arm            which config of the experiment's matrix, str; usually the configuration.
  num_real       real images (before augmentation) behind it, int.
  draw           which draw of them, int.
  regime         'real', or 'synth' or 'finetune' and the method's number of stages.
  segmenter      name of the network, str.
  num_synthetic  synthetic pairs behind it, validation included, int; 0 for 'real'.
  seed           of the segmenter, int.
  split          'test', or 'left_out': learning images that the draw left out.
  organs         the targets of the label coding, in the order of their classes.
  images         names; confusions [images, C, C] in pixels (rows: target, columns: prediction);
                 distances [images, organs, 2], HD95 and ASSD in mm (null where an organ is in
                 neither), or null where the pixel's size is not known.
  scores         {metric: {organ or 'average': [value, low, high]}}, 95 % intervals over images;
                 [value] where there is none. Metrics: see METRICS.
  protocol       dict: how it was measured. `dataset` ('jsrt...' is the paper's), `configuration`
                 ('full' and 'tiny' are the paper's, any other name is ours), `size` (scored at,
                 px), `train_size` (the segmenter's, px), `gan_size` (px), `augmentation` (bool, of
                 the real images), `updates` (pre-training and fine-tuning together), `distances`
                 (the library), `spacing_mm` (row and column, at `size`). None is required; a table
                 says '?' for what it is not told.
  versions       dict: see `versions`.

  seal           checksum of the rest, see datasets/files.py.

The first nine are the key: of several lines with one key the newest counts. Values that do not
follow from the line's own confusion matrices and distances are refused, whatever the seal says: a
score cannot be changed by itself (its interval could; what compares regimes computes its own). A
line that a crash tore off at the end of the file, without its line end, is dropped.
"""
from __future__ import annotations

import collections
import importlib.metadata
import json
import math
import os
import pathlib
import platform
from typing import Any, Dict, Iterable, List, Mapping, Tuple, Union

import numpy as np

from datasets import locks
from datasets.errors import InputError
from datasets.files import sealed, unsealed
from pipelines.plan.checks import SCORED
from pipelines.plan.regimes import regimes
from pipelines.scores import overlap

KEY = ('experiment', 'arm', 'num_real', 'draw', 'regime', 'segmenter', 'num_synthetic', 'seed',
       'split')
FIELDS = KEY + ('organs', 'images', 'scores', 'protocol', 'versions')
METRICS = ('jaccard_pooled', 'dice_pooled', 'jaccard_per_image', 'dice_per_image', 'hd95_mm',
           'assd_mm')
RESULTS = 'results.jsonl'
PATIENCE = 60.0  # seconds: others append within a moment

PathLike = Union[str, os.PathLike]
Row = Dict[str, Any]


def read_results(path: PathLike) -> List[Row]:
    """Reads the newest line of each key, in the order in which the keys first appeared.

    Raises:
      InputError: no such file, or a line that is no result (a torn last line is dropped).
    """
    newest = {}
    for number, row in read_json_lines(path):
        row = unsealed(row, f'{path}, line {number}')
        _check(row, f'{path}, line {number}')
        newest[_key(row)] = row
    return list(newest.values())


def collect(path: PathLike) -> List[Row]:
    """The results in a file, or of an experiment: those of its folder and of its arms' folders.

    Raises:
      InputError: there are none, or a file of them is no results.
    """
    path = pathlib.Path(path)
    if not path.is_dir():
        return read_results(path)
    paths = [p for p in (path / RESULTS, *sorted(path.glob(f'*/{RESULTS}'))) if p.exists()]
    if not paths:
        raise InputError(f'{path}: expected {RESULTS} in it or in the folders of its arms, found '
                         f'none; nothing is scored yet')
    rows = [row for path in paths for row in read_results(path)]
    for key, count in collections.Counter(map(_key, rows)).items():
        if count > 1:
            raise InputError(f'{path}: expected one result of {key}, found {count} in the folders of '
                             f'different arms; remove those of the arm that the config has no more')
    return rows


def append_results(path: PathLike, rows: Iterable[Mapping[str, Any]]) -> int:
    """Appends the rows that the file does not already end up with; returns how many were written.

    Repeating a command therefore changes nothing, and a new line for an old key wins on reading.

    Raises:
      InputError: a row that is no result (nothing is written then), or an unreadable file.
    """
    path = pathlib.Path(path)
    with locks.held(path.with_suffix('.lock'), str(path), PATIENCE):
        newest = {_key(row): row for row in read_results(path)} if path.exists() else {}
        lines = []
        for row in rows:
            _check(row, 'result to append')
            line = sealed(row)
            row = {name: line[name] for name in FIELDS}  # as it will be read: tuples are lists
            if newest.get(_key(row)) != row:
                newest[_key(row)] = row
                lines.append(json.dumps(line, allow_nan=False) + '\n')
        if lines:
            _append(path, ''.join(lines).encode())
    return len(lines)


def score_rows(rows: Iterable[Row]) -> List[Row]:
    """One row a number, for tables: the key, `metric`, `organ`, `value`, `interval` and `protocol`."""
    return [{**{name: row[name] for name in KEY}, 'metric': metric, 'organ': organ,
             'value': value, 'interval': interval or None,
             'protocol': {**row['protocol'], 'num_test_images': len(row['images']['names'])}}
            for row in rows for metric, of_organ in row['scores'].items()
            for organ, (value, *interval) in of_organ.items()]


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
            if row is None and number == len(lines) and not data.endswith(b'\n'):
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
    except (ValueError, RecursionError):
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
    def refuse(name, expected):
        raise InputError(f'{where}: expected {name} to be {expected}, found '
                         f'{str(row[name])[:60]!r}')

    if set(row) != set(FIELDS):
        wrong = sorted(set(row) ^ set(FIELDS))
        raise InputError(f'{where}: expected exactly the keys {", ".join(FIELDS)}; missing or '
                         f'unknown: {", ".join(map(str, wrong))}')
    for name in ('experiment', 'arm', 'segmenter'):
        if not isinstance(row[name], str) or not row[name]:
            refuse(name, 'a name')
    for name, choices in (('regime', tuple(regimes())), ('split', SCORED)):
        if row[name] not in choices:
            refuse(name, f'one of {", ".join(choices)}')
    for name in ('num_real', 'draw', 'num_synthetic', 'seed'):
        if isinstance(row[name], bool) or not isinstance(row[name], int) or row[name] < 0:
            refuse(name, 'a whole number from 0 on')
    for name in ('images', 'scores', 'protocol', 'versions'):
        if not isinstance(row[name], dict):
            refuse(name, 'a mapping')
    _check_scores(row, refuse)
    _check_images(row, where)


def _check_scores(row: Mapping[str, Any], refuse) -> None:
    numbers = []
    for metric, of_organ in row['scores'].items():
        if metric not in METRICS or not isinstance(of_organ, dict):
            refuse('scores', f'by metric ({", ".join(METRICS)}) and organ')
        for values in of_organ.values():
            highest = math.inf if metric.endswith('_mm') else 100.0 + 1e-9
            if (not isinstance(values, (list, tuple)) or len(values) not in (1, 3)
                    or not all(type(v) in (int, float) and math.isfinite(v) and 0 <= v <= highest
                               for v in values)):
                refuse('scores', '[value] or [value, low, high], percentages or mm')
            numbers += values
    if not numbers:
        refuse('scores', 'some scores')


def _check_images(row: Mapping[str, Any], where: str) -> None:
    """The scores must follow from the confusion matrices beside them."""
    try:
        confusions = np.array(row['images']['confusions'], np.int64)
        computed = {**overlap.pooled_scores(confusions, row['organs']),
                    **overlap.per_image_scores(confusions, row['organs'])}
        stored = {(metric, organ): values[0] for metric, of_organ in row['scores'].items()
                  for organ, values in of_organ.items()}
        count = {len(confusions), len(row['images']['names'])}
        if row['images']['distances'] is not None:
            distances = np.array(row['images']['distances'], np.float64)
            computed.update(overlap.mean_distances(distances, row['organs']))
            count.add(len(distances))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f'{where}: expected images with names, confusions and distances, found '
                         f'something else ({" ".join(str(error).split())[:100]})') from None
    if len(count) > 1:
        raise InputError(f'{where}: expected as many names as confusions and distances')
    for key in sorted({*computed, *stored}):
        if not math.isclose(computed.get(key, -1), stored.get(key, -1), abs_tol=2e-3):
            raise InputError(f'{where}: {" of ".join(key)}: the images give '
                             f'{computed.get(key)}, the line says {stored.get(key)}; it was '
                             f'altered: evaluate anew')
