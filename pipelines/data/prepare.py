"""Reads a data set, augments it, draws its dots, writes its records."""
from __future__ import annotations

import itertools
from pathlib import Path
from typing import Iterable, Optional, Sequence, Tuple

import cv2
import numpy as np

from datasets import augmentation, dots, records, writing
from datasets.errors import InputError
from datasets.phantom import phantom
from datasets.readers import folder, jsrt
from datasets.sample import Dataset, Sample, check_not_empty, check_sides
from datasets.splits import check_disjoint, read_ids
from pipelines.plan.config import Config, Data
from pipelines.runtime import progress
from pipelines.runtime.seeds import stable_seed

NUM_LEFT_OUT = 113      # phantoms, as many as the paper's draw of 11 leaves of JSRT's 124
IMAGES_PER_SHARD = 32   # source images; with 6 versions each, 192 records a file


def open_dataset(dataset: str, source: Optional[str], split: str,
                 ids: Optional[Sequence[str]] = None, count: Optional[int] = None,
                 size: int = 512, seed: int = 0) -> Dataset:
    """Opens one split of `phantom`, `jsrt` or `folder`; `count` and `size` are the phantom's."""
    if dataset == 'phantom' and ids is not None:
        raise InputError('--ids (data.train_ids): phantoms have no files to name; choose their '
                         'number with --count (data.num_train)')
    if dataset == 'phantom':
        return phantom.open_phantom(split, count or (124 if split == 'train' else 123), size, seed)
    if source is None:
        raise InputError(f'--source: expected the folder of the {dataset} data set, found nothing')
    return {'jsrt': jsrt.open_jsrt, 'folder': folder.open_folder}[dataset](source, split, ids)


def open_split(config: Config, split: str) -> Dataset:
    """The images of one split that a config asks for.

    Args:
      split: 'train', of which TINY draws its few at random; 'left_out', the learning images that
        were not drawn, on which choices are made; or 'test'.
    """
    data = config.data
    if split == 'test':
        return _with_field(config, open_dataset(
            data.dataset, data.source, 'test', count=data.num_test, size=config.evaluation.size))
    if split == 'left_out':
        dataset = _left_out(config)
        if not dataset.ids:
            raise InputError('score: left_out: expected learning images that were not drawn, found '
                             'none; lower data.num_train or score on test only')
        return _with_field(config, dataset)
    ids = read_ids(data.train_ids) if data.train_ids else None
    dataset = open_dataset(data.dataset, data.source, 'train', ids, data.num_train, data.size,
                           data.draw)
    if data.num_train and ids is None:
        dataset = dataset._replace(ids=draw_ids(dataset.ids, data.num_train, data.draw))
    return _with_field(config, dataset)


def _left_out(config: Config) -> Dataset:
    data, drawn = config.data, set(open_split(config, 'train').ids)
    count = len(drawn) + (data.num_test or NUM_LEFT_OUT)  # of phantoms there are always more
    dataset = open_dataset(data.dataset, data.source, 'train', None, count, config.evaluation.size,
                           data.draw)
    return dataset._replace(ids=tuple(id for id in dataset.ids if id not in drawn))


def has_left_out(config: Config) -> bool:
    """Whether a draw was asked for and leaves learning images out."""
    return bool(config.data.num_train or config.data.train_ids) and bool(_left_out(config).ids)


def _with_field(config: Config, dataset: Dataset) -> Dataset:
    return dataset._replace(
        field_of_view_mm=config.data.field_of_view_mm or dataset.field_of_view_mm)


def prepare_split(config: Config, workdir, split: str) -> records.Info:
    """Records of one split of a config under `workdir`/records; finished ones are kept.

    The training split is augmented and has the GANs' size; the others are as they are, at the size
    where they are scored.
    """
    output = Path(workdir) / 'records' / split
    if (output / records.INFO).exists():
        return records.read_info(output)
    dataset = open_split(config, split)
    if split == 'train':
        check_disjoint(dataset.ids, open_split(config, 'test').ids)
        return write_records(dataset, output, split, config.data.size, config.data.augment,
                             config.data.draw, config.data)
    check_disjoint(records.read_info(output.parent / 'train').ids, dataset.ids)
    return write_records(dataset, output, split, config.evaluation.size, 1, config.data.draw,
                         config.data)


def draw_ids(ids: Sequence[str], count: int, draw: int) -> Tuple[str, ...]:
    """`count` ids at random (TINY: 11 of 124), in their own order; a function of (ids, draw)."""
    if count > len(ids):
        raise InputError(f'data.num_train: expected at most the {len(ids)} learning images there '
                         f'are, found {count}')
    rng = np.random.default_rng(stable_seed(draw, 'draw'))
    return tuple(ids[i] for i in sorted(rng.choice(len(ids), count, replace=False)))


def write_records(dataset: Dataset, output, split: str, size: int, versions: int, seed: int,
                  data: Data, part: writing.Part = writing.Part()) -> Optional[records.Info]:
    """Writes `versions` of every image (the first is the original) as records of side `size`.

    Returns:
      What the folder holds, or None if shards of other workers are still missing.
    """
    if not 1 <= versions <= augmentation.NUM_VARIANTS:
        raise InputError(f'--augment (data.augment): expected 1 to {augmentation.NUM_VARIANTS} '
                         f'versions of an image, found {versions}')
    made = {'tool': 'prepare_records', 'dataset': dataset.name, 'split': split, 'size': size,
            'augment': versions, 'noise': data.noise, 'augment_mode': data.augment_mode,
            'dots_size': data.dots_size, 'dots_radius': data.dots_radius, 'seed': seed,
            'ids': list(dataset.ids), 'field_of_view_mm': dataset.field_of_view_mm}
    bits = 8 * dataset.load(dataset.ids[0]).image.dtype.itemsize
    shards = [dataset.ids[i:i + IMAGES_PER_SHARD]
              for i in range(0, len(dataset.ids), IMAGES_PER_SHARD)]
    own = list(itertools.chain(*part.of(shards)))
    if not (Path(output) / writing.RECIPE).exists():
        # every file is read once before anything is written: a bad one leaves no half-made set
        for id in progress.bar(own, desc=f'check {split}', unit='image'):
            sample = check_depth(check_sample(dataset, dataset.load(id)), bits)
            _example(sample, 0, dataset, size, seed, data)

    def shard(ids: Sequence[str], bar) -> Iterable[records.Example]:
        for id in ids:
            sample = check_depth(check_sample(dataset, dataset.load(id)), bits)
            for version in range(versions):
                yield _example(sample, version, dataset, size, seed, data)
            bar.update()

    blank = records.Info(Path(output), dataset.name.replace('/', '_'), split, size, bits,
                         data.dots_size, dataset.coding, list(dataset.ids), made)
    with progress.bar(total=len(own), desc=f'records {split}', unit='image') as bar:
        return writing.write_dataset(
            blank, [lambda notes, ids=ids: shard(ids, bar) for ids in shards], part)


def check_sample(dataset: Dataset, sample: Sample) -> Sample:
    """The sample, or InputError: an organ is empty or on the wrong side."""
    for organ in dataset.coding.organs:
        check_not_empty(sample.masks[organ], f'{sample.id}: {organ}')
    check_sides(dataset.coding, sample.masks, sample.id)
    return sample


def check_depth(sample: Sample, bits: int) -> Sample:
    """The sample, or InputError: its picture has other bits than the first of its set."""
    found = 8 * sample.image.dtype.itemsize
    if found != bits:
        raise InputError(f'{sample.id}: expected an image of {bits} bits like the first of the set, '
                         f'found {found}; convert the set to one depth')
    return sample


def resize_sample(sample: Sample, size: int) -> Sample:
    """Image by area averaging; each mask likewise, then where it covers at least half a pixel."""
    image = sample.image
    shrink = image.shape[0] >= size
    image = cv2.resize(image, (size, size),
                       interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC)
    masks = {organ: _resize_mask(mask, size) for organ, mask in sample.masks.items()}
    return Sample(sample.id, image, masks)


def _resize_mask(mask: np.ndarray, size: int) -> np.ndarray:
    method = cv2.INTER_AREA if mask.shape[0] >= size else cv2.INTER_LINEAR
    return cv2.resize(mask.astype(np.float32), (size, size), interpolation=method) >= 0.5


def _example(sample: Sample, version: int, dataset: Dataset, size: int, seed: int,
             data: Data) -> records.Example:
    """One version of a sample: augmented at its own size, as the paper does, then resized."""
    image, masks = augmentation.augment(sample.image, sample.masks, seed, sample.id, version,
                                        noise=data.noise, mode=data.augment_mode)
    sample = resize_sample(Sample(sample.id, image, masks), size)
    for organ, mask in sample.masks.items():
        check_not_empty(mask, f'{sample.id}, version {version}, {organ} at {size} px')
    label_map = dataset.coding.encode(sample.masks)
    for organ in dataset.coding.organs:
        if not dataset.coding.organ_mask(label_map, organ).any():
            raise InputError(f'{sample.id}: {organ}: expected to be seen in the label map, found it '
                             f'wholly under organs painted later; change the order of the codes')
    centroids = dots.mask_dots(sample.masks, dataset.coding)
    return records.Example(
        f'{sample.id}-{version}', sample.id, sample.image, label_map,
        dots.draw_dots(centroids, dataset.coding, data.dots_size, data.dots_radius))
