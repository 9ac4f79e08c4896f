"""Four data sets of retinal vessels, drawn: DRIVE, CHASE_DB1, STARE and HRF as their owners lay them out."""
import functools

import cv2
import numpy as np
from PIL import Image

from datasets.phantom.retina import draw_retina

SIZE = 64
CHASE = tuple(f'Image_{child:02}{eye}' for child in (1, 2, 10, 11, 14) for eye in 'LR')
STARE = tuple(f'im{number:04}' for number in (1, 2, 3, 4, 5, 44, 77, 81, 82, 139, 162, 163))
HRF = tuple(f'{number:02}_{name}' for name in ('dr', 'g', 'h') for number in range(1, 7))


drawn_once = functools.lru_cache(None)(draw_retina)


def eye_of(index):
    """(picture uint8 [64, 64, 3], vessels, field of view bool [64, 64]): of three drawn eyes, in three orders of
    colours."""
    drawn = drawn_once(5, index % 3, SIZE)
    return np.roll(drawn.image, index // 3, axis=2), drawn.masks['vessels'], ~drawn.ignored


def second(vessels):
    """What a second observer might have drawn: the same, wider."""
    return cv2.dilate(vessels.astype(np.uint8), np.ones((2, 2), np.uint8)) > 0


def save(path, array, **how):
    """A picture in the format of its suffix; masks of two values as 0 and 255."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array.astype(np.uint8) * 255 if array.dtype == bool else array).save(path, **how)


def draw_drive(folder, test_is_drawn=True):
    """DRIVE in a folder, three pictures to learn from and three to test; newer downloads lack what the first observer
    drew in these."""
    root = folder / 'DRIVE'
    for index, number in enumerate((21, 22, 40, 1, 2, 20)):
        image, vessels, field = eye_of(index)
        part = 'training' if number > 20 else 'test'
        save(root / part / 'images' / f'{number:02}_{part}.tif', image)
        save(root / part / 'mask' / f'{number:02}_{part}_mask.gif', field)
        if part == 'training' or test_is_drawn:
            save(root / part / '1st_manual' / f'{number:02}_manual1.gif', vessels)
        if part == 'test':
            save(root / part / '2nd_manual' / f'{number:02}_manual2.gif', second(vessels))
    return folder


def draw_chase(folder, ids=CHASE):
    """CHASE_DB1, all in the folder itself; masks of one bit."""
    for index, id in enumerate(ids):
        image, vessels, _ = eye_of(index)
        save(folder / f'{id}.jpg', image, quality=95)
        save(folder / f'{id}_1stHO.png', vessels)
        save(folder / f'{id}_2ndHO.png', second(vessels))
    (folder / 'train.txt').write_text('somebody put this here')
    return folder


def draw_stare(folder, is_flat=False):
    """STARE, in its three folders or all in one; one more picture of which nobody drew vessels."""
    images, labels = ('', '{}') if is_flat else ('stare-images', 'labels-{}')
    for index, id in enumerate((*STARE, 'im0400')):
        image, vessels, _ = eye_of(index)
        save(folder / images / f'{id}.ppm', image)
        if id in STARE:
            for end, mask in (('ah', vessels), ('vk', second(vessels))):
                save(folder / ('' if is_flat else labels.format(end)) / f'{id}.{end}.ppm', np.repeat(
                    255 * mask[..., None].astype(np.uint8), 3, -1))   # three equal channels, as distributed
    return folder


def draw_hrf(folder, ids=HRF):
    """HRF in a folder: six pictures of each class, suffixes as distributed."""
    for index, id in enumerate(ids):
        image, vessels, field = eye_of(index)
        save(folder / 'images' / f'{id}.{"JPG" if "dr" in id else "jpg"}', image, quality=95)
        save(folder / 'manual1' / f'{id}.tif', vessels)
        save(folder / 'mask' / f'{id}_mask.tif', np.repeat(255 * field[..., None].astype(np.uint8), 3, -1))
    return folder
