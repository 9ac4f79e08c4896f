"""What labels of another hospital are worth, from rows made by hand: points, the paper's table beside, convergence."""
import numpy as np
import pytest

from pipelines.report import label_section
from pipelines.scores.table import to_markdown
from tests.evaluations import make_counts, make_evaluation

CONVERGENCE = {'cycle_error_a': 0.05, 'cycle_error_b': 0.31, 'agreement': 97.0, 'kid_random': 0.1, 'kid_random_before': 0.4,
               'has_converged': False, 'pictures': 8, 'learned_from': {'a': False, 'b': False}}


def row(regime, labelled, shares, seed=0, **protocol):
    counts = np.array(make_counts([(share,) * 3 for share in shares]))[:, :1]
    made = make_evaluation(counts=make_counts([(share,) * 3 for share in shares]))
    scores = {metric: {key: of[key] for key in of if key in ('left_lung',)} for metric, of in made['scores'].items()}
    told = {'dataset': 'montgomery', 'learned_from': 'jsrt', 'configuration': 'folds', **protocol}
    return {**made, 'regime': regime, 'labelled': labelled, 'seed': seed, 'split': 'there', 'organs': ['lungs'], 'num_synthetic': 0,
            'images': {'names': [f'{i}' for i in range(len(shares))], 'counts': counts.tolist(), 'distances': None},
            'scores': scores, 'protocol': told}


ROWS = [row('real', None, (0.5, 0.7)), row('tuned', 20.0, (0.8, 0.9)), row('scratch', 20.0, (0.6, 0.6)),
        row('munit', 0.0, (0.9, 0.7), convergence=CONVERGENCE, restarts=2), row('munit', 0.0, (0.7, 0.9), seed=1)]


def test_a_line_for_each_way_and_a_column_for_each_share_with_the_papers_beside():
    (title, points, of_group), = label_section.by_data_set(ROWS)
    assert list(points) == ['A as it is', 'Fine-tuned on labels of B', 'From scratch on labels of B', 'MUNIT, supervised']
    one, two = points['A as it is'][0.0], points['MUNIT, supervised'][0.0]
    jaccard = [100 * right / (right + invented + missed) for right, invented, missed in
               np.array(ROWS[0]['images']['counts'])[:, 0]]
    assert one.mean == pytest.approx(np.mean(jaccard)) and one.low == pytest.approx(min(jaccard))
    assert one.high == pytest.approx(max(jaccard)) and one.trainings == 1
    # every image is as good on the mean of both trainings, so nothing is left for images to differ by
    assert two.trainings == 2 and two.high - two.low < 1e-6
    printed = label_section._published(of_group)
    assert printed['Published: fine-tuned'][0.0] == (4.30, 4.13) and 0.0 not in printed['Published: from scratch']
    text = to_markdown([label_section._table(title, points, printed, [0.0, 20.0])])
    assert '| Published: MUNIT, supervised | 88.20 ± 9.80 | 91.26 ± 7.20 |' in text
    assert f'| From scratch on labels of B | - | {points["From scratch on labels of B"][20.0].mean:.2f} [' in text
    assert ', 2 trainings' in text


def test_every_image_has_its_line():
    (_, points, of_group), = label_section.by_data_set(ROWS)
    table = label_section._each(points, of_group)
    assert table.header == ('Image', 'A as it is, 0 %', 'Fine-tuned on labels of B, 20 %', 'From scratch on labels of B, 20 %',
                            'MUNIT, supervised, 0 %')
    jaccard = points['A as it is'][0.0].per_image
    assert [line[:2] for line in table.rows] == [('0', f'{jaccard[0]:.1f}'), ('1', f'{jaccard[1]:.1f}')]
    points['A as it is'][0.0].per_image[1] = np.nan  # nothing there to find
    assert label_section._each(points, of_group).rows[1][1] == '-'


@pytest.mark.parametrize('protocol', [{'dataset': 'shenzhen'}, {'learned_from': 'phantom'}])
def test_other_data_sets_stand_beside_nothing_published(protocol):
    rows = [{**one, 'protocol': {**one['protocol'], **protocol}} for one in ROWS]
    assert label_section._published(rows) == {}


def test_what_has_not_converged_is_said():
    table = label_section.convergence(ROWS)
    (line,) = table.rows
    assert line == ('demo, MUNIT, supervised, SMANet, seed 0, 0 %', '0.050, 0.310', '97.0', '0.100 (untranslated 0.400)', '2', 'NO')


def test_the_section_has_a_figure_and_nothing_where_nobody_went_elsewhere():
    blocks = label_section.labels(ROWS)
    assert len(blocks) == 4
    assert label_section.labels([ROWS[0]]) == []
