"""What stands in one table, and what tells its lines apart; of rows of results."""
from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

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


def variant_of(row: Row) -> Tuple[str, int]:
    """What tells runs of one regime apart, other than chance: the network and its samples."""
    return row['segmenter'], row['num_synthetic']


def variant_words(variant: Tuple[str, int], others: Sequence[Tuple[str, int]]) -> str:
    """' (U-Net, 664 pairs)': of a variant what the others do not share; '' if they all do."""
    words = [segmenters.label_of(variant[0])] if len({other[0] for other in others}) > 1 else []
    if len({other[1] for other in others if other[0] == variant[0]}) > 1:
        words.append(f'{variant[1]} pairs')
    return f' ({", ".join(words)})' if words else ''
