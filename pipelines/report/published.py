"""The papers whose tables stand beside results: another one is a file in published/, a module here and a row."""
from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

from pipelines.report import ciano2021, oliveira2018, protocols
from pipelines.report.document import Block
from pipelines.runtime.json_lines import Row
from pipelines.scores.table import Table


class Published(NamedTuple):
    """What is shown of one paper.

    Attributes:
      tables: results.score_rows, of the test images and of its data set -> its tables, published and ours.
      departures: the same rows -> sentences on where we leave the paper, and on where these rows do.
      figures: the same rows -> figures of a report, below the tables.
    """
    tables: Callable[[Sequence[Row]], List[Table]]
    departures: Callable[[Sequence[Row]], Tuple[List[str], List[str]]]
    figures: Callable[[Sequence[Row]], List[Block]] = lambda rows: []


PAPERS: Dict[str, Published] = {
    'ciano2021': Published(ciano2021.tables, ciano2021.departures),
    'oliveira2018': Published(oliveira2018.tables, oliveira2018.departures, oliveira2018.figures),
}


def tables(rows: Sequence[Row]) -> List[Table]:
    """Every paper's tables; rows are results.score_rows, of any images and data sets."""
    return [table for name, paper in PAPERS.items() for table in paper.tables(_of(rows, name))]


def figures(rows: Sequence[Row]) -> List[Block]:
    """Every paper's figures, as `tables`."""
    return [block for name, paper in PAPERS.items() for block in paper.figures(_of(rows, name))]


def departures(rows: Sequence[Row]) -> Tuple[List[str], List[str]]:
    """Every paper's, as `tables`: in general, and of these rows."""
    found = [paper.departures(_of(rows, name)) for name, paper in PAPERS.items()]
    return [words for told, _ in found for words in told], [words for _, lines in found for words in lines]


def is_beside(row: Row) -> bool:
    """Whether a paper printed numbers on the data set of a result."""
    return any(protocols.is_of_paper(row, name) for name in PAPERS)


def _of(rows: Sequence[Row], name: str) -> List[Row]:
    return [row for row in rows if row['split'] == 'test' and protocols.is_of_paper(row, name)]
