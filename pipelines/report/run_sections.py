"""The pictures, curves and facts of one run's folder as blocks of a report.

Every function takes the folder and a prefix for the names of its pictures, which tells the arms of
one report apart.
"""
from __future__ import annotations

import pathlib
from typing import List

from datasets.errors import InputError
from pipelines.plan import notes
from pipelines.plan.methods import METHODS
from pipelines.plan.regimes import label_of_run
from pipelines.plan.segmenters import label_of
from pipelines.plan.transfers import TRANSFERS
from pipelines.reading import unblinding
from pipelines.report import document, exhibits
from pipelines.report.document import Block

MOST_PREDICTIONS = 8
# the method with the most stages first, each in the order of its stages
STAGE_ORDER = tuple(dict.fromkeys(
    stage.folder for method in reversed(METHODS.values()) for stage in method.stages))


def records(folder: pathlib.Path, prefix: str) -> List[Block]:
    """The recipes of the records."""
    blocks = []
    for split in ('train', 'test'):
        blocks.append(document.folded(f'Records: {split}', [
            exhibits.facts(folder, folder / 'records' / split / 'dataset_info.json')]))
    return blocks


def stages(folder: pathlib.Path, prefix: str) -> List[Block]:
    """Learning curves and sample sheets of the GAN stages."""
    blocks = []
    for name in exhibits.folders(folder / 'stages', STAGE_ORDER):
        stage = folder / 'stages' / name
        if stage.is_symlink():
            blocks.append(document.paragraph(f'Stage {name}: that of {stage.resolve().parts[-3]}.'))
            continue
        blocks += [document.heading(3, f'Stage {name}'),
                   *exhibits.curves(folder, {name: stage / 'losses.jsonl'},
                                    f'{prefix}{name}-losses',
                                    f'Losses of stage {name}. Dotted lines: a phase begins.'),
                   *exhibits.sheets(folder, stage / 'samples', f'{prefix}{name}',
                                    f'Stage {name}: real samples above, generated ones below.')]
    return blocks or [document.missing('stages/: missing; no generator was trained.')]


def synthetic(folder: pathlib.Path, prefix: str) -> List[Block]:
    """Real samples, and those of each method."""
    blocks = []
    sheet = folder / 'records' / 'train' / 'samples.png'
    if sheet.is_file():
        blocks.append(exhibits.picture(folder, sheet, f'{prefix}real', 'Real samples.'))
    for name in exhibits.folders(folder / 'synthetic', METHODS):
        made = folder / 'synthetic' / name
        label = METHODS[name].label if name in METHODS else name
        blocks += [document.heading(3, label),
                   exhibits.picture(folder, made / 'samples.png', f'{prefix}synthetic-{name}',
                                    f'Label maps and pictures: {label}.'),
                   document.folded('How they were made', [
                       exhibits.facts(folder, made / 'dataset_info.json')])]
    return blocks or [document.missing('synthetic/: missing; no samples were generated.')]


def segmenters(folder: pathlib.Path, prefix: str) -> List[Block]:
    """Learning curves of the segmenters, a figure for each network."""
    names = exhibits.folders(folder / 'segmenters', ())
    networks = sorted({name.split('-')[1] for name in names if '-' in name})
    blocks = []
    for network in networks:  # a figure each: a line a run
        paths = {label_of_run(name): folder / 'segmenters' / name / 'losses.jsonl' for name in names
                 if name.split('-')[1:2] == [network]}
        blocks += exhibits.curves(folder, paths, f'{prefix}{network}-losses', f'Losses and '
                                  f'validation scores of {label_of(network)}, a line for each training.')
    return blocks or [document.missing('segmenters/: missing; no segmenter was trained.')]


def overlays(folder: pathlib.Path, prefix: str) -> List[Block]:
    """Test images, and those of other hospitals, with target and prediction, for each trained segmenter."""
    blocks, found = [], [(*path.stem.rpartition('-')[::2], path) for path in (folder / 'evaluations').glob('*.png')]
    for run, split, path in sorted(found, key=lambda one: (one[1] != 'test', one[1], one[0])):
        if split == 'left_out':
            continue
        blocks.append(exhibits.picture(
            folder, path, f'{prefix}evaluation-{path.stem}', f'{label_of_run(run)}' + (
                '' if split == 'test' else f', on {split}')
            + ': image, target, prediction with every class of the model, from the worst image to the best.'))
    return blocks or [document.missing('evaluations/: no pictures of predictions.')]


def translated(folder: pathlib.Path, prefix: str) -> List[Block]:
    """Pictures of two hospitals brought to each other, with what the segmenter beside the translator finds."""
    found = [path for path in sorted((folder / 'quality').glob('*.png')) if path.stem.partition('-')[0] in TRANSFERS]
    return [exhibits.picture(folder, path, f'{prefix}translated-{path.stem}', f'{label_of_run(path.stem)}: '
                             'a picture of A, as one of B, back; one of B, as one of A, back. Outlines: what the segmenter '
                             'finds; in a picture of B what it finds in its translation.') for path in found]


def predictions(folder: pathlib.Path, prefix: str) -> List[Block]:
    """Pictures that the exported model segmented."""
    pictures = folder / 'predictions'  # class maps, too dark to see, and overlays of them
    paths = sorted(pictures.glob('*_overlay.png')) or sorted(pictures.glob('*.png'))
    if not paths:
        return [document.missing('predictions/: missing; no picture was predicted.')]
    shown = paths[:MOST_PREDICTIONS]
    return [document.paragraph(f'By {_model(folder)}: {len(shown)} of {len(paths)} pictures in predictions/.'),
            *[exhibits.picture(folder, path, f'{prefix}prediction-{path.stem}', path.name)
              for path in shown]]


def _model(folder: pathlib.Path) -> str:
    """Whose predictions are there, from the note beside them."""
    try:
        made_of = (notes.kept_note(folder, 'predictions') or {}).get('made_of', {})
    except InputError:
        made_of = {}
    names = [name.split('/')[1] for name in made_of if name.startswith('exports/')]
    return label_of_run(names[0]) if names else 'a model that nobody noted'


def reading(folder: pathlib.Path, prefix: str) -> List[Block]:
    """The blinded reading that is laid out, and what readers have answered so far."""
    pages = folder / 'reading'
    if not (pages / 'key.json').is_file():
        return [document.missing('reading/: missing; tools/make_reading.py lays one out.')]
    answers = sorted((pages / 'answers').glob('*.json'))
    try:
        key = unblinding.read_key(pages / 'key.json')
        model = pathlib.PurePath(str(key['model'])).parts
        blocks = [document.paragraph(
            f'Of the model {label_of_run(model[-2]) if model[1:] else key["model"]}: reading/reading.html shows '
            f'{len(key["pairs"])} test images as pairs of target and prediction in random order. Give readers that page and not key.json; put the answers.json of each into '
            f'reading/answers/ and write this report anew (tools/write_report.py).')]
        if answers:
            tables = unblinding.tabulate(pages / 'key.json', answers).tables
            blocks += [document.table(table) for table in tables]
    except InputError as error:
        return [exhibits.missing(folder, error)]
    return blocks if answers else [*blocks, document.paragraph('No reader has answered yet.')]
