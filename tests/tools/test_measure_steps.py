"""What tells costs: measure_steps.py, measure_growth.py, estimate_cost.py."""
import json

import pytest
import yaml

from tests.command import call, refused, started
from tests.conftest import FADES, TINY


@pytest.fixture()
def config(tmp_path):
    path = tmp_path / 'tiny.yaml'
    path.write_text(yaml.safe_dump(TINY))
    return path


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
    assert saving.split() == ['saving,', 'at', 'most', f'{float(training.split()[-1]) * .02:.3g}']
    assert training.split()[:2] == ['real-smanet-0', '7'] and total.endswith('hours at 2.0 TFLOP/s')
    assert '--rate: expected TFLOP/s above 0' in refused(call('estimate_cost', *real, '--rate', -1))
    assert 'regimes tuned: expected regimes of one hospital' in refused(
        call('estimate_cost', *real, '--set', 'regimes=[real, tuned]', '--set',
             'sources={target: {dataset: montgomery, source: /nowhere}}'))
    assert '--images: expected the number of real images' in refused(
        call('estimate_cost', *real, '--set', 'data.num_train=null'))


def test_costs_of_an_arm_are_told_by_method(config):
    """The two-stage method is its two stages; of drawn data the coding is known and the number of images."""
    arms = ['--config', config, '--set', 'matrix=[{arm: a}, {arm: b, regimes: [synth2]}]', '--set', 'data.num_train=3',
            '--set', 'data.size=32', '--set', 'data.dataset=phantom_retina', '--set', 'data.channels=3', '--set', 'labels.channels=distance']
    assert '--arm: expected one folder of the matrix, whose arms differ in cost, of a, b, found none' in refused(
        call('estimate_cost', *arms))
    assert refused(call('estimate_cost', *arms, '--arm', 'c')).endswith('found c')
    lines = call('estimate_cost', *arms, '--arm', 'b', '--rate', 1e-3).stdout.splitlines()
    hours = {name: [float(line.split()[-1]) for line in lines if line.startswith(name)] for name in (
        'labels ', 'image_from_labels ', 'stages of method two')}
    assert sum(hours['labels '] + hours['image_from_labels ']) == pytest.approx(hours['stages of method two'][0], rel=.01)


def test_measure_steps_measures_in_its_own_process_what_it_does_not_hold(tmp_path, config):
    measured = ['measure_steps', '--config', config, '--workdir', tmp_path / 'w', '--output', tmp_path / 'rows.json',
                '--set', f'pggan.fade_images={FADES["fade_images"]}']  # so many phases that the last stands for all
    result = started(*measured, '--one', 'sample', 'dots', '')
    assert result.returncode == 0, result.stderr
    part = {**json.loads(result.stdout.splitlines()[-1]), 'predicted': 2 ** 29, 'parameters': 10_761}
    assert part['peak'] > 2 ** 28 and min(part['first'], part['seconds'], part['operations'], part['product']) > 0
    (tmp_path / 'rows.json').write_text(json.dumps({'rows': [{
        'training': 'dots', 'phase': '', 'side': 32, 'batch': 4, 'sample_side': 32,
        'step': part, 'sample': part}]}))
    held = (tmp_path / 'rows.json').read_bytes()
    result = call(*measured, '--trainings', 'dots')  # that training is in the file: its table is all that comes
    assert result.returncode == 0 and '| dots | 32, 4 | 10,761 |' in result.stdout, result.stderr
    assert (tmp_path / 'rows.json').read_bytes() == held
    assert 'expected of dots, ' in refused(call(*measured, '--trainings', 'bones'))
