"""What translation to another hospital is worth over the best of the other ways there, a sentence for each share of labels.

Pure functions of results' rows. The other ways are honest baselines: A's segmenter as it is or with A's tone, and at a share of
labels what was fine-tuned or trained on just these. The best of them is chosen on the very images that it is compared on,
which favours it.
"""
from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

from pipelines.plan.transfers import TRANSFERS
from pipelines.report import document
from pipelines.report.answers import HEADLINES, Answer
from pipelines.report.document import Block
from pipelines.report.findings import ONE_EACH, digits
from pipelines.report.label_section import Point, by_data_set, mean_of
from pipelines.runtime.json_lines import Row

BASIS = 'by image, trainings taken as given, each interval by itself'


def answered(rows: Sequence[Row]) -> List[Block]:
    """The sentences of every data set elsewhere to which something was translated."""
    return [document.answer(*one) for one in answers(rows)]


def answers(rows: Sequence[Row]) -> List[Answer]:
    """A sentence for each share of labels with a translation and something to hold it against."""
    made = []
    for title, points, _ in by_data_set(rows):
        translated = {name for name, line in points.items() for point in line.values()
                      if point.regime in TRANSFERS and TRANSFERS[point.regime].translator}
        for share in sorted({share for name in translated for share in points[name]}):
            ours = {name: points[name][share] for name in points if name in translated and share in points[name]}
            others = {name: line[at] for name, line in points.items() if name not in translated
                      for at in (share, 0.0) if at in line}
            if others:
                made.append(_answer(title, share, ours, others))
    return made


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
