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
from datasets.errors import InputError
from datasets.files import write_json, write_png
from pipelines import export, metrics, preprocess, progress, sheets

OVERLAY_ROWS = 6
OVERLAY_TILE = 256


class Evaluation(NamedTuple):
    """Scores in per cent and their intervals, see metrics; `info` of the records scored."""
    scores: dict
    intervals: dict
    info: records.Info


def evaluate(model, records_directory, output, overlays=None) -> Evaluation:
    """Scores `model` on all records; writes a JSON file and, if asked, a sheet of overlays.

    Args:
      output: JSON with names, one confusion matrix per image, scores and intervals.
      overlays: PNG with the columns image, target, prediction: worst to best average J.

    Raises:
      InputError: no model, no records, or the two do not name the same classes.
    """
    segment, description = export.load_segmenter(model)
    info = records.read_info(records_directory)
    classes = ['background', *info.coding.targets]
    if description['classes'] != classes:
        raise InputError(f'--records {records_directory}: expected the classes of the model, '
                         f'{description["classes"]}, found {classes}')
    names, confusions, pictures = [], [], []
    for row in progress.bar(records.read(info), total=info.count, desc='evaluate',
                            unit='image'):
        target = info.coding.projection[row['labels']]
        predicted = segment(tf.cast(row['image'], tf.float32)[None])['class_map'][0].numpy()
        names.append(Path(row['name'].decode()).stem)
        confusions.append(metrics.confusion_matrix(target, predicted, info.coding.num_classes))
        pictures.append((row['image'], target, predicted) if overlays else None)
    confusions = np.stack(confusions)
    scores = metrics.pooled_scores(confusions, info.coding.targets)
    per_image, intervals = metrics.per_image_scores(confusions, info.coding.targets)
    scores = {**scores, **per_image}
    if overlays:  # before the scores, whose file says that the evaluation is complete
        _write_overlays(overlays, pictures, confusions, info.coding.class_colours)
    write_json(output, {
        'model': str(model), 'records': str(records_directory), 'size': info.size,
        'classes': classes, 'names': names, 'confusions': confusions.tolist(),
        'scores': [{'metric': m, 'organ': o, 'value': v, 'interval_95': intervals.get((m, o))}
                   for (m, o), v in scores.items()]})
    return Evaluation(scores, intervals, info)


def _write_overlays(path, pictures, confusions, colours) -> None:
    """Rows of image, target, prediction, evenly chosen from the worst image to the best."""
    order = np.argsort(np.nanmean(metrics.jaccard(confusions)[:, 1:], axis=1))
    picked = order[np.linspace(0, len(order) - 1, min(OVERLAY_ROWS, len(order))).round().astype(int)]
    rows = []
    for index in picked:
        image, target, predicted = pictures[index]
        grey = preprocess.displayed(image)
        rows.append([sheets.to_rgb('image', grey, None), sheets.overlay(grey, target, colours),
                     sheets.overlay(grey, predicted, colours)])
    write_png(path, sheets.grid(rows, OVERLAY_TILE))
