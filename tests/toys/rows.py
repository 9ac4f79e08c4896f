"""The rows that make the toys known; nothing else does."""
from __future__ import annotations

import math

from datasets import divisions, readers
from pipelines.plan import kinds, methods, segmenters
from pipelines.plan.methods import Method, Stage
from pipelines.scores import metrics
from tests.toys import kind, reader, segmenter

METHOD = Method('toy', '9', 'Toy', (
    Stage('shape', 'toygan', None, ('labels',), 'toy_shape'),
    Stage('look', 'toygan', 'labels', ('image',), 'toy_look', reads=('train', 'elsewhere'))), rank=9)


def _thirds(ids, patients, settings, split):
    """Every third image is tested."""
    return tuple(id for number, id in enumerate(ids) if (number % 3 == 0) == (split == 'test'))


def _area_error(counts):
    """| |P| - |T| | / |T| in per cent."""
    right, invented, missed = counts[..., 0], counts[..., 1], counts[..., 2]
    return 100 * abs(invented - missed) / (right + missed).clip(1)


ROWS = [
    (kinds.KINDS, 'toygan', kinds.Kind(kind.Settings, 'tests.toys.stage', kind.check, kind.POSITIVE)),
    (methods.METHODS, 'toy', METHOD),
    (segmenters.SEGMENTERS, 'toynet', segmenters.Segmenter(
        'tests.toys.segmenter:build', segmenter.Options, segmenters.Sides(words='any number'),
        updates='tests.toys.segmenter:updates', helpers='tests.toys.segmenter:helpers')),
    (readers.READERS, 'toys', readers.Reader(reader.open_toy, is_drawn=True)),
    (divisions.DIVISIONS, 'thirds', divisions.Division(lambda split: 'all', _thirds,
                                                       lambda settings: 'thirds')),
    (metrics.METRICS, 'area_error', metrics.Metric('area error', 'counts', _area_error, highest=math.inf)),
]
