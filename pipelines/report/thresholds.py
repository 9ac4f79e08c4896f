"""Where the masks of scattered organs begin, in words: thresholds that were chosen on learning images, or none."""
from __future__ import annotations

from typing import List, Optional, Sequence

from pipelines.runtime.json_lines import Row

CHOSEN_ON = {  # as serving/threshold.py calls them -> in words
    'validation': 'the validation part', 'held_out': 'those that were held out', 'train': 'those that it learned from',
    'target_validation': 'the validation part of the other hospital',
    'target': 'those of the other hospital that it learned from'}
NONE, FOREIGN = 'none', '-'


def cell(rows: Sequence[Row]) -> str:
    """'0.41 to 0.46' of several trainings, 'none' where none was chosen, '-' of another program's masks."""
    found = [value for row in rows if not row['protocol'].get('foreign') for value in _of(row)]
    numbers = sorted({value for value in found if value is not None})
    words = [f'{numbers[0]:.2f}' + f' to {numbers[-1]:.2f}' * (len(numbers) > 1)] if numbers else []
    return ', '.join(words + [NONE] * (None in found)) or FOREIGN


def told(rows: Sequence[Row]) -> List[str]:
    """Sentences on the thresholds of these rows: on which images they were chosen, or that none was."""
    own = [row for row in rows if not row['protocol'].get('foreign')]
    places = dict.fromkeys(row['protocol']['threshold_chosen_on'] for row in own if 'threshold' in row['protocol'])
    words = ', or '.join(CHOSEN_ON.get(place, place) for place in places)
    found = [f'Threshold: the probability above which a pixel is of the organ, chosen for each training on learning '
             f'images ({words}) as the one with the largest mean DSC over them; on no test image.'] if places else []
    if any(None in _of(row) for row in own):
        found.append('Masks without a threshold are of the likeliest class, of two classes that of probabilities above a '
                     'half: no threshold was chosen on any image.')
    return found


def _of(row: Row) -> List[Optional[float]]:
    """Its threshold, or of folds that were put together those of each."""
    return row.get('thresholds', [row['protocol'].get('threshold')])
