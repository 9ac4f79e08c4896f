"""The shape model as a stage: fitted, shown, drawn from; what it refuses."""
import numpy as np
import pytest
import tensorflow as tf

from datasets import anatomy, records
from datasets.errors import InputError
from pipelines.cost import dry_run
from pipelines.experiment import steps
from pipelines.plan import matrix
from pipelines.plan.methods import METHODS
from pipelines.stages.stage import draw_function, stage_io, trained_generator
from tests.conftest import tiny_config

STAGE = METHODS['two_shapes'].stages[0]


@pytest.mark.parametrize('channels', ['onehot', 'grey', 'distance'])
def test_it_draws_label_maps_like_the_real_ones_and_none_twice(tmp_path, capsys, channels):
    config = tiny_config(labels={'channels': channels}, data={'num_train': 11, 'augment': 1, 'size': 64})
    steps.train_stage(config, STAGE, tmp_path)
    assert '10 components know 100 % of how 11 label maps differ' in capsys.readouterr().out
    assert (tmp_path / 'stages' / STAGE.folder / 'samples' / 'step-00000001.png').exists()
    info = records.read_info(tmp_path / 'records' / 'train')
    network = trained_generator(config, STAGE, info.coding, tmp_path)
    draw = draw_function(stage_io(config, STAGE, info.coding), network)
    maps = draw(tf.random.stateless_normal([40, network.latent_size], [5, 6]))['labels'].numpy()
    assert maps.shape == (40, 64, 64) and maps.dtype == np.uint8 and len(np.unique(maps, axis=0)) == 40
    limits = anatomy.AnatomyRange.of([row['labels'] for row in records.read(info)], info.coding)
    assert np.mean([not limits.violations(one) for one in maps]) > 0.8
    for organ in info.coding.organs:
        assert all(info.coding.organ_mask(one, organ).any() for one in maps)


def test_one_label_map_has_no_variety(tmp_path):
    with pytest.raises(InputError, match='stage labels: expected at least 2 different label maps to learn shapes from'):
        steps.train_stage(tiny_config(data={'num_train': 1, 'augment': 1}), STAGE, tmp_path)


def test_vessels_have_no_shape(tmp_path):
    config = tiny_config(data={'dataset': 'phantom_retina', 'channels': 3, 'num_train': 2, 'augment': 1})
    with pytest.raises(InputError, match='needs organs with a place of their own, found vessels; take method two'):
        steps.train_stage(config, STAGE, tmp_path)


def test_numbers_are_refused_and_the_plan_is_told():
    with pytest.raises(InputError, match='shape_model.deviations: expected a number above 0'):
        tiny_config(regimes=['synth2s'], shape_model={'deviations': 0})
    config = tiny_config(regimes=['synth2s'])
    assert 'two_shapes/labels: shape_model' in dry_run.describe(matrix.arms_of(config))
