"""Dependencies run one way: tools -> pipelines -> {models, datasets}; models never meet datasets.

Inside pipelines a folder imports only folders before it, and planning, scores and report run without
TensorFlow, so that plans, checks and tables are there at once.
"""
import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = {
    'models': {'models'},
    'datasets': {'datasets'},
    'pipelines': {'pipelines', 'models', 'datasets'},
    'tools': {'tools', 'pipelines', 'datasets'},
}
OURS = set(ALLOWED) | {'tests'}
# from the ground up; those of one line do not meet
FLOORS = [('runtime',), ('plan',), ('scores',), ('data',), ('training',), ('stages',), ('segmentation',),
          ('synthesis', 'serving'), ('evaluation',), ('reading',), ('play',), ('report',), ('experiment',), ('cost',)]
LONGEST_FILE, LONGEST_FUNCTION = 260, 55


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: relative import'
            yield node.module
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


@pytest.mark.parametrize('package', sorted(ALLOWED))
def test_packages_import_only_what_they_may(package):
    files = sorted((ROOT / package).rglob('*.py'))
    assert files
    for path in files:
        wrong = {name for name in imports(path)
                 if name.split('.')[0] in OURS - ALLOWED[package]}
        assert not wrong, f'{path.relative_to(ROOT)} imports {", ".join(sorted(wrong))}'


def test_every_folder_has_its_floor():
    folders = {path.parent.name for path in (ROOT / 'pipelines').glob('*/*.py')}
    assert folders == {name for floor in FLOORS for name in floor}


@pytest.mark.parametrize('number', range(len(FLOORS)))
def test_folders_import_only_those_below(number):
    below = {name for floor in FLOORS[:number] for name in floor}
    for folder in FLOORS[number]:
        for path in (ROOT / 'pipelines' / folder).rglob('*.py'):
            met = {name.split('.')[1] for name in imports(path) if name.startswith('pipelines.')}
            wrong = met - below - {folder}
            assert not wrong, f'{path.relative_to(ROOT)} imports {", ".join(sorted(wrong))}'


def test_planning_scores_and_report_need_no_tensorflow():
    modules = ['.'.join(path.relative_to(ROOT).with_suffix('').parts) for folder in ('plan', 'scores', 'report')
               for path in sorted((ROOT / 'pipelines' / folder).rglob('*.py'))]
    code = f'import sys, importlib\nfor name in {modules!r}: importlib.import_module(name)\n' \
           "assert 'tensorflow' not in sys.modules"
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_addons_and_keras_are_met_in_one_place():
    users = {str(path.relative_to(ROOT)) for package in ALLOWED
             for path in (ROOT / package).rglob('*.py')
             for name in imports(path) if name.split('.')[0] == 'tensorflow_addons'}
    assert users == {'pipelines/data/warps.py'}
    assert not {path for package in ALLOWED for path in (ROOT / package).rglob('*.py')
                for name in imports(path) if name.split('.')[0] == 'keras'}


def test_files_and_functions_fit_a_screen():
    for package in ALLOWED:
        for path in (ROOT / package).rglob('*.py'):
            text = path.read_text()
            assert len(text.splitlines()) <= LONGEST_FILE, path.relative_to(ROOT)
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    length = node.end_lineno - node.lineno + 1
                    assert length <= LONGEST_FUNCTION, f'{path.relative_to(ROOT)}: {node.name}: {length}'


def test_every_public_name_is_explained():
    for package in ALLOWED:
        for path in (ROOT / package).rglob('*.py'):  # a tool's main is its docstring's
            tree = ast.parse(path.read_text())
            if tree.body:
                assert ast.get_docstring(tree), f'{path.relative_to(ROOT)} has no docstring'
            for name, node in _public(tree):
                assert ast.get_docstring(node), f'{path.relative_to(ROOT)}: {name} has no docstring'


def _public(tree, prefix=''):
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith('_'):
            if node.name == 'main' or (prefix and node.name in ('call', 'build')):  # as Keras has them
                continue
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _public(node, f'{node.name}.')
