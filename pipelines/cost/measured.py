"""What tools/measure_steps.py measured: rows in a JSON file, and the tables that documents show of them."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Sequence

from datasets.errors import InputError
from datasets.files import write_json
from pipelines.plan.segmenters import SEGMENTERS, label_of
from pipelines.scores.table import Table

Row = Dict[str, Any]
KEY = ('training', 'phase', 'side', 'batch')
LEAST_SHARE, MEMORY_ERROR = 0.55, 0.25  # of the matrix product's rate; of the peak
GIB = 2 ** 30


def read(path) -> List[Row]:
    """The rows of a file, none if there is no such file yet."""
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding='utf-8'))['rows'] if path.is_file() else []
    except (ValueError, KeyError, TypeError):
        raise InputError(f'{path}: expected rows of an earlier measurement, found something else; name a new '
                         f'file') from None


def write(path, rows: Sequence[Row], made_with: Dict[str, Any]) -> None:
    """Rows into a file; `made_with`: the machine and versions of those that came last."""
    write_json(path, {'made_with': made_with, 'rows': list(rows)})


def with_row(rows: Sequence[Row], row: Row) -> List[Row]:
    """The rows, one more or one anew: a training and phase stand there once, at their old place."""
    name = (row['training'], row['phase'])
    found = [row if (other['training'], other['phase']) == name else other for other in rows]
    return found if row in found else [*found, row]


def holds(rows: Sequence[Row], row: Row) -> bool:
    """Whether this training and phase stand there at this size and batch."""
    return any(all(other[key] == row[key] for key in KEY) for other in rows)


def share(part: Row) -> float:
    """GFLOP in a second of a core over those of the matrix product beside it: what other programs do not change."""
    return part['operations'] / part['cpu'] / 1e9 / part['product_cpu']


def memory_error(part: Row) -> float:
    """By how much the prediction is above the peak, as a share of it."""
    return part['predicted'] / part['peak'] - 1


def tables(rows: Sequence[Row]) -> List[Table]:
    """One of training steps, one of samples."""
    header = ['s', 'of cores, s', 'GFLOP', 'share', 'peak, GiB', 'predicted', 'off']
    steps = [[name_of(row), f'{row["side"]}, {row["batch"]}', f'{row["step"]["parameters"]:,}',
              f'{row["step"]["first"]:.1f}', *_cells(row['step'])] for row in rows]
    samples = [[name_of(row), f'{row["sample_side"]}', *_cells(row['sample'])] for row in rows]
    return [Table('', ['a training step of', 'px, batch', 'parameters', 'first, s', *header], steps, []),
            Table('', ['a prediction of', 'px', *header], samples, [])]


def line(row: Row) -> str:
    """A row for a terminal, as it is measured."""
    words = '{} {} s, {} s of cores, {} GFLOP, {} of the product; {} GiB, predicted {}, {}'
    return f'{name_of(row):26} ' + ';  '.join(words.format(what, *_cells(row[what])) for what in ('step', 'sample'))


def name_of(row: Row) -> str:
    """A training for people."""
    name = label_of(row['training']) if row['training'] in SEGMENTERS else row['training']
    return f'{name}, {row["phase"]}' if row['phase'] else name


def _cells(part: Row) -> List[str]:
    return [f'{part["seconds"]:.2f}', f'{part["cpu"]:.2f}', f'{part["operations"] / 1e9:,.0f}', f'{share(part):.2f}',
            f'{part["peak"] / GIB:.2f}', f'{part["predicted"] / GIB:.2f}', f'{100 * memory_error(part):+.0f} %']
