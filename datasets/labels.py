"""LabelCoding: the only place where codes, organs, grey levels, colours and classes meet.

A *code* is the value of one pixel of a label map (uint8, 0 = background) and stands for the set of
organs that cover the pixel, so that overlapping organs (clavicles lie across the lungs) survive in a
single channel. A *class* is what segmentation predicts and what is scored: 0 = background, then
`targets` in order. "Left" is the patient's left, the right side of the picture.

Codes and projection are [ours]: the papers do not print theirs.
"""
from __future__ import annotations

import dataclasses
from typing import Dict, Optional, Tuple

import numpy as np

from datasets.errors import InputError

BACKGROUND_COLOUR = (0, 0, 0)


@dataclasses.dataclass(frozen=True)
class Code:
    """One value of a label map.

    Attributes:
      organs: the organs that a pixel of this code belongs to; none for the background.
      colour: RGB, 0..255, for pictures.
      target: the organ that segmentation should predict here, or None for background.
    """
    organs: Tuple[str, ...]
    colour: Tuple[int, int, int]
    target: Optional[str]


RESERVED = ('average', 'background')   # columns of every table


def is_name(name: str) -> bool:
    """Whether an organ or a class can be called so: as a file, and as a column beside the reserved ones."""
    return name.lower() not in RESERVED and bool(name.strip()) and name[0] != '.' and not set(name) & set('/\\\n\r\t\0')


@dataclasses.dataclass(frozen=True)
class LabelCoding:
    """Which codes a domain has and what they mean.

    Attributes:
      name: names the coding in records and exported models.
      organs: every annotated structure, in the order of the dot codes 1, 2, ...
      codes: meaning of label-map value 0, 1, ...; painted in this order, so later ones win.
      targets: the scored organs; segmentation class i + 1 is `targets[i]`.
      left_right: pairs (patient's left, patient's right) whose sides are checked.
      optional: organs that a picture need not show, such as lesions.
      scattered: organs of many pieces without a place of their own, such as vessels.
    """
    name: str
    organs: Tuple[str, ...]
    codes: Tuple[Code, ...]
    targets: Tuple[str, ...]
    left_right: Tuple[Tuple[str, str], ...] = ()
    optional: Tuple[str, ...] = ()
    scattered: Tuple[str, ...] = ()

    def __post_init__(self):
        if not self.codes or self.codes[0].organs:
            raise InputError(f'coding {self.name!r}: code 0 must be the background, without organs')
        if len(self.codes) > 256:
            raise InputError(f'coding {self.name!r}: expected at most 256 codes (a label map is '
                             f'uint8), found {len(self.codes)}')
        known = set(self.organs)
        for names in (self.organs, self.targets):
            if len({name.lower() for name in names}) < len(names):  # folders, and not every disk tells a from A
                raise InputError(f'coding {self.name!r}: expected names that differ by more than capitals, found '
                                 f'{", ".join(names)}; rename one')
        for name in (*self.organs, *self.targets):
            if not is_name(name):
                raise InputError(f'coding {self.name!r}: expected names of organs that can be files and columns, other than '
                                 f'{" and ".join(RESERVED)}, found {name!r}; rename it')
        named = [o for code in self.codes for o in code.organs]
        named += [code.target for code in self.codes if code.target]
        named += [*self.targets, *self.optional, *self.scattered]
        named += [o for pair in self.left_right for o in pair]
        for organ in named:
            if organ not in known:
                raise InputError(f'coding {self.name!r}: unknown organ {organ!r}; organs are '
                                 f'{", ".join(self.organs)}')
        for organ in self.organs:
            if not any(organ in code.organs for code in self.codes):
                raise InputError(f'coding {self.name!r}: no code stands for organ {organ!r}')
        for code in self.codes:
            if code.target is not None and code.target not in self.targets:
                raise InputError(f'coding {self.name!r}: target {code.target!r} of code '
                                 f'{code.organs} is not among the targets {self.targets}')
        for target in self.targets:
            if all(code.target != target for code in self.codes):
                raise InputError(f'coding {self.name!r}: no code is of target {target!r}: name it '
                                 f'first in a code, or leave it out of the targets')

    @property
    def is_labelled(self) -> bool:
        """Whether there is anything to label: pictures of `UNLABELLED` have no label maps."""
        return bool(self.organs)

    @property
    def num_codes(self) -> int:
        """Of a label map, the background among them."""
        return len(self.codes)

    @property
    def num_classes(self) -> int:
        """Of a segmentation: the background and the targets."""
        return 1 + len(self.targets)

    def only(self, organ: str) -> 'LabelCoding':
        """The coding of one organ, as if nobody had drawn another; InputError if there is no such organ."""
        if organ not in self.organs:
            known = ', '.join(self.organs) or 'none, for nothing is labelled'
            raise InputError(f'data.organ: expected one of {known}, found {organ!r}')
        colour = next(code.colour for code in self.codes if organ in code.organs)
        return LabelCoding(organ, (organ,), (self.codes[0], Code((organ,), colour, organ)), (organ,),
                           optional=tuple({organ} & {*self.optional}), scattered=tuple({organ} & {*self.scattered}))

    def encode(self, masks: Dict[str, np.ndarray]) -> np.ndarray:
        """Paints organ masks (bool, [H, W], all of one size) into one label map uint8 [H, W]."""
        shape = next(iter(masks.values())).shape
        label_map = np.zeros(shape, np.uint8)
        for value, code in enumerate(self.codes[1:], start=1):
            label_map[np.logical_and.reduce([masks[o] for o in code.organs])] = value
        return label_map

    def organ_mask(self, label_map: np.ndarray, organ: str) -> np.ndarray:
        """Where `organ` is, bool [H, W], from a label map of codes."""
        return np.isin(label_map, [v for v, c in enumerate(self.codes) if organ in c.organs])

    def check(self, label_map: np.ndarray, source: str) -> None:
        """Raises InputError, naming `source`, if a value of the label map is not a code."""
        worst = int(label_map.max(initial=0))
        if worst >= self.num_codes:
            raise InputError(f'{source}: label code {worst} is out of range; coding {self.name!r} '
                             f'has the codes 0 to {self.num_codes - 1}')

    @property
    def projection(self) -> np.ndarray:
        """Code -> class, uint8 [num_codes]: `projection[label_map]` is the segmentation target."""
        return np.array([0 if c.target is None else 1 + self.targets.index(c.target)
                         for c in self.codes], np.uint8)

    @property
    def colours(self) -> np.ndarray:
        """Code -> RGB, uint8 [num_codes, 3]."""
        return np.array([c.colour for c in self.codes], np.uint8)

    @property
    def class_colours(self) -> np.ndarray:
        """Class -> RGB, uint8 [num_classes, 3]: the colour of the first code of that target."""
        firsts = [next(c.colour for c in self.codes if c.target == t) for t in self.targets]
        return np.array([BACKGROUND_COLOUR] + firsts, np.uint8)

    @property
    def dot_colours(self) -> np.ndarray:
        """Dot code (0, then 1 + index of the organ) -> RGB, uint8 [1 + organs, 3]."""
        firsts = [next(c.colour for c in self.codes if o in c.organs) for o in self.organs]
        return np.array([BACKGROUND_COLOUR] + firsts, np.uint8)

    def to_dict(self) -> dict:
        """Plain data for JSON; `from_dict` is its inverse."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict) -> 'LabelCoding':
        """What `to_dict` made; records of older versions may lack what came later."""
        codes = tuple(Code(tuple(c['organs']), tuple(c['colour']), c['target'])
                      for c in data['codes'])
        return cls(data['name'], tuple(data['organs']), codes, tuple(data['targets']),
                   tuple(tuple(pair) for pair in data['left_right']),
                   tuple(data.get('optional', ())), tuple(data.get('scattered', ())))


def grey_levels(num_codes: int) -> np.ndarray:
    """Equally spaced grey levels of `num_codes` codes, float32 in [-1, 1] (the paper's channel)."""
    return np.linspace(-1, 1, num_codes, dtype=np.float32)


CHEST = LabelCoding(
    name='chest',
    organs=('left_lung', 'right_lung', 'heart', 'left_clavicle', 'right_clavicle'),
    codes=(
        Code((), BACKGROUND_COLOUR, None),
        Code(('left_lung',), (66, 135, 245), 'left_lung'),
        Code(('right_lung',), (52, 199, 123), 'right_lung'),
        Code(('heart',), (235, 87, 87), 'heart'),
        Code(('left_clavicle',), (242, 201, 76), None),
        Code(('right_clavicle',), (187, 107, 217), None),
        Code(('left_clavicle', 'left_lung'), (250, 225, 160), 'left_lung'),
        Code(('right_clavicle', 'right_lung'), (222, 184, 235), 'right_lung'),
    ),
    # the order of the columns in the paper's tables
    targets=('left_lung', 'heart', 'right_lung'),
    left_right=(('left_lung', 'right_lung'), ('left_clavicle', 'right_clavicle')),
)

# both lungs and nothing else, as Montgomery and Shenzhen have them
LUNGS = LabelCoding('lungs', CHEST.organs[:2], CHEST.codes[:3], CHEST.organs[:2], left_right=CHEST.left_right[:1])

# a lesion and nothing else: thin, at any place, on both sides at times; OR_NONE: pictures need not show it
PNEUMOTHORAX = LabelCoding(
    'pneumothorax', ('pneumothorax',),
    (CHEST.codes[0], Code(('pneumothorax',), (235, 87, 87), 'pneumothorax')), ('pneumothorax',),
    scattered=('pneumothorax',))
PNEUMOTHORAX_OR_NONE = dataclasses.replace(PNEUMOTHORAX, optional=PNEUMOTHORAX.organs)

# the vessels of the retina, arteries and veins in one, as DRIVE, CHASE_DB1, STARE and HRF have them
VESSELS = LabelCoding('vessels', ('vessels',), (CHEST.codes[0], Code(('vessels',), (86, 204, 242), 'vessels')),
                      ('vessels',), scattered=('vessels',))

# pictures of which nobody drew anything
UNLABELLED = LabelCoding('unlabelled', (), CHEST.codes[:1], ())
