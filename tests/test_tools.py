"""The command lines: help without TensorFlow, and bad input as one line and exit code 2."""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import TINY
from tests.odd_folder import make_folder

TOOLS = Path(__file__).resolve().parents[1] / 'tools'
NAMES = sorted(path.stem for path in TOOLS.glob('*.py')
               if path.stem not in ('__init__', 'common'))

HELP = '''
import runpy, sys
sys.argv = [sys.argv[1], '--help']
try:
    runpy.run_path(sys.argv[0], run_name='__main__')
except SystemExit as end:
    assert not end.code
assert 'tensorflow' not in sys.modules and 'scipy' not in sys.modules
'''


def call(name, *arguments, cwd=None):
    return subprocess.run([sys.executable, str(TOOLS / f'{name}.py'), *map(str, arguments)],
                          capture_output=True, text=True, cwd=cwd)


def refused(result):
    """The one line of an exit with code 2."""
    assert result.returncode == 2, result.stderr
    assert 'Traceback' not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith('error: ')]
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.fixture()
def config(tmp_path):
    path = tmp_path / 'tiny.yaml'
    path.write_text(yaml.safe_dump(TINY))
    return path


@pytest.mark.parametrize('name', NAMES)
def test_help_teaches_by_example_without_tensorflow(name):
    result = subprocess.run([sys.executable, '-c', HELP, str(TOOLS / f'{name}.py')],
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert 'examples:' in result.stdout and f'python tools/{name}.py' in result.stdout


def test_there_is_a_tool_for_every_step():
    assert NAMES == ['benchmark', 'compare_observers', 'compare_published', 'estimate_cost', 'evaluate_segmenter',
                     'export_model', 'generate_samples', 'import_weights', 'launch_workers',
                     'make_reading', 'measure_growth', 'measure_steps', 'merge_records', 'predict',
                     'prepare_records', 'run_experiment', 'tabulate_reading', 'train_segmenter',
                     'train_stage', 'write_report']


def test_without_the_environment_one_line_says_how_to_get_it(config):
    result = subprocess.run(  # -S: without site-packages
        [sys.executable, '-S', str(TOOLS / 'run_experiment.py'), '--config', config, '--workdir',
         'w'], capture_output=True, text=True)
    assert re.fullmatch(r'error: (cv2|numpy|yaml) is not installed for this Python; run `bash '
                        r'tools/setup_environment\.sh` and activate what it names', refused(result))


def test_a_system_without_fcntl_is_told_which_ones_do():
    code = ("import sys; sys.path.insert(0, '.'); sys.modules['fcntl'] = None\nfrom tools import common\n"
            "common.run(lambda: __import__('datasets.locks'))")
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=TOOLS.parent)
    assert refused(result) == ('error: expected Linux or macOS, whose files can be locked, found another system; '
                               'on Windows use WSL2, which is a Linux')


def test_tensorflow_is_imported_without_chatter_but_its_errors_are_told():
    code = ("import os, sys; sys.path.insert(0, '.')\nfrom tools import common\nimport tensorflow as tf\n"
            "assert tf.constant(2.0).numpy() == 2\nos.write(2, b'after\\n')")
    result = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True,
                            cwd=TOOLS.parent, env={'PATH': os.environ['PATH'], 'HOME': os.environ['HOME']})
    assert result.returncode == 0 and result.stderr == 'after\n'


@pytest.mark.parametrize('end, wanted', [
    ('raise ImportError("no AVX")', 'ImportError: no AVX'), ('os.abort()', 'E0000 fatal')])
def test_what_goes_wrong_while_tensorflow_is_imported_is_told(tmp_path, end, wanted):
    (tmp_path / 'tensorflow.py').write_text(
        f"import os\nos.write(2, b'I0000 chatter\\nWARNING: All log messages before absl::InitializeLog() is\\n"
        f"E0000 fatal\\n')\n{end}\n")
    code = ("import sys; sys.path.insert(0, sys.argv[1])\nfrom pipelines.runtime import quiet\n"
            "quiet.quiet_tensorflow()\nimport tensorflow")
    result = subprocess.run([sys.executable, '-c', code, str(tmp_path)], capture_output=True, text=True,
                            cwd=TOOLS.parent)
    assert result.returncode and wanted in result.stderr and 'E0000 fatal' in result.stderr
    assert 'chatter' not in result.stderr and 'All log messages' not in result.stderr


@pytest.mark.parametrize('arguments, message', [
    (['--job', 'training'], 'training: expected --of with one name, --value, --workdir too'),
    (['--of', 'size', '--job', 'training', '--value', 64], 'training: expected --workdir too'),
    (['--job', 'sleeping'], "invalid choice: 'sleeping' (choose from 'preparation', ")])
def test_measure_growth_says_what_a_job_lacks(arguments, message):
    result = call('measure_growth', *arguments)
    assert result.returncode == 2 and message in result.stderr
    assert 'Traceback' not in result.stderr


def test_measure_growth_knows_every_job():
    from pipelines.cost import scaling
    from tools import measure_growth
    assert measure_growth.JOBS == tuple(scaling.JOBS)
    assert measure_growth.OF == tuple(scaling.GROWTHS)


def test_costs_are_estimated_without_data(config):
    real = ['--config', config, '--set', 'regimes=[real]', '--set', 'data.dataset=jsrt', '--set',
            'data.source=/nowhere']
    result = call('estimate_cost', *real, '--rate', 2)
    assert result.returncode == 0, result.stderr
    training, saving, total = result.stdout.splitlines()[-3:]
    assert saving.split() == ['saving,', 'at', 'most', '0.00']
    assert training.split()[:2] == ['real-smanet-0', '7'] and total.endswith('hours at 2.0 TFLOP/s')
    assert '--rate: expected TFLOP/s above 0' in refused(call('estimate_cost', *real, '--rate', -1))
    assert 'expected no matrix, whose arms differ in cost' in refused(
        call('estimate_cost', *real, '--set', 'matrix=[{}]'))
    assert '--images: expected the number of real images' in refused(
        call('estimate_cost', *real, '--set', 'data.num_train=null'))


def test_prepare_records_and_its_refusals(tmp_path):
    output = tmp_path / 'records'
    phantom = ['--dataset', 'phantom', '--count', 2, '--size', 32]
    result = call('prepare_records', *phantom, '--split', 'train', '--augment', 6, '--output', output)
    assert result.returncode == 0, result.stderr
    assert '12 records of 2 images in 1 shards' in result.stdout
    again = call('prepare_records', *phantom, '--split', 'test', '--output', output)
    assert 'holds records made with another' in refused(again)
    nowhere = call('prepare_records', '--dataset', 'jsrt', '--source', tmp_path / 'none', '--split',
                   'train', '--size', 32, '--output', tmp_path / 'new')
    assert str(tmp_path / 'none') in refused(nowhere)
    assert not (tmp_path / 'new').exists()
    many = call('prepare_records', *phantom, '--split', 'train', '--augment', 7, '--output',
                tmp_path / 'new')
    assert 'augment' in refused(many)


def test_records_of_a_picture_that_stands_in_both_parts(tmp_path):
    source = make_folder(tmp_path / 'mine', 2, 1)
    asked = ['--dataset', 'folder', '--source', source, '--size', 32, '--output', tmp_path / 'records']
    for folder in ('images', 'masks/kidney', 'masks/cyst'):  # k02, a deep picture, under the name k00
        shutil.copy(source / folder / 'k02.png', source / folder / 'k00.png')
    for part in ('train', 'test'):
        line = refused(call('prepare_records', *asked, '--split', part))
        assert 'k00' in line and 'k02' in line and 'are the same picture (1 in all)' in line
    assert not (tmp_path / 'records').exists()
    (source / 'test.txt').unlink()
    alone = call('prepare_records', *asked, '--split', 'train')
    assert alone.returncode == 0 and 'the pictures of test are not looked at for copies of these' in alone.stdout


def test_workers_share_the_work(tmp_path, monkeypatch):
    phantom = ['--dataset', 'phantom', '--count', 33, '--size', 32, '--split', 'train', '--output',
               tmp_path / 'r']
    first = call('prepare_records', *phantom, '--num-shards', 2, '--shard-index', 1)
    assert first.stdout.endswith('\nworker 1 of 2 is done; shards of others are still missing\n')
    assert '1 of 2 shards are missing' in refused(call('merge_records', '--records', tmp_path / 'r'))
    assert '--shard-index: expected 0 to 1' in refused(call('prepare_records', *phantom,
                                                            '--num-shards', 2))
    assert 'for --num-shards 2, found 2' in refused(call('prepare_records', *phantom,
                                                         '--num-shards', 2, '--shard-index', 2))
    monkeypatch.setenv('SLURM_ARRAY_TASK_ID', '1')  # of an array that begins at 1
    monkeypatch.setenv('SLURM_ARRAY_TASK_MIN', '1')
    monkeypatch.setenv('SLURM_ARRAY_TASK_MAX', '1')
    monkeypatch.setenv('SLURM_ARRAY_TASK_COUNT', '1')  # a task that was begun anew: which part is its own?
    line = refused(call('prepare_records', *phantom, '--num-shards', 2))
    assert 'expected a Slurm job array of 2 tasks without gaps, found 1 of 1 to 1; say --shard-index' in line
    monkeypatch.setenv('SLURM_ARRAY_TASK_MAX', '2')
    monkeypatch.setenv('SLURM_ARRAY_TASK_COUNT', '2')
    second = call('prepare_records', *phantom, '--num-shards', 2)
    assert '33 records of 33 images in 2 shards' in second.stdout, second.stderr
    merged = call('merge_records', '--records', tmp_path / 'r')
    assert '33 records of 33 sources in 2 shards' in merged.stdout, merged.stderr


def test_config_errors_come_before_tensorflow(tmp_path, config):
    for arguments, message in [
            (['--config', tmp_path / 'no.yaml'], 'no.yaml: expected a readable YAML file'),
            (['--config', config, '--set', 'pggan.fmaps=3'], 'unknown key pggan.fmaps'),
            (['--config', config, '--regimes', 'synth5'], "regime 'synth5': expected one of")]:
        line = refused(call('run_experiment', *arguments, '--workdir', tmp_path / 'w'))
        assert message in line
    for arguments, message in [   # a regime that the config does not list
            (['--set', 'regimes=[real]', '--set', 'segmenter.epochs=2', '--regime', 'synth3'],
             'tiny.yaml: segmenter.epochs: expected null with synth3, for REAL gets as many updates'),
            (['--regime', 'restart', '--num-synthetic', 3],
             '--num-synthetic 3: expected with synth1..3 or finetune1..3, found --regime restart'),
            (['--regime', 'synth3', '--segmenter', 'pix2pix_mtdg_both', '--set',
              'segmenters={pix2pix_mtdg_both: {size: 256, crop: 256}}'],
             "segmenter pix2pix_mtdg_both: regime: expected one of real pairs alone (real, restart), for samples")]:
        assert message in refused(call('train_segmenter', '--config', config, *arguments, '--workdir', tmp_path / 'w'))
    assert not (tmp_path / 'w').exists()


def test_steps_out_of_order_say_what_to_do(tmp_path, config):
    common = ['--config', config, '--workdir', tmp_path / 'w']
    assert "stage 'heart' of method 'two': expected one of labels, image" in refused(
        call('train_stage', *common, '--method', 'two', '--stage', 'heart'))
    line = refused(call('train_segmenter', *common, '--regime', 'synth3'))
    assert 'tools/generate_samples.py' in line
    line = refused(call('generate_samples', *common, '--method', 'three'))
    assert 'dots is not trained yet' in line
    common[-1] = tmp_path / 'empty'
    line = refused(call('generate_samples', *common, '--method', 'three'))
    assert 'stage dots is not trained yet: train it first, with tools/train_stage.py --method three' in line
    line = refused(call('export_model', *common, '--regime', 'real', '--output', tmp_path / 'o'))
    assert 'real-smanet-0 is not trained yet: train it first, with tools/train_segmenter.py --regime real' in line


def test_dry_run_prints_the_plan_and_makes_nothing(tmp_path, config):
    result = call('run_experiment', '--config', config, '--workdir', tmp_path / 'w', '--dry-run')
    assert result.returncode == 0 and result.stderr == ''
    assert 'three/dots: pggan' in result.stdout
    assert not (tmp_path / 'w').exists()


def test_measure_steps_measures_in_its_own_process_what_it_does_not_hold(tmp_path, config):
    measured = ['measure_steps', '--config', config, '--workdir', tmp_path / 'w', '--output', tmp_path / 'rows.json']
    result = call(*measured, '--one', 'sample', 'dots', '')
    assert result.returncode == 0, result.stderr
    part = {**json.loads(result.stdout.splitlines()[-1]), 'predicted': 2 ** 29, 'parameters': 10_761}
    assert part['peak'] > 2 ** 28 and min(part['first'], part['seconds'], part['operations'], part['product']) > 0
    (tmp_path / 'rows.json').write_text(json.dumps({'rows': [{
        'training': 'dots', 'phase': '', 'side': 32, 'batch': 4, 'sample_side': 32,
        'step': part, 'sample': part}]}))
    result = call(*measured, '--trainings', 'dots')  # that training is in the file: its table is all that comes
    assert result.returncode == 0 and '| dots | 32, 4 | 10,761 |' in result.stdout, result.stderr
    assert 'expected of dots, ' in refused(call(*measured, '--trainings', 'bones'))


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


def test_an_output_that_cannot_be_is_refused_before_the_work(tmp_path):
    result = call('evaluate_segmenter', '--model', 'm', '--records', 'r', '--output', tmp_path)
    assert 'expected a file, found a folder' in refused(result)
    for tool, options in (('predict', ['--model', 'm', '--input', 'i', '--output', '']),
                          ('run_experiment', ['--config', 'c', '--workdir', ''])):
        result = call(tool, *options)
        assert result.returncode == 2 and 'expected a path, found an empty text' in result.stderr


def test_a_terminal_that_knows_no_umlaut_gets_an_escape(tmp_path):
    code = ("import sys; sys.path.insert(0, '.')\nfrom tools import common\n"
            "common.run(lambda: print('M\\u00fcller'))")
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=TOOLS.parent,
                            env={'PYTHONIOENCODING': 'ascii', 'PATH': '/usr/bin'})
    assert result.returncode == 0 and result.stdout == 'M\\xfcller\n', result.stderr
