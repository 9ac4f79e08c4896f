"""Reading pictures: every format, every depth, every way a file can be broken."""
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets.errors import InputError
from datasets import images
from datasets.images import check_not_constant, read_codes, read_grey, read_mask, read_picture

GREY = np.arange(48 * 64, dtype=np.uint8).reshape(48, 64)
DEEP = (np.arange(48 * 64, dtype=np.uint16) * 21).reshape(48, 64)


@pytest.mark.parametrize('suffix', ['png', 'tif', 'gif', 'bmp'])
def test_reads_eight_bits(tmp_path, suffix):
    path = tmp_path / f'x.{suffix}'
    Image.fromarray(GREY).save(path)
    read = read_grey(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, GREY)


def test_reads_jpeg(tmp_path):
    path = tmp_path / 'x.jpg'
    smooth = np.repeat(np.arange(64, dtype=np.uint8)[None] * 3, 48, axis=0)
    Image.fromarray(smooth).save(path, quality=95)
    assert np.abs(read_grey(path).astype(int) - smooth).max() <= 3


@pytest.mark.parametrize('suffix', ['png', 'tif'])
def test_reads_sixteen_bits(tmp_path, suffix):
    path = tmp_path / f'x.{suffix}'
    cv2.imwrite(str(path), DEEP)
    read = read_grey(path)
    assert read.dtype == np.uint16 and read.dtype.isnative
    np.testing.assert_array_equal(read, DEEP)


def test_reads_one_bit_as_black_and_white(tmp_path):
    path = tmp_path / 'x.png'
    Image.fromarray(GREY > 128).save(path)
    np.testing.assert_array_equal(read_grey(path), np.where(GREY > 128, 255, 0))


@pytest.mark.parametrize('mode', ['RGB', 'RGBA', 'LA', 'P'])
def test_equal_channels_are_grey(tmp_path, mode):
    path = tmp_path / 'x.png'
    Image.fromarray(GREY).convert(mode).save(path)
    np.testing.assert_array_equal(read_grey(path), GREY)


@pytest.mark.parametrize('mode', ['RGB', 'P'])
def test_colours_are_refused(tmp_path, mode):
    path = tmp_path / 'x.png'
    colours = np.stack([GREY, GREY, 255 - GREY], axis=-1)
    Image.fromarray(colours).convert(mode).save(path)
    with pytest.raises(InputError, match='x.png: expected a grey picture, found colours'):
        read_grey(path)
    with pytest.raises(InputError, match='x.png: expected a mask in black and white, found colours; save what is'):
        read_mask(path)


def test_other_modes_are_refused(tmp_path):
    floats, inks, deep = tmp_path / 'f.tif', tmp_path / 'k.jpg', tmp_path / 'i.tif'
    Image.fromarray(GREY.astype(np.float32)).save(floats)
    with pytest.raises(InputError, match="f.tif: expected a grey picture.*found Pillow mode 'F'"):
        read_grey(floats)
    Image.fromarray(GREY).convert('CMYK').save(inks)
    with pytest.raises(InputError, match="k.jpg: .*'CMYK'"):
        read_grey(inks)
    Image.fromarray(GREY.astype(np.int32) * 1000).save(deep)
    with pytest.raises(InputError, match='expected grey values of 0 to 65535, found 0 to 255000'):
        read_grey(deep)


@pytest.mark.parametrize('suffix', ['png', 'gif', 'jpg', 'tif'])
def test_cut_files_are_named(tmp_path, suffix):
    path = tmp_path / f'x.{suffix}'
    noise = np.random.default_rng(0).integers(0, 256, (200, 200)).astype(np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    with pytest.raises(InputError, match=rf'x\.{suffix}: cannot be read as a picture'):
        read_grey(path)


def test_damaged_png_is_named(tmp_path):
    path = tmp_path / 'x.png'
    Image.fromarray(GREY).save(path)
    data = bytearray(path.read_bytes())
    data[60:80] = bytes(20)
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r'x\.png: cannot be read as a picture'):
        read_grey(path)


@pytest.mark.parametrize('content', [b'', b'not a picture at all'])
def test_no_picture(tmp_path, content):
    path = tmp_path / 'x.png'
    path.write_bytes(content)
    with pytest.raises(InputError, match=r'x\.png: cannot be read as a picture'):
        read_grey(path)
    with pytest.raises(InputError, match='none.png: no such file'):
        read_grey(tmp_path / 'none.png')


@pytest.mark.parametrize('size', [(16385, 8), (8, 20000), (60000, 60000)])
def test_huge_pictures_are_refused_before_decoding(tmp_path, size):
    path = tmp_path / 'x.png'
    Image.fromarray(GREY).save(path)
    data = bytearray(path.read_bytes())
    header = b'IHDR' + size[0].to_bytes(4, 'big') + size[1].to_bytes(4, 'big') + bytes(data[24:29])
    data[12:33] = header + zlib.crc32(header).to_bytes(4, 'big')
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r'x\.png: (expected a picture of at most 16384|cannot)'):
        read_grey(path)


def test_codes_are_grey_values_or_palette_indices(tmp_path):
    codes = (GREY % 4).astype(np.uint8)
    grey, palette, wrong = tmp_path / 'g.png', tmp_path / 'p.png', tmp_path / 'w.png'
    Image.fromarray(codes).save(grey)
    image = Image.fromarray(codes, mode='P')
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.save(palette)
    np.testing.assert_array_equal(read_codes(grey), codes)
    np.testing.assert_array_equal(read_codes(palette), codes)
    image.convert('RGB').save(wrong)
    with pytest.raises(InputError, match="w.png: expected one channel of 8 bits.*'RGB'"):
        read_codes(wrong)


def test_check_not_constant():
    check_not_constant(GREY, 'x.png')
    with pytest.raises(InputError, match='x.png: expected a picture, found the same value 7'):
        check_not_constant(np.full((4, 4), 7, np.uint8), 'x.png')


SHAPE = np.zeros((48, 64), np.uint8)
SHAPE[8:20, 10:40] = 255


def rgba(colour, alpha):
    return np.concatenate([colour if colour.ndim == 3 else np.repeat(colour[..., None], 3, -1),
                           alpha[..., None]], -1)


def test_a_mask_painted_on_transparency_is_what_is_opaque(tmp_path):
    path, white = tmp_path / 'x.png', np.full((48, 64), 255, np.uint8)
    for mode in ('RGBA', 'LA'):
        Image.fromarray(rgba(white, SHAPE)).convert(mode).save(path)
        np.testing.assert_array_equal(read_mask(path) > 0, SHAPE > 0)
    palette = Image.fromarray((SHAPE > 0).astype(np.uint8), 'P')
    palette.putpalette([255, 255, 255, 255, 255, 255])
    palette.save(path, transparency=0)
    np.testing.assert_array_equal(read_mask(path) > 0, SHAPE > 0)
    Image.fromarray(rgba(SHAPE, SHAPE)).save(path)  # both say the same
    np.testing.assert_array_equal(read_mask(path) > 0, SHAPE > 0)
    Image.fromarray(rgba(SHAPE, SHAPE[::-1])).save(path)
    with pytest.raises(InputError, match='colours and whose transparency say different things'):
        read_mask(path)
    np.testing.assert_array_equal(read_mask(write(tmp_path / 'm.png', SHAPE)), SHAPE)


def write(path, array, **more):
    Image.fromarray(array).save(path, **more)
    return path


def test_transparent_pictures_are_refused(tmp_path):
    path = write(tmp_path / 'x.png', rgba(GREY, SHAPE))
    for channels in (1, 3):
        with pytest.raises(InputError, match='expected an opaque picture, found transparent pixels'):
            read_picture(path, channels)
    deep = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) * 20
    np.testing.assert_array_equal(read_grey(write(tmp_path / 'deep.png', deep, transparency=3)), deep)  # of which none is
    with pytest.raises(InputError, match='expected an opaque picture, found transparent pixels'):
        read_grey(write(tmp_path / 'deep.png', deep, transparency=40))


def test_a_photograph_is_turned_as_viewers_turn_it(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # to be shown turned by 90 degrees
    smooth = cv2.GaussianBlur(SHAPE, (0, 0), 3)
    path = write(tmp_path / 'x.jpg', smooth, exif=exif, quality=95)
    read = read_grey(path)
    assert read.shape == (64, 48)
    assert np.abs(read.astype(int) - np.rot90(smooth, -1)).max() < 12


def test_pages_are_refused(tmp_path):
    pages = [Image.fromarray(GREY), Image.fromarray(GREY[::-1].copy())]
    for suffix in ('tif', 'gif'):
        pages[0].save(tmp_path / f'x.{suffix}', save_all=True, append_images=pages[1:])
        with pytest.raises(InputError, match='expected one picture, found 2 pages or frames'):
            read_grey(tmp_path / f'x.{suffix}')


@pytest.mark.parametrize('values', [GREY, DEEP], ids=['8', '16'])
def test_white_is_zero_is_turned_at_every_depth(tmp_path, values):
    top = 255 if values.dtype == np.uint8 else 65535
    path = write(tmp_path / 'x.tif', values)
    tag = b'\x06\x01\x03\x00\x01\x00\x00\x00'  # PhotometricInterpretation, one short
    data = path.read_bytes()
    assert data.count(tag + b'\x01\x00') == 1
    path.write_bytes(data.replace(tag + b'\x01\x00', tag + b'\x00\x00'))
    np.testing.assert_array_equal(read_grey(path), top - values)


def test_one_limit_of_size_and_no_talk_of_bombs(tmp_path, monkeypatch):
    monkeypatch.setattr(images, 'MAX_SIDE', 50)
    with pytest.raises(InputError, match='at most 50 pixels a side, found 64 x 48'):
        read_grey(write(tmp_path / 'x.png', GREY))
    assert Image.MAX_IMAGE_PIXELS is None
