"""prepare_records.py and merge_records.py: shards, shares of the work, refusals in one line."""
import shutil

from tests.command import call, refused
from tests.odd_folder import make_folder


def test_prepare_records_and_its_refusals(tmp_path):
    output = tmp_path / 'records'
    phantom = ['--dataset', 'phantom', '--count', 2, '--size', 32]
    result = call('prepare_records', *phantom, '--split', 'train', '--augment', 6, '--output', output)
    assert result.returncode == 0, result.stderr
    assert '12 records of 2 images in 1 shards' in result.stdout
    again = call('prepare_records', *phantom, '--split', 'test', '--output', output)
    assert 'holds records made with another' in refused(again)
    nowhere = call('prepare_records', '--dataset', 'jsrt', '--source', tmp_path / 'none', '--split',
                   'train', '--size', 32, '--output', tmp_path / 'new')
    assert str(tmp_path / 'none') in refused(nowhere)
    assert not (tmp_path / 'new').exists()
    many = call('prepare_records', *phantom, '--split', 'train', '--augment', 7, '--output',
                tmp_path / 'new')
    assert 'augment' in refused(many)


def test_records_of_a_picture_that_stands_in_both_parts(tmp_path):
    source = make_folder(tmp_path / 'mine', 2, 1)
    asked = ['--dataset', 'folder', '--source', source, '--size', 32, '--output', tmp_path / 'records']
    for folder in ('images', 'masks/kidney', 'masks/cyst'):  # k02, a deep picture, under the name k00
        shutil.copy(source / folder / 'k02.png', source / folder / 'k00.png')
    for part in ('train', 'test'):
        line = refused(call('prepare_records', *asked, '--split', part))
        assert 'k00' in line and 'k02' in line and 'are the same picture (1 in all)' in line
    assert not (tmp_path / 'records').exists()
    (source / 'test.txt').unlink()
    alone = call('prepare_records', *asked, '--split', 'train')
    assert alone.returncode == 0 and 'the pictures of test are not looked at for copies of these' in alone.stdout


def test_workers_share_the_work(tmp_path, monkeypatch):
    phantom = ['--dataset', 'phantom', '--count', 33, '--size', 32, '--split', 'train', '--output',
               tmp_path / 'r']
    first = call('prepare_records', *phantom, '--num-shards', 2, '--shard-index', 1)
    assert first.stdout.endswith('\nworker 1 of 2 is done; shards of others are still missing\n')
    assert '1 of 2 shards are missing' in refused(call('merge_records', '--records', tmp_path / 'r'))
    assert '--shard-index: expected 0 to 1' in refused(call('prepare_records', *phantom,
                                                            '--num-shards', 2))
    assert 'for --num-shards 2, found 2' in refused(call('prepare_records', *phantom,
                                                         '--num-shards', 2, '--shard-index', 2))
    monkeypatch.setenv('SLURM_ARRAY_TASK_ID', '1')  # of an array that begins at 1
    monkeypatch.setenv('SLURM_ARRAY_TASK_MIN', '1')
    monkeypatch.setenv('SLURM_ARRAY_TASK_MAX', '1')
    monkeypatch.setenv('SLURM_ARRAY_TASK_COUNT', '1')  # a task that was begun anew: which part is its own?
    line = refused(call('prepare_records', *phantom, '--num-shards', 2))
    assert 'expected a Slurm job array of 2 tasks without gaps, found 1 of 1 to 1; say --shard-index' in line
    monkeypatch.setenv('SLURM_ARRAY_TASK_MAX', '2')
    monkeypatch.setenv('SLURM_ARRAY_TASK_COUNT', '2')
    second = call('prepare_records', *phantom, '--num-shards', 2)
    assert '33 records of 33 images in 2 shards' in second.stdout, second.stderr
    merged = call('merge_records', '--records', tmp_path / 'r')
    assert '33 records of 33 sources in 2 shards' in merged.stdout, merged.stderr
