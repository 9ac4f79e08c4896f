"""MIXED k: real pairs and synthetic ones in one training; which, in which order, and as if nobody had killed it."""
import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.targets import targets_of
from pipelines.data import batches
from pipelines.plan import artefacts
from pipelines.plan.regimes import Run, parse_regime
from pipelines.segmentation import inputs, pairs as pairing, task as segmentation
from pipelines.training import loop
from tests.conftest import tiny_config
from tests.test_resume import Killed, fingerprint, killed_at

MIXED = Run(parse_regime('mixed3'))


def of(config, **changes):
    return dataclasses.replace(config, segmenter=dataclasses.replace(config.segmenter, **changes))


def test_it_learns_from_what_real_does_and_from_the_first_samples(finished):
    config, workdir = finished
    real, mixed = (pairing.pairs_of(config, Run(parse_regime(name)), workdir) for name in ('real', 'mixed3'))
    assert mixed.info.directory == real.info.directory and mixed.chooser is None and mixed.train is None
    (info, taken), = mixed.drawn
    assert info.directory.name == 'three'
    rows = [{'index': tf.constant(index, tf.int64), 'source_id': tf.constant('x')} for index in range(9)]
    assert [bool(taken(row)) for row in rows] == 6 * [True] + 3 * [False]
    (_, fewer), = pairing.pairs_of(config, MIXED._replace(num_synthetic=2), workdir).drawn
    assert [bool(fewer(row)) for row in rows] == 2 * [True] + 7 * [False]
    with pytest.raises(InputError, match='--num-synthetic 7: expected at most generation.num_train = 6'):
        pairing.pairs_of(config, MIXED._replace(num_synthetic=7), workdir)


def test_what_was_drawn_around_an_image_that_chooses_is_not_learned_from(finished):
    config, workdir = finished
    config = of(config, min_holdout_images=2, holdout=0.25)
    real, mixed = (pairing.pairs_of(config, Run(parse_regime(name)), workdir) for name in ('real', 'mixed3'))
    (_, taken), = mixed.drawn
    for source in real.info.ids:
        row = {'index': tf.constant(0, tf.int64), 'source_id': tf.constant(source)}
        assert bool(taken(row)) == bool(real.train(row)) == bool(mixed.train(row)) != bool(mixed.chooser.keep(row))
    assert mixed.chooser.info.directory == real.info.directory


@pytest.fixture(scope='module')
def sources(finished):
    """Real and synthetic records as segmenters are given them, and how to tell them: by what they are."""
    config, workdir = finished
    pairs = pairing.pairs_of(config, MIXED, workdir)
    (drawn, taken), = pairs.drawn

    def prepare(info):
        targets = targets_of(info.coding)
        own = inputs.prepare(config.segmenter, info, targets, has_ignored=True)
        return lambda row: {**own(row), 'name': row['name']}
    return pairs.info, prepare(pairs.info), batches.Source(drawn, prepare(drawn), taken)


def order_of(sources, memory, count=9, first=0, shares=None):
    info, prepare, other = sources
    stream = batches.batches(info, prepare, lambda step, keys, rows: rows, 2, 3, first, memory, None, [other], shares)
    return list(stream.take(count).as_numpy_iterator())


def test_an_epoch_shows_every_pair_of_both_once_in_one_order(sources):
    info, _, other = sources
    found = order_of(sources, 100, 14)   # 8 real records and 6 samples are 7 batches
    names = np.concatenate([batch['name'] for batch in found]).reshape(2, 14)
    wanted = {row['name'] for row in records.read(info)} | {row['name'] for row in records.read(other.info, 6)}
    assert all({*epoch} == wanted for epoch in names) and (names[0] != names[1]).any()
    assert {len({name.startswith(b'three') for name in batch['name']}) for batch in found} == {1, 2}  # not by turns
    assert all((batch['ignored'] == 0).all() and batch['ignored'].shape == (2, 48, 48) for batch in found)


def test_the_memory_limit_and_a_later_start_change_no_batch(sources):
    whole = order_of(sources, 100, 8)
    for kept, read in zip(whole[3:], order_of(sources, 0, 5, first=3)):
        assert set(kept) == set(read) and all((kept[key] == read[key]).all() for key in kept)


def test_a_share_of_every_batch_is_synthetic_each_in_an_order_of_its_own(sources):
    whole = order_of(sources, 100, 24, shares=(1, 1))
    names = np.array([batch['name'] for batch in whole])
    assert [name.startswith(b'three') for name in names[0]] == [False, True]
    real, drawn = names[:, 0], names[:, 1]
    assert len({*real[:8]}) == len({*real[8:16]}) == 8 and len({*drawn[:6]}) == len({*drawn[6:12]}) == 6
    assert (real[:8] != real[8:16]).any() and {*real} | {*drawn} == {*order_names(sources)}
    for kept, read in zip(whole[5:], order_of(sources, 0, 5, first=5, shares=(1, 1))):
        assert all((kept[key] == read[key]).all() for key in kept)


def order_names(sources):
    return np.concatenate([batch['name'] for batch in order_of(sources, 100, 7)])


def test_training_takes_the_share_and_nothing_else_depends_on_it(finished):
    config, workdir = finished
    half = dataclasses.replace(config, segmenter=dataclasses.replace(config.segmenter, mixed_share=0.5))
    pairs = pairing.pairs_of(half, MIXED, workdir)
    one, other = ([next(iter(segmentation.task_of(of_config, MIXED, pairs, workdir).phases[0].batches(step)))['image']
                   for step in range(3)] for of_config in (config, half))
    assert any((a.numpy() != b.numpy()).any() for a, b in zip(one, other))
    for name in ('real', 'synth3', 'finetune3'):
        run = Run(parse_regime(name))
        assert artefacts.segmenter_of(half, run).settings == artefacts.segmenter_of(config, run).settings
    assert artefacts.segmenter_of(half, MIXED).settings != artefacts.segmenter_of(config, MIXED).settings


@pytest.mark.parametrize('share', [0.0, 0.1, 0.9, 1.0])
def test_a_share_that_is_nothing_or_all_of_a_batch_is_refused(share):
    with pytest.raises(InputError, match=f'segmenter.mixed_share: expected a share that is some of a batch of 2 and not all, '
                                         f'with mixed3, or null, found {share}'):
        tiny_config(regimes=['real', 'mixed3'], segmenter={'mixed_share': share})
    tiny_config(regimes=['real'], segmenter={'mixed_share': share})


def test_nothing_of_the_samples_is_one_line(sources):
    info, prepare, other = sources
    with pytest.raises(InputError, match='expected records to learn from, found none'):
        order_of((info, prepare, other._replace(keep=lambda row: row['index'] > 99)), 100, 1)


def test_killed_and_repeated_equals_undisturbed(finished, tmp_path, monkeypatch):
    config, workdir = finished

    def train(directory):
        loop.train(segmentation.segmenter_task(config, MIXED, workdir), directory, **vars(config.run))

    with killed_at(monkeypatch, 3), pytest.raises(Killed):
        train(tmp_path / 'killed')
    train(tmp_path / 'killed')
    train(tmp_path / 'whole')
    assert fingerprint(tmp_path / 'killed') == fingerprint(tmp_path / 'whole')
    real = (workdir / 'segmenters/real-smanet-0/losses.jsonl').read_text()
    assert (tmp_path / 'whole/losses.jsonl').read_text() != real
