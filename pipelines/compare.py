"""Published numbers beside measured ones: Tables 1, 2 and 3 of Ciano et al. 2021.

Papers 000 (journal) and 001 (arXiv) with the numbers in `published.yaml`; ours come from
`results.jsonl` (see `pipelines.results`). `protocol.configuration` says where a result belongs:
'full' -> Table 1, 'tiny' -> Table 2, anything else -> a table of its own with Table 2's numbers
beside it. Every cell reads `published / ours`; '-' stands for what nobody printed or we have not
measured. What differs from the paper's protocol is said under each table, and nothing is ranked.
"""
from __future__ import annotations

import pathlib
import statistics
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import yaml

from pipelines import protocols
from pipelines.methods import REGIMES
from pipelines.results import Row

PUBLISHED = pathlib.Path(__file__).with_name('published.yaml')
ORGANS = ('left_lung', 'heart', 'right_lung', 'average')  # the order of the lists in published.yaml
METRICS = (('J', 'jaccard_pooled'), ('DSC', 'dice_pooled'))
LABELS = {'real': 'REAL',
          'synth1': 'Single-stage, Synth 1', 'finetune1': 'Single-stage, Finetune',
          'synth2': 'Two-stage, Synth 2', 'finetune2': 'Two-stage, Finetune',
          'synth3': 'Three-stage, Synth 3', 'finetune3': 'Three-stage, Finetune'}
ARXIV = ' †'
ARXIV_NOTE = '† Only in the arXiv version (paper 001); the journal version (paper 000) drops it.'
TABLE3 = {'human_expert': 'Human expert', 'unet_wang2017': 'U-Net (Wang 2017)',
          'invertednet': 'InvertedNet', 'segnet_oliveira': 'SegNet (Oliveira 2018) ‡',
          'fcn_oliveira': 'FCN (Oliveira 2018)', 'scan': 'SCAN',
          'unet_eslami': 'U-Net (Eslami)' + ARXIV, 'pix2pix_mtdg': 'Pix2Pix MTdG' + ARXIV,
          'three_stage': 'Three-stage method, as published'}

Published = Dict[str, dict]
Group = Tuple[str, str]  # configuration, experiment


class Table(NamedTuple):
    """A table for any renderer; all cells are text, the notes stand below it."""
    title: str
    header: Sequence[str]
    rows: List[Sequence[str]]
    notes: List[str]


def load_published() -> Published:
    """Reads the paper's tables: {'full': {regime: {J, DSC}}, 'tiny': ..., 'table3': ...}."""
    return yaml.safe_load(PUBLISHED.read_text(encoding='utf-8'))['ciano2021']


def tables(rows: Sequence[Row]) -> List[Table]:
    """Tables 1, 2, one for each other configuration that was measured, and Table 3."""
    published = load_published()
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
    return made + [_table3(rows, published['table3'])]


def configuration_of(row: Row) -> str:
    """Which published table a result stands beside: 'full', 'tiny', or a name of ours."""
    return str(row['protocol'].get('configuration', 'unnamed'))


def mean_and_deviation(values: Sequence[float]) -> str:
    """'92.71' of one seed, '92.71 ± 0.20 (3)' (sample deviation) of three, '-' of none."""
    if not values:
        return '-'
    mean = f'{statistics.fmean(values):.2f}'
    if len(values) == 1:
        return mean
    return f'{mean} ± {statistics.stdev(values):.2f} ({len(values)})'


def to_markdown(made: Sequence[Table]) -> str:
    """GitHub Markdown: heading (none if the title is empty), table and notes, one after another."""
    def line(cells):
        return '| ' + ' | '.join(cell.replace('|', r'\|') for cell in cells) + ' |'

    parts = []
    for table in made:
        rule = '|' + '---|' * len(table.header)
        lines = [line(table.header), rule, *map(line, table.rows)]
        notes = [f'- {note}' for note in table.notes]
        parts += [f'### {table.title}' if table.title else '', '\n'.join(lines), '\n'.join(notes)]
    return '\n\n'.join(part for part in parts if part) + '\n'


def to_text(made: Sequence[Table]) -> str:
    """Aligned columns for a terminal, the notes below."""
    parts = []
    for table in made:
        widths = [max(map(len, column)) for column in zip(table.header, *table.rows)]
        rule = '-' * (sum(widths) + 2 * len(widths) - 2)

        def line(cells):
            return '  '.join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()

        parts += [table.title, rule, line(table.header), rule, *map(line, table.rows), rule,
                  *table.notes, '']
    return '\n'.join(parts)


def _groups(rows: Sequence[Row], configurations) -> Dict[str, List[Row]]:
    """Experiment -> its pooled rows. Seeds are averaged within an experiment only."""
    groups: Dict[str, List[Row]] = {}
    for row in rows:
        if configuration_of(row) in configurations and row['metric'].endswith('_pooled'):
            groups.setdefault(row['experiment'], []).append(row)
    return groups


def _comparison(title: str, experiment: Optional[str], rows: Sequence[Row], published: dict,
                configuration: str) -> Table:
    found = list(dict.fromkeys(row['organ'] for row in rows if row['organ'] != 'average'))
    organs = ORGANS if set(found) <= set(ORGANS) else (*found, 'average')
    values = _by_seed(rows)
    body = []
    for metric_label, metric in METRICS:
        for regime in REGIMES:
            printed = published[regime]
            label = LABELS[regime] + (ARXIV if 'only_in' in printed else '')
            methods = sorted({row['method'] for row in rows if row['regime'] == regime})
            for method in methods or [None]:
                cells = []
                for organ in organs:
                    theirs = (f'{printed[metric_label][ORGANS.index(organ)]:.2f}'
                              if organ in ORGANS else '-')
                    ours = values.get((regime, method, metric, organ), {})
                    cells.append(f'{theirs} / {mean_and_deviation(list(ours.values()))}')
                several = f' ({method})' if len(methods) > 1 else ''
                body.append((metric_label, label + several, *cells))
    header = ('Metric', 'Trained on', *[organ.replace('_', ' ').capitalize() for organ in organs])
    notes = ['Per cent, pooled over all pixels of the test set; ours: mean ± standard deviation '
             '(number of seeds) where there are several; "-": not measured or not printed.',
             protocols.PUBLISHED_NOTE]
    if any('only_in' in printed for printed in published.values()):
        notes.append(ARXIV_NOTE)
    if rows:
        notes += [f'Ours: experiment {experiment!r}. {protocols.describe(rows)}',
                  *protocols.differences(rows, configuration)]
    else:
        notes.append('Ours: not measured.')
    return Table(title, header, body, notes)


def _by_seed(rows: Sequence[Row]) -> Dict[tuple, Dict[int, float]]:
    """(regime, method, metric, organ) -> {seed: value}."""
    values: Dict[tuple, Dict[int, float]] = {}
    for row in rows:
        key = row['regime'], row['method'], row['metric'], row['organ']
        values.setdefault(key, {})[row['seed']] = row['value']
    return values


def _table3(rows: Sequence[Row], published: Dict[str, list]) -> Table:
    body = []
    for name, (size, augmentation, evaluation, *scores) in published.items():
        augmentation = {True: 'yes', False: 'no'}.get(augmentation, augmentation)
        body.append((TABLE3[name], f'{size} × {size}', augmentation, evaluation,
                     *['-' if score is None else f'{score:g}' for score in scores]))
    notes = []
    for configuration in sorted({configuration_of(row) for row in rows}):
        for experiment, measured in _groups(rows, [configuration]).items():
            row = _our_row(configuration, experiment, measured)
            if row:
                body.append(row)
                notes += [f'{row[0]}: {note}' for note in
                          protocols.differences(measured, configuration)]
    ours = ('Ours: of each experiment the regime with the highest average J, chosen on the test '
            'images themselves, which flatters it; lungs are the mean of left and right.'
            if len(body) > len(published) else 'Ours: not measured.')
    header = ('Method', 'Image size', 'Augmentation', 'Evaluation', 'Lungs DSC', 'Lungs J',
              'Heart DSC', 'Heart J')
    return Table('Table 3. Segmentation on the SCR data, as published, and our row', header, body, [
        'The protocols differ in split, image size, training data and in whether pixels are pooled '
        'or images averaged, so the table gives a rough idea only (paper, section 4.3); no row is '
        'ranked above another.',
        ours, ARXIV_NOTE, '‡ 97.9 as printed there; Oliveira and dos Santos print 97.71.', *notes])


def _our_row(configuration: str, experiment: str, rows: Sequence[Row]) -> Optional[tuple]:
    values = _by_seed(rows)
    averages = {key[:2]: statistics.fmean(seeds.values()) for key, seeds in values.items()
                if key[2:] == ('jaccard_pooled', 'average')}
    if not averages or not any(row['organ'] == 'heart' for row in rows):
        return None
    chosen = max(averages, key=averages.get)

    def lungs(metric):
        left, right = (values.get((*chosen, metric, f'{side}_lung'), {})
                       for side in ('left', 'right'))
        return [(left[seed] + right[seed]) / 2 for seed in left if seed in right]

    def heart(metric):
        return list(values.get((*chosen, metric, 'heart'), {}).values())

    def said(name):
        return protocols.said(rows, name)

    augmentation = {'True': 'yes', 'False': 'no'}.get(said('augmentation'), '?')
    return (f'Ours: {experiment} ({configuration}), {LABELS[chosen[0]]}',
            f'{said("size")} × {said("size")}', augmentation,
            f'{said("dataset")}, {said("num_test_images")} test images',
            *[mean_and_deviation(scores) for scores in
              (lungs('dice_pooled'), lungs('jaccard_pooled'), heart('dice_pooled'),
               heart('jaccard_pooled'))])
