"""What the public data sets of retinal vessels have in common: colours, observers, fields of view, missing masks.

Each holds photographs of the retina and the vessels that one or two observers drew in them. The first observer is the
reference. What the second one drew is a data set of its own, `<name>_second`: score it against the first
(pipelines/evaluation/observers.py), or a segmenter against either. Outside the field of view pixels are `ignored`.
"""
from __future__ import annotations

import pathlib
import re
from typing import Dict, List, Mapping, NamedTuple, Sequence

from datasets.errors import InputError
from datasets.fundus import field_of_view, read_field, read_fundus, told_outside
from datasets.images import what_else
from datasets.labels import UNLABELLED, VESSELS
from datasets.readers.folder import by_id
from datasets.sample import Dataset, Sample, check_split, read_masks
from datasets.splits import choose_ids, name_some

OBSERVERS = {1: 'first', 2: 'second'}

Files = Mapping[str, pathlib.Path]  # id -> its file


class Archive(NamedTuple):
    """What lies in an archive of one observer.

    Attributes:
      name: of the data set.
      root: the folder.
      pictures: of every id.
      masks: what the observer drew, of the ids that have it.
      parts: 'train' and 'test' -> ids that belong there; together those that somebody drew, or should have.
      observer: 1 or 2.
      looked_for: the files of masks, for messages.
      fields: given fields of view, of every id; none where they are found in the pictures.
      patients: id -> patient, where that is known.
    """
    name: str
    root: pathlib.Path
    pictures: Files
    masks: Files
    parts: Mapping[str, Sequence[str]]
    observer: int
    looked_for: str
    fields: Files = {}
    patients: Mapping[str, str] = {}


def root_of(source: str, roots: Sequence[str], marks: Sequence[str]) -> pathlib.Path:
    """The folder below (or of) `source` in which a file is that one of the glob patterns `marks` names; InputError
    if none is."""
    folder = pathlib.Path(source)
    if not folder.is_dir():
        raise InputError(f'--source (data.source) {source}: expected the folder of the data set, found none')
    for root in roots:
        if any(any((folder / root).glob(mark)) for mark in marks):
            return folder / root
    found = what_else(folder)
    packed = any(end in found for end in ('.zip', '.tar', '.gz', '.rar', '.7z'))
    raise InputError(f'{source}: found no pictures; looked for {", ".join(marks)}; found {found}'
                     + '; unpack them' * packed)


def files_in(folder: pathlib.Path, pattern: str, form: str, pass_over: str = '') -> Dict[str, pathlib.Path]:
    """id -> picture of a folder, the id being the group of the pattern that its name must match.

    Args:
      form: such a name, for messages.
      pass_over: pattern of names that are something else.

    Raises:
      InputError: a picture with another name.
    """
    found = {}
    for stem, path in by_id(folder).items():
        name = re.fullmatch(pattern, stem)
        if name:
            found[name.group(1)] = path
        elif not re.fullmatch(pass_over, stem):
            raise InputError(f'{path}: expected a name like {form}, found {stem!r}; take other pictures out of the '
                             f'folder')
    return found


def open_archive(archive: Archive, asked) -> Dataset:
    """The data set of one observer, or of the pictures alone; `asked`: readers.Request.

    Raises:
      InputError: no pictures of the split, or the observer's masks of some or of all of them are missing, or a given
        field of view is.
    """
    check_split(asked.split)
    parts = {part: ids for part, ids in archive.parts.items() if asked.split in (part, 'all')}
    wanted = tuple(id for ids in parts.values() for id in ids)
    if asked.unlabelled:
        stored = tuple(archive.pictures) if asked.split == 'all' else wanted
    else:
        stored = tuple(id for ids in parts.values() for id in _drawn(archive, ids))
    if not wanted:
        raise InputError(f'{archive.root}: found no pictures of {archive.name} for {asked.split}')
    bare = [id for id in (asked.ids or wanted) if id in archive.pictures and id not in archive.masks]
    if not asked.unlabelled and (not stored or asked.ids and bare):
        raise InputError(f'{archive.root}: expected the vessels that the {OBSERVERS[archive.observer]} observer drew, '
                         f'found none of {name_some(bare)}; looked for {archive.looked_for}; pictures alone are read '
                         f'with data.unlabelled=true (--unlabelled)')
    ids = choose_ids(sorted(stored), asked.ids, str(archive.root))
    without = tuple(id for id in wanted if id not in stored)
    without += tuple(sorted(set(archive.pictures) - {*wanted, *stored})) if asked.split == 'all' else ()
    for id in ids:
        if archive.fields and id not in archive.fields:
            raise InputError(f'{archive.root}: image {id} has no mask of its field of view, though others have')

    def load(id: str) -> Sample:
        return _load(id, archive, asked)

    def files(id: str) -> List[pathlib.Path]:
        rest = [] if asked.unlabelled else [archive.masks[id], *([archive.fields[id]] if archive.fields else [])]
        return [archive.pictures[id], *rest]

    note = (f'{archive.root}: {len(without)} pictures are without what the {OBSERVERS[archive.observer]} observer '
            f'drew, and are left out: {name_some(without, 3)}')
    name = archive.name + '_second' * (archive.observer == 2)
    return Dataset(f'{name}_{asked.split}', UNLABELLED if asked.unlabelled else VESSELS, ids, load, files=files,
                   patients={id: who for id, who in archive.patients.items() if id in archive.pictures},
                   has_ignored=not asked.unlabelled, notes=(note,) if without and asked.ids is None else (),
                   unlabelled=() if asked.unlabelled else without)


def _drawn(archive: Archive, ids: Sequence[str]) -> List[str]:
    """Those of a part with masks: all or none; InputError where some are missing."""
    there = [id for id in ids if id in archive.masks]
    missing = [id for id in ids if id not in archive.masks]
    if there and missing:
        raise InputError(f'{archive.root}: image {missing[0]} lacks what the {OBSERVERS[archive.observer]} observer '
                         f'drew ({len(missing)} in all do), though there is that of {there[0]}; looked for '
                         f'{archive.looked_for}; add it, or take the image out')
    return there


def _load(id: str, archive: Archive, asked) -> Sample:
    path = archive.pictures[id]
    image, colours = read_fundus(path, asked.channels, asked.grey)
    if asked.unlabelled:
        return Sample(id, image, {})
    masks = read_masks({'vessels': archive.masks[id]}, VESSELS)
    field = read_field(archive.fields[id]) if archive.fields else field_of_view(colours, path)
    files = {'mask of the vessels': (masks['vessels'], archive.masks[id]),
             'field of view': (field, archive.fields.get(id))}
    for what, (mask, file) in files.items():
        if mask.shape != image.shape[:2]:
            raise InputError(f'{file}: expected a {what} of the size of its picture, {image.shape[0]} x '
                             f'{image.shape[1]}, found {mask.shape[0]} x {mask.shape[1]}; take the original files: '
                             f'thin vessels do not survive resizing')
    return Sample(id, image, masks, ~field, told=told_outside(masks['vessels'], field))
