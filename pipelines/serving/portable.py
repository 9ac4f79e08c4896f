"""What an ONNX file computes: what is exported, as a graph without loops, assertions or random numbers."""
from __future__ import annotations

from typing import Callable, Dict, List, Mapping, NamedTuple, Sequence

import cv2
import numpy as np
import tensorflow as tf

from pipelines.data.fields import split_fields
from pipelines.serving.segmenter import Segmenter
from pipelines.stages.stage import StageIO, draw_function, kind_of, style_size

NO_CLASS = 255  # in the class map of a picture with a NaN or infinity, which ONNX cannot refuse
Arrays = Mapping[str, np.ndarray]


class Portable(NamedTuple):
    """A function to convert, and what to compare it with.

    Attributes:
      function: tensors as `inputs` say -> {name: tensor}.
      inputs: of the function; the name of each.
      reference: what it must compute, {input: array} -> {output: array}, by the functions of the SavedModel.
      examples: inputs to compare on.
      notes: what goes in and comes out, {name: words}.
    """
    function: Callable
    inputs: Sequence[tf.TensorSpec]
    reference: Callable[[Arrays], Dict[str, np.ndarray]]
    examples: Sequence[Arrays]
    notes: Mapping[str, str]


def portable_segmenter(module: Segmenter, pictures: Sequence[np.ndarray]) -> Portable:
    """A segmenter whose windows are a batch.

    Args:
      pictures: [H, W, C], such as it learned from, to compare on; at three sizes, its own, a smaller high one and
        a larger flat one. Of pictures that it never met a network says things that rounding moves further.
    """
    plain, size = module.without_loop(), module.size

    def function(image):
        found = plain.segment(image)
        is_picture = tf.reduce_all(tf.math.is_finite(image), [1, 2, 3])[:, tf.newaxis, tf.newaxis]
        nothing = {'class_map': NO_CLASS, 'masks': 0, 'probabilities': np.nan}
        return {name: tf.where(is_picture[..., tf.newaxis] if value.shape.rank == 4 else is_picture, value,
                               tf.constant(nothing[name], value.dtype)) for name, value in found.items()}

    sides = [(1, size, size), (1, size // 2 + 1, max(1, size // 2 - size // 16)), (2, size * 3 // 2, size * 3 // 2 + 5)]
    examples = [np.stack([
        cv2.resize(np.float32(pictures[(number + more) % len(pictures)]), (width, height)).reshape(height, width, -1)
        for more in range(count)]) for number, (count, height, width) in enumerate(sides)]
    return Portable(
        function, module.segment.input_signature,
        lambda given: {name: value.numpy() for name, value in module.segment(tf.constant(given['image'])).items()},
        [{'image': picture} for picture in examples],
        {'image': 'float32 [N, H, W, C], any size and shape, any positive linear grey scale',
         'class_map': f'uint8 [N, H, W]; {NO_CLASS} everywhere in a picture with a NaN or infinity',
         'probabilities': 'float32 [N, H, W, classes]', 'noise': 'none: dropout is off',
         **({'masks': 'uint8 [N, H, W, classes]'} if module.is_overlapping else {})})


def given_specs(io: StageIO, generator) -> List[tf.TensorSpec]:
    """What a stage is given: latents, or the codes or pictures of a field as records have them; then styles, if it takes any."""
    if io.source is None:
        return [tf.TensorSpec([None, generator.latent_size], tf.float32, 'latent')]
    given = io.source.decode(tf.zeros([1, io.source.size, io.source.size, io.source.channels]))
    styles = [tf.TensorSpec([None, *[style_size(io)] * 2], tf.float32, 'style')] * bool(style_size(io))
    return [tf.TensorSpec([None, *given.shape[1:]], tf.uint8, io.stage.consumes), *styles]


def portable_generator(io: StageIO, generator: tf.keras.Model) -> Portable:
    """What a stage draws. Where it draws with dropout, the uniform numbers of each are an input more."""
    draw, (spec, *styles) = kind_of(io.stage).draw(io, generator), given_specs(io, generator)
    noise_of = getattr(kind_of(io.stage), 'noise_of', None)
    shapes = []

    def function(given, *more):
        rest = iter(more)
        drawn = draw(given, lambda shape: next(rest)) if noise_of else draw(given, *more)
        return split_fields(drawn, io.drawn)

    def with_noise(given):  # the numbers with which the SavedModel draws it, in their order
        made, numbers = [], noise_of(io, given)
        draw(given, lambda shape: made.append(numbers(shape)) or made[-1])
        shapes[:] = [number.shape[1:] for number in made]
        return made

    noises = tf.function(with_noise if noise_of else lambda given: [], input_signature=[spec])
    noises.get_concrete_function()
    names = [f'dropout_{number}' for number in range(len(shapes))]
    examples = []
    for number, count in enumerate((1, 3)):
        given = _given(io, spec, number, count)
        made = noises(tf.constant(given))
        examples.append({spec.name: given, **{name: value.numpy() for name, value in zip(names, made)},
                         **{one.name: _normal(number, count, *one.shape[1:]) for one in styles}})
    drawn = draw_function(io, generator)
    return Portable(
        function, [spec, *styles, *(tf.TensorSpec([None, *shape], tf.float32, name) for name, shape in zip(names, shapes))],
        lambda given: {name: value.numpy() for name, value in drawn(
            *(tf.constant(given[one.name]) for one in (spec, *styles))).items()}, examples,
        {spec.name: 'float32 [N, L], standard normal' if io.source is None else
         f'uint8 [N, {", ".join(map(str, spec.shape[1:]))}], as in records',
         **{one.name: 'float32 [N, K, K], standard normal: another for another picture of the same labels' for one in styles},
         **{name: 'float32 [N, h, w, c], uniform in [0, 1): dropout is left on, as published' for name in names},
         **{field.name: f'uint8 [N, {field.size}, {field.size}], as in records' for field in io.drawn}})


def _given(io: StageIO, spec: tf.TensorSpec, seed: int, count: int) -> np.ndarray:
    if io.source is None:
        return _normal(seed, count, spec.shape[1])
    height, width, *channels = spec.shape[1:]
    values = _pictures(seed, count, height, width, *(channels or [1]))
    if hasattr(io.source, 'num_codes'):
        values = values / 256 * io.source.num_codes
    return values.astype(np.uint8).reshape([count, *spec.shape[1:]])


def _normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _pictures(seed: int, count: int, height: int, width: int, channels: int) -> np.ndarray:
    """Smooth pictures, float64 [N, H, W, C] in [0, 256)."""
    rng = np.random.default_rng(seed)
    drawn = [cv2.resize(rng.uniform(0, 255.9, (7, 5, channels)), (width, height)).reshape(height, width, channels)
             for _ in range(count)]
    return np.stack(drawn)
