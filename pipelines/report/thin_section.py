"""Vessels and other scattered structures inside the field of view, a line a training set, a second observer among them.

Blocks of a report: pure functions of results' rows, those with the measure of thin structures (scores/thin.py), and of
what evaluation/observers.py wrote. Every figure is taken of each image by itself, and then their mean.
"""
from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from pipelines.plan import segmenters
from pipelines.report import document, findings, groups
from pipelines.report.document import Block
from pipelines.runtime.json_lines import Row
from pipelines.scores import overlap, thin
from pipelines.scores.metrics import THIN
from pipelines.scores.table import Table

# column -> (the measure, what is computed of it: [..., organs, K] -> [..., organs])
COLUMNS: Dict[str, Tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    'AUC': (THIN, thin.auc), 'Sensitivity': (THIN, thin.sensitivity), 'Specificity': (THIN, thin.specificity),
    'Accuracy': (THIN, thin.accuracy), 'DSC': ('counts', overlap.dice), 'J': ('counts', overlap.jaccard),
    'clDice': (THIN, thin.centreline_dice)}
OBSERVER = 'Second observer'
NOTES = (
    'Per cent, of all pixels of the field of view (of the picture, where it has none): mean over images, of several '
    'trainings over these too, with its 95 % bootstrap interval over images (trainings taken as given).',
    'AUC is of the probabilities, each image by itself. The others are of the likeliest class, of probabilities above '
    'a half: no threshold was chosen on any image. clDice (Shit et al. 2021) is the overlap of centre lines.')
OBSERVED = (f'{OBSERVER}: what another person drew in the same pictures, scored as the segmenters are, against the '
            'first, who is the reference of all lines.')


class Observed(NamedTuple):
    """What a second observer reached: the side at which it was scored, px, and `images` as in results.py."""
    size: int
    images: dict


def scattered(rows: Sequence[Row], observers: Sequence[Observed] = ()) -> List[Block]:
    """For each set of test images a table, and below it DSC of every image."""
    blocks, notes = [], NOTES
    for of_images in findings.by_images([row for row in rows if row['split'] == 'test' and row['images'].get(THIN)]):
        lines = {line.label: [row['images'] for row in line.rows] for line in findings.trained(of_images)}
        names = tuple(of_images[0]['images']['names'])
        other = _observer(names, of_images[0]['protocol'].get('size'), observers)
        if other:
            lines[OBSERVER] = [other.images]
        networks = {row['segmenter'] for row in of_images}
        title = (f'{groups.group_of(of_images[0])}: {len(names)} test images, '
                 f'{", ".join(o.replace("_", " ") for o in of_images[0]["organs"])}')
        title += f' ({segmenters.label_of(*networks)})' if len(networks) == 1 else ''
        body = [(label, *(_cell(images, *how) for how in COLUMNS.values())) for label, images in lines.items()]
        blocks += [document.table(Table(title, ('Trained on', *COLUMNS), body, [*notes, *[OBSERVED] * bool(other)]),
                                  css='scores'),
                   document.folded('DSC of every image', [document.table(_each(names, lines), css='scores')])]
        notes = ()
    return blocks


def _observer(names: Tuple[str, ...], size: Optional[int], observers: Sequence[Observed]) -> Optional[Observed]:
    """What is of the very same images at the same size."""
    return next((one for one in observers if tuple(one.images['names']) == names and one.size == size), None)


def _per_image(images: Sequence[dict], measure: str, of: Callable) -> np.ndarray:
    """Mean over organs and trainings of each image, [images]; NaN where there is none."""
    found = [of(np.array(one[measure], np.float64)) for one in images]
    return np.ma.masked_invalid(np.moveaxis(found, 1, 0).reshape(len(found[0]), -1)).mean(axis=1).filled(np.nan)


def _cell(images: Sequence[dict], measure: str, of: Callable) -> str:
    values = _per_image(images, measure, of)[:, None]
    if np.isnan(values).all():
        return '-'
    bounds = overlap.intervals(values, ['all']).get('all')
    return f'{np.nanmean(values):.2f}' + (' [{:.2f}, {:.2f}]'.format(*bounds) if bounds else '')


def _each(names: Sequence[str], lines: Dict[str, Sequence[dict]]) -> Table:
    columns = {label: _per_image(images, *COLUMNS['DSC']) for label, images in lines.items()}
    return Table('', ('Image', *columns), [
        (name, *('-' if np.isnan(values[i]) else f'{values[i]:.2f}' for values in columns.values()))
        for i, name in enumerate(names)], [])
