"""Pictures and masks of a folder of one's own: depths, colours, formats, and what they cannot hold."""
import numpy as np
import pytest
from PIL import Image

from datasets.errors import InputError
from datasets.labels import CHEST
from datasets.phantom.phantom import draw_phantom
from datasets.readers.folder import open_folder
from tests.command import call, refused
from tests.datasets.readers.test_folder import _save, _to_labels, draw


@pytest.fixture
def source(tmp_path):
    return draw(tmp_path / 'chests')


def test_pictures_of_several_depths_become_one(source):
    """8 bits beside 16: 255 becomes 65535, so that what is white stays white."""
    image = draw_phantom(0, 0, 64).image
    _save(image.astype(np.uint16) * 200, source / 'images' / 'a.png')
    dataset = open_folder(source, 'train')
    np.testing.assert_array_equal(dataset.load('a').image, image.astype(np.uint16) * 200)
    other = draw_phantom(0, 1, 64).image.astype(np.uint16)
    np.testing.assert_array_equal(dataset.load('b').image, other * 257)
    assert open_folder(source, 'test').load('c').image.dtype == np.uint8


def test_colours_are_refused_kept_or_weighed(source):
    grey = draw_phantom(0, 0, 64).image
    colours = np.stack([grey, grey // 2, grey // 4], -1)
    _save(colours, source / 'images' / 'a.png')
    with pytest.raises(InputError, match='a.png: expected a grey picture, found colours; set data.channels=3 to'):
        open_folder(source, 'train').load('a')
    np.testing.assert_array_equal(open_folder(source, 'train', channels=3).load('a').image, colours)
    np.testing.assert_array_equal(open_folder(source, 'train', grey='green').load('a').image, grey // 2)
    weighed = open_folder(source, 'train', grey='luminance').load('a').image
    np.testing.assert_array_equal(weighed, np.round(colours @ [0.299, 0.587, 0.114]).astype(np.uint8))
    np.testing.assert_array_equal(open_folder(source, 'train', grey='green').load('b').image,
                                  draw_phantom(0, 1, 64).image)  # grey as it is


@pytest.mark.parametrize('stored', [
    lambda grey: Image.fromarray(grey), lambda grey: Image.fromarray(grey.astype(np.uint16) * 200),
    lambda grey: Image.fromarray(grey).convert('LA'), lambda grey: Image.fromarray(grey > 99)],
    ids=['8 bits', '16 bits', 'with alpha', '1 bit'])
def test_a_picture_of_one_channel_among_colours_is_refused(source, stored):
    grey = draw_phantom(0, 0, 64).image
    stored(grey).save(source / 'images' / 'a.png')
    with pytest.raises(InputError, match='a.png: expected a picture in colours .data.channels=3., found one that is '
                                         'stored with one channel; take the original, or set data.channels=1') as raised:
        open_folder(source, 'train', channels=3).load('a')
    assert '\n' not in str(raised.value)


def test_a_picture_that_shows_no_colours_is_told_and_read(source):
    grey = draw_phantom(0, 0, 64).image
    colours = np.repeat(grey[..., None], 3, -1)
    _save(colours, source / 'images' / 'a.png')
    sample = open_folder(source, 'train', channels=3).load('a')
    assert sample.told == ('grey, though stored in colours',)
    np.testing.assert_array_equal(sample.image, colours)
    colours[5, 5, 0] ^= 1
    _save(colours, source / 'images' / 'a.png')
    assert open_folder(source, 'train', channels=3).load('a').told == ()
    assert open_folder(source, 'train').load('b').told == ()


def test_masks_of_thin_organs_at_another_size_are_told_and_of_another_aspect_refused(source):
    (source / 'coding.yaml').write_text('organs: [heart]\nscattered: [heart]\n')
    heart = draw_phantom(0, 0, 64).masks['heart']
    assert open_folder(source, 'train').load('a').told == ()
    for size in (np.s_[::2, ::2], np.s_[:, ::2]):
        _save(heart[size].astype(np.uint8) * 255, source / 'masks' / 'heart' / 'a.png')
        if size == np.s_[::2, ::2]:
            assert open_folder(source, 'train').load('a').told == (
                'the mask of heart, which may be thin, has another size than the picture',)
    with pytest.raises(InputError, match="a.png: expected a mask of heart of the picture's aspect, 64 x 64, found 64 x 32"):
        open_folder(source, 'train').load('a')


def test_a_tool_says_it_in_a_line_before_it_writes_anything(source, tmp_path):
    done = call('prepare_records', '--dataset', 'folder', '--source', source, '--split', 'train', '--channels', 3,
                '--size', 32, '--output', tmp_path / 'records')
    assert 'stored with one channel' in refused(done) and not (tmp_path / 'records').exists()


def test_content_errors(source):
    mask = source / 'masks' / 'heart' / 'a.png'
    _save(np.zeros((64, 64), np.uint8), mask)
    with pytest.raises(InputError, match='heart/a.png: expected the outline of an organ'):
        open_folder(source, 'train').load('a')
    _save(np.full((64, 64), 5, np.uint8), source / 'images' / 'b.png')
    with pytest.raises(InputError, match='b.png: expected a picture, found the same value 5'):
        open_folder(source, 'train').load('b')
    _to_labels(source)
    labels = source / 'labels' / 'a.png'
    code_map = CHEST.encode(draw_phantom(0, 0, 64).masks)
    _save(np.where(code_map == 3, 8, code_map).astype(np.uint8), labels)
    with pytest.raises(InputError, match=r'a.png: label code 8 is out of range: expected of \[0, 1, .* 7\] .* found 0, 1, 2'):
        open_folder(source, 'train').load('a')
    _save(np.where(code_map == 3, 0, code_map).astype(np.uint8), labels)
    with pytest.raises(InputError, match='a.png, organ heart: .*found an empty mask'):
        open_folder(source, 'train').load('a')
    _save(np.ascontiguousarray(np.fliplr(code_map)), labels)
    with pytest.raises(InputError, match="a.png: expected the patient's left_lung right of"):
        open_folder(source, 'train').load('a')


def test_pictures_of_any_format_in_any_case(source):
    picture = Image.open(source / 'images' / 'a.png')
    picture.save(source / 'images' / 'a.TIFF')
    (source / 'images' / 'a.png').unlink()
    (source / 'images' / '._a.png').write_bytes(b'what a Mac leaves')
    (source / 'masks' / 'heart' / 'a.png').rename(source / 'masks' / 'heart' / 'a.PNG')
    sample = open_folder(source, 'train').load('a')
    np.testing.assert_array_equal(sample.image, draw_phantom(0, 0, 64).image)
    picture.save(source / 'images' / 'a.bmp')
    with pytest.raises(InputError, match='a.bmp: a second file of a, beside a.TIFF; keep one'):
        open_folder(source, 'train')


def test_masks_have_the_pictures_aspect(source):
    for path in source.glob('masks/*/a.png'):
        mask = np.array(Image.open(path))
        Image.fromarray(mask[:, 8:]).save(path)
    with pytest.raises(InputError, match="a.png: expected a mask of .* of the picture's aspect, 64 x 64, found "
                                         '64 x 56; is it transposed or cropped'):
        open_folder(source, 'train').load('a')


def test_masks_on_a_white_background_are_refused(source):
    path = source / 'masks' / 'heart' / 'a.png'
    Image.fromarray(255 - np.array(Image.open(path))).save(path)
    with pytest.raises(InputError, match='heart/a.png: .*covers all four corners .* is it inverted'):
        open_folder(source, 'train').load('a')
    Image.fromarray(np.full((64, 64), 255, np.uint8)).save(path)
    with pytest.raises(InputError, match='covers all four corners'):
        open_folder(source, 'train').load('a')


def test_organs_that_leave_no_background_are_refused(source):
    half = np.zeros((64, 64), np.uint8)
    half[:, :32] = 255
    organs = sorted(path.name for path in (source / 'masks').iterdir())
    for number, organ in enumerate(organs):
        Image.fromarray(half if number else 255 - half).save(source / 'masks' / organ / 'a.png')
    with pytest.raises(InputError, match='masks of a: expected organs on a background, found that .* cover every pixel'):
        open_folder(source, 'train').load('a')
    (source / 'labels').mkdir()
    around = np.ones((64, 64), np.uint8)
    around[20:40, 20:40] = 0
    for code in range(2, CHEST.num_codes):
        around[45:50, 5 * code:5 * code + 4] = code
    for id in ('a', 'b'):
        Image.fromarray(around).save(source / 'labels' / f'{id}.png')
    with pytest.raises(InputError, match='labels/a.png, organ .* covers all four corners'):
        open_folder(source, 'train').load('a')
