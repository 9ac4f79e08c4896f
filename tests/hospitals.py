"""Two hospitals' data sets, drawn: Montgomery and Shenzhen as their owners lay them out."""
import cv2
import numpy as np

from datasets.phantom.phantom import draw_phantom

SIZE = 64
# the archive's number of the patient and of the picture; the last two are of one patient
MONTGOMERY = tuple(f'MCUCXR_{number:04}_{number % 2}' for number in range(1, 10)) + ('MCUCXR_0009_0',)
SHENZHEN = tuple(f'CHNCXR_{number:04}_{number % 2}' for number in range(1, 13))
BARE = SHENZHEN[-2:]  # of which nobody drew masks


def lungs_of(index, seed=3):
    """(picture uint8 [64, 64], left lung, right lung bool [64, 64]) of a drawn chest."""
    drawn = draw_phantom(seed, index, SIZE)
    return drawn.image, drawn.masks['left_lung'], drawn.masks['right_lung']


def save(path, array):
    """A picture as PNG; masks as 0 and 255."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), array.astype(np.uint8) * 255 if array.dtype == bool else array)


def with_border(image, lines=10):
    """The picture on a black frame that shows at the bottom, slanted as in scanned films."""
    framed = image.copy()
    for x in range(image.shape[1]):
        framed[image.shape[0] - lines - x // 32:, x] = 0
    return framed


def draw_montgomery(folder, ids=MONTGOMERY, swapped=(), bordered=()):
    """MontgomerySet in a folder; of `swapped` ids leftMask holds what lies left in the picture."""
    root = folder / 'MontgomerySet'
    for index, id in enumerate(ids):
        image, left, right = lungs_of(index)
        save(root / 'CXR_png' / f'{id}.png', with_border(image) if id in bordered else image)
        masks = (right, left) if id in swapped else (left, right)
        for name, mask in zip(('leftMask', 'rightMask'), masks):
            save(root / 'ManualMask' / name / f'{id}.png', mask)
        readings = root / 'ClinicalReadings' / f'{id}.txt'
        readings.parent.mkdir(exist_ok=True)
        readings.write_text("Patient's Sex: F\nPatient's Age: 027Y\nnormal\n")
    (root / 'CXR_png' / 'Thumbs.db').write_bytes(b'as distributed')
    return folder


def draw_shenzhen(folder, ids=SHENZHEN, bare=BARE):
    """ChinaSet_AllFiles in a folder, beside it the masks, which are distributed apart; none of `bare` ids."""
    for index, id in enumerate(ids):
        image, left, right = lungs_of(index, seed=4)
        save(folder / 'ChinaSet_AllFiles' / 'CXR_png' / f'{id}.png', image)
        if id not in bare:
            save(folder / 'mask' / f'{id}_mask.png', left | right)
    return folder
