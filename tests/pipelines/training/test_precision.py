"""Training in mixed precision: finite losses near those of float32, a scale per optimiser, exports."""
import dataclasses
import shutil

import numpy as np
import pytest
import tensorflow as tf

from models.adversarial import Update, train_step
from pipelines.plan.methods import METHODS
from pipelines.plan.regimes import Run, parse_regime
from pipelines.serving import export
from pipelines.training import checkpoints, loop
from tests.test_resume import make


def mixed(config):
    return dataclasses.replace(config, precision='mixed_float16')


def first_rows(config, workdir, what, folder, count):
    task = make(config, workdir, what)
    state = checkpoints.State(task, folder)
    step_fn = loop.step_function(task, task.phases[0], state)
    rows = [{key: float(value) for key, value in step_fn(batch, tf.constant(1e-4)).items()}
            for _, batch in zip(range(count), task.phases[0].batches(0))]
    return task, state, rows


@pytest.mark.parametrize('what', ['dots', 'labels', 'real'])
def test_losses_are_finite_and_near_those_of_float32(finished, tmp_path, what):
    config, workdir = finished
    _, _, exact = first_rows(config, workdir, what, tmp_path, 1)
    task, state, rows = first_rows(mixed(config), workdir, what, tmp_path, 12)
    for update in task.phases[0].updates:
        name = update.name
        assert rows[0][f'{name}_loss'] == pytest.approx(exact[0][f'{name}_loss'], rel=2e-2, abs=1e-2)
        assert all(np.isfinite(row[f'{name}_loss']) for row in rows)
        assert np.isfinite(rows[-1][f'{name}_gradient_norm'])  # once the scale has found its place
        assert rows[-1][f'{name}_loss_scale'] >= 1
    assert len({id(optimizer) for optimizer in state.optimizers.values()}) == len(state.optimizers)
    assert all(v.dtype == tf.float32 for v in task.networks[list(task.networks)[0]].variables)
    if what != 'real':
        assert task.networks['discriminator'].compute_dtype == 'float16'


def scaled_step(gradients_overflow, loss_scale):
    """One step on a weight whose scaled gradient may overflow: (weight, optimiser, metrics)."""
    weight = tf.Variable([1.0])
    optimizer = tf.keras.mixed_precision.LossScaleOptimizer(
        tf.keras.optimizers.SGD(0.1), initial_scale=loss_scale)
    optimizer.build([weight])

    def loss(batch, made):
        slope = 3e38 if gradients_overflow else 3.0
        return tf.reduce_sum(slope * (weight - tf.stop_gradient(weight))), {}

    metrics = train_step((Update('w', [weight], loss),), {'w': optimizer}, {})
    return weight, optimizer, metrics


def test_an_overflowing_step_is_left_out_and_the_scale_lowered():
    weight, optimizer, metrics = scaled_step(True, 1024.0)
    assert weight.numpy() == [1.0] and float(optimizer.loss_scale) == 512
    assert np.isinf(float(metrics['w_gradient_norm']))
    weight, optimizer, metrics = scaled_step(False, 1024.0)
    assert weight.numpy() == pytest.approx([0.7]) and float(metrics['w_gradient_norm']) == 3


def test_exports_of_mixed_training_are_float32(finished, tmp_path):
    config, workdir = finished
    copy = tmp_path / 'run'
    shutil.copytree(workdir, copy)
    stage = METHODS['three'].stages[-1]
    exports = [export.export_segmenter(mixed(config), Run(parse_regime('real')), copy, tmp_path / 'segmenter'),
               export.export_generator(mixed(config), METHODS['three'], stage, copy,
                                       tmp_path / 'generator')]
    for path in exports:
        function = tf.saved_model.load(str(path)).signatures['serving_default']
        graph = str(function.graph.as_graph_def())  # its functions included
        assert 'DT_HALF' not in graph and 'DT_FLOAT' in graph
