"""What translation to another hospital is worth: over the best of the other ways there, and of what the shift costs; a
sentence for each share of labels.

Pure functions of results' rows. The other ways are honest baselines: A's segmenter as it is or with A's tone, and at a share of
labels what was fine-tuned or trained on just these. The best of them is chosen on the very images that it is compared on,
which favours it. [ours] What the shift costs is told by A's segmenter as it is: J of its own test images less J of those there.
"""
from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from pipelines.plan.transfers import TRANSFERS
from pipelines.report import document
from pipelines.report.answers import HEADLINES, Answer
from pipelines.report.document import Block
from pipelines.report.findings import ONE_EACH, digits
from pipelines.report.label_section import AS_IS, RESAMPLES, Point, at_home, by_data_set, mean_of
from pipelines.runtime.json_lines import Row
from pipelines.scores import gap, overlap, resampling
from pipelines.scores.bootstrap import Interval

BASIS = 'by image, trainings taken as given, each interval by itself'


def answered(rows: Sequence[Row]) -> List[Block]:
    """The sentences of every data set elsewhere to which something was translated."""
    return [document.answer(*one) for one in (*answers(rows), *recoveries(rows))]


def answers(rows: Sequence[Row]) -> List[Answer]:
    """A sentence for each share of labels with a translation and another way that had the same labels."""
    made = []
    for title, points, _ in by_data_set(rows):
        for share, ours in _translated(points):
            others = _others(points, share)
            if any(share in points[name] for name in others):
                made.append(_answer(title, share, ours, others))
    return made


def recoveries(rows: Sequence[Row]) -> List[Answer]:
    """A sentence for each share of labels with a translation of a segmenter that is scored at home and as it is there."""
    made = []
    for title, points, of_group in by_data_set(rows):
        home = at_home(rows, of_group)
        as_is = {point.segmenter: point for line in points.values() for point in line.values() if point.regime == AS_IS}
        for share, ours in _translated(points):
            others = {name: point for name, point in _others(points, share).items() if point.regime != AS_IS}
            known = [{name: point for name, point in some.items() if point.segmenter in home and point.segmenter in as_is}
                     for some in (ours, others)]
            if known[0]:
                made.append(_recovery(title, share, *known, as_is, home))
    return made


def _is_translated(point: Point) -> bool:
    return point.regime in TRANSFERS and TRANSFERS[point.regime].translator is not None


def _translated(points: Dict[str, Dict[float, Point]]) -> Iterator[Tuple[float, Dict[str, Point]]]:
    """(share of labels, {way: its point}) of those with a translator."""
    ways = {name: line for name, line in points.items() if any(map(_is_translated, line.values()))}
    for share in sorted({share for line in ways.values() for share in line}):
        yield share, {name: line[share] for name, line in ways.items() if share in line}


def _others(points: Dict[str, Dict[float, Point]], share: float) -> Dict[str, Point]:
    """Way -> its point at a share of labels, or without any, of those that need no translator."""
    return {name: line[at] for name, line in points.items() if not any(map(_is_translated, line.values()))
            for at in (share, 0.0) if at in line}


def _recovery(title: str, share: float, ours: Dict[str, Point], others: Dict[str, Point], as_is: Dict[str, Point],
              home: Dict[str, Point]) -> Answer:
    best, *rest = sorted(ours, key=lambda name: -ours[name].mean)
    point = ours[best]
    base, there = home[point.segmenter], as_is[point.segmenter]
    told = {name: recovered(one, as_is[one.segmenter], home[one.segmenter]) for name, one in {**ours, **others}.items()}
    figures = (f'J of A as it is {base.mean:.2f} at home, on its own test images, and {there.mean:.2f} there '
               f'({_trainings(there)}, {len(base.per_image)} and {len(there.per_image)} images; {BASIS})')
    question = f'{title}: how much of what the shift costs does translation recover, with {share:g} % of the labels there?'
    if told[best] is None:
        return Answer(question, 'Cannot be told.', f'{figures}: what the shift costs is not told from nothing.')
    who = 'translation and these labels recover' if share else 'translation recovers'
    text = f'{best}: {who} {_share(told[best])} of what the shift costs: J is {point.mean:.2f} ({_trainings(point)}), {figures}.'
    if (*rest, *others):
        text += ' Beside it: ' + '; '.join(f'{name} {_share(told[name]) if told[name] else "-"}' for name in (*rest, *others)) + '.'
    return Answer(question, f'{told[best].value:.0f} %.' if told[best].value > 0 else 'Nothing.', text)


def recovered(point: Point, as_is: Point, home: Point) -> Optional[Interval]:
    """(J there - J there of A as it is) / (J at home of A as it is - J there of A as it is), per cent, with its interval
    over images of both hospitals, trainings taken as given; None where the shift's cost is not told from nothing."""
    seen = ~np.isnan(point.per_image) & ~np.isnan(as_is.per_image)
    translated, plain = point.per_image[seen], as_is.per_image[seen]
    at_home = home.per_image[~np.isnan(home.per_image)]
    rng = np.random.default_rng(overlap.BOOTSTRAP_SEED)
    there, here = (resampling.counted(rng, RESAMPLES, len(values), len(values)) / len(values) for values in (plain, at_home))
    return gap.share_of(translated.mean() - plain.mean(), at_home.mean() - plain.mean(), there @ (translated - plain),
                        here @ at_home - there @ plain)


def _share(found: Interval) -> str:
    return f'{found.value:.0f} % [{found.low:.0f}, {found.high:.0f}]'


def _answer(title: str, share: float, ours: Dict[str, Point], others: Dict[str, Point]) -> Answer:
    base = max(others, key=lambda name: others[name].mean)
    best, *rest = sorted(ours, key=lambda name: -ours[name].mean)
    found = {name: mean_of(point.per_image - others[base].per_image) for name, point in ours.items()}
    few = max(ours[best].trainings, others[base].trainings) == 1
    told = ONE_EACH if few else 'yes, higher' if found[best][1] > 0 else 'yes, lower' if found[best][2] < 0 else 'no'
    text = (f'{best}: J is {_gap(found[best])} than {base}, the best of the others with {others[base].mean:.2f} '
            f'({_trainings(ours[best])} against {_trainings(others[base])}, {len(ours[best].per_image)} images; {BASIS}).')
    if rest:
        text += ' Beside it: ' + '; '.join(f'{name} {_gap(found[name])} ({_trainings(ours[name])})' for name in rest) + '.'
    return Answer(f'{title}: is translation worth more than the best of the other ways, with {share:g} % of the labels there?',
                  HEADLINES[told], text)


def _gap(found: Tuple[float, float, float]) -> str:
    value, low, high = found
    return f'{digits(abs(value))} {"higher" if value >= 0 else "lower"} [{low:.2f}, {high:.2f}]'


def _trainings(point: Point) -> str:
    return f'{point.trainings} training{"s" * (point.trainings != 1)}'
