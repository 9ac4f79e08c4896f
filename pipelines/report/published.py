"""Published numbers beside measured ones: Tables 1, 2 and 3 of Ciano et al. 2021.

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
from pipelines.report.papers import Paper, load_paper
from pipelines.runtime.json_lines import Row
from pipelines.scores.table import Table, mean_and_deviation

ORGANS = ('left_lung', 'heart', 'right_lung', 'average')  # the order of the lists there
METRICS = (('J', 'jaccard_pooled'), ('DSC', 'dice_pooled'))
ARXIV = ' †'


def tables(rows: Sequence[Row]) -> List[Table]:
    """Tables 1, 2, one for each other configuration that was measured, and Table 3.

    Args:
      rows: of results.score_rows; those of other images than the test set's and of other data sets than
        the paper's are left out.
    """
    rows = [row for row in rows if row['split'] == 'test' and protocols.is_of_paper(row)]
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
            title = f'Configuration {configuration!r} beside Table 2: published / ours'
            made.append(_comparison(title, experiment, measured, published['tiny'],
                                    configuration))
    return made + [_table3(rows, published)]


def configuration_of(row: Row) -> str:
    """Which published table a result stands beside: 'full', 'tiny', or a name of ours."""
    return str(row['protocol'].get('configuration', 'unnamed'))


def group_of(row: Row) -> str:
    """What stands in one table: experiment, arm (if it is not the configuration), real images."""
    arm = '' if row['arm'] == configuration_of(row) else f'/{row["arm"]}'
    division = '' if row['division'] == 'official' else f', {row["division"]}'
    return f'{row["experiment"]}{arm}, {row["num_real"]} real images{division}'


def by_group(rows: Sequence[Row]) -> Dict[Tuple[str, str], List[Row]]:
    """(configuration, group_of) -> its rows of the test images."""
    groups: Dict[Tuple[str, str], List[Row]] = {}
    for row in rows:
        if row['split'] == 'test':
            groups.setdefault((configuration_of(row), group_of(row)), []).append(row)
    return groups


def variant_of(row: Row) -> Tuple[str, int]:
    """What tells runs of one regime apart, other than chance: the network and its samples."""
    return row['segmenter'], row['num_synthetic']


def variant_words(variant: Tuple[str, int], others: Sequence[Tuple[str, int]]) -> str:
    """' (U-Net, 664 pairs)': of a variant what the others do not share; '' if they all do."""
    words = [segmenters.label_of(variant[0])] if len({other[0] for other in others}) > 1 else []
    if len({other[1] for other in others if other[0] == variant[0]}) > 1:
        words.append(f'{variant[1]} pairs')
    return f' ({", ".join(words)})' if words else ''


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
    notes = []
    for configuration in sorted({configuration_of(row) for row in rows}):
        for experiment, measured in _groups(rows, [configuration]).items():
            row = _our_row(configuration, experiment, measured)
            if row:
                body.append(row)
                notes += [f'{row[0]}: {note}' for note in
                          protocols.differences(measured, configuration)]
    ours = ('Ours: of each experiment the regime that the paper puts here, three-stage and '
            'fine-tuned, or the nearest to it that was measured, whatever it scored; lungs are the '
            'mean of left and right.'
            if len(body) > len(printed) else 'Ours: not measured.')
    header = ('Method', 'Image size', 'Augmentation', 'Evaluation', 'Lungs DSC', 'Lungs J',
              'Heart DSC', 'Heart J')
    return Table('Table 3. Segmentation on the SCR data, as published, and our row', header, body, [
        published['table3_notes'][0], ours, published['arxiv_note'], *published['table3_notes'][1:],
        *notes])


def _our_row(configuration: str, experiment: str, rows: Sequence[Row]) -> Optional[tuple]:
    values = _by_seed(rows)
    found = list(dict.fromkeys(key[:2] for key in values))
    if not found or not any(row['organ'] == 'heart' for row in rows):
        return None
    chosen = min(found, key=lambda key: (rank_of(key[0]), segmenters.order_of(key[1][0]),
                                         -key[1][1]))

    def lungs(metric):
        left, right = (values.get((*chosen, metric, f'{side}_lung'), {})
                       for side in ('left', 'right'))
        return [(left[seed] + right[seed]) / 2 for seed in left if seed in right]

    def heart(metric):
        return list(values.get((*chosen, metric, 'heart'), {}).values())

    def said(name):
        return protocols.said(rows, name)

    augmentation = {'True': 'yes', 'False': 'no'}.get(said('augmentation'), '?')
    words = variant_words(chosen[1], [variant for regime, variant in found if regime == chosen[0]])
    return (f'Ours: {experiment} ({configuration}), {label_of(chosen[0])}{words}',
            f'{said("size")} × {said("size")}', augmentation,
            f'{said("dataset")}, {said("num_test_images")} test images',
            *[mean_and_deviation(scores) for scores in
              (lungs('dice_pooled'), lungs('jaccard_pooled'), heart('dice_pooled'),
               heart('jaccard_pooled'))])
