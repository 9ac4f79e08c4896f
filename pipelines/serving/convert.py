"""Makes PNG of DICOM, for a data set to train on: grey values and geometry, and nothing else of what the files tell."""
from __future__ import annotations

import csv
from pathlib import Path
from typing import Dict, List, Sequence

from datasets.dicom import Radiograph
from datasets.errors import InputError
from datasets.files import whole_file, whole_folder, write_png
from datasets.readers.folder import SPACING
from pipelines.runtime import progress
from pipelines.serving import pictures

TABLE = 'dicom.csv'
COLUMNS = ('id', 'height', 'width', 'bits', 'row_mm', 'column_mm', 'measured', 'burnt_in', 'other_part', 'lateral')


def convert(inputs: Sequence, output, are_numbered: bool = False) -> List[Dict[str, object]]:
    """Writes a new folder: images/<id>.png, dicom.csv, and spacing.csv where every file says its millimetres alike.

    Args:
      inputs: files, or folders of them.
      are_numbered: whether pictures are called 0001, 0002, ..., for names of files may name patients.

    Returns:
      The lines of dicom.csv, see COLUMNS; `measured`: 'detector' or 'calibrated', see datasets/dicom.py.

    Raises:
      InputError: a file that is no radiograph; all are read before anything is written.
    """
    files = pictures.list_pictures(inputs, output, are_numbered)
    names = pictures.shown(files, are_numbered)
    deep = {path: name.replace('/', '_') for path, name in files.items()}
    if len(set(deep.values())) < len(deep):
        raise InputError('--input: two files would have one name; convert them into two folders, or number them')

    def read(path) -> pictures.Picture:
        picture = pictures.read_picture(path, names)
        if picture.told is None:
            raise InputError(f'--input: expected DICOM, found another picture: {names[path]}')
        return picture

    pictures.warn(pictures.check(files, read, are_chests=True))
    rows = []
    with whole_folder(output) as folder:
        (folder / 'images').mkdir(parents=True)
        for path, name in progress.bar(list(deep.items()), desc='convert', unit='image'):
            told = read(path).told
            write_png(folder / 'images' / f'{name}.png', told.image)
            rows.append(_row(name, told))
        _write(folder / TABLE, [COLUMNS, *(tuple(row.values()) for row in rows)])
        if len({row['measured'] for row in rows}) == 1 and rows[0]['measured']:
            _write(folder / SPACING, [tuple(row[key] for key in ('id', 'row_mm', 'column_mm', 'measured')) for row in rows])
    return rows


def _row(name: str, told: Radiograph) -> Dict[str, object]:
    height, width = told.image.shape
    row, column = told.spacing_mm or ('', '')
    return dict(zip(COLUMNS, (name, height, width, 8 * told.image.dtype.itemsize, row, column, told.measured,
                              *(int(is_so) for is_so in told[3:]))))


def _write(path: Path, lines: Sequence[tuple]) -> None:
    with whole_file(path) as temporary, open(temporary, 'w', newline='', encoding='utf-8') as file:
        csv.writer(file).writerows(lines)
