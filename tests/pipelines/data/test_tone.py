"""Tone by histograms: by hand, and that it rises, changes nothing of its own pictures and gives the reference back."""
import numpy as np
import pytest

from datasets.errors import InputError
from datasets.film import film
from datasets.phantom import phantom
from datasets.phantom.second_hospital import draw_second
from pipelines.data import prepare
from pipelines.data.tone import matched_tone, tone_of, tone_of_records
from pipelines.plan.config import Data


def of(*greys):
    return np.array(greys, np.uint8).reshape(2, -1)


def test_the_mean_of_the_quantiles_by_hand():
    np.testing.assert_array_equal(tone_of([of(7, 1, 3, 5)], 4), [1, 3, 5, 7])
    np.testing.assert_array_equal(tone_of([of(7, 1, 3, 5), of(11, 9, 9, 11)], 4), [5, 6, 8, 9])
    np.testing.assert_array_equal(tone_of([of(7, 1, 3, 5)[..., None]], 2), [1, 5])   # of the ranks 1/4 and 3/4


def test_a_pixel_takes_the_quantile_of_its_rank_by_hand():
    found, = matched_tone([of(10, 40, 20, 30)], [1, 3, 5, 9])
    np.testing.assert_array_equal(found, [[1, 9], [3, 5]])
    assert found.dtype == np.float32


def test_equal_pixels_take_the_middle_of_their_ranks():
    """Of four pixels the first two are equal: their rank is 1/4, half way between the quantiles 1/8 and 3/8."""
    found, = matched_tone([of(10, 20, 30, 10)], [1, 3, 5, 9])
    np.testing.assert_array_equal(found, [[2, 5], [9, 2]])


@pytest.fixture(scope='module')
def hospitals():
    first, second = phantom.open_phantom('train', 6, 64, 0), [draw_second(0, index, 96).image for index in range(6)]
    return [first.load(id).image for id in first.ids], second


def test_what_is_brighter_stays_brighter_and_what_is_equal_equal(hospitals):
    first, second = hospitals
    for picture, found in zip(second, matched_tone(second, tone_of(first))):
        _, places = np.unique(picture, return_index=True)
        tones = found.ravel()[places]
        assert (np.diff(tones) >= 0).all()
        np.testing.assert_array_equal(found, tones[np.searchsorted(np.unique(picture), picture)])


def test_quantiles_are_those_of_the_reference_afterwards(hospitals):
    first, second = hospitals
    reference = tone_of(first)
    for picture, found in zip(second, matched_tone(second, reference)):
        at = [0.1, 0.25, 0.5, 0.75, 0.9]
        np.testing.assert_allclose(np.quantile(found[film(picture)], at), np.quantile(reference, at), atol=4)


def test_a_picture_keeps_its_own_tone(hospitals):
    for picture in hospitals[0]:
        found, = matched_tone([picture], tone_of([picture]))
        assert np.abs(found - picture)[film(picture)].mean() < 0.1


def test_a_grey_scale_counts_for_nothing(hospitals):
    """Greys of 16 bits, brighter and harder: the ranks are the same."""
    first, second = hospitals
    reference = tone_of(first)
    for picture, found in zip(second, matched_tone(second, reference)):
        again, = matched_tone([picture.astype(np.uint16) * 100 + 1000], reference)
        np.testing.assert_array_equal(found, again)


def test_the_border_of_a_film_does_not_count(hospitals):
    picture, reference = hospitals[0][0].copy(), tone_of(hospitals[0])
    picture = np.maximum(picture, 20)
    framed = np.zeros((80, 64), np.uint8)
    framed[:64] = picture
    assert film(framed).sum() == picture.size == film(picture).sum()
    alone, found = matched_tone([picture, framed], reference)
    np.testing.assert_array_equal(found[:64], alone)
    assert (found[64:] == np.float32(reference[0])).all()
    np.testing.assert_array_equal(tone_of([framed]), tone_of([picture]))


def test_of_records_the_originals_alone(tmp_path):
    """Neither their five variants nor the margins of a picture that is not square."""
    dataset = phantom.open_phantom('train', 3, 64, 0)
    oblong = dataset._replace(load=lambda id: cut(dataset.load(id)), field_of_view_mm=None)
    data = Data('phantom', dots_size=16, dots_radius=1)
    info = prepare.write_records(oblong, tmp_path / 'r', 'train', 64, 3, 0, data)
    np.testing.assert_array_equal(tone_of_records(info, 50), tone_of([oblong.load(id).image for id in oblong.ids], 50))


def cut(sample):
    masks = {organ: mask[:, 8:56] for organ, mask in sample.masks.items()}
    return sample._replace(image=sample.image[:, 8:56], masks=masks)


def test_errors():
    with pytest.raises(InputError, match='the tone of no pictures: expected at least one'):
        tone_of([])
    for wrong in ([3, 2], [], [[1, 2]]):
        with pytest.raises(InputError, match='the reference of a tone: expected quantiles that never fall'):
            matched_tone([of(1, 2, 3, 4)], wrong)
    with pytest.raises(InputError, match=r'of grey pictures: expected \[H, W\] or \[H, W, 1\], found \[2, 2, 3\]'):
        matched_tone([np.zeros((2, 2, 3), np.uint8)], [1, 2])
