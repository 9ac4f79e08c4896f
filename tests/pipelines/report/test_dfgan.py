"""Tables 1 and 2 and figure 4 of DF-GAN from rows made by hand: published beside ours, gains by pairs of trainings."""
import io
import math

import numpy as np
import pytest
from PIL import Image

from pipelines.report import dfgan, gains, published
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
        'MIXED D - MIXED P': ('+0.000 ± 0.010 (2)', '-'), 'REAL - FIRST': ('+0.050 (1)', '-'),
        'MIXED D, R + 2 S - R + S': ('+0.240 (1)', '-')}   # .6 - .36, of seed 0


def test_augmented_arms_stand_under_the_papers_augmented_rows():
    rows = [*ROWS, *(line(regime, dice, arm='classic', protocol={'augmented': True})
                     for regime, dice in (('real', .7), ('mixedd', .8)))]
    found = {row[:2]: row[2] for row in tables_of(rows)['Table 1 of DF-GAN'].rows}
    assert found['yes', 'R: REAL (classic)'] == '0.700 (1)' and found['no', 'R: REAL (demo)'].startswith('0.400')
    gains = {row[0]: row[1] for row in tables_of(rows)['What the gain in Dice is made of'].rows}
    assert gains['MIXED D - REAL: all of it, classic'] == '+0.100 (1)'


LITERAL = {'image_from_region': {'fid_loss': 'literal', 'statistics': 'sample'}}
DRAWS = [  # as lesions_cpu: trainings differ in their draw, and seed 0 is that of all
    *(line(regime, dice + .01 * draw * (draw + 1), draw=draw, arm='plain', times=times,
           protocol={'drawn': DRAWN} if regime == 'mixedd' else {})
      for regime, dice, times in (('real', .3, 1), ('mixedd', .4, 1), ('mixedp', .38, 1)) for draw in (0, 1, 2)),
    *(line('mixedd', dice, draw=draw, arm='plain', times=2, protocol={'drawn': DRAWN})
      for draw, dice in ((0, .44), (1, .50), (2, .47))),
    line('real', .36, draw=1, arm='flipped', protocol={'augmented': True}),
    line('real', .41, draw=2, arm='flipped', protocol={'augmented': True}),
    *(line('real', .5, draw=draw, arm='classic', protocol={'augmented': True}) for draw in (0, 1)),
    line('mixedd', .37, arm='literal', protocol={'drawn': LITERAL}), line('mixedp', .38, arm='literal')]


def test_each_draw_is_a_training_of_its_own_and_arms_are_told_apart():
    """Dice of R is .30, .32, .36 in draws 0, 1, 2, of R + S .40, .42, .46, and of R + 2 S .44, .50, .47."""
    made = tables_of([*DRAWS[3:], *DRAWS[:3]])   # whatever comes first
    gains = {row[0]: row[1] for row in made['What the gain in Dice is made of'].rows}
    error = np.std([.04, .08, .01], ddof=1) / math.sqrt(3)
    assert gains == {
        'MIXED D - REAL: all of it, plain': '+0.100 ± 0.000 (3)',
        'MIXED P - REAL: synthesis without the Frechet loss, plain': '+0.080 ± 0.000 (3)',
        'MIXED D - MIXED P: the Frechet loss, plain': '+0.020 ± 0.000 (3)',
        'MIXED D - MIXED P: the Frechet loss, literal': '-0.010 (1)',
        'MIXED D, R + 2 S - R + S: twice the pictures, plain': f'+0.043 ± {error:.3f} (3)',
        'REAL, classic - REAL, plain: classical augmentation': '+0.190 ± 0.010 (2)',   # .20 and .18
        'REAL, flipped - REAL, plain: reflections alone': '+0.045 ± 0.005 (2)'}          # .04 and .05
    table = made['Table 1 of DF-GAN']
    found = {row[:2]: row[2] for row in table.rows}
    assert found['no', 'R + S: MIXED D (literal)'] == '0.370 (1)'
    assert found['yes', 'R: REAL (flipped)'].startswith('0.385')
    assert found['no', 'R + S: MIXED D (plain)'].endswith('(3)')
    notes = '\n'.join(table.notes)
    assert 'Drawn by MIXED D (literal): fid_loss literal, statistics sample.' in notes
    assert 'Drawn by MIXED D (plain): fid_loss batch, features random, statistics sample.' in notes
    draws = 'Trainings differ in the draw of their real images (3 draws), each with its own GANs and segmenters.'
    arms = 'Varied while learning: flipped: reflections alone; classic: classical augmentation.'
    assert all(words in one.notes for one in made.values() if one.title.startswith(('Table 1', 'What'))
               for words in (draws, arms))
    assert dfgan.LITERAL in made['What the gain in Dice is made of'].notes
    assert dfgan.LITERAL not in tables_of(ROWS)['What the gain in Dice is made of'].notes


@pytest.mark.parametrize('keys, words', [
    ([(0, 0)], 'One training each.'),
    ([(0, 0), (0, 1)], "Trainings share their real images and GANs, and differ in the segmenter's seed (2 seeds)."),
    ([(0, 0), (1, 1)], "its own GANs and segmenters, and in the segmenter's seed (2 seeds).")])
def test_what_the_standard_errors_are_over_is_said(keys, words):
    rows = [line(regime, .5, seed, draw=draw) for draw, seed in keys for regime in ('real', 'mixedd')]
    assert any(words in note for note in tables_of(rows)['Table 1 of DF-GAN'].notes)


def test_the_arm_that_others_are_compared_with():
    """Not the first by name; where all vary, that of most trainings; an arm that nobody has words for has its name."""
    def words(*arms):
        return list(gains.of_arms([row for name, seeds, augmented in arms for row in dfgan._studies(results.score_rows([
            line('mixedd', .5, arm=name), *(line('real', .5, seed, arm=name, protocol={'augmented': augmented})
                                            for seed in range(seeds))]))[0].rows]))

    assert words(('classic', 3, True), ('plain', 1, False)) == ['REAL, classic - REAL, plain: classical augmentation']
    assert words(('classic', 1, True), ('flipped', 2, True)) == [
        'REAL, classic - REAL, flipped: classical augmentation']
    assert words(('longer', 1, False), ('plain', 2, False)) == ['REAL, longer - REAL, plain']
    assert words(('plain', 2, False)) == []


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
