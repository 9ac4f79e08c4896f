"""What stands in one table, and what tells its lines apart; of rows of results."""
from __future__ import annotations

from typing import Dict, List, NamedTuple, Sequence, Tuple

from pipelines.plan import segmenters
from pipelines.runtime.json_lines import Row


def configuration_of(row: Row) -> str:
    """Which published table a result stands beside: 'full', 'tiny', or a name of ours."""
    return str(row['protocol'].get('configuration', 'unnamed'))


def group_of(row: Row) -> str:
    """What stands in one table: experiment, arm (if it is not the configuration), real images."""
    arm = '' if row['arm'] == configuration_of(row) else f'/{row["arm"]}'
    division = '' if row['division'] == 'official' else f', {row["division"]}'
    return f'{row["experiment"]}{arm}, {row["num_real"]} real images{division}'


def by_group(rows: Sequence[Row]) -> Dict[Tuple[str, str], List[Row]]:
    """(configuration, group_of) -> its rows of the test images."""
    groups: Dict[Tuple[str, str], List[Row]] = {}
    for row in rows:
        if row['split'] == 'test':
            groups.setdefault((configuration_of(row), group_of(row)), []).append(row)
    return groups


class Variant(NamedTuple):
    """What tells runs of one regime apart, other than chance.

    Attributes:
      pairs: synthetic ones behind it.
      labelled: per cent of another hospital's labels; -1 where it learned from none, and so sorts first.
    """
    segmenter: str
    pairs: int = 0
    labelled: float = -1.0


def variant_of(row: Row) -> Variant:
    """The network, its samples and its labels."""
    return Variant(row['segmenter'], row['num_synthetic'], -1.0 if row['labelled'] is None else row['labelled'])


def variant_words(variant: Variant, others: Sequence[Variant]) -> str:
    """' (U-Net, 664 pairs)': of a variant what the others do not share; '' if they all do."""
    words = [segmenters.label_of(variant.segmenter)] if len({other.segmenter for other in others}) > 1 else []
    same = [other for other in others if other.segmenter == variant.segmenter]
    if len({other.pairs for other in same}) > 1:
        words.append(f'{variant.pairs} pairs')
    if variant.labelled >= 0 and (len({other.labelled for other in same}) > 1 or variant.labelled > 0):
        words.append(f'{variant.labelled:g} % of labels')
    return f' ({", ".join(words)})' if words else ''
