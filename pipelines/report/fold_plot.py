"""Published intervals beside ours as PNG: a panel for each task, a row for each network."""
from __future__ import annotations

import math
from typing import Mapping, Optional, Tuple

import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pipelines.report.plots import COLOURS, STYLE, to_png

Point = Optional[Tuple[float, float, float]]  # mean, low, high; the last two NaN where there is no interval
SIDES = (('published', '#66727f', 's', -.17), ('ours', COLOURS[0], 'o', .17))  # name, colour, marker, place


def beside(panels: Mapping[str, Mapping[str, Tuple[Point, Point]]], xlabel: str) -> bytes:
    """Points with their intervals, of which two lie close in a row.

    Args:
      panels: task -> network -> (published, ours), per cent.
    """
    sizes = [len(rows) for rows in panels.values()]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, .25 * sum(sizes) + .6 * len(sizes) + .5), layout='constrained')
        axes = figure.subplots(len(sizes), 1, squeeze=False, gridspec_kw={'height_ratios': sizes}).ravel()
        for axis, (task, rows) in zip(axes, panels.items()):
            for number, points in enumerate(rows.values()):
                axis.axhspan(number - .5, number + .5, color='#f4f6f9' if number % 2 else 'white', zorder=0)
                for point, (_, colour, marker, place) in zip(points, SIDES):
                    _draw(axis, point, number + place, colour, marker)
            axis.set_title(task, loc='left', weight='bold')
            axis.set_yticks(range(len(rows)), rows)
            axis.set_ylim(len(rows) - .5, -.5)
            axis.grid(False, axis='y')
            axis.tick_params(axis='y', length=0)
        axes[-1].set_xlabel(xlabel)
        handles = [Line2D([], [], color=colour, marker=marker, markersize=5.5, linewidth=1.6, label=name)
                   for name, colour, marker, _ in SIDES]
        figure.legend(handles=handles, loc='outside upper right', ncols=2)
        return to_png(figure)


def _draw(axis, point: Point, y: float, colour: str, marker: str) -> None:
    """A point; hollow where it has no interval."""
    if point is None:
        return
    mean, low, high = point
    has_interval = not math.isnan(low)
    if has_interval:
        axis.plot([low, high], [y, y], color=colour, linewidth=1.6, solid_capstyle='butt')
    axis.plot(mean, y, marker, color=colour, markersize=5.5, markerfacecolor=colour if has_interval else 'white')
