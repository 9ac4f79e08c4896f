"""Which images a config asks for: opens its data set and takes a part of it. Reads no picture."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Sequence, Tuple

import numpy as np

from datasets.divisions import DIVISIONS
from datasets.errors import InputError
from datasets.readers import Request, open_dataset
from datasets.sample import Dataset
from datasets.splits import in_both, read_ids
from pipelines.plan.config import Config, Data
from pipelines.plan.pseudo import PSEUDO, UNLABELLED
from pipelines.plan.transfers import VALIDATION
from pipelines.runtime.seeds import stable_seed

NUM_LEFT_OUT = 113      # phantoms, as many as the paper's draw of 11 leaves of JSRT's 124


def open_split(config: Config, split: str) -> Dataset:
    """The images of one split that a config asks for.

    Args:
      split: 'train', of which TINY draws its few at random; pseudo.PSEUDO, the pictures that a teacher labels; 'validation',
        the folds that choose an epoch; 'left_out', the learning images that were not drawn (nor are in `sources.unlabelled`),
        on which choices are made; 'test'; or a name of the config's `sources`: the learning images of that data set; or one of `external`; or
        transfers.VALIDATION, what chooses the epoch at the other hospital.

    Raises:
      InputError: see the readers and the divisions; keys are those of the section that says which data set it is.
    """
    section = config.section_of(split)
    if section == 'data':
        return _open_split(config, split)
    try:
        return _open_split(config, split)
    except InputError as error:
        raise InputError(re.sub(r'\bdata\.(?=[a-z])', f'{section}.', str(error))) from None


def _open_split(config: Config, split: str) -> Dataset:
    if split in config.external:
        data = config.external[split]
        count = data.num_train if data.part == 'train' else data.num_test  # of drawn pictures
        return _opened(data, data.part, config.evaluation.size, count)
    if split == PSEUDO:
        return _without(_drawn(config.data_of(split), config.data.size), open_split(config, 'train'))
    if split in config.sources:
        return _drawn(config.sources[split], config.data.size)
    if split == 'test':
        return _opened(config.data, 'test', config.evaluation.size, config.data.num_test)
    if split == 'train':
        return _drawn(config.data, config.data.size, config.data.bone_suppressed)
    if split in ('validation', VALIDATION):
        data = config.data_of(split)
        return _opened(data, 'validation', config.data.size, data.num_train)
    dataset = _left_out(config)
    if not dataset.ids:
        raise InputError('score: left_out: expected learning images that were not drawn, found '
                         'none; lower data.num_train (and sources.unlabelled.num_train) or score on test only')
    return dataset


def has_left_out(config: Config) -> bool:
    """Whether a draw was asked for and leaves learning images out."""
    data = config.data
    named = data.division == 'official' and data.train_ids
    return bool(data.num_train or named) and bool(_left_out(config).ids)


def draw_ids(ids: Sequence[str], count: int, draw: int) -> Tuple[str, ...]:
    """`count` ids at random (TINY: 11 of 124), in their own order; a function of (ids, draw)."""
    if count > len(ids):
        raise InputError(f'data.num_train: expected at most the {len(ids)} learning images there '
                         f'are, found {count}')
    rng = np.random.default_rng(stable_seed(draw, 'draw'))
    return tuple(ids[i] for i in sorted(rng.choice(len(ids), count, replace=False)))


def labelled_ids(ids: Sequence[str], share: float, seed: int) -> Tuple[str, ...]:
    """Those of which labels are learned from, of `share` per cent, in their own order: the head of one random order,
    so that fewer are a part of more.

    Raises:
      InputError: a share that is not even one of them.
    """
    count = int(share * len(ids) / 100 + 1e-9)
    if share and not count:
        raise InputError(f'labelled (of the matrix, --labelled or transfer.labelled): expected 0, or at least '
                         f'{100 / len(ids):.3g} %, which is 1 of the {len(ids)} learning images of the other hospital, '
                         f'found {share:g} %')
    order = np.random.default_rng(stable_seed(seed, 'labelled')).permutation(len(ids))
    return tuple(ids[i] for i in sorted(order[:count]))


def check_patients(train: Dataset, test: Dataset) -> None:
    """InputError where a patient has pictures on both sides."""
    shared = in_both(train.ids, test.ids, {**train.patients, **test.patients})
    if shared:
        raise InputError(f'{train.name} and {test.name}: patient {shared[0]} has pictures in both '
                         f'({len(shared)} in all do): put all of a patient on one side, or set '
                         f'data.division=folds')


def _opened(data: Data, part: str, size: int, count=None, ids=None, bone_suppressed: bool = False) -> Dataset:
    """The train or test part of a data set, as its division has it."""
    division = DIVISIONS[data.division]
    split = division.asks(part)
    if split == 'all':  # of drawn pictures as many as both parts are to have
        count = None if None in (data.num_train, data.num_test) else data.num_train + data.num_test
    dataset = open_dataset(data.dataset, Request(
        data.source, split, ids, data.channels, data.grey, data.unlabelled, count, size,
        data.draw if split == 'train' else 0, bone_suppressed, data.organ))
    every = (*dataset.ids, *dataset.unlabelled)
    picked = every if part == 'all' else division.pick(every, dataset.patients, data, part)
    return _labelled(dataset, picked, part)._replace(
        field_of_view_mm=data.field_of_view_mm or dataset.field_of_view_mm)


def _labelled(dataset: Dataset, picked: Sequence[str], part: str) -> Dataset:
    """Those of the ids of a part whose pictures are labelled, or of an unlabelled set all."""
    known = set(dataset.ids)
    ids = tuple(id for id in picked if id in known)
    if picked and not ids:
        raise InputError(f'{dataset.name}: expected pictures of {part} with labels, found none among {len(picked)}; '
                         f'choose another division')
    return dataset._replace(ids=ids)


def _drawn(data: Data, size: int, bone_suppressed: bool = False) -> Dataset:
    """The learning images, those of a list or of a random draw where one is asked for."""
    ids = read_ids(data.train_ids) if data.train_ids and data.division == 'official' else None
    dataset = _opened(data, 'train', size, data.num_train, ids, bone_suppressed)
    if data.num_train and ids is None:
        dataset = dataset._replace(ids=draw_ids(dataset.ids, data.num_train, data.draw))
    return dataset


def _without(dataset: Dataset, other: Dataset) -> Dataset:
    """A data set less the pictures of another: the same files, or of drawn ones the same names."""
    known = {_place(other, id) for id in other.ids}
    ids = tuple(id for id in dataset.ids if _place(dataset, id) not in known)
    if not ids:
        raise InputError(f'data.source: expected pictures beside the {len(other.ids)} that are learned from with their labels, '
                         f'found none; set data.num_train=null there, or name another folder')
    return dataset._replace(ids=ids)


def _place(dataset: Dataset, id: str):
    files = dataset.files(id)
    return Path(files[0]).resolve() if files else id


def _left_out(config: Config) -> Dataset:
    data, drawn = config.data, set(open_split(config, 'train').ids)
    count = len(drawn) + (data.num_test or NUM_LEFT_OUT)  # of phantoms there are always more
    dataset = _opened(data, 'train', config.evaluation.size, count)
    patients = dataset.patients
    if UNLABELLED in config.sources:
        other = open_split(config, UNLABELLED)
        seen = {_place(other, id) for id in other.ids}
        drawn |= {id for id in dataset.ids if _place(dataset, id) in seen}
    known = {patients.get(id, id) for id in drawn}  # another picture of a patient is no left-out one
    return dataset._replace(ids=tuple(id for id in dataset.ids if patients.get(id, id) not in known))
