"""Reads a data set, augments it, draws its dots, writes its records."""
from __future__ import annotations

import collections
import functools
import itertools
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Optional, Sequence

import cv2
import numpy as np

from datasets import augmentation, dots, records, writing
from datasets.digests import Digests, contents
from datasets.errors import InputError
from datasets.fitting import box_of, place
from datasets.sample import Dataset, Sample, check_not_empty
from datasets.splits import check_disjoint
from pipelines.data import apart, contact_sheet, negatives, structures
from pipelines.data.checked import check_depth, check_pixels, hidden, read_sample
from pipelines.data.contents import contents_of
from pipelines.data.sources import check_patients, open_split
from pipelines.plan import artefacts, provenance
from pipelines.plan.config import Config, Data
from pipelines.plan.transfers import VALIDATION
from pipelines.plan.workdir import Workdir
from pipelines.runtime import progress

ENLARGED = 'enlarged'    # in the notes of records: pictures smaller than these
IGNORED = ''             # among the masks that augmentation moves: no organ has this name
UNUSUAL = ('bone_suppressed', 'trim_borders', 'at_detector')  # a recipe says them where they are so, as before there were any
IMAGES_PER_SHARD = 32   # source images; with 6 versions each, 192 records a file


def prepare_split(config: Config, workdir, split: str) -> records.Info:
    """Records of one split of a config under `workdir`/records; finished ones are kept.

    The training split and that of other sources are augmented and have the GANs' size; a validation fold has
    that too; those that are scored, here or at another hospital, are as they are, at the size where they are scored.
    """
    output, artefact = Workdir(workdir).records(split), artefacts.records_of(config, split)
    if (output / records.INFO).exists():
        now = contents_of(config, workdir, say=lambda text: None)(split)
        provenance.claim(config, workdir, artefact, now)
        return records.read_info(output)
    digests = Digests(workdir)
    dataset, data = digests.watched(open_split(config, split)), config.data
    size, versions = config.evaluation.size, 1
    if split in config.sources:
        data = config.sources[split]
        size, versions = config.data.size, data.augment
    elif split == 'train':
        test = open_split(config, 'test')
        check_disjoint(dataset.ids, test.ids)
        check_patients(dataset, test)
        size, versions = data.size, data.augment
    elif split in config.external:
        data = config.external[split]
    elif split == VALIDATION:
        data, size = config.data_of(split), config.data.size
    else:
        check_disjoint(records.read_info(output.parent / 'train').ids, dataset.ids)
        size = data.size if split == 'validation' else size

    def begin():
        apart.check_split(config, workdir, split, dataset, digests)
        provenance.claim(config, workdir, artefact, contents(dataset, digests))

    def look(label_maps):
        structures.warn(structures.examine(label_maps, dataset.coding, config.labels), dataset.coding, config.labels,
                        structures.methods_in(config))

    learned_from = _pictures_of(output.parent / 'train') if split != 'train' else None
    info = write_records(dataset, output, split, size, versions, data.draw, data, begin=begin,
                         look=look if split == 'train' else None, learned_from=learned_from)
    if split == 'train':
        contact_sheet.write_contact_sheet(info, output / contact_sheet.NAME)
    return info


def write_records(dataset: Dataset, output, split: str, size: int, versions: int, seed: int,
                  data: Data, part: writing.Part = writing.Part(),
                  begin: Callable[[], None] = lambda: None,
                  look: Optional[Callable[[List[np.ndarray]], None]] = None,
                  learned_from: Optional[List[np.ndarray]] = None) -> Optional[records.Info]:
    """Writes `versions` of every image (the first is the original) as records of side `size`.

    Args:
      begin: called when every image is read and checked, before the first record is written.
      look: called then with some of the real label maps, see data/structures.py.
      learned_from: pictures of the set that is learned from, if this is another, see data/negatives.py.

    Returns:
      What the folder holds, or None if shards of other workers are still missing.
    """
    if not 1 <= versions <= augmentation.NUM_VARIANTS:
        raise InputError(f'--augment (data.augment): expected 1 to {augmentation.NUM_VARIANTS} '
                         f'versions of an image, found {versions}')
    made = {'tool': 'prepare_records', 'dataset': dataset.name, 'split': split, 'size': size,
            'augment': versions, 'noise': data.noise, 'augment_mode': data.augment_mode,
            'dots_size': data.dots_size, 'dots_radius': data.dots_radius, 'seed': seed, 'fit': data.fit,
            'ids': list(dataset.ids), 'field_of_view_mm': dataset.field_of_view_mm,
            **({'grey': data.grey} if data.grey != 'equal' else {}),
            **{key: True for key, is_so in zip(UNUSUAL, (dataset.has_bone_suppressed, data.trim_borders, dataset.is_at_detector)) if is_so}}
    bits = 8 * dataset.load(dataset.ids[0]).image.dtype.itemsize
    shards, own = _shards(dataset), ids_of(dataset, part)
    example = functools.partial(_example, dataset=dataset, size=size, seed=seed, data=data)
    if not (Path(output) / writing.RECIPE).exists():
        label_maps = _read_once(dataset, own, bits, split, size, data, example, learned_from)
        if look and dataset.coding.is_labelled:
            look(label_maps)
    begin()

    def shard(ids: Sequence[str], notes: collections.Counter, bar) -> Iterable[records.Example]:
        for id in ids:
            sample = check_depth(read_sample(dataset, id, data), bits)
            notes[ENLARGED] += max(sample.image.shape[:2]) < size
            for version in range(versions):
                yield example(sample, version)
            bar.update()

    blank = records.Info(Path(output), dataset.name.replace('/', '_'), split, size, bits,
                         data.dots_size * dataset.coding.is_labelled, dataset.coding, list(dataset.ids), made,
                         channels=data.channels, fit=data.fit, has_ignored=dataset.has_ignored,
                         has_bone_suppressed=dataset.has_bone_suppressed)
    with progress.bar(total=len(own), desc=f'records {split}', unit='image') as bar:
        return writing.write_dataset(blank, [lambda notes, ids=ids: shard(ids, notes, bar) for ids in shards], part)


def _read_once(dataset: Dataset, ids: Sequence[str], bits: int, split: str, size: int, data: Data,
               example: Callable[[Sample, int], records.Example], learned_from: Optional[List[np.ndarray]]) -> List[np.ndarray]:
    """Reads every file before anything is written, so that a bad one leaves no half-made set; says what is worth knowing,
    and returns some of the label maps."""
    lost, told = collections.Counter(), collections.Counter()
    sides, pictures, label_maps, looked_at = [], [], [], set(structures.some(ids))
    for id in progress.bar(ids, desc=f'check {split}', unit='image'):
        sample = check_depth(read_sample(dataset, id, data), bits)
        original = example(sample, 0)
        label_maps += [original.label_map] if id in looked_at else []
        told.update(sample.told)
        lost.update(hidden(dataset.coding, sample.masks))
        sides.append(max(sample.image.shape[:2]))
        pictures.append(negatives.small(original.image))
    check_pixels(dataset, lost, ids)
    notes = (*dataset.notes, *negatives.told(dataset.name, ids, pictures, learned_from))
    _tell(dataset._replace(notes=notes), sides, size, told)
    return label_maps


def _pictures_of(train: Path) -> Optional[List[np.ndarray]]:
    """Some pictures of a set that is there, as data/negatives.py compares them."""
    return negatives.of_records(records.read_info(train)) if (train / records.INFO).exists() else None


def _shards(dataset: Dataset) -> List[Sequence[str]]:
    return [dataset.ids[i:i + IMAGES_PER_SHARD] for i in range(0, len(dataset.ids), IMAGES_PER_SHARD)]


def ids_of(dataset: Dataset, part: writing.Part) -> List[str]:
    """The images whose records a worker writes."""
    return list(itertools.chain(*part.of(_shards(dataset))))


def _tell(dataset: Dataset, sides: Sequence[int], size: int, told: Dict[str, int]) -> None:
    """Says what is worth knowing of a data set; `told` counts the pictures of which something is true."""
    for words in dataset.notes:
        print(f'note: {words}')
    for words, count in sorted(told.items()):
        print(f'note: {dataset.name}: {count} of {len(sides)} pictures: {words}')
    small = [side for side in sides if side < size]
    if small:
        print(f'note: {dataset.name}: {len(small)} of {len(sides)} pictures are smaller than records of {size} px '
              f'(the smallest has {min(small)}): they are enlarged, which adds no detail')


def resize_sample(sample: Sample, size: int, fit: str = 'pad') -> Sample:
    """Fitted into a square, see datasets/fitting.py: pictures by area averaging; each mask likewise, then
    where it covers at least half a pixel."""
    box = box_of(*sample.image.shape[:2], size, fit)
    suppressed = None if sample.bone_suppressed is None else _resize_picture(sample.bone_suppressed, box, size)
    masks = fitted_masks(sample.masks, box, size)
    ignored = None if sample.ignored is None else place(resize_mask(sample.ignored, box), box, size)
    return Sample(sample.id, _resize_picture(sample.image, box, size), masks, ignored, suppressed)


def fitted_masks(masks: Dict[str, np.ndarray], box, size: int) -> Dict[str, np.ndarray]:
    """organ -> bool [h, w] -> the same in a box of a square, bool [size, size]."""
    return {organ: place(resize_mask(mask, box), box, size) for organ, mask in masks.items()}


def _resize_picture(picture: np.ndarray, box, size: int) -> np.ndarray:
    shrink = max(picture.shape[:2]) >= size
    picture = cv2.resize(picture, (box.width, box.height), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC)
    return place(picture, box, size, picture.min())


def resize_mask(mask: np.ndarray, box) -> np.ndarray:
    """bool [h, w] -> bool [H, W] of a box: where it covers at least half a pixel."""
    method = cv2.INTER_AREA if max(mask.shape) >= max(box.height, box.width) else cv2.INTER_LINEAR
    return cv2.resize(mask.astype(np.float32), (box.width, box.height), interpolation=method) >= 0.5


def _example(sample: Sample, version: int, dataset: Dataset, size: int, seed: int,
             data: Data) -> records.Example:
    """One version of a sample: augmented at its own size, as the paper does, then resized."""
    shape, cut_from, field = sample.image.shape[:2], sample.cut_from, (0.0, 0.0)  # the data set's is in the recipe
    if sample.id in dataset.spacings_mm:
        field = tuple(mm * side for mm, side in zip(dataset.spacings_mm[sample.id], shape))
    elif any(cut_from) and dataset.field_of_view_mm:
        field = tuple(mm * side / all_ for mm, side, all_ in zip(dataset.field_of_view_mm, shape, cut_from[2:]))
    moved = dict(sample.masks) if sample.ignored is None else {**sample.masks, IGNORED: sample.ignored}
    image, masks = augmentation.augment(sample.image, moved, seed, sample.id, version,
                                        noise=data.noise, mode=data.augment_mode)
    suppressed = None if sample.bone_suppressed is None else augmentation.moved(
        sample.bone_suppressed, seed, sample.id, version, data.augment_mode)
    sample = resize_sample(Sample(sample.id, image, masks, masks.pop(IGNORED, None), suppressed), size, data.fit)
    for organ, mask in sample.masks.items():
        if masks[organ].any():  # else it was absent before
            check_not_empty(mask, f'{sample.id}, version {version}, {organ} at {size} px')
    if not dataset.coding.is_labelled:
        return records.Example(f'{sample.id}-{version}', sample.id, sample.image, None, None, None, shape, field,
                               cut_from=cut_from)
    label_map = dataset.coding.encode(sample.masks)
    for organ in dataset.coding.organs:
        if sample.masks[organ].any() and not dataset.coding.organ_mask(label_map, organ).any():
            raise InputError(f'{sample.id}: {organ}: expected to be seen in the label map, found it '
                             f'wholly under organs painted later; change the order of the codes')
    centroids = dots.mask_dots(sample.masks, dataset.coding)
    return records.Example(
        f'{sample.id}-{version}', sample.id, sample.image, label_map,
        dots.draw_dots(centroids, dataset.coding, data.dots_size, data.dots_radius),
        sample.ignored, shape, field, bone_suppressed=sample.bone_suppressed, cut_from=cut_from)
