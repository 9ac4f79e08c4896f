"""Tables 1 and 2 and figure 4 of DF-GAN from rows made by hand: published beside ours, gains by pairs of trainings."""
import io
import math

import numpy as np
import pytest
from PIL import Image

from pipelines.report import dfgan, published
from pipelines.report.papers import load_paper
from pipelines.scores import results
from tests.evaluations import make_counts, make_evaluation


def line(regime, dice, seed=0, n=50, times=1, **changes):
    """A line of results.jsonl of two images with that Dice each."""
    share = dice / (2 - dice)  # Dice = 2J/(1+J)
    protocol = {'dataset': 'phantom_lesions_shown', 'gan_size': 64, 'train_size': 64, **changes.pop('protocol', {})}
    return make_evaluation(make_counts([(share,) * 3] * 2, 3_000_000), regime=regime, seed=seed, num_real=n,
                           num_synthetic=n * times if regime.startswith('mixed') else 0, segmenter='unetplusplus',
                           protocol=protocol, **changes)


DRAWN = {'image_from_region': {'fid_loss': 'batch', 'features': 'random', 'statistics': 'sample'}}
ROWS = [*(line('real', dice, seed) for seed, dice in enumerate((.30, .40, .50))),
        *(line('mixedd', dice, seed, protocol={'drawn': DRAWN}) for seed, dice in enumerate((.36, .43, .53))),
        *(line('mixedp', dice, seed) for seed, dice in enumerate((.35, .44))),
        line('mixedd', .6, times=2), line('first', .25), line('real', .5, n=100), line('mixedd', .45, n=100)]


def tables_of(rows):
    return {table.title.split(':')[0]: table for table in published.tables(results.score_rows(rows))}


def test_the_printed_dice_stand_beside_mean_and_standard_error_over_trainings():
    table = tables_of(ROWS)['Table 1 of DF-GAN']
    assert table.header == ('Classic aug.', 'Learned from', *(f'n = {n}' for n in (50, 100, 250, 500, 1000, 2000)))
    found = {row[:2]: row[2:4] for row in table.rows}
    assert found['no', 'R, published'] == ('0.232 ± 0.021', '0.256 ± 0.015')
    assert found['yes', 'R + S, published'] == ('0.328 ± 0.025', '0.382 ± 0.008')
    assert found['no', 'R: REAL'] == (f'0.400 ± {.1 / math.sqrt(3):.3f} (3)', '0.500 (1)')
    error = np.std([.36, .43, .53], ddof=1) / math.sqrt(3)
    assert found['no', 'R + S: MIXED D'] == (f'0.440 ± {error:.3f} (3)', '0.450 (1)')
    assert found['no', 'R + S: MIXED P'] == ('0.395 ± 0.045 (2)', '-') and found['no', 'R: FIRST'][0] == '0.250 (1)'
    assert not [key for key in found if '2 S' in key[1]]
    notes = '\n'.join(table.notes)
    assert "OTHER DATA than the paper's (SIIM-ACR): phantom_lesions_shown" in notes
    assert 'generated at 64 px (paper: 256)' in notes
    assert 'Drawn by MIXED D: fid_loss batch, features random, statistics sample.' in notes
    assert dfgan.UPDATES in notes


def test_twice_as_many_stand_in_table_2_and_pairs_of_trainings_tell_what_the_gain_is():
    made = tables_of(ROWS)
    assert made['Table 2 of DF-GAN'].rows == [
        ('Published, n = 100', '0.324 ± 0.038', '0.382 ± 0.008', '0.390 ± 0.011'),
        ('Ours: MIXED D, demo, n = 50', '0.400 ± 0.058 (3)', '0.440 ± 0.049 (3)', '0.600 (1)')]
    gains = {row[0].split(':')[0]: row[1:] for row in made['What the gain in Dice is made of'].rows}
    assert gains == {
        'MIXED D - REAL': ('+0.040 ± 0.010 (3)', '-0.050 (1)'), 'MIXED P - REAL': ('+0.045 ± 0.005 (2)', '-'),
        'MIXED D - MIXED P': ('+0.000 ± 0.010 (2)', '-'), 'REAL - FIRST': ('+0.050 (1)', '-')}


def test_augmented_arms_stand_under_the_papers_augmented_rows():
    rows = [*ROWS, *(line(regime, dice, arm='classic', protocol={'augmented': True})
                     for regime, dice in (('real', .7), ('mixedd', .8)))]
    found = {row[:2]: row[2] for row in tables_of(rows)['Table 1 of DF-GAN'].rows}
    assert found['yes', 'R: REAL'] == '0.700 (1)' and found['no', 'R: REAL'].startswith('0.400')
    gains = {row[0]: row[1] for row in tables_of(rows)['What the gain in Dice is made of'].rows}
    assert gains['MIXED D - REAL: all of it, classic'] == '+0.100 (1)'


def test_figure_4_draws_the_gain_over_the_number_of_real_images():
    block, = published.figures(results.score_rows(ROWS))
    png, = block.files.values()
    assert np.asarray(Image.open(io.BytesIO(png)).convert('L')).std() > 10 and 'Figure 4 of DF-GAN' in block.markdown
    gains = dfgan._published_gains('augmented')
    assert gains[50] == pytest.approx((.071, math.hypot(.009, .025))) and gains[2000][0] == pytest.approx(.002)
    few = [row for row in ROWS if row['num_real'] == 50]
    assert published.figures(results.score_rows(few)) == []


def test_what_stands_beside_which_paper():
    other = line('real', .5, experiment='other')
    scores = results.score_rows([*ROWS, other])
    assert {row['experiment'] for row in published.foreign(scores)} == {'other'}
    assert all('DF-GAN' in title or 'gain' in title for title in tables_of([*ROWS, other]))
    siim = line('real', .5, protocol={'dataset': 'siim_acr'})
    assert not published.foreign(results.score_rows([siim])) and tables_of([siim]) == {}
    told, lines = published.departures(scores)
    assert told == load_paper('dfgan')['departures'] and any('OTHER DATA' in words for words in lines)


def test_a_validation_share_of_folds_and_networks_are_studies_of_their_own():
    rows = [*ROWS, line('real', .9, division='80/10/10'), line('mixedd', .9, division='80/10/10')]
    titles = [table.title for table in published.tables(results.score_rows(rows)) if table.title.startswith('Table 1')]
    assert titles == ['Table 1 of DF-GAN: Dice of demo, U-Net++, published and ours',
                      'Table 1 of DF-GAN: Dice of demo, U-Net++, 80/10/10, published and ours']
