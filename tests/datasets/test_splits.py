"""Lists of ids."""
import pytest

from datasets.errors import InputError
from datasets.splits import check_disjoint, choose_ids, name_some, read_ids


def test_read_ids_skips_comments_and_blank_lines(tmp_path):
    path = tmp_path / 'ids.txt'
    path.write_text('# eleven of them\nb\n\n  a  # with a comment\n', encoding='utf-8')
    assert read_ids(path) == ('b', 'a')


@pytest.mark.parametrize('content, message', [
    (b'a\nb\na\nb\nc\n', r'ids.txt: expected each id once, found a, b more than once'),
    (b'# nothing\n\n', r'ids.txt: expected ids, one a line, found none'),
    (b'\xff\xfe\x00', r'ids.txt: expected a text file of ids'),
])
def test_read_ids_errors(tmp_path, content, message):
    path = tmp_path / 'ids.txt'
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_ids(path)


def test_read_ids_without_a_file(tmp_path):
    with pytest.raises(InputError, match='none.txt: expected a text file of ids'):
        read_ids(tmp_path / 'none.txt')


def test_check_disjoint():
    check_disjoint(['a', 'b'], ['c'])
    with pytest.raises(InputError, match='ids a, b are in train and in test'):
        check_disjoint(['b', 'a', 'x'], ['a', 'b', 'y'])


def test_choose_ids():
    assert choose_ids(['a', 'b'], None, 'here') == ('a', 'b')
    assert choose_ids(['a', 'b', 'c'], ['c', 'a'], 'here') == ('c', 'a')
    with pytest.raises(InputError, match='here: unknown ids x; 2 are known, such as a, b'):
        choose_ids(['a', 'b'], ['a', 'x'], 'here')
    with pytest.raises(InputError, match='ids for here: expected each id once, found a more'):
        choose_ids(['a', 'b'], ['a', 'a'], 'here')


def test_name_some_names_five():
    assert name_some(list('abcde')) == 'a, b, c, d, e'
    assert name_some(list('abcdefg')) == 'a, b, c, d, e and 2 more'
