"""ONNX files of what is exported: written by tf2onnx, loaded and compared before they are said to be there.

tf2onnx says "converted" of graphs that nobody can load, so that onnxruntime has the last word. The file is of opset 17
and holds no loop, no resize that antialiases and no op beside ONNX's own; `model.json` stands in its metadata.
"""
from __future__ import annotations

import importlib
import importlib.metadata
import json
import logging
import sys
from pathlib import Path
from typing import Any, Dict, Tuple

import numpy as np
import tensorflow as tf

from datasets.errors import EXTRAS, InputError
from datasets.files import whole_file
from pipelines.serving.export import DESCRIPTION, Exported
from pipelines.serving.onnx_handlers import HANDLERS
from pipelines.serving.portable import Portable

OPSET = 17
TOLERANCE = 1e-4    # of probabilities
MOVED = 1e-2        # [ours] share of them that may be further off, where rounding moves the place of a pool (SegNet), ...
ON_AVERAGE = 2e-5   # [ours] ... while all of them together are no further off than this
GREYS = 1           # of 256, by which a drawn picture may differ: rounding
TIES = 1e-3         # [ours] share of pixels whose two likeliest codes may be so near that rounding decides
MOST_BYTES = 2 ** 31 - 2 ** 24  # of the weights: an ONNX file is one protobuf message
PACKAGES = ('onnx', 'tf2onnx', 'onnxruntime')


def check_can_write(path) -> None:
    """InputError unless an ONNX file can be made here and be put there. Before anything else is done."""
    if sys.version_info < (3, 10):
        raise InputError(f'--onnx: expected Python 3.10 or a later one, for which tf2onnx is locked, found '
                         f'{sys.version.split()[0]}; make another environment: PYTHON=/path/to/python3.11 `{EXTRAS}`')
    for package in PACKAGES:
        _imported(package, f'--onnx {path}')
    if Path(path).exists():
        raise InputError(f'--onnx {path}: exists already; remove it or choose another name')


def write(exported: Exported, path) -> Path:
    """Converts, loads, compares, and only then gives the file its name; returns it.

    Raises:
      InputError: something in the model has no counterpart in ONNX, onnxruntime cannot load what was written or
        computes something else, or `check_can_write`. Nothing is written.
    """
    check_can_write(path)
    size = sum(np.prod(variable.shape) * variable.dtype.size for variable in exported.module.weights)
    if size > MOST_BYTES:
        raise InputError(f'--onnx {path}: expected a model of less than 2 GiB, which one ONNX file can hold, found '
                         f'{size / 2 ** 30:.1f} GiB of weights; use --output')
    portable = exported.portable()
    model = converted(portable)
    description = {**exported.description, 'onnx': portable.notes, 'versions': {
        **exported.description['versions'], **{name: importlib.metadata.version(name) for name in PACKAGES}}}
    _imported('onnx', '--onnx').helper.set_model_props(model, {DESCRIPTION: json.dumps(description)})
    with whole_file(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
        try:
            session, _ = open_model(temporary)
            compare(session, portable)
        except InputError as error:
            raise InputError(f'--onnx {path}: not written: {str(error).replace(f"{temporary}: ", "")}') from None
    return Path(path)


def converted(portable: Portable) -> Any:
    """The onnx.ModelProto of a function: as tf2onnx writes it, whether or not it can be loaded."""
    tf2onnx = _imported('tf2onnx', '--onnx')
    logger = logging.getLogger('tf2onnx')
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # what it calls an error, the load check says in one line
    try:
        model, _ = tf2onnx.convert.from_function(
            tf.function(portable.function, input_signature=portable.inputs), input_signature=portable.inputs,
            opset=OPSET, custom_op_handlers={op: (handler, []) for op, handler in HANDLERS.items()})
    except ValueError as error:
        raise InputError(f'tf2onnx {tf2onnx.__version__} cannot convert it: {_line(error)}') from None
    finally:
        logger.setLevel(level)
    for value in (*model.graph.input, *model.graph.output):
        for axis, dimension in zip('NHWC', value.type.tensor_type.shape.dim):
            if not dimension.dim_value:
                dimension.dim_param = axis
    return model


def open_model(path) -> Tuple[Any, Dict[str, Any]]:
    """-> (onnxruntime.InferenceSession on the CPU, description) of an ONNX file of ours.

    Raises:
      InputError: no such file, one of another opset or another program, or onnxruntime cannot load it.
    """
    onnx, onnxruntime = (_imported(package, str(path)) for package in ('onnx', 'onnxruntime'))
    if not Path(path).is_file():
        raise InputError(f'{path}: expected an ONNX file of tools/export_model.py, found no file')
    try:
        model = onnx.load(str(path), format='protobuf')
    except Exception as error:  # protobuf's own, of each of its versions
        raise InputError(f'{path}: expected an ONNX file, found something else: {_line(error)}') from None
    opsets = {entry.domain or 'ai.onnx': entry.version for entry in model.opset_import}
    if opsets.get('ai.onnx') != OPSET:
        raise InputError(f'{path}: expected an ONNX file of opset {OPSET}, found {opsets.get("ai.onnx", "none")}; '
                         'export it again')
    described = {entry.key: entry.value for entry in model.metadata_props}.get(DESCRIPTION)
    if described is None:
        raise InputError(f'{path}: expected {DESCRIPTION} in the metadata, as tools/export_model.py writes, found none')
    foreign = sorted({node.op_type for node in model.graph.node if not onnx.defs.has(node.op_type, node.domain)})
    if foreign:
        raise InputError(f'{path}: expected ops of ONNX alone, found {", ".join(foreign)}: it cannot be loaded')
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it cannot load it raises
    try:
        return (onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider']),
                json.loads(described))
    except Exception as error:  # onnxruntime's own, without a common parent
        raise InputError(f'{path}: onnxruntime {onnxruntime.__version__} cannot load it: {_line(error)}') from None


def compare(session, portable: Portable) -> None:
    """InputError unless onnxruntime computes what the SavedModel does, on all examples."""
    names = [output.name for output in session.get_outputs()]
    for given in portable.examples:
        shapes = ', '.join(f'{name} {list(value.shape)}' for name, value in given.items())
        try:
            found = dict(zip(names, session.run(names, dict(given))))
        except Exception as error:  # as above
            raise InputError(f'onnxruntime stops at {shapes}: {_line(error)}') from None
        for name, wanted in portable.reference(given).items():
            what = f'expected {name} as of the SavedModel, of {shapes}, found '
            if found[name].shape != wanted.shape or found[name].dtype != wanted.dtype:
                raise InputError(f'{what}{found[name].dtype} {list(found[name].shape)}')
            difference = np.abs(found[name].astype(np.float64) - wanted)
            share = (~(difference <= TOLERANCE)).mean()  # a NaN is far off
            if wanted.dtype == np.float32 and not (share <= MOVED and (share == 0 or difference.mean() <= ON_AVERAGE)):
                raise InputError(f'{what}it off by up to {difference.max():.2g}, by more than {TOLERANCE:g} in '
                                 f'{100 * share:.2g} %, by {difference.mean():.2g} on average')
            if name in ('image', 'region'):
                difference = np.maximum(difference - GREYS, 0)
            if wanted.dtype == np.uint8 and (difference > 0).mean() > TIES:
                raise InputError(f'{what}another value in {100 * (difference > 0).mean():.2g} % of the pixels')


def _imported(package: str, where: str):
    try:
        return importlib.import_module(package)
    except (ImportError, AttributeError) as error:  # onnx 1.19 misses attributes of older ml_dtypes
        raise InputError(f'{where}: {package} cannot be imported ({_line(error)}); run `{EXTRAS}`, and activate what it '
                         f'names') from None


def _line(error: Exception) -> str:
    return ' '.join(str(error).split())[:200]
