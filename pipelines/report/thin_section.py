"""Vessels and other scattered structures inside the field of view, a line a training set, a second observer among them.

Blocks of a report: pure functions of results' rows, those with the measure of thin structures (scores/thin.py), and of
what evaluation/observers.py wrote. Every figure is taken of each image by itself, and then their mean.
"""
from __future__ import annotations

import itertools
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from pipelines.plan import segmenters
from pipelines.report import document, findings, groups, thresholds
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
DIFFERENCES = ('AUC', 'DSC', 'clDice')  # columns of which differences are shown
# One less another.
STAGES = (('finetune2', 'finetune1'), ('synth2', 'synth1'), ('finetune1', 'real'), ('finetune2', 'real'))
BETWEEN = ('Is multi-stage better than single-stage, and either than real pairs alone? Mean over images of the '
           'differences between trainings with the same draw and seed, with its 95 % bootstrap interval over images: trainings are '
           'taken as given, each interval by itself.')
NOTES = (
    'Per cent, of all pixels of the field of view (of the picture, where it has none): mean over images, of several '
    'trainings over these too, with its 95 % bootstrap interval over images (trainings taken as given).',
    'AUC is of the probabilities, each image by itself; the others are of masks. clDice (Shit et al. 2021) is the overlap '
    'of centre lines.')
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
        trained = findings.trained(of_images)
        lines = {line.label: [row['images'] for row in line.rows] for line in trained}
        chosen = {line.label: thresholds.cell(line.rows) for line in trained}
        names = tuple(of_images[0]['images']['names'])
        other = _observer(names, of_images[0]['protocol'].get('size'), observers)
        if other:
            lines[OBSERVER] = [other.images]
        networks = {row['segmenter'] for row in of_images}
        title = (f'{groups.group_of(of_images[0])}: {len(names)} test images, '
                 f'{", ".join(o.replace("_", " ") for o in of_images[0]["organs"])}')
        title += f' ({segmenters.label_of(*networks)})' if len(networks) == 1 else ''
        body = [(label, *(_cell(images, *how) for how in COLUMNS.values()), chosen.get(label, thresholds.FOREIGN))
                for label, images in lines.items()]
        blocks += [document.table(Table(title, ('Trained on', *COLUMNS, 'Threshold'), body,
                                        [*notes, *thresholds.told(of_images), *[OBSERVED] * bool(other)]), css='scores'),
                   *_stages(title, trained),
                   document.folded('DSC of every image', [document.table(_each(names, lines), css='scores')])]
        notes = ()
    return blocks


def _stages(title: str, lines: Sequence[findings.Trained]) -> List[Block]:
    """A table of what one regime has more than another of the same network and as many samples, if there are any."""
    body = []
    for one, other in itertools.permutations(lines, 2):
        samples = {line.rows[0]['num_synthetic'] for line in (one, other)} - {0}
        shared = {*one.keys} & {*other.keys}
        if (one.regime, other.regime) in STAGES and one.network == other.network and len(samples) == 1 and shared:
            found = [[row['images'] for row in line.rows if (row['draw'], row['seed']) in shared]
                     for line in (one, other)]
            gaps = [np.subtract(*(_per_image(images, *COLUMNS[name]) for images in found)) for name in DIFFERENCES]
            body.append((f'{one.label} - {other.label}', *(_mean(gap, '+.2f') for gap in gaps), str(len(shared))))
    table = Table(f'Differences: {title}', ('', *DIFFERENCES, 'Pairs of trainings'), body, [BETWEEN])
    return [document.table(table, css='scores')] if body else []


def _observer(names: Tuple[str, ...], size: Optional[int], observers: Sequence[Observed]) -> Optional[Observed]:
    """What is of the very same images at the same size."""
    return next((one for one in observers if tuple(one.images['names']) == names and one.size == size), None)


def _per_image(images: Sequence[dict], measure: str, of: Callable) -> np.ndarray:
    """Mean over organs and trainings of each image, [images]; NaN where there is none."""
    found = [of(np.array(one[measure], np.float64)) for one in images]
    return np.ma.masked_invalid(np.moveaxis(found, 1, 0).reshape(len(found[0]), -1)).mean(axis=1).filled(np.nan)


def _cell(images: Sequence[dict], measure: str, of: Callable) -> str:
    return _mean(_per_image(images, measure, of))


def _mean(values: np.ndarray, how: str = '.2f') -> str:
    if np.isnan(values).all():
        return '-'
    bounds = overlap.bootstrap_interval(values[:, None])
    mean = round(np.nanmean(values), 2) + 0.0  # never -0
    return f'{mean:{how}}' + (f' [{bounds[0]:{how}}, {bounds[1]:{how}}]' if bounds else '')


def _each(names: Sequence[str], lines: Dict[str, Sequence[dict]]) -> Table:
    columns = {label: _per_image(images, *COLUMNS['DSC']) for label, images in lines.items()}
    return Table('', ('Image', *columns), [
        (name, *('-' if np.isnan(values[i]) else f'{values[i]:.2f}' for values in columns.values()))
        for i, name in enumerate(names)], [])
