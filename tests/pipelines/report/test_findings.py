"""What the tables of a report say of results made by hand."""
import numpy as np
import pytest

from pipelines.report import findings, trials
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


def tables(rows):
    return findings.tables(findings.against(rows), rules=True)


def test_a_clear_difference_is_told_from_none():
    table, = tables([*runs('real', 0.85, (0, 1, 2)), *runs('synth3', 0.85, (3, 4, 5)),
                     *runs('finetune3', 0.9, (0, 1, 2))])
    assert table.title == 'demo, 16 real images: 20 test images, against REAL'
    assert [row[0] for row in table.rows] == ['REAL', 'SYNTH 3', 'FINETUNE 3']
    finetune, synth = line(table, 'FINETUNE 3'), line(table, 'SYNTH 3')
    assert finetune[2:5] == ('yes, higher', '3', '< 0.001') and finetune[6] == '3'
    assert float(finetune[1].split()[0]) == pytest.approx(5, abs=0.3)
    assert synth[2:4] == ('no', '0') and abs(float(synth[1].split()[0])) < 0.3
    assert line(table, 'REAL')[1:5] == ('-',) * 4


def test_one_training_each_gets_no_yes():
    for tuned in (runs('finetune3', 0.8), runs('finetune3', 0.8, seeds=(0, 7))):  # one of two is paired
        table, = tables([*runs('real', 0.85), *tuned])
        assert line(table, 'FINETUNE 3')[2:4] == ('one training each', '1')
        assert float(line(table, 'FINETUNE 3')[1].split()[0]) == pytest.approx(-5, abs=.3)


def test_a_bound_too_near_to_zero_is_undecided(monkeypatch):
    real, tuned = runs('real', .85, (0, 1)), runs('finetune3', .9, (0, 1))
    found, = findings.against([*real, *tuned])[0].found.values()
    near = found.difference._replace(low=.001, low_range=(-.003, .005))
    table, = findings.tables([findings.against([*real, *tuned])[0]._replace(
        found={'FINETUNE 3': found._replace(difference=near)})])
    assert line(table, 'FINETUNE 3')[2] == 'undecided'
    assert '[0.001, ' in line(table, 'FINETUNE 3')[1]
    assert table.notes == ['Bounds of the differences: 100,000 resamples, Monte-Carlo error at most '
                           f'{findings.digits(near.error)}.']


@pytest.mark.parametrize('value, words', [(0, '0.00'), (-.004, '-0.004'), (-.0003, '-0.0003'), (-1e-6, '0.00'),
                                          (.155, '0.15'), (-12.3, '-12.30')])
def test_no_number_hides_on_which_side_of_zero_it_lies(value, words):
    assert findings.digits(value) == words
    assert findings.signed(value) == (f'+{words}' if value > 0 else words)


def test_common_keys_alone_are_compared():
    rows = [*runs('real', .85, (0, 1, 2), (0, 1)), *runs('finetune1', .9, (0,), (0, 1))]
    table, = tables(rows)
    assert line(table, 'FINETUNE 1')[3] == '2' and line(table, 'REAL')[6] == '6'
    few, = tables([row for row in rows if row['seed'] == 0])
    assert line(table, 'FINETUNE 1')[1:6] == line(few, 'FINETUNE 1')[1:6]


def test_the_placebo_gets_a_table_of_every_finetune():
    rows = [*runs('real', .85, (0, 1)), *runs('restart', .87, (0, 1)), *runs('first', .8, (0, 1)),
            *runs('synth3', .8, (0, 1)), *runs('finetune3', .9, (0, 1)), *runs('finetune1', .87, (0, 1)),
            *runs('real', .86, (0, 1), segmenter='unet'), *runs('finetune3', .9, (0, 1), segmenter='unet')]
    compared = findings.against(rows)
    assert [one.baseline.label for one in compared] == ['REAL (SMANet)', 'REAL (U-Net)', 'RESTART (SMANet)']
    of_placebo = findings.tables(compared)[-1]
    assert of_placebo.title.endswith('against RESTART (SMANet)')
    assert [row[0] for row in of_placebo.rows] == ['RESTART (SMANet)', 'FINETUNE 1 (SMANet)', 'FINETUNE 3 (SMANet)']
    assert float(of_placebo.rows[2][1].split()[0]) == pytest.approx(3, abs=.3)
    assert of_placebo.header[1] == 'Difference from RESTART (SMANet) [95 %, all lines]'
    assert len(findings.against([*runs('real', .85), *runs('restart', .87)])) == 1  # nothing stands against it


def test_every_network_stands_against_every_real():
    rows = [row for segmenter in ('unet', 'smanet') for regime, base in (('real', .85), ('synth3', .8))
            for row in runs(regime, base, segmenter=segmenter)]
    first, second = tables(rows)
    assert first.title.endswith('against REAL (SMANet)')
    assert second.title.endswith('against REAL (U-Net)')
    assert [row[0] for row in first.rows] == ['REAL (SMANet)', 'SYNTH 3 (SMANet)', 'REAL (U-Net)', 'SYNTH 3 (U-Net)']
    assert set(findings.RULES) < set(first.notes) and len(second.notes) == 1  # the rules are said once
    drawn = findings.differences(findings.against(rows))
    assert list(drawn) == ['REAL (SMANet)', 'REAL (U-Net)']
    value, low, high, sure = drawn['REAL (SMANet)']['SYNTH 3 (SMANet)']
    assert f'{value:+.2f} [{low:.2f}, {high:.2f}]' == first.rows[1][1] and not sure  # one training each


def test_numbers_of_pairs_get_lines_of_their_own():
    table, = tables([*runs('real', .85), *runs('synth3', .8, num_synthetic=100),
                     *runs('synth3', .82, num_synthetic=448)])
    assert [row[0] for row in table.rows[1:]] == ['SYNTH 3 (100 pairs)', 'SYNTH 3 (448 pairs)']
    assert trials.sweeps(runs('synth3', .8)) == {}
    sweep = trials.sweeps([*runs('synth3', .8, num_synthetic=100), *runs('synth3', .82)])
    (points,) = sweep['synthetic pairs'].values()
    assert [number for number, _ in points] == [100, 448] and points[0][1] == pytest.approx(80, abs=.3)


def test_the_experiment_of_most_trainings_comes_first():
    groups = findings.by_images([*runs('real', .85, num_real=124), *runs('real', .85, (0, 1))])
    assert [group[0]['num_real'] for group in groups] == [16, 124]


def test_draws_are_pooled_on_test_images_but_not_on_what_they_left_out():
    rows = runs('real', .85, draws=(0, 1))
    assert len(findings.by_images(rows)) == 1
    rows = runs('real', .85, draws=(0, 1), split='left_out')
    for row in rows:
        row['images']['names'] = [f'{row["draw"]}-{name}' for name in row['images']['names']]
    titles = [tables(found)[0].title for found in findings.by_images(rows)]
    assert titles == [f'demo, 16 real images: 20 learning images that draw {draw} left out, against '
                      f'REAL' for draw in (0, 1)]


def test_a_try_stands_against_the_arm_of_the_configuration():
    base = runs('synth3', .8, split='left_out')
    assert trials.tries(base) == []
    table, = trials.tries([*base, *runs('synth3', .85, split='left_out', arm='grey'),
                             *runs('synth3', .9, arm='grey')])
    assert len(table.rows) == 2  # the test images are no place to choose
    assert table.rows[0][4] == '-' and table.rows[1][0] == 'grey'
    assert float(table.rows[1][4].split()[0]) == pytest.approx(5, abs=.3)
    assert 'yes' not in str(table.rows) and 'these two trainings' in table.notes[0]
    assert '20 learning images' in table.notes[0]


def test_a_try_is_compared_on_the_same_images_and_pairs_only():
    base = [*runs('synth3', .7, split='left_out', num_synthetic=100),
            *runs('synth3', .8, split='left_out')]
    tried, = runs('synth3', .8, split='left_out', arm='grey')
    table, = trials.tries([*base, tried])
    assert abs(float(table.rows[-1][4].split()[0])) < 0.01  # against 448 pairs, not against 100
    tried['images']['names'] = tried['images']['names'][::-1]
    alone = trials.tries([*base, tried])[-1]
    assert len(alone.rows) == 1 and alone.rows[0][4] == '-'


def test_labels_tell_network_and_pairs_apart():
    rows = [*runs('real', .85), *runs('real', .85, segmenter='unet'),
            *runs('finetune3', .8, num_synthetic=100), *runs('finetune3', .9)]
    table = tables(rows)[0]
    assert [row[0] for row in table.rows] == [
        'REAL (SMANet)', 'FINETUNE 3 (SMANet, 100 pairs)', 'FINETUNE 3 (SMANet, 448 pairs)', 'REAL (U-Net)']
    assert float(table.rows[1][1].split()[0]) < -4 < 4 < float(table.rows[2][1].split()[0])


def test_images_without_organs_give_no_interval_and_no_error():
    empty = np.zeros([2, 3, 3], int)
    empty[0, :, 0] = 5
    table, = tables([make_evaluation(empty, regime='real'), make_evaluation(empty)])
    assert [row[1:5] for row in table.rows] == [('-',) * 4] * 2 and '[' not in table.rows[0][5]


def test_scorings_of_the_test_images_are_counted():
    rows = [*runs('real', .85, (0, 1)), *runs('synth3', .8, split='left_out')]
    assert 'The 20 test images were scored 2 times' in findings.counted(rows)
    assert findings.counted(rows[2:]) == 'No test image was scored.'
