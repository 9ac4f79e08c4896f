"""Builds the report of a run from the files of its workdir: HTML in one file, and Markdown.

Nothing is computed anew and no network is loaded: sample sheets, losses, scores and pictures are
shown as the run left them. What is not there is said to be missing in one line.

Read, in the workdir and in the folder of each arm: config.yaml, results.jsonl,
observer.json, records/{train,test}/dataset_info.json, stages/<stage>/{losses.jsonl, samples/step-*.png},
synthetic/<method>/{dataset_info.json, samples.png}, quality/{<method>{.json,-nearest.png}, <run>.png},
segmenters/<run>/losses.jsonl, evaluations/<run>-test.png, predictions/*.png. The tables need the
results alone: where a data set's terms forbid to pass pictures on, they are what is published.
"""
from __future__ import annotations

import collections
import pathlib
from typing import Callable, Dict, List, Sequence, Tuple

from datasets.errors import InputError
from datasets.files import read_json, read_yaml
from pipelines.plan import matrix
from pipelines.plan.loading import from_dict
from pipelines.report import (comparison_section, diagram, document, exhibits, external_section, fold_section, groups,
                              image_section, label_answers, label_section, plots, protocols, published, quality_section,
                              run_sections, sweep_section, thin_section)
from pipelines.report.document import Block
from pipelines.runtime.json_lines import Row
from pipelines.runtime.versions import versions
from pipelines.scores.results import RESULTS, collect, score_rows
from pipelines.scores.runs import joined
from pipelines.scores.table import Table

Arm = Tuple[str, pathlib.Path]  # name, folder
MOST_LEFT = 6                   # scores that are named where they are missing
# folders of an arm whose pictures and curves a report shows
OF_A_RUN = ('records', 'stages', 'synthetic', 'segmenters', 'evaluations', 'predictions', 'reading')


def write_report(workdir, output=None) -> pathlib.Path:
    """Writes report.html, report.md and report_files/; returns the HTML's path.

    Args:
      workdir: of an experiment, with its arms' folders where it has a matrix.
      output: folder to write into; None = the workdir.

    Raises:
      InputError: the workdir is no folder, or the output cannot be written.
    """
    workdir = pathlib.Path(workdir)
    if not workdir.is_dir():
        raise InputError(f'--workdir {workdir}: expected the folder of a run, found none; check '
                         f'the path')
    rows, problem = _read_rows(workdir)
    read = rows
    rows, missing = joined(fold_section.set_apart(rows)[1])
    problem += [document.missing(f'Left out, for folds are missing: {words}.') for words in missing]
    scores, config, arms = score_rows(rows), _read_config(workdir), _arms(workdir)
    in_folds, others = fold_section.split(rows)
    sections = {
        'The answer': (problem + _incomplete(config, read) + sweep_section.sweeps(others) + label_answers.answered(rows)
                       + fold_section.answered(in_folds) + fold_section.compared(in_folds) + comparison_section.main(others)),
        'Vessels and other scattered structures': thin_section.scattered(rows, _observers(arms)),
        'Side experiments': comparison_section.beside(others),
        'At another hospital': label_section.labels(rows) + external_section.elsewhere(rows),
        'What was tried': fold_section.tried(read) + comparison_section.tried(others),
        'Quality of the samples': quality_section.quality(arms, workdir),
        'Published and measured': _published(scores),
        'Scores per image': problem + image_section.per_image(scores),
        'The method': [document.figure(
            'method', diagram.pipeline(), 'Three ways to make a pair of picture and label map, '
            'and the segmentation that learns from the pairs.', wide=True, scale=plots.SCALE)],
        **_pictures(arms, rows),
        'Departures from the paper': _departures(scores),
        'What was run': _protocols(scores) + _run(workdir, config) + (
            _of_arms(arms, run_sections.records) if _have_pictures(arms) or not rows else []),
        'Versions': [_versions(rows), *_mixed(rows)],
    }
    output = pathlib.Path(output or workdir)
    output.mkdir(parents=True, exist_ok=True)
    title = f'Report: {config.get("experiment", workdir.resolve().name)}'
    return document.write(output, title,
                          {name: blocks for name, blocks in sections.items() if blocks})


def _arms(workdir: pathlib.Path) -> List[Arm]:
    """(name, folder) of each arm: the folders that hold a run; without a matrix the workdir."""
    folders = sorted(path.parent for path in workdir.glob('*/config.yaml'))
    if (workdir / RESULTS).exists() or not folders:
        return [('', workdir)] + [(folder.name, folder) for folder in folders]
    return [(folder.name, folder) for folder in folders]


def _of_arms(arms: Sequence[Arm], blocks_of: Callable[[pathlib.Path, str], List[Block]]):
    """The blocks of every arm that has some; several stand folded under their names, the first one open."""
    if len(arms) == 1:
        return blocks_of(arms[0][1], '')
    made = [(name, blocks_of(folder, name and f'{name}-')) for name, folder in arms]
    return [document.folded(f'Arm {name or "of the experiment itself"}', blocks, is_open=i == 0)
            for i, (name, blocks) in enumerate((name, blocks) for name, blocks in made if blocks)]


def _with(name: str, arms: Sequence[Arm]) -> Sequence[Arm]:
    """The arm that has such a folder; the first if none has."""
    return [arm for arm in arms if (arm[1] / name).is_dir()][:1] or arms[:1]


def _run(workdir: pathlib.Path, config: dict) -> List[Block]:
    path = workdir / 'config.yaml'
    if not config:
        return [exhibits.missing(workdir, f'{path}: missing')]
    return [document.folded('config.yaml, every setting', [document.code(
        path.read_text(encoding='utf-8', errors='replace'))])]


def _protocols(rows: Sequence[Row]) -> List[Block]:
    lines = [f'{group} ({configuration}): {protocols.describe(measured)}'
             for (configuration, group), measured in groups.by_group(rows).items()]
    heading = document.heading(3, 'Protocol')
    return [heading, document.listing(lines) if lines else document.missing(
        'No scores yet, so no protocol.')]


def _incomplete(config: dict, rows: Sequence[Row]) -> List[Block]:
    """A line that says which scores of the config's matrix are not here."""
    try:
        arms = matrix.arms_of(from_dict(config))
    except InputError:  # of an older version
        return []
    left, total = matrix.unscored(arms, rows), sum(len(s) for arm in arms for s in arm.scores.values())
    if not left or not rows:
        return []
    more = f' and {len(left) - MOST_LEFT} more' if left[MOST_LEFT:] else ''
    return [document.missing(f'{total - len(left)} of {total} scores that the config asks for are '
                             f'here. Missing: {", ".join(left[:MOST_LEFT])}{more}.')]


def _observers(arms: Sequence[Arm]) -> List[thin_section.Observed]:
    """What second observers reach, of arms that say it."""
    found = []
    for _, folder in arms:
        try:
            read = read_json(folder / 'observer.json')
            found.append(thin_section.Observed(read['size'], read['images']))
        except (InputError, KeyError):  # none, or damaged: its row is missing
            continue
    return found


def _have_pictures(arms: Sequence[Arm]) -> bool:
    """Whether more than results is there."""
    return any((folder / name).is_dir() for _, folder in arms for name in OF_A_RUN)


def _pictures(arms: Sequence[Arm], rows: Sequence[Row]) -> Dict[str, List[Block]]:
    """Pictures and curves by section; one line where results alone are passed on."""
    if rows and not _have_pictures(arms):
        return {'Pictures': [document.paragraph(
            'Pictures, training curves and records are not here: this folder holds the results alone.')]}
    return {
        'Synthetic samples': _of_arms(arms, run_sections.synthetic),
        'Picture, target, prediction': _of_arms(arms, run_sections.overlays),
        'Brought to another hospital': _of_arms(arms, run_sections.translated),
        'Predicted pictures': _of_arms(_with('predictions', arms), run_sections.predictions),
        'Blinded reading': _of_arms(_with('reading', arms), run_sections.reading),
        'Training of the generators': _of_arms(arms, run_sections.stages),
        'Training of the segmenters': _of_arms(arms, run_sections.segmenters)}


def _published(scores: Sequence[Row]) -> List[Block]:
    """Tables and figures of the papers, where something was measured on their data sets."""
    if len(published.foreign(scores)) == len(scores):
        return []
    return [*[document.table(table, css='scores') for table in published.tables(scores)], *published.figures(scores)]


def _departures(scores: Sequence[Row]) -> List[Block]:
    told, lines = published.departures(scores)
    return [document.listing(told)] * bool(told) + ([
        document.heading(3, 'Measured otherwise than in the paper'), document.listing(lines)] if lines else [])


def _versions(rows: Sequence[Row]) -> Block:
    here = versions()
    scored = [row['versions'] for row in rows]
    names = list(dict.fromkeys([*here, *[name for found in scored for name in found]]))
    body = [(name, ' and '.join(sorted({str(found[name]) for found in scored if name in found}))
             or '-', here.get(name, '-')) for name in names]
    return document.table(Table('', ('Package', 'When scored', 'When this was written'),
                                          body, []))


def _mixed(rows: Sequence[Row]) -> List[Block]:
    """A line where rows of several TensorFlows stand side by side."""
    counts = collections.Counter(str(row['versions'].get('tensorflow', 'unknown')) for row in rows)
    if len(counts) < 2:
        return []
    listed = ', '.join(f'{version} ({number} rows)' for version, number in sorted(counts.items()))
    return [document.paragraph(
        f'Scored with several versions of TensorFlow: {listed}. They round differently, so the same '
        f'training ends at other numbers under each: compare them as trainings of other seeds.')]


def _read_rows(workdir: pathlib.Path) -> Tuple[List[Row], List[Block]]:
    """The results, and a line that says so if there are none."""
    try:
        return collect(workdir), []
    except InputError as error:
        return [], [exhibits.missing(workdir, error)]


def _read_config(workdir: pathlib.Path) -> dict:
    try:
        config = read_yaml(workdir / 'config.yaml')
    except ValueError:
        return {}
    return config if isinstance(config, dict) else {}
