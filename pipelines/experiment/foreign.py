"""The predictions of another program as a line of results.jsonl, beside an experiment's own.

Draw, division, fold, number of real images and how it was scored are those of the experiment's lines on the same images:
whoever trained the other program on other pictures must not put it here.
"""
from __future__ import annotations

from pathlib import Path
from typing import Mapping, Optional

from datasets.errors import InputError
from pipelines.plan.data_checks import NAME
from pipelines.plan.regimes import parse_regime
from pipelines.plan.segmenters import SEGMENTERS
from pipelines.plan.workdir import Workdir
from pipelines.report.report import write_report
from pipelines.runtime.json_lines import Row
from pipelines.scores import results

FOREIGN = 'foreign'  # in a protocol: another program predicted
KEPT = ('dataset', 'configuration', 'size', 'gan_size', 'augmentation', 'distances', 'spacing_mm', 'enlarged', 'folds',
        'learned_from', 'trimmed', 'at_detector')  # of a protocol, which hold whichever network was trained


def line_like(workdir, split: str, name: str, regime: str) -> Row:
    """A line of the experiment on this split, of the same regime where there is one.

    Raises:
      InputError: nothing is scored there yet, `name` is a network's of ours, or no regime is called so.
    """
    regime = parse_regime(regime).name
    if not NAME.fullmatch(name) or name in SEGMENTERS:
        raise InputError(f'--name {name}: expected a name of letters, digits and _, and none of the networks of this '
                         f'program, such as nnunet')
    rows = [row for row in results.read_results(Workdir(workdir).results) if row['split'] == split]
    if any(row['segmenter'] == name and FOREIGN not in row['protocol'] for row in rows):
        raise InputError(f'--name {name}: that is a network of the config; choose another name')
    if not rows:
        raise InputError(f'--workdir {workdir}: expected scores of the experiment on {split}, beside which these would '
                         f'stand, found none; run it first')
    return next((row for row in rows if row['regime'] == regime), rows[0])


def row_of(like: Row, scored: Mapping, name: str, regime: str, seed: int, num_synthetic: Optional[int]) -> Row:
    """What results.jsonl holds of these predictions.

    Args:
      like: from `line_like`.
      scored: what evaluation.evaluate wrote.
      num_synthetic: pairs that it learned from; None = as many as `like`, if that is of the regime.

    Raises:
      InputError: they are of other images or classes than `like`, or nobody says how many pairs there were.
    """
    for what, theirs, ours in (('images', scored['images']['names'], like['images']['names']),
                               ('classes', sorted(scored['organs']), sorted(like['organs']))):
        if theirs != ours:
            raise InputError(f'--predictions: expected the {what} of the experiment ({len(ours)}, such as '
                             f'{", ".join(ours[:3])}), found others ({len(theirs)}, such as {", ".join(theirs[:3])})')
    parsed = parse_regime(regime)
    if parsed.method is None:
        num_synthetic = 0
    elif num_synthetic is None and like['regime'] != parsed.name:
        raise InputError(f'--num-synthetic: expected how many synthetic pairs it learned from, for --regime {regime}')
    protocol = {key: like['protocol'][key] for key in KEPT if key in like['protocol']}
    return {**{key: like[key] for key in results.KEY}, 'regime': parsed.name, 'segmenter': name, 'seed': seed,
            'labelled': None, 'num_synthetic': like['num_synthetic'] if num_synthetic is None else num_synthetic,
            'organs': scored['organs'], 'images': scored['images'], 'scores': scored['scores'],
            'protocol': {**protocol, FOREIGN: True}, 'versions': scored['versions']}


def add(workdir, row: Row) -> Path:
    """Appends the line and writes the report anew; returns its path."""
    results.append_results(Workdir(workdir).results, [row])
    return write_report(workdir)
