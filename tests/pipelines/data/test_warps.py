"""Our own warps: bit by bit those of TensorFlow Addons, and right where there is no Addons to ask."""
import numpy as np
import pytest
import tensorflow as tf

from pipelines.data import warps

with_addons = pytest.mark.skipif(
    not warps.HAS_ADDONS, reason='TensorFlow Addons ended with TensorFlow 2.15: nothing to compare with')


@pytest.fixture()
def rng():
    return np.random.default_rng(0)


@with_addons
@pytest.mark.parametrize('interpolation', ['nearest', 'bilinear'])
@pytest.mark.parametrize('fill', ['constant', 'nearest'])
@pytest.mark.parametrize('kind', [np.float32, np.uint8])
def test_projections_are_those_of_addons(rng, interpolation, fill, kind):
    pictures = tf.constant(rng.integers(0, 255, (5, 17, 23, 2)).astype(kind))
    matrices = tf.constant(np.eye(3).ravel()[:8] + rng.normal(0, .1, (5, 8)) * [1, 1, 30, 1, 1, 30, .02, .02],
                           tf.float32)
    own = warps.own_project(pictures, matrices, interpolation, fill)
    assert (own.numpy() == warps.project(pictures, matrices, interpolation, fill).numpy()).all()


@with_addons
@pytest.mark.parametrize('inside', ['eagerly', 'in a graph'])
def test_flows_are_those_of_addons(rng, inside):
    pictures = tf.constant(rng.normal(0, 1, (5, 17, 23, 2)), tf.float32)
    displacements = tf.constant(rng.normal(0, 6, (5, 17, 23, 2)), tf.float32)  # many beyond the frame
    own = tf.function(warps.own_flow) if inside == 'in a graph' else warps.own_flow
    assert (own(pictures, displacements).numpy() == warps.flow(pictures, displacements).numpy()).all()


def test_a_flow_samples_where_its_displacement_came_from():
    ramp = np.arange(20, dtype=np.float32).reshape(1, 4, 5, 1)  # 5 * row + column: bilinear sums are exact
    moved = warps.own_flow(ramp, np.full((1, 4, 5, 2), [0.5, -1.25], np.float32))[0, ..., 0].numpy()
    assert moved[2].tolist() == [5 * 1.5 + 1.25, 5 * 1.5 + 2.25, 5 * 1.5 + 3.25, 5 * 1.5 + 4, 5 * 1.5 + 4]
    assert moved[0].tolist() == [1.25, 2.25, 3.25, 4, 4]


@pytest.mark.parametrize('fill, wanted', [('constant', [0, 0, 1, 2]), ('nearest', [1, 1, 1, 2])])
def test_a_projection_shifts_and_fills(fill, wanted):
    row = np.arange(1, 5, dtype=np.float32).reshape(1, 1, 4, 1)
    matrix = np.array([[1, 0, -2, 0, 1, 0, 0, 0]], np.float32)
    assert warps.own_project(row, matrix, 'nearest', fill).numpy().ravel().tolist() == wanted
