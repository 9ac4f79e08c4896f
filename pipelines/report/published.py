"""The papers whose tables stand beside results: another one is a file in published/, a module here and a row."""
from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Sequence

from pipelines.report import ciano2021, oliveira2018, protocols
from pipelines.report.document import Block
from pipelines.runtime.json_lines import Row
from pipelines.scores.table import Table


class Published(NamedTuple):
    """What is shown of one paper.

    Attributes:
      tables: results.score_rows, of the test images and of its data set -> its tables, published and ours.
      figures: the same rows -> figures of a report, below the tables.
    """
    tables: Callable[[Sequence[Row]], List[Table]]
    figures: Callable[[Sequence[Row]], List[Block]] = lambda rows: []


PAPERS: Dict[str, Published] = {
    'ciano2021': Published(ciano2021.tables),
    'oliveira2018': Published(oliveira2018.tables, oliveira2018.figures),
}


def tables(rows: Sequence[Row]) -> List[Table]:
    """Every paper's tables; rows are results.score_rows, of any images and data sets."""
    return [table for name, paper in PAPERS.items() for table in paper.tables(_of(rows, name))]


def figures(rows: Sequence[Row]) -> List[Block]:
    """Every paper's figures, as `tables`."""
    return [block for name, paper in PAPERS.items() for block in paper.figures(_of(rows, name))]


def is_beside(row: Row) -> bool:
    """Whether a paper printed numbers on the data set of a result."""
    return any(protocols.is_of_paper(row, name) for name in PAPERS)


def _of(rows: Sequence[Row], name: str) -> List[Row]:
    return [row for row in rows if row['split'] == 'test' and protocols.is_of_paper(row, name)]
