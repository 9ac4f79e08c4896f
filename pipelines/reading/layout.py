"""Lays out a blinded reading of target against prediction as one HTML page and its key.

Ciano 2021, section 4.4 (journal; the arXiv version says the same): three physicians
were shown 20 images that "can be considered difficult, at least based on the high error", each as
three columns, the radiograph, the target and the prediction, the order of the last two "randomly
exchanged". They were asked "to choose the best segmentation and to comment about their choice";
some "decided not to give a preference". The section prints the comments on four of the images and
says in words who preferred what: no counts, no test.

Where it is silent [ours]: contours and not fills, so that the anatomy below can be judged; the
pairs too are in random order; one page, so one order, for all readers; no preference is an answer
of its own; an answer may be changed later.

Sides and order are functions of (seed, image name): whoever knows both can work out the key.
"""
from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

import cv2
import numpy as np

from datasets import records
from datasets.errors import InputError
from datasets.files import whole_folder, write_json
from datasets.fitting import box_of
from datasets.targets import Targets
from pipelines.data import pixels
from pipelines.evaluation.finders import Finder
from pipelines.runtime import progress
from pipelines.runtime.seeds import stable_seed
from pipelines.scores import overlap

PAGE, KEY = 'reading.html', 'key.json'
TEMPLATE = Path(__file__).with_name('reading.html')
SIDE = 512       # px of a picture on the page, as in Table 3; other records are resized
QUALITY = 95     # of its JPEG, about 45 kB: 123 radiographs of JSRT make a page of 8 MB
MAX_PAIRS = 300  # what a phone still opens, and a reader still reads


class Pair(NamedTuple):
    """One image with both its segmentations, ready for the page."""
    name: str
    picture: str             # data URI
    size: Tuple[int, int]    # width and height on the page, px
    target: List[str]        # SVG path of each class but the background
    prediction: List[str]
    agreement: float         # average J of the two, per cent


def make_reading(finder: Finder, output, seed: int = 0, count: Optional[int] = None,
                 hardest: bool = False) -> dict:
    """Writes `output`/reading.html, for the readers, and `output`/key.json, not for them.

    Args:
      finder: whose predictions are read.
      output: a new folder.
      count: so many of the images, at random; None = all.
      hardest: those `count` whose prediction is furthest from the target (average J), as in the
        paper, whose 20 were. Note that a bad target is a high error too.

    Returns:
      The key: `reading` (id), `model`, `records`, `seed`, `chosen`, and `pairs`, a list of
      {pair: 1, 2, ..., image: name, prediction: 'A' or 'B'}.

    Raises:
      InputError: `output` exists; the records do not show every class that is found; too many images.
    """
    if Path(output).exists():
        raise InputError(f'--output {output}: exists already; choose a new folder (a key that is '
                         f'replaced cannot unblind the page that readers hold)')
    if hardest and count is None:
        raise InputError('--hardest: expected how many images too; add --count (20 in the paper)')
    info, targets = finder.info, finder.targets
    if finder.compared.left_out:
        raise InputError(f'--records {info.directory}: expected the classes of the model, '
                         f'{["background", *targets.names]}, found the organs {", ".join(info.coding.organs)}')
    names = [_name(row) for row in records.read(info)]
    number = _checked_number(count, len(names), info.directory)

    order = sorted(names, key=lambda name: stable_seed(seed, 'order', name))
    candidates = set(order if hardest else order[:number])
    pairs = {}
    for row in progress.bar(records.read(info), total=len(names), desc='read', unit='image'):
        if _name(row) in candidates:
            image, labels, known = info.shown(row)
            predicted = targets.class_map(finder.find(row, image).masks) * known
            pairs[_name(row)] = make_pair({**row, 'image': image, 'labels': labels}, predicted, info, targets)
    order = [name for name in order if name in pairs]
    if hardest:
        worst = set(sorted(order, key=lambda name: pairs[name].agreement)[:number])
        order = [name for name in order if name in worst]

    sides = {name: prediction_side(seed, name) for name in order}
    data = page_data([pairs[name] for name in order], sides, info.coding, targets)
    chosen = 'all' if number == len(names) else 'hardest' if hardest else 'at random'
    key = {'reading': data['reading'], 'model': finder.named, 'records': str(info.directory),
           'seed': seed, 'chosen': f'{chosen}, {number} of {len(names)}',
           'pairs': [{'pair': number, 'image': name, 'prediction': sides[name]}
                     for number, name in enumerate(order, start=1)]}
    with whole_folder(output) as folder:
        folder.mkdir()
        (folder / PAGE).write_text(page(data), encoding='utf-8')
        write_json(folder / KEY, key)
    return key


def prediction_side(seed: int, name: str) -> str:
    """'A' or 'B', each for half of the names."""
    return 'AB'[stable_seed(seed, 'side', name) % 2]


def make_pair(row: dict, predicted: np.ndarray, info: records.Info, targets: Targets) -> Pair:
    """A record (see `records.parse`), cut to its picture, and the class map [H, W] that was predicted for it."""
    target, num_classes = targets.class_map(targets.masks(info.coding, row['labels'])), 1 + len(targets.names)
    counted = overlap.counts(target, predicted, num_classes)
    both_empty = 100.0  # no organ in either of them
    per_organ = overlap.jaccard(counted)
    agreement = both_empty if np.isnan(per_organ).all() else float(np.nanmean(per_organ))
    return Pair(_name(row), _data_uri(pixels.displayed(row['image'])), _shown(target),
                contours(target, num_classes), contours(predicted, num_classes),
                agreement)


def contours(class_map: np.ndarray, num_classes: int) -> List[str]:
    """Class map [H, W] -> the outlines of classes 1, 2, ... as SVG paths in px, the longer side SIDE.

    They run through the centres of an organ's outermost pixels, (0, 0) being that of the first.
    Paths, unlike pixels, stay thin when a reader enlarges the picture.
    """
    enlarged = cv2.resize(class_map.astype(np.uint8), _shown(class_map), interpolation=cv2.INTER_NEAREST)
    paths = []
    for value in range(1, num_classes):
        outlines, _ = cv2.findContours((enlarged == value).astype(np.uint8), cv2.RETR_LIST,
                                       cv2.CHAIN_APPROX_SIMPLE)
        paths.append(''.join('M' + ' '.join(map(str, outline.ravel())) + 'z'
                             for outline in outlines))
    return paths


def page_data(pairs: List[Pair], sides: Dict[str, str], coding, targets: Targets) -> dict:
    """What the page holds: pairs in order, A and B, no name. `reading` is made from the rest.

    Args:
      sides: image name -> the side of the prediction.
    """
    shown = []
    for pair in pairs:
        both = [pair.target, pair.prediction]
        a, b = both if sides[pair.name] == 'B' else both[::-1]
        shown.append({'picture': pair.picture, 'width': pair.size[0], 'height': pair.size[1], 'A': a, 'B': b})
    colours = targets.colours(coding).tolist()
    content = {
        'pairs': shown,
        'organs': [{'name': organ.replace('_', ' '), 'colour': 'rgb({}, {}, {})'.format(*colour)}
                   for organ, colour in zip(targets.names, colours[1:])],
        'left_right': bool(coding.left_right)}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {'reading': digest[:16], **content}


def page(data: dict) -> str:
    """The HTML file, from what `page_data` made."""
    # a text in the data could otherwise end the script element that holds it
    content = json.dumps(data, separators=(',', ':')).replace('<', '\\u003c')
    return TEMPLATE.read_text(encoding='utf-8').replace('@DATA@', content)


def _checked_number(count: Optional[int], there: int, records_directory) -> int:
    if not there:
        raise InputError(f'--records {records_directory}: expected records, found none')
    number = there if count is None else count
    if not 1 <= number <= there:
        raise InputError(f'--count {count}: expected 1 to the {there} images of '
                         f'{records_directory}')
    if number > MAX_PAIRS:
        raise InputError(f'--records {records_directory}: expected at most {MAX_PAIRS} images on '
                         f'one page, found {number}; choose some with --count')
    return number


def _shown(picture: np.ndarray) -> Tuple[int, int]:
    """(width, height) of a picture on the page."""
    box = box_of(*picture.shape[:2], SIDE)
    return box.width, box.height


def _name(row: dict) -> str:
    return Path(row['name'].decode()).stem


def _data_uri(picture: np.ndarray) -> str:
    """uint8 [H, W] or [H, W, 3] -> JPEG as a data URI, the longer side SIDE."""
    method = cv2.INTER_AREA if max(picture.shape) > SIDE else cv2.INTER_CUBIC
    picture = cv2.resize(picture[..., ::-1] if picture.ndim == 3 else picture, _shown(picture),
                         interpolation=method)
    done, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done, 'OpenCV encodes any uint8 array'
    return 'data:image/jpeg;base64,' + base64.b64encode(data.tobytes()).decode()
