"""Whether translation is worth more than the best of the other ways, and which part of what the shift costs, from rows made by
hand."""
import numpy as np
import pytest

from pipelines.report.label_answers import answers, answered, recovered, recoveries
from pipelines.report.label_section import at_home, by_data_set
from tests.pipelines.report.test_label_section import row

ALIKE = (0.5, 0.6, 0.7, 0.8)
BETTER = (0.6, 0.7, 0.8, 0.9)


def j_of(rows, way, share):
    (_, points, _), = by_data_set(rows)
    return points[way][share].per_image


def test_a_sentence_for_each_share_against_the_best_of_the_other_ways():
    rows = [row('real', None, ALIKE), row('real', None, ALIKE, seed=1), row('tone', 0.0, (0.1,) * 4),
            row('scratch', 20.0, (0.2,) * 4), row('tuned', 20.0, (0.95,) * 4),
            row('munit', 0.0, BETTER), row('munit', 0.0, BETTER, seed=1), row('cyclegan', 0.0, (0.1,) * 4),
            row('munit', 20.0, BETTER)]
    none, twenty = answers(rows)
    apart = j_of(rows, 'MUNIT, supervised', 0.0) - j_of(rows, 'A as it is', 0.0)
    assert none.question.startswith('demo') and none.question.endswith('with 0 % of the labels there?')
    assert none.verdict == 'Yes, higher.'
    assert f'MUNIT, supervised: J is {apart.mean():.2f} higher [' in none.text
    assert f'than A as it is, the best of the others with {np.mean(j_of(rows, "A as it is", 0.0)):.2f} (2 trainings' in none.text
    assert 'Beside it: CycleGAN, supervised' in none.text and '4 images' in none.text
    apart = j_of(rows, 'MUNIT, supervised', 20.0) - j_of(rows, 'Fine-tuned on labels of B', 20.0)
    assert twenty.verdict == 'Cannot be told from one training each.'
    assert f'J is {-apart.mean():.2f} lower [' in twenty.text and 'than Fine-tuned on labels of B' in twenty.text


@pytest.mark.parametrize('shares, verdict', [(BETTER, 'Yes, higher.'), ((0.4, 0.5, 0.6, 0.7), 'No, lower.'),
                                             ((0.4, 0.7, 0.6, 0.9), 'Not shown.')])
def test_the_verdict_follows_the_interval(shares, verdict):
    rows = [row(regime, labelled, of, seed=seed) for regime, labelled, of in (('real', None, ALIKE), ('unit', 0.0, shares))
            for seed in (0, 1)]
    (one,) = answers(rows)
    assert one.verdict == verdict


def test_nothing_is_said_where_nothing_was_translated_or_nothing_else_is_there():
    assert answers([row('real', None, ALIKE), row('tone', 0.0, ALIKE)]) == []
    assert answers([row('munit', 5.0, ALIKE), row('tuned', 20.0, ALIKE)]) == []
    assert answers([row('munit', 5.0, BETTER), row('real', None, ALIKE)]) == []  # which had none of the labels
    (block,) = answered([row('real', None, ALIKE), row('munit', 0.0, BETTER)])
    assert 'is translation worth more' in block.markdown


HOME = (0.95, 0.85, 0.9, 0.9)


def home(shares=HOME, **changes):
    return {**row('real', None, shares), 'split': 'test', **changes}


def test_the_part_of_what_the_shift_costs_by_hand():
    """J at home is 90, there 65: 25 are lost. CycleGAN has 75 there, 10 of them; UNIT 60, which loses 5 more."""
    rows = [home(), row('real', None, ALIKE), row('cyclegan', 0.0, BETTER), row('unit', 0.0, (0.45, 0.55, 0.65, 0.75)),
            row('cyclegan', 20.0, (0.8, 0.8, 0.8, 0.8)), row('tuned', 20.0, (0.85,) * 4)]
    none, twenty = recoveries(rows)
    assert none.question.endswith('how much of what the shift costs does translation recover, with 0 % of the labels there?')
    assert none.verdict == '40 %.' and twenty.verdict == '60 %.'
    assert none.text.startswith('CycleGAN, supervised: translation recovers 40 % [')
    assert 'J is 75.00 (1 training), J of A as it is 90.00 at home, on its own test images, and 65.00 there (1 training, 4 and 4 ' in none.text
    assert 'Beside it: UNIT, supervised -20 % [' in none.text and 'labels' not in none.text
    # of which labels alone bring more
    assert 'translation and these labels recover 60 % [' in twenty.text and 'Beside it: Fine-tuned on labels of B 80 % [' in twenty.text
    (alone,) = recoveries([home(), row('real', None, ALIKE), rows[3]])
    assert alone.verdict == 'Nothing.'
    assert [one.question for one in answers(rows)] == [one.question for one in answers(rows[1:])]


def test_the_interval_of_that_part_knows_the_images_of_both():
    rows = [row('real', None, ALIKE), row('cyclegan', 0.0, BETTER)]
    (_, points, _), = by_data_set(rows)
    (way,), (as_is,) = (points[name].values() for name in ('CycleGAN, supervised', 'A as it is'))
    wide, narrow = (recovered(way, as_is, at_home([home(shares)], rows)['smanet']) for shares in (HOME, (0.9,) * 4))
    # each image gains 10, so the part is 1000 / (90 - J there): of the lowest of 256 resamples about 10 / 40, of the highest 10 / 10
    assert narrow.value == wide.value == pytest.approx(40) and wide.low < narrow.low < 40 < narrow.high < wide.high
    assert narrow.low == pytest.approx(1000 / (90 - 55), abs=3) and narrow.high == pytest.approx(1000 / (90 - 75), abs=7)


def test_without_a_home_or_a_loss_there_is_no_part_of_it():
    rows = [row('real', None, ALIKE), row('cyclegan', 0.0, BETTER)]
    for other in ([], [home(organs=['heart'])], [home(arm='other')], [home(segmenter='unet')]):
        assert recoveries([*other, *rows]) == []
    (one,) = recoveries([home(ALIKE), *rows])
    assert one.verdict == 'Cannot be told.' and one.text.endswith('what the shift costs is not told from nothing.')
