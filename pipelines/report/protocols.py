"""Says in plain words how results were measured and where that differs from the paper.

The papers' own protocols are stated in pipelines/FIDELITY.md and in published/<paper>.yaml.
"""
from __future__ import annotations

from typing import List, Sequence

from pipelines.plan.regimes import order_of, short_of
from pipelines.plan.segmenters import label_of
from pipelines.report import thresholds
from pipelines.report.papers import load_paper
from pipelines.runtime.json_lines import Row

OF_GENERATION = ('gan_size', 'num_synthetic')  # say nothing about training on real pairs alone


def said(rows: Sequence[Row], name: str) -> str:
    """What the protocols of `rows` say of `name`: '512', '256 and 512', or '?' if nothing."""
    return ' and '.join(map(str, _values(rows, name))) or '?'


def is_of_paper(row: Row, name: str = 'ciano2021') -> bool:
    """Whether a result is of a paper's data set, so that its numbers may stand beside the published ones."""
    return str(row['protocol'].get('dataset', '?')).lower().startswith(tuple(load_paper(name)['datasets']))


def describe(rows: Sequence[Row]) -> str:
    """One line: data, sizes, numbers of images, and the updates of each regime."""
    updates = []
    for regime in sorted({row['regime'] for row in rows}, key=order_of):
        of_regime = [row for row in rows if row['regime'] == regime]
        if of_regime:
            updates.append(f'{said(of_regime, "updates")} ({short_of(regime)})')
    foreign = sorted({label_of(row['segmenter']) for row in rows if row['protocol'].get('foreign')})
    synthetic = [row for row in rows if row['num_synthetic']]
    generated = (f', {said(synthetic, "num_synthetic")} synthetic ones generated at '
                 f'{said(synthetic, "gan_size")} px' if synthetic else '')
    return (f'Data set {said(rows, "dataset")}; trained at {said(rows, "train_size")} px, scored '
            f'at {said(rows, "size")} px on {said(rows, "num_test_images")} test images; '
            f'{said(rows, "num_real")} real images{generated}; updates: '
            f'{", ".join(updates)}.' + f' Predicted by another program: {", ".join(foreign)}.' * bool(foreign)
            + ' Millimetres are those at the detector, where everything is larger than in the patient.'
            * any(row['protocol'].get('at_detector') for row in rows)
            + f' Masks: probabilities above a threshold that was chosen on learning images, {thresholds.cell(rows)}.'
            * any('threshold' in row['protocol'] for row in rows))


def differences(rows: Sequence[Row], configuration: str) -> List[str]:
    """Sentences on where the protocol of `rows` leaves the paper's; none if it does not."""
    notes = []
    paper = load_paper()
    if configuration not in paper['real_images']:
        notes.append(f'Configuration {configuration!r} is none of the paper\'s: nothing published '
                     f'corresponds to it.')
    scale = list(paper['scale'])
    if configuration in paper['real_images']:
        scale.append(('num_real', paper['real_images'][configuration], '{} real images'))
    notes += another_scale(rows, scale)
    enlarged = max(_values(rows, 'enlarged'), default=0)
    if enlarged:
        notes.append(f'ENLARGED PICTURES: {enlarged} of the real images were smaller than the '
                     f'{said(rows, "gan_size")} px that the GANs learned, which adds no detail.')
    return notes + _unequal_updates(rows)


def another_scale(rows: Sequence[Row], scale: Sequence[tuple]) -> List[str]:
    """A sentence on what was measured otherwise than printed; none if nothing was.

    Args:
      scale: (key of a protocol or of a row, what is printed, words for it) of each.
    """
    changed = []
    for name, papers, words in scale:
        told = [row for row in rows if name not in OF_GENERATION or row['num_synthetic']]
        if told and _values(told, name) != [papers]:
            changed.append(f'{words.format(said(told, name))} (paper: {papers:,})')
    return [f'ANOTHER SCALE than the paper\'s: {", ".join(changed)}.'] if changed else []


def _unequal_updates(rows: Sequence[Row]) -> List[str]:
    """REAL gets as many updates as pre-training and fine-tuning together [ours]."""
    notes = []
    for segmenter in dict.fromkeys(row['segmenter'] for row in rows):
        real, tuned = (_values([row for row in rows if row['regime'].startswith(kind)
                                and row['segmenter'] == segmenter], 'updates')
                       for kind in ('real', 'finetune'))
        if real and tuned and real != tuned:
            notes.append(f'UNEQUAL TRAINING of {label_of(segmenter)}: REAL had {" and ".join(map(str, real))} '
                         f'updates, the fine-tuned ones {" and ".join(map(str, tuned))}.')
    return notes


def _values(rows: Sequence[Row], name: str) -> list:
    found = {row.get(name, row['protocol'].get(name)) for row in rows} - {None}
    return sorted(found, key=lambda value: (str(type(value)), value))
