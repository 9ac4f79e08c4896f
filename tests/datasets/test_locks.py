"""Locks: one holder, named; a killed one blocks nobody."""
import os
import signal
import socket
import subprocess
import sys

import pytest

from datasets import locks
from datasets.errors import InputError

HOLDS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from datasets import locks
with locks.held(sys.argv[2], 'it'):
    print('held', flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the lock."""
    root = os.path.dirname(os.path.dirname(locks.__file__))
    process = subprocess.Popen([sys.executable, '-c', HOLDS, root, str(tmp_path / 'lock')],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'held\n'
    yield process
    process.kill()
    process.communicate()


def test_the_second_is_refused_and_told_of_the_first(tmp_path, other):
    with pytest.raises(InputError, match=f'stage dots: process {other.pid} on host '
                                         f'{socket.gethostname()} is writing it now'):
        with locks.held(tmp_path / 'lock', 'stage dots'):
            pass
    with locks.held(tmp_path / 'another', 'stage labels'):
        pass
    other.communicate('')
    assert not (tmp_path / 'lock').exists()


def test_patience_outlasts_a_holder_that_ends(tmp_path, other, monkeypatch):
    waits = []

    def end_the_other(seconds):
        waits.append(seconds)
        other.communicate('')
    monkeypatch.setattr(locks.time, 'sleep', end_the_other)
    with locks.held(tmp_path / 'lock', 'it', patience=60.0):
        assert len(waits) == 1


def test_a_killed_holder_blocks_nobody(tmp_path, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert (tmp_path / 'lock').exists()
    with locks.held(tmp_path / 'lock', 'it'):
        with pytest.raises(InputError, match=f'process {os.getpid()} on host'):
            with locks.held(tmp_path / 'lock', 'it'):
                pass
    assert not (tmp_path / 'lock').exists()


def test_a_lock_file_that_its_holder_removed_is_none(tmp_path, monkeypatch):
    """The file was opened before its holder removed it: the lock is taken on a new one."""
    path, opened = tmp_path / 'lock', []
    original = os.open

    def open_and_lose(*arguments):
        opened.append(original(*arguments))
        if len(opened) == 1:
            path.unlink()
        return opened[-1]
    monkeypatch.setattr(os, 'open', open_and_lose)
    with locks.held(path, 'it'):
        assert path.exists() and len(opened) == 2
