"""Files that are whole or not there, and their checksums."""
from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any, Iterable, Iterator, Mapping

import cv2
import numpy as np
import yaml

from datasets import locks
from datasets.errors import InputError

MADE_WITH = 'made_with.json'  # beside what is made: with what, see pipelines/plan/provenance.py
MAX_YAML_BYTES, MAX_YAML_VALUES = 1 << 20, 100_000
SURPRISE = re.compile(r'[-+]?(0[0-9_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)')  # 010, 1:30


def sha256(path) -> str:
    """Hex digest of a file's bytes."""
    found = hashlib.sha256()
    with open(path, 'rb') as file:
        for piece in iter(lambda: file.read(1 << 20), b''):
            found.update(piece)
    return found.hexdigest()


@contextlib.contextmanager
def whole_file(path) -> Iterator[Path]:
    """A new file to write to, renamed to `path` at the end: a reader sees all or nothing.

    Its name is nobody else's, on any host, and cannot be guessed.
    """
    temporary = Path(f'{path}.{secrets.token_hex(8)}.tmp')
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def is_vacant(folder: Path) -> bool:
    """Whether there is no such folder, or nothing in it that anybody made: what `whole_file` left unfinished,
    a note of what is about to be made, and hidden files are nothing."""
    return not folder.exists() or all(
        path.suffix == '.tmp' or path.name == MADE_WITH or path.name.startswith('.')
        for path in folder.iterdir())


@contextlib.contextmanager
def whole_folder(path) -> Iterator[Path]:
    """A name for a folder to make, renamed to `path` at the end: complete or not there.

    The folder that it lies in is for what is needed meanwhile, and goes at the end.
    """
    path, prefix = Path(path), f'.unfinished-{Path(path).name}-'
    with locks.held(path.with_name(f'{path.name}.lock'), str(path)):
        if path.exists() and (path.is_file() or any(path.iterdir())):
            raise InputError(f'{path}: exists already; choose another folder')
        for left in path.parent.glob(f'{glob.escape(prefix)}*'):
            shutil.rmtree(left, ignore_errors=True)  # by one that was killed: the lock is ours
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=prefix))
        try:
            yield temporary / 'whole'
            os.rename(temporary / 'whole', path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def sealed(content: Mapping[str, Any]) -> dict:
    """A JSON object with a checksum of the rest as its last key, 'seal'."""
    plain = json.loads(json.dumps(content))  # as it will be read: texts as keys, lists
    return {**plain, 'seal': digest(plain)}


def unsealed(content: Any, where: str) -> dict:
    """What `sealed` was given.

    Raises:
      InputError: something else, or altered since: `where` says what is to be made anew.
    """
    if not isinstance(content, dict) or 'seal' not in content:
        raise InputError(f'{where}: expected a JSON object that this program wrote, with its seal, '
                         f'found something else; make it anew')
    seal = content.pop('seal')
    if seal != digest(content):
        raise InputError(f'{where}: damaged or altered since it was written (its seal does not '
                         f'fit); make it anew')
    return content


def digest(content: Mapping[str, Any]) -> str:
    """Hex sha256 of a JSON object, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_json(path, content: Mapping[str, Any]) -> None:
    """Writes a sealed JSON object, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(sealed(content), indent=1))


def read_json(path) -> dict:
    """What `write_json` wrote.

    Raises:
      InputError: there is none, or it is damaged.
    """
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8-sig'))
    except OSError as error:
        raise InputError(f'{path}: cannot be read: {error.strerror}') from None
    except (ValueError, RecursionError):
        content = None
    return unsealed(content, str(path))


def read_yaml(path) -> Any:
    """The plain data of a YAML file.

    Raises:
      ValueError: it cannot be read, or is larger than anybody writes: aliases can make a few lines
        stand for billions of values. The message is one line, without the path.
    """
    try:
        if Path(path).stat().st_size > MAX_YAML_BYTES:
            raise ValueError(f'larger than {MAX_YAML_BYTES >> 20} MiB')
        return parse_yaml(Path(path).read_text(encoding='utf-8'))
    except OSError as error:
        raise ValueError(error.strerror) from None


class _Plain(yaml.SafeLoader):
    """YAML without its surprises: no key twice, no number that reads as another than it looks."""

    def construct_mapping(self, node, deep=False):
        lines: dict = {}
        for key, _ in node.value:
            line, name = key.start_mark.line + 1, getattr(key, 'value', None)
            if isinstance(name, str) and name in lines and key.tag != 'tag:yaml.org,2002:merge':
                raise ValueError(f'the key {name!r} stands twice, in lines {lines[name]} and {line}: keep '
                                 f'one')
            lines[name if isinstance(name, str) else key] = line
        return super().construct_mapping(node, deep)

    def construct_number(self, node):
        """An int or float, refused where YAML 1.1 reads it as base 8 or 60."""
        text = node.value
        if SURPRISE.fullmatch(text):
            raise ValueError(f'line {node.start_mark.line + 1}: {text} would be read in base '
                             f'{60 if ":" in text else 8}: write the number plainly, or in quotes')
        kind = node.tag.rsplit(':', 1)[1]
        return (self.construct_yaml_int if kind == 'int' else self.construct_yaml_float)(node)


for _tag in ('int', 'float'):
    _Plain.add_constructor(f'tag:yaml.org,2002:{_tag}', _Plain.construct_number)


def parse_yaml(text: str) -> Any:
    """`read_yaml` of a text."""
    try:
        tree = yaml.load(text, Loader=_Plain)
    except (yaml.YAMLError, ValueError, RecursionError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(' '.join(str(error).split())[:300] or 'not YAML') from None
    waiting, count = [tree], 0
    while waiting:
        value = waiting.pop()
        count += 1
        if count > MAX_YAML_VALUES:
            raise ValueError(f'more than {MAX_YAML_VALUES:,} values')
        if isinstance(value, (dict, list)):
            waiting += value.values() if isinstance(value, dict) else value
    return tree


def write_manifest(path, files: Iterable[Path]) -> None:
    """Records size and sha256 of files that lie beside or below the manifest `path`."""
    folder = Path(path).parent
    write_json(path, {'files': {str(file.relative_to(folder)): [file.stat().st_size, sha256(file)]
                                for file in sorted(files)}})


def check_manifest(path) -> None:
    """InputError unless every file that a manifest names is there, as it was written."""
    found = read_json(path).get('files')
    if not isinstance(found, dict) or not found:
        raise InputError(f'{path}: expected a list of files, found none')
    for name, entry in found.items():
        file = Path(path).parent / name
        if '..' in Path(name).parts or Path(name).is_absolute() or not file.is_file():
            raise InputError(f'{file}: missing, though {Path(path).name} names it')
        if [file.stat().st_size, sha256(file)] != entry:
            raise InputError(f'{file}: damaged: its size or sha256 is not that of {Path(path).name}')


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
