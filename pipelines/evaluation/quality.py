"""Quality of a method's samples as numbers, in the place of looking at them.

Three sets are measured alike: the samples, the real training images of the method's stages (a teacher's too) with all their
augmented variants, and held-out real images that no generator saw. Distances, precision and recall refer to
the held-out images, because a generator that copies its training set must not score well for it.
`scores_of_real` are the same figures of the training images: what real pictures reach.

All pictures are brought to one side, the smallest of the three sets' and at most 299 px (Inception
sees no more), images by area averaging and label maps as those were made that the GANs learned, organ
by organ where it covers at least half a pixel (`prepare.fitted_masks`): else a vessel that is thinner
than a pixel would have another length here than there. Then each image is stretched between its 0.5
and 99.5 percentiles as for a GAN (`pixels.displayed`), for tone varies between radiographs.
"""
from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

import cv2
import numpy as np

from datasets import records
from datasets.errors import InputError
from datasets.files import sha256, write_json, write_png
from datasets.fitting import crop
from models.features import Features, inception_features, random_features
from pipelines.data import pixels
from pipelines.data.prepare import fitted_masks
from pipelines.evaluation import copying as memorisation, organs as organ_statistics, set_distances
from pipelines.evaluation.copying import Pictures
from pipelines.evaluation.quality_file import read_quality
from pipelines.plan.config import Config
from pipelines.plan.methods import Method
from pipelines.plan.workdir import Workdir

LIMIT = 2000         # [ours] samples and held-out images measured, the first ones; training: all
LARGEST_SIDE = 299   # px
NEIGHBOURS = 3       # k of precision and recall (Kynkäänniemi et al. 2019)
SHEET_ROWS = 8
SUBSAMPLE_SEED = 0
BATCH = 32
REDUCED = 'by area'  # label maps; what was measured of others, or before, is measured anew


def measure_quality(config: Config, method: Method, workdir) -> Dict[str, Any]:
    """Measures `workdir`/synthetic/<method>; a measured one that did not change is read back.

    Writes `workdir`/quality/<method>.json and, beside it, <method>-nearest.png: the samples that
    come closest to a training image, see copying.nearest_sheet.

    Features are those of Inception v3 with the weights in the config's evaluation.inception_weights
    (metrics `fid_keras`, ...), and without them of a fixed random network (`fid_random`, ...,
    comparable within this program only).

    Returns:
      What the JSON file holds: method, features, size (px), num_samples, num_train, held_out
      (split, count), scores, scores_of_real, organs (rows of organs.compare, real = held
      out), copying (under features and correlation copying.Copying and, as nearest_real,
      copying.NearestReal) and made_from, checksums. A figure that has no value is
      None; precision and recall are shares, copying is in per cent. `scores` and `scores_of_real` compare
      as many pictures, num_compared, with the held-out ones: the larger set is subsampled, for FID,
      precision and recall depend on the number.

    Raises:
      InputError: records are missing or too few, or the features file cannot be used.
    """
    features_file = config.evaluation.inception_weights
    learned = dict.fromkeys(('train', *(name for stage in method.stages for name in stage.reads)))
    infos = {'generated': [records.read_info(Workdir(workdir).samples(method))],
             'train': [records.read_info(Workdir(workdir).records(name)) for name in learned],
             'held_out': [_held_out(workdir)]}
    made_from = {name: [shard['sha256'] for info in some for shard in info.shards] for name, some in infos.items()}
    made_from.update(features=_checksum(features_file), labels=REDUCED)
    output = Workdir(workdir).quality(method)
    sheet = output.with_name(f'{method.name}-nearest.png')
    known = _known(output)
    if known.get('made_from') == made_from and sheet.exists():
        return known
    for info in itertools.chain(*infos.values()):
        if info.count < 2:
            raise InputError(f'{info.directory}: expected at least 2 pictures to measure a '
                             f'distribution, found {info.count}; make more')
    figures, picture = _measure(infos, features_file)
    output.parent.mkdir(exist_ok=True)
    write_png(sheet, picture)
    result = _plain({'method': method.name, **figures, 'made_from': made_from})
    write_json(output, result)
    return result


def _measure(infos: Dict[str, Sequence[records.Info]], features_file: Optional[str]):
    """(the figures, the sheet of neighbours) of the sets generated, train (all that the stages learned from) and held_out."""
    (generated,), (held_out,) = infos['generated'], infos['held_out']
    coding, size = generated.coding, min(info.size for info in itertools.chain(*infos.values()))
    pictures = {name: _together([load_pictures(info, min(size, LARGEST_SIDE), -1 if name == 'train' else LIMIT) for info in some])
                for name, some in infos.items()}
    look, suffix = _load_features(features_file), 'keras' if features_file else 'random'
    features = {name: look_at(look, p.images) for name, p in pictures.items()}
    organs = {name: organ_statistics.measure(pictures[name].labels, coding)
              for name in ('held_out', 'generated')}
    copying, distances = _copying(pictures, features)
    compared = min(len(features['generated']), len(features['train']))
    figures = {
        'features': 'inception' if features_file else 'random',
        'size': pictures['generated'].images.shape[1],
        'num_samples': len(pictures['generated'].images),
        'num_train': len(pictures['train'].images),
        'held_out': {'split': held_out.directory.name,
                     'count': len(pictures['held_out'].images)},
        'num_compared': compared,
        'scores': {
            **_scores(suffix, features['held_out'], _some(features['generated'], compared)),
            f'fid_{suffix}_to_train': set_distances.frechet_distance(
                features['train'], features['generated']),
            'repeated_percent': memorisation.repeated_percent(pictures['generated']),
            **_counted(generated.notes)},
        'scores_of_real': _scores(suffix, features['held_out'], _some(features['train'], compared)),
        'organs': [row._asdict() for row in organ_statistics.compare(organs['held_out'],
                                                                     organs['generated'])],
        'copying': copying}
    return figures, _sheet(pictures, distances, coding)


def load_pictures(info: records.Info, size: int, at_most: int = -1) -> Pictures:
    """Records as they are measured, at `size` px (not above theirs); see the module's docstring."""
    images, labels, sources = [], [], []
    for row in records.read(info, at_most):
        grey = row['image'].astype(np.float32).mean(axis=-1)  # [ours] colour pictures by their channels' mean
        image = cv2.resize(grey, (size, size), interpolation=cv2.INTER_AREA)
        images.append(pixels.displayed(image[..., None]))
        labels.append(_reduced_labels(info, row, size))
        sources.append(row['source_id'])
    return Pictures(np.stack(images), np.stack(labels), np.array(sources))


def _reduced_labels(info: records.Info, row: Dict[str, np.ndarray], size: int) -> np.ndarray:
    """The label map of a record as that of a record of `size` px is made, see prepare.resize_sample."""
    if size == info.size:
        return row['labels']
    codes, box = crop(row['labels'], info.box(row)), dataclasses.replace(info, size=size).box(row)
    masks = {organ: info.coding.organ_mask(codes, organ) for organ in info.coding.organs}
    return info.coding.encode(fitted_masks(masks, box, size))


def _together(some: Sequence[Pictures]) -> Pictures:
    """Several sets as one; their originals stay apart, if under the same names."""
    first, *more = some
    sources = [first.sources, *[np.char.add(f'{number} '.encode(), one.sources) for number, one in enumerate(more)]]
    return Pictures(np.concatenate([one.images for one in some]), np.concatenate([one.labels for one in some]),
                    np.concatenate(sources))


def look_at(look: Features, images: np.ndarray) -> np.ndarray:
    """Features float64 [N, D] of images uint8 [N, S, S], in batches."""
    batches = [images[i:i + BATCH, ..., None].astype(np.float32) / 255
               for i in range(0, len(images), BATCH)]
    return np.concatenate([look(batch).numpy() for batch in batches]).astype(np.float64)


def _held_out(workdir) -> records.Info:
    """Learning images that the draw left out, where these are enough, else the test images."""
    folder = Path(workdir) / 'records'
    if (folder / 'left_out' / records.INFO).exists():
        info = records.read_info(folder / 'left_out')
        if info.count > NEIGHBOURS:
            return info
    return records.read_info(folder / 'test')


def _checksum(features_file: Optional[str]) -> str:
    if not features_file:
        return 'random'
    if not Path(features_file).is_file():
        raise InputError(f'evaluation.inception_weights: no such file: {features_file}')
    return sha256(features_file)


def _load_features(features_file: Optional[str]) -> Features:
    if not features_file:
        return random_features()
    try:
        return inception_features(features_file)
    except ValueError as error:
        raise InputError(f'evaluation.inception_weights: {error}') from None


def _known(path: Path) -> Dict[str, Any]:
    """The result of an earlier measurement; empty if there is none that can be used."""
    try:
        return read_quality(path)
    except InputError:
        return {}


def _some(features: np.ndarray, count: int) -> np.ndarray:
    """`count` pictures' features, drawn once and for all."""
    return features[np.sort(np.random.default_rng(SUBSAMPLE_SEED).permutation(len(features))[:count])]


def _scores(suffix: str, held_out: np.ndarray, pictures: np.ndarray) -> Dict[str, float]:
    kernel = set_distances.kernel_distance(held_out, pictures)
    precision = recall = float('nan')
    if min(len(held_out), len(pictures)) > NEIGHBOURS:
        precision, recall = set_distances.precision_recall(held_out, pictures, NEIGHBOURS)
    return {f'fid_{suffix}': set_distances.frechet_distance(held_out, pictures),
            f'kid_{suffix}': kernel.value, f'kid_{suffix}_error': kernel.error,
            'precision': precision, 'recall': recall}


def _counted(notes: Dict[str, int]) -> Dict[str, float]:
    """Per cent of what was counted while the samples were made, see synthesis/generate.py."""
    def percent(part, whole):
        return 100 * notes[part] / notes[whole] if notes.get(whole) else float('nan')

    return {'check_failures_percent': percent('failed_check', 'samples'),
            'redrawn_percent': percent('redrawn', 'samples'),
            'cleaned_pixels_percent': percent('pixels_cleaned', 'pixels')}


def _copying(pictures: Dict[str, Pictures], features: Dict[str, np.ndarray]):
    """({'features' and 'correlation': figures}, the same: [samples, training images] distances)."""
    images = {name: p.images for name, p in pictures.items()}
    # one column an original: its first record, which is not augmented
    _, originals = np.unique(pictures['train'].sources, return_index=True)
    figures, distances = {}, {}
    for name, values, measure in (('features', features, memorisation.feature_distances),
                                  ('correlation', images, memorisation.correlation_distances)):
        to_train = distances[name] = measure(values['generated'], values['train'])
        held_out = measure(values['held_out'], values['train'])
        to_held_out = measure(values['generated'], values['held_out'])
        figures[name] = {
            **memorisation.copying(to_train.min(axis=1), held_out.min(axis=1))._asdict(),
            'nearest_real': memorisation.nearest_real(to_train[:, originals],
                                                      to_held_out)._asdict()}
    return figures, distances


def _sheet(pictures: Dict[str, Pictures], distances: Dict[str, np.ndarray], coding) -> np.ndarray:
    """The samples that come closest to a training image under the features."""
    chosen = np.argsort(distances['features'].min(axis=1), kind='stable')[:SHEET_ROWS]
    return memorisation.nearest_sheet(
        pictures['generated'], pictures['train'], distances['features'].argmin(axis=1),
        distances['correlation'].argmin(axis=1), chosen, coding)


def _plain(value):
    """Plain JSON types; NaN, which JSON does not have, becomes None."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
