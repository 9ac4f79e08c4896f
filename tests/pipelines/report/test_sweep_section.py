"""The report of a sweep, on results made by hand."""
import numpy as np
import pytest

from pipelines.report import sweep_section
from pipelines.scores import gap
from tests.evaluations import make_counts
from tests.pipelines.report.test_findings import runs

SEEDS = {'seeds': (0, 1), 'draws': (0, 1)}


def sweep(**of_regimes):
    """Trainings of four (draw, seed) each: regime -> {real images: J}."""
    return [row for regime, of_counts in of_regimes.items() for count, base in of_counts.items()
            for row in runs(regime, base, **SEEDS, num_real=count)]


def blocks_of(rows):
    return sweep_section.sweeps(rows)


def cells(markdown, start):
    line = next(line for line in markdown.splitlines() if line.startswith(start))
    return [cell.strip() for cell in line.strip('|').split('|')]


def test_it_helps_where_there_are_few_and_not_where_there_are_many():
    answer, figure, table = blocks_of(sweep(
        real={2: .70, 8: .80, 32: .90}, restart={2: .71, 8: .80, 32: .90}, finetune3={2: .80, 8: .80, 32: .90}))
    assert answer.markdown.startswith('**With how many real images is FINETUNE 3 better than REAL and RESTART? (demo, '
                                      'SMANet: 20 test images)** *With 2 of 2, 8, 32.* J is higher by: 2: +')
    assert figure.files['sweep-0.png'][:4] == b'\x89PNG'
    few, more, most = (cells(table.markdown, f'| {count} | FINETUNE 3') for count in (2, 8, 32))
    assert float(few[3].split()[0]) == pytest.approx(10, abs=.4) and few[4] == few[6] == 'yes, higher'
    assert float(few[5].split()[0]) == pytest.approx(9, abs=.4)
    assert int(few[7].split()[0]) == pytest.approx(50, abs=3) and few[8] == '4'
    assert more[4] == more[6] == 'no' and -5 < int(more[7].split()[0]) < 5
    assert most[7] == '-'
    assert cells(table.markdown, '| 2 | REAL')[3:8] == ['-'] * 5


def test_a_gain_that_the_placebo_has_too_is_none():
    answer, *_ = blocks_of(sweep(real={2: .7, 8: .8}, restart={2: .8, 8: .85}, finetune3={2: .8, 8: .85}))
    assert '*Not shown with any of 2, 8.*' in answer.markdown
    answer, *_ = blocks_of(sweep(real={2: .7, 8: .8}, finetune3={2: .8, 8: .85}))
    assert 'better than REAL? ' in answer.markdown and '*With 2, 8 of 2, 8.*' in answer.markdown
    assert answer.markdown.endswith('RESTART was not trained, so what a second start alone gains is not known.')


def test_intervals_hold_for_all_lines_together():
    rows = sweep(real={2: .7, 8: .8}, restart={2: .7, 8: .8}, finetune3={2: .71, 8: .81})
    *_, table = blocks_of(rows)
    *_, alone = blocks_of([row for row in rows if row['regime'] != 'restart'])
    low, high = eval(cells(table.markdown, '| 2 | FINETUNE 3')[3].split(' ', 1)[1])
    one, other = eval(cells(alone.markdown, '| 2 | FINETUNE 3')[3].split(' ', 1)[1])
    assert low < one < other < high


def test_what_is_no_sweep_has_no_section():
    assert blocks_of(sweep(real={2: .7}, finetune3={2: .8})) == []
    assert blocks_of(sweep(real={2: .7, 8: .8})) == []
    assert blocks_of(sweep(real={8: .8}, finetune3={2: .8, 8: .8})) == []  # no REAL of 2 to stand against


def test_each_arm_network_and_set_of_images_is_a_sweep_of_its_own():
    rows = sweep(real={2: .7, 8: .8}, finetune3={2: .8, 8: .8})
    others = [{**row, 'arm': 'plain'} for row in rows] + [{**row, 'segmenter': 'unet'} for row in rows] + [
        {**row, 'split': 'montgomery'} for row in rows]
    titles = [block.markdown.split('(')[1].split(')')[0] for block in blocks_of(rows + others)[::3]]
    assert titles == ['demo, SMANet: 20 test images', 'demo/plain, SMANet: 20 test images',
                      'demo, U-Net: 20 test images', 'demo, SMANet: 20 images of montgomery']


def side(base, draws=(0, 0, 1, 1), spread=0.0):
    shares = np.full([len(draws), 12, 3], base) + spread * np.linspace(-1, 1, 12)[:, None]
    return gap.Side(np.stack([make_counts(one) for one in shares]), draws)


def test_share_of_the_gap_by_hand():
    found = gap.share_closed(side(.75), side(.70), side(.80))
    assert found == pytest.approx((50, 50, 50))
    assert gap.share_closed(side(.65), side(.70), side(.80)).value == pytest.approx(-50)
    assert gap.share_closed(side(.75), side(.80), side(.70)) is None      # more images are worse
    assert gap.share_closed(side(.75), side(.80), side(.80)) is None


def test_a_gap_within_chance_has_no_share():
    rng = np.random.default_rng(3)
    noisy = [gap.Side(np.stack([make_counts(rng.uniform(.6, .9, [12, 3])) for _ in range(4)]), (0, 0, 1, 1))
             for _ in range(3)]
    assert gap.share_closed(*noisy) is None


def test_its_interval_is_fiellers():
    """Of normal gains 1 +- 0.5 and gaps 2 +- 0.8: where (1 - 2 s)^2 = 1.96^2 (0.5^2 + 0.8^2 s^2)."""
    rng = np.random.default_rng(0)
    gains, gaps = rng.normal(1, .5, 200_000), rng.normal(2, .8, 200_000)
    low, high = (gap._share_at(gains, gaps, level) for level in (2.5, 97.5))
    assert low == pytest.approx(0.99, abs=1) and high == pytest.approx(258.5, rel=.02)
    assert (gaps < 0).any()
    assert gap._share_at(gains, np.zeros(200_000), 97.5) == np.inf


def test_one_training_has_no_share():
    rows = sweep(real={2: .70, 8: .80}, finetune3={2: .75, 8: .80})
    alone = [row for row in rows if (row['draw'], row['seed']) == (0, 0)]
    for some, is_told in ((rows, True), (alone, False), ([row for row in rows if row['num_real'] == 2 or row in alone], False)):
        *_, table = blocks_of(some)
        assert (cells(table.markdown, '| 2 | FINETUNE 3')[7] != '-') == is_told
