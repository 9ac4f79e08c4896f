"""Seals, manifests, whole files: what is damaged says so."""
import json
import re

import pytest
from hypothesis import given, settings, strategies

from datasets import files
from datasets.errors import InputError

VALUES = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text()
    | strategies.floats(allow_nan=False),
    lambda inner: strategies.lists(inner, max_size=3)
    | strategies.dictionaries(strategies.text(), inner, max_size=3), max_leaves=8)


@settings(max_examples=50, deadline=None)
@given(strategies.dictionaries(strategies.text().filter(lambda key: key != 'seal'), VALUES, max_size=4))
def test_a_seal_fits_what_it_was_made_for(content):
    sealed = json.loads(json.dumps(files.sealed(content)))
    assert files.unsealed(dict(sealed), 'it') == content
    with pytest.raises(InputError, match='it: damaged or altered since it was written'):
        files.unsealed({**sealed, 'more': 1 if content.get('more') != 1 else 2}, 'it')


def test_what_json_changes_does_not_break_the_seal():
    content = {16: (1, 2), 4: 'four'}  # whole numbers as keys, a tuple
    assert files.unsealed(files.sealed(content), 'it') == {'16': [1, 2], '4': 'four'}


@pytest.mark.parametrize('text, message', [
    ('', 'expected a JSON object that this program wrote'),
    ('[1, 2]', 'expected a JSON object that this program wrote'),
    ('{"a": 1}', 'with its seal'),
    ('[' * 100_000, 'expected a JSON object'),
    ('{"a": 1, "seal": null}', 'damaged or altered'),
    (json.dumps({**files.sealed({'a': 1}), 'a': 2}), 'damaged or altered')])
def test_other_json_is_refused(tmp_path, text, message):
    path = tmp_path / 'x.json'
    path.write_text(text)
    with pytest.raises(InputError, match=f'x.json: .*{message}'):
        files.read_json(path)
    with pytest.raises(InputError, match='none.json: cannot be read: No such file'):
        files.read_json(tmp_path / 'none.json')


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / 'x.json').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(InputError, match='expected a JSON object'):
        files.read_json(tmp_path / 'x.json')


def test_a_manifest_tells_every_damage(tmp_path):
    (tmp_path / 'sub').mkdir()
    first, second = tmp_path / 'a.bin', tmp_path / 'sub' / 'b.bin'
    first.write_bytes(bytes(range(100)))
    second.write_bytes(b'')
    manifest = tmp_path / 'manifest.json'
    files.write_manifest(manifest, [first, second])
    files.check_manifest(manifest)
    for damaged in (bytes(range(99)), bytes([1, *range(1, 100)]), b''):
        kept = first.read_bytes()
        first.write_bytes(damaged)
        with pytest.raises(InputError, match='a.bin: damaged: its size or sha256'):
            files.check_manifest(manifest)
        first.write_bytes(kept)
    second.unlink()
    with pytest.raises(InputError, match='b.bin: missing, though manifest.json names it'):
        files.check_manifest(manifest)


@pytest.mark.parametrize('name', ['../outside', '/etc/hostname'])
def test_a_manifest_names_nothing_outside_its_folder(tmp_path, name):
    (tmp_path / 'outside').write_bytes(b'')
    (tmp_path / 'in').mkdir()
    files.write_json(tmp_path / 'in' / 'm.json', {'files': {name: [0, 'x']}})
    with pytest.raises(InputError, match='missing, though m.json names it'):
        files.check_manifest(tmp_path / 'in' / 'm.json')


@pytest.mark.parametrize('text, reason', [
    ('a: [', 'expected the node content'), ('day: 2024-13-01', 'month must be in'),
    ('[' * 2000, ''), ('!!bool x', ''), ('!!timestamp x', ''), ('!!python/none x', 'constructor'),
    ('a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n' + ''.join(
        f'{y}: &{y} [' + ', '.join([f'*{x}'] * 9) + ']\n' for x, y in zip('abcdef', 'bcdefg')),
     'more than 100,000 values'),
    ('# ' + 'x' * (1 << 20), 'larger than 1 MiB')])
def test_yaml_that_nobody_writes(tmp_path, text, reason):
    (tmp_path / 'a.yaml').write_text(text)
    with pytest.raises(ValueError, match=reason) as caught:
        files.read_yaml(tmp_path / 'a.yaml')
    assert '\n' not in str(caught.value) and len(str(caught.value)) <= 300


def test_a_folder_is_there_when_it_is_whole(tmp_path):
    with pytest.raises(ZeroDivisionError), files.whole_folder(tmp_path / 'made') as folder:
        folder.mkdir()
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    left = tmp_path / '.unfinished-made-x1'      # by one that was killed
    left.mkdir()
    (left / 'half').touch()
    with files.whole_folder(tmp_path / 'made') as folder:
        folder.mkdir()
        (folder / 'file').touch()
        assert not (left / 'half').exists() and not (tmp_path / 'made').exists()
        with pytest.raises(InputError, match='made.*process'), files.whole_folder(tmp_path / 'made'):
            pass
    assert [path.name for path in tmp_path.rglob('*')] == ['made', 'file']
    with pytest.raises(InputError, match='made: exists already'), files.whole_folder(tmp_path / 'made'):
        pass


@pytest.mark.parametrize('text, message', [
    ('a: 1\nb: 2\na: 3\n', "the key 'a' stands twice, in lines 1 and 3: keep one"),
    ('x: {a: 1, a: 1}\n', "the key 'a' stands twice, in lines 1 and 1"),
    ('seed: 010\n', 'line 1: 010 would be read in base 8: write the number plainly, or in quotes'),
    ('time: 1:30\n', 'line 1: 1:30 would be read in base 60'),
    ('time: 1:30.5\n', 'line 1: 1:30.5 would be read in base 60')])
def test_yaml_without_surprises(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        files.parse_yaml(text)


def test_plain_yaml_is_what_it_looks_like():
    tree = files.parse_yaml("{a: 0, b: 0.5, c: -7, d: 1_000, e: '010', f: [1.0e-4, .inf], 4: x, 8: y}")
    assert tree == {'a': 0, 'b': 0.5, 'c': -7, 'd': 1000, 'e': '010', 'f': [1e-4, float('inf')], 4: 'x', 8: 'y'}
