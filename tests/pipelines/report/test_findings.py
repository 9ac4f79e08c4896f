"""What the tables of a report say of results made by hand."""
import numpy as np
import pytest

from pipelines.report import findings
from tests.evaluations import make_counts, make_evaluation


def runs(regime, base, seeds=(0,), draws=(0,), **changes):
    """Evaluations on 20 images whose organs have J about `base`, a little apart by image and run."""
    made = []
    for draw in draws:
        for seed in seeds:
            rng = np.random.default_rng([seed, draw, int(1000 * base)])
            shares = base + np.linspace(-0.05, 0.05, 20)[:, None] + rng.normal(0, 0.003, [20, 3])
            made.append(make_evaluation(make_counts(shares), regime=regime, seed=seed, draw=draw,
                                        **changes))
    return made


def line(table, start):
    return next(row for row in table.rows if row[0].startswith(start))


def test_a_clear_difference_is_told_from_none():
    table, = findings.comparisons([*runs('real', 0.85, (0, 1, 2)), *runs('synth3', 0.85, (3, 4, 5)),
                                   *runs('finetune3', 0.9, (0, 1, 2))])
    assert table.title == 'demo, 16 real images: 20 test images, against REAL'
    assert [row[0] for row in table.rows] == ['REAL', 'Three-stage, Synth 3', 'Three-stage, Finetune']
    finetune, synth = line(table, 'Three-stage, Finetune'), line(table, 'Three-stage, Synth')
    assert finetune[1] == '3' and finetune[7] == 'yes, higher' and finetune[6] == '< 0.001'
    assert float(finetune[4]) == pytest.approx(5, abs=0.3)
    assert synth[7] == 'no' and abs(float(synth[4])) < 0.3
    assert line(table, 'REAL')[4:8] == ('-',) * 4


def test_one_training_each_is_said_to_be_one():
    table, = findings.comparisons([*runs('real', 0.85), *runs('finetune3', 0.8)])
    assert line(table, 'Three-stage, Finetune')[7] == 'yes, lower (one training each)'


def test_every_network_stands_against_every_real():
    rows = [row for segmenter in ('unet', 'smanet') for regime, base in (('real', .85), ('synth3', .8))
            for row in runs(regime, base, segmenter=segmenter)]
    first, second = findings.comparisons(rows)
    assert first.title.endswith('against REAL (smanet)')
    assert second.title.endswith('against REAL (unet)')
    assert [row[0] for row in first.rows] == ['REAL (smanet)', 'Three-stage, Synth 3 (smanet)',
                                              'REAL (unet)', 'Three-stage, Synth 3 (unet)']
    assert first.notes and not second.notes  # the rules are said once
    drawn = findings.differences(rows)
    assert list(drawn) == ['Against REAL (smanet)', 'Against REAL (unet)']
    (value, low, high), = drawn['Against REAL (smanet)']['Three-stage, Synth 3 (smanet)']
    assert f'{value:+.2f}' == first.rows[1][4] and f'[{low:.2f}, {high:.2f}]' == first.rows[1][5]


def test_numbers_of_pairs_get_lines_of_their_own():
    table, = findings.comparisons([*runs('real', .85), *runs('synth3', .8, num_synthetic=100),
                                   *runs('synth3', .82, num_synthetic=448)])
    assert [row[0] for row in table.rows[1:]] == ['Three-stage, Synth 3 (100 pairs)',
                                                  'Three-stage, Synth 3 (448 pairs)']
    assert findings.sweeps(runs('synth3', .8)) == {}
    sweep = findings.sweeps([*runs('synth3', .8, num_synthetic=100), *runs('synth3', .82)])
    (points,) = sweep['synthetic pairs'].values()
    assert [number for number, _ in points] == [100, 448] and points[0][1] == pytest.approx(80, abs=.3)


def test_draws_are_pooled_on_test_images_but_not_on_what_they_left_out():
    rows = runs('real', .85, draws=(0, 1))
    assert len(findings.by_images(rows)) == 1
    rows = runs('real', .85, draws=(0, 1), split='left_out')
    for row in rows:
        row['images']['names'] = [f'{row["draw"]}-{name}' for name in row['images']['names']]
    titles = [findings.comparisons(found)[0].title for found in findings.by_images(rows)]
    assert titles == [f'demo, 16 real images: 20 learning images that draw {draw} left out, against '
                      f'REAL' for draw in (0, 1)]


def test_a_try_stands_against_the_arm_of_the_configuration():
    base = runs('synth3', .8, split='left_out')
    assert findings.tries(base) == []
    table, = findings.tries([*base, *runs('synth3', .85, split='left_out', arm='grey'),
                             *runs('synth3', .9, arm='grey')])
    assert len(table.rows) == 2  # the test images are no place to choose
    assert table.rows[0][5] == '-' and table.rows[1][0] == 'grey'
    assert float(table.rows[1][5]) == pytest.approx(5, abs=.3) and table.rows[1][7] == 'yes, higher'
    assert '20 learning images' in table.notes[0]


def test_a_try_is_compared_on_the_same_images_and_pairs_only():
    base = [*runs('synth3', .7, split='left_out', num_synthetic=100),
            *runs('synth3', .8, split='left_out')]
    tried, = runs('synth3', .8, split='left_out', arm='grey')
    table, = findings.tries([*base, tried])
    assert abs(float(table.rows[-1][5])) < 0.01  # against 448 pairs, not against 100
    tried['images']['names'] = tried['images']['names'][::-1]
    alone = findings.tries([*base, tried])[-1]
    assert len(alone.rows) == 1 and alone.rows[0][5] == '-'


def test_labels_tell_network_and_pairs_apart():
    rows = [*runs('real', .85), *runs('real', .85, segmenter='unet'),
            *runs('finetune3', .8, num_synthetic=100), *runs('finetune3', .9)]
    table = findings.comparisons(rows)[0]
    assert [row[0] for row in table.rows] == [
        'REAL (smanet)', 'Three-stage, Finetune (smanet, 100 pairs)',
        'Three-stage, Finetune (smanet, 448 pairs)', 'REAL (unet)']
    assert float(table.rows[1][4]) < -4 < 4 < float(table.rows[2][4])


def test_images_without_organs_give_no_interval_and_no_error():
    empty = np.zeros([2, 3, 3], int)
    empty[0, :, 0] = 5
    table, = findings.comparisons([make_evaluation(empty, regime='real'), make_evaluation(empty)])
    assert [row[3:8] for row in table.rows] == [('-',) * 5] * 2


def test_scorings_of_the_test_images_are_counted():
    rows = [*runs('real', .85, (0, 1)), *runs('synth3', .8, split='left_out')]
    assert 'The 20 test images were scored 2 times' in findings.counted(rows)
    assert findings.counted(rows[2:]) == 'No test image was scored.'
