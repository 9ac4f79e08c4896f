"""Drawn chests: reproducible, the same at every size, anatomically right, and not trivial."""
import cv2
import numpy as np
import pytest

from datasets.anatomy import AnatomyRange
from datasets.dots import dots_violations, draw_dots, mask_dots
from datasets.errors import InputError
from datasets.labels import CHEST
from datasets.phantom.phantom import draw_phantom, open_phantom
from datasets.sample import check_sides, mask_centroid

TARGETS = range(1, CHEST.num_classes)
# of draw_phantom(0, 0, 128); pins what seed and index mean
GOLDEN_AREAS = {'left_lung': 0.145, 'right_lung': 0.176, 'heart': 0.111, 'left_clavicle': 0.011,
                'right_clavicle': 0.010}
GOLDEN_HEART = (0.587, 0.536)


def _classes(sample):
    return CHEST.projection[CHEST.encode(sample.masks)]


def _jaccard(predicted, target):
    return 100 * (predicted & target).sum() / (predicted | target).sum()


@pytest.fixture(scope='module')
def samples():
    train, test = (open_phantom(split, 60, 64, seed=0) for split in ('train', 'test'))
    return [train.load(id) for id in train.ids], [test.load(id) for id in test.ids]


def test_is_drawn_from_seed_and_index_alone():
    first, second = draw_phantom(1, 2, 64), draw_phantom(1, 2, 64)
    np.testing.assert_array_equal(first.image, second.image)
    for organ in CHEST.organs:
        np.testing.assert_array_equal(first.masks[organ], second.masks[organ])
    for other in (draw_phantom(1, 3, 64), draw_phantom(2, 2, 64)):
        assert (first.image != other.image).mean() > 0.5
        assert other.id != first.id


def test_the_bone_suppressed_radiograph_is_the_same_without_ribs_and_clavicles():
    """Bones are brighter than what lies behind; elsewhere nothing changes, grain and plates included."""
    plain, sample = draw_phantom(7, 0, 256), draw_phantom(7, 0, 256, bone_suppressed=True)
    np.testing.assert_array_equal(plain.image, sample.image)
    assert plain.bone_suppressed is None and sample.bone_suppressed.dtype == np.uint8
    shadow = sample.image.astype(int) - sample.bone_suppressed
    assert shadow.min() >= -1 and 0.5 < (np.abs(shadow) <= 1).mean() < 0.9
    clavicles = sample.masks['left_clavicle'] | sample.masks['right_clavicle']
    lungs = (sample.masks['left_lung'] | sample.masks['right_lung']) & ~clavicles & ~sample.masks['heart']
    assert shadow[clavicles & sample.masks['left_lung']].mean() > 15
    assert np.percentile(shadow[lungs], 90) > 8 > 1 >= np.percentile(shadow[lungs], 30)   # between ribs
    dataset = open_phantom('train', 1, 64, 0, bone_suppressed=True)
    assert dataset.has_bone_suppressed and dataset.load(dataset.ids[0]).bone_suppressed.shape == (64, 64)


def test_golden_anatomy_of_one_chest():
    masks = draw_phantom(0, 0, 128).masks
    areas = {organ: round(float(mask.mean()), 3) for organ, mask in masks.items()}
    assert areas == pytest.approx(GOLDEN_AREAS, abs=0.002)
    y, x = mask_centroid(masks['heart'])
    assert (y, x) == pytest.approx(GOLDEN_HEART, abs=0.005)


@pytest.mark.parametrize('small, large', [(64, 128), (128, 512), (100, 300)])
def test_same_chest_at_every_size(small, large):
    a, b = draw_phantom(4, 7, small), draw_phantom(4, 7, large)
    shrunk = cv2.resize(b.image, (small, small), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(float) - a.image).mean() < 4
    for organ in ('left_lung', 'right_lung', 'heart'):
        area = cv2.resize(b.masks[organ].astype(np.float32), (small, small),
                          interpolation=cv2.INTER_AREA)
        assert _jaccard(area >= 0.5, a.masks[organ]) > 96


@pytest.mark.parametrize('size', [8, 16, 33, 64])
def test_every_organ_is_there_at_every_size(size):
    for index in range(5):
        sample = draw_phantom(5, index, size)
        assert sample.image.shape == (size, size) and sample.image.dtype == np.uint8
        assert tuple(sample.masks) == CHEST.organs
        for mask in sample.masks.values():
            assert mask.shape == (size, size) and mask.dtype == bool and mask.any()
        check_sides(CHEST, sample.masks, sample.id)


def test_chests_pass_the_anatomical_checks(samples):
    train, test = samples
    everywhere = AnatomyRange.of([CHEST.encode(s.masks) for s in train + test], CHEST)
    for sample in train + test:
        assert everywhere.violations(CHEST.encode(sample.masks)) == []
        dots = draw_dots(mask_dots(sample.masks, CHEST), CHEST)
        assert dots_violations(dots, CHEST) == []


def test_organs_overlap_as_in_scr(samples):
    behind = {'left_lung': 0, 'right_lung': 0}
    for sample in samples[0]:
        for side in ('left', 'right'):
            clavicle, lung = sample.masks[f'{side}_clavicle'], sample.masks[f'{side}_lung']
            assert (clavicle & lung).sum() > 0.3 * clavicle.sum()
            behind[f'{side}_lung'] += (sample.masks['heart'] & lung).sum()
    assert behind['left_lung'] > 2 * behind['right_lung'] > 0
    assert np.unique([CHEST.encode(s.masks) for s in samples[0]]).tolist() == list(range(8))


def test_lungs_are_dark_and_plates_are_blank(samples):
    for sample in samples[0]:
        lungs = sample.masks['left_lung'] | sample.masks['right_lung']
        assert sample.image[lungs & ~sample.masks['heart']].mean() < 0.9 * sample.image[
            sample.masks['heart']].mean()
    blanked = [(s.image[0] == 0).any() for s in samples[0]]
    assert 0.4 < np.mean(blanked) < 0.95


def test_a_threshold_does_not_solve_it(samples):
    test = samples[1]
    blurred = np.concatenate([cv2.GaussianBlur(s.image, (0, 0), 1) for s in test]).ravel()
    classes = np.concatenate([_classes(s) for s in test]).ravel()
    everything = np.concatenate([[0], np.bincount(blurred, minlength=256).cumsum()])
    scores = []
    for target in TARGETS:
        hits = np.bincount(blurred[classes == target], minlength=256).cumsum()
        hits = np.concatenate([[0], hits])
        # J of every interval of grey levels [low, high)
        inside = hits[None] - hits[:, None]
        union = everything[None] - everything[:, None] + hits[-1] - inside
        scores.append(100 * (inside / np.maximum(union, 1)).max())
    assert np.mean(scores) < 50
    assert min(scores) > 10  # nor is it blank


def test_the_mean_mask_does_not_solve_it(samples):
    train, test = (np.stack([_classes(s) for s in part]) for part in samples)
    votes = np.stack([(train == value).mean(axis=0) for value in range(CHEST.num_classes)])
    mean = np.broadcast_to(votes.argmax(axis=0), test.shape)
    score = np.mean([_jaccard(mean == target, test == target) for target in TARGETS])
    assert 50 < score < 75


def test_splits_are_disjoint_and_lazy():
    train, test = (open_phantom(split, 1000, 512, seed=3) for split in ('train', 'test'))
    assert len(set(train.ids)) == len(set(test.ids)) == 1000
    assert not set(train.ids) & set(test.ids)
    assert train.coding is CHEST
    sample = train.load(train.ids[1])
    assert sample.id == train.ids[1] and sample.image.shape == (512, 512)


def test_errors():
    with pytest.raises(InputError, match="split: expected train, test or all, found 'val'"):
        open_phantom('val', 1, 64, 0)
    with pytest.raises(InputError, match='count: expected 1 to 1000000, found 0'):
        open_phantom('train', 0, 64, 0)
    with pytest.raises(InputError, match='size: expected at least 8 pixels, found 4'):
        draw_phantom(0, 0, 4)
    with pytest.raises(InputError, match='seed: expected 0 or more, found -1'):
        draw_phantom(-1, 0, 64)
