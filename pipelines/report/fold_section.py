"""Which network, of those that were tested in the same folds on real pairs alone: an answer and a table for each task; and
what was tried in one fold."""
from __future__ import annotations

import statistics
from typing import Dict, List, Sequence, Tuple

from pipelines.plan import segmenters
from pipelines.report import document, findings, groups
from pipelines.report.document import Block
from pipelines.runtime.json_lines import Row
from pipelines.scores.fold_comparison import Ranked, ranked
from pipelines.scores.table import Table, spread

METRIC = 'jaccard_per_image'
RULES = (
    'J and DSC: per image, averaged over organs and over the images of a fold; mean ± standard deviation over folds, '
    'per cent. A network is trained once for each fold, and tested on images that it did not learn from.',
    'Intervals and p: corrected resampled t-test of the paired folds (Nadeau and Bengio 2003), for the trainings of two '
    'folds share most of their images; adjusted for all pairs of networks (Bonferroni, Holm), because the highest '
    'was found in the same folds. One seed a fold: chance in training is part of what varies between folds.')


def split(rows: Sequence[Row]) -> Tuple[List[List[Row]], List[Row]]:
    """(networks that stand side by side in folds, a list for each arm and seed; the other rows)."""
    groups_found: Dict[tuple, List[Row]] = {}
    for row in rows:
        key = row['experiment'], row['arm'], row['division'], row['seed'], row['split'], tuple(row['images']['names'])
        groups_found.setdefault(key, []).append(row)
    asked = [found for found in groups_found.values() if _is_of_networks(found)]
    taken = {id(row) for found in asked for row in found}
    return asked, [row for row in rows if id(row) not in taken]


def answered(asked: Sequence[List[Row]]) -> List[Block]:
    """Of every group of `split`: which network is the highest, and which are not told from it."""
    return [document.answer(*_answer(found)) for found in asked]


def compared(asked: Sequence[List[Row]]) -> List[Block]:
    """Their tables, with the rules below the first."""
    return [document.table(_table(found, RULES if not number else []), css='scores')
            for number, found in enumerate(asked)]


def tried(rows: Sequence[Row]) -> List[Block]:
    """Of arms that were tested in one fold, beside the same network in the arm of their classes with more of them.

    Args:
      rows: of single folds, as read.
    """
    table = _tries(rows)
    return [document.table(table, css='scores')] if table.rows else []


def set_apart(rows: Sequence[Row]) -> Tuple[List[Row], List[Row]]:
    """(rows of arms that were tested in one fold alone while another arm of their classes was in several; the others)."""
    folds: Dict[tuple, Dict[str, set]] = {}
    for row in rows:
        folds.setdefault(_classes_of(row), {}).setdefault(row['arm'], set()).add(row['fold'])

    def is_tried(row: Row) -> bool:
        alike = folds[_classes_of(row)]
        return row['fold'] is not None and len(alike[row['arm']]) == 1 < max(map(len, alike.values()))

    return [row for row in rows if is_tried(row)], [row for row in rows if not is_tried(row)]


def _classes_of(row: Row) -> tuple:
    return row['experiment'], row['division'], row['split'], tuple(row['organs'])


def _tries(rows: Sequence[Row]) -> Table:
    tries, kept = set_apart(rows)
    body = []
    for row in (row for row in tries if row['split'] == 'test'):
        others = [one for one in kept if _classes_of(one) == _classes_of(row)
                  and all(one[key] == row[key] for key in ('fold', 'segmenter', 'regime', 'seed'))
                  and one['images']['names'] == row['images']['names']]
        own, base = (one['scores'][METRIC]['average'][0] if one else None for one in (row, others[0] if others else None))
        protocol = row['protocol']
        body.append((row['arm'], segmenters.label_of(row['segmenter']), str(row['fold']), f'{own:.2f}',
                     '-' if base is None else f'{base:.2f} ({others[0]["arm"]})',
                     '-' if base is None else findings.signed(own - base), f'{protocol["train_size"]} px',
                     str(protocol.get('epochs', '-'))))
    return Table('Tried in one fold', ('Arm', 'Network', 'Fold', 'J', 'J as the others were trained', 'Difference', 'Trained at',
                                       'Epochs'), sorted(body), [
        'J per image, one training each, of the same test images: what a change does, not how sure it is.'])


def _is_of_networks(found: Sequence[Row]) -> bool:
    networks = [row['segmenter'] for row in found]
    return (len(found) > 1 and len(set(networks)) == len(networks) and found[0]['split'] == 'test'
            and all(row['regime'] == 'real' and len(_folds(row, METRIC)) > 1 for row in found)
            and len({len(_folds(row, METRIC)) for row in found}) == 1)


def _folds(row: Row, metric: str) -> List[float]:
    return row.get('per_fold', {}).get(metric, {}).get('average', [])


def _ranked(found: Sequence[Row]) -> List[Ranked]:
    per_fold = {row['segmenter']: _folds(row, METRIC) for row in found}
    tested = len(found[0]['images']['names']) / found[0]['protocol']['folds']
    return ranked(per_fold, tested, statistics.fmean(row['num_real'] for row in found))


def _answer(found: Sequence[Row]) -> Tuple[str, str, str]:
    best, *others = _ranked(found)
    name, like = segmenters.label_of(best.name), [line for line in others if not line.is_apart]
    verdict = f'{name}.' if not like else f'{name}, which is not told from {_names(like)}.'
    rows = {row['segmenter']: row for row in found}
    text = f'J is {spread(_folds(rows[best.name], METRIC))} over {len(_folds(found[0], METRIC))} folds'
    apart = [f'{segmenters.label_of(line.name)} by {findings.digits(line.gap)} {findings.bounds(line)}' for line in others]
    return (f'Which network is best at {_task(found)}?', verdict,
            f'{text}. Below it: {", ".join(apart)}.')


def _task(found: Sequence[Row]) -> str:
    words = ' and '.join(organ.replace('_', ' ') for organ in found[0]['organs'])
    same = groups.configuration_of(found[0]) == found[0]['arm']
    return words if same or found[0]['arm'] == words else f'{words} ({found[0]["arm"]})'


def _names(lines: Sequence[Ranked]) -> str:
    names = [segmenters.label_of(line.name) for line in lines]
    return names[0] if len(names) == 1 else f'{", ".join(names[:-1])} and {names[-1]}'


def _table(found: Sequence[Row], notes: Sequence[str]) -> Table:
    rows, body = {row['segmenter']: row for row in found}, []
    for number, line in enumerate(_ranked(found)):
        row = rows[line.name]
        told = ('-', '-', '-') if not number else (
            f'{findings.digits(line.gap)} {findings.bounds(line)}', 'yes' if line.is_apart else 'no',
            findings.p_words(line.p_holm))
        body.append((segmenters.label_of(line.name), spread(_folds(row, METRIC)), *told,
                     spread(_folds(row, 'dice_per_image')),
                     *[f'{row["scores"][metric]["average"][0]:.2f}' if 'average' in row['scores'].get(metric, {})
                       else '-' for metric in ('hd95_mm', 'assd_mm')], f'{row["protocol"]["train_size"]} px'))
    title = f'{groups.group_of(found[0])}: {len(found[0]["images"]["names"])} images, {_task(found)}'
    return Table(title, ('Network', 'J', 'Below the highest [95 %, all pairs]', 'Told apart?', 'p (Holm)', 'DSC',
                         'HD95 mm', 'ASSD mm', 'Trained at'), body, list(notes))
