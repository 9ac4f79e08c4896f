"""Generation: every sample has an address; what fails the check is counted and, if asked, redrawn."""
import dataclasses
import shutil

import numpy as np
import pytest

from datasets import records
from datasets.errors import InputError
from pipelines.plan.methods import METHODS
from pipelines.synthesis import generate
from pipelines.synthesis.sampling import load_sampler

THREE = METHODS['three']


@pytest.fixture(scope='module')
def sampler(finished):
    config, workdir = finished
    return load_sampler(config, THREE, workdir)


def test_a_block_does_not_depend_on_what_was_drawn_before(sampler):
    first = generate.draw_block(sampler, 4)
    generate.draw_block(sampler, 0)
    again = generate.draw_block(sampler, 4)
    for field in ('dots', 'labels', 'image'):
        assert first[field].shape[0] == sampler.config.generation.block
        assert (first[field] == again[field]).all()


def test_the_same_samples_in_other_shards(finished, tmp_path):
    config, workdir = finished
    whole = records.load_arrays(records.read_info(workdir / 'synthetic' / 'three'))
    copy = tmp_path / 'run'
    shutil.copytree(workdir, copy, ignore=shutil.ignore_patterns('synthetic'))
    config = dataclasses.replace(config, generation=dataclasses.replace(config.generation, shard=8))
    info = generate.generate(config, THREE, copy, count=7)
    other = records.load_arrays(info)
    assert [s['count'] for s in info.shards] == [7]
    for field in ('dots', 'labels', 'image', 'index', 'name'):
        assert (other[field] == whole[field][:7]).all()
    assert info.notes['samples'] == 7
    assert info.notes['pixels'] == 7 * 48 * 48


def test_records_hold_address_and_recipe(finished):
    config, workdir = finished
    info = records.read_info(workdir / 'synthetic' / 'three')
    assert info.count == 9 and [s['count'] for s in info.shards] == [4, 4, 1]
    assert records.load_arrays(info)['index'].tolist() == list(range(9))
    assert set(info.made['weights']) == {'dots', 'labels_from_dots', 'image_from_labels'}
    assert (workdir / 'synthetic' / 'three' / 'samples.png').is_file()


def test_other_weights_are_another_recipe(finished, tmp_path):
    config, workdir = finished
    copy = tmp_path / 'run'
    shutil.copytree(workdir, copy)
    with pytest.raises(InputError, match='holds records made with another count'):
        generate.generate(config, THREE, copy, count=5)


def fake(sampler, monkeypatch, failing):
    """Draws nothing: sample i of a block fails its first `failing[i]` attempts."""
    def draw(sampler, stages, fields, first, attempts):
        fields['labels'] = np.repeat(attempts, 4).reshape(len(attempts), 2, 2).astype(np.uint8)
        return [['heart: missing'] if a < f else [] for a, f in zip(attempts, failing)]
    monkeypatch.setattr(generate, '_draw', draw)
    method = sampler.method._replace(stages=())
    config = sampler.config
    labels = dataclasses.replace(config.labels, reject=True)
    return sampler._replace(method=method, config=dataclasses.replace(config, labels=labels))


def test_only_failing_samples_are_redrawn(sampler, monkeypatch):
    block = generate.draw_block(fake(sampler, monkeypatch, [0, 2, 0, 1]), 0)
    assert block['attempts'].tolist() == [0, 2, 0, 1]
    assert [bool(f) for f in block['failures']] == [False, True, False, True]


def test_too_many_attempts_name_sample_and_reason(sampler, monkeypatch):
    with pytest.raises(InputError, match='sample 10: failed the anatomical check 100 times.*heart: '
                                         'missing.*set labels.reject=false'):
        generate.draw_block(fake(sampler, monkeypatch, [0, 0, 999, 0]), 8)


def test_an_untrained_stage_is_named(finished, tmp_path):
    config, workdir = finished
    shutil.copytree(workdir / 'records', tmp_path / 'records')
    with pytest.raises(InputError, match='dots is not trained yet'):
        generate.generate(config, THREE, tmp_path)
