"""The whole job: complete, repeatable, on a chest and on two organs that are no chest."""
import json

import cv2
import numpy as np
import pytest
import yaml

from datasets import records
from datasets.errors import InputError
from pipelines import experiment, results
from pipelines.methods import METHODS
from tests.conftest import tiny_config


def names(regimes):
    return [regime.name for regime in regimes]


def test_finetuning_brings_its_synth_along():
    assert names(experiment.with_prerequisites(['finetune2', 'real'])) == ['real', 'synth2',
                                                                          'finetune2']
    with pytest.raises(InputError, match="regime 'synth9'"):
        experiment.with_prerequisites(['synth9'])


def test_everything_is_there(finished):
    config, workdir = finished
    rows = results.read_results(workdir / 'results.jsonl')
    assert len(rows) == 3 * 4 * 4  # regimes, metrics, organs with their average
    row = next(r for r in rows if r['regime'] == 'finetune3' and r['organ'] == 'heart'
               and r['metric'] == 'dice_per_image')
    assert (row['experiment'], row['method'], row['seed']) == ('test', 'three', 1)
    assert row['protocol']['smanet_updates'] == 7 and row['protocol']['num_test_images'] == 3
    assert row['protocol']['size'] == 64 and row['protocol']['num_real_images'] == 4
    html = (workdir / 'report.html').read_text()
    assert 'src="http' not in html and '<script' not in html
    assert 'class="missing"' not in html
    assert (workdir / 'report.md').is_file()
    for regime in config.regimes:
        assert (workdir / 'evaluations' / f'{regime}.png').is_file()
    assert list((workdir / 'stages' / 'dots' / 'samples').glob('step-*.png'))
    assert list((workdir / 'stages' / 'dots' / 'tensorboard').iterdir())


def test_repeating_changes_nothing(finished):
    config, workdir = finished
    watched = [workdir / 'results.jsonl', workdir / 'evaluations' / 'real.json',
               *(workdir / 'segmenters').glob('*/checkpoints/*.index')]
    before = [path.read_bytes() for path in watched]
    said = []
    experiment.run(config, workdir, experiment.with_prerequisites(config.regimes), said.append)
    assert [path.read_bytes() for path in watched] == before
    assert said[-1].startswith('segmenter')


def test_a_workdir_of_another_experiment_is_refused(finished, tmp_path):
    _, workdir = finished
    other = tiny_config(seed=2, segmenter={'batch_size': 4})
    with pytest.raises(InputError, match='made with another seed, segmenter.batch_size'):
        experiment.open_workdir(other, workdir)
    fresh = experiment.open_workdir(tiny_config(), tmp_path / 'run')
    experiment.open_workdir(other, fresh)  # nothing was made yet: a mistake may be mended
    (tmp_path / 'notes.txt').write_text('mine')
    with pytest.raises(InputError, match='expected a new or empty folder'):
        experiment.open_workdir(other, tmp_path)
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match='cannot write there'):
        experiment.open_workdir(other, tmp_path / 'file' / 'run')


def test_the_plan_names_stages_parameters_and_steps():
    config = tiny_config()
    text = experiment.plan(config, experiment.with_prerequisites(['finetune3']))
    assert 'three/dots: pggan' in text and '32 px, 34 steps' in text
    assert 'three/image: pix2pixhd' in text and '48 px, 2 epochs (global), 8 steps' in text
    assert 'segmenter  finetune3' in text and '3 updates' in text


def test_single_and_two_stage_methods_run(tmp_path):
    config = tiny_config(data={'size': 32}, labels={'channels': 'grey'},
                         segmenter={'size': 48}, regimes=['synth1', 'synth2'])
    workdir = experiment.open_workdir(config, tmp_path / 'run')
    experiment.prepare(config, workdir)
    for name in ('single', 'two'):
        for stage in METHODS[name].stages:
            experiment.train_stage(config, stage, workdir)
        experiment.generate(config, METHODS[name], workdir)
        info = records.read_info(workdir / 'synthetic' / name)
        rows = records.load_arrays(info)
        assert info.count == 9 and not info.dots_size
        assert rows['image'].shape == (9, 32, 32, 1) and rows['labels'].max() < 8


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
                               'num_test': None}, regimes=['finetune3'])
    workdir = tmp_path / 'run'
    report = experiment.run(config, workdir, experiment.with_prerequisites(config.regimes),
                            say=lambda text: None)
    rows = results.read_results(workdir / 'results.jsonl')
    assert {row['organ'] for row in rows} == {'disc', 'macula', 'average'}
    assert {row['regime'] for row in rows} == {'synth3', 'finetune3'}
    description = json.loads((workdir / 'exports/finetune3/1/assets/model.json').read_text())
    assert description['classes'] == ['background', 'disc', 'macula']
    assert report.is_file()
