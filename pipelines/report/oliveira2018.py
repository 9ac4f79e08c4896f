"""Table I and figure 7 of Oliveira and dos Santos 2018: published numbers beside those of networks tested in folds.

The numbers stand in published/oliveira2018.yaml. Ours are of a class of the paper's names (`lungs`, `heart`,
`clavicles`, see segmenter.targets), from a segmenter of its own or of all together.
"""
from __future__ import annotations

import math
import statistics
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

from pipelines.plan import segmenters
from pipelines.plan.regimes import short_of
from pipelines.report import document, protocols
from pipelines.report.document import Block
from pipelines.report.papers import load_paper
from pipelines.runtime.json_lines import Row
from pipelines.scores.table import Table, spread

NAME = 'oliveira2018'
HEADER = ('Task', 'Method', 'J published', 'J ours', 'DSC published', 'DSC ours', 'J ours, pooled', 'Chosen epochs')
OF_LINE = ('experiment', 'arm', 'division', 'num_synthetic', 'seed')
CAPTION = ('Figure 7 of Oliveira and dos Santos 2018 beside ours: J per image, mean over folds with its 95 % interval '
           '(Student\'s t over the folds, from the printed mean and deviation where it is theirs). Published figures '
           'that the paper quotes from others stand without one, for their deviations are not over folds.')
Line = Dict[str, Row]  # metric -> row


class Beside(NamedTuple):
    """A line of the table: a method of the paper, a network of ours, or both, and how it is called."""
    task: str
    label: str
    printed: Sequence
    ours: Line
    method: str = ''


def tables(rows: Sequence[Row]) -> List[Table]:
    """Table I, where one of its tasks was tested in folds; rows are results.score_rows of the paper's data set."""
    measured = _measured(rows)
    if not measured:
        return []
    paper, body, slips = load_paper(NAME), [], []
    for line in _lines(measured):
        theirs = ['-'] * 2 if not line.printed else [_printed(*line.printed[i:i + 2]) for i in (0, 2)]
        ours = [spread(line.ours[metric]['per_fold']) if metric in line.ours else '-'
                for metric in ('jaccard_per_image', 'dice_per_image')]
        pooled, marks = line.ours.get('jaccard_pooled'), ''
        for task, method, words in paper['slips']:
            if (task, method) == (line.task, line.method):
                slips.append(f'({len(slips) + 1}) {words}')
                marks += f' ({len(slips)})'
        body.append((line.task.capitalize(), line.label + marks, theirs[0], ours[0], theirs[1], ours[1],
                     f'{pooled["value"]:.2f}' if pooled else '-', _epochs(pooled)))
    notes = ['Per cent, mean ± standard deviation over folds of the means over images, published and ours; pooled: '
             'over all pixels of all folds together. "-": not printed or not measured.', paper['note']]
    notes += [f'Ours: {name}. {protocols.describe(of)}' for name, of in _by_experiment(measured).items()]
    notes += [f'Ours: {words}' for words in _otherwise(measured)]
    return [Table('Table I of Oliveira and dos Santos 2018: JSRT in folds, published and ours', HEADER, body,
                  notes + slips)]


def departures(rows: Sequence[Row]) -> Tuple[List[str], List[str]]:
    """Sentences on where we leave the paper, and on where these rows do; none where Table I has nothing of them."""
    measured, paper = _measured(rows), load_paper(NAME)
    return paper['departures'] if measured else [], _otherwise(measured)


def figures(rows: Sequence[Row]) -> List[Block]:
    """Figure 7 with ours, where one of its tasks was tested in folds."""
    measured = _measured(rows)
    if not measured:
        return []
    from pipelines.report import fold_plot, plots  # takes a moment: not for who prints tables
    paper, panels = load_paper(NAME), {}
    for line in _lines(measured):
        mean, deviation = line.printed[:2] if line.printed else (None, None)
        folds = paper['folds'].get(line.method)
        theirs = (mean, *_bounds(mean, deviation, folds)) if mean is not None else None
        own = line.ours['jaccard_per_image']['per_fold'] if line.ours else []
        ours = None if not own else (statistics.fmean(own), *_bounds(
            statistics.fmean(own), statistics.stdev(own) if len(own) > 1 else None, len(own)))
        panels.setdefault(line.task.capitalize(), {})[line.label] = theirs, ours
    return [document.figure('oliveira2018-figure7', fold_plot.beside(panels, 'J per image (%)'), CAPTION,
                            scale=plots.SCALE)]


def _by_experiment(rows: Sequence[Row]) -> Dict[str, List[Row]]:
    return {name: [row for row in rows if row['experiment'] == name]
            for name in dict.fromkeys(row['experiment'] for row in rows)}


def _otherwise(rows: Sequence[Row]) -> List[str]:
    return [f'{name}. {words}' for name, of in _by_experiment(rows).items()
            for words in protocols.another_scale(of, load_paper(NAME)['scale'])]


def _measured(rows: Sequence[Row]) -> List[Row]:
    tasks = load_paper(NAME)['table1']
    return [row for row in rows if row.get('per_fold') and row['organ'] in tasks]


def _lines(rows: Sequence[Row]) -> Iterator[Beside]:
    """Task by task the methods of the paper, each with the networks that are readings of it, then other networks."""
    paper = load_paper(NAME)
    for task, printed in paper['table1'].items():
        lines: Dict[tuple, Line] = {}
        for row in rows:
            if row['organ'] == task:
                key = (segmenters.order_of(row['segmenter']), row['regime'], *(row[name] for name in OF_LINE))
                lines.setdefault(key, {})[row['metric']] = row
        labels = _labels([line for _, line in sorted(lines.items(), key=lambda line: (
            line[0][0], str(line[0][1:])))])
        for method, scores in printed.items():
            name, own = paper['labels'][method], [
                pair for pair in labels if paper['networks'].get(_network(pair[1])) == method]
            for number, (label, line) in enumerate(own or [('', {})]):
                yield Beside(task, f'{name}; ours: {label}' if label else name, scores if not number else (), line,
                             method if not number else '')
        for label, line in labels:
            if _network(line) not in paper['networks']:
                yield Beside(task, f'Ours: {label}', (), line)


def _network(line: Line) -> str:
    return next(iter(line.values()))['segmenter']


def _labels(lines: Sequence[Line]) -> List[Tuple[str, Line]]:
    """Each line with its network, and with what tells it from other lines of that."""
    firsts = [next(iter(line.values())) for line in lines]
    made = []
    for row, line in zip(firsts, lines):
        same = [other for other in firsts if other['segmenter'] == row['segmenter']]
        words = [segmenters.label_of(row['segmenter'])] + [short_of(row['regime'])] * (row['regime'] != 'real')
        words += [f'{name.replace("_", " ")} {row[name]}' for name in OF_LINE if len({o[name] for o in same}) > 1]
        made.append((', '.join(words), line))
    return made


def _printed(mean, deviation) -> str:
    if mean is None:
        return '-'
    return f'{mean:.2f}' + ('' if deviation is None else f' ± {deviation:.2f}')


def _epochs(row) -> str:
    """'87, 120, 45, 150, 99 of 150'."""
    chosen = row['chosen_epochs'] if row else []
    if not chosen or None in chosen:
        return '-'
    return f'{", ".join(map(str, chosen))} of {row["protocol"]["epochs"]}'


def _bounds(mean: float, deviation, folds) -> Tuple[float, float]:
    """95 % interval of a mean over folds; NaN where nobody knows one."""
    if None in (deviation, folds):
        return math.nan, math.nan
    from scipy import stats
    reach = float(stats.t.ppf(.975, folds - 1)) * deviation / math.sqrt(folds)
    return mean - reach, min(mean + reach, 100.0)
