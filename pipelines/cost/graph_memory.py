"""The most memory that a graph takes at a time, read off its ops and shapes; nothing is run.

The ops are walked in the order of TensorFlow's executor, and every tensor is held from the op that
makes it to the last op that takes it. What the walk knows of the runtime, from experiments with
TensorFlow 2.15 on CPU, one inter-op thread:
  order      reads, constants and scalars first; then the arguments one after the other, each with
             all that it sets going, where the op that became ready last goes first;
  sharing    identities, reshapes, reads of variables and transposes that move nothing share their
             input's memory; element-wise ops write into an input that nobody else needs;
  variables  stay; an update of one that an op still has to read copies it first;
  constants  zeros and ones of a known shape are made once and stay (grappler folds them);
  workspace  a convolution copies its kernel into the library's layout; where oneDNN has no kernel
             its gradients also unfold one sample to [height, width, inputs of the kernel];
  malloc     gives blocks above 32 MiB back at once, and keeps what it has for smaller ones.
Sizes are in bytes. A dimension that tracing leaves open makes its tensor count as nothing: only
tiny ones have them where the batch has none.
"""
from __future__ import annotations

import collections
from typing import Dict, Iterator, List, Optional, Tuple

import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port

_QUICK = 2 ** 16  # an op that takes and makes less runs as soon as it can
_LARGE = 2 ** 25  # see malloc above
_SHARES = {'ExpandDims', 'Identity', 'IdentityN', 'PreventGradient', 'ReadVariableOp', 'Reshape',
           'Squeeze', 'StopGradient'}
_IN_PLACE = {
    'Abs', 'Add', 'AddN', 'AddV2', 'BiasAdd', 'Div', 'Elu', 'EluGrad', 'Exp', 'LeakyRelu',
    'LeakyReluGrad', 'Log', 'Maximum', 'Minimum', 'Mul', 'Neg', 'Pow', 'RealDiv', 'Relu',
    'ReluGrad', 'Rsqrt', 'RsqrtGrad', 'SelectV2', 'Sigmoid', 'SigmoidGrad', 'Sign', 'Sqrt',
    'SqrtGrad', 'Square', 'SquaredDifference', 'Sub', 'Tanh', 'TanhGrad'}
_UPDATES = {'AssignAddVariableOp', 'AssignSubVariableOp', 'ResourceApplyAdam'}
_CONSTANT = {'Const', 'Fill', 'OnesLike', 'ZerosLike'}

Buffer = List[int]  # [bytes, holders]


def peak_bytes(graph: tf.Graph) -> int:
    """The most that the variables, arguments and tensors of a graph take at a time.

    Args:
      graph: of a concrete function, of which what its results and side effects need counts; or any
        other, of which all counts and what no op takes stays.
    """
    return sum(peak_and_variable_bytes(graph))


def peak_and_variable_bytes(graph: tf.Graph, is_body: bool = False) -> Tuple[int, int]:
    """(peak without the variables, the variables that the graph reads or writes).

    Args:
      is_body: whether variables and arguments are a caller's, who has counted them.
    """
    ops, heap = _needed_ops(graph), _Heap()
    sizes = _variable_bytes(ops)
    held = {name: [size, 1] for name, size in sizes.items()}
    takers = collections.Counter(t.name for op in ops for t in _sources(op))
    results = getattr(graph, 'outputs', [t for op in ops for t in op.outputs if not takers[t.name]])
    takers.update(_origin(t).name for t in results)
    for op in ops:
        if op.type in _CONSTANT or _is_argument(op):
            made, = op.outputs
            size = 0 if is_body and _is_argument(op) else size_of(made)
            held[made.name] = heap.allocate(size, holders=1 + takers[made.name])
    for op in _execution_order(ops):
        _run(op, heap, held, takers)
    return heap.peak, 0 if is_body else sum(sizes.values())


def size_of(tensor) -> int:
    """Bytes of a tensor or a variable."""
    return 0 if tensor.dtype == tf.resource else (
        (tensor.shape.num_elements() or 0) * tensor.dtype.size)


class _Heap:
    """What malloc has of the system."""

    def __init__(self):
        self.large = self.small = self.pool = self.peak = 0

    def allocate(self, size: int, holders: int = 0) -> Buffer:
        self._add(size, size)
        return [size, holders]

    def release(self, buffer: Buffer) -> None:
        buffer[1] -= 1
        if not buffer[1]:
            self._add(-buffer[0], buffer[0])

    def _add(self, change: int, size: int) -> None:
        if size > _LARGE:
            self.large += change
        else:
            self.small += change
            self.pool = max(self.pool, self.small)
        self.peak = max(self.peak, self.large + self.pool)


def _run(op: tf.Operation, heap: _Heap, held: Dict[str, Buffer], takers: Dict[str, int]) -> None:
    """One op: its outputs join `held`; a variable that it writes may get another buffer there."""
    sources = _sources(op)
    taken = [held[t.name] for t in sources]
    done = [buffer for t, buffer in zip(sources, taken) if t.dtype != tf.resource]
    if op.type in _UPDATES and taken[0][1] > 1:
        held[sources[0].name] = heap.allocate(taken[0][0], holders=1)
        done.append(taken[0])
    for index, tensor in enumerate(op.outputs):
        if tensor.name not in held:
            buffer = _given_back(op, index, taken) or heap.allocate(_output_bytes(op, index))
            buffer[1] += 1 + takers[tensor.name]
            held[tensor.name] = buffer
            done.append(buffer)
    done.append(heap.allocate(_workspace_bytes(op), holders=1))
    if op.type == 'AssignVariableOp':
        held[sources[0].name] = taken[1]
        taken[1][1] += 1
        done.append(taken[0])
    for buffer in done:
        heap.release(buffer)


def _given_back(op: tf.Operation, index: int, taken: List[Buffer]) -> Optional[Buffer]:
    """Which of the buffers that an op takes becomes this output of it."""
    if op.type in _SHARES or op.type == 'Transpose' and _moves_nothing(op):
        return taken[index]
    if op.type in _IN_PLACE:
        return next((b for b in taken if b == [size_of(op.outputs[index]), 1]), None)
    return None


def _moves_nothing(transpose: tf.Operation) -> bool:
    before, after = ([size for size in t.shape if size != 1]
                     for t in (transpose.inputs[0], transpose.outputs[0]))
    return before == after


def _output_bytes(op: tf.Operation, index: int) -> int:
    if op.type == 'FusedBatchNormV3' and index == 5:  # has no shape; where a ReLU follows, a mask
        return size_of(op.outputs[0]) // 8
    return size_of(op.outputs[index])


def _workspace_bytes(op: tf.Operation) -> int:
    """What an op needs only while it runs."""
    if not op.type.startswith('Conv2D'):
        return max((sum(peak_and_variable_bytes(body, is_body=True)) for body in bodies(op)),
                   default=0)
    kernel = op.outputs[0] if op.type == 'Conv2DBackpropFilter' else op.inputs[1]
    is_native = _pywrap_util_port.IsMklEnabled() and op.get_attr('padding') != b'EXPLICIT'
    if op.type == 'Conv2D' or is_native or tf.config.list_physical_devices('GPU'):
        return size_of(kernel)
    unfolded = op.inputs[2].shape[1:3] + kernel.shape[:3]
    return size_of(kernel) + unfolded.num_elements() * kernel.dtype.size


def bodies(op: tf.Operation) -> Iterator[tf.Graph]:
    """The graphs of a call, of the branches of a condition, of a loop."""
    if op.type in ('If', 'StatelessIf', 'While', 'StatelessWhile', 'PartitionedCall',
                   'StatefulPartitionedCall'):
        for attribute in op.node_def.attr.values():
            if attribute.HasField('func'):
                yield op.graph._get_function(attribute.func.name).graph


def _execution_order(ops: List[tf.Operation]) -> List[tf.Operation]:
    """See `order` in the module's docstring."""
    waits, followers, order = {}, collections.defaultdict(list), []
    quick, stack = collections.deque(), []

    def add(op):
        is_quick = op.type in _SHARES or sum(map(size_of, [*_sources(op), *op.outputs])) < _QUICK
        (quick if is_quick else stack).append(op)

    def run():
        while quick or stack:
            order.append(quick.popleft() if quick else stack.pop())
            for op in followers[order[-1]]:
                waits[op] -= 1
                if not waits[op]:
                    add(op)

    for op in ops:
        before = [t.op for t in _sources(op)] + list(op.control_inputs)
        waits[op] = len(before)
        for other in before:
            followers[other].append(op)
    roots = [op for op in ops if not waits[op]]
    for op in roots:
        if not _is_argument(op):
            add(op)
    run()
    for op in filter(_is_argument, roots):
        add(op)
        run()
    return order


def _needed_ops(graph: tf.Graph) -> List[tf.Operation]:
    if not hasattr(graph, 'outputs'):
        return graph.get_operations()
    needed, stack = set(), [_origin(t).op for t in graph.outputs] + list(graph.control_outputs)
    while stack:
        op = stack.pop()
        if op not in needed:
            needed.add(op)
            stack += [t.op for t in _sources(op)] + list(op.control_inputs)
    return [op for op in graph.get_operations() if op in needed]


def _variable_bytes(ops: List[tf.Operation]) -> Dict[str, int]:
    """Sizes of variables under the names of their handles."""
    found = {}
    for op in ops:
        if op.type in {'ReadVariableOp', 'AssignVariableOp', *_UPDATES}:
            value = op.outputs[0] if op.type == 'ReadVariableOp' else op.inputs[-1]
            found.update({t.name: size_of(value) for t in _sources(op) if t.dtype == tf.resource})
    return found


def _sources(op: tf.Operation) -> List[tf.Tensor]:
    return [_origin(t) for t in op.inputs]


def _origin(tensor: tf.Tensor) -> tf.Tensor:
    """What an identity passes on: grappler removes those that order nothing."""
    while tensor.op.type in ('Identity', 'IdentityN') and not tensor.op.control_inputs:
        tensor = tensor.op.inputs[tensor.value_index]
    return tensor


def _is_argument(op: tf.Operation) -> bool:
    return op.type == 'Placeholder' and op.outputs[0].dtype != tf.resource
