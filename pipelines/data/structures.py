"""Whether the program's own rules suit the organs of a data set, found by trying them on its real label maps.

Cleaning, the anatomical check and a dot for each organ were made for organs like lungs: blobs, each in one
piece. A vessel tree is no blob: cleaning erases it, the check refuses it, and its centroid says nothing. [ours]
"""
from __future__ import annotations

import dataclasses
from typing import Callable, Dict, List, NamedTuple, Sequence

import cv2
import numpy as np

from datasets import anatomy
from datasets.labels import LabelCoding
from pipelines.data.fields import WINDOWS
from pipelines.plan.config import Config, Labels
from pipelines.plan.methods import Method
from pipelines.plan.regimes import methods_of, parse_regime

MOST_REMOVED, MOST_FAILING = 0.01, 0.05  # shares of an organ's pixels and of real maps, above which to warn
FAINT, COARSE = 0.1, 8  # what contrast is too little, in cells of how many px
LEAST_WHOLE = 0.95   # of the maps that show an organ, in one piece: then a dot says where it is
MOST_EXAMINED = 64   # label maps, evenly chosen
COLUMNS = ('organ', 'in maps', 'area', 'cleaning removes', 'fail the check', 'in one piece')


class Organ(NamedTuple):
    """Shares in [0, 1]; NaN of an organ that no map shows.

    Attributes:
      seen: of the maps that show it.
      area: of the picture, where it is seen.
      removed: of its pixels that cleaning would give to others.
      failing: of the maps that fail the anatomical check for its sake.
      whole: of the maps that show it, in one dominant piece.
    """
    seen: float
    area: float
    removed: float
    failing: float
    whole: float


class Examined(NamedTuple):
    """What the rules do to real label maps.

    Attributes:
      failing: share of maps that fail for any organ.
      contrast: what is left in a picture of 8 x 8: standard deviation of the shares that the best seen organ has of its cells.
    """
    organs: Dict[str, Organ]
    failing: float
    contrast: float


def some(items: Sequence, most: int = MOST_EXAMINED) -> list:
    """At most so many of some items, evenly chosen."""
    if len(items) <= most:
        return list(items)
    return [items[i] for i in np.linspace(0, len(items) - 1, most).round().astype(int)]


def examine(label_maps: Sequence[np.ndarray], coding: LabelCoding, labels: Labels) -> Examined:
    """Tries cleaning and check on real label maps, uint8 [S, S] of codes each, not augmented."""
    limits = anatomy.AnatomyRange.of(label_maps, coding, labels.margin, labels.centroid_margin)
    wrong = [limits.violations(label_map) for label_map in label_maps]
    cleaned = [anatomy.clean_labels(label_map, coding, WINDOWS[labels.channels], thin_specks=limits.specks)[0]
               for label_map in label_maps]
    organs = {}
    for organ in coding.organs:
        masks = [coding.organ_mask(label_map, organ) for label_map in label_maps]
        kept = [coding.organ_mask(label_map, organ) for label_map in cleaned]
        shown = [mask for mask in masks if mask.any()]
        pixels = sum(map(np.sum, masks))
        organs[organ] = Organ(
            len(shown) / len(masks), float(np.mean([mask.mean() for mask in shown])) if shown else np.nan,
            sum((mask & ~own).sum() for mask, own in zip(masks, kept)) / pixels if pixels else np.nan,
            float(np.mean([any(line.startswith(f'{organ}:') for line in lines) for lines in wrong])),
            float(np.mean([anatomy.largest_share(mask) >= anatomy.DOMINANT for mask in shown])) if shown else np.nan)
    return Examined(organs, float(np.mean([bool(lines) for lines in wrong])),
                    max(_contrast([coding.organ_mask(label_map, organ) for label_map in label_maps]) for organ in coding.organs))


def _contrast(masks: Sequence[np.ndarray]) -> float:
    return float(np.std([cv2.resize(mask.astype(np.float32), (COARSE, COARSE), interpolation=cv2.INTER_AREA) for mask in masks]))


def settled(labels: Labels, found: Examined) -> Labels:
    """The settings with what real maps show in the place of 'auto'."""
    clean, reject = labels.clean, labels.reject
    if clean == 'auto':
        clean = not any(organ.removed > MOST_REMOVED for organ in found.organs.values())
    if reject == 'auto':
        reject = found.failing <= MOST_FAILING
    return dataclasses.replace(labels, clean=clean, reject=reject)


def without_dot(found: Examined, coding: LabelCoding) -> List[str]:
    """The organs that a dot does not describe."""
    return [name for name, organ in found.organs.items()
            if name in coding.scattered or organ.whole < LEAST_WHOLE]


def methods_in(config: Config) -> List[Method]:
    """The methods by which an experiment draws label maps; others take real ones."""
    names = {*config.regimes, *(name for block in config.matrix for name in block.regimes)}
    return [method for method in methods_of([parse_regime(name) for name in names]) if not method.begins]


def table(found: Examined) -> List[str]:
    """Lines of a table for a terminal, a line an organ."""
    rows = [COLUMNS] + [(name, *['-' if np.isnan(share) else f'{share:.1%}' for share in organ])
                        for name, organ in found.organs.items()]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ['  '.join([row[0].ljust(widths[0]), *[cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]])
            for row in rows]


def warn(found: Examined, coding: LabelCoding, labels: Labels, methods: Sequence[Method],
         say: Callable[[str], None] = print) -> None:
    """Says each of `warnings`, a line each."""
    for line in warnings(found, coding, labels, methods):
        say(f'WARNING: {line}')


def warnings(found: Examined, coding: LabelCoding, labels: Labels, methods: Sequence[Method]) -> List[str]:
    """A line for each rule of some methods that does not suit an organ, with what to do."""
    told: List[str] = []
    if not methods:
        return told
    for name, organ in found.organs.items():
        if organ.removed > MOST_REMOVED and labels.clean is True:
            told.append(f'{name}: cleaning would remove {organ.removed:.0%} of its pixels in real label maps: set '
                        f'labels.clean=false or auto, or a larger data.size')
    if found.failing > MOST_FAILING and labels.reject is True:
        worst = max(found.organs, key=lambda name: found.organs[name].failing)
        told.append(f'{found.failing:.0%} of the real label maps fail the anatomical check, most for {worst}: set '
                    f'labels.reject=false or auto, or name organs of many pieces as `scattered` in coding.yaml')
    if found.contrast < FAINT and labels.channels != 'distance' and any(
            stage.kind == 'pggan' and 'labels' in stage.produces for method in methods for stage in method.stages):
        told.append(f'{", ".join(found.organs)}: so thin or small that next to nothing is left of them in the small pictures that a '
                    f'PGGAN begins with, and it would draw none: set labels.channels=distance')
    parts = without_dot(found, coding)
    if parts and any('dots' in stage.produces for method in methods for stage in method.stages):
        told.append(f'{", ".join(parts)}: in several pieces, which a dot does not describe: the three-stage method '
                    f'does not fit, the two-stage method does (--regimes real synth2 finetune2)')
    return told
