"""Files that are whole or not there, and their checksums."""
from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import cv2
import numpy as np

from datasets.errors import InputError


def sha256(path) -> str:
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for piece in iter(lambda: file.read(1 << 20), b''):
            digest.update(piece)
    return digest.hexdigest()


def write_json(path, data) -> None:
    """Writes JSON under a temporary name, then renames: a reader sees all of it or nothing."""
    temporary = Path(f'{path}.{os.getpid()}.tmp')
    temporary.write_text(json.dumps(data, indent=1))
    os.replace(temporary, path)


def encode_png(picture: np.ndarray) -> bytes:
    """uint8 or uint16 [H, W], or RGB uint8 [H, W, 3] -> the bytes of a PNG file."""
    if picture.ndim == 3 and picture.shape[2] == 3:
        picture = picture[..., ::-1]  # OpenCV's order
    done, data = cv2.imencode('.png', picture)
    assert done, 'OpenCV encodes any uint8 or uint16 array'
    return data.tobytes()


def write_png(path, picture: np.ndarray) -> None:
    """Writes a PNG as `write_json` does; InputError where that cannot be."""
    temporary = Path(f'{path}.{os.getpid()}.tmp')
    try:
        temporary.write_bytes(encode_png(picture))
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f'{path}: cannot write there: {error.strerror}') from None
