"""run_experiment.py and its steps one by one: plans, orders that cannot be, refusals before the work."""
import pytest
import yaml

from tests.command import call, refused, started
from tests.conftest import TINY


@pytest.fixture()
def config(tmp_path):
    path = tmp_path / 'tiny.yaml'
    path.write_text(yaml.safe_dump(TINY))
    return path


def test_config_errors_come_before_tensorflow(tmp_path, config):
    for arguments, message in [
            (['--config', tmp_path / 'no.yaml'], 'no.yaml: expected a readable YAML file'),
            (['--config', config, '--set', 'pggan.fmaps=3'], 'unknown key pggan.fmaps'),
            (['--config', config, '--regimes', 'synth5'], "regime 'synth5': expected one of")]:
        line = refused(started('run_experiment', *arguments, '--workdir', tmp_path / 'w'))
        assert message in line
    for arguments, message in [   # a regime that the config does not list
            (['--set', 'regimes=[real]', '--set', 'segmenter.epochs=2', '--regime', 'synth3'],
             'tiny.yaml: segmenter.epochs: expected null with synth3, for REAL gets as many updates'),
            (['--regime', 'restart', '--num-synthetic', 3],
             '--num-synthetic 3: expected with synth1..3, finetune1..3 or mixed1..3, found --regime restart'),
            (['--regime', 'synth3', '--segmenter', 'pix2pix_mtdg_both', '--set',
              'segmenters={pix2pix_mtdg_both: {size: 256, crop: 256}}'],
             "segmenter pix2pix_mtdg_both: regime: expected one of real pairs alone (real, restart), for samples")]:
        assert message in refused(started('train_segmenter', '--config', config, *arguments, '--workdir', tmp_path / 'w'))
    assert not (tmp_path / 'w').exists()


def test_steps_out_of_order_say_what_to_do(tmp_path, config):
    common = ['--config', config, '--workdir', tmp_path / 'w']
    assert "stage 'heart' of method 'two': expected one of labels, image" in refused(
        call('train_stage', *common, '--method', 'two', '--stage', 'heart'))
    line = refused(call('train_segmenter', *common, '--regime', 'synth3'))
    assert 'synth3-smanet-0: starts from synthetic/three, which is not made yet: first tools/generate_samples.py --method three' in line
    line = refused(call('train_segmenter', *common, '--regime', 'finetune3', '--num-synthetic', 3))
    assert 'first tools/train_segmenter.py --regime synth3 --segmenter smanet --seed 0 --num-synthetic 3, with' in line
    assert not list((tmp_path / 'w').glob('records*'))
    line = refused(call('generate_samples', *common, '--method', 'three'))
    assert 'dots is not trained yet' in line
    common[-1] = tmp_path / 'empty'
    line = refused(call('generate_samples', *common, '--method', 'three'))
    assert 'stage dots is not trained yet: train it first, with tools/train_stage.py --method three' in line
    line = refused(call('export_model', *common, '--regime', 'real', '--output', tmp_path / 'o'))
    assert 'real-smanet-0 is not trained yet: train it first, with tools/train_segmenter.py --regime real' in line


def test_dry_run_prints_the_plan_and_makes_nothing(tmp_path, config):
    result = started('run_experiment', '--config', config, '--workdir', tmp_path / 'w', '--dry-run')
    assert result.returncode == 0 and result.stderr == ''
    assert 'three/dots: pggan' in result.stdout
    assert not (tmp_path / 'w').exists()


def test_evaluate_export_and_predict_refuse_what_is_no_model(tmp_path, config):
    model = ['--model', tmp_path / 'nothing']
    line = refused(call('evaluate_segmenter', *model, '--records', tmp_path, '--output',
                        tmp_path / 'x.json'))
    assert 'expected a SavedModel folder' in line
    line = refused(call('predict', *model, '--input', tmp_path, '--output', tmp_path / 'o'))
    assert 'expected a SavedModel folder' in line
    line = refused(call('evaluate_segmenter', *model, '--records', tmp_path, '--output',
                        tmp_path / 'no' / 'x.json'))
    assert 'expected a file in an existing folder' in line
    result = call('export_model', '--config', config, '--workdir', tmp_path / 'w', '--output', 'x')
    assert result.returncode == 2 and 'expected either --regime' in result.stderr


def test_an_option_that_nothing_reads_is_refused(tmp_path, config):
    export = ['export_model', '--config', config, '--workdir', tmp_path / 'w', '--output', 'x']
    for options, message in (
            ([*export, '--regime', 'real', '--stage', 'image'], 'expected either --regime, or --method and --stage'),
            ([*export, '--regime', 'real', '--method', 'three'], 'expected either --regime, or --method and --stage'),
            ([*export, '--method', 'three', '--stage', 'image', '--seed', 1], '--seed: expected with --regime alone'),
            (['evaluate_segmenter', '--model', 'm', '--records', 'r', '--output', 'o', '--num-synthetic', 3],
             '--num-synthetic: expected with --workdir alone; leave it out')):
        result = call(*options)
        assert result.returncode == 2 and message in result.stderr
    assert not (tmp_path / 'w').exists()


def test_an_output_that_cannot_be_is_refused_before_the_work(tmp_path):
    result = call('evaluate_segmenter', '--model', 'm', '--records', 'r', '--output', tmp_path)
    assert 'expected a file, found a folder' in refused(result)
    for tool, options in (('predict', ['--model', 'm', '--input', 'i', '--output', '']),
                          ('run_experiment', ['--config', 'c', '--workdir', ''])):
        result = call(tool, *options)
        assert result.returncode == 2 and 'expected a path, found an empty text' in result.stderr
