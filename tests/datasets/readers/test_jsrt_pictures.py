"""JSRT/SCR whose files are there and hold what cannot be."""
import numpy as np
import pytest
from PIL import Image

from datasets.errors import InputError
from tests.datasets.readers.test_jsrt import STRUCTURES, _loads, _mask


def _rewrite(path, change):
    Image.fromarray(change(np.array(Image.open(path).convert('L')))).save(path)


@pytest.mark.parametrize('change, message', [
    (lambda m: np.where(m > 0, np.arange(96, dtype=np.uint8) % 2 * 100 + 155, 0).astype(np.uint8),
     r'JPCNN003.gif: expected a mask of two values, 0 and 255, found also 155'),
    (np.zeros_like, r'JPCNN003.gif: expected the outline of an organ, found an empty mask'),
    (lambda m: m[:50], r'JPCNN003.gif: expected the size of the other masks of JPCNN003, '
                       r'\(96, 96\), found \(50, 96\)'),
])
def test_wrong_mask(converted, change, message):
    _rewrite(_mask(converted, 'JPCNN003'), change)
    with pytest.raises(InputError, match=message):
        _loads(converted)


def test_mirrored_masks(converted):
    for structure in STRUCTURES:
        _rewrite(_mask(converted, 'JPCNN003', structure), np.fliplr)
    with pytest.raises(InputError, match="masks of JPCNN003: expected the patient's left_lung "
                                         'right of right_lung'):
        _loads(converted)


def test_unusable_pictures(converted):
    image = converted / 'images' / 'JPCLN001.png'
    whole = image.read_bytes()
    image.write_bytes(whole[:len(whole) // 2])
    with pytest.raises(InputError, match='JPCLN001.png: cannot be read as a picture'):
        _loads(converted)
    Image.new('L', (64, 64), 9).save(image)
    with pytest.raises(InputError, match='JPCLN001.png: .*the same value 9 everywhere'):
        _loads(converted)
    image.write_bytes(whole)
    mask = _mask(converted, 'JPCNN003')
    mask.write_bytes(mask.read_bytes()[:200])
    with pytest.raises(InputError, match='JPCNN003.gif: cannot be read as a picture'):
        _loads(converted)


def test_pictures_converted_without_inverting_are_refused(converted):
    path = converted / 'images' / 'JPCLN001.png'
    Image.fromarray(255 - np.array(Image.open(path))).save(path)
    with pytest.raises(InputError, match='JPCLN001.png: expected lungs darker than what surrounds them, found '
                                         'medians .*: the picture is inverted, or its masks are another.s; invert it'):
        _loads(converted)


def test_a_saved_plot_of_a_picture_is_refused(converted):
    path = converted / 'images' / 'JPCLN001.png'
    Image.fromarray(np.array(Image.open(path).resize((64, 48)))).save(path)
    with pytest.raises(InputError, match="JPCLN001.png: expected a mask of .* of the picture's aspect, 48 x 64"):
        _loads(converted)
