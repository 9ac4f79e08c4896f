"""Floating-point operations of a graph, read off its ops and shapes; nothing is run.

Convolutions and matrix products only, with their gradients, a multiplication and an addition counted
as two: what the rate of a matrix product can be compared with.
"""
from __future__ import annotations

import math

import tensorflow as tf

from pipelines.cost.graph_memory import bodies


def flops(graph: tf.Graph) -> int:
    """Of one run of a graph; of a condition the dearest branch, of a loop one turn.

    Raises:
      ValueError: a convolution or a product has a shape that tracing left open.
    """
    total = 0
    for op in graph.get_operations():
        total += _own(op)
        called = [flops(body) for body in bodies(op)]
        total += max(called) if op.type in ('If', 'StatelessIf') else sum(called)
    return total


def _own(op: tf.Operation) -> int:
    if op.type == 'Conv2D':
        kernel, positions = op.inputs[1].shape, op.outputs[0].shape
    elif op.type == 'Conv2DBackpropInput':
        kernel, positions = op.inputs[1].shape, op.inputs[2].shape
    elif op.type == 'Conv2DBackpropFilter':
        kernel, positions = op.outputs[0].shape, op.inputs[2].shape
    elif op.type in ('MatMul', 'BatchMatMulV2'):
        transposed = op.get_attr('transpose_a' if op.type == 'MatMul' else 'adj_x')
        inner = op.inputs[0].shape[-2 if transposed else -1]
        return 2 * inner * _elements(op, op.outputs[0].shape)
    else:
        return 0
    return 2 * math.prod(kernel[:3]) * _elements(op, positions)


def _elements(op: tf.Operation, shape: tf.TensorShape) -> int:
    count = shape.num_elements()
    if count is None:
        raise ValueError(f'{op.name}: expected a static shape, found {shape}')
    return count
