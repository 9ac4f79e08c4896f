"""Builds the report of a run from the files of its workdir: HTML in one file, and Markdown.

Nothing is computed anew and no network is loaded: sample sheets, losses, scores and pictures are
shown as the run left them. What is not there is said to be missing in one line.

Read: config.yaml, results.jsonl, records/{train,test}/dataset_info.json,
stages/<stage>/{losses.jsonl, samples/step-*.png}, synthetic/<method>/{dataset_info.json,
samples.png}, segmenters/<regime>/losses.jsonl, evaluations/<regime>.{json,png}, predictions/*.png.
"""
from __future__ import annotations

import collections
import math
import pathlib
from typing import Dict, List, Sequence, Tuple

import yaml

from datasets.errors import InputError
from pipelines import compare, diagram, document, exhibits, plots, protocols
from pipelines.document import Block
from pipelines.methods import METHODS, REGIMES
from pipelines.results import Row, read_results, versions

MOST_PREDICTIONS = 8
# the method with the most stages first, each in the order of its stages
STAGE_ORDER = tuple(dict.fromkeys(
    stage.key for method in reversed(METHODS.values()) for stage in method.stages))

DEPARTURES = (
    'SMANet has no public code that we know of, and the papers do not give the inside of its '
    'attention: ours is a reconstruction, not the authors\' network.',
    'Label codes, colours and the radius of the dots are ours: the papers do not print them. '
    'Clavicles over a lung have codes of their own, so that a label map keeps the overlap.',
    'Noise of the augmentation, "variance between 0.01 and 0.03 x 255": read as a variance drawn '
    'from U(0.01, 0.03) x 255 in grey levels of 0..255, unless the config says otherwise.',
    'The sixfold augmentation is read as the original and one variant for each of the five listed '
    'operations, unless the config says otherwise.',
    'The epoch of REAL and of fine-tuning is chosen on real source images held out before '
    'augmentation; with few images none is held out, and averaged weights are taken after a fixed '
    'number of updates.',
    'REAL gets as many SMANet updates as pre-training and fine-tuning together.',
    'Generated label maps are cleaned (majority filter, specks) unless labels.clean is false; dots '
    'are drawn again as whole discs.',
    'Where heart and lung masks overlap the heart is the target.',
    'Every statement of the papers and the official code has its row in the README, "Fidelity".',
    'Settings in which this run leaves the paper\'s configuration are in its config.yaml, above.',
)


def write_report(workdir) -> pathlib.Path:
    """Writes report.html, report.md and report_files/ into the workdir; returns the HTML's path.

    Raises:
      InputError: the workdir is no folder.
    """
    workdir = pathlib.Path(workdir)
    if not workdir.is_dir():
        raise InputError(f'--workdir {workdir}: expected the folder of a run, found none; check '
                         f'the path')
    rows, problem = _read_rows(workdir)
    config = _read_config(workdir)
    expected = [name for name in config.get('regimes') or REGIMES if name in REGIMES]
    sections = {
        'Published and measured': problem + _protocols(rows) + [
            document.table(table, css='scores') for table in compare.tables(rows)],
        'The method': [document.figure(
            'method', diagram.pipeline(), 'Three ways to make a pair of radiograph and label map, '
            'and the segmentation that learns from the pairs.', wide=True)],
        'Synthetic samples': _synthetic(workdir),
        'Image, target, prediction': _overlays(workdir, expected),
        'Scores per image': problem + _per_image(rows),
        'Predicted pictures': _predictions(workdir),
        'Training of the generators': _stages(workdir),
        'Training of the segmenters': _segmenters(workdir, expected),
        'Departures from the paper': [document.listing(DEPARTURES)] + _differences(rows),
        'What was run': _run(workdir),
        'Versions': [_versions(rows)],
    }
    title = f'Report: {config.get("experiment", workdir.resolve().name)}'
    return document.write(workdir, title, sections)


def _run(workdir: pathlib.Path) -> List[Block]:
    path = workdir / 'config.yaml'
    if path.is_file():
        config = document.code(path.read_text(encoding='utf-8', errors='replace'))
        blocks = [document.folded('config.yaml, every setting', [config])]
    else:
        blocks = [exhibits.missing(workdir, f'{path}: missing')]
    for split in ('train', 'test'):
        blocks.append(document.folded(f'Records: {split}', [
            exhibits.facts(workdir, workdir / 'records' / split / 'dataset_info.json')]))
        sheet = workdir / 'records' / split / 'samples.png'
        if sheet.is_file():
            blocks.append(exhibits.picture(workdir, sheet, f'records-{split}',
                                           f'Real samples ({split}).'))
    return blocks


def _protocols(rows: Sequence[Row]) -> List[Block]:
    lines = [f'{experiment} ({configuration}): {protocols.describe(measured)}'
             for (configuration, experiment), measured in _by_experiment(rows).items()]
    heading = document.heading(3, 'Protocol')
    return [heading, document.listing(lines) if lines else document.missing(
        'No scores yet, so no protocol.')]


def _stages(workdir: pathlib.Path) -> List[Block]:
    blocks = []
    for name in exhibits.folders(workdir / 'stages', STAGE_ORDER):
        folder = workdir / 'stages' / name
        blocks += [document.heading(3, f'Stage {name}'),
                   *exhibits.curves(workdir, {name: folder / 'losses.jsonl'}, f'{name}-losses',
                                    f'Losses of stage {name}. Dotted lines: a phase begins.'),
                   *exhibits.sheets(workdir, folder / 'samples', name, f'Stage {name}: real '
                                    f'samples above, generated ones below.')]
    return blocks or [document.missing('stages/: missing; no generator was trained.')]


def _synthetic(workdir: pathlib.Path) -> List[Block]:
    blocks = []
    for name in exhibits.folders(workdir / 'synthetic', METHODS):
        folder = workdir / 'synthetic' / name
        blocks += [document.heading(3, f'Method {name}'),
                   exhibits.picture(workdir, folder / 'samples.png', f'synthetic-{name}',
                                    f'Label maps and radiographs made by method {name} (as in '
                                    f'figures 5 and 6 of the paper).'),
                   document.folded('How they were made', [
                       exhibits.facts(workdir, folder / 'dataset_info.json')])]
    return blocks or [document.missing('synthetic/: missing; no samples were generated.')]


def _segmenters(workdir: pathlib.Path, expected: Sequence[str]) -> List[Block]:
    paths = {regime: workdir / 'segmenters' / regime / 'losses.jsonl' for regime in expected}
    return exhibits.curves(workdir, paths, 'segmenters-losses',
                           'Losses and validation scores of SMANet, a line for each regime.')


def _per_image(rows: Sequence[Row]) -> List[Block]:
    blocks = []
    for (configuration, experiment), measured in _by_experiment(rows).items():
        for metric, words in (('jaccard_per_image', 'J'), ('dice_per_image', 'DSC')):
            found = [row for row in measured if row['metric'] == metric]
            if not found:
                continue
            found.sort(key=lambda row: (list(REGIMES).index(row['regime']), row['seed']))
            blocks.append(document.figure(
                f'{experiment}-{metric}', plots.intervals(_points(found), f'{words} per image (%)'),
                f'{experiment} ({configuration}): mean {words} over the test images, one point a '
                f'seed, with its 95 % percentile bootstrap interval over images.', wide=True))
            blocks.append(document.table(_interval_table(found), css='scores'))
    return blocks or [document.missing('No per-image scores yet.')]


def _points(rows: Sequence[Row]) -> Dict[str, Dict[str, List[Tuple[float, float, float]]]]:
    points = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in rows:
        low, high = row['protocol'].get('interval_95') or (math.nan, math.nan)
        points[_words(row['organ'])][row['regime']].append((row['value'], low, high))
    return points


def _interval_table(rows: Sequence[Row]) -> compare.Table:
    organs = list(dict.fromkeys(row['organ'] for row in rows))
    lines = collections.defaultdict(dict)
    for row in rows:
        interval = row['protocol'].get('interval_95')
        bounds = f' [{interval[0]:.2f}, {interval[1]:.2f}]' if interval else ''
        lines[row['regime'], row['seed']][row['organ']] = f'{row["value"]:.2f}{bounds}'
    body = [(regime, str(seed), *[cells.get(organ, '-') for organ in organs])
            for (regime, seed), cells in lines.items()]
    return compare.Table('', ('Regime', 'Seed', *map(_words, organs)), body, [])


def _overlays(workdir: pathlib.Path, expected: Sequence[str]) -> List[Block]:
    blocks = []
    for regime in expected:
        path = workdir / 'evaluations' / f'{regime}.png'
        blocks.append(exhibits.picture(
            workdir, path, f'evaluation-{regime}', f'{compare.LABELS[regime]}: image, target, '
            f'prediction (as in figures 7 and 8 of the paper), from the worst image to the best.'))
        if path.with_suffix('.json').is_file():
            blocks.append(document.folded(f'{path.stem}.json', [
                exhibits.facts(workdir, path.with_suffix('.json'))]))
    return blocks


def _predictions(workdir: pathlib.Path) -> List[Block]:
    folder = workdir / 'predictions'  # class maps, too dark to see, and overlays of them
    paths = sorted(folder.glob('*_overlay.png')) or sorted(folder.glob('*.png'))
    if not paths:
        return [document.missing('predictions/: missing; no picture was predicted.')]
    shown = paths[:MOST_PREDICTIONS]
    return [document.paragraph(f'{len(shown)} of {len(paths)} pictures in predictions/.'),
            *[exhibits.picture(workdir, path, f'prediction-{path.stem}', path.name)
              for path in shown]]


def _differences(rows: Sequence[Row]) -> List[Block]:
    lines = [f'{experiment} ({configuration}): {note}'
             for (configuration, experiment), measured in _by_experiment(rows).items()
             for note in protocols.differences(measured, configuration)]
    return [document.heading(3, 'Measured otherwise than in the paper'),
            document.listing(lines)] if lines else []


def _versions(rows: Sequence[Row]) -> Block:
    here = versions()
    scored = [row['versions'] for row in rows]
    names = list(dict.fromkeys([*here, *[name for found in scored for name in found]]))
    body = [(name, ' and '.join(sorted({str(found[name]) for found in scored if name in found}))
             or '-', here.get(name, '-')) for name in names]
    return document.table(compare.Table('', ('Package', 'When scored', 'When this was written'),
                                        body, []))


def _by_experiment(rows: Sequence[Row]) -> Dict[Tuple[str, str], List[Row]]:
    """(configuration, experiment) -> its rows."""
    groups = collections.defaultdict(list)
    for row in rows:
        groups[compare.configuration_of(row), row['experiment']].append(row)
    return groups


def _read_rows(workdir: pathlib.Path) -> Tuple[List[Row], List[Block]]:
    """The results, and a line that says so if there are none."""
    path = workdir / 'results.jsonl'
    try:
        return read_results(path), []
    except InputError as error:
        return [], [exhibits.missing(workdir, error if path.exists() else f'{path}: missing')]


def _read_config(workdir: pathlib.Path) -> dict:
    try:
        config = yaml.safe_load((workdir / 'config.yaml').read_text(encoding='utf-8'))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return config if isinstance(config, dict) else {}


def _words(organ: str) -> str:
    return organ.replace('_', ' ').capitalize()
