"""A sample as records want it: read, checked, cut to its film; and what all samples of a set are checked for together."""
from __future__ import annotations

from typing import Sequence

from datasets import film
from datasets.errors import InputError
from datasets.labels import LabelCoding
from datasets.sample import Dataset, Sample, check_field, check_shown, check_sides
from pipelines.plan.config import Data

TOLD_HIDDEN, MOST_HIDDEN = 0.01, 0.05  # shares of an organ under others: said, and refused above
TRIMMED = 'cut to the film'  # told of how many pictures


def read_sample(dataset: Dataset, id: str, data: Data) -> Sample:
    """A sample, checked, and cut to its film where that is asked for; InputError see `check_sample`."""
    sample = check_sample(dataset, dataset.load(id))
    sample = film.trimmed(sample) if data.trim_borders else sample
    check_shown(dataset.coding, sample.masks, f'{id}, cut to its film (data.trim_borders): ')
    return sample._replace(told=(*sample.told, TRIMMED)) if any(sample.cut_from) else sample


def check_sample(dataset: Dataset, sample: Sample) -> Sample:
    """The sample, or InputError: an organ is empty, unknown or on the wrong side, or its field of another aspect."""
    check_shown(dataset.coding, sample.masks, f'{sample.id}: ')
    if sample.ignored is not None:
        check_known(dataset.coding, sample)
    check_sides(dataset.coding, sample.masks, sample.id)
    if dataset.field_of_view_mm and not dataset.spacings_mm:
        check_field(sample.image, dataset.field_of_view_mm, sample.id)
    return sample


def check_known(coding: LabelCoding, sample: Sample) -> None:
    """InputError where all of a picture is ignored, or all of an organ: nothing of it could be learned or scored."""
    known = ~sample.ignored
    lost = [organ for organ, mask in sample.masks.items() if organ not in coding.optional and not (mask & known).any()]
    if not known.any() or lost:
        what = f'all of {lost[0]}' if known.any() else 'all of it'
        raise InputError(f'{sample.id}: expected something known (inside the field of view, and not `ignore`), found '
                         f'{what} outside; are mask and field those of another picture?')


def check_pixels(dataset: Dataset, counts, ids: Sequence[str]) -> None:
    """InputError where nothing shows, for every organ may be absent and is in all pictures; or too much is hidden.

    `counts` are of pixels of `ids`, see `hidden`; what a worker does not see another may.
    """
    organs = dataset.coding.organs
    if organs and len(ids) == len(dataset.ids) and not any(counts[organ] for organ in organs):
        raise InputError(f'{dataset.name}: expected a picture that shows {" or ".join(organs)}, found none among '
                         f'{len(dataset.ids)}: there is nothing to learn or to score; take other or more pictures')
    check_hidden(dataset.coding, counts, dataset.name)


def hidden(coding: LabelCoding, masks) -> dict:
    """Pixels of each organ, and those that its label map does not show: {organ: n, (organ, 'hidden'): n}."""
    label_map, found = coding.encode(masks) if masks else None, {}
    for organ, mask in masks.items():
        found[organ] = int(mask.sum())
        found[organ, 'hidden'] = int((mask & ~coding.organ_mask(label_map, organ)).sum())
    return found


def check_hidden(coding: LabelCoding, counts, name: str) -> None:
    """Says which share of which organ no code keeps where masks overlap; InputError above 5 %."""
    for organ in coding.organs:
        share = counts[organ, 'hidden'] / max(counts[organ], 1)
        if share > MOST_HIDDEN:
            raise InputError(f'{name}: {share:.0%} of {organ} lies under other organs and is lost in the label '
                             f'maps (at most {MOST_HIDDEN:.0%}): give the overlap a code of its own in '
                             f'coding.yaml, such as codes: [..., [{organ}, <the other organ>]], or paint '
                             f'{organ} later')
        if share > TOLD_HIDDEN:
            print(f'note: {name}: {share:.1%} of {organ} lies under other organs and is not in the label maps')


def check_depth(sample: Sample, bits: int) -> Sample:
    """The sample, or InputError: its picture has other bits than the first of its set."""
    found = 8 * sample.image.dtype.itemsize
    if found != bits:
        raise InputError(f'{sample.id}: expected an image of {bits} bits like the first of the set, '
                         f'found {found}; convert the set to one depth')
    return sample
