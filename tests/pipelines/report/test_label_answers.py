"""Whether translation is worth more than the best of the other ways, from rows made by hand."""
import numpy as np
import pytest

from pipelines.report.label_answers import answers, answered
from pipelines.report.label_section import by_data_set
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
    (block,) = answered([row('real', None, ALIKE), row('munit', 0.0, BETTER)])
    assert 'is translation worth more' in block.markdown
