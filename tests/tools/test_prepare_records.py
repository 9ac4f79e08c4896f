"""prepare_records.py and merge_records.py: shards, shares of the work, refusals in one line."""
import shutil

import numpy as np
from PIL import Image

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
    grey = np.array(Image.open(source / 'images' / 'k00.png')) // 257
    Image.fromarray(grey.astype(np.uint8)).save(source / 'images' / 'k00.png')
    Image.fromarray(grey.astype(np.uint16) * 257).save(source / 'images' / 'k02.png')  # the same at 16 bits
    assert 'are the same picture' in refused(call('prepare_records', *asked, '--split', 'train'))
    (source / 'test.txt').unlink()
    alone = call('prepare_records', *asked, '--split', 'train')
    assert alone.returncode == 0 and 'the pictures of test are not looked at for copies of these' in alone.stdout


def test_records_are_not_kept_for_other_files_or_another_reading(tmp_path):
    source = make_folder(tmp_path / 'mine', 3, 1)
    asked = ['prepare_records', '--dataset', 'folder', '--source', source, '--split', 'train', '--size', 32, '--output',
             tmp_path / 'records']
    assert call(*asked).returncode == 0 and call(*asked).returncode == 0
    mask = source / 'masks' / 'kidney' / 'k01.png'
    kept = mask.read_bytes()
    shutil.copy(source / 'masks' / 'kidney' / 'k03.png', mask)
    assert f'--output {tmp_path / "records"}: made of other pictures or masks of k01 (1 in all)' in refused(call(*asked))
    mask.write_bytes(kept)
    assert call(*asked).returncode == 0
    colours = np.random.default_rng(0).integers(0, 255, (75, 60, 3), np.uint8)
    Image.fromarray(colours).save(source / 'images' / 'k00.png')
    asked[-1] = tmp_path / 'red'
    assert call(*asked, '--grey', 'red').returncode == 0
    assert 'holds records made with another grey' in refused(call(*asked, '--grey', 'green'))


def test_refused_before_a_picture_is_read(tmp_path):
    source = make_folder(tmp_path / 'mine', 3, 2)
    asked = ['prepare_records', '--dataset', 'folder', '--source', source, '--split', 'train', '--size', 32]
    (source / 'patients.csv').write_text('id,patient\n' + ''.join(f'k{i:02},p{i % 3}\n' for i in range(5)))
    assert 'patient p0 has pictures in both' in refused(call(*asked, '--output', tmp_path / 'records'))
    assert not (tmp_path / 'records').exists()
    (tmp_path / 'foreign').mkdir()
    (tmp_path / 'foreign' / 'log.txt').write_text('mine')
    line = refused(call(*asked, '--output', tmp_path / 'foreign'))
    assert 'expected a new or empty folder for records' in line and [*(tmp_path / 'foreign').iterdir()][0].name == 'log.txt'
    for option in ('--ids', '--nnunet', '--source'):
        done = call(*asked, '--output', tmp_path / 'records', option, '')
        assert done.returncode == 2 and f'{option}: expected a path, found an empty text' in done.stderr
    (tmp_path / 'ids.txt').write_text('k00.png\n')
    line = refused(call(*asked, '--output', tmp_path / 'records', '--ids', tmp_path / 'ids.txt'))
    assert 'unknown ids k00.png' in line and 'ids are names without their ending' in line


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
