"""Whether the measures of samples rank methods as the J of a segmenter does that learned from the samples.

A measure that does not is no stand-in for looking at the samples, whatever it is called.
"""
from __future__ import annotations

import collections
import pathlib
import statistics
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from datasets.errors import InputError
from pipelines.plan.methods import METHODS
from pipelines.plan.segmenters import foremost
from pipelines.report import document
from pipelines.report.document import Block
from pipelines.report.groups import configuration_of
from pipelines.scores.results import collect
from pipelines.scores.table import Table

FEWEST = 4  # sets of samples, below which a rank correlation says nothing
MEASURES: Dict[str, Tuple[str, int]] = {'fid_': ('FID', -1), 'kid_': ('KID', -1), 'precision': ('Precision', 1),
                                        'recall': ('Recall', 1)}  # key begins with -> label, sign of a good one


class Samples(NamedTuple):
    """One set of samples: its method, its measures, and the mean J of what learned from it alone."""
    method: str
    scores: dict
    jaccard: float


def measure(scores: dict, prefix: str) -> Optional[float]:
    """The measure whose key begins so, None where it has no value."""
    return next((value for key, value in scores.items()
                 if key.startswith(prefix) and not key.endswith(('_error', '_to_train'))), None)


def blocks(found: Sequence[Tuple[pathlib.Path, str, dict]]) -> List[Block]:
    """A table of rank correlations, and a sentence on measures that rank the worst method best.

    Args:
      found: (folder of the arm, method, what quality/<method>.json says).
    """
    groups: Dict[tuple, List[Samples]] = collections.defaultdict(list)
    for folder, method, measured in found:
        for group, values in _scored(folder, method).items():
            groups[group].append(Samples(method, measured['scores'], statistics.fmean(values)))
    made = []
    for (experiment, configuration, num_real, _), sets in groups.items():
        if len(sets) >= FEWEST and len({one.method for one in sets}) > 1:
            table, wrong = judge(sets)
            made.append(document.table(table._replace(
                title=f'Do these measures agree with J? {experiment} ({configuration}), {num_real} real images'),
                css='scores'))
            made += [document.paragraph(wrong)] if wrong else []
    return made


def judge(sets: Sequence[Samples]) -> Tuple[Table, str]:
    """(rank correlations with J, a sentence on measures that mislead, '' if none does)."""
    from scipy import stats  # takes a second: not for those who only read results

    order = _mean({one.method: [] for one in sets}, [(one.method, one.jaccard) for one in sets])
    best, worst = max(order, key=order.get), min(order, key=order.get)
    body, misled = [], []
    for prefix, (label, sign) in MEASURES.items():
        values = [(one, measure(one.scores, prefix)) for one in sets]
        if any(value is None for _, value in values):
            continue
        ranks = float(stats.spearmanr([value for _, value in values], [one.jaccard for one in sets])[0])
        means = _mean({one.method: [] for one in sets}, [(one.method, value) for one, value in values])
        first = max(means, key=lambda method: sign * means[method])
        body.append((label, 'low' if sign < 0 else 'high', f'{ranks:+.2f}', f'{sign}', METHODS[first].label))
        misled += [label] if first == worst and worst != best else []
    notes = [f'{len(sets)} sets of samples; J is that of SYNTH k on the test images, mean over trainings. By J '
             f'{METHODS[best].label.lower()} is best ({order[best]:.1f}) and {METHODS[worst].label.lower()} worst '
             f'({order[worst]:.1f}).']
    sentence = (f'{" and ".join(misled)} rank{"s" * (len(misled) == 1)} {METHODS[worst].label.lower()} samples best, '
                f'which teach a segmenter least: {"it is" if len(misled) == 1 else "they are"} no stand-in for looking '
                f'at the samples.' if misled else '')
    return Table('', ('Measure', 'Good is', 'Rank correlation with J (Spearman)', 'Of a measure that works',
                      'Ranks best'), body, notes), sentence


def _mean(empty: Dict[str, List[float]], pairs: Sequence[Tuple[str, float]]) -> Dict[str, float]:
    for method, value in pairs:
        empty[method].append(value)
    return {method: statistics.fmean(values) for method, values in empty.items()}


def _scored(folder: pathlib.Path, method: str) -> Dict[tuple, List[float]]:
    """What stands in one comparison -> pooled J on the test images of SYNTH k, one for each training."""
    try:
        rows = collect(folder)
    except InputError:
        return {}
    scored = collections.defaultdict(list)
    for row in rows:
        if (row['regime'] == f'synth{METHODS[method].code}' and row['split'] == 'test' and row['fold'] is None
                and row['segmenter'] == foremost() and 'average' in row['scores'].get('jaccard_pooled', {})):
            key = row['experiment'], configuration_of(row), row['num_real'], tuple(row['images']['names'])
            scored[key].append(row['scores']['jaccard_pooled']['average'][0])
    return scored
