"""Says in plain words how results were measured and where that differs from the paper.

The paper's own protocol is stated in the README ("Fidelity") and in `published.yaml`.
"""
from __future__ import annotations

from typing import List, Sequence

from pipelines.plan.regimes import order_of
from pipelines.runtime.json_lines import Row

PUBLISHED_NOTE = ('Published: SCR official split 124/123, pooled over the test pixels, scored at '
                  '512 px; 10,000 synthetic images, 2,500 of them for validation; the number of '
                  'updates is not printed.')
PAPER_SCALE = (  # key of the protocol, the paper's value, words for it
    ('size', 512, 'scored at {} px'),
    ('train_size', 512, 'trained at {} px'),
    ('num_test_images', 123, '{} test images'),
    ('gan_size', 1024, 'generated at {} px'),
    ('num_synthetic', 10_000, '{} synthetic images'),
)
OF_GENERATION = ('gan_size', 'num_synthetic')  # say nothing about REAL
PAPER_REAL_IMAGES = {'full': 124, 'tiny': 11}


def said(rows: Sequence[Row], name: str) -> str:
    """What the protocols of `rows` say of `name`: '512', '256 and 512', or '?' if nothing."""
    return ' and '.join(map(str, _values(rows, name))) or '?'


def describe(rows: Sequence[Row]) -> str:
    """One line: data, sizes, numbers of images, and the updates of each regime."""
    updates = []
    for regime in sorted({row['regime'] for row in rows}, key=order_of):
        of_regime = [row for row in rows if row['regime'] == regime]
        if of_regime:
            updates.append(f'{regime} {said(of_regime, "updates")}')
    synthetic = [row for row in rows if row['regime'] != 'real']
    generated = (f', {said(synthetic, "num_synthetic")} synthetic ones generated at '
                 f'{said(synthetic, "gan_size")} px' if synthetic else '')
    return (f'Data set {said(rows, "dataset")}; trained at {said(rows, "train_size")} px, scored '
            f'at {said(rows, "size")} px on {said(rows, "num_test_images")} test images; '
            f'{said(rows, "num_real")} real images{generated}; updates: '
            f'{", ".join(updates)}.')


def differences(rows: Sequence[Row], configuration: str) -> List[str]:
    """Sentences on where the protocol of `rows` leaves the paper's; none if it does not."""
    notes = []
    if configuration not in PAPER_REAL_IMAGES:
        notes.append(f'Configuration {configuration!r} is none of the paper\'s: nothing published '
                     f'corresponds to it.')
    datasets = said(rows, 'dataset')
    if not all(_is_papers(name) for name in _values(rows, 'dataset') or ['?']):
        notes.append(f'ANOTHER DATA SET than the paper\'s: {datasets} instead of JSRT/SCR. The '
                     f'numbers must not be compared with the published ones.')
    changed = []
    scale = PAPER_SCALE
    if configuration in PAPER_REAL_IMAGES:
        scale += (('num_real', PAPER_REAL_IMAGES[configuration], '{} real images'),)
    for name, papers, words in scale:
        told = [row for row in rows if name not in OF_GENERATION or row['regime'] != 'real']
        if told and _values(told, name) != [papers]:
            changed.append(f'{words.format(said(told, name))} (paper: {papers:,})')
    if changed:
        notes.append(f'ANOTHER SCALE than the paper\'s: {", ".join(changed)}.')
    return notes + _unequal_updates(rows)


def _unequal_updates(rows: Sequence[Row]) -> List[str]:
    """REAL gets as many updates as pre-training and fine-tuning together [ours]."""
    notes = []
    for segmenter in dict.fromkeys(row['segmenter'] for row in rows):
        real, tuned = (_values([row for row in rows if row['regime'].startswith(kind)
                                and row['segmenter'] == segmenter], 'updates')
                       for kind in ('real', 'finetune'))
        if real and tuned and real != tuned:
            notes.append(f'UNEQUAL TRAINING of {segmenter}: REAL had {" and ".join(map(str, real))} '
                         f'updates, the fine-tuned ones {" and ".join(map(str, tuned))}.')
    return notes


def _values(rows: Sequence[Row], name: str) -> list:
    found = {row.get(name, row['protocol'].get(name)) for row in rows} - {None}
    return sorted(found, key=lambda value: (str(type(value)), value))


def _is_papers(dataset: str) -> bool:
    return str(dataset).lower().startswith(('jsrt', 'scr'))
