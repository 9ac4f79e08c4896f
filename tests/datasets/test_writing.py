"""Folders of records by one writer or several: repetition, parts, merging, refusals."""
import itertools
import pathlib
import re
import shutil

import pytest

from datasets import files, records, writing
from datasets.errors import InputError
from datasets.labels import CHEST
from tests.datasets.test_records import DOTS, SIZE, example, write


def blank(directory, ids, made=None):
    return records.Info(directory, 'set', 'train', SIZE, 8, DOTS, CHEST, ids, made or {'n': 1})


def write_five(directory, part=writing.Part(), made=None):
    """Five shards of one source each, two examples a source; notes count them."""
    def make(number, notes):
        notes.update(examples=2, skipped=0)
        return [example(2 * number), example(2 * number + 1)]
    return writing.write_dataset(
        blank(directory, [f's{i}' for i in range(5)], made),
        [lambda notes, n=number: make(n, notes) for number in range(5)], part)


def test_existing_shards_are_kept_and_the_same_bytes_come_again(tmp_path):
    examples = [example(i) for i in range(4)]
    assert write(tmp_path / 'r', examples, part=writing.Part(1, 2)) is None
    second = tmp_path / 'r' / 'set-00001-of-00002.tfrecord'
    stamp = second.stat().st_mtime_ns
    info = write(tmp_path / 'r', examples)
    assert second.stat().st_mtime_ns == stamp
    again = write(tmp_path / 'again', examples)
    assert info.shards == again.shards and info.count == 4
    assert not [p for p in (tmp_path / 'r').iterdir() if p.suffix in ('.tmp', '.lock')]


def test_one_damaged_shard_is_made_anew_as_its_message_says(tmp_path):
    info = write_five(tmp_path / 'r')
    damaged = tmp_path / 'r' / info.shards[2]['file']
    stamps = {path: path.stat().st_mtime_ns for path in map(pathlib.Path, info.paths)}
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(InputError) as refused:
        records.read_info(tmp_path / 'r')
    for name in re.search(r'remove (it), (\S+) beside it and (\S+),', str(refused.value)).groups():
        (damaged if name == 'it' else damaged.with_name(name)).unlink()
    assert write_five(tmp_path / 'r').shards == info.shards
    assert {path for path in stamps if path.stat().st_mtime_ns != stamps[path]} == {damaged}


def test_what_a_killed_writer_left_is_removed(tmp_path):
    assert write_five(tmp_path / 'r', writing.Part(1, 5)) is None
    left = tmp_path / 'r' / 'set-00000-of-00005.tfrecord.0123456789abcdef.tmp'
    left.write_bytes(b'half')
    write_five(tmp_path / 'r')
    assert not left.exists()


def test_an_interrupted_shard_leaves_nothing(tmp_path):
    def breaks(notes):
        yield example(0)
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        writing.write_dataset(blank(tmp_path / 'r', []), [breaks])
    assert [p.name for p in (tmp_path / 'r').iterdir()] == ['recipe.json']


@pytest.mark.parametrize('workers', [1, 2, 3, 7])
def test_any_number_of_workers_in_any_order_writes_the_same_files(tmp_path, workers):
    alone = write_five(tmp_path / 'alone')
    parts = [writing.Part(index, workers) for index in range(workers)]
    for order, parts in enumerate((parts, parts[::-1])):
        directory = tmp_path / f'together{order}'
        found = [write_five(directory, part) for part in parts]
        assert [info is None for info in found].count(False) >= 1
        info = records.read_info(directory)
        assert (info.shards, info.notes) == (alone.shards, {'examples': 10, 'skipped': 0})
        assert ({p.name: p.read_bytes() for p in directory.iterdir()}
                == {p.name: p.read_bytes() for p in (tmp_path / 'alone').iterdir()})


def test_shards_of_several_machines_are_merged(tmp_path):
    for index in range(2):
        assert write_five(tmp_path / f'host{index}', writing.Part(index, 2)) is None
    with pytest.raises(InputError, match='host1: 3 of 5 shards are missing .set-00000-of-00005'):
        writing.merge(tmp_path / 'host1')
    shutil.copytree(tmp_path / 'host0', tmp_path / 'host1', dirs_exist_ok=True)
    info = writing.merge(tmp_path / 'host1')
    assert info.to_dict() == write_five(tmp_path / 'alone').to_dict()
    assert writing.merge(tmp_path / 'host1').to_dict() == info.to_dict()  # again: nothing to do


def test_shards_of_two_recipes_are_no_dataset(tmp_path):
    """As two machines write that trained their networks apart, or runs that replace each other's recipe."""
    for index in range(2):
        write_five(tmp_path / f'host{index}', writing.Part(index, 2), {'weights': index})
    shutil.copytree(tmp_path / 'host0', tmp_path / 'host1', dirs_exist_ok=True)
    with pytest.raises(InputError, match='set-00001-of-00005.tfrecord: made with other weights or '
                                         'settings than recipe.json says; remove it'):
        writing.merge(tmp_path / 'host1')
    with pytest.raises(InputError, match='set-00001-of-00005.tfrecord: made with other weights'):
        write_five(tmp_path / 'host1', made={'weights': 0})


def test_what_is_merged_is_checked(tmp_path):
    write_five(tmp_path / 'r')
    (tmp_path / 'r' / records.INFO).unlink()
    first, second = sorted((tmp_path / 'r').glob('*.tfrecord'))[:2]
    kept = first.read_bytes()
    first.write_bytes(kept[:-1])
    with pytest.raises(InputError, match='set-00000-of-00005.tfrecord: the file is damaged'):
        writing.merge(tmp_path / 'r')
    first.write_bytes(kept)
    # a shard, with the file beside it, in the place of another: every checksum holds
    shutil.copy(second, first)
    entry = files.read_json(second.with_suffix('.json'))
    files.write_json(first.with_suffix('.json'), {**entry, 'file': first.name})
    with pytest.raises(InputError, match='as many records of each of 5 sources in their order, '
                                         'found 10 of 4'):
        writing.merge(tmp_path / 'r')
    assert not (tmp_path / 'r' / records.INFO).exists()
    shutil.copy(second.with_suffix('.json'), first.with_suffix('.json'))
    with pytest.raises(InputError, match='expected the description of set-00000-of-00005.tfrecord'):
        writing.merge(tmp_path / 'r')
    with pytest.raises(InputError, match='expected a folder of records with recipe.json'):
        writing.merge(tmp_path)


def test_sources_of_unequal_number_or_in_another_order_are_no_dataset(tmp_path):
    for number, order in enumerate(itertools.permutations(range(3))):
        examples = [example(2 * i + k) for i in order for k in range(2)]
        info = blank(tmp_path / str(number), ['s0', 's1', 's2'])
        if order == (0, 1, 2):
            assert writing.write_dataset(info, [lambda notes: examples]).count == 6
            examples.pop()
            info = blank(tmp_path / 'short', ['s0', 's1', 's2'])
        with pytest.raises(InputError, match='as many records of each of 3 sources'):
            writing.write_dataset(info, [lambda notes: examples])


def test_other_recipes_and_other_folders_are_refused(tmp_path):
    examples = [example(i) for i in range(4)]
    write(tmp_path / 'r', examples)
    with pytest.raises(InputError, match='holds records made with another n; choose'):
        write(tmp_path / 'r', examples, made={'n': 2})
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'thesis.tex').write_text('')
    with pytest.raises(InputError, match='expected a new or empty folder'):
        write(tmp_path / 'other', examples)


def test_a_shard_that_another_run_writes_is_refused(tmp_path):
    def make(notes):
        with pytest.raises(InputError, match=r'set-00000-of-00001.tfrecord: process \d+ on host '):
            writing.write_dataset(blank(tmp_path / 'r', ['s0']), [lambda notes: [example(0)]])
        return [example(0)]
    assert writing.write_dataset(blank(tmp_path / 'r', ['s0']), [make]).count == 1
