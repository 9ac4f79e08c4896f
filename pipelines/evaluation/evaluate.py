"""Scores an exported segmenter on records and draws what it did.

Every image goes through the SavedModel by itself, at the size of the records, so that the figures
are those of the artefact that users get, and `predict.py` draws the same.
"""
from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from datasets import records
from datasets.files import write_json, write_png
from pipelines.data import pixels, sheets
from pipelines.runtime import progress
from pipelines.scores import bootstrap, overlap, surface
from pipelines.scores.results import versions
from pipelines.serving import export

OVERLAY_ROWS = 6
OVERLAY_TILE = 256


class Evaluation(NamedTuple):
    """`scores` as in results.py, of the records that `info` describes."""
    scores: dict
    info: records.Info


def evaluate(model, records_directory, output, overlays=None) -> Evaluation:
    """Scores `model` on all records; writes a JSON file and, if asked, a sheet of overlays.

    Args:
      output: JSON with names, a confusion matrix and surface distances per image, and scores.
      overlays: PNG with the columns image, target, prediction: worst to best average J.

    Raises:
      InputError: no model, no records, or the two do not name the same classes.
    """
    segment, info = export.load_segmenter_for(model, records_directory)
    names, confusions, measured, pictures = [], [], [], []
    for row in progress.bar(records.read(info), total=info.count, desc='evaluate',
                            unit='image'):
        target = info.coding.projection[row['labels']]
        predicted = segment(tf.cast(row['image'], tf.float32)[None])['class_map'][0].numpy()
        names.append(Path(row['name'].decode()).stem)
        confusions.append(overlap.confusion_matrix(target, predicted, info.coding.num_classes))
        if info.spacing_mm:
            measured.append(surface.surface_distances(target, predicted, info.coding.num_classes,
                                                      info.spacing_mm))
        pictures.append((row['image'], target, predicted) if overlays else None)
    confusions, measured = np.stack(confusions), np.round(measured, 3) if measured else None
    scores = scores_of(confusions, measured, info.coding.targets)
    if overlays:  # before the scores, whose file says that the evaluation is complete
        _write_overlays(overlays, pictures, confusions, info.coding.class_colours)
    write_json(output, {
        'model': str(model), 'records': str(records_directory), 'size': info.size,
        'versions': versions(), 'spacing_mm': info.spacing_mm,
        'library': surface.LIBRARY if info.spacing_mm else None,
        'organs': list(info.coding.targets),
        'images': {'names': names, 'confusions': confusions.tolist(),
                   'distances': None if measured is None else _or_null(measured)},
        'scores': scores})
    return Evaluation(scores, info)


def scores_of(confusions: np.ndarray, measured, organs) -> dict:
    """All scores of a set of images: {metric: {organ or 'average': [value, low, high]}}.

    Args:
      confusions: [images, C, C], pixels.
      measured: [images, organs, 2] as surface.surface_distances gives them, or None.
    """
    values = {**overlap.pooled_scores(confusions, organs),
              **overlap.per_image_scores(confusions, organs)}
    bounds = {'jaccard_pooled': _pooled_bounds(confusions, organs, overlap.jaccard),
              'dice_pooled': _pooled_bounds(confusions, organs, overlap.dice)}
    of_images = {'jaccard_per_image': overlap.jaccard(confusions)[:, 1:],
                 'dice_per_image': overlap.dice(confusions)[:, 1:]}
    if measured is not None:
        values.update(overlap.mean_distances(measured, organs))
        of_images.update(hd95_mm=measured[..., 0], assd_mm=measured[..., 1])
    bounds.update({name: overlap.intervals(array, organs) for name, array in of_images.items()})
    scores: dict = {}
    for (metric, organ), value in values.items():
        scores.setdefault(metric, {})[organ] = [
            round(float(v), 4) for v in (value, *bounds[metric].get(organ, ()))]
    return scores


def _pooled_bounds(confusions: np.ndarray, organs, metric) -> dict:
    try:
        found = bootstrap.pooled_interval(confusions[None], organs, metric)
    except ValueError:  # fewer than two images that show an organ
        return {}
    return {organ: (interval.low, interval.high) for organ, interval in found.items()}


def _or_null(array: np.ndarray) -> list:
    """JSON knows no NaN."""
    return np.where(np.isnan(array), None, array).tolist()


def _write_overlays(path, pictures, confusions, colours) -> None:
    """Rows of image, target, prediction, evenly chosen from the worst image to the best."""
    order = np.argsort(np.nanmean(overlap.jaccard(confusions)[:, 1:], axis=1))
    picked = order[np.linspace(0, len(order) - 1, min(OVERLAY_ROWS, len(order))).round().astype(int)]
    rows = []
    for index in picked:
        image, target, predicted = pictures[index]
        grey = pixels.displayed(image)
        rows.append([sheets.to_rgb('image', grey, None), sheets.overlay(grey, target, colours),
                     sheets.overlay(grey, predicted, colours)])
    write_png(path, sheets.grid(rows, OVERLAY_TILE))
