"""What an experiment answers, one sentence a question: the first thing that a report says.

Questions are asked of every FINETUNE k of the foremost network (where nothing was fine-tuned of every MIXED k, else of
every SYNTH k): against REAL, against the placebo RESTART, against SELF, against the REAL of another network.
"""
from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from pipelines.plan import regimes, segmenters
from pipelines.report.findings import (ONE_EACH, PLACEBO, SELF, Against, Trained, bounds, digits, is_tuned, signed,
                                       verdict)
from pipelines.scores import bootstrap, error_rates
from pipelines.scores.comparison import Comparison

HEADLINES = {'yes, higher': 'Yes, higher.', 'yes, lower': 'No, lower.', 'no': 'Not shown.',
             'undecided': 'Undecided.', ONE_EACH: 'Cannot be told from one training each.'}


class Answer(NamedTuple):
    """A question, the verdict on the foremost line in two or three words, and the figures in a sentence."""
    question: str
    verdict: str
    text: str


def answers(compared: Sequence[Against]) -> List[Answer]:
    """The answers that the comparisons on one set of images give; none without REAL.

    Args:
      compared: of findings.against.
    """
    real = _baseline(compared, 'real', segmenters.foremost()) or next(
        (one for one in compared if one.baseline), None)
    asked = _asked(real)
    if not asked:
        return []
    network, names = real.baseline.network, _names(asked)
    made = [_answer(f'Is {names} better than REAL, trained on real pairs alone?', real, asked)]
    placebo = _baseline(compared, PLACEBO, network)
    if any(map(is_tuned, asked)):
        made.append(_answer(f'Is {names} better than {regimes.short_of(PLACEBO)}, its placebo, which is trained twice on '
                            f'real pairs alone?', placebo, asked) if placebo else Answer(
            f'Is {names} better than its placebo?', 'Not measured.',
            f'{regimes.short_of(PLACEBO)}, trained twice on real pairs alone, was not trained, so what is gained by a '
            f'second start alone is not known.'))
    alone = _baseline(compared, SELF, network)
    if alone and any(map(is_tuned, asked)):
        made.append(_answer(f'Is {names} better than {regimes.short_of(SELF)}, self-training without any GAN?', alone, asked))
    for other in compared:
        if other.baseline.regime == 'real' and other.baseline.network != network:
            label = segmenters.label_of(other.baseline.network)
            made.append(_answer(f'Is {segmenters.label_of(network)} with {names} better than a {label} on real pairs '
                                f'alone?', other, asked))
    return made


def _asked(real: Optional[Against]) -> List[Trained]:
    """The lines in question, the one that stands for the experiment first."""
    own = [line for line in real.shown if real.found and line.network == real.baseline.network
           and line.label in real.found] if real else []
    tuned = next(filter(None, ([line for line in own if line.regime.startswith(kind)]
                               for kind in ('finetune', 'mixed', 'synth'))), [])
    return sorted(tuned, key=lambda line: (regimes.rank_of(line.regime), -line.rows[0]['num_synthetic']))


def _baseline(compared: Sequence[Against], regime: str, network: str) -> Optional[Against]:
    return next((one for one in compared if one.baseline and one.baseline.regime == regime
                 and one.baseline.network == network), None)


def _names(asked: Sequence[Trained]) -> str:
    return regimes.short_of(asked[0].regime)


def _answer(question: str, against: Against, asked: Sequence[Trained]) -> Answer:
    """The foremost line in full, the others by their figures."""
    told = [(line, against.found[line.label]) for line in asked if line.label in against.found]
    if not told:
        return Answer(question, 'Not measured.', 'There is nothing that may be compared.')
    (line, first), *others = told
    base, verdicts = against.baseline, [verdict(found, one, against.baseline) for one, found in told]
    text = f'{_gap(first)} {bounds(first.difference)}, {_sure(verdicts[0])}: {_basis(line, base, first)}.'
    if others:
        text += ' Beside it: ' + '; '.join(
            f'{_short(one, told)} {signed(found.difference.value)} {bounds(found.difference)} ({said}, '
            f'{_pairs(found, one, base)})' for (one, found), said in zip(others, verdicts[1:])) + '.'
    return Answer(question, HEADLINES[verdicts[0]], text)


def _gap(found: Comparison) -> str:
    value = found.difference.value
    return f'J is {digits(abs(value))} {"higher" if value >= 0 else "lower"}'


def _sure(told: str) -> str:
    return {'yes, higher': 'an interval without 0', 'yes, lower': 'an interval without 0',
            'no': 'an interval that holds 0', 'undecided': 'whose bound is too near to 0 to be told from it',
            ONE_EACH: 'which knows of the images alone'}[told]


def _basis(line: Trained, base: Trained, found: Comparison) -> str:
    images, real = len(line.rows[0]['images']['names']), line.rows[0]['num_real']
    draws = {draw for draw, _ in line.keys} & {draw for draw, _ in base.keys} if found.pairs else {
        draw for draw, _ in line.keys}
    return (f'{images} images, {_number(len(draws), "draw")} of {real} real images, {_pairs(found, line, base)}')


def _pairs(found: Comparison, line: Trained, base: Trained) -> str:
    if found.pairs:
        return _number(found.pairs, 'pair') + ' of trainings'
    return f'{len(line.rows)} against {len(base.rows)} trainings, no pairs'


def _short(line: Trained, told: Sequence[Tuple[Trained, Comparison]]) -> str:
    """FINETUNE 1, or the whole label where several lines are of that regime."""
    same = [one for one, _ in told if one.regime == line.regime]
    return regimes.short_of(line.regime) if len(same) == 1 else line.label


def _number(count: int, word: str) -> str:
    return f'{count} {word}{"s" * (count != 1)}'


def variances(compared: Sequence[Against]) -> Optional[str]:
    """How much the paired differences of the foremost line vary by draw, seed and images; a sentence."""
    real = _baseline(compared, 'real', segmenters.foremost())
    asked = _asked(real)
    if not asked or real.found[asked[0].label].pairs < 2:
        return None
    line = asked[0]
    values = [dict(zip(one.keys, one.values('jaccard_pooled'))) for one in (line, real.baseline)]
    common = [key for key in values[0] if key in values[1]]
    gaps: Dict[Tuple[int, int], float] = {key: values[0][key] - values[1][key] for key in common}
    sides = [one.counts[[one.keys.index(key) for key in common]] for one in (line, real.baseline)]
    resampled = [bootstrap.scores_of_resamples(side)[..., -1].mean(axis=1) for side in sides]
    draws, seeds, images = error_rates.components(gaps, float(np.var(resampled[0] - resampled[1])))
    if not seeds > 0 or np.isnan(draws):  # nothing varies, or too little is there to tell
        return None
    return (f'The {len(gaps)} paired differences between {regimes.short_of(line.regime)} and REAL vary with the seed '
            f'by {seeds ** .5:.2f}, with the draw by {draws ** .5:.2f}, and their mean with the images by '
            f'{images ** .5:.2f} (standard deviations): the variance between draws is '
            f'{draws / seeds:.1f} times that between seeds, that by images {images / seeds:.1f} times, as far as '
            f'{len({key[0] for key in gaps})} draws can tell.')
