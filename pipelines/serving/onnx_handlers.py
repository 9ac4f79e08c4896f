"""What tf2onnx 1.17 writes wrongly, or slowly, written otherwise.

A handler is (graph, node, name, unused) -> None: it replaces a node of TensorFlow's by nodes of ONNX.
"""
from __future__ import annotations

from typing import Callable, Dict

import numpy as np

TO_NCHW, TO_NHWC, TO_IOHW = [0, 3, 1, 2], [0, 2, 3, 1], [3, 2, 0, 1]


def resize_to_sizes(ctx, node, name, args) -> None:
    """tf2onnx's handler of ResizeBilinear, which writes scales in float32 where it knows both sizes, and 12 to 23 comes
    out as 22. It is told that it does not know them."""
    from tf2onnx.onnx_opset.nn import Resize
    ctx.insert_new_node_on_input(node, 'Identity', node.input[1], input_index=1)
    Resize.version_11(ctx, node)


def gather_nearest(ctx, node, name, args) -> None:
    """The handler of ResizeNearestNeighbor at half-pixel centres, as tf.image.resize has it: rows and columns are taken
    where TensorFlow takes them, by float32. ONNX has given those coordinates up, and onnxruntime has others."""
    found, (_, *sides, _) = node.input[0], ctx.get_shape(node.input[0])
    wanted = node.inputs[1].get_tensor_value()
    last = {'name': name, 'outputs': node.output, 'shapes': node.output_shapes, 'dtypes': node.output_dtypes}
    ctx.remove_node(name)
    for axis, before, after, more in zip((1, 2), sides, wanted, ({}, last)):
        middles = (np.arange(after, dtype=np.float32) + np.float32(0.5)) * (np.float32(before) / np.float32(after))
        places = np.minimum(np.floor(middles).astype(np.int64), before - 1)
        taken = ctx.make_const(f'{name}_places_{axis}', places).output[0]
        found = ctx.make_node('Gather', [found, taken], {'axis': axis}, **more).output[0]


def convolve_transposed(ctx, node, name, args) -> None:
    """Of Conv2DBackpropInput, whose explicit padding tf2onnx passes over."""
    if node.get_attr_value('padding') != b'EXPLICIT':
        from tf2onnx.onnx_opset.nn import ConvTranspose
        return ConvTranspose.version_11(ctx, node)
    (top, bottom), (left, right) = np.reshape(node.get_attr_value('explicit_paddings'), [4, 2])[1:3].tolist()
    strides = list(node.get_attr_value('strides'))[1:3]
    last = {'name': name, 'outputs': node.output, 'shapes': node.output_shapes, 'dtypes': node.output_dtypes}
    given, kernel = (ctx.make_node('Transpose', [node.input[number]], {'perm': perm}).output[0]
                     for number, perm in ((2, TO_NCHW), (1, TO_IOHW)))
    ctx.remove_node(name)
    made = ctx.make_node('ConvTranspose', [given, kernel], {'strides': strides, 'pads': [top, left, bottom, right]})
    ctx.make_node('Transpose', made.output, {'perm': TO_NHWC}, **last)


def softmax(ctx, node, name, args) -> None:
    """Of Softmax over the last axis, as its parts. tf2onnx moves the transposition to NHWC behind it, and over channels
    in the second place onnxruntime's own is slow: a fifth of a small U-Net's time."""
    last = {'name': name, 'outputs': node.output, 'shapes': node.output_shapes, 'dtypes': node.output_dtypes}
    given, axis = node.input[0], ctx.make_const(f'{name}_axis', np.array([-1], np.int64)).output[0]
    ctx.remove_node(name)
    most = ctx.make_node('ReduceMax', [given], {'axes': [-1], 'keepdims': 1}).output[0]
    powers = ctx.make_node('Exp', ctx.make_node('Sub', [given, most]).output).output[0]
    total = ctx.make_node('ReduceSum', [powers, axis], {'keepdims': 1}).output[0]
    ctx.make_node('Div', [powers, total], **last)


HANDLERS: Dict[str, Callable] = {'ResizeBilinear': resize_to_sizes, 'ResizeNearestNeighbor': gather_nearest,
                                 'Conv2DBackpropInput': convolve_transposed, 'Softmax': softmax}
