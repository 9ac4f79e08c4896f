"""What the sections of a config that name data sets must fulfil: `data`, `sources`, `external`. No TensorFlow here."""
from __future__ import annotations

import re

from datasets.divisions import DIVISIONS, validates
from datasets.fitting import FITS
from datasets.images import GREY
from datasets.labels import RESERVED
from datasets.readers import READERS
from pipelines.plan import pseudo, transfers

SCORED = ('test', 'left_out')  # splits of the data set itself
RECORDS = ('train', 'validation', *SCORED, transfers.VALIDATION, pseudo.PSEUDO)  # names of records that no data set may have
AS_SEEN = ('channels', 'grey', 'fit', 'trim_borders')  # how pictures are shown; data sets of `external` take those of `data`
PARTS = ('all', 'train', 'validation', 'test')  # of an external data set
NAME = re.compile(r'\w+')         # of an arm or a segmenter: part of folder names
POSITIVE = ('size', 'augment', 'dots_size', 'dots_radius', 'memory_limit_mb')
CHOICES = {
    'dataset': READERS,
    'division': DIVISIONS,
    'channels': (1, 3),
    'grey': ('equal', *GREY),
    'fit': FITS,
    'noise': ('variance', 'std'),
    'augment_mode': ('separate', 'composed'),
}


def check(config, refuse) -> None:
    """Refuses, by `refuse(key, expected, found)`, data sets that could not be opened, learned from or scored."""
    _check_data(config.data, 'data', refuse)
    if config.data.unlabelled:
        refuse('data.unlabelled', 'false, for segmenters learn from labels; pictures alone can be one of sources', True)
    for name, data in config.sources.items():
        if not NAME.fullmatch(name) or name in RECORDS:
            refuse(f'sources.{name}', 'a name of letters, digits and _, other than those of splits', name)
        _check_data(data, f'sources.{name}', refuse)
    for name, data in config.external.items():
        _check_external(config, name, data, refuse)


def _check_data(data, section: str, refuse) -> None:
    for key, choices in CHOICES.items():
        if getattr(data, key) not in choices:
            refuse(f'{section}.{key}', f'one of {", ".join(map(str, choices))}', getattr(data, key))
    if not READERS[data.dataset].is_drawn and not data.source:
        refuse(f'{section}.source', f'the folder of the data set (--set {section}.source=DIR)', None)
    if data.field_of_view_mm is not None and (len(data.field_of_view_mm) != 2 or min(data.field_of_view_mm) <= 0):
        refuse(f'{section}.field_of_view_mm', 'height and width in mm, as [358.4, 358.4]', list(data.field_of_view_mm))
    for key in POSITIVE:
        if getattr(data, key) < 1:
            refuse(f'{section}.{key}', 'a number from 1 on', getattr(data, key))
    for key in ('num_train', 'num_test'):
        if getattr(data, key) is not None and getattr(data, key) < 1:
            refuse(f'{section}.{key}', 'a number from 1 on, or null for all there are', getattr(data, key))
    for key in ('draw', 'division_seed'):
        if getattr(data, key) < 0:
            refuse(f'{section}.{key}', 'a number from 0 on', getattr(data, key))
    if not 2 <= data.folds:
        refuse(f'{section}.folds', 'a number from 2 on', data.folds)
    if not 0 <= data.fold < data.folds:
        refuse(f'{section}.fold', f'0 to {data.folds - 1}, of {data.folds} folds', data.fold)
    if data.validation and DIVISIONS[data.division].fold(data) is None:
        refuse(f'{section}.validation', '0 unless data.division=folds', data.validation)
    if not 0 <= data.validation <= max(data.folds - 2, 0):
        refuse(f'{section}.validation', f'0 to {data.folds - 2} of {data.folds} folds, for one is tested and one '
               f'learned from', data.validation)


def _check_external(config, name: str, data, refuse) -> None:
    section = f'external.{name}'
    if not NAME.fullmatch(name) or name in (*RECORDS, *config.sources):
        refuse(section, 'a name of letters, digits and _, other than those of splits and sources', name)
    _check_data(data, section, refuse)
    if data.channels != config.data.channels:
        refuse(f'{section}.channels', f'that of data, {config.data.channels}, for which segmenters are', data.channels)
    if data.unlabelled:
        refuse(f'{section}.unlabelled', 'false, for nothing is scored without labels', True)
    if data.part not in PARTS:
        refuse(f'{section}.part', f'one of {", ".join(PARTS)}', data.part)
    if data.part == 'validation' and not validates(data):
        refuse(f'{section}.part', 'a part of its division, which has none for validation', data.part)
    check_targets(data.targets, f'{section}.targets', refuse)


def check_shown_alike(config, regime, splits, refuse) -> None:
    """Refuses to score a regime that brings a segmenter to `sources.target` on pictures of that very data set that are
    shown otherwise: what is scored would be no model that anybody gets."""
    there = config.sources.get(transfers.TARGET)
    for name in splits:
        data = config.external.get(name)
        if None in (there, data) or (data.dataset, data.source) != (there.dataset, there.source):
            continue
        for key in AS_SEEN:
            if getattr(data, key) != getattr(there, key):
                refuse(f'external.{name}.{key}', f'that of sources.{transfers.TARGET}, {getattr(there, key)}, whose pictures '
                       f'regime {regime.name} is for', getattr(data, key))


def check_targets(targets, key: str, refuse) -> None:
    """Refuses classes, of a segmenter or of an external data set, that could not be."""
    for name in targets or ():
        if not NAME.fullmatch(name) or name in RESERVED:
            refuse(f'{key}.{name}', f'a name of letters, digits and _, other than {" and ".join(RESERVED)}', name)
    if targets == {}:
        refuse(key, 'at least one class, or null for those of the data set', {})
