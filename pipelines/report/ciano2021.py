"""Tables 1, 2 and 3 of Ciano et al. 2021: published numbers beside measured ones.

The numbers of the journal and of the arXiv version stand in published/ciano2021.yaml; ours come from
results.score_rows, of the test images. `protocol.configuration` says where a result belongs:
'full' -> Table 1, 'tiny' -> Table 2, anything else -> a table of its own with Table 2's numbers
beside it. Every cell reads `published / ours`; '-' stands for what nobody printed or we have not
measured. What differs from the paper's protocol is said under each table, and nothing is ranked.
"""
from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

from pipelines.plan import segmenters
from pipelines.plan.regimes import label_of, order_of, rank_of
from pipelines.report import protocols
from pipelines.report.groups import Variant, by_group, configuration_of, group_of, variant_of, variant_words
from pipelines.report.papers import Paper, load_paper
from pipelines.runtime.json_lines import Row
from pipelines.scores.table import Table, mean_and_deviation, spread

ORGANS = ('left_lung', 'heart', 'right_lung', 'average')  # the order of the lists there
METRICS = (('J', 'jaccard_pooled'), ('DSC', 'dice_pooled'))
ARXIV = ' †'
OF_LINE = ('segmenter', 'regime', 'num_synthetic', 'division', 'seed')  # what tells lines of folds apart
TAKEN = ('three-stage and fine-tuned, or the nearest to it that was measured, whatever it scored; lungs are the mean '
         'of left and right.')
FOLDS = ('Ours of folds: mean ± standard deviation over folds of the means over images, as Oliveira and dos Santos '
         'print theirs; others of ours are pooled.')


def tables(rows: Sequence[Row]) -> List[Table]:
    """Tables 1, 2, one for each other configuration that was measured, and Table 3, where what REAL alone scores
    fold by fold has its place.

    Args:
      rows: of results.score_rows, of the test images and of the paper's data set.
    """
    published = load_paper()
    made = []
    for number, configuration in ((1, 'full'), (2, 'tiny')):
        groups = _groups(rows, [configuration])
        for experiment, measured in groups.items() or {None: []}.items():
            title = f'Table {number}. {configuration.upper()}_DATASET: published / ours'
            made.append(_comparison(title, experiment, measured, published[configuration],
                                    configuration))
    others = sorted({configuration_of(row) for row in rows} - {'full', 'tiny'})
    for configuration in others:
        for experiment, measured in _groups(rows, [configuration]).items():
            if _is_elsewhere(measured):
                continue
            title = f'Configuration {configuration!r} beside Table 2: published / ours'
            made.append(_comparison(title, experiment, measured, published['tiny'],
                                    configuration))
    return made + [_table3(rows, published)]


def departures(rows: Sequence[Row]) -> Tuple[List[str], List[str]]:
    """Sentences on where we leave the paper, and on where these rows do, but for those in folds alone."""
    here = {key: measured for key, measured in by_group(rows).items() if not _is_elsewhere(measured)}
    return load_paper()['departures'] if here else [], [
        f'{group} ({configuration}): {note}' for (configuration, group), measured in here.items()
        for note in protocols.differences(measured, configuration)]


def _is_elsewhere(rows: Sequence[Row]) -> bool:
    """Whether a group learned from real pairs alone and was tested in folds, which Table 3 alone has a line for."""
    return 'per_fold' in rows[0] and {row['regime'] for row in rows} == {'real'}


def _groups(rows: Sequence[Row], configurations) -> Dict[str, List[Row]]:
    """Group -> its pooled rows. Draws and seeds are averaged within a group only."""
    groups: Dict[str, List[Row]] = {}
    for row in rows:
        if configuration_of(row) in configurations and row['metric'].endswith('_pooled'):
            groups.setdefault(group_of(row), []).append(row)
    return groups


def _comparison(title: str, experiment: Optional[str], rows: Sequence[Row], published: dict,
                configuration: str) -> Table:
    measured = list(dict.fromkeys(row['organ'] for row in rows if row['organ'] != 'average'))
    organs = ORGANS if set(measured) <= set(ORGANS) else (*measured, 'average')
    values = _by_seed(rows)
    body = []
    for metric_label, metric in METRICS:
        for regime in sorted({*published, *(row['regime'] for row in rows)}, key=order_of):
            printed = published.get(regime, {})
            label = label_of(regime) + (ARXIV if 'only_in' in printed else '')
            found = list(dict.fromkeys(
                variant_of(row) for row in rows if row['regime'] == regime))
            for variant in found or [None]:
                cells = []
                for organ in organs:
                    theirs = (f'{printed[metric_label][ORGANS.index(organ)]:.2f}'
                              if organ in ORGANS and printed else '-')
                    ours = values.get((regime, variant, metric, organ), {})
                    cells.append(f'{theirs} / {mean_and_deviation(list(ours.values()))}')
                words = variant_words(variant, found) if found else ''
                body.append((metric_label, label + words, *cells))
    header = ('Metric', 'Trained on', *[organ.replace('_', ' ').capitalize() for organ in organs])
    notes = ['Per cent, pooled over all pixels of the test set; ours: mean ± standard deviation '
             '(number of seeds and draws) where there are several; "-": not measured or not printed.',
             load_paper()['note']]
    if any('only_in' in printed for printed in published.values()):
        notes.append(load_paper()['arxiv_note'])
    if rows:
        notes += [f'Ours: {experiment}. {protocols.describe(rows)}',
                  *protocols.differences(rows, configuration)]
    else:
        notes.append('Ours: not measured.')
    return Table(title, header, body, notes)


def _by_seed(rows: Sequence[Row]) -> Dict[tuple, Dict[Tuple[int, int], float]]:
    """(regime, variant, metric, organ) -> {(draw, seed): value}."""
    values: Dict[tuple, Dict[Tuple[int, int], float]] = {}
    for row in rows:
        key = row['regime'], variant_of(row), row['metric'], row['organ']
        values.setdefault(key, {})[row['draw'], row['seed']] = row['value']
    return values


def _table3(rows: Sequence[Row], published: Paper) -> Table:
    body, printed = [], published['table3']
    for name, (size, augmentation, evaluation, *scores) in printed.items():
        augmentation = {True: 'yes', False: 'no'}.get(augmentation, augmentation)
        body.append((published['table3_labels'][name], f'{size} × {size}', augmentation, evaluation,
                     *['-' if score is None else f'{score:g}' for score in scores]))
    ours, notes = [], []
    for configuration in sorted({configuration_of(row) for row in rows}):
        for experiment, measured in _groups(rows, [configuration]).items():
            made = [] if 'per_fold' in measured[0] else _our_rows(configuration, experiment, measured)
            ours += made
            notes += [f'{made[0][0]}: {note}' for note in protocols.differences(measured, configuration) if made]
    said = [f'Ours: of each experiment and network the regime that the paper puts here, {TAKEN}'] if ours else []
    folds = _rows_of_folds(rows)
    said += [FOLDS] if folds else []
    header = ('Method', 'Image size', 'Augmentation', 'Evaluation', 'Lungs DSC', 'Lungs J',
              'Heart DSC', 'Heart J')
    return Table('Table 3. Segmentation on the SCR data, as published, and ours', header, body + ours + folds, [
        published['table3_notes'][0], *(said or ['Ours: not measured.']), published['arxiv_note'],
        *published['table3_notes'][1:], *notes])


def _our_rows(configuration: str, experiment: str, rows: Sequence[Row]) -> List[tuple]:
    """A line for each network of an experiment, of its regime of least rank."""
    values = _by_seed(rows)
    found = list(dict.fromkeys(key[:2] for key in values))
    if not any(row['organ'] == 'heart' for row in rows):
        return []
    networks = sorted({variant[0] for _, variant in found}, key=segmenters.order_of)
    made = []
    for network in networks:
        chosen = min((key for key in found if key[1][0] == network), key=lambda key: (rank_of(key[0]), -key[1][1]))
        same = [variant for regime, variant in found if regime == chosen[0] and variant[0] == network]
        words = variant_words(chosen[1], [*same, *(Variant(other) for other in networks if other != network)])
        scores = {metric: (_lungs(values, chosen, metric), [*values.get((*chosen, metric, 'heart'), {}).values()])
                  for _, metric in METRICS}
        made.append((f'Ours: {experiment} ({configuration}), {label_of(chosen[0])}{words}', *_measured_by(rows),
                     *_cells(scores['dice_pooled'], scores['jaccard_pooled'], mean_and_deviation)))
    return made


def _lungs(values: Dict[tuple, dict], chosen: tuple, metric: str) -> List[float]:
    left, right = (values.get((*chosen, metric, f'{side}_lung'), {}) for side in ('left', 'right'))
    return [(left[seed] + right[seed]) / 2 for seed in left if seed in right]


def _measured_by(rows: Sequence[Row]) -> Tuple[str, str, str]:
    """Size, augmentation and evaluation, as the table's columns have them."""
    def said(name):
        return protocols.said(rows, name)

    return (f'{said("size")} × {said("size")}', {'True': 'yes', 'False': 'no'}.get(said('augmentation'), '?'),
            f'{said("dataset")}, {said("num_test_images")} test images')


def _cells(dice: Sequence, jaccard: Sequence, words) -> List[str]:
    """Lungs DSC, lungs J, heart DSC, heart J; of (lungs, heart) each."""
    return [words(scores) for organ in (0, 1) for scores in (dice[organ], jaccard[organ])]


def _rows_of_folds(rows: Sequence[Row]) -> List[tuple]:
    """A line for each network that was tested fold by fold on lungs and heart, if by a segmenter each."""
    lines: Dict[tuple, List[Row]] = {}
    for row in rows:
        if row.get('per_fold') and row['metric'].endswith('_per_image'):
            lines.setdefault((row['experiment'], *(row[name] for name in OF_LINE)), []).append(row)
    made = []
    for (experiment, network, regime, *_), measured in sorted(lines.items(), key=lambda line: (
            line[0][0], segmenters.order_of(line[0][1]), line[0][2:])):
        whole = [arm for arm in dict.fromkeys(row['arm'] for row in measured)
                 if _of_folds([row for row in measured if row['arm'] == arm])]
        for arm in [*whole, None]:  # None: of the arms that have one of both
            of_arm = [row for row in measured if row['arm'] == arm or arm is None and row['arm'] not in whole]
            scores = _of_folds(of_arm)
            if scores:
                words = ('' if arm is None else f'/{arm}', '' if regime == 'real' else f', {label_of(regime)}')
                size, augmentation, evaluation = _measured_by(of_arm)
                made.append((f'Ours: {experiment}{words[0]}, {segmenters.label_of(network)}{words[1]}', size,
                             augmentation, f'{protocols.said(of_arm, "folds")}-fold, {evaluation}',
                             *_cells(*scores, spread)))
    return made


def _of_folds(rows: Sequence[Row]) -> Optional[tuple]:
    """(DSC, J), each the scores by fold of (lungs, heart); None unless both organs are there."""
    found = {(row['metric'], row['organ']): row['per_fold'] for row in reversed(rows)}  # of two the first
    scores = []
    for metric in ('dice_per_image', 'jaccard_per_image'):
        sides = [found.get((metric, f'{side}_lung')) for side in ('left', 'right')]
        both = [sum(pair) / 2 for pair in zip(*sides)] if all(sides) else None
        scores.append((found.get((metric, 'lungs'), both), found.get((metric, 'heart'))))
    return None if any(None in pair for pair in scores) else tuple(scores)
