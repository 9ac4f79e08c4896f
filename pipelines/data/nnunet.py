"""Writes pairs as a data set of nnU-Net, version 2, whose own integrity check accepts it.

    <output>/dataset.json, imagesTr/<case>_0000.png, labelsTr/<case>.png     real pairs, and synthetic ones
    <output>/imagesTs, labelsTs                                              real pairs to test, where there are any
    <output>/coding.yaml           what dataset.json cannot say: organs that may be absent, sides, colours
    <output>/splits_final.json     for nnUNet_preprocessed/<the same name>: in no fold is a synthetic pair validated on

Real pairs have their own shape and depth, synthetic ones that of the records. Labels are the classes of a segmenter,
not the codes of records: nnU-Net knows no organ that lies in another. Format:
https://github.com/MIC-DKFZ/nnUNet/blob/master/documentation/dataset_format.md; datasets/readers/nnunet.py reads it.
"""
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import yaml

from datasets import records
from datasets.divisions import DIVISIONS
from datasets.errors import InputError
from datasets.files import whole_folder, write_png
from datasets.fitting import Box
from datasets.labels import LabelCoding
from datasets.readers.nnunet import BACKGROUND, CHANNEL, DESCRIPTION, FOLDERS, IGNORE, SYNTHETIC
from datasets.sample import Dataset, is_complete
from datasets.splits import check_disjoint
from datasets.targets import Targets
from pipelines.data.checked import read_sample
from pipelines.data.prepare import resize_mask
from pipelines.data.sources import check_patients
from pipelines.plan.config import Data
from pipelines.runtime import progress

NAME = re.compile(r'Dataset(\d{3})_[A-Za-z0-9_-]+')
SPLITS, FOLDS, ENDING = 'splits_final.json', 5, '.png'
COLOURS = {1: ('grey',), 3: ('red', 'green', 'blue')}
LEARNED_OF = ('the GANs learned from the pictures of every fold: a fold says how nnU-Net trains, and only other '
              'pictures, as those of imagesTs, what the synthetic pairs are worth')


class Real(NamedTuple):
    """Pictures of a data set, with what a config says of how they are read."""
    dataset: Dataset
    data: Data


class Case(NamedTuple):
    """A picture [H, W] or [H, W, 3], uint8 or uint16, and its classes uint8 [H, W]."""
    name: str
    image: np.ndarray
    classes: np.ndarray


def check_output(output) -> Path:
    """The folder to make; InputError unless it is a new one and named as nnU-Net wants it."""
    output = Path(output)
    named = NAME.fullmatch(output.name)
    if not named:
        raise InputError(f'--nnunet {output}: expected a folder named as nnU-Net wants it, Dataset, three digits and a '
                         f'name, such as nnUNet_raw/Dataset501_CHEST')
    taken = sorted(path.name for path in output.parent.glob(f'Dataset{named[1]}_*') if path.name != output.name)
    if taken:
        raise InputError(f'--nnunet {output}: expected a number of its own, by which nnU-Net finds it, found {taken[0]} '
                         f'beside it; choose another')
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(f'--nnunet {output}: exists already; choose another number or name')
    return output


def write_nnunet(output, targets: Targets, train: Real, validation: Optional[Real] = None, test: Optional[Real] = None,
                 synthetic: Optional[records.Info] = None) -> Dict[str, int]:
    """Writes the folder, whole or not at all.

    Args:
      output: see `check_output`.
      targets: the classes; where they overlap, later ones are painted over earlier ones.
      validation: what the one fold validates on; None = five folds of `train`, by patient.
      synthetic: records whose pairs are learned from; those without an organ or on the wrong side are left out.

    Returns:
      How many pairs there are of 'real' ones to learn from, 'synthetic' and 'test' ones.
    """
    names, folds = check(output, targets, train, validation, test)
    real, output = [train, *([validation] if validation else [])], Path(output)
    drawn: List[str] = []
    output.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(output) as folder:
        for part, pairs in (('train', real), ('test', [test] if test else [])):
            for source in pairs:
                _write(folder, part, _real_cases(source, targets, names))
        if synthetic:
            drawn = _write(folder, 'train', _synthetic_cases(synthetic, targets, set(names.values())))
        (folder / SPLITS).write_text(json.dumps(
            [{'train': [*fold['train'], *drawn], 'val': fold['val']} for fold in folds], indent=1))
        count = sum(len(source.dataset.ids) for source in real)
        labels = {BACKGROUND: 0, **{name: number for number, name in enumerate(targets.names, 1)}}
        if any(source.dataset.has_ignored for source in real):
            labels[IGNORE] = len(labels)
        (folder / DESCRIPTION).write_text(json.dumps({
            'channel_names': {str(i): name for i, name in enumerate(COLOURS[train.data.channels])}, 'labels': labels,
            'numTraining': count + len(drawn), 'file_ending': ENDING, 'name': train.dataset.name,
            'description': f'{count} real pairs and {len(drawn)} synthetic ones', **({SYNTHETIC: drawn} if drawn else {})},
            indent=1))
        (folder / 'coding.yaml').write_text(yaml.safe_dump(_coding(targets, train.dataset.coding, labels)))
    return {'real': count, 'synthetic': len(drawn), 'test': len(test.dataset.ids) if test else 0}


def check(output, targets: Targets, train: Real, validation: Optional[Real] = None, test: Optional[Real] = None
          ) -> Tuple[Dict[str, str], List[Dict[str, List[str]]]]:
    """What could keep `write_nnunet` from writing, before anything long begins; -> (id -> name of its files, folds)."""
    check_output(output)
    real = [train, *([validation] if validation else [])]
    if test:
        _check_apart([part.dataset for part in real], test.dataset)
    if IGNORE in targets.names:
        raise InputError(f'--nnunet {output}: expected classes other than {IGNORE}, which is of nnU-Net\'s own; rename it')
    names = _names([*[id for part in real for id in part.dataset.ids], *(test.dataset.ids if test else ())])
    return names, _folds(train, validation, names)


def _check_apart(learned: Sequence[Dataset], test: Dataset) -> None:
    """InputError where a picture, or a patient, is learned from and tested."""
    for dataset in learned:
        check_disjoint(dataset.ids, test.ids)
        check_patients(dataset, test)


def what_next(output, counts: Dict[str, int]) -> str:
    """The commands that train on it."""
    output = Path(output)
    number = NAME.fullmatch(output.name)[1]
    return (f'nnU-Net: {counts["real"]} real pairs, {counts["synthetic"]} synthetic ones, {counts["test"]} to test: '
            f'{output}\n  nnUNetv2_plan_and_preprocess -d {number} --verify_dataset_integrity -c 2d\n'
            f'  cp {output / SPLITS} $nnUNet_preprocessed/{output.name}/\n  nnUNetv2_train {number} 2d 0')


def case_name(id: str) -> str:
    """The name of a picture's files."""
    return re.sub(r'[^\w.-]+', '_', id)


def _names(ids: Sequence[str]) -> Dict[str, str]:
    """id -> the name of its files; InputError where two ids would have one."""
    names: Dict[str, str] = {}
    owners: Dict[str, str] = {}
    for id in ids:
        names[id] = case_name(id)
        if owners.setdefault(names[id].lower(), id) != id:
            raise InputError(f'--nnunet: the files of {owners[names[id].lower()]} and of {id} would both be called '
                             f'{names[id]}; rename one')
    return names


def _real_cases(source: Real, targets: Targets, names: Dict[str, str]) -> Iterator[Case]:
    """In the shape of the pictures; the margins of no square are in them."""
    coding, ids = source.dataset.coding, source.dataset.ids
    for id in progress.bar(ids, desc='nnU-Net, real', unit='pair'):
        sample = read_sample(source.dataset, id, source.data)
        box = Box(0, 0, *sample.image.shape[:2])
        masks = {organ: resize_mask(mask, box) for organ, mask in sample.masks.items()}
        classes = _classes(targets, coding, coding.encode(masks))
        if sample.ignored is not None:
            classes[resize_mask(sample.ignored, box)] = len(targets.names) + 1
        yield Case(names[id], sample.image, classes)


def _synthetic_cases(info: records.Info, targets: Targets, taken) -> Iterator[Case]:
    for row in progress.bar(records.read(info), total=info.count, desc='nnU-Net, synthetic', unit='pair'):
        name = Path(row['name'].decode()).stem
        image, labels, _ = info.shown(row)
        if not is_complete(info.coding, labels):
            continue
        if name in taken:
            raise InputError(f'--nnunet: a real picture is called {name}, as a synthetic one; rename it')
        yield Case(name, image[..., 0] if info.channels == 1 else image, _classes(targets, info.coding, labels))


def _classes(targets: Targets, coding: LabelCoding, label_map: np.ndarray) -> np.ndarray:
    """Codes uint8 [H, W] -> classes."""
    if targets.is_overlapping:
        return targets.class_map(targets.masks(coding, label_map))
    return targets.projection(coding)[label_map]


def _coding(targets: Targets, coding: LabelCoding, labels: Dict[str, int]) -> dict:
    """What dataset.json cannot say and our own reader asks for."""
    said = {key: [name for name, own in zip(targets.names, targets.organs) if set(own) <= set(getattr(coding, key))]
            for key in ('optional', 'scattered')}
    pairs = [list(pair) for pair in coding.left_right if set(pair) <= set(targets.names)]
    return {'organs': list(targets.names), 'values': [0, *range(1, 1 + len(targets.names))],
            'colours': targets.colours(coding)[1:].tolist(), 'left_right': pairs, **said,
            **({'ignore': labels[IGNORE]} if IGNORE in labels else {})}


def _write(folder: Path, part: str, cases: Iterable[Case]) -> List[str]:
    """Writes the files of a part; returns the names of its cases."""
    images, labels = (folder / name for name in FOLDERS[part])
    for place in (images, labels):
        place.mkdir(parents=True, exist_ok=True)
    names = []
    for case in cases:
        write_png(images / f'{case.name}{CHANNEL}{ENDING}', case.image)
        write_png(labels / f'{case.name}{ENDING}', case.classes)
        names.append(case.name)
    return names


def _folds(train: Real, validation: Optional[Real], names: Dict[str, str]) -> List[Dict[str, List[str]]]:
    """Of the real pairs: that of a config, or as many as nnU-Net makes itself, by patient."""
    ids, patients = train.dataset.ids, train.dataset.patients
    if validation:
        parts: List[Tuple[Sequence[str], Sequence[str]]] = [(ids, validation.dataset.ids)]
    else:
        folds = min(FOLDS, len({patients.get(id, id) for id in ids}))
        if folds < 2:
            raise InputError(f'--nnunet: expected pictures of at least two patients, one of whom nnU-Net validates on, '
                             f'found {folds}')
        asked = [Data(train.data.dataset, division='folds', folds=folds, fold=fold) for fold in range(folds)]
        parts = [tuple(DIVISIONS['folds'].pick(ids, patients, data, part) for part in ('train', 'test'))
                 for data in asked]
    return [{'train': [names[id] for id in learned], 'val': [names[id] for id in held]} for learned, held in parts]
