"""The data sets that can be read, as a table: another one is a file here and a row.

A reader opens one split of an archive as a datasets.sample.Dataset. It reads nothing but what it needs to
say which images there are, and refuses a layout that is not as it should be; pictures are read by
`Dataset.load`, one at a time.
"""
from __future__ import annotations

import functools
import os
from typing import Callable, Dict, NamedTuple, Optional, Sequence

from datasets.errors import InputError
from datasets.phantom import lesions, phantom, retina, second_hospital
from datasets.readers import chase_db1, drive, folder, hrf, jsrt, montgomery, nnunet, shenzhen, siim_acr, stare
from datasets.sample import Dataset, of_organ, without_labels


class Request(NamedTuple):
    """What is asked of a reader.

    Attributes:
      source: the folder of the archive; None for drawn data sets.
      split: 'train' or 'test' as the archive itself divides them, or 'all' of its images.
      ids: these images of the split; None = all of it.
      channels: of the pictures: 1 = grey, 3 = colour.
      grey: what becomes of colours where they are grey, see images.read_picture.
      unlabelled: take the pictures without what they show, also those of which nobody drew it.
      count, size, seed: of drawn data sets: how many pictures, their side in px, and which.
      bone_suppressed: whether samples are to bring their bone-suppressed picture.
      organ: of what is labelled this alone; None = all.
    """
    source: Optional[str]
    split: str
    ids: Optional[Sequence[str]] = None
    channels: int = 1
    grey: str = 'equal'
    unlabelled: bool = False
    count: Optional[int] = None
    size: int = 512
    seed: int = 0
    bone_suppressed: bool = False
    organ: Optional[str] = None


class Reader(NamedTuple):
    """One data set; `is_drawn`: without files, so without a source and without ids to name."""
    open: Callable[[Request], Dataset]
    is_drawn: bool = False


SECOND = '_second'  # behind the name of a data set: the same pictures as a second observer drew them
DRAWN = {'train': 124, 'test': 123, 'all': 247}  # phantoms where nobody says: as many as JSRT has
DRAWN_RETINAS = 20  # in either part, as DRIVE


def _phantom(asked: Request) -> Dataset:
    return phantom.open_phantom(asked.split, asked.count or DRAWN.get(asked.split, 1), asked.size,
                                asked.seed, asked.bone_suppressed)


def _phantom_b(asked: Request) -> Dataset:
    return second_hospital.open_phantom_b(asked.split, asked.count or DRAWN.get(asked.split, 1), asked.size, asked.seed)


def _lesions(asked: Request, has_healthy: bool = True) -> Dataset:
    return lesions.open_lesions(asked.split, asked.count or DRAWN.get(asked.split, 1), asked.size, asked.seed,
                                has_healthy)


def _phantom_retina(asked: Request) -> Dataset:
    return retina.open_retina(asked, asked.count or DRAWN_RETINAS)


READERS: Dict[str, Reader] = {
    'phantom': Reader(_phantom, is_drawn=True),
    'phantom_b': Reader(_phantom_b, is_drawn=True),
    'phantom_lesions': Reader(_lesions, is_drawn=True),
    'phantom_lesions_shown': Reader(functools.partial(_lesions, has_healthy=False), is_drawn=True),
    'phantom_retina': Reader(_phantom_retina, is_drawn=True),
    'jsrt': Reader(lambda asked: jsrt.open_jsrt(asked.source, asked.split, asked.ids, asked.unlabelled)),
    'folder': Reader(lambda asked: folder.open_folder(asked.source, asked.split, asked.ids,
                                                      asked.channels, asked.grey, asked.unlabelled,
                                                      asked.bone_suppressed)),
    'nnunet': Reader(nnunet.open_nnunet),
    'montgomery': Reader(montgomery.open_montgomery),
    'shenzhen': Reader(shenzhen.open_shenzhen),
    'siim_acr': Reader(siim_acr.open_siim_acr),
    'siim_acr_all': Reader(lambda asked: siim_acr.open_siim_acr(asked, has_healthy=True)),
    'drive': Reader(drive.open_drive),
    'drive_second': Reader(functools.partial(drive.open_drive, observer=2)),
    'chase_db1': Reader(chase_db1.open_chase_db1),
    'chase_db1_second': Reader(functools.partial(chase_db1.open_chase_db1, observer=2)),
    'stare': Reader(stare.open_stare),
    'stare_second': Reader(functools.partial(stare.open_stare, observer=2)),
    'hrf': Reader(hrf.open_hrf),
}


def open_dataset(name: str, asked: Request) -> Dataset:
    """Opens one split of a data set.

    Raises:
      InputError: no such data set, it has files and no source is named or the other way round, or what
        its reader refuses.
    """
    if name not in READERS:
        raise InputError(f'--dataset {name} (data.dataset): expected one of {", ".join(READERS)}')
    reader = READERS[name]
    if reader.is_drawn and asked.ids is not None:
        raise InputError(f'--ids (data.train_ids): pictures of {name} have no files to name; choose their '
                         f'number with --count (data.num_train)')
    if not reader.is_drawn and asked.source is None:
        raise InputError(f'--source: expected the folder of the {name} data set, found nothing')
    dataset = reader.open(asked._replace(source=place_of(asked.source)))
    if asked.bone_suppressed and not dataset.has_bone_suppressed:
        raise InputError(f'data.bone_suppressed: expected a data set with bone-suppressed pictures, as a folder with '
                         f'bone_suppressed/<id>.png, found {name} without; set it to false')
    if asked.unlabelled:
        return without_labels(dataset)
    return of_organ(dataset, asked.organ) if asked.organ else dataset


def place_of(source: Optional[str]) -> Optional[str]:
    """Where a source lies, `~` for the home folder; shells leave it as it is behind `--set data.source=`."""
    return None if source is None else os.path.expanduser(source)
