"""The tables of what segmenters are worth at other hospitals, of rows made by hand."""
import numpy as np

from pipelines.report.external_section import elsewhere, overview
from pipelines.scores.runs import joined
from tests.evaluations import make_counts, make_evaluation


def _rows(split, organs, **changes):
    counts = make_counts(np.full((4, len(organs)), 0.8))
    row = make_evaluation(make_counts([(0.8, 0.8, 0.8)] * 4), **changes)
    return {**row, 'split': split, 'organs': organs, 'images': {**row['images'], 'counts': counts.tolist()}}


def test_folds_are_not_joined_where_every_fold_sees_all_images():
    home = [make_evaluation(fold=fold, division='2 folds', protocol={'folds': 2}) for fold in (0, 1)]
    there = [{**row, 'split': 'there'} for row in home]
    whole, missing = joined([*home, *there])
    assert not missing
    assert [(row['split'], row['fold']) for row in whole] == [('there', 0), ('there', 1), ('test', None)]
    table, = overview(whole)
    assert table.rows[0][1] == '2' and elsewhere(whole)


def test_the_table_puts_home_and_elsewhere_side_by_side():
    lungs = ['left_lung', 'right_lung']
    rows = [_rows(split, organs, regime=regime, seed=seed) for regime in ('real', 'finetune3') for seed in (0, 1)
            for split, organs in (('test', [*lungs, 'heart']), ('there', lungs))]
    table, = overview(rows)
    assert table.header == ['Trained on', 'Trainings', 'J at home: left lung, right lung, heart (4 images)',
                            'HD95 mm at home', 'J on there: left lung, right lung (4 images)', 'HD95 mm on there']
    assert [row[:3] for row in table.rows] == [('REAL', '2', '80.00 ± 0.00'), ('FINETUNE 3', '2', '80.00 ± 0.00')]
    assert overview([row for row in rows if row['split'] == 'test']) == []
    assert any('Differences on there' in block.markdown for block in elsewhere(rows))
