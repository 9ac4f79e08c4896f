"""Photographs of the retina in colour through the stages: pairs of 3 + 1 channels, photographs from vessel maps."""
from pathlib import Path

import numpy as np
import pytest

from datasets import records
from datasets.labels import VESSELS
from pipelines.experiment import steps
from pipelines.plan import loading, matrix
from pipelines.plan.methods import METHODS
from pipelines.plan.regimes import methods_of
from pipelines.plan.workdir import Workdir
from pipelines.stages.stage import stage_io
from tests.conftest import tiny_config

CONFIG = {
    'regimes': ['synth1', 'synth2'], 'labels': {'channels': 'distance', 'clean': True, 'reject': False},
    'data': {'dataset': 'phantom_retina', 'channels': 3, 'size': 8, 'num_train': 2, 'dots_size': 16},
    'pggan': {'batch_sizes': {4: 4, 8: 4}, 'stable_images': 4},
    'pix2pixhd': {'downsamplings': 1, 'layers': 1, 'scales': 1},
    'generation': {'num_train': 3, 'num_validation': 2}}


@pytest.mark.parametrize('method, channels', [('single', [4]), ('two', [1, 3])])
def test_a_method_makes_pairs_in_colour_that_are_known_everywhere(tmp_path, method, channels):
    config, method = tiny_config(**CONFIG), METHODS[method]
    info = steps.prepare(config, tmp_path)
    assert info.channels == 3 and info.has_ignored               # what the camera did not see
    for stage in method.stages:
        steps.train_stage(config, stage, tmp_path)
    assert [stage_io(config, stage, info.coding).channels for stage in method.stages] == channels
    steps.generate(config, method, tmp_path)
    made = records.read_info(Workdir(tmp_path).samples(method))
    assert (made.count, made.channels, made.has_ignored, made.coding) == (5, 3, False, info.coding)
    rows = records.load_arrays(made, ['image', 'labels'])
    assert rows['image'].shape == (5, 8, 8, 3) and set(np.unique(rows['labels'])) <= {0, 1}
    assert (rows['image'].astype(int).max(-1) > rows['image'].min(-1)).any()   # colours, not three times a grey
    assert set(made.notes) >= {'samples', 'failed_check', 'pixels_cleaned'}


def test_the_demo_has_the_stages_of_both_methods_in_colour():
    """Its scale is small; its method is that of chase_cpu."""
    folder = Path(loading.__file__).parents[1] / 'configs'
    demo, chase = (loading.load_config(str(folder / f'{name}.yaml')) for name in ('demo_retina', 'chase_cpu'))
    arm, = matrix.arms_of(demo)
    assert (demo.data.dataset, demo.data.source, demo.data.channels) == ('phantom_retina', None, 3)
    assert set(demo.regimes) == {*chase.regimes} - {'restart'} and demo.labels == chase.labels
    assert {run.name for run in arm.runs} == {f'{regime}-unet-0' for regime in demo.regimes}
    stages = [stage for method in methods_of([run.regime for run in arm.runs]) for stage in method.stages]
    assert sorted(stage_io(demo, stage, VESSELS).channels for stage in stages) == [1, 3, 4]
