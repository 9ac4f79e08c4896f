"""Unblinds what readers answered to a reading (see `pipelines.reading`) and tabulates it.

An answers file is what the page lets a reader download: {reading: id, reader: name,
answers: {'1': {choice: 'A', 'B', 'same' or null, comment: text}, ...}}; what is left out is
unanswered. It comes from outside, so every value is checked, and its texts can neither change the
tables they stand in nor become a formula in a spreadsheet. Nothing here needs TensorFlow.

Section 4.4 prints comments by image only; counts, test, interval and agreement are [ours].
"""
from __future__ import annotations

import csv
import html
import itertools
import json
import textwrap
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from scipy import stats

from datasets.errors import InputError
from datasets.files import unsealed, whole_file
from pipelines.scores.table import Table, to_markdown, to_text as table_text

SIDES = ('A', 'B')
CHOICES = (*SIDES, 'same', None)
PREFERENCES = ('prediction', 'target', 'none')
MAX_BYTES, MAX_COMMENT, MAX_READER = 5_000_000, 2000, 80   # the page lets nobody write more
TERMINAL_COMMENT = 70


class Row(NamedTuple):
    """One pair as one reader judged it; choice and preferred (PREFERENCES) are '' if not."""
    reader: str
    pair: str
    image: str
    prediction_side: str
    choice: str
    preferred: str
    comment: str


class Unblinded(NamedTuple):
    """Tables for any renderer of `published`, whose cells are raw text, and what they count."""
    tables: List[Table]
    rows: List[Row]


def tabulate(key_path, answers_paths: Sequence) -> Unblinded:
    """Unblinds one or several readers' answers.

    Preferences are tested by the sign test (two-sided exact binomial, pairs without preference left
    out); the share of the prediction among them has a Wilson 95 % interval. Agreement of two
    readers counts the pairs that both answered, no preference being an answer.

    Raises:
      InputError: a file that is no key or no answers, answers of another reading, an unknown pair
        or choice, or one reader twice.
    """
    key = read_key(key_path)
    by_reader: Dict[str, List[Row]] = {}
    for path in answers_paths:
        reader, rows = read_answers(path, key)
        if reader.casefold() in map(str.casefold, by_reader):
            raise InputError(f'--answers {path}: reader {reader!r} has answered in another of the '
                             f'files too; give one file per reader')
        by_reader[reader] = rows
    rows = [row for answered in by_reader.values() for row in answered]
    agreement = [_agreement(by_reader)] if len(by_reader) > 1 else []
    return Unblinded([_preferences(by_reader, key), *agreement, _comments(rows)], rows)


def write(output, unblinded: Unblinded) -> None:
    """Writes reading.md and reading.csv (a line per pair and reader) into a folder."""
    output = Path(output)
    try:
        output.mkdir(parents=True, exist_ok=True)
        with whole_file(output / 'reading.md') as temporary:
            temporary.write_text(to_markdown([_escaped(t) for t in unblinded.tables]),
                                 encoding='utf-8')
        with whole_file(output / 'reading.csv') as temporary, \
                open(temporary, 'w', newline='', encoding='utf-8') as file:
            csv.writer(file).writerow(Row._fields)
            csv.writer(file).writerows(map(_no_formula, row) for row in unblinded.rows)
    except OSError as error:
        raise InputError(f'--output {output}: cannot write there: {error.strerror}') from None


def to_text(unblinded: Unblinded) -> str:
    """For a terminal; long comments are cut, reading.md has them whole."""
    *others, comments = unblinded.tables
    rows = [(*cells[:-1], textwrap.shorten(cells[-1], TERMINAL_COMMENT, placeholder=' ...'))
            for cells in comments.rows]
    return table_text([*others, comments._replace(rows=rows)])


def read_key(path) -> dict:
    """The key that `reading.make_reading` wrote; `pairs`: number -> (image, prediction's side)."""
    found = _read_json('--key', path)
    try:
        key = unsealed(found, str(path))
        pairs = {str(p['pair']): (str(p['image']), SIDES[SIDES.index(p['prediction'])])
                 for p in key['pairs']}
        return {'pairs': pairs, **{name: key[name] for name in ('reading', 'model', 'chosen')}}
    except (TypeError, KeyError, ValueError):
        raise InputError(f'--key {path}: expected the key.json that tools/make_reading.py wrote '
                         f'with the page, found something else or a damaged file') from None


def read_answers(path, key: dict) -> Tuple[str, List[Row]]:
    """-> (reader, a row for every pair of the key, answered or not)."""
    where = f'--answers {path}'
    found = _read_json('--answers', path)
    if not (isinstance(found, dict) and found.keys() == {'reading', 'reader', 'answers'}
            and isinstance(found['answers'], dict)):
        raise InputError(f'{where}: expected an answers.json that the page of a reading made '
                         f'(reading, reader, answers), found something else')
    if found['reading'] != key['reading']:
        raise InputError(f'{where}: expected answers to reading {key["reading"]} of the key, found '
                         f'{_brief(found["reading"])}; give the key of that reading')
    reader = _one_line(found['reader']) if isinstance(found['reader'], str) else ''
    if not 1 <= len(reader) <= MAX_READER:
        raise InputError(f'{where}: expected the name of the reader, at most {MAX_READER} '
                         f'characters, found {_brief(found["reader"])}')
    for number, answer in found['answers'].items():
        _check_answer(where, number, answer, key['pairs'])
    rows = []
    for number, (image, side) in key['pairs'].items():
        answer = found['answers'].get(number, {'choice': '', 'comment': ''})
        choice = answer['choice'] or ''
        preferred = {'': '', 'same': 'none', side: 'prediction'}.get(choice, 'target')
        rows.append(Row(reader, number, image, side, choice, preferred,
                        _one_line(answer['comment'])))
    return reader, rows


def kappa(first: Sequence[str], second: Sequence[str]) -> Optional[float]:
    """Cohen's kappa of two readers' preferences; None where both always gave one and the same."""
    count = len(first)
    observed = sum(a == b for a, b in zip(first, second)) / count
    expected = sum(first.count(p) * second.count(p) for p in PREFERENCES) / count ** 2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def _check_answer(where: str, number: str, answer, pairs: dict) -> None:
    if number not in pairs:
        raise InputError(f'{where}: expected the pairs 1 to {len(pairs)} of the key, found pair '
                         f'{_brief(number)}')
    if not isinstance(answer, dict) or answer.keys() != {'choice', 'comment'}:
        raise InputError(f'{where}: pair {number}: expected choice and comment, found '
                         f'{_brief(answer)}')
    if answer['choice'] not in CHOICES:
        raise InputError(f"{where}: pair {number}: expected the choice 'A', 'B', 'same' or null, "
                         f'found {_brief(answer["choice"])}')
    if not isinstance(answer['comment'], str) or len(answer['comment']) > MAX_COMMENT:
        raise InputError(f'{where}: pair {number}: expected a comment of at most {MAX_COMMENT} '
                         f'characters, found {_brief(answer["comment"])}')


def _preferences(by_reader: Dict[str, List[Row]], key: dict) -> Table:
    groups = list(by_reader.items())
    notes = [f'Model {key["model"]}; images: {key["chosen"]}; reading {key["reading"]}.',
             'Share of the prediction among the preferences with its Wilson 95 % interval; p of '
             'the two-sided sign test. Pairs without preference are left out of both.']
    if len(by_reader) > 1:
        groups.append(('all readers', [row for rows in by_reader.values() for row in rows]))
        notes.append('All readers: several answers to one image are not independent, so this '
                     'interval and p look more certain than they are.')
    body = []
    for name, rows in groups:
        given = [row.preferred for row in rows]
        prediction, target, neither = map(given.count, PREFERENCES)
        share = interval = p = '-'
        if prediction + target:
            test = stats.binomtest(prediction, prediction + target)
            low, high = test.proportion_ci(method='wilson')
            share = f'{100 * test.statistic:.1f} %'
            interval = f'{100 * low:.1f} to {100 * high:.1f} %'
            p = '< 0.001' if test.pvalue < 0.001 else f'{test.pvalue:.3f}'
        body.append((name, *map(str, (prediction, target, neither, given.count(''))),
                     share, interval, p))
    return Table('Preferences', ('Reader', 'Prediction', 'Target', 'No preference', 'Unanswered',
                                 'Share', 'Interval', 'p'), body, notes)


def _agreement(by_reader: Dict[str, List[Row]]) -> Table:
    body = []
    for (name, rows), (other, others) in itertools.combinations(by_reader.items(), 2):
        both = [(a.preferred, b.preferred) for a, b in zip(rows, others)
                if a.preferred and b.preferred]
        same = chance = '-'
        if both:
            same = f'{100 * sum(a == b for a, b in both) / len(both):.1f} %'
            beyond = kappa(*zip(*both))
            chance = '-' if beyond is None else f'{beyond:.2f}'
        body.append((f'{name} and {other}', str(len(both)), same, chance))
    return Table('Agreement', ('Readers', 'Pairs both answered', 'Same answer', "Cohen's kappa"),
                 body, ['Of prediction, target and no preference; kappa is "-" where chance alone '
                        'would agree always.'])


def _comments(rows: Sequence[Row]) -> Table:
    ordered = sorted(rows, key=lambda row: (row.image, row.reader))
    body = [(row.image, row.pair, row.reader, row.prediction_side, row.preferred or '-',
             row.comment) for row in ordered if row.comment]
    return Table('Comments by image', ('Image', 'Pair', 'Reader', 'Prediction was', 'Preferred',
                                       'Comment'), body, [] if body else ['No comments.'])


def _read_json(option: str, path):
    try:
        size = Path(path).stat().st_size
        if size > MAX_BYTES:
            raise InputError(f'{option} {path}: expected a file of at most {MAX_BYTES} bytes, '
                             f'found {size}; is it the page itself?')
        return json.loads(Path(path).read_text(encoding='utf-8-sig'))
    except OSError as error:
        raise InputError(f'{option} {path}: cannot be read: {error.strerror}') from None
    except InputError:
        raise
    except (ValueError, RecursionError):
        raise InputError(f'{option} {path}: expected JSON, found something else or a damaged '
                         f'file; take it from the page or make_reading.py again') from None


def _one_line(text: str) -> str:
    """Without line ends, control characters and what changes the direction of writing."""
    return ' '.join(''.join(c if c.isprintable() else ' ' for c in text).split())


def _brief(value) -> str:
    """Any JSON value in one short line."""
    text = ascii(value)
    return text if len(text) <= 60 else f'{text[:57]}...'


def _escaped(table: Table) -> Table:
    """Cells and notes in which Markdown finds neither HTML nor cells, code or links."""
    def escape(text):
        text = html.escape(text, quote=False)
        return ''.join(f'&#{ord(c)};' if c in '|\\`[]' else c for c in text)

    return table._replace(rows=[tuple(map(escape, cells)) for cells in table.rows],
                          notes=list(map(escape, table.notes)))


def _no_formula(cell: str) -> str:
    """A spreadsheet takes a cell that begins with one of these for a formula."""
    return f"'{cell}" if cell.startswith(('=', '+', '-', '@')) else cell
