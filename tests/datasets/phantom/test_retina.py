"""Drawn retinas: reproducible, the same at every size, anatomically right, with vessels that get thinner."""
import numpy as np
import pytest

from datasets.errors import InputError
from datasets.labels import VESSELS
from datasets.phantom.fundus import field_of, vessels_of
from datasets.phantom.retina import draw_eye
from datasets.phantom.vessel_tree import ARTERY, AVASCULAR, MIN_WIDTH, VEIN
from datasets.readers import Request, open_dataset
from tests.retinas import drawn_once

EYES = range(4)


@pytest.fixture(scope='module')
def eyes():
    return [draw_eye(np.random.default_rng([3, index])) for index in EYES]


def test_is_drawn_from_seed_and_index_alone():
    first, again = drawn_once(1, 2, 64), drawn_once.__wrapped__(1, 2, 64)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.masks['vessels'], again.masks['vessels'])
    for other in (drawn_once(1, 3, 64), drawn_once(2, 2, 64)):
        assert other.id != first.id and (first.image != other.image).mean() > 0.4


@pytest.mark.parametrize('small, large', [(128, 384), (192, 384)])
def test_same_eye_at_every_size(small, large):
    a, b = drawn_once(1, 2, small), drawn_once(1, 2, large)
    share = large // small
    means = b.image.reshape(small, share, small, share, 3).mean(axis=(1, 3))
    assert np.abs(means - a.image).mean() < 4
    np.testing.assert_allclose(a.ignored.mean(), b.ignored.mean(), atol=0.01)
    share = b.masks['vessels'].reshape(small, share, small, share).mean(axis=(1, 3)) >= 0.5   # twigs vanish
    assert (share & a.masks['vessels']).sum() > 0.75 * (share | a.masks['vessels']).sum()


def test_colours_are_those_of_a_fundus():
    """Orange-red; vessels darker, the disc brightest, the macula darker than what surrounds it; black outside."""
    for index in range(3):
        sample, eye = drawn_once(1, index, 128), draw_eye(np.random.default_rng([1, index]))
        image, field, vessels = sample.image.astype(float), ~sample.ignored, sample.masks['vessels']
        red, green, blue = image[field & ~vessels].mean(axis=0)
        assert red > 1.4 * green > 1.6 * blue
        assert image[sample.ignored].mean() < 1
        rows, columns = np.mgrid[:128, :128]

        def around(place, near, far=0.0):
            away = np.hypot((columns + 0.5) / 128 - place[0], (rows + 0.5) / 128 - place[1]) / eye.diameter
            return (away >= far) & (away < near) & field & ~vessels

        assert image[around(eye.disc, 0.35)].mean() > 1.2 * image[around(eye.disc, 1.6, 0.8)].mean()
        assert image[around(eye.fovea, 0.35)][:, 1].mean() < 0.9 * image[around(eye.fovea, 1.6, 0.9)][:, 1].mean()
        beside = around(eye.disc, 9, 0.8)
        assert image[vessels & field][:, 1].mean() < 0.85 * image[beside][:, 1].mean()


def test_anatomy(eyes):
    """The macula lies 2 to 3 disc diameters from the disc, a little lower, to either side; both are seen."""
    sides = set()
    for eye in eyes:
        apart = (eye.fovea - eye.disc) / eye.diameter
        assert 2.2 < np.hypot(*apart) < 2.8 and apart[1] > -0.2
        sides.add(np.sign(apart[0]))
        for place in (eye.disc, eye.fovea):
            assert np.hypot(*(place - eye.middle)) < eye.radius
    assert sides == {-1, 1}


def test_vessels_begin_at_the_disc_get_thinner_and_spare_the_macula(eyes):
    for eye in eyes:
        for vessel in eye.vessels:
            assert (np.diff(vessel.widths) <= 1e-4).mean() > 0.9 or vessel.widths.max() < 0.04 * eye.diameter
            assert vessel.widths.min() >= 0.7 * MIN_WIDTH * eye.diameter
            away = np.linalg.norm(vessel.points - eye.fovea, axis=1) / eye.diameter
            assert away.min() > AVASCULAR - 0.06
        for trunk in eye.vessels[:8]:
            assert np.linalg.norm(trunk.points[0] - eye.disc) < 0.25 * eye.diameter
        widest = {kind: max(v.widths.max() for v in eye.vessels if v.kind == kind) for kind in (ARTERY, VEIN)}
        assert 0.6 < widest[ARTERY] / widest[VEIN] < 0.9    # arteries are two thirds to four fifths of veins
        assert len(eye.vessels) > 40


def test_every_branch_begins_on_a_vessel_of_its_kind(eyes):
    for eye in eyes[:3]:
        for number, vessel in enumerate(eye.vessels):
            others = [other.points for place, other in enumerate(eye.vessels)
                      if place != number and other.kind == vessel.kind]
            nearest = np.linalg.norm(np.concatenate(others) - vessel.points[0], axis=1).min()
            assert nearest < 0.2 * eye.diameter


def test_shares_are_those_of_real_eyes(eyes):
    """DRIVE's observers drew 12 to 13 % of the field, CHASE_DB1's 10 %."""
    shares = []
    for eye in eyes:
        field = field_of(eye, 256)
        shares.append(((vessels_of(eye, 256, ARTERY, VEIN) >= 0.5) & field).sum() / field.sum())
        assert 0.05 < shares[-1] < 0.16 and 0.6 < field.mean() < 0.9
    assert 0.08 < np.mean(shares) < 0.13


def test_as_a_data_set():
    asked = Request(None, 'train', channels=3, count=2, size=32, seed=4)
    train, test = (open_dataset('phantom_retina', asked._replace(split=split)) for split in ('train', 'test'))
    assert not set(train.ids) & set(test.ids) and train.coding is VESSELS and train.has_ignored
    sample = train.load(train.ids[1])
    np.testing.assert_array_equal(sample.image, drawn_once(4, 1, 32).image)
    green = open_dataset('phantom_retina', asked._replace(channels=1, grey='green')).load(train.ids[1])
    np.testing.assert_array_equal(green.image, sample.image[..., 1])
    assert len(open_dataset('phantom_retina', asked._replace(count=None)).ids) == 20


@pytest.mark.parametrize('changes, words', [
    ({'channels': 1}, 'a photograph in colour: set data.channels=3'),
    ({'split': 'middle'}, 'split: expected train, test or all'),
    ({'count': 2_000_000}, 'phantom_retina count: expected 1 to 1000000, found 2000000'),
    ({'ids': ['a']}, 'pictures of phantom_retina have no files to name'),
    ({'bone_suppressed': True}, 'found phantom_retina without; set it to false')])
def test_what_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        open_dataset('phantom_retina', Request(None, 'train', channels=3, size=32)._replace(**changes))


def test_sizes_and_seeds_that_are_none():
    with pytest.raises(InputError, match='phantom_retina size: expected at least 8 pixels, found 4'):
        drawn_once(0, 0, 4)
    with pytest.raises(InputError, match='phantom_retina seed: expected 0 or more, found -1'):
        drawn_once(-1, 0, 32)
    assert drawn_once(0, 0, 8).masks['vessels'].any()
