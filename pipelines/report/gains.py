"""What gains in Dice are made of: regimes and arms of DF-GAN's studies, one less another in pairs of trainings.

Rows are results.score_rows of one metric, experiment and network. Trainings are a pair where n, draw and seed agree.
"""
from __future__ import annotations

import collections
import math
import statistics
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from pipelines.runtime.json_lines import Row

REAL, SHORTER, DFGAN, CONTROL = 'real', 'first', 'mixedd', 'mixedp'
PLAIN, AUGMENTED = 'plain', 'augmented'  # as the file calls without and with classical augmentation
GAINS = (('MIXED D - REAL: all of it', (DFGAN, 1.0), (REAL, 0.0)),  # words, and regimes with their synthetic pairs / n
         ('MIXED P - REAL: synthesis without the Frechet loss', (CONTROL, 1.0), (REAL, 0.0)),
         ('MIXED D - MIXED P: the Frechet loss', (DFGAN, 1.0), (CONTROL, 1.0)),
         ('MIXED D, R + 2 S - R + S: twice the pictures', (DFGAN, 2.0), (DFGAN, 1.0)),
         ('MIXED P, R + 2 S - R + S: twice the pictures', (CONTROL, 2.0), (CONTROL, 1.0)),
         ('REAL - FIRST: more updates on real pairs alone', (REAL, 0.0), (SHORTER, 0.0)))
ARMS = {'flipped': 'reflections alone', 'classic': 'classical augmentation'}  # what varies while these learn


Values = Dict[int, Dict[Tuple[int, int], float]]   # n -> (draw, seed) -> Dice as a share
Gain = Dict[int, Tuple[float, float, float, int]]  # n -> (mean, a standard error below and above it, pairs)


class Line(NamedTuple):
    """What tells lines of Table 1 apart; `times`: synthetic pairs for each real image."""
    arm: str
    augmented: str
    regime: str
    times: float


def values_of(rows: Sequence[Row]) -> Dict[Line, Values]:
    """The rows by line, in their order."""
    found: dict = collections.defaultdict(lambda: collections.defaultdict(dict))
    for row in rows:
        augmented = AUGMENTED if row['protocol'].get('augmented') else PLAIN
        line = Line(row['arm'], augmented, row['regime'], row['num_synthetic'] / row['num_real'])
        found[line][row['num_real']][row['draw'], row['seed']] = row['value'] / 100
    return found


def of_regimes(rows: Sequence[Row], wanted: Sequence[tuple] = GAINS) -> Dict[str, Gain]:
    """By words: one regime less another in each arm, whose name stands behind the words where there are several."""
    values, found = values_of(rows), {}
    arms = arms_of(values)
    for words, one, other in wanted:
        for arm, augmented in arms:
            found[f'{words}, {arm}' if len(arms) > 1 else words] = _less(
                *(values.get(Line(arm, augmented, *regime), {}) for regime in (one, other)))
    return found


def of_arms(rows: Sequence[Row]) -> Dict[str, Gain]:
    """By words: REAL of each other arm less REAL of the first, which varies nothing or has most trainings."""
    values = {line: of for line, of in values_of(rows).items() if line.regime == REAL}
    lines = sorted(values, key=lambda line: (
        line.augmented == AUGMENTED, -sum(map(len, values[line].values())), line.arm))
    return {f'REAL, {line.arm} - REAL, {lines[0].arm}' + (f': {ARMS[line.arm]}' if line.arm in ARMS else ''):
            _less(values[line], values[lines[0]]) for line in sorted(lines[1:], key=lambda line: line.arm)}


def arms_of(values: Mapping[Line, Any]) -> List[Tuple[str, str]]:
    """(arm, whether augmented) of lines, in their order."""
    return list(dict.fromkeys((line.arm, line.augmented) for line in values))


def _less(one: Values, other: Values) -> Gain:
    """Of those n that have pairs."""
    return {count: _pairs(one[count], other[count]) for count in sorted({*one} & {*other})
            if {*one[count]} & {*other[count]}}


def _pairs(one: Mapping[tuple, float], other: Mapping[tuple, float]) -> tuple:
    gaps = [one[key] - other[key] for key in sorted({*one} & {*other})]
    error = error_of(gaps)
    mean = statistics.fmean(gaps)
    return mean, mean - error, mean + error, len(gaps)


def error_of(values: Sequence[float]) -> float:
    """Standard error of a mean; 0 of one value, of which nobody knows it."""
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
