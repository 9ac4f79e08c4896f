"""What the documents show of DF-GAN's studies, from rows made by hand: two numbers of images, two draws, four arms."""
import shutil

import pytest

from pipelines.scores import results
from tests.finished_run import QUALITY, write_json
from tests.pipelines.report.test_dfgan import line
from tests.pipelines.studies import dfgan, pages
from tests.pipelines.studies.conftest import blocks_alone
from tests.pipelines.studies.markdown import table_of

# Dice of draw 0; draw 1 has .02 more, and draw 0 alone has n = 100
DICE = {('plain', 'first', 0): .28, ('plain', 'real', 0): .30, ('plain', 'mixedp', 1): .38, ('plain', 'mixedd', 1): .40,
        ('plain', 'mixedd', 2): .44, ('flipped', 'real', 0): .34, ('classic', 'real', 0): .50,
        ('classic', 'mixedd', 1): .51}


def rows():
    rows = [line(regime, dice + .02 * draw, draw=draw, arm=arm, n=n, times=times, experiment='lesions_cpu',
                 protocol={'augmented': arm != 'plain'})
            for (arm, regime, times), dice in DICE.items() for n, draw in ((50, 0), (50, 1), (100, 0))
            if arm != 'classic' or n == 50]
    return rows + [line(regime, .39, arm='literal', experiment='lesions_cpu') for regime in ('mixedd', 'mixedp')]


def write_study(folder):
    """The folder of the study as it is kept: rows and quality, without pictures."""
    folder.mkdir()
    shutil.copy(pages.REPOSITORY / 'pipelines' / 'configs' / 'lesions_cpu.yaml', folder / 'config.yaml')
    for row in rows():
        arm = folder / f'{row["arm"]}-{row["num_real"]}-draw{row["draw"]}'
        arm.mkdir(exist_ok=True)
        results.append_results(arm / results.RESULTS, [row])
        (arm / 'config.yaml').touch()
    for draw in (0, 1):   # as many sets of samples as are ranked by what a measure says, above their table
        for method in ('dfgan', 'pix2pix'):
            write_json(folder / f'plain-50-draw{draw}' / 'quality' / f'{method}.json', {**QUALITY, 'method': method})


@pytest.fixture(scope='module')
def shown(tmp_path_factory):
    """Blocks of the pages where it is the only study."""
    place = tmp_path_factory.mktemp('studies')
    write_study(place / 'lesions_cpu')
    return blocks_alone(place, 'lesions')


def test_tables_of_the_paper_have_the_numbers_of_images_that_were_measured(shown):
    table = table_of(shown['lesions: table1'], None)
    assert table.header == ['Classic aug.', 'Learned from', 'n = 50', 'n = 100']
    found = {tuple(row[:2]): row[2:] for row in table.rows}
    assert found['no', 'R, published'] == ['0.232 ± 0.021', '0.256 ± 0.015']
    assert found['no', 'R: REAL (plain)'] == ['0.310 ± 0.010 (2)', '0.300 (1)']
    assert found['no', 'R + S: MIXED D (literal)'] == ['0.390 (1)', '-']
    assert found['yes', 'R: REAL (flipped)'][1] == '0.340 (1)'
    twice = {row[0]: row[1:] for row in table_of(shown['lesions: table2'], None).rows}
    assert twice['Ours: MIXED D, plain, n = 50'] == ['0.310 ± 0.010 (2)', '0.410 ± 0.010 (2)', '0.450 ± 0.010 (2)']


def test_what_the_gain_is_made_of_and_readmes_line(shown):
    gain = {row[0]: row[1:] for row in table_of(shown['lesions: gain'], None).rows}
    assert gain['MIXED D, R + 2 S - R + S: twice the pictures, plain'] == ['+0.040 ± 0.000 (2)', '+0.040 (1)']
    assert gain['REAL, flipped - REAL, plain: reflections alone'] == ['+0.040 ± 0.000 (2)', '+0.040 (1)']
    assert gain['MIXED D - MIXED P: the Frechet loss, literal'] == ['+0.000 (1)', '-']
    (line,) = table_of(shown['studies: found'], None).rows
    assert line[1] == (
        'gain in Dice by DF-GAN, mean ± standard error (trainings): n = 50: +0.100 ± 0.000 (2) all, +0.020 ± 0.000 (2) '
        'by the Frechet loss, +0.040 ± 0.000 (2) by reflections without synthesis; n = 100: +0.100 (1) all, +0.020 (1) by '
        'the Frechet loss, +0.040 (1) by reflections without synthesis')
    assert line[2] == '[page](pipelines/studies/README.md#df-gan-on-drawn-lesions)'


def test_samples_are_those_of_both_gans_and_what_is_missing_is_said(shown):
    samples = table_of(shown['lesions: samples'], None)
    assert samples.header[:2] == ['Samples', 'FID'] and len(samples.header) == 7
    assert {row[0] for row in samples.rows} >= {'plain-50-draw0, df-gan', 'plain-50-draw1, pix2pix'}
    assert 'scores that the config asks for are here. Missing: ' in shown['lesions: missing']


def test_nothing_there_is_said():
    text = '\n## The answer\n\nNone.\n'
    blocks = dfgan.blocks_of(text)
    assert blocks.pop('missing') == '' and set(blocks.values()) == {dfgan.NONE}
    assert dfgan.found(text) == dfgan.NONE.strip()
