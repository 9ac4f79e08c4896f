"""Files that are whole or not there, and their checksums."""
from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path


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
