"""Folds put together: every image once, nothing of an incomplete division."""
import pytest

from pipelines.scores import results, runs
from tests.evaluations import make_counts, make_evaluation


def fold(number, share, count=2, **changes):
    row = make_evaluation(make_counts([(share, share, share)] * count), fold=number, division='3 folds',
                          protocol={'folds': 3}, **changes)
    row['images']['names'] = [f'fold{number}-{i}' for i in range(count)]
    return row


def test_folds_are_one_result_over_all_images():
    parts = [fold(1, 0.6), fold(0, 0.9, count=1), fold(2, 0.3, count=3)]
    (row,), missing = runs.joined(parts)
    assert missing == [] and row['fold'] is None and row['division'] == '3 folds'
    assert row['images']['names'] == ['fold0-0', 'fold1-0', 'fold1-1', 'fold2-0', 'fold2-1', 'fold2-2']
    # six organs of 1,000 pixels each: 0.9 + 2 * 0.6 + 3 * 0.3 of six
    assert row['scores']['jaccard_pooled']['heart'][0] == pytest.approx(50.0)
    assert row['scores']['jaccard_per_image']['heart'][0] == pytest.approx(50.0)
    assert row['per_fold']['jaccard_per_image']['heart'] == pytest.approx([90.0, 60.0, 30.0])
    told, = [one for one in results.score_rows([row]) if (one['metric'], one['organ']) == ('dice_pooled', 'heart')]
    assert told['per_fold'] == row['per_fold']['dice_pooled']['heart']
    assert all('per_fold' not in one for one in results.score_rows(parts))


def test_the_chosen_epoch_of_each_fold_is_told():
    """Folds may differ by an update in an epoch: 60 of 30 epochs are two each, 90 are three."""
    parts = [fold(number, 0.9) for number in range(3)]
    for part, updates, chosen in zip(parts, (60, 90, 60), (6, 90, None)):
        part['protocol'].update(updates=updates, epochs=30, chosen_update=chosen)
    (row,), _ = runs.joined(parts)
    assert row['chosen_epochs'] == [3, 30, None]
    assert runs.joined([fold(number, 0.9) for number in range(3)])[0][0]['chosen_epochs'] == [None] * 3


def test_an_incomplete_division_is_left_out_and_told():
    whole, other = make_evaluation(), fold(0, 0.9, seed=4)
    rows, missing = runs.joined([whole, other, fold(2, 0.9, seed=4)])
    assert rows == [whole]
    assert missing == ['demo, synth3, smanet, seed 4: fold 1 of 3']
    assert runs.joined([fold(0, 0.9, segmenter=name) for name in ('smanet', 'unet')])[1] == [
        'demo, synth3, smanet, unet, seed 0: fold 1, 2 of 3']


def test_seeds_are_not_mixed():
    rows, missing = runs.joined([fold(number, 0.9, seed=seed) for seed in (0, 1) for number in range(3)])
    assert [row['seed'] for row in rows] == [0, 1] and missing == []
