"""The locks hold what requirements.txt asks for, every file of it with a hash."""
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def entries(lock):
    """'name==version' -> number of hashes."""
    text = (ROOT / 'tools' / 'locks' / lock).read_text()
    return {found[1]: found[0].count('--hash=sha256:') for found in re.finditer(
        r'^([a-z0-9.-]+==[^ ]+)(?:.*\n)(?:    --hash=sha256:[0-9a-f]{64}.*\n)*', text, re.M)}


def test_what_is_asked_for_is_locked():
    asked = re.findall(r'^([^#\s]+)==(\S+)$', (ROOT / 'requirements.txt').read_text(), re.M)
    assert len(asked) > 10
    missing = {f'{name.lower()}=={version}' for name, version in asked} - set(entries('cpu.txt'))
    assert not missing


@pytest.mark.parametrize('lock', ['cpu.txt', 'cuda.txt'])
def test_every_locked_package_has_hashes(lock):
    found = entries(lock)
    text = (ROOT / 'tools' / 'locks' / lock).read_text()
    assert len(found) == len(re.findall('^[^ #]', text, re.M)) > 10
    assert all(found.values()) and sum(found.values()) == text.count('--hash=')
