"""How the images of a data set are divided into those to learn from, to choose by and to test, as a table.

A division asks the reader for a split of its own and picks ids from it. What it must not part are the
images of one patient. Another division is a function and a row.
"""
from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from datasets.errors import InputError
from datasets.splits import check_disjoint, choose_ids, in_both, read_ids


class Division(NamedTuple):
    """One way to divide.

    Attributes:
      asks: 'train' or 'test' -> the split that the reader is asked for, see readers.Request.
      pick: (ids, patients, settings, 'train' or 'test') -> the ids of that part, in their order; where
        there are several folds also 'validation'; settings are the config's `data`; `patients` is id ->
        patient, of those whose patient is known.
      label: settings -> its name in results, which tells it from others.
      fold: settings -> which of several parts is tested; None where there is one only.
    """
    asks: Callable[[str], str]
    pick: Callable[[Sequence[str], Mapping[str, str], Any, str], Tuple[str, ...]]
    label: Callable[[Any], str]
    fold: Callable[[Any], Optional[int]] = lambda settings: None


def _official(ids, patients, settings, split: str) -> Tuple[str, ...]:
    return tuple(ids)


def _listed(ids, patients, settings, split: str) -> Tuple[str, ...]:
    """Both parts are files of ids."""
    if not (settings.train_ids and settings.test_ids):
        raise InputError('data.train_ids, data.test_ids: expected two files of ids, one a line, with '
                         'data.division=listed')
    parts = {'train': read_ids(settings.train_ids), 'test': read_ids(settings.test_ids)}
    check_disjoint(parts['train'], parts['test'])
    shared = in_both(parts['train'], parts['test'], patients)
    if shared:
        raise InputError(f'data.train_ids, data.test_ids: expected all images of a patient in one of '
                         f'them, found patient {shared[0]} in both')
    return choose_ids(ids, parts[split], f'data.{split}_ids')


def _folds(ids, patients, settings, split: str) -> Tuple[str, ...]:
    """The patients in random order, cut into `folds` parts of equal size; `fold` is tested.

    [ours] The order is that of the sorted patients shuffled with seed 0: the papers print no ids. The
    `validation` parts behind the tested one, in a ring, are for validation: each part is so once.
    """
    units = sorted({patients.get(id, id) for id in ids})
    if settings.folds > len(units):
        raise InputError(f'data.folds: expected at most the {len(units)} patients there are, found '
                         f'{settings.folds}')
    order = np.random.default_rng(0).permutation(len(units))
    part_of = {units[i]: (part - settings.fold) % settings.folds  # 0 is tested
               for part, chosen in enumerate(np.array_split(order, settings.folds)) for i in chosen}
    first, last = {'test': (0, 0), 'validation': (1, settings.validation),
                   'train': (settings.validation + 1, settings.folds)}[split]
    return tuple(id for id in ids if first <= part_of[patients.get(id, id)] <= last)


def _label_of_folds(settings) -> str:
    """'5 folds', or '5 folds, 1 for validation'."""
    return f'{settings.folds} folds' + f', {settings.validation} for validation' * bool(settings.validation)


DIVISIONS: Dict[str, Division] = {
    'official': Division(lambda split: split, _official, lambda settings: 'official'),
    'listed': Division(lambda split: 'all', _listed, lambda settings: 'listed'),
    'folds': Division(lambda split: 'all', _folds, _label_of_folds, lambda settings: settings.fold),
}
