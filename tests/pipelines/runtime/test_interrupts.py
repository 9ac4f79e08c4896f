"""Ctrl-C and SIGTERM: the state is saved at the end of a step, and the command says how to go on."""
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipelines.runtime import interrupts
from tests import faults
from tests.conftest import TINY

TOOL = Path(__file__).resolve().parents[3] / 'tools' / 'train_stage.py'


@pytest.mark.parametrize('number', interrupts.SIGNALS)
def test_the_first_signal_is_remembered_and_the_second_stops(number, capfd):
    before = signal.getsignal(number)
    with interrupts.heard() as signalled:
        assert signalled() == 0
        os.kill(os.getpid(), number)
        assert signalled() == number
        assert capfd.readouterr().err.startswith('\nstopping: saved at the end of this step;')
        with pytest.raises(interrupts.Stopped) as stopped:
            os.kill(os.getpid(), number)
        assert stopped.value.exit_code == 128 + number
    assert signal.getsignal(number) == before


def test_a_tool_saves_says_how_to_go_on_and_goes_on(tmp_path):
    number = signal.SIGTERM
    config = tmp_path / 'tiny.yaml'
    config.write_text(yaml.safe_dump({**TINY, 'run': {**TINY['run'], 'checkpoint_seconds': 1000.0}}))
    command = [sys.executable, str(TOOL), '--config', str(config), '--workdir', str(tmp_path / 'run'),
               '--method', 'three', '--stage', 'dots']
    losses = tmp_path / 'run' / 'stages' / 'dots' / 'losses.jsonl'
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        faults.wait_for(process, lambda: losses.exists() and losses.stat().st_size)
        process.send_signal(number)
        error = process.communicate()[1]
    assert process.returncode == 128 + number, error
    last = error.strip().splitlines()[-2:]
    assert last[0].startswith('stopped: dots saved at step ') and last[0].endswith('to go on, repeat')
    assert last[1].split()[1:] == command[1:]
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert (losses.parent / 'finished.json').exists()
