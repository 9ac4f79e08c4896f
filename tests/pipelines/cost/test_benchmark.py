"""The benchmark's figures: ratios, targets, and every kind of measurement on the smallest networks."""
import subprocess
import sys
from pathlib import Path

import tensorflow as tf

from datasets import records
from pipelines.cost import benchmark, benchmark_parts, graph_flops

ROOT = Path(__file__).resolve().parents[3]
SMALL = {'width': 0.125, 'blocks': [1, 1, 1, 1], 'crop': 41, 'batch_size': 2}


def test_targets_are_bounds_of_the_ratio():
    def figure(value, target, more):
        return benchmark.Figure('x', value, 2.0, 's', target, more)
    assert figure(3.0, 1.5, False).is_met and not figure(3.1, 1.5, False).is_met
    assert figure(3.0, 1.5, True).is_met and not figure(2.9, 1.5, True).is_met
    assert figure(3.0, 1.5, True).ratio == 1.5


def test_a_step_and_its_pipeline_and_its_network(tmp_path):
    task = benchmark.segmenter_task(tmp_path, **SMALL)
    network = task.networks['network']
    forward = graph_flops.flops(tf.function(lambda x: network(x, training=False)).get_concrete_function(
        tf.TensorSpec([2, 41, 41, 1])).graph)
    measured = benchmark.step(task, repeats=1)
    # forward, and backward to weights and to all but the picture
    assert 2.8 * forward < measured.operations <= 3 * forward
    assert measured.rate == measured.operations / measured.seconds / 1e9 and measured.matrix_rate > 0
    assert benchmark.operations_of(task) == measured.operations / 2

    info = records.read_info(tmp_path / 'records' / 'train')
    decoding, v100 = benchmark.pipeline('x', task, info, samples=6, operations=1e9)
    assert decoding.value == v100.value > 0 and v100.limit == 35 * 3 * 274.81
    window = benchmark.sliding_window(network, 41, 90, repeats=1)
    assert 'sliding window, 9 of 41 px' in window.name and window.value > 0


def test_it_runs_where_random_numbers_need_a_seed():
    """As on a GPU, where op determinism is on."""
    code = ('import tensorflow as tf; tf.config.experimental.enable_op_determinism(); '
            'from pipelines.cost import benchmark, product; product.PRODUCT_SIDE = 64; product.matrix_product()(); '
            'benchmark.sliding_window(lambda x, training: tf.repeat(x, 4, -1), 41, 50, repeats=1)')
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_records_are_written(tmp_path):
    figure, = benchmark_parts.part('writing', tmp_path / 'writing', quick=True)
    assert records.read_info(tmp_path / 'writing' / 'writing0').count == 100
    assert figure.ratio > 0.5 and figure.unit == 's'
