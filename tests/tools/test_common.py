"""What all tools share: help without TensorFlow, a missing environment, chatter, letters of a terminal."""
import json
import os
import re
import subprocess
import sys

import pytest
import yaml

from tests.command import TOOLS, refused
from tests.conftest import TINY

NAMES = sorted(path.stem for path in TOOLS.glob('*.py')
               if path.stem not in ('__init__', 'common', 'finding', 'sharing'))

HELP = '''
import contextlib, io, json, runpy, sys
told = {}
for path in sys.argv[1:]:
    sys.argv, text, code = [path, '--help'], io.TextIOWrapper(io.BytesIO(), write_through=True), 0
    with contextlib.redirect_stdout(text):
        try:
            runpy.run_path(path, run_name='__main__')
        except SystemExit as end:
            code = end.code
    told[path] = code, text.buffer.getvalue().decode(), [name for name in ('tensorflow', 'scipy') if name in sys.modules]
print(json.dumps(told))
'''


@pytest.fixture()
def config(tmp_path):
    path = tmp_path / 'tiny.yaml'
    path.write_text(yaml.safe_dump(TINY))
    return path


@pytest.fixture(scope='module')
def helps():
    """Path of each tool -> (exit code, its help, which of the slow packages are imported by then)."""
    result = subprocess.run([sys.executable, '-c', HELP, *(str(TOOLS / f'{name}.py') for name in NAMES)],
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize('name', NAMES)
def test_help_teaches_by_example_without_tensorflow(helps, name):
    code, text, imported = helps[str(TOOLS / f'{name}.py')]
    assert not code and not imported
    assert 'examples:' in text and f'python tools/{name}.py' in text


def test_there_is_a_tool_for_every_step():
    assert NAMES == ['benchmark', 'compare_observers', 'compare_published', 'convert_dicom', 'estimate_cost', 'evaluate_segmenter',
                     'export_model', 'generate_samples', 'import_weights', 'launch_workers',
                     'make_reading', 'measure_growth', 'measure_steps', 'merge_records', 'play', 'predict',
                     'prepare_records', 'profile_run', 'run_experiment', 'tabulate_reading', 'train_segmenter',
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


def test_a_terminal_that_knows_no_umlaut_gets_an_escape(tmp_path):
    code = ("import sys; sys.path.insert(0, '.')\nfrom tools import common\n"
            "common.run(lambda: print('M\\u00fcller'))")
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=TOOLS.parent,
                            env={'PYTHONIOENCODING': 'ascii', 'PATH': '/usr/bin'})
    assert result.returncode == 0 and result.stdout == 'M\\xfcller\n', result.stderr


def test_the_same_library_computes_from_a_tool_and_from_python():
    """oneDNN, also on CPUs for which TensorFlow would not choose it."""
    bare = {name: value for name, value in os.environ.items() if name != 'TF_ENABLE_ONEDNN_OPTS'}
    told = subprocess.run([sys.executable, '-c', 'import models, os; print(os.environ["TF_ENABLE_ONEDNN_OPTS"])'],
                          cwd=TOOLS.parent, env=bare, capture_output=True, text=True)
    assert told.stdout == '1\n', told.stderr
