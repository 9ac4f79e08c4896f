"""Tables 1 and 2 and figure 4 of DF-GAN: published numbers beside those of MIXED D, and what the gain is made of.

The numbers stand in published/dfgan.yaml. Of n real images, R is REAL, R + S MIXED D or MIXED P with as many synthetic
pairs as real images, R + 2 S with twice as many. Ours stand beside them whatever they were measured on, for a course
over n is what the paper claims; that the data are others is said.
"""
from __future__ import annotations

import collections
import math
import statistics
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from pipelines.plan import segmenters
from pipelines.plan.regimes import order_of, short_of
from pipelines.report import document, gains, protocols
from pipelines.report.document import Block
from pipelines.report.gains import AUGMENTED, CONTROL, DFGAN, PLAIN, REAL, SHORTER, Line, error_of
from pipelines.report.papers import load_paper
from pipelines.runtime.json_lines import Row
from pipelines.scores.table import Table

NAME = 'dfgan'
METRIC = 'dice_per_image'
MIXED = (DFGAN, CONTROL)
WORDS = {PLAIN: 'no', AUGMENTED: 'yes'}
NOTE = ('Dice: mean over images and classes, mean ± standard error over trainings (their number). "-": not printed or '
        'not measured. R + S: n real images and as many synthetic pairs.')
IN_PAIRS = ('Mean ± standard error of the differences of trainings with the same n, draw and seed (their number); of '
            'as many synthetic pairs as real images, unless R + 2 S is said.')
UPDATES = ('REAL had as many updates as MIXED, so that pictures are seen more often where there are fewer of them; '
           'FIRST has had the updates of a first training alone. Which of both the paper\'s R is it does not say.')
LITERAL = ('Where the Frechet loss is as printed (fid_loss literal), it moves nothing: MIXED D and MIXED P differ there by the '
           'seed of their GAN alone, and as large a difference is chance.')
CAPTION = ('Figure 4 of DF-GAN: what n synthetic pairs beside n real ones gain in Dice over the real ones alone; '
           'published (dashed: the difference of its means) and ours, mean and standard error over pairs of trainings')


class Study(NamedTuple):
    """Rows that stand in one table: of one experiment, network and division."""
    name: str
    rows: List[Row]


def of(rows: Sequence[Row]) -> List[Row]:
    """The rows that stand beside the paper: of experiments with MIXED D or MIXED P, and all on SIIM-ACR."""
    mixed = {row['experiment'] for row in rows if row['regime'] in MIXED}
    return [row for row in rows if row['experiment'] in mixed or protocols.is_of_paper(row, NAME)]


def tables(rows: Sequence[Row]) -> List[Table]:
    """Tables 1 and 2 and what the gain is made of, for each study; rows are results.score_rows of test images."""
    made = []
    for study in _studies(rows):
        made += [_table1(study), *_table2(study), *_made_of(study)]
    return made


def departures(rows: Sequence[Row]) -> Tuple[List[str], List[str]]:
    """Sentences on where we leave the paper, and on where these rows do."""
    studies = _studies(rows)
    return load_paper(NAME)['departures'] if studies else [], [
        f'{study.name}. {words}' for study in studies for words in _otherwise(study.rows)]


def figures(rows: Sequence[Row]) -> List[Block]:
    """Figure 4 with ours, for each study of more than one number of real images."""
    from pipelines.report import plots  # takes a moment: not for who prints tables
    blocks = []
    for number, study in enumerate(_studies(rows)):
        ours = {words: line for words, line in gains.of_regimes(study.rows, gains.GAINS[:2]).items() if line}
        printed = {f'published, {words} classical augmentation': _published_gains(key)
                   for key, words in ((PLAIN, 'without'), (AUGMENTED, 'with'))}
        if len({row['num_real'] for row in study.rows}) > 1:
            places = sorted({*(count for line in (*ours.values(), *printed.values()) for count in line)})
            picture = plots.against(ours, printed, places, 'real images', 'gain in Dice')
            blocks.append(document.figure(f'dfgan-figure4-{number}', picture, f'{CAPTION}. {study.name}.',
                                          scale=plots.SCALE))
    return blocks


def _studies(rows: Sequence[Row]) -> List[Study]:
    found: Dict[tuple, List[Row]] = collections.defaultdict(list)
    for row in rows:
        if (row['metric'], row['organ']) == (METRIC, 'average') and row['regime'] in (REAL, SHORTER, *MIXED):
            found[row['experiment'], row['segmenter'], row['division']].append(row)
    return [Study(f'{name}, {segmenters.label_of(network)}' + ('' if division == 'official' else f', {division}'), some)
            for (name, network, division), some in found.items() if {row['regime'] for row in some} & {*MIXED}]


def _label(line: Line) -> str:
    told = {'real': 'R: REAL', 'first': 'R: FIRST'}.get(line.regime)
    times = 'S' if line.times == 1 else f'{line.times:.3g} S'
    return told or f'R + {times}: {short_of(line.regime)}'


def _table1(study: Study) -> Table:
    paper, values = load_paper(NAME)['table1'], gains.values_of(study.rows)
    counts = sorted({*paper, *(count for line in values.values() for count in line)})
    body, has_arms = [], len(gains.arms_of(values)) > 1
    for key in (PLAIN, AUGMENTED):
        for column, words in (('R', 'R, published'), ('RS', 'R + S, published')):
            printed = [paper[count][key][column] if count in paper else None for count in counts]
            body.append((WORDS[key], words, *map(_printed, printed)))
        for line in sorted(values, key=lambda one: (one.arm, order_of(one.regime), one.times)):
            if line.augmented == key and line.times <= 1:
                arm = f' ({line.arm})' if has_arms else ''
                body.append((WORDS[key], _label(line) + arm, *(_ours(values[line].get(count, {})) for count in counts)))
    return Table(f'Table 1 of DF-GAN: Dice of {study.name}, published and ours',
                 ('Classic aug.', 'Learned from', *(f'n = {count}' for count in counts)), body, _notes(study))


def _table2(study: Study) -> List[Table]:
    values = gains.values_of(study.rows)
    twice = [line for line in values if line.times == 2]
    if not twice:
        return []
    paper = load_paper(NAME)['table2']
    body = [('Published, n = 100', *(_printed(paper[key]) for key in ('100R', '100R+100S', '100R+200S')))]
    for line in sorted(twice, key=lambda one: (one.arm, order_of(one.regime))):
        for count in sorted(values[line]):
            same = [line._replace(regime=REAL, times=0.0), line._replace(times=1.0), line]
            body.append((f'Ours: {short_of(line.regime)}, {line.arm}, n = {count}',
                         *(_ours(values.get(one, {}).get(count, {})) for one in same)))
    return [Table(f'Table 2 of DF-GAN: Dice of {study.name}, published and ours',
                  ('', 'n R', 'n R + n S', 'n R + 2n S'), body, _notes(study))]


def _made_of(study: Study) -> List[Table]:
    """Which part of the gain is what: differences of trainings with the same draw and seed."""
    lines = {**gains.of_regimes(study.rows), **gains.of_arms(study.rows)}
    counts = sorted({count for line in lines.values() for count in line})
    body = [(words, *(_gain(line.get(count)) for count in counts)) for words, line in lines.items() if line]
    if not body:
        return []
    header = ('', *(f'n = {count}' for count in counts))
    is_literal = any(told.get('fid_loss') == 'literal' for row in study.rows for told in row['protocol'].get('drawn', {}).values())
    notes = [IN_PAIRS, _trainings(study.rows), *_told_of_arms(study.rows), *[LITERAL] * is_literal]
    return [Table(f'What the gain in Dice is made of: {study.name}', header, body, notes)]


def _published_gains(key: str) -> Dict[int, Tuple[float, float]]:
    """n -> (difference of the printed means, its standard error)."""
    return {count: (of[key]['RS'][0] - of[key]['R'][0], math.hypot(of[key]['RS'][1], of[key]['R'][1]))
            for count, of in load_paper(NAME)['table1'].items()}


def _ours(found: Mapping[tuple, float]) -> str:
    values = list(found.values())
    if not values:
        return '-'
    error = f' ± {error_of(values):.3f}' if len(values) > 1 else ''
    return f'{statistics.fmean(values):.3f}{error} ({len(values)})'


def _gain(point: Optional[tuple]) -> str:
    if point is None:
        return '-'
    mean, _, high, pairs = point
    gain = round(mean, 3) + 0.0  # never -0
    return f'{gain:+.3f}' + (f' ± {high - mean:.3f}' if pairs > 1 else '') + f' ({pairs})'


def _printed(pair) -> str:
    return '-' if pair is None else f'{pair[0]:.3f} ± {pair[1]:.3f}'


def _notes(study: Study) -> List[str]:
    rows = study.rows
    return [NOTE, load_paper(NAME)['note'], _trainings(rows), f'Ours: {protocols.describe(rows)}', *_drawn(rows),
            *_told_of_arms(rows), *[UPDATES] * any(row['regime'] == SHORTER for row in rows), *_otherwise(rows)]


def _trainings(rows: Sequence[Row]) -> str:
    """What the standard errors are over."""
    draws, seeds = len({row['draw'] for row in rows}), len({row['seed'] for row in rows})
    if draws == 1:
        return ('One training each.' if seeds == 1 else
                f'Trainings share their real images and GANs, and differ in the segmenter\'s seed ({seeds} seeds).')
    return (f'Trainings differ in the draw of their real images ({draws} draws), each with its own GANs and segmenters'
            + (f', and in the segmenter\'s seed ({seeds} seeds).' if seeds > 1 else '.'))


def _drawn(rows: Sequence[Row]) -> List[str]:
    """How each regime's samples were drawn; with the arms where these differ in it."""
    arms: Dict[str, Dict[str, set]] = collections.defaultdict(lambda: collections.defaultdict(set))
    for row in rows:
        for told in row['protocol'].get('drawn', {}).values():
            words = ', '.join(f'{key} {value}' for key, value in told.items())
            arms[short_of(row['regime'])][words].add(row['arm'])
    return [f'Drawn by {regime}{" (" + ", ".join(sorted(of[words])) + ")" if len(of) > 1 else ""}: {words}.'
            for regime, of in sorted(arms.items()) for words in sorted(of)]


def _told_of_arms(rows: Sequence[Row]) -> List[str]:
    found = [f'{arm}: {words}' for arm, words in gains.ARMS.items() if arm in {row['arm'] for row in rows}]
    return [f'Varied while learning: {"; ".join(found)}.'] if found else []


def _otherwise(rows: Sequence[Row]) -> List[str]:
    elsewhere = [] if all(protocols.is_of_paper(row, NAME) for row in rows) else [
        f'OTHER DATA than the paper\'s (SIIM-ACR): {protocols.said(rows, "dataset")}. Its figures stand there for '
        f'their course, not for their height.']
    return elsewhere + protocols.another_scale(rows, load_paper(NAME)['scale'])
