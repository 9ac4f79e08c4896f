"""The whole job: complete, repeatable, on a chest and on two organs that are no chest."""
import json
import shutil

import cv2
import numpy as np
import pytest
import yaml

from datasets import records
from datasets.errors import InputError
from pipelines.cost import dry_run
from pipelines.experiment import status, steps
from pipelines.experiment.run import run_experiment
from pipelines.plan import matrix, provenance
from pipelines.plan.regimes import Run, parse_regime
from pipelines.scores import metrics, results
from tests.conftest import FADES, tiny_config


def test_everything_is_there(finished):
    config, workdir = finished
    rows = results.collect(workdir)
    assert [row['regime'] for row in rows] == ['real', 'synth3', 'finetune3']
    for row in rows:  # every metric of every organ and the average, with intervals over 3 images
        assert set(row['scores']) == {name for name, of in metrics.METRICS.items() if of.measure != metrics.THIN}
        assert all(set(of) == {*row['organs'], 'average'} for of in row['scores'].values())
    row = rows[-1]
    assert (row['experiment'], row['arm'], row['draw'], row['seed']) == ('test', 'demo', 0, 0)
    assert row['num_real'] == 4 and row['num_synthetic'] == 9 and len(row['images']['names']) == 3
    assert row['protocol']['updates'] == 7 and row['protocol']['size'] == 64
    assert row['protocol']['spacing_mm'] == [5.6, 5.6]  # 358.4 mm at 64 px
    html = (workdir / 'report.html').read_text()
    assert 'src="http' not in html and '<script' not in html
    assert 'class="missing"' not in html
    assert (workdir / 'report.md').is_file()
    for regime in config.regimes:
        assert (workdir / 'evaluations' / f'{regime}-smanet-0-test.png').is_file()
    assert list((workdir / 'stages' / 'dots' / 'samples').glob('step-*.png'))
    assert list((workdir / 'stages' / 'dots' / 'tensorboard').iterdir())


def test_repeating_changes_nothing(finished):
    config, workdir = finished
    watched = [workdir / 'results.jsonl', workdir / 'evaluations' / 'real-smanet-0-test.json',
               *(workdir / 'segmenters').glob('*/checkpoints/*.index')]
    before = [path.read_bytes() for path in watched]
    said = []
    run_experiment(config, workdir, say=said.append)
    assert [path.read_bytes() for path in watched] == before
    assert said[-1].startswith('  3 of 3  demo             finetune3-smanet-0       test     pooled J ')


def test_scores_of_another_run_are_refused(finished, tmp_path):
    config, done = finished
    shutil.copytree(done, tmp_path / 'run')
    arm, folder = matrix.arms_of(config)[0], tmp_path / 'run' / 'evaluations'
    shutil.copy(folder / 'synth3-smanet-0-test.json', folder / 'real-smanet-0-test.json')
    with pytest.raises(InputError, match='expected the scores of real-smanet-0 on test, found'):
        steps.evaluate(arm, Run(parse_regime('real')), 'test', tmp_path / 'run')


def test_the_plan_names_stages_parameters_and_steps():
    config = tiny_config(pggan=FADES)
    text = dry_run.describe([matrix.arm_of(config, [Run(parse_regime('finetune3'))])])
    assert 'three/dots: pggan' in text and 'to 32 px, stable; 34 steps' in text
    assert 'three/image: pix2pixhd' in text and 'parameters; global; 8 steps' in text
    assert 'segmenter  finetune3-smanet-0' in text and '3 updates' in text


def test_a_matrix_shares_stages_trains_other_networks_and_scores_what_was_left_out(finished,
                                                                                   tmp_path):
    """Begun where the tiny experiment stands: its stages and segmenters are not trained again."""
    _, done = finished
    config = tiny_config(segmenters={'unet': {'crop': 48}}, matrix=[
        {'regimes': ['real', 'synth3']},
        {'regimes': ['real'], 'segmenters': ['unet'], 'seeds': [3], 'score': ['left_out', 'test']},
        {'arm': 'few', 'config': {'generation': {'num_train': 5}}, 'regimes': ['synth3'],
         'num_synthetic': [2], 'score': ['left_out']}])
    workdir = provenance.open_workdir(config, tmp_path / 'run')
    shutil.copytree(done, workdir / 'demo')
    (workdir / 'demo' / 'results.jsonl').unlink()
    said = []
    report = run_experiment(config, workdir, say=said.append)
    assert sum(line.split()[:3] == ['1', 'of', '5'] for line in said) == 1
    assert (workdir / 'few' / 'stages' / 'dots').resolve() == workdir / 'demo' / 'stages' / 'dots'
    rows = results.collect(workdir)
    found = {(row['arm'], row['regime'], row['segmenter'], row['seed'], row['split'],
              row['num_synthetic']) for row in rows}
    assert found == {('demo', 'real', 'smanet', 0, 'test', 0),
                     ('demo', 'synth3', 'smanet', 0, 'test', 9),
                     ('demo', 'real', 'unet', 3, 'test', 0), ('demo', 'real', 'unet', 3, 'left_out', 0),
                     ('few', 'synth3', 'smanet', 0, 'left_out', 5)}
    names = {row['split']: set(row['images']['names']) for row in rows}
    assert not names['test'] & names['left_out'] and len(names['left_out']) == 3
    drawn = set(records.read_info(workdir / 'demo' / 'records' / 'train').ids)
    assert not drawn & names['left_out']
    assert 'few, three-stage' in report.read_text() and 'images that draw' not in report.read_text()
    arms = matrix.arms_of(config)
    assert status.is_done(workdir, arms)
    (workdir / 'few' / 'results.jsonl').unlink()
    assert not status.is_done(workdir, arms) and status.is_done(workdir, arms[:1])


def draw_fundus(folder, ids, rng):
    """A bright disc and a dark macula: two organs, no left and right."""
    (folder / 'images').mkdir(parents=True, exist_ok=True)
    for organ in ('disc', 'macula'):
        (folder / 'masks' / organ).mkdir(parents=True, exist_ok=True)
    for id in ids:
        disc, macula = (np.zeros((70, 60), np.uint8) for _ in range(2))
        x, y = (int(v) for v in rng.integers(14, 18, 2))
        cv2.circle(disc, (x, y), 10, 255, -1)
        cv2.circle(macula, (x + 28, y + 35), 8, 255, -1)
        image = 80 + disc // 4 - macula // 4 + rng.integers(0, 20, disc.shape)
        cv2.imwrite(str(folder / 'images' / f'{id}.png'), image.astype(np.uint8))
        cv2.imwrite(str(folder / 'masks' / 'disc' / f'{id}.png'), disc)
        cv2.imwrite(str(folder / 'masks' / 'macula' / f'{id}.png'), macula)


def test_two_organs_that_are_no_chest_go_through_the_whole_line(tmp_path):
    source, rng = tmp_path / 'fundus', np.random.default_rng(0)
    train, test = [f'a{i}' for i in range(4)], ['t0', 't1']
    draw_fundus(source, train + test, rng)
    (source / 'train.txt').write_text('\n'.join(train))
    (source / 'test.txt').write_text('\n'.join(test))
    (source / 'coding.yaml').write_text(yaml.safe_dump({'organs': ['disc', 'macula']}))
    config = tiny_config(data={'dataset': 'folder', 'source': str(source), 'num_train': None,
                               'num_test': None, 'size': 16}, labels={'channels': 'grey'}, regimes=['synth2'])
    workdir = tmp_path / 'run'
    report = run_experiment(config, workdir, say=lambda text: None)
    rows = results.collect(workdir)
    assert all(row['organs'] == ['disc', 'macula'] for row in rows)
    assert rows[0]['images']['distances'] is None  # nobody said how large a pixel is
    assert set(rows[0]['scores']) == set(list(metrics.METRICS)[:4])
    assert {row['regime'] for row in rows} == {'synth2'}
    info = records.read_info(workdir / 'synthetic' / 'two')
    drawn = records.load_arrays(info)
    assert info.count == 9 and not info.dots_size
    assert drawn['image'].shape == (9, 16, 16, 1) and drawn['labels'].max() < 3
    description = json.loads((workdir / 'exports/synth2-smanet-0/1/assets/model.json').read_text())
    assert description['classes'] == ['background', 'disc', 'macula']
    assert report.is_file()
