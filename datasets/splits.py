"""Lists of ids: which images belong to which split."""
from __future__ import annotations

import collections
import pathlib
import re
import unicodedata
from typing import Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from datasets.errors import InputError
from datasets.sample import SPLITS

NAMED = 5
COMMENT = re.compile(r'(?:^|\s)#')


def read_ids(path: Union[str, pathlib.Path]) -> Tuple[str, ...]:
    """Reads a text file of ids, one a line; `#` at the start of a line or behind a space begins a comment.

    Names are compared as they are composed (NFC), whichever way a system stored them. Duplicates are an
    InputError.
    """
    try:
        lines = pathlib.Path(path).expanduser().read_text(encoding='utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'{path}: expected a text file of ids, one a line: {error}') from error
    ids = tuple(normal(line) for line in (COMMENT.split(line)[0].strip() for line in lines) if line)
    if not ids:
        raise InputError(f'{path}: expected ids, one a line, found none')
    _check_unique(ids, str(path))
    return ids


def listed_ids(source: pathlib.Path, split: str, stored: Sequence[str]) -> Tuple[str, ...]:
    """Ids of <split>.txt in a folder, which must share none with the other split's list; all of `stored` for 'all'."""
    lists = {name: source / f'{name}.txt' for name in SPLITS}
    if split == 'all':
        return tuple(stored)
    if not lists[split].is_file():
        raise InputError(f'{source}: which images are for {split}? Write their ids into '
                         f'{lists[split]}, one a line, or give ids; or choose another data.division than official')
    if all(path.is_file() for path in lists.values()):
        check_disjoint(read_ids(lists['train']), read_ids(lists['test']))
    return read_ids(lists[split])


def check_disjoint(train_ids: Iterable[str], test_ids: Iterable[str], names: Sequence[str] = SPLITS) -> None:
    """Raises InputError if an id stands in both splits; `names` are theirs."""
    both = sorted(set(train_ids) & set(test_ids))
    if both:
        raise InputError(f'ids {name_some(both)} are in {names[0]} and in {names[1]}; a test image must '
                         'not be trained on: take them out of one')


def in_both(train_ids: Iterable[str], test_ids: Iterable[str], patients: Mapping[str, str]) -> List[str]:
    """The patients with images on both sides, of those whose patient is known."""
    sides = ({patients[id] for id in ids if id in patients} for ids in (train_ids, test_ids))
    return sorted(set.intersection(*sides))


def choose_ids(known: Sequence[str], ids: Optional[Sequence[str]], source: str, *notes: str) -> Tuple[str, ...]:
    """Returns `ids`, all of which must be known and different; all known ones if ids is None.

    `notes` are told with ids that are not known: what else lies there.
    """
    if ids is None:
        return tuple(known)
    _check_unique(ids, f'ids for {source}')
    unknown = sorted(set(ids) - set(known))
    if unknown:
        stems = set(known) & {id.rpartition('.')[0] for id in unknown}
        raise InputError(f'{source}: unknown ids {name_some(unknown)}; {len(known)} are known, '
                         f'such as {name_some(known[:2])}' + '; ids are names without their ending' * bool(stems)
                         + ''.join(f'; {note}' for note in notes))
    return tuple(ids)


def normal(name: str) -> str:
    """A name as it is compared: composed (NFC), as a Mac's file system does not store it."""
    return unicodedata.normalize('NFC', name)


def name_some(ids: Sequence[str], most: int = NAMED) -> str:
    """The first few ids for a message, and how many more there are."""
    more = len(ids) - most
    return ', '.join(ids[:most]) + (f' and {more} more' if more > 0 else '')


def _check_unique(ids: Sequence[str], source: str) -> None:
    twice = sorted(id for id, count in collections.Counter(ids).items() if count > 1)
    if twice:
        raise InputError(f'{source}: expected each id once, found {name_some(twice)} more than '
                         'once')
