"""Records know of which pictures, lists and coding they were made."""
import dataclasses

import cv2
import numpy as np
import pytest

from datasets import digests
from datasets.errors import InputError
from pipelines.data import sources
from pipelines.experiment import steps
from pipelines.plan.provenance import Outdated
from tests.drawn import draw_folder, of_folder, opened


@pytest.fixture
def prepared(tmp_path):
    """(config, workdir, source) of a folder of pictures whose records are made."""
    source = draw_folder(tmp_path / 'source', list('abcdef'))
    config, workdir = of_folder(source), tmp_path / 'run'
    opened(config, workdir)
    steps.prepare(config, workdir)
    return config, workdir, source


def test_a_moved_data_set_is_the_same(prepared, tmp_path, monkeypatch):
    config, workdir, source = prepared
    assert opened(config, workdir) == []
    source.rename(tmp_path / 'elsewhere')
    assert opened(of_folder(tmp_path / 'elsewhere'), workdir) == []
    monkeypatch.chdir(tmp_path)
    assert opened(of_folder('elsewhere/'), workdir) == []
    monkeypatch.setenv('HOME', str(tmp_path))
    assert opened(of_folder('~/elsewhere'), workdir) == []
    (tmp_path / 'elsewhere').rename(tmp_path / 'away')
    said, = opened(config, workdir)
    assert 'is not there: what was made of it is taken as it is' in said


def test_pictures_compressed_anew_are_the_same(prepared):
    config, workdir, source = prepared
    for path in source.rglob('*.png'):
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED), [cv2.IMWRITE_PNG_COMPRESSION, 0])
    assert opened(config, workdir) == []


@pytest.mark.parametrize('change, words', [
    (lambda source: cv2.imwrite(str(source / 'masks/disc/b.png'), np.eye(40, dtype=np.uint8) * 255),
     'other pictures or masks of b'),
    (lambda source: (source / 'train.txt').write_text('a\nb\nc'), r'another list of images \(with d\)'),
    (lambda source: (source / 'train.txt').write_text('b\na\nc\nd'), 'another list of images, in another order'),
    (lambda source: (source / 'coding.yaml').write_text('organs: [disc]\ncolours: [[1, 2, 3]]\n'),
     'another coding of the organs')])
def test_data_that_changed_is_named(prepared, change, words):
    config, workdir, source = prepared
    change(source)
    with pytest.raises(Outdated, match=f'records/.* no longer fits: it was made with .*{words}'):
        opened(config, workdir)
    with pytest.raises(Outdated, match=f'records/.* no longer fits: it was made with .*{words}'):
        steps.prepare(config, workdir)  # whoever asks for records is told


def test_where_millimetres_were_measured_is_part_of_the_data(tmp_path):
    source = draw_folder(tmp_path / 'source', list('abcdef'))
    config, workdir, spacing = of_folder(source), tmp_path / 'run', source / 'spacing.csv'
    spacing.write_text(''.join(f'{id},1,1,calibrated\n' for id in 'abcdef'))
    opened(config, workdir)
    steps.prepare(config, workdir)
    assert opened(config, workdir) == []
    spacing.write_text(spacing.read_text().replace('calibrated', 'detector'))
    with pytest.raises(Outdated, match='it was made with another field of view or spacing in mm'):
        opened(config, workdir)


def test_records_are_made_anew_of_changed_data_only_when_asked(prepared):
    config, workdir, source = prepared
    before = (workdir / 'records' / 'train' / 'dataset_info.json').read_bytes()
    cv2.imwrite(str(source / 'masks/disc/b.png'), np.eye(40, dtype=np.uint8) * 255)
    assert opened(config, workdir, redo=['records/train']) == ['removed: records/train']
    steps.prepare(config, workdir)
    assert (workdir / 'records' / 'train' / 'dataset_info.json').read_bytes() != before
    assert opened(config, workdir) == []


def test_pictures_are_read_again_only_where_files_changed(prepared, monkeypatch):
    config, workdir, source = prepared
    read, of_sample = [], digests.of_sample  # of a sample, and of its picture
    monkeypatch.setattr(digests, 'of_sample', lambda sample: read.append(sample.id) or of_sample(sample))
    opened(config, workdir)
    assert read == []
    path = source / 'images' / 'c.png'
    path.write_bytes(path.read_bytes() + b' ')  # behind the end of the picture
    opened(config, workdir)
    assert set(read) == {'c'}
    (workdir / digests.CACHE).write_text('{"damaged')
    opened(config, workdir)
    assert set(read) == set('abcdef')


def test_no_patient_stands_on_both_sides(tmp_path):
    source = draw_folder(tmp_path / 'source', list('abcdef'))
    (source / 'patients.csv').write_text('a,1\nb,2\nc,2\nd,3\ne,4\nf,4\n')
    config = dataclasses.replace(of_folder(source), data=dataclasses.replace(
        of_folder(source).data, num_train=2, draw=0))
    drawn, left = (sources.open_split(config, split) for split in ('train', 'left_out'))
    assert not {drawn.patients[id] for id in drawn.ids} & {left.patients[id] for id in left.ids}
    (source / 'patients.csv').write_text('a,1\nb,2\nc,2\nd,4\ne,4\nf,5\n')
    with pytest.raises(InputError, match='patient 4 has pictures in both .*set data.division=folds'):
        steps.prepare(of_folder(source), tmp_path / 'run')
