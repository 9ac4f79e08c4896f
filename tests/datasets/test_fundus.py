"""The field of view found in drawn retinas, whose field is known, also through JPEG; given fields; colours."""
import io

import numpy as np
import pytest
from PIL import Image

from datasets.errors import InputError
from datasets.fundus import check_field_of_view, field_of_view, read_fundus, told_outside
from tests.retinas import drawn_once

SIZE = 160


def compressed(image, quality):
    data = io.BytesIO()
    Image.fromarray(image).save(data, 'JPEG', quality=quality)
    return np.array(Image.open(data))


def agreement(found, field):
    return (found & field).sum() / (found | field).sum()


@pytest.mark.parametrize('index', range(4))   # of 1 the frame cuts the disc at four sides
@pytest.mark.parametrize('quality', [None, 90, 40])
def test_the_disc_is_found(index, quality):
    drawn = drawn_once(0, index, SIZE)
    image = drawn.image if quality is None else compressed(drawn.image, quality)
    assert agreement(field_of_view(image, 'a'), ~drawn.ignored) > 0.97
    assert agreement(field_of_view(image[..., 1], 'a'), ~drawn.ignored) > 0.96             # a grey copy
    assert agreement(field_of_view(image.astype(np.uint16) * 257, 'a'), ~drawn.ignored) > 0.97


def test_a_dark_side_noise_and_a_tab_do_not_dent_it():
    drawn, rng = drawn_once(0, 0, SIZE), np.random.default_rng(0)
    shade = np.clip(np.linspace(0.12, 1.2, SIZE), 0, 1)[:, None, None]
    image = np.clip(drawn.image * shade + rng.uniform(0, 4, drawn.image.shape), 0, 255).astype(np.uint8)
    image[:3, :20] = 255                                                          # a line that the camera wrote
    assert agreement(field_of_view(image, 'a'), ~drawn.ignored) > 0.96
    hurt = drawn.image.copy()
    hurt[SIZE // 2 - 20:SIZE // 2 + 20, :30] = 0                # as a lesion or a shadow at the rim: the hull spans it
    hurt[:30, SIZE // 2 - 20:SIZE // 2 + 20] = 0
    assert agreement(field_of_view(hurt, 'a'), ~drawn.ignored) > 0.97


@pytest.mark.parametrize('image', [
    np.full((60, 60, 3), 90, np.uint8), np.zeros((60, 60, 3), np.uint8),
    np.random.default_rng(0).integers(0, 255, (60, 60, 3)).astype(np.uint8),
    np.pad(np.full((8, 8, 3), 200, np.uint8), ((26, 26), (26, 26), (0, 0))),
    np.pad(np.full((40, 40, 3), 200, np.uint8), ((20, 0), (20, 0), (0, 0)))])      # cropped: it fills a corner
def test_no_disc_is_refused(image):
    with pytest.raises(InputError, match='a: expected a bright disc on black corners, found none') as raised:
        field_of_view(image, 'a')
    assert '\n' not in str(raised.value)


def test_given_fields_are_checked():
    field = ~drawn_once(0, 0, SIZE).ignored
    assert check_field_of_view(field, 'a') is field
    whole = np.ones((8, 8), bool)
    assert check_field_of_view(whole, 'a') is whole        # a cropped picture may be all field
    with pytest.raises(InputError, match='a: expected a field of view, found 0.0% of the picture; is it empty?'):
        check_field_of_view(np.zeros((8, 8), bool), 'a')
    with pytest.raises(InputError, match='covers the four corners and not the middle; is it inverted?'):
        check_field_of_view(~field, 'a')


def test_a_picture_is_read_as_asked(tmp_path):
    colours = drawn_once(0, 0, SIZE).image
    path, grey = tmp_path / 'a.png', tmp_path / 'grey.png'
    Image.fromarray(colours).save(path)
    Image.fromarray(colours[..., 1]).save(grey)
    for asked, wanted in (((3, 'equal'), colours), ((1, 'red'), colours[..., 0]), ((1, 'green'), colours[..., 1])):
        image, beside = read_fundus(path, *asked)
        np.testing.assert_array_equal(image, wanted)
        np.testing.assert_array_equal(beside, colours)
    np.testing.assert_array_equal(read_fundus(grey)[0], colours[..., 1])
    for wrong, asked in ((path, (1, 'equal')), (grey, (3, 'equal')), (grey, (1, 'green'))):
        with pytest.raises(InputError, match=f'{wrong.name}: expected a (grey picture|photograph in colour)'):
            read_fundus(wrong, *asked)


def test_vessels_outside_are_told_above_a_hundredth():
    vessels, field = np.zeros((10, 20), bool), np.ones((10, 20), bool)
    vessels[:5] = True                       # 100 pixels
    field[0, 0] = False
    assert told_outside(vessels, field) == ()
    field[0, 1] = False
    assert told_outside(vessels, field) == ('more than 1% of the vessels lie outside the field of view',)
    assert told_outside(np.zeros_like(field), field) == ()
