"""Scores as files: `results.jsonl`, one JSON object a line, appended and never rewritten.

A line is one evaluation: one trained segmenter on one set of images. Its keys, exactly:
  schema         3; lines of earlier schemas are upgraded on reading, see `upgraded`.
  experiment     name of the run, str.
  arm            which config of the experiment's matrix, str; usually the configuration.
  num_real       real images (before augmentation) behind it, int.
  draw           which draw of them, int.
  regime         'real', or 'synth' or 'finetune' and the method's code.
  segmenter      name of the network, str.
  num_synthetic  synthetic pairs behind it, validation included, int; 0 for 'real'.
  labelled       per cent of another hospital's learning images whose labels it learned from, see plan/transfers.py;
                 null where it learned from no other hospital.
  seed           of the segmenter, int.
  division       how the images were divided into those to learn from and those to test, see
                 datasets/divisions.py; str.
  fold           which part of the division was tested, int; null where it has one only.
  split          'test'; 'left_out': learning images that the draw left out; or the name of another hospital's
                 data set, see `external` of the config.
  organs         the classes that were scored, in their order.
  images         names; and each measure of metrics.MEASURES: counts [images, organs, 3] in pixels (right, invented,
                 missed); distances [images, organs, 2], HD95 and ASSD in mm (null where an organ is in neither), or
                 null where the pixel's size is not known; of scattered organs thin [images, organs, 9], see thin.py.
  scores         {metric: {organ or 'average': [value, low, high]}}, 95 % intervals over images;
                 [value] where there is none. Metrics: metrics.METRICS.
  protocol       dict: how it was measured. `dataset` (scored on; 'jsrt...' is the paper's), `learned_from` (its
                 name, where it is another), `configuration` ('full' and 'tiny' are the paper's, any other
                 name is ours), `size` (scored at, px), `train_size` (the segmenter's, px), `gan_size` (px),
                 `augmentation` (bool, of the real images), `updates` (pre-training and fine-tuning together), with a
                 validation fold `epochs` (of those, null where nobody counts them) and `chosen_update` (whose weights
                 they are), `folds` (of a division that has some), `distances` (the library), `spacing_mm` (row and
                 column, at `size`; null where pictures differ), `at_detector` (true where some were measured
                 there), `enlarged` (real learning images smaller than `gan_size`), of scattered organs `threshold`
                 and `threshold_chosen_on`, see serving/threshold.py (without: the likeliest class). None is
                 required; a table says '?' for what it is not told. Of a segmenter for another hospital also `target`
                 (its data set), `num_target` (its learning images) and `num_labelled` (those with labels); with a
                 translator `restarts`, of trainings that had not converged, and `convergence`, see
                 evaluation/convergence.py.
  versions       dict: see runtime/versions.py.
  seal           checksum of the rest, see datasets/files.py.

KEY tells lines apart: of several lines with one key the newest counts. Values that do not follow from
the line's own measures are refused, whatever the seal says: a score cannot be changed by itself (its
interval could; what compares regimes computes its own). A line that a crash tore off at the end of the
file, without its line end, is dropped.
"""
from __future__ import annotations

import collections
import json
import math
import pathlib
from typing import Any, Callable, Iterable, List, Mapping

import numpy as np

from datasets import locks
from datasets.errors import InputError
from datasets.files import sealed, unsealed, whole_file
from pipelines.plan.data_checks import NAME, RECORDS, SCORED
from pipelines.runtime.json_lines import PathLike, Row, append, read_json_lines
from pipelines.scores import metrics, overlap
from pipelines.scores.metrics import METRICS

SCHEMA = 3
KEY = ('experiment', 'arm', 'num_real', 'draw', 'regime', 'segmenter', 'num_synthetic', 'labelled', 'seed',
       'division', 'fold', 'split')
FIELDS = ('schema',) + KEY + ('organs', 'images', 'scores', 'protocol', 'versions')
RESULTS = 'results.jsonl'
PATIENCE = 60.0  # seconds: others append within a moment


def read_results(path: PathLike) -> List[Row]:
    """Reads the newest line of each key, in the order in which the keys first appeared.

    Raises:
      InputError: no such file, or a line that is no result (a torn last line is dropped).
    """
    newest = {}
    for number, row in read_json_lines(path):
        row = upgraded(unsealed(row, f'{path}, line {number}'))
        _check(row, f'{path}, line {number}')
        newest[_key(row)] = row
    return list(newest.values())


def collect(path: PathLike) -> List[Row]:
    """The results in a file, or of an experiment: those of its folder and of its arms' folders.

    Raises:
      InputError: there are none, or a file of them is no results.
    """
    path = pathlib.Path(path)
    if not path.is_dir():
        return read_results(path)
    paths = [p for p in (path / RESULTS, *sorted(path.glob(f'*/{RESULTS}'))) if p.exists()]
    if not paths:
        raise InputError(f'{path}: expected {RESULTS} in it or in the folders of its arms, found '
                         f'none; nothing is scored yet')
    rows = [row for path in paths for row in read_results(path)]
    for key, count in collections.Counter(map(_key, rows)).items():
        if count > 1:
            raise InputError(f'{path}: expected one result of {key}, found {count} in the folders of '
                             f'different arms; remove those of the arm that the config has no more')
    return rows


def append_results(path: PathLike, rows: Iterable[Mapping[str, Any]]) -> int:
    """Appends the rows that the file does not already end up with; returns how many were written.

    Repeating a command therefore changes nothing, and a new line for an old key wins on reading.

    Raises:
      InputError: a row that is no result (nothing is written then), or an unreadable file.
    """
    path = pathlib.Path(path)
    with locks.held(path.with_suffix('.lock'), str(path), PATIENCE):
        newest = {_key(row): row for row in read_results(path)} if path.exists() else {}
        lines = []
        for row in rows:
            row = {'schema': SCHEMA, **row}
            _check(row, 'result to append')
            line = sealed(row)
            row = {name: line[name] for name in FIELDS}  # as it will be read: tuples are lists
            if newest.get(_key(row)) != row:
                newest[_key(row)] = row
                lines.append(json.dumps(line, allow_nan=False) + '\n')
        if lines:
            append(path, ''.join(lines).encode())
    return len(lines)


def remove_results(path: PathLike, is_gone: Callable[[Row], bool]) -> None:
    """Takes lines out of a file, for what they scored is to be made anew; the rest stays as it is."""
    path = pathlib.Path(path)
    if not path.exists():
        return
    with locks.held(path.with_suffix('.lock'), str(path), PATIENCE):
        kept = [row for _, row in read_json_lines(path) if not is_gone(upgraded(row))]
        with whole_file(path) as temporary:
            temporary.write_text(''.join(json.dumps(row, allow_nan=False) + '\n' for row in kept))


def score_rows(rows: Iterable[Row]) -> List[Row]:
    """One row a number, for tables: the key, `metric`, `organ`, `value`, `interval` and `protocol`; of joined folds
    also `per_fold` and `chosen_epochs`, see runs.py."""
    return [{**{name: row[name] for name in KEY}, 'metric': metric, 'organ': organ,
             'value': value, 'interval': interval or None,
             **({'per_fold': row['per_fold'][metric][organ], 'chosen_epochs': row['chosen_epochs']}
                if 'per_fold' in row else {}),
             'protocol': {**row['protocol'], 'num_test_images': len(row['images']['names'])}}
            for row in rows for metric, of_organ in row['scores'].items()
            for organ, (value, *interval) in of_organ.items()]


def upgraded(row: Row) -> Row:
    """A line as it would be written now; of one that is no line of any schema, the line itself.

    Schema 1 had no `schema`, `division` and `fold`, and confusion matrices in the place of counts; 2 had no `labelled`.
    Scores by metrics that are no more are left out.
    """
    row = dict(row)
    if 'schema' not in row:
        row.update(schema=2, division='official', fold=None)
        row['images'] = upgraded_images(row.get('images'))
    if row['schema'] == 2:
        row = {**row, 'schema': SCHEMA, 'labelled': row.get('labelled')}
    if isinstance(row.get('scores'), dict):
        row['scores'] = {name: of for name, of in row['scores'].items() if name in METRICS}
    return row


def upgraded_images(images: Any) -> Any:
    """Measures of images as they would be written now; what is none is left to the checks."""
    if not isinstance(images, dict) or 'confusions' not in images:
        return images
    try:
        counts = overlap.counts_of(np.array(images['confusions'], np.int64)).tolist()
    except (TypeError, ValueError, OverflowError, IndexError):
        counts = None
    rest = {key: value for key, value in images.items() if key not in ('names', 'confusions')}
    return {'names': images.get('names'), 'counts': counts, **rest}


def _key(row: Mapping[str, Any]) -> tuple:
    return tuple(row[name] for name in KEY)


def _check(row: Mapping[str, Any], where: str) -> None:
    """Raises InputError, naming `where`, unless `row` is a result as the module docstring says."""
    def refuse(name, expected):
        raise InputError(f'{where}: expected {name} to be {expected}, found '
                         f'{str(row[name])[:60]!r}')

    if set(row) != set(FIELDS):
        wrong = sorted(set(row) ^ set(FIELDS))
        raise InputError(f'{where}: expected exactly the keys {", ".join(FIELDS)}; missing or '
                         f'unknown: {", ".join(map(str, wrong))}')
    if row['schema'] != SCHEMA:
        refuse('schema', f'1 (without this key) to {SCHEMA}; a newer version of this program wrote it')
    for name in ('experiment', 'arm', 'regime', 'segmenter', 'division'):
        if not isinstance(row[name], str) or not row[name]:
            refuse(name, 'a name')
    if not (isinstance(row['split'], str) and NAME.fullmatch(row['split'])) or row['split'] in {*RECORDS} - {*SCORED}:
        refuse('split', f'one of {", ".join(SCORED)}, or the name of a data set')
    for name in ('num_real', 'draw', 'num_synthetic', 'seed', 'fold'):
        if row[name] is None and name == 'fold':
            continue
        if isinstance(row[name], bool) or not isinstance(row[name], int) or row[name] < 0:
            refuse(name, 'a whole number from 0 on')
    share = row['labelled']
    if share is not None and not (type(share) in (int, float) and 0 <= share <= 100):
        refuse('labelled', 'per cent, from 0 to 100, or null')
    for name in ('images', 'scores', 'protocol', 'versions'):
        if not isinstance(row[name], dict):
            refuse(name, 'a mapping')
    _check_scores(row, refuse)
    _check_images(row, where)


def _check_scores(row: Mapping[str, Any], refuse) -> None:
    numbers = []
    for metric, of_organ in row['scores'].items():
        if metric not in METRICS or not isinstance(of_organ, dict):
            refuse('scores', f'by metric ({", ".join(METRICS)}) and organ')
        for values in of_organ.values():
            highest = METRICS[metric].highest + 1e-9
            if (not isinstance(values, (list, tuple)) or len(values) not in (1, 3)
                    or not all(type(v) in (int, float) and math.isfinite(v) and 0 <= v <= highest
                               for v in values)):
                refuse('scores', '[value] or [value, low, high], percentages or mm')
            numbers += values
    if not numbers:
        refuse('scores', 'some scores')


def _check_images(row: Mapping[str, Any], where: str) -> None:
    """The scores must follow from the measures beside them."""
    images, measured = row['images'], {}
    try:
        organs, measured = list(row['organs']), {
            name: metrics.as_array(images[name], list(row['organs'])) for name in images
            if name != 'names'}
        if measured.get('counts') is None:
            raise KeyError('counts')
        computed = metrics.values(measured, organs)
        numbers = {len(images['names']), *(len(a) for a in measured.values() if a is not None)}
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError) as error:
        raise InputError(f'{where}: expected images with names and measures of the organs, found '
                         f'something else ({" ".join(str(error).split())[:100]})') from None
    if len(numbers) > 1:
        raise InputError(f'{where}: expected as many names as measures')
    stored = {(metric, organ): values[0] for metric, of_organ in row['scores'].items()
              for organ, values in of_organ.items()}
    scored = {key for key in computed if key[0] in row['scores']}  # a newer metric was not known yet
    for key in sorted({*scored, *stored}):
        if not math.isclose(computed.get(key, -1), stored.get(key, -1), abs_tol=2e-3):
            raise InputError(f'{where}: {" of ".join(key)}: the images give '
                             f'{computed.get(key)}, the line says {stored.get(key)}; it was '
                             f'altered: evaluate anew')
