"""What a plausible label map is, and how to clean one that a GAN drew.

Label maps are uint8 [H, W] of codes (`datasets/labels.py`). Areas are fractions of the picture,
positions (y, x) fractions of height and width, so that a range learnt at one size holds at all.
The paper filters nothing: check and cleaning are [ours]; every count and margin is a default here.
"""
from __future__ import annotations

import dataclasses
from typing import Dict, Iterable, List, Mapping, Sequence, Tuple

import cv2
import numpy as np

from datasets import vessels
from datasets.errors import InputError
from datasets.labels import LabelCoding
from datasets.sample import mask_centroid

# an organ's largest component must hold this part of it
DOMINANT = 0.9
AREA_MARGIN = 0.25
CENTROID_MARGIN = 0.05
WINDOW = 5
SPECK_AREA = 0.0003
THIN_LOSS = 0.002  # of a scattered organ's pixels in real maps, which may be taken for specks
WARP_GRID = 5     # random displacements a side


@dataclasses.dataclass(frozen=True)
class AnatomyRange:
    """Areas and centroids that organs may have, and shapes where they are scattered, as vessels are.

    Attributes:
      coding: says which codes an organ has.
      areas: organ -> (least, largest) area where it is seen; (0, 0) of one that never was.
      centroids: organ -> (least y, least x, largest y, largest x).
      shapes: scattered organ -> quantity of vessels.shape -> (least, largest).
      specks: scattered organ -> area below which a piece of it is a speck, see vessels.speck_area.
    """
    coding: LabelCoding
    areas: Dict[str, Tuple[float, float]]
    centroids: Dict[str, Tuple[float, float, float, float]]
    shapes: Dict[str, Dict[str, Tuple[float, float]]] = dataclasses.field(default_factory=dict)
    specks: Dict[str, float] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, label_maps: Iterable[np.ndarray], coding: LabelCoding,
           area_margin: float = AREA_MARGIN, centroid_margin: float = CENTROID_MARGIN
           ) -> 'AnatomyRange':
        """The range over training label maps, widened.

        Args:
          label_maps: uint8 [H, W] each, of any sizes, with every organ of the coding that is not optional.
          area_margin: by this part of themselves the least and the largest area are widened, and those of shapes.
          centroid_margin: by this fraction of the picture the centroids' box is widened.
        """
        seen: Dict[str, List[Tuple[float, float, float]]] = {o: [] for o in coding.organs}
        thin: Dict[str, List[np.ndarray]] = {o: [] for o in coding.scattered}
        for label_map in label_maps:
            for organ in coding.organs:
                mask = coding.organ_mask(label_map, organ)
                if mask.any():
                    seen[organ].append((mask.mean(), *mask_centroid(mask)))
                    thin.get(organ, []).append(mask)
                elif organ not in coding.optional:
                    raise InputError(f'training label maps: organ {organ} is missing in one; take '
                                     'that sample out')
        if not any(seen.values()):
            raise InputError('training label maps: expected at least one with an organ, found none')
        lowest, highest = ({organ: limit(rows or [(0.0, 0.0, 0.0)], axis=0).tolist()
                            for organ, rows in seen.items()} for limit in (np.min, np.max))
        areas = {o: (lowest[o][0] * (1 - area_margin), highest[o][0] * (1 + area_margin))
                 for o in coding.organs}
        centroids = {o: (lowest[o][1] - centroid_margin, lowest[o][2] - centroid_margin,
                         highest[o][1] + centroid_margin, highest[o][2] + centroid_margin)
                     for o in coding.organs}
        shapes = {o: _shapes(masks, area_margin) for o, masks in thin.items() if masks}
        specks = {o: vessels.speck_area(masks, THIN_LOSS, SPECK_AREA) for o, masks in thin.items()}
        return cls(coding, areas, centroids, shapes, specks)

    def violations(self, label_map: np.ndarray) -> List[str]:
        """What is wrong with a label map, a line each; an empty list if nothing is.

        Every organ must be there unless it is optional, in one dominant piece and its centroid inside the
        range, or if it is scattered its width, length and branchings inside theirs, its area inside the range,
        and the left organ of a pair further right in the picture than the right one.
        """
        wrong = []
        at: Dict[str, Tuple[float, float]] = {}
        for organ in self.coding.organs:
            mask = self.coding.organ_mask(label_map, organ)
            if not mask.any():
                wrong += [] if organ in self.coding.optional else [f'{organ}: missing']
                continue
            at[organ] = mask_centroid(mask)
            wrong += self._organ_violations(organ, mask, at[organ])
        for left, right in self.coding.left_right:
            if left in at and right in at and at[left][1] <= at[right][1]:
                wrong.append(f'{left} and {right}: sides swapped')
        return wrong

    def _organ_violations(self, organ: str, mask: np.ndarray, centroid: Tuple[float, float]
                          ) -> List[str]:
        wrong = []
        largest = largest_share(mask)
        is_scattered = organ in self.coding.scattered
        if largest < DOMINANT and not is_scattered:
            wrong.append(f'{organ}: in pieces, the largest has {largest:.0%}')
        least, most = self.areas[organ]
        if not least <= mask.mean() <= most:
            wrong.append(f'{organ}: area {mask.mean():.4f} outside {least:.4f} to {most:.4f}')
        top, left, bottom, right = self.centroids[organ]
        y, x = centroid
        if not is_scattered and not (top <= y <= bottom and left <= x <= right):
            wrong.append(f'{organ}: centroid y {y:.2f}, x {x:.2f} outside y {top:.2f} to '
                         f'{bottom:.2f}, x {left:.2f} to {right:.2f}')
        found = vessels.shape(mask) if organ in self.shapes else {}
        for quantity, value in found.items():
            least, most = self.shapes[organ][quantity]
            if not least <= value <= most:
                wrong.append(f'{organ}: {quantity} {value:.4g} outside {least:.4g} to {most:.4g}')
        return wrong

    def to_dict(self) -> dict:
        """Plain data for JSON; `from_dict` is its inverse."""
        return {'coding': self.coding.to_dict(),
                'areas': {o: list(v) for o, v in self.areas.items()},
                'centroids': {o: list(v) for o, v in self.centroids.items()},
                'shapes': {o: {name: list(v) for name, v in of.items()} for o, of in self.shapes.items()},
                'specks': dict(self.specks)}

    @classmethod
    def from_dict(cls, data: dict) -> 'AnatomyRange':
        """What `to_dict` made."""
        return cls(LabelCoding.from_dict(data['coding']),
                   {o: tuple(v) for o, v in data['areas'].items()},
                   {o: tuple(v) for o, v in data['centroids'].items()},
                   {o: {name: tuple(v) for name, v in of.items()} for o, of in data['shapes'].items()}, data['specks'])


def _shapes(masks: Sequence[np.ndarray], margin: float) -> Dict[str, Tuple[float, float]]:
    found = [vessels.shape(mask) for mask in masks]
    return {name: (min(one[name] for one in found) * (1 - margin), max(one[name] for one in found) * (1 + margin))
            for name in found[0]}


def largest_share(mask: np.ndarray) -> float:
    """Share of a mask that is not empty which its largest 8-connected piece holds, in (0, 1]."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return stats[1:, cv2.CC_STAT_AREA].max() / mask.sum()


def clean_labels(label_map: np.ndarray, coding: LabelCoding, window: int = WINDOW, speck_area: float = SPECK_AREA,
                 thin_specks: Mapping[str, float] = {}) -> Tuple[np.ndarray, int]:
    """Removes the rims and specks that decoded GAN output has.

    First each pixel takes the code that most of its window has (its own if that is among the
    first), which removes rims thinner than half the window. Then each 8-connected region of one
    code that is smaller than `speck_area` takes the code that most pixels around it have. Pieces of
    scattered organs stay, and do not grow, for vessels are as thin as rims; but for specks by a measure of their
    own. [ours]

    Args:
      label_map: uint8 [H, W] of codes.
      window: side of the window in pixels, odd: rims are some pixels wide at any size.
      speck_area: fraction of the picture; a region of one pixel is a speck at any size.
      thin_specks: scattered organ -> the same of its pieces, see AnatomyRange.specks; none = all of them stay.

    Returns:
      (the cleaned map, uint8 [H, W]; how many pixels were changed).
    """
    cleaned = _majority(label_map, coding.num_codes, window)
    least = max(2, round(speck_area * label_map.size))
    cleaned = _drop_specks(cleaned, coding.num_codes, least)
    for organ in coding.scattered:
        mask = coding.organ_mask(label_map, organ)
        _, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        is_kept = stats[:, cv2.CC_STAT_AREA] >= thin_specks.get(organ, 0.0) * mask.size
        grown = coding.organ_mask(cleaned, organ) & ~mask
        cleaned = np.where(mask & is_kept[pieces] | grown, label_map, cleaned)
    return cleaned, int((cleaned != label_map).sum())


def warp_labels(label_map: np.ndarray, strength: float, seed: Sequence[int]) -> np.ndarray:
    """A label map moved by a smooth random field: other shapes of the same organs. [ours]

    Args:
      strength: standard deviation of the displacements of a coarse grid, as a share of the side.
      seed: of numpy's generator.
    """
    height, width = label_map.shape
    coarse = np.random.default_rng(seed).normal(0, strength, [WARP_GRID, WARP_GRID, 2])
    flow = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[:height, :width]
    return cv2.remap(label_map, (x + width * flow[..., 1]).astype(np.float32),
                     (y + height * flow[..., 0]).astype(np.float32), cv2.INTER_NEAREST,
                     borderMode=cv2.BORDER_REPLICATE)


def _majority(label_map: np.ndarray, num_codes: int, window: int) -> np.ndarray:
    best = np.zeros(label_map.shape, np.int16)
    winner = np.zeros_like(label_map)
    for code in range(num_codes):
        own = label_map == code
        if not own.any():
            continue
        # mirrored without the edge itself: a rim along the edge of the picture counts once
        votes = cv2.boxFilter(own.astype(np.uint8), cv2.CV_16S, (window, window), normalize=False,
                              borderType=cv2.BORDER_REFLECT_101)
        # doubled, so that the pixel's own code can win a tie by one
        votes = 2 * votes + own
        better = votes > best
        best[better] = votes[better]
        winner[better] = code
    return winner


def _drop_specks(label_map: np.ndarray, num_codes: int, least: int) -> np.ndarray:
    """Regions of fewer than `least` pixels take the commonest code around them, in rounds.

    The first round decides the specks that touch a large region; the next those that touch them.
    """
    regions, codes, areas = _regions(label_map, num_codes)
    pending = areas < least
    ours, theirs = _borders(regions)
    while pending.any():
        ready = pending[ours] & ~pending[theirs]
        votes = np.zeros((len(codes), num_codes), int)
        np.add.at(votes, (ours[ready], codes[theirs[ready]]), 1)
        decided = votes.any(axis=1)
        if not decided.any():  # nothing but specks
            break
        codes[decided] = votes[decided].argmax(axis=1)
        pending &= ~decided
    return codes[regions]


def _regions(label_map: np.ndarray, num_codes: int) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """8-connected regions of one code: region of each pixel [H, W], its code and area [regions]."""
    regions = np.zeros(label_map.shape, np.int32)
    codes, areas = [], []
    for code in range(num_codes):
        own = (label_map == code).astype(np.uint8)
        count, parts, stats, _ = cv2.connectedComponentsWithStats(own, connectivity=8)
        regions += np.where(own, parts - 1 + len(codes), 0).astype(np.int32)
        codes += [code] * (count - 1)
        areas += stats[1:, cv2.CC_STAT_AREA].tolist()
    return regions, np.array(codes, np.uint8), np.array(areas)


def _borders(regions: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Each pair of neighbouring pixels of different regions, from both sides."""
    firsts, seconds = [], []
    for one, other in ((regions[:, :-1], regions[:, 1:]), (regions[:-1], regions[1:])):
        differ = one != other
        firsts += [one[differ], other[differ]]
        seconds += [other[differ], one[differ]]
    return np.concatenate(firsts), np.concatenate(seconds)
