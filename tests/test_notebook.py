"""The notebook runs from top to bottom, as a kernel would run it, and refuses another package called datasets."""
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / 'tools' / 'notebook.ipynb'


def cells():
    notebook = json.loads(NOTEBOOK.read_text())
    return [''.join(cell['source']) for cell in notebook['cells'] if cell['cell_type'] == 'code']


def run(text, workdir, folder):
    return subprocess.run([sys.executable, '-c', text], cwd=folder, capture_output=True, text=True, env={
        **os.environ, 'MPLBACKEND': 'Agg', 'DEMO_WORKDIR': str(workdir), 'NOTEBOOK_STEPS': '3', 'PYTHONPATH': ''})


def test_from_top_to_bottom(finished):
    _, workdir = finished
    done = run('\n'.join(cells()), workdir, ROOT / 'tools')
    assert done.returncode == 0, done.stderr[-3000:]
    lines = done.stdout.splitlines()
    assert sum(line.startswith('SavedModel: ') for line in lines) == 3
    scored = [line for line in lines if ' updates   J ' in line]
    assert [line.split()[0] for line in scored] == ['real', 'real', 'synth3', 'finetune3']
    assert any(line.startswith('# Model card: REAL') for line in lines)


def test_the_first_cell_guards(tmp_path):
    other = 'import types, sys; sys.modules["datasets"] = types.SimpleNamespace(__file__="/x/datasets/__init__.py")\n'
    assert 'ImportError: datasets was imported from /x' in run(other + cells()[0], tmp_path, ROOT).stderr
    assert 'run bash tools/demo.sh once' in run(cells()[0], tmp_path, ROOT).stderr
    assert f'{tmp_path}: not in a clone of the repository' in run(cells()[0], tmp_path, tmp_path).stderr


def test_nothing_that_was_run_is_kept():
    for cell in json.loads(NOTEBOOK.read_text())['cells']:
        assert not cell.get('outputs') and cell.get('execution_count') is None
