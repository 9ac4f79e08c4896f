"""Official tensors: their spellings, shapes and layouts, and how they enter our variables, all or none.

PyTorch keeps convolutions as [out, in, h, w] and transposed ones as [in, out, h, w], Keras and TensorFlow 1 as
[h, w, in, out] and [h, w, out, in], as ours are.
"""
from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple

import numpy as np
import tensorflow as tf

Tensors = Mapping[str, np.ndarray]
Networks = Mapping[str, tf.keras.Model]
Arrays = Mapping[str, np.ndarray]
Meta = Mapping[str, Any]
Layers = Mapping[str, Any]     # ours by official name
Functions = Dict[str, Callable[[tf.Tensor], Dict[str, tf.Tensor]]]

# our attribute -> the official name's end
_TORCH = {'kernel': 'weight', 'gamma': 'weight', 'bias': 'bias', 'beta': 'bias', 'moving_mean': 'running_mean',
          'moving_variance': 'running_var'}
_KERAS = {name: name for name in _TORCH}
_TENSOR = re.compile(r'(^|[./])(weight|bias|lod)$|\.(gamma|beta)$|(^|\.)(running_mean|running_var|num_batches_tracked)$'
                     r'|/(kernel|bias|gamma|beta|moving_mean|moving_variance)(:0)?$')


class Slot(NamedTuple):
    """Where an official tensor goes.

    Attributes:
      variable: ours.
      shape: of the official tensor.
      convert: the official tensor -> the variable's value.
    """
    variable: tf.Variable
    shape: Tuple[int, ...]
    convert: Callable[[np.ndarray], np.ndarray] = lambda tensor: tensor


class Family(NamedTuple):
    """Official networks of one kind: a file in this folder, and a row in networks.py.

    Attributes:
      nets: of every meta['net'] the whole numbers among its official arguments, which `meta` must hold.
      spell: tensors in any of their spellings -> in the one that `slots` and `infer` know.
      infer: spelled tensors -> meta as far as they tell it, {} where they are of another family.
      build: meta -> the networks by role.
      slots: (networks, spelled tensors) -> by official name where each tensor goes.
      inputs: names of what is given to the official network, as regular expressions.
      replay: (networks, meta, arrays) -> every output that the inputs lead to, by its name, NCHW.
      serve: (networks, meta) -> what each network is for users of a SavedModel, by role.
      noise: errors are relative to no less than this, where outputs may be 0 but for rounding.
    """
    nets: Mapping[str, Tuple[str, ...]]
    spell: Callable[[Tensors], Dict[str, np.ndarray]]
    infer: Callable[[Tensors], Dict[str, Any]]
    build: Callable[[Meta], Dict[str, tf.keras.Model]]
    slots: Callable[[Networks, Tensors], Dict[str, Slot]]
    inputs: Tuple[str, ...]
    replay: Callable[[Networks, Meta, Arrays], Dict[str, np.ndarray]]
    serve: Callable[[Networks, Meta], Functions]
    noise: float = 0.0


def is_tensor(name: str) -> bool:
    """Whether this is a name of a network's tensor, and not of its input or output."""
    return bool(_TENSOR.search(name)) and not name.startswith(('input/', 'output/'))


def spell_torch(tensors: Tensors, dropped: Sequence[str] = ('num_batches_tracked',)) -> Dict[str, np.ndarray]:
    """Without DataParallel's 'module.' and without tensors whose names end in one of `dropped`.

    Raises:
      ValueError: a name comes with and without 'module.'.
    """
    kept = [name for name in tensors if name.split('.')[-1] not in dropped]
    spelled = {re.sub(r'^module\.', '', name): tensors[name] for name in kept}
    if len(spelled) < len(kept):
        raise ValueError("tensors: expected every name once, some come with and without 'module.'; "
                         'save one network')
    return spelled


def spell_keras(tensors: Tensors) -> Dict[str, np.ndarray]:
    """Without the ':0' of TensorFlow's variables."""
    return {re.sub(':0$', '', name): array for name, array in tensors.items()}


def torch_slots(layers: Layers) -> Dict[str, Slot]:
    """'<name>.weight', '.bias', '.running_mean', '.running_var' of convolutions, dense layers and batch norms."""
    return {f'{name}.{end}': (slot if slot.variable.shape.rank < 2 else _turned(slot.variable))
            for name, end, slot in _slots(layers, _TORCH)}


def keras_slots(layers: Layers) -> Dict[str, Slot]:
    """'<name>/kernel', '/bias', '/gamma', '/beta', '/moving_mean', '/moving_variance'."""
    return {f'{name}/{end}': slot for name, end, slot in _slots(layers, _KERAS)}


def _slots(layers: Layers, ends: Mapping[str, str]):
    for name, layer in layers.items():
        for attribute, end in ends.items():
            variable = getattr(layer, attribute, None)
            if variable is not None:
                yield name, end, Slot(variable, tuple(variable.shape))


def _turned(variable: tf.Variable) -> Slot:
    """Ours is HWIO, and HWOI where transposed: the same turn for both. Dense: ours is IO."""
    if variable.shape.rank == 2:
        return Slot(variable, tuple(variable.shape)[::-1], np.transpose)
    height, width, third, fourth = variable.shape
    return Slot(variable, (fourth, third, height, width), lambda tensor: np.transpose(tensor, (2, 3, 1, 0)))


def assign(slots: Mapping[str, Slot], tensors: Tensors) -> None:
    """Checks every name, shape and repetition before the first assignment.

    Raises:
      ValueError: a tensor is missing, left over or mis-shaped; two names of one module differ.
    """
    missing, left_over = sorted(slots.keys() - tensors), sorted(tensors.keys() - slots.keys())
    if missing or left_over:
        raise ValueError(f'tensors: {len(missing)} missing (first: '
                         f'{", ".join(missing[:3]) or "none"}), {len(left_over)} left over '
                         f'(first: {", ".join(left_over[:3]) or "none"}): build the network that '
                         f'wrote them')
    names: Dict[int, str] = {}
    for name, slot in slots.items():
        if np.shape(tensors[name]) != slot.shape:
            raise ValueError(f'tensors[{name!r}]: expected shape {slot.shape}, found '
                             f'{np.shape(tensors[name])}: build the network that wrote it')
        first = names.setdefault(id(slot.variable), name)
        if not np.array_equal(tensors[first], tensors[name]):
            raise ValueError(f'tensors[{name!r}]: expected the numbers of {first!r}, the same module in the '
                             f'official network, found others; save one network')
    for name, slot in slots.items():
        slot.variable.assign(slot.convert(tensors[name]))


def numbers(tensors: Tensors, pattern: str) -> List[int]:
    """The different numbers that fit the pattern's group in some name, sorted."""
    return sorted({int(match[1]) for match in (re.fullmatch(pattern, name) for name in tensors)
                   if match})


def shape(tensors: Tensors, name: str, rank: int = 4) -> Tuple[int, ...]:
    """Of one tensor; ValueError if it is missing or has another number of axes."""
    if name not in tensors:
        raise ValueError(f'tensors: {name!r} is missing; save all tensors of the network')
    found = np.shape(tensors[name])
    if len(found) != rank:
        raise ValueError(f'tensors[{name!r}]: expected {rank} axes, found shape {found}; save the '
                         'tensors as the official code holds them')
    return found


def floats(array: np.ndarray) -> tf.Tensor:
    """float32."""
    return tf.constant(array, tf.float32)


def nhwc(images: np.ndarray) -> tf.Tensor:
    """NCHW -> float32 NHWC."""
    return floats(np.transpose(images, (0, 2, 3, 1)))


def nchw(images: tf.Tensor) -> np.ndarray:
    """NHWC -> NCHW."""
    return np.transpose(images, (0, 3, 1, 2))


def served(function: Callable, sizes: Sequence, name: str) -> Callable:
    """A function of one float32 tensor of that shape and name, as a SavedModel's signature."""
    return tf.function(function, input_signature=[tf.TensorSpec(sizes, tf.float32, name)])
