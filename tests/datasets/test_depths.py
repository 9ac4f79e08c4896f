"""Pictures of 16 bits in colour, which OpenCV reads: what comes back as it is, and what is refused."""
import struct

import cv2
import numpy as np
import pytest

from datasets.errors import InputError
from datasets.images import bits_of, read_grey, read_mask, read_picture

GREY = np.arange(48 * 64, dtype=np.uint8).reshape(48, 64)
DEEP = (np.arange(48 * 64, dtype=np.uint16) * 21).reshape(48, 64)


@pytest.mark.parametrize('suffix', ['png', 'tif', 'ppm'])
def test_equal_channels_of_sixteen_bits_keep_them(tmp_path, suffix):
    path = tmp_path / f'x.{suffix}'
    cv2.imwrite(str(path), np.repeat(DEEP[..., None], 3, -1))
    read = read_grey(path)
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, DEEP)
    cv2.imwrite(str(path), np.stack([DEEP, DEEP, DEEP[::-1]], -1))
    with pytest.raises(InputError, match='expected a grey picture, found colours'):
        read_grey(path)
    with pytest.raises(InputError, match='expected a mask in black and white, found colours'):
        read_mask(path)
    colours = read_picture(path, 3)  # OpenCV wrote blue first
    assert colours.dtype == np.uint16
    np.testing.assert_array_equal(colours, np.stack([DEEP[::-1], DEEP, DEEP], -1))
    np.testing.assert_array_equal(read_picture(path, 1, 'green'), DEEP)
    assert (bits_of(path), bits_of(tmp_path / 'none')) == (16, 8)
    cv2.imwrite(str(path), np.repeat(GREY[..., None], 3, -1))
    assert bits_of(path) == 8
    np.testing.assert_array_equal(read_picture(path, 3), np.repeat(GREY[..., None], 3, -1))


def test_colours_of_sixteen_bits_that_opencv_misreads_are_refused(tmp_path, capfd):
    """It says nothing of a TIFF with a plane a channel, nor of a PPM of 12 bits; of inks it says too much."""
    colours = np.stack([DEEP, DEEP[::-1], DEEP // 2], -1)
    header = b'P6\n# 12 bits\n64 48\n4095\n'
    (tmp_path / 'twelve.ppm').write_bytes(header + (colours >> 4).astype('>u2').tobytes())
    write_tiff(tmp_path / 'planes.tif', np.moveaxis(colours, -1, 0), planes=2, photometric=2)
    write_tiff(tmp_path / 'inks.tif', np.dstack([colours, DEEP]), planes=1, photometric=5)
    write_tiff(tmp_path / 'read.tif', colours, planes=1, photometric=2)
    for name in ('twelve.ppm', 'planes.tif', 'inks.tif'):
        assert bits_of(tmp_path / name) == 16
        with pytest.raises(InputError, match='found colours of 16 bits that cannot be read as they are; convert it'):
            read_picture(tmp_path / name, 3)
    np.testing.assert_array_equal(read_picture(tmp_path / 'read.tif', 3), colours)
    assert capfd.readouterr().err == ''


def write_tiff(path, values, planes, photometric):
    """uint16 [48, 64, channels], or [channels, 48, 64] in planes, as an uncompressed TIFF."""
    count = values.shape[0] if planes == 2 else values.shape[-1]
    data, strips = values.astype('<u2').tobytes(), count if planes == 2 else 1
    start = 8 + 2 + 12 * 10 + 4 + 2 * count + 8 * strips
    tags = [(256, 'H', [64]), (257, 'H', [48]), (258, 'H', [16] * count), (259, 'H', [1]), (262, 'H', [photometric]),
            (273, 'I', [start + len(data) // strips * strip for strip in range(strips)]), (277, 'H', [count]),
            (278, 'H', [48]), (279, 'I', [len(data) // strips] * strips), (284, 'H', [planes])]
    entries, more = b'', b''
    for tag, kind, found in tags:
        packed = struct.pack(f'<{len(found)}{kind}', *found)
        entries += struct.pack('<HHI', tag, 'HI'.index(kind) + 3, len(found))
        entries += packed.ljust(4, b'\0') if len(packed) <= 4 else struct.pack('<I', start - 2 * count - 8 * strips + len(more))
        more += packed if len(packed) > 4 else b''
    more = more.ljust(2 * count + 8 * strips, b'\0')
    path.write_bytes(b'II*\0' + struct.pack('<IH', 8, len(tags)) + entries + bytes(4) + more + data)
