"""Joins the parts of a division that was tested fold by fold: one result over all of its images.

Each image is tested once, by the segmenter that did not learn from it. On another hospital's images every fold's
segmenter is scored on all of them, so these rows stay apart. Pooled scores are taken over all
images together, means over all images. A joined row has two keys more: `per_fold`, {metric: {organ or
'average': [score of each fold that has one]}}, whose mean and deviation Oliveira and dos Santos 2018 print;
and `chosen_epochs`, of each fold, where a validation fold chose among epochs.
"""
from __future__ import annotations

import statistics
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from pipelines.plan.data_checks import SCORED
from pipelines.runtime.json_lines import Row
from pipelines.scores import metrics
from pipelines.scores.results import KEY

SAME = tuple(key for key in KEY if key not in ('fold', 'num_real'))  # folds may differ by an image


def joined(rows: Sequence[Row]) -> Tuple[List[Row], List[str]]:
    """Rows with those of folds put together.

    Returns:
      (rows without folds as they are, and one for each set of folds that is complete; words for the sets
      of which folds are missing, which are left out, those of several networks together).
    """
    whole = [row for row in rows if row['fold'] is None or row['split'] not in SCORED]
    groups: Dict[tuple, List[Row]] = {}
    for row in rows:
        if row['fold'] is not None and row['split'] in SCORED:
            groups.setdefault(tuple(row[key] for key in SAME), []).append(row)
    missing: Dict[tuple, List[str]] = {}
    for found in groups.values():
        found.sort(key=lambda row: row['fold'])
        count = found[0]['protocol'].get('folds', len(found))
        if len(found) == count:
            whole.append(_join(found))
        else:
            absent = sorted(set(range(count)) - {row['fold'] for row in found})
            words = f'seed {found[0]["seed"]}: fold {", ".join(map(str, absent))} of {count}'
            missing.setdefault((found[0]['arm'], found[0]['regime'], words), []).append(found[0]['segmenter'])
    return whole, [f'{arm}, {regime}, {", ".join(networks)}, {words}'
                   for (arm, regime, words), networks in missing.items()]


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
    per_fold = {metric: {organ: _of_folds(folds, metric, organ) for organ in of} for metric, of in scores.items()}
    return {**folds[0], 'num_real': round(statistics.fmean(row['num_real'] for row in folds)), 'fold': None,
            'images': images, 'scores': scores, 'per_fold': per_fold,
            'chosen_epochs': [_chosen_epoch(row['protocol']) for row in folds],
            'thresholds': [row['protocol'].get('threshold') for row in folds]}


def _of_folds(folds: Sequence[Row], metric: str, organ: str) -> List[float]:
    return [row['scores'][metric][organ][0] for row in folds if organ in row['scores'].get(metric, {})]


def _chosen_epoch(protocol: Mapping[str, Any]) -> Optional[int]:
    chosen, epochs = protocol.get('chosen_update'), protocol.get('epochs')
    return None if None in (chosen, epochs) else round(chosen * epochs / protocol['updates'])
