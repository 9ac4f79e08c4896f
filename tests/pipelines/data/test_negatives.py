"""Pictures that look like the negative of others are told, and nothing else is."""
import numpy as np
import pytest

from datasets.phantom import phantom
from pipelines.data import negatives, prepare
from pipelines.plan.config import Data
from tests.conftest import tiny_config

DATA = Data('phantom', dots_size=16, dots_radius=1)


def ramps(count, seed=0):
    """Dark at the left, with noise of its own each."""
    noise = np.random.default_rng(seed).integers(0, 60, (count, 64, 64))
    return [negatives.small((np.arange(64)[None] * 3 + one).astype(np.uint8)) for one in noise]


def test_a_small_picture_is_grey_of_mean_0_and_length_1():
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, 32:] = (30, 60, 90)
    small = negatives.small(picture).reshape(negatives.SIDE, negatives.SIDE) * negatives.SIDE
    np.testing.assert_allclose(small[:, :16], -1, atol=1e-5)
    np.testing.assert_allclose(small[:, 16:], 1, atol=1e-5)
    assert not negatives.small(np.full((64, 64), 7, np.uint16)).any()


@pytest.mark.parametrize('learned_from', [None, ramps(5, seed=1)])
def test_negatives_are_found_among_others_and_beside_another_set(learned_from):
    pictures = ramps(6)
    pictures[4] = -pictures[4]
    assert negatives.negatives(pictures, learned_from or pictures) == [4]


def test_a_whole_set_of_negatives_is_found_beside_another_alone():
    pictures = [-picture for picture in ramps(4)]
    assert negatives.negatives(pictures, pictures) == []
    assert negatives.negatives(pictures, ramps(5, seed=1)) == [0, 1, 2, 3]


def test_pictures_without_a_common_look_say_nothing():
    rng = np.random.default_rng(0)
    pictures = [negatives.small(rng.integers(0, 255, (64, 64)).astype(np.uint8)) for _ in range(6)]
    assert negatives.negatives([-picture for picture in pictures], pictures) == []
    assert negatives.negatives(pictures, [np.zeros(negatives.SIDE ** 2, np.float32)] * 2) == []


def inverted(dataset, which):
    def load(id):
        sample = dataset.load(id)
        return sample._replace(image=255 - sample.image) if id in which else sample
    return dataset._replace(load=load)


def test_the_note_names_them_before_records_are_written(tmp_path, capsys):
    drawn = phantom.open_phantom('train', 5, 48, 0)
    prepare.write_records(inverted(drawn, drawn.ids[1:2]), tmp_path / 'r', 'train', 32, 1, 0, DATA)
    assert (f'note: {drawn.name}: 1 of 5 pictures look like negatives of those of the others, {drawn.ids[1]}: if they are, '
            f'invert them') in capsys.readouterr().out


def test_another_hospital_is_compared_with_what_is_learned_from(tmp_path, capsys, monkeypatch):
    config = tiny_config(sources={'target': {'draw': 5, 'unlabelled': True, 'num_train': 3}})
    prepare.prepare_split(config, tmp_path, 'train')
    opened = prepare.open_split
    monkeypatch.setattr(prepare, 'open_split', lambda config, split: inverted(opened(config, split), opened(config, split).ids))
    prepare.prepare_split(config, tmp_path, 'target')
    told = capsys.readouterr().out
    assert '3 of 3 pictures look like negatives of those of the learning set' in told
    monkeypatch.undo()
    prepare.prepare_split(config, tmp_path, 'test')
    assert 'negatives' not in capsys.readouterr().out
