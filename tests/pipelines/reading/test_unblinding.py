"""Unblinding a reading: counts and tests by hand, bad files refused, comments kept harmless."""
import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from datasets import files
from datasets.errors import InputError
from pipelines.reading import unblinding

TOOLS = Path(__file__).resolve().parents[3] / 'tools'
KEY = {'reading': '0123456789abcdef', 'model': 'm/1', 'records': 'r', 'seed': 0,
       'chosen': 'all, 6 of 6',
       'pairs': [{'pair': i + 1, 'image': name, 'prediction': side}
                 for i, (name, side) in enumerate(zip('fedcba', 'AABABB'))]}
# unblinded: prediction, prediction, prediction, target, none, unanswered
FIRST = {'1': ('A', 'tip of the heart'), '2': ('A', ''), '3': ('B', ''), '4': ('B', 'apex'),
         '5': ('same', ''), '6': (None, 'cannot say')}
# prediction, target, prediction, target, unanswered, none
SECOND = {'1': ('A', ''), '2': ('B', 'better'), '3': ('B', ''), '4': ('B', ''), '6': ('same', '')}


def write_answers(path, given, reader='R. One', **changes):
    content = {'reading': KEY['reading'], 'reader': reader, 'answers': {
        number: {'choice': choice, 'comment': comment}
        for number, (choice, comment) in given.items()}, **changes}
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def key(tmp_path):
    path = tmp_path / 'key.json'
    files.write_json(path, KEY)
    return path


def test_preferences_of_one_reader_by_hand(key, tmp_path):
    preferences, comments = unblinding.tabulate(
        key, [write_answers(tmp_path / 'a.json', FIRST)]).tables
    # sign test of 3 : 1 is 2 (1 + 4) / 16; Wilson with z = 1.96: 0.62753 -+ 0.32689
    assert preferences.rows == [('R. One', '3', '1', '1', '1', '75.0 %', '30.1 to 95.4 %', '0.625')]
    assert comments.rows == [('a', '6', 'R. One', 'B', '-', 'cannot say'),
                             ('c', '4', 'R. One', 'A', 'target', 'apex'),
                             ('f', '1', 'R. One', 'A', 'prediction', 'tip of the heart')]


def test_two_readers_pooled_and_their_agreement_by_hand(key, tmp_path):
    unblinded = unblinding.tabulate(key, [write_answers(tmp_path / 'a.json', FIRST),
                                          write_answers(tmp_path / 'b.json', SECOND, 'Two')])
    preferences, agreement, _ = unblinded.tables
    # 5 : 3 of both: 2 (1 + 8 + 28 + 56) / 256 = 0.7266
    assert preferences.rows[1:] == [
        ('Two', '2', '2', '1', '1', '50.0 %', '15.0 to 85.0 %', '1.000'),
        ('all readers', '5', '3', '2', '2', '62.5 %', '30.6 to 86.3 %', '0.727')]
    # on pairs 1 to 4: PPPT and PTPT agree on three; by chance (3 x 2 + 1 x 2) / 16
    assert agreement.rows == [('R. One and Two', '4', '75.0 %', '0.50')]
    assert len(unblinded.rows) == 12


def test_kappa_by_hand():
    p, t, n = unblinding.PREFERENCES
    expected = (0.75 - 5 / 16) / (11 / 16)
    assert unblinding.kappa([p, p, t, n], [p, t, t, n]) == pytest.approx(expected)
    assert unblinding.kappa([p, t], [t, p]) == -1
    assert unblinding.kappa([p, p], [p, p]) is None


def test_nothing_to_count_gives_dashes(key, tmp_path):
    paths = [write_answers(tmp_path / 'a.json', {}), write_answers(
        tmp_path / 'b.json', {'1': ('same', '')}, 'Two')]
    unblinded = unblinding.tabulate(key, paths)
    preferences, agreement, comments = unblinded.tables
    assert preferences.rows[0] == ('R. One', '0', '0', '0', '6', '-', '-', '-')
    assert preferences.rows[1] == ('Two', '0', '0', '1', '5', '-', '-', '-')
    assert agreement.rows == [('R. One and Two', '0', '-', '-')]
    assert comments.rows == [] and 'No comments.' in unblinding.to_text(unblinded)


def test_a_clear_preference_has_a_small_p(tmp_path, key):
    pairs = [{'pair': i, 'image': str(i), 'prediction': 'A'} for i in range(1, 21)]
    files.write_json(key, {**KEY, 'pairs': pairs})
    answers = write_answers(tmp_path / 'a.json', {str(i): ('A', '') for i in range(1, 21)})
    preferences, _ = unblinding.tabulate(key, [answers]).tables
    assert preferences.rows == [('R. One', '20', '0', '0', '0', '100.0 %', '83.9 to 100.0 %',
                                 '< 0.001')]


def test_comments_cannot_break_out_of_the_files(key, tmp_path):
    nasty = ['<img src=x onerror=alert(1)>', 'a | b \\| c', '=HYPERLINK("http://x")', '+1\n| - |',
             '@sum `code', '[x](javascript:y) \x1b[31m\u202e & \ud800']
    answers = write_answers(tmp_path / 'a.json', {
        str(i + 1): ('A', comment) for i, comment in enumerate(nasty)}, '-R\n|')
    unblinded = unblinding.tabulate(key, [answers])
    unblinding.write(tmp_path / 'out', unblinded)
    text = unblinding.to_text(unblinded)
    assert text.isascii() and '\x1b' not in text
    markdown = (tmp_path / 'out' / 'reading.md').read_text(encoding='utf-8')
    assert not set('<`\\[]\x1b\u202e') & set(markdown)
    table = [line for line in markdown.splitlines() if line.startswith('| ')]
    assert {line.count('|') for line in table} == {9, 7}   # eight and six cells
    assert '&lt;img src=x' in markdown and 'a &#124; b &#92;&#124; c' in markdown
    with open(tmp_path / 'out' / 'reading.csv', newline='', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert [row['comment'] for row in rows[2:5]] == ['\'=HYPERLINK("http://x")', "'+1 | - |",
                                                     "'@sum `code"]
    assert {row['reader'] for row in rows} == {"'-R |"}
    assert [row['preferred'] for row in rows] == ['prediction', 'prediction', 'target',
                                                  'prediction', 'target', 'target']


def test_long_comments_are_cut_on_the_terminal_only(key, tmp_path):
    answers = write_answers(tmp_path / 'a.json', {'1': ('A', 'word ' * 400)})
    unblinded = unblinding.tabulate(key, [answers])
    assert max(map(len, unblinding.to_text(unblinded).splitlines())) < 200
    unblinding.write(tmp_path / 'out', unblinded)
    assert ' '.join(['word'] * 400) in (tmp_path / 'out' / 'reading.md').read_text()


BAD = {
    'another reading': ({'reading': 'other'}, "reading 0123456789abcdef of the key, found 'other'"),
    'unknown pair': ({'answers': {'7': {'choice': 'A', 'comment': ''}}},
                     "expected the pairs 1 to 6 of the key, found pair '7'"),
    'choice': ({'answers': {'2': {'choice': 'C', 'comment': ''}}},
               "pair 2: expected the choice 'A', 'B', 'same' or null, found 'C'"),
    'list choice': ({'answers': {'2': {'choice': ['A'], 'comment': ''}}}, r"found \['A'\]"),
    'comment': ({'answers': {'2': {'choice': 'A', 'comment': 3}}},
                'pair 2: expected a comment of at most 2000 characters, found 3'),
    'long comment': ({'answers': {'2': {'choice': 'A', 'comment': 'x' * 2001}}},
                     r"found 'xxx.*\.\.\."),
    'no comment': ({'answers': {'2': {'choice': 'A'}}}, 'pair 2: expected choice and comment'),
    'answer': ({'answers': {'2': 'A'}}, "pair 2: expected choice and comment, found 'A'"),
    'no dictionary': ({'answers': []}, 'expected an answers.json that the page'),
    'more': ({'more': 1}, 'expected an answers.json that the page'),
    'no name': ({'reader': ' \n'}, 'expected the name of the reader'),
    'long name': ({'reader': 'x' * 81}, 'expected the name of the reader, at most 80'),
    'no text': ({'reader': None}, 'expected the name of the reader, .* found None'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_answers_are_one_line(key, tmp_path, case):
    changes, message = BAD[case]
    path = write_answers(tmp_path / 'a.json', {}, **changes)
    with pytest.raises(InputError, match=message) as error:
        unblinding.tabulate(key, [path])
    text = str(error.value)
    assert text.startswith(f'--answers {path}: ') and '\n' not in text
    assert len(text) < 200 + len(str(path))


def test_a_byte_order_mark_is_no_damage(key, tmp_path):
    answers = write_answers(tmp_path / 'a.json', FIRST)
    marked = [tmp_path / 'key_marked.json', tmp_path / 'a_marked.json']
    for path, of in zip(marked, (key, answers)):
        path.write_bytes(b'\xef\xbb\xbf' + of.read_bytes())
    assert unblinding.tabulate(marked[0], marked[1:]) == unblinding.tabulate(key, [answers])


@pytest.mark.parametrize('content', [b'{"reading": ', b'\xff\xfe\x00', b'[' * 100_000, b'1' * 5000])
def test_damaged_files_are_one_line(key, tmp_path, content):
    path = tmp_path / 'a.json'
    path.write_bytes(content)
    for arguments in ((key, [path]), (path, [path])):
        with pytest.raises(InputError, match='expected JSON|found something else'):
            unblinding.tabulate(*arguments)


def test_files_that_are_something_else(key, tmp_path):
    answers = write_answers(tmp_path / 'a.json', FIRST)
    with pytest.raises(InputError, match='--key .*a.json: expected the key.json'):
        unblinding.tabulate(answers, [key])
    with pytest.raises(InputError, match='--answers .*key.json: expected an answers.json'):
        unblinding.tabulate(key, [key])
    with pytest.raises(InputError, match='--answers .*none.json: cannot be read: No such file'):
        unblinding.tabulate(key, [tmp_path / 'none.json'])
    with pytest.raises(InputError, match='cannot be read'):
        unblinding.tabulate(key, [tmp_path])
    (tmp_path / 'big.json').write_bytes(b' ' * 5_000_001)
    with pytest.raises(InputError, match='at most 5000000 bytes, found 5000001'):
        unblinding.tabulate(key, [tmp_path / 'big.json'])
    for side in ('', 'AB', 'C', None):
        files.write_json(key, {**KEY, 'pairs': [{**KEY['pairs'][0], 'prediction': side}]})
        with pytest.raises(InputError, match='expected the key.json'):
            unblinding.tabulate(key, [answers])


def test_one_reader_answers_once(key, tmp_path):
    paths = [write_answers(tmp_path / 'a.json', FIRST, 'R. One'),
             write_answers(tmp_path / 'b.json', SECOND, ' r.  one')]
    with pytest.raises(InputError, match="b.json: reader 'r. one' has answered in another"):
        unblinding.tabulate(key, paths)



WITHOUT_TENSORFLOW = '''
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name='__main__')
except SystemExit as end:
    assert not end.code
assert 'tensorflow' not in sys.modules
'''


def test_tabulate_reading_needs_no_tensorflow(key, tmp_path):
    answers = write_answers(tmp_path / 'a.json', FIRST)
    result = subprocess.run(
        [sys.executable, '-c', WITHOUT_TENSORFLOW, str(TOOLS / 'tabulate_reading.py'), '--key', key,
         '--answers', answers, '--output', tmp_path / 'out'], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert re.search(r'R\. One +3 +1 +1 +1 +75\.0 % +30\.1 to 95\.4 % +0\.625', result.stdout)
    assert '5 of 6 answered: ' in result.stdout
    assert 'tip of the heart' in (tmp_path / 'out' / 'reading.md').read_text()
    assert len((tmp_path / 'out' / 'reading.csv').read_text().splitlines()) == 7


def test_tabulate_reading_refuses_in_one_line(key, tmp_path):
    answers = write_answers(tmp_path / 'a.json', FIRST)
    result = subprocess.run(
        [sys.executable, str(TOOLS / 'tabulate_reading.py'), '--key', key, '--answers', answers,
         '--output', key], capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr == f'error: --output {key}: cannot write there: File exists\n'
