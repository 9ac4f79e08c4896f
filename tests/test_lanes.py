"""What either lane wrote, this one reads: trainings go on, exported models segment, records are made the same.

See lanes.py.
"""
import json
import platform

import numpy as np
import pytest

from pipelines.serving import export
from tests import lanes

FOLDERS = sorted(lanes.DATA.iterdir())


def test_there_are_artefacts_of_both_lanes():
    assert [folder.name for folder in FOLDERS] == ['2.15', '2.21']
    for folder in FOLDERS:
        written = export.read_description(folder / 'exported' / '1')['versions']
        assert written['tensorflow'].startswith(folder.name)


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda folder: folder.name)
def test_a_training_goes_on_where_the_other_lane_left_it(folder):
    training = lanes.Training()
    assert training.state.restore(folder) == lanes.DONE
    np.testing.assert_allclose(training.probabilities(), np.load(folder / 'probabilities.npy'), atol=1e-5)
    # the second step shows whether the optimiser's moments came along
    wanted = json.loads((folder / 'next.json').read_text())
    assert training.walk(lanes.MORE) == pytest.approx(wanted, rel=1e-4)
    fresh = lanes.Training()
    fresh.state.checkpoint.read(str(folder / 'checkpoints' / 'ckpt-3')).expect_partial()
    for optimizer in fresh.state.optimizers.values():
        for variable in optimizer.variables:
            variable.assign(0 * variable)
    assert fresh.walk(lanes.MORE) != pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda folder: folder.name)
def test_an_exported_model_of_the_other_lane_segments(folder):
    segment, description = export.load_segmenter(folder / 'exported' / '1')
    found = segment(lanes.picture())
    np.testing.assert_allclose(found['probabilities'][0], np.load(folder / 'probabilities.npy'), atol=1e-5)
    assert description['classes'] == ['background', 'bright']
    assert 0 < found['class_map'].numpy().mean() < 1


@pytest.mark.skipif(platform.machine() != 'x86_64', reason='pixels are rounded as on the machine that wrote these')
def test_records_have_the_same_bytes_in_both_lanes(tmp_path):
    found = lanes.records_made(tmp_path)
    assert len(found) == 2
    for folder in FOLDERS:
        assert found == json.loads((folder / 'records.json').read_text()), folder.name
