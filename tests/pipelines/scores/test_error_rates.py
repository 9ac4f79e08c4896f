"""The simulation of error rates, against formulas where there are some."""
import numpy as np
import pytest
from scipy import stats

from pipelines.scores import error_rates
from pipelines.scores.error_rates import error_rate


@pytest.mark.parametrize('ratio', [0, 1, 4])
def test_one_training_each_is_wrong_as_often_as_the_normal_law_says(ratio):
    # the interval knows the images' variance 0.3 alone; the truth has 1 + ratio of one training besides
    bound = stats.norm.ppf(.975) * np.sqrt(.3 / (1.3 + ratio))
    assert error_rate(1, 1, ratio) == pytest.approx(2 * stats.norm.sf(bound), abs=.04)


def test_images_alone_give_what_is_promised():
    assert error_rate(1, 1, 0, images_to_seeds=1e6) == pytest.approx(.05, abs=.02)
    assert error_rate(2, 3, 0, told=10, images_to_seeds=1e6) == pytest.approx(.005, abs=.01)


def test_draws_of_few_seeds_are_believed_too_much():
    rates = [error_rate(2, 3, ratio) for ratio in error_rates.RATIOS]
    assert rates == sorted(rates) and rates[0] < .06 < rates[-1]
    assert error_rate(2, 1, 1) > 2 * error_rate(2, 3, 1) > 2 * error_rate(4, 3, 1)
    assert error_rate(2, 1, 1, told=10) < error_rate(2, 1, 1)


def test_the_table_shows_each_design():
    table = error_rates.table()
    assert [row[0] for row in table.rows][:2] == ['1 draw of 1 seed', '1 draw of 3 seeds']
    assert table.rows[3][1] == f'{100 * error_rate(2, 3, 0):.0f} %'
    assert 'level 95 %' in table.notes[0] and 'ratio of the variances' in table.notes[0]


def test_components_by_hand():
    # draws' means 2 and 6, seeds 1 apart to either side of them
    values = {(0, 0): 1., (0, 1): 3., (1, 0): 5., (1, 1): 7.}
    draws, seeds, images = error_rates.components(values, 1.0)
    assert (draws, seeds, images) == pytest.approx((8 - 2 / 2, 2, 1))
    alike = error_rates.components({(0, 0): 1., (0, 1): 5., (1, 0): 3., (1, 1): 3.}, 0)
    assert alike.draws == 0
    assert np.isnan(error_rates.components({(0, 0): 1., (1, 0): 2.}, 0).seeds)
    assert np.isnan(error_rates.components({(0, 0): 1., (0, 1): 2.}, 0).draws)
    # two draws of unequal numbers: 1 / n of the seeds' variance is in each mean
    unequal = error_rates.components({(0, 0): 0., (0, 1): 2., (1, 0): 9.}, 0)
    assert unequal.draws == pytest.approx(32 - 2 * .75)
