"""Scores an exported segmenter, or the predictions of another program, on records and draws what it did.

Every image goes through the SavedModel by itself, in its own shape at the size of the records, so that the
figures are those of the artefact that users get, its threshold included, and `predict.py` draws the same. What
surrounds it in its square is not scored, nor are pixels of which nobody knows what they are.
"""
from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Optional, Tuple

import numpy as np

from datasets import records
from datasets.files import write_json, write_png
from datasets.targets import Scored, Targets
from pipelines.data import pixels, sheets
from pipelines.evaluation.finders import Finder
from pipelines.runtime import progress
from pipelines.runtime.versions import versions
from pipelines.scores import metrics, overlap, surface, thin

OVERLAY_ROWS = 6
OVERLAY_TILE = 256


class Evaluation(NamedTuple):
    """`scores` as in results.py of `targets`, of the records that `info` describes; classes of the model that
    these do not show are `left_out`."""
    scores: dict
    info: records.Info
    targets: Targets
    left_out: Tuple[str, ...]


def evaluate(finder: Finder, output, overlays=None) -> Evaluation:
    """Scores what `finder` finds on all its records; writes a JSON file and, if asked, a sheet of overlays.

    Args:
      output: JSON with names, the measures of each image, and scores.
      overlays: PNG with the columns image, target, prediction: worst to best average J. Of the prediction classes that
        the records do not show are drawn, too: of a chest model at a hospital that labelled lungs, the heart.
    """
    info, found, compared = finder.info, finder.targets, finder.compared
    targets = compared.targets
    are_thin = any({*organs} & {*info.coding.scattered} for organs in targets.organs)
    unscored = [found.names.index(name) for name in compared.left_out]
    chosen = finder.threshold() if are_thin else None
    names, measured, pictures, spacings = [], [], [], []
    for row in progress.bar(records.read(info), total=info.count, desc='evaluate',
                            unit='image'):
        image, labels, known = info.shown(row)
        target = targets.masks(info.coding, labels) & known
        masks, probabilities = finder.find(row, image)
        predicted = compared.united(masks) & known
        thin_ones = thin.measure(target, predicted, known, _united(compared, probabilities())) if are_thin else None
        names.append(Path(row['name'].decode()).stem)
        spacings.append(info.spacing_mm(row))
        measured.append(metrics.measure(target, predicted, spacings[-1], thin_ones))
        pictures.append((image, targets.class_map(target), targets.class_map(np.concatenate([predicted, masks[unscored]])))
                        if overlays else None)
    images = metrics.together(measured)
    scores = metrics.scores(images, targets.names)
    if overlays:  # before the scores, whose file says that the evaluation is complete
        others = finder.colours()[1:][unscored] if unscored else []
        _write_overlays(overlays, pictures, images['counts'], np.array([*targets.colours(info.coding), *others], np.uint8))
    write_json(output, {
        'model': finder.named, 'records': str(info.directory), 'size': info.size,
        'versions': versions(), 'spacing_mm': spacings[0] if len(set(spacings)) == 1 else None,
        'library': surface.LIBRARY if None not in spacings else None,
        **({'at_detector': True} if info.made.get('at_detector') else {}),
        **({'threshold': chosen} if chosen else {}), 'organs': list(targets.names),
        'images': {'names': names, **{name: _or_null(array) for name, array in images.items()}},
        'scores': scores})
    return Evaluation(scores, info, targets, compared.left_out)


def _united(compared: Scored, probabilities: Optional[np.ndarray]) -> Optional[np.ndarray]:
    """Probabilities of the scored classes; None where there are none."""
    return None if probabilities is None else compared.united_probabilities(probabilities)


def _or_null(array: Optional[np.ndarray]) -> Optional[list]:
    """JSON knows no NaN."""
    return None if array is None else np.where(np.isnan(array), None, array).tolist()


def _write_overlays(path, pictures, counted, colours) -> None:
    """Rows of image, target, prediction, evenly chosen from the worst image to the best."""
    found = np.ma.masked_invalid(overlap.jaccard(counted)).mean(axis=1)
    order = np.argsort(found.filled(np.inf))  # nothing to find and nothing found is best
    picked = order[np.linspace(0, len(order) - 1, min(OVERLAY_ROWS, len(order))).round().astype(int)]
    rows = []
    for index in picked:
        image, target, predicted = pictures[index]
        grey = pixels.displayed(image)
        rows.append([sheets.to_rgb('image', grey, None), sheets.overlay(grey, target, colours),
                     sheets.overlay(grey, predicted, colours)])
    write_png(path, sheets.grid(rows, OVERLAY_TILE))
