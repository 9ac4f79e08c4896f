"""What quality/<method>.json of the arms say, as blocks of a report."""
from __future__ import annotations

import pathlib
from typing import List, Optional, Sequence, Tuple

from datasets.errors import InputError
from pipelines.evaluation.quality_file import read_quality
from pipelines.plan.methods import METHODS
from pipelines.report import document, exhibits, validity
from pipelines.report.document import Block
from pipelines.scores.table import Table

HEADER = ('Samples', 'FID', 'KID', 'Precision', 'Recall', 'Fail the check', 'Cleaned pixels',
          'Repeated', 'Copied, by features', 'Copied, by correlation',
          'Nearest real was trained on, by features', '... by correlation')
NOTES = (
    'FID, KID, precision and recall refer to the held-out real images; the lines of real '
    'training images say what real pictures reach. Precision: share of samples that look like '
    'some real image; recall: share of real images that some sample looks like (k = 3).',
    'Fail the check: samples whose first attempt missed an organ, swapped left and right or '
    'left the training set\'s range of areas and centroids, or of the shapes of scattered organs.',
    'Repeated: samples that are an earlier one again, to the pixel: pairs that add nothing.',
    'Nearest real was trained on: how many samples have, of all real images, learned from or held out, each '
    'once, one that was learned from as their nearest; without copying the share lies in the range in brackets, '
    'above it is copying. Blur does not move it.',
    'Copied: samples closer to a training image (variants included) than 95 % of real held-out '
    'images are; without copying about 5 % are, and as chance has it the range in brackets. By '
    'correlation blur alone raises this share, by features blur may hide it.')
SHAPES = {'area': 'Share', 'width': 'Width', 'length': 'Length', 'branchings': 'Branchings'}  # of scattered organs
SHAPES_NOTE = (
    'Generated beside real held-out ones: mean ± standard deviation over pictures, and in brackets the Wasserstein '
    'distance in standard deviations of the real ones. Share of the picture; width and length of centre lines in sides '
    'of the picture; branchings: places where three lines meet. Measured at the side of the samples.')
UNEQUAL = ('FID, precision and recall depend on the number of pictures, and here training images and samples '
           'differ in it (measured by an earlier version): lines of real training images show KID alone, which '
           'has no such bias, and are no yardstick for the rest.')


def quality(arms: Sequence[Tuple[str, pathlib.Path]], workdir: pathlib.Path) -> List[Block]:
    """A table over all arms and methods, how far it agrees with J; of each, nearest neighbours and organs.

    Args:
      arms: (name, folder).
    """
    sets, damaged = _sets(arms)
    if not sets:
        return damaged or [document.missing('quality/: missing; no samples were measured.')]
    body, notes, details, measured_of, equal = [], {}, [], [], True
    shapes: List[tuple] = []
    for name, folder, found in sets:
        for method, measured in reversed(found):
            title = f'{name}, {METHODS[method].label.lower()}'.lstrip(', ')
            body.append(_line(title, measured['scores'], measured))
            details += _details(workdir, folder, method, title, measured)
            shapes += _shapes(title, measured)
            measured_of.append((folder, method, measured))
        measured = found[0][1]
        equal &= 'num_compared' in measured
        body.append(_line(f'{name}: real training images'.lstrip(': '), measured['scores_of_real'], None,
                          'num_compared' in measured))
        notes.setdefault(_note(measured), []).append(name)
    told = [f'{", ".join(names)}: {note}'.lstrip(': ') for note, names in notes.items()]
    told += [*NOTES, *([] if equal else [UNEQUAL])]
    alike = [document.table(Table('Are scattered structures, such as vessels, like real ones?', (
        'Samples', *SHAPES.values()), shapes, [SHAPES_NOTE]), css='scores')] if shapes else []
    return [*validity.blocks(measured_of), document.table(Table('', HEADER, body, told), css='scores'), *alike,
            *damaged, *details]


def _shapes(title: str, measured: dict) -> List[tuple]:
    """A line for each scattered organ: what organs.measure measures of these alone has a width."""
    rows = {row['quantity']: row for row in measured['organs']}
    organs = [name[:-len(' width')] for name in rows if name.endswith(' width')]

    def cell(row):
        if row['generated_mean'] is None:
            return '-'
        return (f'{row["generated_mean"]:.4g} ± {row["generated_sd"]:.2g}, real {row["real_mean"]:.4g} ± '
                f'{row["real_sd"]:.2g} [{_number(row["distance"], 2)}]')

    return [(f'{title}, {organ.replace("_", " ")}', *(cell(rows[f'{organ} {name}']) for name in SHAPES))
            for organ in organs]


def _sets(arms: Sequence[Tuple[str, pathlib.Path]]):
    """([(name, folder, [(method, what was measured)])] of the arms, without samples that another has; lines on
    files that cannot be used)."""
    sets, damaged, seen = [], [], set()
    read = [(name, folder, *_read(folder)) for name, folder in arms]
    for name, folder, found, refused in sorted(read, key=lambda one: -len(one[2])):
        damaged += refused
        own = [(method, measured) for method, measured in found
               if str(measured['made_from'].get('generated', folder)) not in seen]
        seen.update(str(measured['made_from'].get('generated', folder)) for _, measured in own)
        sets += [(name, folder, own)] if own else []
    return sets, damaged


def _line(title: str, scores: dict, measured: Optional[dict], is_equal: bool = True) -> tuple:
    def of(prefix):
        return validity.measure(scores, prefix) if is_equal or prefix == 'kid_' else None

    error = next((value for key, value in scores.items() if key.endswith('_error')), None)
    kid = _number(of('kid_'), 4) + (f' ± {error:.4f}' if error is not None else '')
    line = (title, _number(of('fid_'), 2), kid, _number(of('precision'), 2),
            _number(of('recall'), 2))
    if measured is None:
        return (*line, *'-------')
    return (*line, _percent(scores['check_failures_percent']),
            _percent(scores['cleaned_pixels_percent']), _percent(scores['repeated_percent']),
            *[_share(measured['copying'][by], 'copied_percent') for by in
              ('features', 'correlation')],
            *[_share(measured['copying'][by]['nearest_real'], 'trained_percent') for by in
              ('features', 'correlation')])


def _share(found: dict, key: str) -> str:
    low, high = found['chance_range_percent']
    above = ', above' if found[key] > high else ''
    return f'{found[key]:.1f} % ({low:.1f} to {high:.1f} %{above})'


def _note(measured: dict) -> str:
    features = {'inception': 'Inception v3 of Keras (fid_keras, kid_keras)',
                'random': 'a fixed random network (fid_random, kid_random): comparable within this '
                          'program only'}[measured['features']]
    held = {'left_out': 'learning images that were not drawn', 'test': 'test images'}
    return (f'features of {features}; {measured["num_samples"]} samples, '
            f'{measured["num_train"]} training images with their variants{_compared(measured)}, '
            f'{measured["held_out"]["count"]} held-out ones '
            f'({held[measured["held_out"]["split"]]}), {measured["size"]} px.')


def _compared(measured: dict) -> str:
    count = measured.get('num_compared')
    return f' (of either {count} are compared with the held-out ones)' if count else ''


def _details(workdir, folder, method: str, title: str, measured: dict) -> List[Block]:
    name = '-'.join([*folder.relative_to(workdir).parts, method])
    sheet = folder / 'quality' / f'{method}-nearest.png'
    blocks = [] if not sheet.exists() else [exhibits.picture(
        workdir, sheet, f'nearest-{name}', f'{title}: the samples that come closest to a training '
        f'image. Columns: sample, nearest training image by features, by pixel correlation.')]
    rows = [(row['quantity'].replace('_', ' '), *[_number(row[key], 4) for key in (
        'real_mean', 'real_sd', 'generated_mean', 'generated_sd', 'distance')])
        for row in measured['organs']]
    table = Table('', ('Quantity', 'Real mean', 'sd', 'Generated mean', 'sd',
                       'Wasserstein distance in real sd'), rows,
                  ['Areas and centroids are fractions of the picture; real = held-out images.'])
    return [*blocks, document.folded(f'{title}: organs of samples and of real images',
                                     [document.table(table, css='scores')])]


def _read(folder: pathlib.Path) -> Tuple[List[Tuple[str, dict]], List[Block]]:
    """([(method, what was measured of it)], lines on files that cannot be used) of an arm."""
    found, refused = [], []
    for method in METHODS:
        path = folder / 'quality' / f'{method}.json'
        if path.exists():
            try:
                found.append((method, read_quality(path)))
            except InputError as error:
                refused.append(document.missing(str(error)))
    return found, refused


def _number(value, digits: int) -> str:
    return '-' if value is None else f'{value:.{digits}f}'


def _percent(value) -> str:
    return '-' if value is None else f'{value:.1f} %'
