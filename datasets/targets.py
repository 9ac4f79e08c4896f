"""What a segmenter learns to find: classes made of organs, chosen apart from the codes of the records."""
from __future__ import annotations

from typing import Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from datasets.errors import InputError
from datasets.labels import BACKGROUND_COLOUR, LabelCoding


class Targets(NamedTuple):
    """The classes of a segmenter.

    Attributes:
      names: of the classes, in their order; class i + 1 is `names[i]`, 0 the background.
      organs: of each class, the organs of the coding that it is made of.
      is_overlapping: each class is a mask of its own, decided by itself; else each pixel has one class.
      is_chosen: whether somebody chose them; else they are those of the coding, where a code says which of
        several organs it counts for.
    """
    names: Tuple[str, ...]
    organs: Tuple[Tuple[str, ...], ...]
    is_overlapping: bool = False
    is_chosen: bool = True

    @property
    def num_outputs(self) -> int:
        """Channels of the network: one a class, and one of the background where they exclude each other."""
        return len(self.names) + (not self.is_overlapping)

    def members(self, coding: LabelCoding) -> np.ndarray:
        """Which codes belong to which class, bool [codes, classes].

        Where classes exclude each other, a code counts for the class of its own target, else for the first
        that has one of its organs.
        """
        belongs = np.array([[any(organ in code.organs for organ in own) for own in self.organs]
                            for code in coding.codes])
        if self.is_overlapping:
            return belongs
        wanted = np.array([[code.target in own for own in self.organs] for code in coding.codes])
        if self.is_chosen:
            wanted = np.where(wanted.any(axis=1, keepdims=True), wanted, belongs)
        return wanted & (np.cumsum(wanted, axis=1) == 1)

    def projection(self, coding: LabelCoding) -> np.ndarray:
        """Code -> class, uint8 [codes]; of classes that exclude each other."""
        members = self.members(coding)
        return np.where(members.any(axis=1), 1 + members.argmax(axis=1), 0).astype(np.uint8)

    def masks(self, coding: LabelCoding, label_map: np.ndarray) -> np.ndarray:
        """Label map of codes [H, W] -> bool [classes, H, W]."""
        return np.moveaxis(self.members(coding)[label_map], -1, 0)

    def class_map(self, masks: np.ndarray) -> np.ndarray:
        """bool [classes, H, W] -> class map uint8 [H, W]; later classes are painted over earlier ones."""
        painted = np.zeros(masks.shape[1:], np.uint8)
        for number, mask in enumerate(masks, 1):
            painted[mask] = number
        return painted

    def colours(self, coding: LabelCoding) -> np.ndarray:
        """Class -> RGB, uint8 [1 + classes, 3]: that of the first code of the class."""
        members = self.members(coding)
        return np.array([BACKGROUND_COLOUR] + [coding.codes[column.argmax()].colour
                                               for column in members.T], np.uint8)

    def to_dict(self) -> dict:
        """Plain data for JSON."""
        return {'organs': {name: list(own) for name, own in zip(self.names, self.organs)},
                'is_overlapping': self.is_overlapping, 'is_chosen': self.is_chosen}

    @classmethod
    def from_dict(cls, data: Mapping) -> 'Targets':
        """The inverse of `to_dict`."""
        return cls(tuple(data['organs']), tuple(map(tuple, data['organs'].values())),
                   data['is_overlapping'], data['is_chosen'])


class Scored(NamedTuple):
    """How a segmenter is scored on a data set that need not be the one it learned from.

    Attributes:
      targets: what is scored, of organs of that data set.
      members: of each of these, the numbers (from 0) of the segmenter's classes whose union it is.
      left_out: the names of the segmenter's classes that are not scored.
    """
    targets: Targets
    members: Tuple[Tuple[int, ...], ...]
    left_out: Tuple[str, ...]

    def united(self, masks: np.ndarray) -> np.ndarray:
        """What a segmenter found, bool [its classes, H, W] -> bool [scored classes, H, W]."""
        return np.stack([masks[list(own)].any(axis=0) for own in self.members])

    def united_probabilities(self, probabilities: np.ndarray) -> np.ndarray:
        """The same of probabilities [its classes, H, W]: of classes that exclude each other the sum, of overlapping
        ones the largest."""
        unite = np.max if self.targets.is_overlapping else np.sum
        return np.stack([unite(probabilities[list(own)], axis=0) for own in self.members])


def scored_on(found: Targets, coding: LabelCoding, chosen: Optional[Mapping[str, Sequence[str]]] = None,
              where: str = 'targets') -> Scored:
    """The classes on which a segmenter and a data set can be compared.

    Args:
      found: what the segmenter finds.
      coding: of the data set.
      chosen: the classes to score, such as {lungs: [left_lung, right_lung]}; None = the segmenter's own, those
        of which the data set has every organ.
      where: what a refusal names.

    Raises:
      InputError: nothing is left, or a chosen class has an organ that one of the two does not know apart.
    """
    if not coding.is_labelled:
        raise InputError(f'{where}: expected labels to compare with, found pictures alone')
    if chosen is None:
        members = [(number,) for number, own in enumerate(found.organs) if set(own) <= set(coding.organs)]
        if not members:
            raise InputError(f'{where}: expected the classes of the model, {["background", *found.names]}, found the '
                             f'organs {", ".join(coding.organs)}')
        kept = [number for number, in members]
        targets = found._replace(names=tuple(found.names[i] for i in kept), organs=tuple(found.organs[i] for i in kept))
        if not targets.members(coding).any(axis=0).all():  # codes that this data set counts for nothing by itself
            targets = targets._replace(is_chosen=True)
        _check_pixels(targets, coding, where)
    else:
        members = [tuple(number for number, own in enumerate(found.organs) if set(own) <= set(organs))
                   for organs in chosen.values()]
        for (name, organs), own in zip(chosen.items(), members):
            missing = [organ for organ in organs if not any(organ in found.organs[number] for number in own)]
            if missing:
                raise InputError(f'{where}.{name}: expected organs that the segmenter finds ('
                                 f'{", ".join(_words(found))}), found {missing[0]!r}')
        targets = targets_of(coding, chosen, found.is_overlapping, where)
    used = {number for own in members for number in own}
    return Scored(targets, tuple(members), tuple(name for i, name in enumerate(found.names) if i not in used))


def _words(targets: Targets) -> Tuple[str, ...]:
    return tuple(name if own == (name,) else f'{name} = {" + ".join(own)}'
                 for name, own in zip(targets.names, targets.organs))


def targets_of(coding: LabelCoding, chosen: Optional[Mapping[str, Sequence[str]]] = None,
               is_overlapping: bool = False, where: str = 'segmenter.targets') -> Targets:
    """The classes that a config chooses, or those of the coding.

    Args:
      chosen: name of a class -> the organs that it is made of, such as {lungs: [left_lung, right_lung]}.
      where: what a refusal names.

    Raises:
      InputError: an organ that the coding does not have, or a class that no code is left for.
    """
    if chosen is None:
        return Targets(coding.targets, tuple((target,) for target in coding.targets), is_overlapping, False)
    for name, organs in chosen.items():
        for organ in organs:
            if organ not in coding.organs:
                raise InputError(f'{where}.{name}: expected organs of the data set '
                                 f'({", ".join(coding.organs)}), found {organ!r}')
        if not organs:
            raise InputError(f'{where}.{name}: expected at least one organ, found none')
    made = Targets(tuple(chosen), tuple(map(tuple, chosen.values())), is_overlapping)
    _check_pixels(made, coding, where)
    return made


def _check_pixels(made: Targets, coding: LabelCoding, where: str) -> None:
    for name, column in zip(made.names, made.members(coding).T):
        if not column.any():
            raise InputError(f'{where}.{name}: no pixel is left for it, for every code of its '
                             f'organs belongs to a class before; set segmenter.overlapping=true')
