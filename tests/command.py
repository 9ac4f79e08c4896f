"""A tool as it is called in a shell: in a process of its own, or in this one, where TensorFlow is imported already."""
import contextlib
import io
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[1] / 'tools'


def started(name, *arguments) -> subprocess.CompletedProcess:
    """In a process of its own: for what only a fresh one shows."""
    return subprocess.run([sys.executable, str(TOOLS / f'{name}.py'), *map(str, arguments)],
                          capture_output=True, text=True)


def call(name, *arguments) -> subprocess.CompletedProcess:
    """The same file, run as a command in this process: code, stdout and stderr as a shell gets them.

    What is raised through the tool's own handling of errors is raised here, where a shell would see a traceback.
    """
    command, code = [str(TOOLS / f'{name}.py'), *map(str, arguments)], 0
    out, error = (io.TextIOWrapper(io.BytesIO(), encoding='utf-8', write_through=True) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        patch.setattr(sys, 'argv', command)
        patch.setattr(sys, 'path', [*sys.path])
        try:
            runpy.run_path(command[0], run_name='__main__')
        except SystemExit as end:
            code = end.code or 0
    return subprocess.CompletedProcess(command, code, *(text.buffer.getvalue().decode() for text in (out, error)))


def refused(result) -> str:
    """The one line of an exit with code 2."""
    assert result.returncode == 2, result.stderr
    assert 'Traceback' not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith('error: ')]
    assert len(lines) == 1, result.stderr
    return lines[0]
