"""The papers whose tables stand beside results: another one is a file in published/, a module here and a row."""
from __future__ import annotations

import functools
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

from pipelines.report import ciano2021, dfgan, oliveira2018, protocols
from pipelines.report.document import Block
from pipelines.runtime.json_lines import Row
from pipelines.scores.table import Table


class Published(NamedTuple):
    """What is shown of one paper.

    Attributes:
      of: results.score_rows -> those that may stand beside its numbers.
      tables: results.score_rows, of the test images and of these -> its tables, published and ours.
      departures: the same rows -> sentences on where we leave the paper, and on where these rows do.
      figures: the same rows -> figures of a report, below the tables.
    """
    of: Callable[[Sequence[Row]], List[Row]]
    tables: Callable[[Sequence[Row]], List[Table]]
    departures: Callable[[Sequence[Row]], Tuple[List[str], List[str]]]
    figures: Callable[[Sequence[Row]], List[Block]] = lambda rows: []


def _on_its_data(rows: Sequence[Row], name: str) -> List[Row]:
    return [row for row in rows if protocols.is_of_paper(row, name)]


PAPERS: Dict[str, Published] = {
    'ciano2021': Published(functools.partial(_on_its_data, name='ciano2021'), ciano2021.tables, ciano2021.departures),
    'oliveira2018': Published(functools.partial(_on_its_data, name='oliveira2018'), oliveira2018.tables,
                              oliveira2018.departures, oliveira2018.figures),
    'dfgan': Published(dfgan.of, dfgan.tables, dfgan.departures, dfgan.figures),
}


def tables(rows: Sequence[Row]) -> List[Table]:
    """The tables of every paper beside which rows stand, or where none do, of all; rows are results.score_rows, of any
    images and data sets."""
    there = {name: _of(rows, name) for name in PAPERS}
    return [table for name, paper in PAPERS.items() if there[name] or not any(there.values())
            for table in paper.tables(there[name])]


def figures(rows: Sequence[Row]) -> List[Block]:
    """Every paper's figures, as `tables`."""
    return [block for name, paper in PAPERS.items() for block in paper.figures(_of(rows, name))]


def departures(rows: Sequence[Row]) -> Tuple[List[str], List[str]]:
    """Every paper's, as `tables`: in general, and of these rows."""
    found = [paper.departures(_of(rows, name)) for name, paper in PAPERS.items()]
    return [words for told, _ in found for words in told], [words for _, lines in found for words in lines]


def foreign(rows: Sequence[Row]) -> List[Row]:
    """The rows beside which nothing was printed."""
    beside = {id(row) for paper in PAPERS.values() for row in paper.of(rows)}
    return [row for row in rows if id(row) not in beside]


def _of(rows: Sequence[Row], name: str) -> List[Row]:
    return [row for row in PAPERS[name].of(rows) if row['split'] == 'test']
