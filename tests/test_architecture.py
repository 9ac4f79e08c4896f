"""Dependencies run one way: tools -> pipelines -> {models, datasets}; models never meet datasets."""
import ast
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


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: relative import'
            yield node.module


@pytest.mark.parametrize('package', sorted(ALLOWED))
def test_packages_import_only_what_they_may(package):
    files = sorted((ROOT / package).rglob('*.py'))
    assert files
    for path in files:
        wrong = {name for name in imports(path)
                 if name.split('.')[0] in OURS - ALLOWED[package]}
        assert not wrong, f'{path.relative_to(ROOT)} imports {", ".join(sorted(wrong))}'


def test_addons_and_keras_are_met_in_one_place():
    users = {str(path.relative_to(ROOT)) for package in ALLOWED
             for path in (ROOT / package).rglob('*.py')
             for name in imports(path) if name.split('.')[0] == 'tensorflow_addons'}
    assert users == {'pipelines/data/warps.py'}
    assert not {path for package in ALLOWED for path in (ROOT / package).rglob('*.py')
                for name in imports(path) if name.split('.')[0] == 'keras'}
