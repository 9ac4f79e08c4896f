"""quality/<method>.json as the report reads it, without TensorFlow."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

from datasets.errors import InputError
from datasets.files import read_json

KEYS = {'method', 'features', 'size', 'num_samples', 'num_train', 'held_out', 'scores',
        'scores_of_real', 'organs', 'copying', 'made_from'}
NEWEST = 'repeated_percent'  # of the scores: files of earlier versions are without
LATER = {'num_compared'}     # files that lack it are read: their sets were compared in unequal sizes


def read_quality(path) -> Dict[str, Any]:
    """What quality.measure_quality wrote; InputError where it is missing, damaged or another."""
    found, method = read_json(path), Path(path).stem
    if set(found) - LATER != KEYS or found['method'] != method or NEWEST not in found['scores']:
        raise InputError(f'{path}: expected the quality of the method {method}, found something '
                         f'else; remove it: run_experiment.py measures it again')
    return found
