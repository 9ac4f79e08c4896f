"""MODEL_CARD.md of an exported model and DATASHEET.md of a set of samples, written from what a workdir noted.

Sections after Mitchell et al., "Model cards for model reporting" (2019), and Gebru et al., "Datasheets for datasets"
(2018), as far as a program can fill them. Nothing here is measured: scores are those of results.jsonl, what samples are
worth and whether they copy is that of quality/<method>.json; what is not there is said to be missing.
"""
from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence

from datasets.errors import InputError
from datasets.files import read_json, whole_file
from datasets.readers import READERS
from datasets.readers.terms import terms_of
from pipelines.evaluation.quality_file import read_quality
from pipelines.plan import matrix
from pipelines.plan.config import Config, Data
from pipelines.plan.kinds import KINDS
from pipelines.plan.loading import segmenter_settings, stage_settings
from pipelines.plan.methods import Method, Stage
from pipelines.plan.pseudo import PSEUDO
from pipelines.plan.regimes import Run, synth_regime, teacher_of, translators_of, with_pretraining
from pipelines.plan.segmenters import label_of
from pipelines.plan.transfers import shown_as
from pipelines.plan.translators import TARGET
from pipelines.plan.workdir import Workdir
from pipelines.report import protocols, thresholds
from pipelines.runtime.json_lines import Row
from pipelines.runtime.versions import versions
from pipelines.scores.metrics import METRICS
from pipelines.scores.results import read_results, score_rows
from pipelines.scores.table import Table, to_markdown

CARD, SHEET = 'MODEL_CARD.md', 'DATASHEET.md'
INFO = 'dataset_info.json'
NOT_FOR = (
    'diagnosis, or any decision about a patient: it is no medical device, and nobody has examined it as one',
    'pictures of another kind, view, age group or device than those that it learned from, until it has been scored on such',
    'a statement about groups of patients: of age, sex, origin and illness of the patients behind it nothing is known here')


def model_card(config: Config, run: Run, workdir, threshold: Optional[Mapping] = None) -> str:
    """The card of a segmenter; `threshold` as its model.json says it, None = it finds the likeliest class."""
    own, settings = Workdir(workdir), segmenter_settings(config, run.segmenter)
    info = read_json(own.records('train') / INFO)
    rows = [row for row in _rows(own.results) if _is_of(row, config, run)]
    name = f'{run.regime.short}, {label_of(run.segmenter)}, seed {run.seed}'
    targets = ', '.join(rows[0]['organs']) if rows else 'see `classes` in assets/model.json'
    text = [f'# Model card: {name}', f'Segments pictures as those of {shown_as(config, run.regime.transfer).dataset}. Experiment {config.experiment}, '
            f'configuration {config.configuration}.', '## What it is', _listed([
                f'Network: {label_of(settings.network)} (width {getattr(settings.options, "width", 1):g}), for pictures of '
                f'{config.data.channels} channel(s), brought to {settings.size} px, windows of {settings.crop} px; any size '
                f'goes in, the same comes out', f'Finds: {targets}', f'Masks: {_masks(threshold)}',
                f'Made with {_versions()}; every setting: `config` in assets/model.json; checksums: manifest.json']),
            '## What it learned from', _listed(_learned(config, run, info)),
            '## How good it is', *_scores(rows), '## Copying', _copying_of(config, run, own),
            '## What it is not for', _listed(NOT_FOR)]
    return '\n\n'.join(text) + '\n'


def generator_card(config: Config, method: Method, stage: Stage, workdir) -> str:
    """The card of an exported GAN stage."""
    own = Workdir(workdir)
    info = read_json(own.records('train') / INFO)
    given = stage.consumes or 'noise'
    text = [f'# Model card: {stage.name} of method {method.name}', '## What it is', _listed([
        f'Kind: {stage.kind}; draws {" and ".join(stage.produces)} from {given}; seed {config.seed}',
        f'Made with {_versions()}; every setting: `config` in assets/model.json; checksums: manifest.json']),
        '## What it learned from', _listed([_real(config.data, info), *_unlabelled(config, [Run(synth_regime(method))])]),
        '## What its samples are worth',
        _quality(own, method), '## What it is not for', _listed([
            'a picture of any patient: what it draws nobody has', *NOT_FOR[:1],
            'passing on as pictures without patients, unless the section above shows that it does not copy'])]
    return '\n\n'.join(text) + '\n'


def datasheet(config: Config, method: Method, workdir) -> str:
    """The datasheet of a method's samples."""
    own = Workdir(workdir)
    info, train = (read_json(folder / INFO) for folder in (own.samples(method), own.records('train')))
    coding, notes = info['coding'], info.get('notes', {})
    codes = Table('', ('Code', 'Organs', 'Class'), [
        (str(value), ' + '.join(code['organs']) or 'background', code['target'] or '-')
        for value, code in enumerate(coding['codes'])], [])
    text = [f'# Datasheet: {info["count"]} samples of the method {method.name}',
            'Pairs of picture and label map that GANs drew, to train segmentation with. ' + (
                '**Each begins with a label map and a part of a picture of a real patient, which is in it again.**'
                if method.begins else '**None is a picture of a patient.**'), '## What is in it', _listed([
                    f'{info["count"]} pairs of {info["size"]} px, {info.get("channels", 1)} channel(s), '
                    f'{info["bits"]} bits',
                    f'{notes.get("failed_check", 0)} failed the anatomical check at their first attempt, '
                    f'{notes.get("redrawn", 0)} were redrawn']), to_markdown([codes]).strip(),
            '## How it was made', _listed([
                *(f'Stage {stage.name}: {stage.kind}, {stage.consumes or "noise"} -> {" and ".join(stage.produces)}'
                  f'{_told(config, stage)}' for stage in method.stages), f'Seed {config.seed}; {_versions()}']),
            '## What the GANs learned from', _listed([_real(config.data, train), *_unlabelled(
                config, [Run(synth_regime(method))])]),
            '## What it is worth, and whether it copies', _quality(own, method), '## What it is not for', _listed([
                'validation or test of anything: score on real pictures alone',
                'passing on as pictures without patients, unless the section above shows that they are no copies, and the '
                'terms above allow it', *NOT_FOR[2:]])]
    return '\n\n'.join(text) + '\n'


def with_real_pairs(sheet: str, method: Method, counts: Mapping[str, int], classes: Sequence[str]) -> str:
    """The datasheet of a folder in which real pairs lie beside a method's samples.

    Args:
      sheet: of the samples.
      counts: of pairs, as data/nnunet.write_nnunet tells them.
      classes: 1, 2, ... of its label maps.
    """
    numbers = Table('', ('Number', 'Class'), [(str(number), name) for number, name in enumerate(('background', *classes))], [])
    text = ['# Datasheet: real and synthetic pairs, as nnU-Net reads them',
            f'**{counts["real"]} pairs to learn from and {counts["test"]} to test are pictures of patients**, or of whatever the '
            f'real data set shows, under its terms below. {counts["synthetic"]} pairs, called {method.name}-..., were drawn by '
            f'GANs; they are learned from alone.', to_markdown([numbers]).strip(),
            'What follows tells of the synthetic ones as they were made, with the codes of the GANs; those that lack an organ, or '
            'have it on the wrong side, are not in this folder.', re.sub('^#', '##', sheet, flags=re.M)]
    return '\n\n'.join(text)


def write(path, text: str) -> None:
    """Writes a card or a datasheet, whole or not at all."""
    with whole_file(path) as temporary:
        Path(temporary).write_text(text, encoding='utf-8')


def _masks(threshold: Optional[Mapping]) -> str:
    """Where a pixel is of a class."""
    if not threshold:
        return 'of the likeliest class; of classes that may overlap, where a probability is above a half'
    return (f'where the probability is above {threshold["threshold"]:.2f}, the threshold with the largest mean DSC '
            f'({threshold["dice"]:.2f} %) over {threshold["images"]} learning images '
            f'({thresholds.CHOSEN_ON[threshold["chosen_on"]]}), at {threshold["size"]} px')


def _rows(path: Path) -> List[Row]:
    return read_results(path) if path.exists() else []


def _is_of(row: Row, config: Config, run: Run) -> bool:
    return (row['regime'], row['segmenter'], row['seed'], row['labelled'], row['num_synthetic']) == (
        run.regime.name, run.segmenter, run.seed, run.labelled, matrix.pairs_of(config, run))


def _listed(lines: Sequence[str]) -> str:
    return '\n'.join(f'- {line}' for line in lines)


def _versions() -> str:
    return ', '.join(f'{name} {version}' for name, version in versions().items())


def _real(data: Data, info: Dict) -> str:
    return (f'{len(info["ids"])} real pictures of {data.dataset} (draw {data.draw}, division {data.division}). '
            f'{_terms(data)}')


def _terms(data: Data) -> str:
    said = ' '.join((data.terms or '').split())
    return f'Terms: {said or terms_of(data.dataset, READERS[data.dataset].is_drawn)}'


def _learned(config: Config, run: Run, info: Dict) -> List[str]:
    lines = [f'Regime {run.regime.short}', _real(config.data, info)]
    lines += _unlabelled(config, with_pretraining([run]))
    pairs = matrix.pairs_of(config, run)
    if pairs:
        lines.append(f'{pairs} synthetic pairs of the method {run.regime.method.name}')
    if run.regime.transfer:
        there = config.sources[TARGET]
        labelled = 0 if run.labelled is None else run.labelled
        lines.append(f'Pictures of another hospital, {there.dataset}, with the labels of {labelled:g} % of them. '
                     f'{_terms(there)}')
        lines += [f'A translator between the two, {stage.kind}' for stage in translators_of([run.regime])]
    return lines


def _unlabelled(config: Config, runs: Sequence[Run]) -> List[str]:
    """What runs, or the stages of their methods, learned from besides: pictures that a teacher labelled."""
    teacher = teacher_of(config, runs)
    if teacher is None:
        return []
    data = config.data_of(PSEUDO)
    return [f'Pictures of {data.dataset} without their labels, which {teacher.name} labelled. {_terms(data)}']


def _scores(rows: Sequence[Row]) -> List[str]:
    if not rows:
        return ['It is not scored yet: tools/evaluate_segmenter.py does, or tools/run_experiment.py.']
    parts = []
    for row in rows:
        organs = [*row['organs'], 'average']
        body = [(f'{METRICS[metric].label}{", pooled" * METRICS[metric].is_pooled}{", " * bool(METRICS[metric].unit)}'
                 f'{METRICS[metric].unit}', *(_interval(of.get(organ)) for organ in organs))
                for metric, of in row['scores'].items()]
        parts += [f'On {row["split"]}, {len(row["images"]["names"])} pictures. {protocols.describe(score_rows([row]))}',
                  to_markdown([Table('', ('', *organs), body, [])]).strip()]
    return [*parts, 'In brackets 95 % intervals over pictures: of this one training, and of pictures like these.']


def _interval(values: Optional[Sequence[float]]) -> str:
    if not values:
        return '-'
    return f'{values[0]:.2f}' + (f' [{values[1]:.2f}, {values[2]:.2f}]' if len(values) > 1 else '')


def _copying_of(config: Config, run: Run, own: Workdir) -> str:
    if run.regime.method is None:
        return 'It learned from no synthetic pairs. Whether its weights give away pictures was not looked at.'
    return f'Of the pairs that it learned from:\n\n{_quality(own, run.regime.method)}'


def _quality(own: Workdir, method: Method) -> str:
    """What is known of a method's samples, in lines."""
    try:
        found = read_quality(own.quality(method))
    except InputError:
        return 'Not measured yet: tools/run_experiment.py does.'
    scores, lines = found['scores'], []
    for name, value in scores.items():
        if value is not None:
            lines.append(f'{name}: {value:.4g}')
    for by, measured in found['copying'].items():
        low, high = measured['chance_range_percent']
        lines.append(f'Copied, by {by}: {measured["copied_percent"]:.1f} % are closer to a training picture than 95 % of '
                     f'real held-out pictures are; by chance {low:.1f} to {high:.1f} %')
        nearest = measured['nearest_real']
        low, high = nearest['chance_range_percent']
        lines.append(f'Nearest real picture was trained on, by {by}: {nearest["trained_percent"]:.1f} %; by chance '
                     f'{low:.1f} to {high:.1f} %')
    return _listed([f'{found["num_samples"]} samples beside {found["held_out"]["count"]} real pictures that were not learned '
                    f'from, {found["size"]} px', *lines])


def _told(config: Config, stage: Stage) -> str:
    told = KINDS[stage.kind].told(stage_settings(config, stage))
    return f' ({", ".join(f"{name} {value}" for name, value in told.items())})' if told else ''
