"""Official weights in an .npz file -> a SavedModel, and a checkpoint to train from.

The file holds tensors under their official names, with or without 'weight/' before them. It may
hold 'meta', a JSON string with the network and its arguments; without a 'net' they are inferred. It may
hold inputs and outputs of the official network (`models.official`): ours must repeat them.

Written, whole or not at all:
  generator/1, discriminator/1, segmenter/1: SavedModels that need nothing but TensorFlow, float32 NHWC:
    generator: latent [N, L], or source [N, H, W, C], -> image
    generator_a, generator_b: of a translator between a and b, by what they draw; see the families' `serve`
    discriminator: images [N, H, W, C] -> scores, or scale<i>_scores and scale<i>_feature<j>
    segmenter: image [N, H, W, C] -> logits [N, H, W, K]
  networks.*: `tf.train.Checkpoint(networks={'generator': ..., ...})`, its manifest
  network.json: meta
"""
from __future__ import annotations

import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple

import numpy as np
import tensorflow as tf

from datasets.errors import InputError
from datasets.files import whole_folder, write_json
from models.official import networks as official
from models.official.tensors import is_tensor
from pipelines.runtime import determinism
from pipelines.training import checkpoints

TOLERANCE = 1e-4   # of an array's largest magnitude: what the official outputs must be met with
GRADIENTS = ('grad_x', 'grad_norms')   # of segmenters: what a near tie of a ReLU or a pool makes jump

_PREFIX = 'weight/'
_UNREADABLE = (OSError, ValueError, EOFError, KeyError, RuntimeError, MemoryError,
               zipfile.BadZipFile, zlib.error)


def tolerance(name: str) -> float:
    """Of an output: 1e-4 of its largest magnitude; 1e-3 in training steps, where Adam multiplies a flip of a ReLU."""
    return 10 * TOLERANCE if '/steps/' in name else TOLERANCE


class Source(NamedTuple):
    """What a file holds: meta, the network's tensors, the official inputs and outputs."""
    path: Path
    meta: Dict[str, Any]
    tensors: Dict[str, np.ndarray]
    arrays: Dict[str, np.ndarray]


def import_weights(source, output, say: Callable[[str], None] = print) -> Path:
    """Reads, builds, loads, proves and writes; returns the folder `output`.

    Raises:
      InputError: a file that cannot be used, an output that differs by more than TOLERANCE, a
        folder that is not empty.
    """
    output = Path(output)
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise InputError(f'--output {output}: expected a new or empty folder, found something '
                         f'there; remove it or choose another')
    content = read(source)
    networks = load(content)
    if not networks:
        raise InputError(f'--source {source}: expected tensors of a network, found none; save them under their '
                         f'official names')
    meta = content.meta
    say(f'{meta["net"]}: ' + ', '.join(f'{name} {meta[name]}' for name in official.arguments(meta)))
    errors = relative_errors(content, networks)
    for group, names in _groups(errors).items():
        say(f'{group}: largest relative error of {len(names)} official arrays '
            f'{max(errors[name] for name in names):.1e}')
    if not errors:
        say('no official outputs in the file: nothing to compare with')
    wrong = [name for name, error in errors.items() if not error <= tolerance(name)]
    if wrong:
        raise InputError(f'--source {source}: expected to repeat its outputs to {tolerance(wrong[0]):.0e}, '
                         f'found {wrong[0]} off by {errors[wrong[0]]:.1e} ({len(wrong)} of '
                         f'{len(errors)} arrays are off); check meta, nothing was written')
    _write(content, networks, output)
    return output


def read(path) -> Source:
    """Reads an .npz without unpickling anything; infers what `meta` does not say.

    Raises:
      InputError: no readable .npz, something in it that is no array, tensors of no known network.
    """
    arrays = _arrays(path)
    meta = _meta(path, arrays.pop('meta')) if 'meta' in arrays else {}
    if any(name.startswith(_PREFIX) for name in arrays):
        tensors = {name[len(_PREFIX):]: array for name, array in arrays.items()
                   if name.startswith(_PREFIX)}
        others = {name: array for name, array in arrays.items() if not name.startswith(_PREFIX)}
    else:
        tensors = {name: array for name, array in arrays.items() if is_tensor(name)}
        others = {name: array for name, array in arrays.items() if name not in tensors}
    if 'net' not in meta:
        meta = {**_told(path, official.infer_meta, tensors), **meta}
    elif not set(_told(path, official.arguments, meta)) <= set(meta):
        told = _told(path, official.infer_meta, tensors)
        meta = {**told, **meta} if told['net'] == meta['net'] else meta
    return Source(Path(path), meta, tensors, others)


def load(source: Source) -> Dict[str, tf.keras.Model]:
    """The networks of a file with its weights.

    Raises:
      InputError: meta and tensors do not make a network that we have.
    """
    networks = _told(source.path, official.build, source.meta)
    _told(source.path, official.load, networks, source.meta, source.tensors)
    return networks


def relative_errors(source: Source, networks: Dict[str, tf.keras.Model]) -> Dict[str, float]:
    """`models.official.relative_errors` of the official outputs in the file, {} if it has none.

    [ours] Where float32 misses a segmenter's gradient by more than TOLERANCE, float64 may meet it: official arrays
    are of float64, and at a near tie rounding decides which way a ReLU or a pool falls, after which gradients of
    correct programs are 1e-2 apart. All else must be met in float32.

    Raises:
      InputError: an array that cannot be compared.
    """
    if not source.arrays:
        return {}
    errors = _errors(source, networks)
    off = [name for name, error in errors.items() if name.split('/')[-1] in GRADIENTS and not error <= TOLERANCE]
    if off and 'segmenter' in networks:
        with determinism.precision('float64'):
            exact = _errors(source, load(source))
        errors.update({name: exact[name] for name in off})
    return errors


def _errors(source: Source, networks: Dict[str, tf.keras.Model]) -> Dict[str, float]:
    # The ten-bit products that GPUs default to would be off by 1e-3.
    fast = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        return _told(source.path, official.relative_errors, networks, source.meta, source.arrays)
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(fast)


def _arrays(path) -> Dict[str, np.ndarray]:
    try:
        file = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f'--source {path}: expected an .npz file, found none; see --help for how '
                         f'to write one') from None
    except _UNREADABLE as error:
        raise InputError(f'--source {path}: expected an .npz file, found one that cannot be read '
                         f'({_one_line(error)}); write it with np.savez') from None
    if not isinstance(file, np.lib.npyio.NpzFile):
        raise InputError(f'--source {path}: expected an .npz of named arrays, found a single one; '
                         f'write it with np.savez')
    arrays = {}
    with file:
        for name in file.files:
            try:
                arrays[name] = file[name]
            except _UNREADABLE as error:
                raise InputError(f'--source {path}: expected arrays of numbers, found {name!r} '
                                 f'that cannot be read ({_one_line(error)}); write the file anew '
                                 f'with np.savez') from None
            if not isinstance(arrays[name], np.ndarray):
                raise InputError(f'--source {path}: expected arrays, found {name!r}, which is none '
                                 f'(a PyTorch file?); write them with np.savez, see --help')
            if name != 'meta' and arrays[name].dtype.kind not in 'biufc':
                raise InputError(f'--source {path}: expected arrays of numbers, found {name!r} of {arrays[name].dtype}; '
                                 f'write the file anew with np.savez')
    return arrays


def _meta(path, array: np.ndarray) -> Dict[str, Any]:
    try:
        meta = json.loads(str(array))
    except ValueError:
        meta = None
    if not isinstance(meta, dict):
        raise InputError(f"--source {path}: expected 'meta' to be a JSON object, found "
                         f'{str(array)[:60]!r}; correct it or leave it out')
    return meta


def _told(path, function, *arguments):
    """Calls `function`, a refusal becoming one line that names the file."""
    try:
        return function(*arguments)
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        raise InputError(f'--source {path}: {_one_line(error)}') from None


def _one_line(error: Exception) -> str:
    """The message alone: Keras wraps those of layers, and TensorFlow's run on."""
    text = str(error).split('\n\nCall arguments received')[0]
    if text.startswith('Exception encountered'):
        text = text.split('\n', 1)[-1]
    return ' '.join(text.split())[:300]


def _groups(names) -> Dict[str, list]:
    """Levels of detail ('lod0.4'), scales ('real_scale0'), runs ('train'), losses ('loss'), 'steps', or one array."""
    groups: Dict[str, list] = {}
    for name in names:
        group = 'steps' if '/steps/' in name else re.match(r'lod[\d.]+|\w+_scale\d+|[a-z]+', name)[0]
        groups.setdefault(group, []).append(name)
    return groups


def _write(source: Source, networks: Dict[str, tf.keras.Model], output: Path) -> None:
    with whole_folder(output) as folder:
        for role, function in official.serving_functions(networks, source.meta).items():
            module = tf.Module()
            module.weights = list(function.get_concrete_function().variables)   # of several networks, maybe
            tf.saved_model.save(module, str(folder / role / '1'),
                                signatures={'serving_default': function})
        checkpoints.write(tf.train.Checkpoint(networks=dict(networks)),
                          folder / checkpoints.IMPORTED)
        write_json(folder / 'network.json', source.meta)
