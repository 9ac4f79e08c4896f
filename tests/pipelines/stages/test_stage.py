"""Stages as tasks: the schedules, and the parameter counts of the paper's configurations."""
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.labels import CHEST
from models.segmenters.smanet import SMANet
from pipelines.data.fields import drawn_fields, field_of
from pipelines.plan import config as configs, loading, methods
from pipelines.plan.methods import METHODS
from pipelines.plan.kinds.pix2pixhd import linear_decay
from pipelines.plan.translators import TRANSLATORS
from pipelines.stages import pggan
from pipelines.stages.stage import stage_io, stage_networks
from tests.conftest import tiny_config

FOLDER = Path(configs.__file__).parents[1] / 'configs'


def counts(config, method, name):
    stage = methods.parse_stage(METHODS[method], name)
    networks = stage_networks(config, stage_io(config, stage, CHEST))
    return {key: network.count_params() for key, network in networks.items()}


@pytest.mark.parametrize('method, name, generator, discriminator', [
    ('three', 'dots', 398_277, 399_233),    # 64 px, 1 channel
    ('two', 'labels', 580_825, 582_001),    # 1024 px, 1 channel
    ('single', 'pair', 581_330, 582_497),   # 1024 px, 2 channels
])
def test_pggan_of_the_paper_has_the_specified_size(method, name, generator, discriminator):
    found = counts(loading.load_config(str(FOLDER / 'jsrt_full.yaml')), method, name)
    assert found == {'generator': generator, 'generator_average': generator,
                     'discriminator': discriminator}


def test_pix2pixhd_of_the_paper_has_the_specified_size():
    found = counts(loading.load_config(str(FOLDER / 'jsrt_full.yaml')), 'three', 'image')
    assert found['global_generator'] == 182_452_673  # 8 codes in, 1 channel out; at 512 px
    assert set(found) == {'generator', 'global_generator', 'discriminator'}


def test_smanet_of_the_paper_has_the_specified_size():
    rgb = SMANet(4, channels=3)
    assert sum(int(tf.size(v)) for v in rgb.trainable_variables) == 51_018_948
    assert sum(int(tf.size(v)) for v in rgb.non_trainable_variables) == 60_416


def test_linear_decay_is_the_official_schedule():
    rates = [linear_decay(epoch, 2e-4, 100, 100) for epoch in (1, 100, 101, 102, 151, 200)]
    np.testing.assert_allclose(rates, [2e-4, 2e-4, 2e-4, 2e-4 * 0.99, 1e-4, 2e-6], rtol=1e-9)


def test_weights_are_a_function_of_seed_and_stage():
    config = tiny_config()
    io = stage_io(config, METHODS['three'].stages[0], CHEST)
    first, again = (stage_networks(config, io)['generator'].get_weights() for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, again))


@pytest.mark.parametrize('channels', ['grey', 'onehot', 'distance'])
@pytest.mark.parametrize('name', ['image', 'labels', 'dots'])
def test_fields_come_back_from_their_channels(name, channels):
    field = field_of(name, tiny_config(labels={'channels': channels}), CHEST)
    values = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    given = values / 127.5 - 1 if name == 'image' else values
    drawn = field.encode(tf.constant(given[..., None] if name == 'image' else given))
    assert drawn.shape[-1] == field.channels
    assert (field.decode(drawn).numpy() == values).all()
    assert field.picture(values[0]).shape == (2, 3, 3)


@pytest.mark.parametrize('channels, method, amplitude', [
    ('onehot', 'single', 0.25), ('grey', 'single', 1.0), ('onehot', 'two', 1.0), ('distance', 'single', 0.25)])
def test_labels_drawn_beside_the_picture_do_not_drown_it(channels, method, amplitude):
    config = tiny_config(labels={'channels': channels})
    field = drawn_fields(config, METHODS[method].stages[0], CHEST)[-1]
    codes = np.arange(8, dtype=np.uint8).reshape(1, 2, 4)
    drawn = field.encode(tf.constant(codes))
    assert (field.name, float(tf.reduce_max(tf.abs(drawn)))) == ('labels', amplitude)
    assert (field.decode(drawn).numpy() == codes).all()


def test_stages_that_learn_the_same_share_their_folder():
    assert METHODS['two'].stages[-1].folder == METHODS['three'].stages[-1].folder == 'image_from_labels'
    assert {folder: stage.kind for folder, stage in methods.all_stages().items()
            if stage not in TRANSLATORS.values()} == {
        'image_labels': 'pggan', 'labels': 'pggan', 'image_from_labels': 'pix2pixhd',
        'dots': 'pggan', 'labels_from_dots': 'pix2pixhd', 'labels_of_shapes': 'shape_model', 'image_guided': 'pix2pixhd',
        'image_from_more': 'pix2pixhd', 'image_from_region': 'dfgan', 'image_from_region_plain': 'pix2pix'}


def test_another_model_may_not_take_a_stages_folder(monkeypatch):
    one = METHODS['two'].stages[-1]
    other = methods.Method('other', '9', 'Other', (one._replace(kind='pggan', consumes=None),))
    monkeypatch.setitem(METHODS, 'other', other)
    with pytest.raises(InputError, match="method 'other': stage 'image': expected a folder of its own, "
                                         "found that of another stage, 'image_from_labels'"):
        methods.all_stages()


def test_dots_that_merge_are_refused(finished):
    config, workdir = finished
    info = records.read_info(workdir / 'records' / 'train')
    wide = tiny_config(data={'dots_radius': 8})
    with pytest.raises(InputError, match='training samples dots touch and merge .*; raise data.dots_size'):
        pggan.check_dots(info, wide.data.dots_radius)
