"""Files of one JSON object a line, appended to; a line that a crash tore off at the end is dropped."""
from __future__ import annotations

import json
import os
import pathlib
from typing import Any, Dict, List, Tuple, Union

from datasets.errors import InputError

PathLike = Union[str, os.PathLike]
Row = Dict[str, Any]


def read_json_lines(path: PathLike) -> List[Tuple[int, Row]]:
    """Reads (line number, object) pairs, dropping a torn last line.

    Raises:
      InputError: no such file, or a line before the last that is no JSON object.
    """
    return _parse(path)[0]


def append(path: PathLike, data: bytes) -> None:
    """Appends whole lines behind the last whole line, and returns when they are on the disk."""
    path = pathlib.Path(path)
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
