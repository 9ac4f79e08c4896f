"""Files that are whole or not there, and their checksums."""
from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Iterator

import cv2
import numpy as np

from datasets.errors import InputError


def sha256(path) -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for piece in iter(lambda: file.read(1 << 20), b''):
            digest.update(piece)
    return digest.hexdigest()


@contextlib.contextmanager
def whole_file(path) -> Iterator[Path]:
    """A temporary name to write to, renamed to `path` at the end: a reader sees all or nothing."""
    temporary = Path(f'{path}.{os.getpid()}.tmp')
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path) -> Iterator[Path]:
    """A name for a folder to make, renamed to `path` at the end: complete or not there.

    The folder that it lies in is for what is needed meanwhile, and goes at the end.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix='.unfinished-'))
    try:
        yield temporary / 'whole'
        os.rename(temporary / 'whole', path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_json(path, data) -> None:
    """Writes JSON, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(data, indent=1))


def read_json(path) -> dict:
    """What `write_json` wrote.

    Raises:
      InputError: there is none, or none that can be read.
    """
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
    except OSError as error:
        raise InputError(f'{path}: cannot be read: {error.strerror}') from None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise InputError(f'{path}: expected a JSON object, found something else or a damaged file; '
                         f'remove it and repeat what made it')
    return content


def encode_png(picture: np.ndarray) -> bytes:
    """uint8 or uint16 [H, W], or RGB uint8 [H, W, 3] -> the bytes of a PNG file."""
    if picture.ndim == 3 and picture.shape[2] == 3:
        picture = picture[..., ::-1]  # OpenCV's order
    done, data = cv2.imencode('.png', picture)
    assert done, 'OpenCV encodes any uint8 or uint16 array'
    return data.tobytes()


def write_png(path, picture: np.ndarray) -> None:
    """Writes a PNG, whole or not at all; InputError where that cannot be."""
    try:
        with whole_file(path) as temporary:
            temporary.write_bytes(encode_png(picture))
    except OSError as error:
        raise InputError(f'{path}: cannot write there: {error.strerror}') from None
