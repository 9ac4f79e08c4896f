"""Whether a training step fits: the memory that it takes, and the memory that there is, in bytes.

The step is traced as training traces it, but inside a `tf.Graph`, where variables cost nothing, and
its graph is read (`graph_memory`): seconds, also for steps that take many GiB and hours. What a
training needs besides is not counted: its input pipeline, validation, the averages of weights that
`make` does not make.
"""
from __future__ import annotations

import functools
import itertools
import os
import resource
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import tensorflow as tf
from tensorflow.python.client import device_lib

from models import adversarial
from pipelines.cost import graph_memory
from pipelines.training.checkpoints import make_optimizers

_PER_OP = 24 * 2 ** 10  # of the process for an op of the graph: Python objects, protos, kernels
_WASTE = 1.05           # of malloc's pools, measured on all networks alike
_COPIES = 4             # of a variable, see _starting_bytes


class Estimate(NamedTuple):
    """Bytes, but for `parameters`.

    Attributes:
      parameters: how many numbers are trained.
      weights: all variables, the optimisers' moments included.
      activations: the most that tensors take at a time, gradients and the batch included; of a call that trains
        nothing also what a large variable's start takes beside the weights.
      baseline: what the process holds besides, TensorFlow and the graph; 0 on a GPU.
    """
    parameters: int
    weights: int
    activations: int
    baseline: int

    @property
    def total(self) -> int:
        """Bytes in all."""
        return self.weights + self.activations + self.baseline


Step = Tuple[Sequence[Tuple[adversarial.Update, ...]], Dict[str, tf.TensorSpec]]


def predict(make: Callable[[], Step], mixed_precision: bool = False) -> Estimate:
    """The memory of one `adversarial.train_step` with Adam.

    Args:
      make: builds the networks and returns the updates of the phases of their training, of which
        the last is the one in question (the others' moments are held, too), and the spec of its
        batches, every dimension known. It is called inside a graph, where variables have no values
        to ask for. All that it makes count, averages too.
      mixed_precision: whether losses are scaled, as float16 networks need.

    Raises:
      ValueError: a dimension in the spec is unknown.
    """
    trained = {}

    def traced():
        phases, batch_spec = make()
        trained.update({v.ref(): v.shape.num_elements() for update in phases[-1] for v in update.variables})
        return traced_step(phases, batch_spec, mixed_precision)

    estimate, _ = _estimate(traced)
    return estimate._replace(parameters=sum(trained.values()))


def predict_call(make: Callable[[], tf.Graph]) -> Estimate:
    """The memory of building networks and of one call of them that trains nothing.

    Args:
      make: builds the networks and returns the graph of the call; called inside a graph, as in `predict`.
    """
    estimate, sizes = _estimate(make)
    starting = 0 if _gpus() else _starting_bytes(sizes) - estimate.weights
    return estimate._replace(activations=max(estimate.activations, starting))


def _estimate(make: Callable[[], tf.Graph]) -> Tuple[Estimate, List[int]]:
    """Of a graph, and the sizes of the variables that were made for it, in their order."""
    baseline = _resident_bytes()
    with tf.Graph().as_default():
        graph = make()
        sizes = [graph_memory.size_of(v) for v in tf.compat.v1.global_variables()]
    peak, _ = graph_memory.peak_and_variable_bytes(graph)
    process = 0 if _gpus() else baseline + _PER_OP * _count_ops(graph)
    return Estimate(0, sum(sizes), int(_WASTE * peak), process), sizes


def _count_ops(graph: tf.Graph) -> int:
    """Ops of a graph and of what it calls, a sliding window's loop for example."""
    ops = graph.get_operations()
    return len(ops) + sum(_count_ops(body) for op in ops for body in graph_memory.bodies(op))


def _starting_bytes(sizes: Sequence[int]) -> int:
    """The most that variables take while they get random values, one after the other.

    Beside a variable its values and those before they were scaled are held, and TensorFlow keeps the room; a
    convolution's library copies a kernel once more, outside of that room. Seen on FCN's fc6, 392 MiB: what trains
    takes more, what only predicts does not.
    """
    return max((before + _COPIES * size for before, size in zip(itertools.accumulate([0, *sizes]), sizes)), default=0)


def traced_step(phases: Sequence[Tuple[adversarial.Update, ...]],
                batch_spec: Dict[str, tf.TensorSpec], mixed_precision: bool = False) -> tf.Graph:
    """The graph of one step of the last phase, see `predict`; inside a `tf.Graph`.

    Raises:
      ValueError: a dimension in `batch_spec` is unknown.
    """
    for name, spec in batch_spec.items():
        if not spec.shape.is_fully_defined():
            raise ValueError(f'batch_spec {name!r}: expected every dimension to be known, found '
                             f'{spec.shape}; give the batch size and the sides')
    optimizers = make_optimizers(phases, (0.9, 0.999), mixed_precision)
    step = tf.function(lambda batch: adversarial.train_step(phases[-1], optimizers, batch), autograph=False)
    return step.get_concrete_function(batch_spec).graph


def device_bytes() -> Tuple[str, int]:
    """(what, bytes): the memory of the first GPU, else of this machine or of its control group."""
    if _gpus():
        growing = tf.compat.v1.ConfigProto()
        growing.gpu_options.allow_growth = True
        gpu = [d for d in device_lib.list_local_devices(growing) if d.device_type == 'GPU'][0]
        return gpu.physical_device_desc, gpu.memory_limit
    machine = ('machine', os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE'))
    return min([machine, *_group_limits()], key=lambda found: found[1])


def _gpus():
    return tf.config.list_physical_devices('GPU')


@functools.lru_cache(maxsize=None)
def _resident_bytes() -> int:
    """Of this process when first asked, before graphs pile up; its most where there is no /proc."""
    try:
        return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _group_limits() -> Iterator[Tuple[str, int]]:
    """Of the control groups (v1, v2) that this process is in: as containers and schedulers set."""
    try:
        lines = Path('/proc/self/cgroup').read_text().splitlines()
    except OSError:
        return
    for controller, group in (line.split(':', 2)[1:] for line in lines):
        if controller in ('', 'memory'):
            folder = Path('/sys/fs/cgroup', controller, group.strip('/'))
            for file in (up / name for up in (folder, *folder.parents)
                         for name in ('memory.max', 'memory.limit_in_bytes')):
                if file.is_file() and file.read_text().strip().isdigit():
                    yield 'control group', int(file.read_text())
