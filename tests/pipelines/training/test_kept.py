"""Graphs that outlive a training: what takes them over computes what it would have computed with its own."""
import dataclasses

import pytest

from datasets.errors import Diverged
from pipelines.plan.regimes import Run, parse_regime
from pipelines.segmentation.task import segmenter_task
from pipelines.training import kept, loop
from tests.test_resume import Killed, fingerprint, killed_at, make, undisturbed


@pytest.fixture(autouse=True)
def alone():
    kept.forget()
    yield
    kept.forget()


@pytest.fixture
def traced(monkeypatch):
    """The names of the updates of every graph that is traced."""
    found, own = [], loop.step_graph
    monkeypatch.setattr(loop, 'step_graph', lambda task, state, due: found.append(
        tuple(update.name for update in due)) or own(task, state, due))
    return found


def train(task, folder, config):
    loop.train(task, folder, **vars(config.run))


def seeded(config, seed):
    return dataclasses.replace(config, seed=seed)


@pytest.mark.parametrize('what, graphs', [('real', 1), ('labels', 1), ('dots', 4)])
def test_the_second_of_a_shape_is_what_it_would_be_alone(finished, tmp_path, traced, what, graphs):
    config, workdir = finished
    train(make(seeded(config, 2), workdir, what), tmp_path / 'first', config)
    train(make(config, workdir, what), tmp_path / 'second', config)
    assert len(traced) == graphs
    assert fingerprint(tmp_path / 'second') == fingerprint(undisturbed(workdir, what)) != fingerprint(tmp_path / 'first')


def test_regimes_share_one_graph_also_when_killed_and_other_settings_have_their_own(finished, tmp_path, traced, monkeypatch):
    config, workdir = finished
    with killed_at(monkeypatch, 3), pytest.raises(Killed):
        train(make(config, workdir, 'real'), tmp_path / 'real', config)
    train(make(config, workdir, 'first'), tmp_path / 'first', config)
    train(make(config, workdir, 'real'), tmp_path / 'real', config)
    assert len(traced) == 1
    assert fingerprint(tmp_path / 'real') == fingerprint(undisturbed(workdir, 'real'))
    other = dataclasses.replace(config, segmenter=dataclasses.replace(config.segmenter, average_decay=0.9))
    train(make(other, workdir, 'real'), tmp_path / 'other', config)
    assert len(traced) == 2


def test_what_failed_and_what_is_large_is_not_kept(finished, tmp_path, traced, monkeypatch):
    config, workdir = finished

    def fail(*_):
        raise Diverged('not finite')
    with monkeypatch.context() as patch:
        patch.setattr(loop, '_checked', fail)
        with pytest.raises(Diverged):
            train(make(config, workdir, 'labels'), tmp_path / 'failed', config)
    monkeypatch.setattr(kept, 'MOST_BYTES', 1000)
    for folder in ('one', 'two'):
        train(make(config, workdir, 'labels'), tmp_path / folder, config)
    assert len(traced) == 2


def test_half_precision_and_several_devices_share_nothing(finished):
    config, workdir = finished
    half = dataclasses.replace(config, precision='mixed_float16')
    assert make(config, workdir, 'labels').key and segmenter_task(config, Run(parse_regime('real')), workdir).key
    assert make(half, workdir, 'labels').key is None
    assert segmenter_task(half, Run(parse_regime('real')), workdir).key is None
