"""DF-GAN to the report: MIXED D and MIXED P of drawn lesions, with U-Net++, as small as it gets."""
import pytest

from pipelines.experiment.run import run_experiment
from pipelines.plan.loading import from_dict
from pipelines.scores import results
from tests.conftest import TINY
from tests.pipelines.studies.markdown import section, table_of

GAN = {'ngf': 2, 'levels': 5, 'ndf': 2, 'layers': 2, 'batch_size': 2, 'epochs': 1, 'decay_epochs': 0}
CONFIG = {
    **TINY, 'regimes': ['mixedd', 'mixedp'], 'pix2pix': GAN, 'dfgan': {**GAN, 'fid_loss': 'batch'},
    'data': {'dataset': 'phantom_lesions_shown', 'size': 32, 'num_train': 4, 'num_test': 2, 'augment': 1,
             'dots_size': 32, 'dots_radius': 1},
    'generation': {'num_train': 4, 'num_validation': 0, 'block': 4, 'shard': 4},
    'segmenter': {'network': 'unetplusplus', 'overlapping': True, 'size': 32, 'crop': 32, 'width': 0.125,
                  'batch_size': 2, 'synth_steps': 1, 'finetune_steps': 1, 'min_holdout_images': 100},
    'evaluation': {'size': 32}}


@pytest.fixture(scope='module')
def shown(tmp_path_factory):
    """(rows of its results, the report in Markdown)."""
    workdir = tmp_path_factory.mktemp('mixed') / 'run'
    report = run_experiment(from_dict(CONFIG, 'test'), workdir, say=lambda text: None)
    return results.collect(workdir), report.with_suffix('.md').read_text(encoding='utf-8')


def test_rows_say_what_was_learned_and_how_it_was_drawn(shown):
    rows = {row['regime']: row for row in shown[0]}
    assert set(rows) == {'mixedd', 'mixedp'} and len(shown[0]) == 2
    for row in rows.values():
        assert (row['num_real'], row['num_synthetic'], row['segmenter'], row['split']) == (4, 4, 'unetplusplus', 'test')
        assert row['organs'] == ['pneumothorax'] and len(row['images']['names']) == 2
        assert row['protocol']['updates'] == 2
    told = {'features': 'random', 'statistics': 'sample'}
    assert rows['mixedd']['protocol']['drawn'] == {'image_from_region': {'fid_loss': 'batch', **told}}
    assert rows['mixedp']['protocol']['drawn'] == {
        'image_from_region_plain': {'fid_loss': 'none', 'statistics': 'sample'}}


def test_the_report_has_the_papers_tables_with_these_rows(shown):
    rows, text = shown
    part = section(text, 'Published and measured')
    dice = {row['regime']: row['scores']['dice_per_image']['average'][0] / 100 for row in rows}
    found = {row[1]: row[2] for row in table_of(part, 'Table 1 of DF-GAN').rows if row[0] == 'no'}   # n = 4 first
    assert found['R + S: MIXED D'] == f'{dice["mixedd"]:.3f} (1)'
    assert found['R + S: MIXED P'] == f'{dice["mixedp"]:.3f} (1)'
    gains = {row[0]: row[1] for row in table_of(part, 'What the gain in Dice').rows}
    assert gains['MIXED D - MIXED P: the Frechet loss'] == f'{round(dice["mixedd"] - dice["mixedp"], 3) + 0:+.3f} (1)'
    assert 'Drawn by MIXED D: fid_loss batch, features random, statistics sample.' in part
