"""Files of a workdir as blocks of a report: pictures, learning curves, sample sheets, JSON facts.

A file that is missing or damaged becomes one line that says so; nothing here raises for it.
"""
from __future__ import annotations

import io
import pathlib
from typing import Any, Dict, Iterable, List, Sequence, Tuple

import numpy as np
from PIL import Image

from datasets.errors import InputError
from datasets.files import read_json
from pipelines.report import document, plots
from pipelines.report.document import Block
from pipelines.runtime.json_lines import read_json_lines
from pipelines.scores.table import Table

WIDEST = 1400     # px of a picture in the report; larger ones are scaled down
NARROWEST = 480   # px; smaller ones are enlarged by whole factors
MOST_FACTS = 40   # lines of a table of facts


def picture(workdir: pathlib.Path, path: pathlib.Path, name: str, caption: str) -> Block:
    """The picture at `path`, called `name` in the report."""
    try:
        loaded = _load(path)
    except InputError as error:
        return missing(workdir, error)
    buffer = io.BytesIO()
    Image.fromarray(loaded).save(buffer, format='PNG')
    return document.figure(name, buffer.getvalue(), caption)


def curves(workdir: pathlib.Path, paths: Dict[str, pathlib.Path], name: str,
           caption: str) -> List[Block]:
    """Learning curves of the losses.jsonl files that are there, a line for each label."""
    blocks, series = [], {}
    for label, path in paths.items():
        try:
            rows = [row for _, row in read_json_lines(path)
                    if isinstance(row.get('step'), (int, float))]
        except InputError as error:
            blocks.append(missing(workdir, error if path.exists() else f'{path}: missing'))
            continue
        if rows:
            series[label] = rows
        else:
            blocks.append(missing(workdir, f'{path}: no rows yet'))
    if series:
        blocks.insert(0, document.figure(name, plots.curves(series), caption, wide=True, scale=plots.SCALE))
    return blocks


def sheets(workdir: pathlib.Path, folder: pathlib.Path, name: str, caption: str) -> List[Block]:
    """The latest of the step-*.png in `folder`, and a strip of the first, a middle and the last."""
    paths = sorted(folder.glob('step-*.png'))
    if not paths:
        return [missing(workdir, f'{folder}/: no sample sheets')]
    blocks = [picture(workdir, paths[-1], f'{name}-samples',
                      f'{caption} The latest sheet, {_step(paths[-1])}.')]
    chosen = list(dict.fromkeys((paths[0], paths[len(paths) // 2], paths[-1])))
    if len(chosen) > 1:
        try:
            strip = plots.strip({_step(path): _load(path) for path in chosen})
        except InputError as error:
            return blocks + [missing(workdir, error)]
        blocks.append(document.figure(f'{name}-progress', strip, f'From the first to the last of '
                                      f'{len(paths)} sheets.', wide=True, scale=plots.SCALE))
    return blocks


def facts(workdir: pathlib.Path, path: pathlib.Path) -> Block:
    """The plain values of a JSON file as a table; lists are only counted."""
    try:
        content = read_json(path)
    except InputError as error:
        return missing(workdir, error)
    values = [(name, str(value)) for name, value in _plain_values(content, '')]
    notes = [f'{len(values) - MOST_FACTS} more in {path.name}.'] if values[MOST_FACTS:] else []
    return document.table(Table('', ('Key', 'Value'), values[:MOST_FACTS], notes))


def folders(parent: pathlib.Path, order: Iterable[str]) -> List[str]:
    """Names of the folders in `parent`: those in `order` first, then the others by name."""
    found = sorted(path.name for path in parent.glob('*') if path.is_dir())
    return [name for name in order if name in found] + [n for n in found if n not in set(order)]


def missing(workdir: pathlib.Path, message) -> Block:
    """One line on what is not there, with paths inside the workdir."""
    return document.missing(str(message).replace(f'{workdir}/', ''))


def _plain_values(content: Any, prefix: str) -> Sequence[Tuple[str, Any]]:
    if isinstance(content, list):
        return [(prefix, f'{len(content)} entries')]
    if not isinstance(content, dict):
        return [(prefix, content)]
    return [pair for name, value in content.items() if name != 'coding'
            for pair in _plain_values(value, f'{prefix}.{name}' if prefix else str(name))]


def _load(path: pathlib.Path) -> np.ndarray:
    """A picture as uint8 [height, width, 3], scaled to a width that a page can show."""
    try:
        with Image.open(path) as file:
            loaded = file.convert('RGB')
    except FileNotFoundError:
        raise InputError(f'{path}: missing') from None
    except (OSError, SyntaxError, ValueError):  # what Pillow raises for damaged files
        raise InputError(f'{path}: not readable as a picture') from None
    if loaded.width > WIDEST:
        height = max(1, round(loaded.height * WIDEST / loaded.width))
        loaded = loaded.resize((WIDEST, height), Image.LANCZOS)
    elif loaded.width < NARROWEST:
        factor = NARROWEST // loaded.width
        loaded = loaded.resize((loaded.width * factor, loaded.height * factor), Image.NEAREST)
    return np.asarray(loaded)


def _step(path: pathlib.Path) -> str:
    number = path.stem.split('-')[-1]
    return f'step {int(number):,}' if number.isdigit() else path.stem
