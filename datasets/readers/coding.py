"""Reads coding.yaml: what the structures of a folder data set are, and how its files say so.

Its keys are in the docstring of datasets/readers/folder.py.
"""
from __future__ import annotations

import pathlib
from typing import Any, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from datasets.errors import InputError
from datasets.files import read_yaml
from datasets.labels import BACKGROUND_COLOUR, RESERVED, Code, LabelCoding, is_name

# qualitative colours that stay apart on black; repeated where a coding has more codes
PALETTE = ((66, 135, 245), (52, 199, 123), (235, 87, 87), (242, 201, 76), (187, 107, 217),
           (86, 204, 242), (242, 153, 74), (250, 225, 160))
KEYS = ('organs', 'codes', 'colours', 'targets', 'left_right', 'optional', 'scattered', 'values', 'ignore')
MOST_FOUND = 6  # values of a picture that a message names

Path = Union[str, pathlib.Path]


class Coding(NamedTuple):
    """A coding with what pictures of labels hold for it.

    Attributes:
      coding: what codes mean.
      values: what a picture holds for code 0, 1, 2, ...
      ignore: what it holds where nobody knows; None = nothing.
    """
    coding: LabelCoding
    values: Tuple[int, ...]
    ignore: Optional[int]

    def codes_of(self, stored: np.ndarray, source: str) -> Tuple[np.ndarray, Optional[np.ndarray]]:
        """A picture of labels uint8 [H, W] -> (codes uint8 [H, W], ignored bool [H, W] or None).

        Raises:
          InputError: it holds values that are none of these.
        """
        found = np.unique(stored)
        known = [*self.values, *([] if self.ignore is None else [self.ignore])]
        odd = [int(value) for value in found if value not in known]
        if odd:
            words = ', '.join(map(str, found[:MOST_FOUND])) + (', ...' if len(found) > MOST_FOUND else '')
            raise InputError(f'{source}: label code {odd[0]} is out of range: expected of {known} for the '
                             f'background and {", ".join("+".join(c.organs) for c in self.coding.codes[1:])}, '
                             f'found {words}; say in coding.yaml what a picture holds, as values: [0, 100, '
                             f'200], and ignore: for a value of pixels that nobody knows')
        table = np.zeros(256, np.uint8)
        table[list(self.values)] = np.arange(len(self.values))
        return table[stored], None if self.ignore is None else stored == self.ignore


def plain_coding(name: str, organs: Sequence[str], values: Sequence[int], ignore: Optional[int] = None) -> Coding:
    """A code for each organ and nothing more; `values` are what pictures hold for the background and then for each."""
    codes = [Code((), BACKGROUND_COLOUR, None)] + [
        Code((organ,), PALETTE[number % len(PALETTE)], organ) for number, organ in enumerate(organs)]
    return Coding(LabelCoding(name, tuple(organs), tuple(codes), tuple(organs)), tuple(values), ignore)


def read_coding(path: Path) -> Coding:
    """Reads a coding.yaml.

    Raises:
      InputError: it is not there, no YAML, or says what it cannot; unknown keys are refused.
    """
    path = pathlib.Path(path)
    try:
        data = read_yaml(path)
    except ValueError as error:
        raise InputError(f'{path}: expected YAML that lists the organs, as organs: [left_lung, right_lung]: '
                         f'{error}') from None
    if not isinstance(data, dict) or 'organs' not in data:
        raise InputError(f'{path}: expected the key organs, a list of names; known keys are '
                         f'{", ".join(KEYS)}')
    for key in data:
        if key not in KEYS:
            raise InputError(f'{path}: unknown key {key!r}; known keys are {", ".join(KEYS)}')
    organs = _names(data['organs'], path, 'organs')
    codes = [_names(code, path, 'codes') for code in
             _list(data.get('codes', [[organ] for organ in organs]), path, 'codes')]
    targets = _names(data.get('targets', list(organs)), path, 'targets')
    optional, scattered = (_names(data[key], path, key) if data.get(key) else ()
                           for key in ('optional', 'scattered'))
    pairs = [_names(pair, path, 'left_right') for pair in
             _list(data.get('left_right', []), path, 'left_right')]
    if any(len(pair) != 2 for pair in pairs):
        raise InputError(f'{path}: left_right: expected pairs [left organ, right organ], found '
                         f'{data["left_right"]}')
    named = [Code((), BACKGROUND_COLOUR, None)]
    for code, colour in zip(codes, _colours(data, len(codes), path)):
        # where organs overlap, the first target of a code is what segmentation should predict
        named.append(Code(code, colour, next((organ for organ in code if organ in targets), None)))
    values, ignore = _values(data, len(named), path)
    try:
        coding = LabelCoding(path.parent.resolve().name, organs, tuple(named), targets, tuple(pairs),
                             optional, scattered)
    except InputError as error:
        raise InputError(f'{path}: {error}') from error
    return Coding(coding, values, ignore)


def _values(data: dict, num_codes: int, path: Path) -> Tuple[Tuple[int, ...], Optional[int]]:
    values, ignore = data.get('values', list(range(num_codes))), data.get('ignore')
    if (len(_list(values, path, 'values')) != num_codes or not all(map(_is_grey, values))
            or len(set(values)) != num_codes):
        raise InputError(f'{path}: values: expected {num_codes} different numbers of 0 to 255, that of the '
                         f'background and then one for each code, found {values!r}')
    if ignore is not None and (not _is_grey(ignore) or ignore in values):
        raise InputError(f'{path}: ignore: expected a number of 0 to 255 that is none of the codes\' '
                         f'{values}, found {ignore!r}')
    return tuple(values), ignore


def _colours(data: dict, count: int, path: Path) -> list:
    if 'colours' not in data:
        return [PALETTE[i % len(PALETTE)] for i in range(count)]
    colours = [_colour(colour, path) for colour in _list(data['colours'], path, 'colours')]
    if len(colours) != count:
        raise InputError(f'{path}: expected {count} colours, one per code after the background, found '
                         f'{len(colours)}')
    return colours


def _list(value: Any, path: Path, key: str) -> list:
    if not isinstance(value, list):
        raise InputError(f'{path}: {key}: expected a list, found {value!r}')
    return value


def _names(value: Any, path: Path, key: str) -> Tuple[str, ...]:
    """A list of different names, as they can be folders; at least one."""
    names = _list(value, path, key)
    plain = all(isinstance(name, str) and is_name(name) for name in names)
    if not names or not plain or len(set(names)) != len(names):
        raise InputError(f'{path}: {key}: expected a list of different names, none of them '
                         f'{" or ".join(reversed(RESERVED))}, found {value!r}')
    return tuple(names)


def _colour(value: Any, path: Path) -> Tuple[int, int, int]:
    numbers = _list(value, path, 'colours')
    if len(numbers) != 3 or not all(map(_is_grey, numbers)):
        raise InputError(f'{path}: colours: expected [red, green, blue] of 0 to 255, found '
                         f'{value!r}')
    return tuple(numbers)


def _is_grey(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 255
