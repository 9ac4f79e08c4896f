"""The locks hold what requirements.txt asks for on every Python, every file of it with a hash."""
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
REFERENCE, SECOND = ('3.9', '3.10', '3.11'), ('3.12', '3.13')


def entries(lock):
    """'name==version' -> number of hashes."""
    text = (ROOT / 'tools' / 'locks' / lock).read_text()
    return {found[1]: found[0].count('--hash=sha256:') for found in re.finditer(
        r'^([a-z0-9.-]+==[^ ]+)(?:.*\n)(?:    --hash=sha256:[0-9a-f]{64}.*\n)*', text, re.M)}


def wanted(file, python):
    """{name: [versions]} of the lines of a file of requirements that hold on a Python, on Linux."""
    found, machine = {}, {'python_version': python, 'python_full_version': f'{python}.1', 'sys_platform': 'linux',
                          'platform_python_implementation': 'CPython', 'implementation_name': 'cpython'}
    for line in re.findall(r'^[^\s#][^\\\n]*', (ROOT / file).read_text(), re.M):
        requirement = Requirement(line)
        if not requirement.marker or requirement.marker.evaluate(machine):
            found.setdefault(requirement.name.lower(), []).append(str(requirement.specifier))
    return found


@pytest.mark.parametrize('python', REFERENCE + SECOND)
def test_what_is_asked_for_is_locked_once(python):
    asked, locked = wanted('requirements.txt', python), wanted('tools/locks/cpu.txt', python)
    assert len(asked) > 10 and all(len(versions) == 1 for versions in locked.values())
    assert {name: locked.get(name) for name in asked} == asked


@pytest.mark.parametrize('python', REFERENCE + SECOND)
def test_what_extras_bring_in_changes_nothing_of_the_rest(python):
    asked, locked, rest = (wanted(f'tools/locks/{lock}', python) for lock in ('extras.in', 'extras.txt', 'cpu.txt'))
    assert 'python-gdcm' in asked and {name: locked.get(name) for name in asked} == asked
    both = set(locked) & set(rest)
    assert 'typing-extensions' in both and {name: locked[name] for name in both} == {name: rest[name] for name in both}


def test_each_lane_has_its_tensorflow():
    for pythons, versions in ((REFERENCE, {'tensorflow': '==2.15.1', 'keras': '==2.15.0',
                                           'tensorflow-addons': '==0.23.0', 'numpy': '==1.26.4'}),
                              (SECOND, {'tensorflow': '==2.21.0', 'tf-keras': '==2.21.0'})):
        for python in pythons:
            locked = wanted('tools/locks/cpu.txt', python)
            assert {name: locked[name] for name in versions} == {
                name: [version] for name, version in versions.items()}
            assert ('tf-keras' in locked) != ('tensorflow-addons' in locked)


@pytest.mark.parametrize('lock', ['cpu.txt', 'cuda.txt', 'extras.txt'])
def test_every_locked_package_has_hashes(lock):
    found = entries(lock)
    text = (ROOT / 'tools' / 'locks' / lock).read_text()
    assert len(found) == len(re.findall('^[^ #]', text, re.M)) > 10
    assert all(found.values()) and sum(found.values()) == text.count('--hash=')
    assert not re.search(r'file:|--(index|find)|/opt|/tmp', text)
