"""Table I and figure 7 of Oliveira 2018, and Table 3 of Ciano 2021, of networks that were tested in folds."""
import io

import numpy as np
import pytest
from PIL import Image

from pipelines.report import oliveira2018, published
from pipelines.report.papers import load_paper
from pipelines.scores import metrics, results, runs

PROTOCOL = dict(dataset='jsrt', configuration='lungs', size=256, train_size=256, gan_size=256, augmentation=False,
                updates=300, epochs=150, folds=3)


def fold(number, task, share, segmenter='segnet', missed=None, **changes):
    """A line of results.jsonl of three images, each with J = share and its own number of pixels."""
    protocol = {**PROTOCOL, 'chosen_update': 20 * (number + 1), **changes.pop('protocol', {})}
    pixels = np.array([1000, 2000, 5000])
    right = np.round(share * pixels).astype(int) if missed is None else pixels - np.array(missed)
    counts = np.stack([right, 0 * right, pixels - right], -1)[:, None]
    scores = {}
    for (metric, organ), value in metrics.values({'counts': counts, 'distances': None}, [task]).items():
        scores.setdefault(metric, {})[organ] = [value]
    return dict(schema=3, labelled=None, experiment='mine', arm=task, num_real=6, draw=0, regime='real', segmenter=segmenter,
                num_synthetic=0, seed=0, division='3 folds, 1 for validation', fold=number, split='test', organs=[task],
                images={'names': [f'{number}-{i}' for i in range(3)], 'counts': counts.tolist(), 'distances': None},
                scores=scores, protocol=protocol, versions={}) | changes


def scored(*parts):
    rows, missing = runs.joined(parts)
    assert not missing
    return results.score_rows(rows)


def of_folds(task, shares=(.9, .8, .7), **changes):
    return [fold(number, task, share, **changes) for number, share in enumerate(shares)]


def lines(rows):
    table, = [table for table in published.tables(rows) if table.title.startswith('Table I of Oliveira')]
    return {row[:2]: row[2:] for row in table.rows}, table


def test_the_printed_numbers_stand_beside_the_mean_and_deviation_over_folds():
    found, table = lines(scored(*of_folds('lungs'), *of_folds('clavicles', segmenter='unet')))
    dice = [200 * j / (100 + j) for j in (90, 80, 70)]
    own, = [key for key in found if key[0] == 'Lungs' and 'ours' in key[1]]
    assert own[1].lower() == 'segnet; ours: segnet (1)' and found[own] == (
        '95.54 ± 0.32', '80.00 ± 10.00', '97.71 ± 0.17', f'{np.mean(dice):.2f} ± {np.std(dice, ddof=1):.2f}', '80.00',
        '10, 20, 30 of 150')
    assert found['Clavicles', 'Ours: U-Net'] == ('-', '80.00 ± 10.00', '-', f'{np.mean(dice):.2f} ± '
                                                 f'{np.std(dice, ddof=1):.2f}', '80.00', '10, 20, 30 of 150')
    assert found['Heart', 'FCN'] == ('89.25 ± 0.56', '-', '94.24 ± 0.35', '-', '-', '-')
    assert found['Lungs', 'InvertedNet, quoted'][::2] == ('95.10', '97.50', '-')
    notes = '\n'.join(table.notes)
    assert 'ANOTHER SCALE than the paper\'s: 9 images (paper: 247), 3 folds (paper: 5).' in notes


def test_means_over_images_and_pooled_figures_are_told_apart():
    """J of 90, 50 and 90 per image of 1,000, 2,000 and 5,000 pixels: 76.67 as a mean, 80 pooled."""
    found, _ = lines(scored(*of_folds('heart', missed=(100, 1000, 500))))
    assert [found[key][1::3] for key in found if 'ours' in key[1]] == [('76.67 ± 0.00', '80.00')]


def test_every_printed_number_is_in_the_table_once_and_slips_have_a_note():
    found, table = lines(scored(*of_folds('lungs', segmenter='fcn8s'), *of_folds('lungs', segmenter='fcn16s')))
    printed = load_paper('oliveira2018')['table1']
    for task, of_task in printed.items():
        shown = [cells[0] for (name, _), cells in found.items() if name == task.capitalize() and cells[0] != '-']
        assert shown == [oliveira2018._printed(*scores[:2]) for scores in of_task.values()]
    slips = load_paper('oliveira2018')['slips']
    assert all(any(words in note for note in table.notes) for _, _, words in slips)
    assert sum(label.endswith(f'({number})') for _, label in found for number in range(1, 9)) == len(slips)


def test_nothing_is_shown_of_other_divisions_data_sets_or_tasks():
    for rows in (scored(*of_folds('lungs', protocol={'dataset': 'phantom'})), scored(*of_folds('rib')),
                 results.score_rows([fold(0, 'lungs', .9, fold=None, division='official')])):
        assert not any('Oliveira' in table.title for table in published.tables(rows)) and not published.figures(rows)


def test_seeds_and_arms_get_lines_of_their_own():
    found, _ = lines(scored(*of_folds('heart'), *of_folds('heart', seed=1), *of_folds('heart', arm='together')))
    own = [label for task, label in found if 'ours' in label]
    assert len(own) == len(set(own)) == 3 and any('arm together, seed 0' in label for label in own)


def test_figure_7_has_intervals_over_folds():
    """Student's t of three folds: 80 +- 4.303 * 10 / sqrt(3), cut at 100; of the paper's five: 2.776."""
    assert oliveira2018._bounds(80, 10, 3) == pytest.approx((80 - 24.84, 100), abs=.01)
    assert oliveira2018._bounds(95.54, .32, 5) == pytest.approx((95.143, 95.937), abs=.001)
    assert np.isnan(oliveira2018._bounds(95.1, None, None)).all()
    figure, = published.figures(scored(*of_folds('lungs'), *of_folds('heart')))
    picture = Image.open(io.BytesIO(next(iter(figure.files.values()))))
    assert picture.width >= 2 * 600 and 'Figure 7' in figure.html


def test_table_3_has_a_line_for_each_network_with_lungs_and_heart():
    """Lungs and heart of a segmenter each; one that was tested on one of them alone has none."""
    rows = scored(*of_folds('lungs', segmenter='unet'), *of_folds('heart', (.6, .6, .6), segmenter='unet'),
                  *of_folds('heart', segmenter='smanet'))
    table = next(table for table in published.tables(rows) if table.title.startswith('Table 3'))
    assert [row for row in table.rows if row[0].startswith('Ours')] == [
        ('Ours: mine, U-Net', '256 × 256', 'no', '3-fold, jsrt, 9 test images', '88.66 ± 6.20', '80.00 ± 10.00',
         '75.00 ± 0.00', '60.00 ± 0.00')]
    assert not any('beside Table 2' in table.title for table in published.tables(rows))
