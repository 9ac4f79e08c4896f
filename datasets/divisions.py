"""How the images of a data set are divided into those to learn from, to choose by and to test, as a table.

A division asks the reader for a split of its own and picks ids from it. What it must not part are the
images of one patient. Another division is a function and a row.
"""
from __future__ import annotations

import functools
import itertools
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
      validates: settings -> whether a part of the learning images chooses the epoch and is not learned from.
      parts: settings -> (equal parts, of which one is tested; how many choose the epoch where some do); where files of
        ids say it, what is usual.
    """
    asks: Callable[[str], str]
    pick: Callable[[Sequence[str], Mapping[str, str], Any, str], Tuple[str, ...]]
    label: Callable[[Any], str]
    fold: Callable[[Any], Optional[int]] = lambda settings: None
    validates: Callable[[Any], bool] = lambda settings: False
    parts: Callable[[Any], Tuple[int, int]] = lambda settings: (5, 1)


def _official(ids, patients, settings, split: str) -> Tuple[str, ...]:
    return tuple(ids)


def _listed(ids, patients, settings, split: str) -> Tuple[str, ...]:
    """The parts are files of ids; that of validation may be missing."""
    if not (settings.train_ids and settings.test_ids):
        raise InputError('data.train_ids, data.test_ids: expected two files of ids, one a line, with '
                         'data.division=listed')
    named = {part: getattr(settings, f'{part}_ids') for part in ('train', 'validation', 'test')}
    parts = {part: read_ids(path) for part, path in named.items() if path}
    for one, other in itertools.combinations(parts, 2):
        check_disjoint(parts[one], parts[other], (one, other))
        shared = in_both(parts[one], parts[other], patients)
        if shared:
            raise InputError(f'data.{one}_ids, data.{other}_ids: expected all images of a patient in one of '
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


def _shares(ids, patients, settings, split: str, tenths: int) -> Tuple[str, ...]:
    """By patient those to learn from, to choose the epoch by and to test, in random order, once.

    So many tenths, rounded down, are tested and as many choose: with 60/20/20 of Montgomery's 138 there are 84, 27 and
    27, as Oliveira and dos Santos 2018 test 27. [ours] Their order is that of the sorted patients, shuffled.
    """
    units = sorted({patients.get(id, id) for id in ids})
    part = tenths * len(units) // 10
    if not part:
        raise InputError(f'data.division={settings.division}: expected at least {10 // tenths} patients, found '
                         f'{len(units)}')
    order = np.random.default_rng(settings.division_seed).permutation(len(units))
    first, last = {'test': (0, part), 'validation': (part, 2 * part), 'train': (2 * part, len(units))}[split]
    chosen = {units[i] for i in order[first:last]}
    return tuple(id for id in ids if patients.get(id, id) in chosen)


def validates(settings) -> bool:
    """Whether the division of a config's `data` has a part that chooses the epoch."""
    return DIVISIONS[settings.division].validates(settings)


def _label_of_folds(settings) -> str:
    """'5 folds', or '5 folds, 1 for validation'."""
    return f'{settings.folds} folds' + f', {settings.validation} for validation' * bool(settings.validation)


def _label_of_shares(settings) -> str:
    """'60/20/20', or '60/20/20, seed 1'."""
    return settings.division + f', seed {settings.division_seed}' * bool(settings.division_seed)


DIVISIONS: Dict[str, Division] = {
    'official': Division(lambda split: split, _official, lambda settings: 'official'),
    'listed': Division(lambda split: 'all', _listed, lambda settings: 'listed',
                       validates=lambda settings: bool(settings.validation_ids)),
    'folds': Division(lambda split: 'all', _folds, _label_of_folds, lambda settings: settings.fold,
                      lambda settings: bool(settings.validation), lambda settings: (settings.folds, settings.validation)),
    **{name: Division(lambda split: 'all', functools.partial(_shares, tenths=tenths), _label_of_shares,
                      validates=lambda settings: True, parts=lambda settings, tenths=tenths: (10 // tenths, 1))
       for name, tenths in (('60/20/20', 2), ('80/10/10', 1))},
}
