"""TensorFlow imported without the lines that it writes whatever TF_CPP_MIN_LOG_LEVEL asks for.

From 2.16 on it logs before its log is set up: that it computes with oneDNN, that there is no GPU. Only
such lines are kept back, while it is imported; a warning, an error or a crash is told.
"""
from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import types
from typing import Iterator

CHATTER = '^WARNING: All log messages before absl::InitializeLog|^I0000 '


def quiet_tensorflow() -> None:
    """The first `import tensorflow` that follows, wherever it stands, is quiet."""
    def find_spec(name, path=None, target=None):
        if name != 'tensorflow':
            return None
        sys.meta_path.remove(finder)
        spec = importlib.util.find_spec(name)
        if spec is not None:
            load = spec.loader.exec_module

            def load_quietly(module):
                with without_chatter():
                    load(module)

            spec.loader.exec_module = load_quietly
        return spec

    finder = types.SimpleNamespace(find_spec=find_spec)
    sys.meta_path.insert(0, finder)


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """What is written to stderr inside goes through grep, which outlives a crash and passes on its last words."""
    try:
        grep = subprocess.Popen(['grep', '-v', '-E', CHATTER], stdin=subprocess.PIPE, stdout=2)
    except OSError:  # no grep here: chatter does less harm than a lost error
        yield
        return
    sys.stderr.flush()
    own = os.dup(2)
    os.dup2(grep.stdin.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(own, 2)
        os.close(own)
        grep.communicate()
