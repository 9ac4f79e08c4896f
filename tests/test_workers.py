"""Two processes train together; one is killed, all end, and the same command finishes."""
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow as tf
import yaml

from datasets.files import read_json
from pipelines.runtime import devices
from tests import faults
from tests.conftest import TINY

TOOL = Path(__file__).resolve().parents[1] / 'tools' / 'launch_workers.py'


@pytest.fixture
def command(tmp_path):
    config = tmp_path / 'tiny.yaml'
    segmenter = {**TINY['segmenter'], 'synth_steps': 12, 'finetune_steps': 4}
    # of all networks with batch statistics the one with the fewest variables, each of which the workers agree on
    config.write_text(yaml.safe_dump({**TINY, 'segmenter': segmenter,
                                      'segmenters': {'invertednet_kth': {'crop': 40}}}))
    return [sys.executable, str(TOOL), '--workers', '2', 'train_segmenter.py', '--config', str(config),
            '--workdir', str(tmp_path / 'run'), '--regime', 'real', '--segmenter', 'invertednet_kth',
            '--set', 'strategy=multi_worker']


def test_one_is_killed_all_end_and_the_same_command_finishes(command, tmp_path):
    folder = tmp_path / 'run' / 'segmenters' / 'real-invertednet_kth-0'
    with open(tmp_path / 'error', 'w') as error, subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=error, text=True) as launcher:
        pids = [int(re.fullmatch(r'worker \d: process (\d+)\n', launcher.stdout.readline())[1])
                for _ in range(2)]
        faults.wait_for(launcher, lambda: list(folder.glob('checkpoints/*.json')))
        os.kill(pids[1], signal.SIGKILL)
        killed = time.monotonic()
        launcher.wait(timeout=120)
    assert time.monotonic() - killed < 120
    said = (tmp_path / 'error').read_text()
    assert launcher.returncode == 128 + 9, said
    assert f'error: worker 1 (process {pids[1]}) ended with -9; the others are ended too' in said
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not (folder / 'finished.json').exists()

    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert read_json(folder / 'finished.json')['steps'] == 16
    steps = [int(row.split(',')[0].split(': ')[1])
             for row in (folder / 'losses.jsonl').read_text().splitlines()]
    assert steps == list(range(1, 17))


def test_without_the_strategy_it_is_refused(command):
    refused = subprocess.run(command[:-2], capture_output=True, text=True)
    assert refused.returncode == 2
    assert refused.stderr.startswith('error: expected --set strategy=multi_worker behind the tool')
    assert refused.stderr.count('\n') == 1


def test_the_tasks_of_a_slurm_job_step_find_each_other(monkeypatch):
    """What srun tells each task; the second of two hosts with two tasks each."""
    told = {'SLURM_PROCID': '2', 'SLURM_STEP_NUM_TASKS': '4', 'SLURM_STEP_NODELIST': 'n[01-02]',
            'SLURM_STEP_TASKS_PER_NODE': '2(x2)', 'TF_CONFIG': ''}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv('TF_CONFIG')   # set first, so that what is asked leaves nothing behind
    asked = []
    monkeypatch.setattr(tf.distribute, 'MultiWorkerMirroredStrategy', lambda: asked.append(os.environ['TF_CONFIG']))
    devices.distribution.__wrapped__('multi_worker')   # not the one that a process keeps
    assert json.loads(*asked) == {
        'cluster': {'worker': ['n01:8888', 'n01:8889', 'n02:8888', 'n02:8889']},
        'task': {'type': 'worker', 'index': 2}}
