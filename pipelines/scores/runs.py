"""Joins the parts of a division that was tested fold by fold: one result over all of its images.

Each image is tested once, by the segmenter that did not learn from it. Pooled scores are taken over all
images together, means over all images; the paper's own figure for folds, the mean and the deviation over
folds, is in `per_fold`.
"""
from __future__ import annotations

import statistics
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from pipelines.runtime.json_lines import Row
from pipelines.scores import metrics
from pipelines.scores.results import KEY

SAME = tuple(key for key in KEY if key not in ('fold', 'num_real'))  # folds may differ by an image


def joined(rows: Sequence[Row]) -> Tuple[List[Row], List[str]]:
    """Rows with those of folds put together.

    Returns:
      (rows without folds as they are, and one for each set of folds that is complete; words for each set
      of which folds are missing, which is left out).
    """
    whole = [row for row in rows if row['fold'] is None]
    groups: Dict[tuple, List[Row]] = {}
    for row in rows:
        if row['fold'] is not None:
            groups.setdefault(tuple(row[key] for key in SAME), []).append(row)
    missing = []
    for found in groups.values():
        found.sort(key=lambda row: row['fold'])
        count = found[0]['protocol'].get('folds', len(found))
        if len(found) == count:
            whole.append(_join(found))
        else:
            absent = sorted(set(range(count)) - {row['fold'] for row in found})
            missing.append(f'{found[0]["arm"]}, {found[0]["regime"]}, {found[0]["segmenter"]}, seed '
                           f'{found[0]["seed"]}: fold {", ".join(map(str, absent))} of {count}')
    return whole, missing


def per_fold(rows: Sequence[Row], metric: str, organ: str) -> Tuple[float, float]:
    """(mean, sample deviation) over folds of a score, as Oliveira & dos Santos 2018, Table I, print it.

    Args:
      rows: of one segmenter, one for each fold.

    Returns:
      NaN for the deviation of one fold; both NaN where no fold has a score.
    """
    values = [row['scores'][metric][organ][0] for row in rows if organ in row['scores'].get(metric, {})]
    if not values:
        return float('nan'), float('nan')
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else float('nan')


def _join(folds: Sequence[Row]) -> Row:
    organs = folds[0]['organs']
    images: Dict[str, Any] = {'names': [name for row in folds for name in row['images']['names']]}
    for name in folds[0]['images']:
        if name != 'names':
            parts = [row['images'].get(name) for row in folds]
            images[name] = None if any(part is None for part in parts) else [
                one for part in parts for one in part]
    scores = metrics.scores({name: None if values is None else np.array(values, np.float64)
                             for name, values in images.items() if name != 'names'}, organs)
    return {**folds[0], 'num_real': round(statistics.fmean(row['num_real'] for row in folds)), 'fold': None,
            'images': images, 'scores': scores}
