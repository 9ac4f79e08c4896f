"""Codes keep the overlap of organs; grey and one-hot channels come back."""
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings, strategies as st

from datasets.errors import InputError
from datasets.labels import CHEST, PNEUMOTHORAX_OR_NONE, UNLABELLED, Code, LabelCoding
from pipelines.data.pixels import decode_labels, encode_labels, label_channels


def test_codes_of_overlapping_masks_by_hand():
    columns = {  # pixel by pixel: outside, lungs, heart, heart over lung, clavicles off and on lung
        'left_lung': [0, 1, 0, 0, 1, 0, 1, 0], 'right_lung': [0, 0, 1, 0, 0, 0, 0, 1],
        'heart': [0, 0, 0, 1, 1, 0, 0, 0], 'left_clavicle': [0, 0, 0, 0, 0, 1, 1, 0],
        'right_clavicle': [0, 0, 0, 0, 0, 0, 0, 1]}
    masks = {organ: np.array([pixels], bool) for organ, pixels in columns.items()}
    label_map = CHEST.encode(masks)
    assert label_map.tolist() == [[0, 1, 2, 3, 3, 4, 6, 7]]
    # classes: 1 left lung, 2 heart, 3 right lung
    assert CHEST.projection[label_map].tolist() == [[0, 1, 3, 2, 2, 0, 1, 3]]
    for organ in ('left_clavicle', 'right_clavicle', 'right_lung', 'heart'):
        assert (CHEST.organ_mask(label_map, organ) == masks[organ]).all()
    assert CHEST.organ_mask(label_map, 'left_lung').tolist() == [[0, 1, 0, 0, 0, 0, 1, 0]]


def test_the_coding_survives_json():
    import json
    assert LabelCoding.from_dict(json.loads(json.dumps(CHEST.to_dict()))) == CHEST


def test_code_out_of_range_names_file_and_codes():
    with pytest.raises(InputError, match='a.png: label code 8 is out of range; .* codes 0 to 7'):
        CHEST.check(np.array([[8]], np.uint8), 'a.png')


@pytest.mark.parametrize('change, message', [
    (dict(organs=('b', 'B')), 'expected names that differ by more than capitals, found b, B; rename one'),
    (dict(organs=('Background',)), "other than average and background, found 'Background'"),
    (dict(targets=('liver',)), "unknown organ 'liver'"),
    (dict(codes=(Code(('a',), (0, 0, 0), 'a'),)), 'code 0 must be the background'),
    (dict(codes=(Code((), (0, 0, 0), None),)), "no code stands for organ 'a'"),
])
def test_an_impossible_coding_is_refused(change, message):
    good = dict(name='x', organs=('a',), targets=('a',),
                codes=(Code((), (0, 0, 0), None), Code(('a',), (1, 1, 1), 'a')))
    LabelCoding(**good)
    with pytest.raises(InputError, match=message):
        LabelCoding(**{**good, **change})


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 20), st.sampled_from(['grey', 'onehot', 'distance']), st.integers(0, 2**31 - 1))
def test_label_channels_round_trip_with_noise(num_codes, channels, seed):
    rng = np.random.default_rng(seed)
    label_map = rng.integers(0, num_codes, (2, 5, 5)).astype(np.uint8)
    drawn = encode_labels(tf.constant(label_map), num_codes, channels).numpy()
    assert drawn.shape[-1] == label_channels(num_codes, channels)
    assert drawn.min() >= -1 and drawn.max() <= 1
    half_step = 0.49 if channels == 'distance' else 0.99 / (num_codes - 1)
    noisy = drawn + rng.uniform(-half_step, half_step, drawn.shape).astype(np.float32)
    assert (decode_labels(noisy, num_codes, channels).numpy() == label_map).all()


def test_grey_levels_by_hand():
    drawn = encode_labels(tf.constant([[0, 1, 2]]), 3, 'grey')
    assert drawn.numpy()[..., 0].tolist() == [[-1, 0, 1]]


def test_distances_by_hand():
    """Of a twentieth of 60 px: 1 inside, 0 beside it, a third less with every pixel; the nearer of two codes' channels."""
    label_map = np.zeros((1, 60, 60), np.uint8)
    label_map[0, 10, 20], label_map[0, :, 40] = 1, 2
    drawn = encode_labels(tf.constant(label_map), 3, 'distance').numpy()
    assert drawn.shape == (1, 60, 60, 2)
    np.testing.assert_allclose(drawn[0, 10, 16:25, 0], [-1, -2 / 3, -1 / 3, 0, 1, 0, -1 / 3, -2 / 3, -1], atol=1e-6)
    np.testing.assert_allclose(drawn[0, 13, 21:25, 0], [-2 / 3, -2 / 3, -2 / 3, -1], atol=1e-6)
    np.testing.assert_allclose(drawn[0, 0, 37:42, 1], [-2 / 3, -1 / 3, 0, 1, 0], atol=1e-6)
    assert decode_labels(tf.constant([[0.4, 0.5], [0.6, 0.7], [0.8, -1]], tf.float32), 3, 'distance').numpy().tolist() == [0, 2, 1]


def test_a_target_that_no_code_is_of_is_refused():
    codes = tuple(Code(organs, (9, 9, 9), 'lung' if organs else None)
                  for organs in ((), ('lung',), ('lung', 'lesion')))
    with pytest.raises(InputError, match="no code is of target 'lesion': name it first in a code"):
        LabelCoding('x', ('lung', 'lesion'), codes, ('lung', 'lesion'))


def test_one_organ_as_if_nobody_had_drawn_another():
    heart = CHEST.only('heart')
    assert (heart.organs, heart.targets, heart.num_codes, heart.left_right) == (('heart',), ('heart',), 2, ())
    assert heart.colours.tolist() == [[0, 0, 0], list(CHEST.codes[3].colour)]
    mask = np.zeros((4, 4), bool)
    mask[1, 2] = True
    assert heart.encode({'heart': mask}).tolist() == mask.astype(int).tolist()
    lesion = PNEUMOTHORAX_OR_NONE.only('pneumothorax')
    assert lesion.optional == lesion.scattered == ('pneumothorax',)
    with pytest.raises(InputError, match="data.organ: expected one of left_lung, .*, found 'hearts'"):
        CHEST.only('hearts')
    with pytest.raises(InputError, match='expected one of none, for nothing is labelled, found'):
        UNLABELLED.only('heart')
