"""What a data set holds, as digests: of each picture with its masks, as they are decoded.

The place of a file and the way it was compressed are no part of it. A digest is kept by the sizes and times
of change of the files that it was taken of, so that asking again reads no picture.
"""
from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Dict, Tuple

import numpy as np

from datasets.depths import as_deep
from datasets.errors import InputError
from datasets.files import digest, read_json, write_json
from datasets.sample import Dataset, Sample

CACHE = '.digests.json'


class Digests:
    """Digests of samples with their cache, a file in `folder`; a damaged one is made anew."""

    def __init__(self, folder):
        self.path = Path(folder) / CACHE
        try:
            self.known = read_json(self.path)
        except InputError:
            self.known = {}
        self.is_changed = False

    def watched(self, dataset: Dataset) -> Dataset:
        """The data set; of every sample that it loads the digest is taken along."""
        def load(id: str) -> Sample:
            sample = dataset.load(id)
            if dataset.files(id):
                self._keep(dataset, id, sample)
            return sample
        return dataset._replace(load=load)

    def of(self, dataset: Dataset, id: str) -> Tuple[str, str]:
        """(of one sample, of its picture alone), read only where its files are others than they were."""
        if not self.is_known(dataset, id):
            self._keep(dataset, id, dataset.load(id))
        return tuple(self.known[self._stamps(dataset, id)[0]][1:])

    def is_known(self, dataset: Dataset, id: str) -> bool:
        """Whether its files are those that the digest was taken of."""
        key, stamps = self._stamps(dataset, id)
        entry = self.known.get(key)
        return isinstance(entry, list) and len(entry) == 3 and entry[0] == stamps

    def save(self) -> None:
        """Writes the cache, where there is something new and the folder is there."""
        if self.is_changed and self.path.parent.is_dir():
            write_json(self.path, self.known)
            self.is_changed = False

    def _keep(self, dataset: Dataset, id: str, sample: Sample) -> None:
        key, stamps = self._stamps(dataset, id)
        self.known[key] = [stamps, of_sample(sample), of_sample(Sample(id, as_deep(sample.image), {}))]
        self.is_changed = True

    def _stamps(self, dataset: Dataset, id: str):
        files = [Path(path) for path in dataset.files(id)]
        facts = [path.stat() for path in files]
        alone = '' if dataset.coding.is_labelled else ', alone'  # the same picture may be asked for with its masks
        return (f'{id} {files[0].absolute()}{alone}', [[path.name, fact.st_size, fact.st_mtime_ns]
                                                for path, fact in zip(files, facts)])


def of_sample(sample: Sample) -> str:
    """Hex sha256 of a picture, of every mask and of what else there is."""
    found = hashlib.sha256()
    arrays = [('image', sample.image), *sorted(sample.masks.items())]
    arrays += [] if sample.ignored is None else [('', sample.ignored)]
    arrays += [] if sample.bone_suppressed is None else [('bone-suppressed', sample.bone_suppressed)]
    for name, array in arrays:
        found.update(f'{name} {array.dtype} {array.shape} '.encode())
        found.update(np.ascontiguousarray(array))
    return found.hexdigest()


def contents(dataset: Dataset, digests: Digests, bar=lambda ids: ids) -> Dict[str, object]:
    """All of a data set on which records of it depend, as plain data.

    Args:
      bar: (ids that have to be read) -> the same, with progress.

    Returns:
      `ids`, in their order; `coding`; `field_of_view_mm`, of all or, where they differ, by id, and `is_at_detector`,
      where it is so; `samples`: id -> digest, of those with files.
    """
    with_files = [id for id in dataset.ids if dataset.files(id)]
    for id in bar([id for id in with_files if not digests.is_known(dataset, id)]):
        digests.of(dataset, id)
    samples = {id: digests.of(dataset, id)[0] for id in with_files}
    digests.save()
    coding = {**dataset.coding.to_dict(), 'name': ''}  # which may be that of the folder
    return json.loads(json.dumps({
        'ids': list(dataset.ids), 'coding': digest(coding),
        'field_of_view_mm': {id: dataset.spacings_mm[id] for id in dataset.ids} if dataset.spacings_mm
        else dataset.field_of_view_mm, 'samples': samples,
        **({'is_at_detector': True} if dataset.is_at_detector else {})}))


def check_apart(dataset: Dataset, other: Dataset, digests: Digests, keys: Tuple[str, str]) -> None:
    """InputError where one picture stands in both data sets, if under two names, at another depth or compressed anew without
    losses; drawn ones by their ids.

    Args:
      keys: what the two are called where they were asked for; for the message.
    """
    def pictures(of):
        return {digests.of(of, id)[1] if of.files(id) else id: id for id in of.ids}

    ours, theirs = pictures(dataset), pictures(other)
    shared = sorted(ours.keys() & theirs.keys(), key=lambda key: ours[key])
    if shared:
        raise InputError(f'{keys[0]}: {dataset.name} and {other.name} ({keys[1]}): {ours[shared[0]]} and '
                         f'{theirs[shared[0]]} are the same picture ({len(shared)} in all): a test picture must not be '
                         f'trained on')
