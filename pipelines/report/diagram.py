"""The method in one drawing: how each of the three methods makes a pair, and what becomes of it.

After figures 1 to 4 of Ciano et al. 2021, drawn anew.
"""
from __future__ import annotations

from typing import Callable, Dict

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse, FancyArrowPatch, FancyBboxPatch, Rectangle

from datasets.labels import CHEST
from pipelines.report.plots import to_png

# centre, size and angle of each organ in a unit square, (0, 0) at the lower left; the patient's
# left is the right of the picture
ORGANS = {'right_lung': ((.30, .50), (.28, .62), -6), 'left_lung': ((.70, .50), (.28, .62), 6),
          'heart': ((.57, .38), (.30, .26), -25), 'right_clavicle': ((.29, .85), (.30, .06), 14),
          'left_clavicle': ((.71, .85), (.30, .06), -14)}
SIDE = 1.15          # of a picture, inches
GAP = 1.55           # between pictures, with the network's name above the arrow
ROW = 1.85
FIRST = 1.95         # x of the first picture
SEGMENTER = FIRST + 3 * SIDE + 2 * GAP + 1.0  # its left edge and its middle
SEGMENTER_Y = 1.5 * ROW + 0.1


def pipeline() -> bytes:
    """Draws the three methods, one a row, and the segmentation that learns from them; PNG."""
    with matplotlib.rc_context({'font.size': 10}):
        figure = Figure(figsize=(SEGMENTER + 2.55, 3 * ROW + 0.2))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, SEGMENTER + 2.55)
        axes.set_ylim(0, 3 * ROW + 0.2)
        axes.set_axis_off()
        rows = {'Single-stage': ('', '', 'pair'), 'Two-stage': ('', 'labels', 'image'),
                'Three-stage': ('dots', 'labels', 'image')}
        for number, (name, fields) in enumerate(rows.items()):
            _draw_method(axes, name, fields, (2 - number) * ROW + 0.45)
        _draw_segmentation(axes, SEGMENTER_Y)
        return to_png(figure)


def _draw_method(axes, name: str, fields, y: float) -> None:
    middle = y + SIDE / 2
    axes.text(0.1, middle + 0.5, name, va='center', weight='bold')
    axes.text(0.1, middle, 'noise', va='center', color='#465364')
    x, network = 0.6, 'PGGAN'
    for column, field in enumerate(fields):
        if field:
            left = FIRST + column * (SIDE + GAP)
            _arrow(axes, (x, middle), (left - (0.45 if field == 'pair' else 0), middle), network)
            FIELDS[field](axes, left, y)
            x, network = left + SIDE, 'Pix2PixHD'
    aim = SEGMENTER_Y + 0.35 * (1 if y > 3 else -1 if y < 1 else 0)
    _arrow(axes, (x, middle), (SEGMENTER, aim), '')


def _draw_segmentation(axes, y: float) -> None:
    _box(axes, SEGMENTER, y - 0.75, 2.35, 1.5, '#0072b2')
    steps = 'SMANet\n1. learns from the\nsynthetic pairs\n2. is fine-tuned on\nthe real ones'
    axes.text(SEGMENTER + 1.17, y, steps, ha='center', va='center', color='white')
    axes.text(SEGMENTER + 1.17, y + 1.0, 'real pairs', ha='center', va='bottom')
    _arrow(axes, (SEGMENTER + 1.17, y + 0.98), (SEGMENTER + 1.17, y + 0.75), '')
    axes.text(SEGMENTER + 1.17, y - 1.02, 'organs of\na new picture', ha='center',
              va='top')
    _arrow(axes, (SEGMENTER + 1.17, y - 0.75), (SEGMENTER + 1.17, y - 1.0), '')


def _draw_dots(axes, x: float, y: float) -> None:
    _frame(axes, x, y, '#000000', 'dots')
    for organ, colour in _colours().items():
        (cx, cy), _, _ = ORGANS[organ]
        axes.add_patch(Circle((x + cx * SIDE, y + cy * SIDE), 0.055, color=colour))


def _draw_labels(axes, x: float, y: float, caption: str = 'label map') -> None:
    _frame(axes, x, y, '#000000', caption)
    for organ, colour in _colours().items():
        _ellipse(axes, x, y, organ, color=colour)


def _draw_image(axes, x: float, y: float, caption: str = 'picture') -> None:
    _frame(axes, x, y, '#8d8d8d', caption)
    for organ, grey in (('right_lung', '#303030'), ('left_lung', '#303030'), ('heart', '#b5b5b5'),
                        ('right_clavicle', '#a8a8a8'), ('left_clavicle', '#a8a8a8')):
        _ellipse(axes, x, y, organ, color=grey)


def _draw_pair(axes, x: float, y: float) -> None:
    """Two channels of one picture, one in front of the other."""
    _draw_labels(axes, x, y + 0.17, '')
    _draw_image(axes, x - 0.45, y - 0.08, 'picture and label map')


FIELDS: Dict[str, Callable] = {'dots': _draw_dots, 'labels': _draw_labels, 'image': _draw_image,
                               'pair': _draw_pair}


def _colours() -> Dict[str, tuple]:
    colours = {organ: tuple(CHEST.dot_colours[i + 1] / 255) for i, organ in enumerate(CHEST.organs)}
    return {organ: colours[organ] for organ in ORGANS}


def _ellipse(axes, x: float, y: float, organ: str, **style) -> None:
    (cx, cy), (width, height), angle = ORGANS[organ]
    axes.add_patch(Ellipse((x + cx * SIDE, y + cy * SIDE), width * SIDE, height * SIDE,
                           angle=angle, linewidth=0, **style))


def _frame(axes, x: float, y: float, colour: str, caption: str) -> None:
    axes.add_patch(Rectangle((x, y), SIDE, SIDE, facecolor=colour, edgecolor='#465364'))
    axes.text(x + SIDE / 2, y - 0.08, caption, ha='center', va='top', fontsize=9)


def _box(axes, x: float, y: float, width: float, height: float, colour: str) -> None:
    axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle='round,pad=0,rounding_size=.12',
                                  facecolor=colour, edgecolor='none'))


def _arrow(axes, start, end, network: str) -> None:
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle='-|>', mutation_scale=13, shrinkA=3,
                                   shrinkB=3, color='#465364', linewidth=1.3))
    if network:
        axes.text((start[0] + end[0]) / 2, end[1] + 0.12, network, ha='center', va='bottom',
                  color='#0072b2', weight='bold')
