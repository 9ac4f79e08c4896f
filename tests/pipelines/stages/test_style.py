"""Pix2PixHD with styles: trained, killed and repeated; one label map makes many pictures, by address and by hand."""
import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from pipelines.experiment import steps
from pipelines.plan.methods import LABELS_TO_IMAGE, METHODS
from pipelines.serving import export, onnx_file
from pipelines.serving.portable import portable_generator
from pipelines.stages import stage
from pipelines.synthesis import generate, sampling
from tests.conftest import tiny_config
from tests.test_resume import Killed, fingerprint, train

HOW = {'style_size': 3, 'style_weight': 0.5}


def test_killed_and_repeated_equals_undisturbed(tmp_path, monkeypatch):
    config = tiny_config(pix2pixhd=HOW)
    with pytest.raises(Killed):
        train(config, tmp_path, 'labels', tmp_path / 'killed', monkeypatch, 3)
    train(config, tmp_path, 'labels', tmp_path / 'killed', monkeypatch)
    train(config, tmp_path, 'labels', tmp_path / 'whole', monkeypatch)
    assert fingerprint(tmp_path / 'killed') == fingerprint(tmp_path / 'whole')
    rows = [json.loads(line) for line in (tmp_path / 'whole' / 'losses.jsonl').read_text().splitlines()]
    assert all(row['style_loss'] > 0 for row in rows)


def test_batches_hold_two_styles_of_each_picture_and_two_rows_are_shown(tmp_path):
    config = tiny_config(pix2pixhd={**HOW, 'enhancers': 1, 'enhancer_epochs': 1, 'scales': 1})
    info = steps.prepare(config, tmp_path)
    task = stage.stage_task(config, LABELS_TO_IMAGE, {'train': info})
    one, again = (next(iter(task.phases[-1].batches(2)))['style'].numpy() for _ in range(2))
    assert one.shape == (config.kinds['pix2pixhd'].batch_size, 2, 3, 3) and (one == again).all()
    assert len(np.unique(one)) == one.size
    plain = stage.stage_task(tiny_config(), LABELS_TO_IMAGE, {'train': info})
    assert 'style' not in next(iter(plain.phases[0].batches(0)))
    rows, = {phase.sheet(0).shape[0] / of.sheet(0).shape[0] for phase, of in ((task.phases[-1], plain.phases[0]),)}
    assert rows == pytest.approx(4 / 3, abs=0.01)


@pytest.fixture
def styled(finished):
    """(config, io, network) of an untrained image stage with styles."""
    config = tiny_config(pix2pixhd=HOW)
    io = stage.stage_io(config, LABELS_TO_IMAGE, records.read_info(finished[1] / 'records' / 'train').coding)
    return config, io, stage.stage_networks(config, io)['generator']


def test_samples_of_one_label_map_differ_by_their_address(finished, styled):
    """Whichever block they lie in; the stage that makes them takes none of its own without styles."""
    config, workdir = finished
    _, io, network = styled
    sampler, folder = sampling.load_sampler(config, METHODS['three'], workdir), LABELS_TO_IMAGE.folder
    assert sampling.style(sampler, LABELS_TO_IMAGE, 0, np.zeros(2, int)) == []
    sampler = sampler._replace(style_sizes={**sampler.style_sizes, folder: 3},
                               draw={**sampler.draw, folder: stage.draw_function(io, network)})
    block = generate.draw_block(sampler, 4)
    size = len(block['labels'])
    first, = sampling.style(sampler, LABELS_TO_IMAGE, 4, np.zeros(size, int))
    shifted, = sampling.style(sampler, LABELS_TO_IMAGE, 5, np.zeros(size, int))
    np.testing.assert_array_equal(first[1:], shifted[:-1])
    assert len(np.unique(first)) == first.size
    same = np.repeat(block['labels'][:1], 2, 0)
    pictures = sampler.draw[folder](tf.constant(same), tf.constant(first[:2]))['image'].numpy().astype(int)
    assert np.abs(pictures[0] - pictures[1]).max() > 1
    of_block = sampler.draw[folder](tf.constant(block['labels']), tf.constant(first))['image'].numpy()
    np.testing.assert_array_equal(of_block, block['image'])


def test_an_exported_stage_takes_styles(styled, tmp_path):
    pytest.importorskip('tf2onnx', reason='EXTRAS=1 bash tools/setup_environment.sh')
    _, io, network = styled
    portable = portable_generator(io, network)
    exported = export.Exported(SimpleNamespace(weights=network.variables), {}, {'versions': {}}, lambda: portable)
    session, description = onnx_file.open_model(onnx_file.write(exported, tmp_path / 'styled.onnx'))
    assert [value.name for value in session.get_inputs()] == ['labels', 'style']
    assert 'another picture of the same labels' in description['onnx']['style']
    given = portable.examples[1]
    first, second = (session.run(None, {**given, 'style': style})[0].astype(int)
                     for style in (given['style'], -given['style']))
    assert np.abs(first - second).max() > 1
    without = io._replace(settings=dataclasses.replace(io.settings, style_size=0))
    assert [spec.name for spec in export.given_specs(without, network)] == ['labels']


def test_what_could_not_be_a_style_is_refused():
    with pytest.raises(InputError, match='style_size: expected 0, or a grid of at least 2, for one number is lost'):
        tiny_config(pix2pixhd={'style_size': 1})
    with pytest.raises(InputError, match='style_size: expected a number from 0 on, found -1'):
        tiny_config(pix2pixhd={'style_size': -1})
