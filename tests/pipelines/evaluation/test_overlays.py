"""The pictures of an evaluation: from the worst to the best, and without a word of those in which there is nothing."""
import warnings

import numpy as np

from datasets.images import read_picture
from pipelines.evaluation import evaluate


def test_where_nothing_is_and_nothing_is_found_is_best(tmp_path, monkeypatch):
    """0/0 has no J: no warning of an empty mean, and the last row."""
    empty = np.zeros((8, 8), np.uint8)
    pictures = [(np.full((8, 8, 1), grey, np.uint8), empty, empty) for grey in (10, 20, 30)]
    counted = np.array([[[0, 0, 0]], [[3, 1, 0]], [[0, 5, 2]]])  # right, invented, missed, of one class
    shown = []
    displayed = evaluate.pixels.displayed
    monkeypatch.setattr(evaluate.pixels, 'displayed', lambda image: shown.append(image.max()) or displayed(image))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        evaluate._write_overlays(tmp_path / 'a.png', pictures, counted, np.zeros((2, 3), np.uint8))
    assert shown == [30, 20, 10] and read_picture(tmp_path / 'a.png', 3).ndim == 3
