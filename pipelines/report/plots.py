"""Figures of a report as PNG bytes: learning curves, intervals and strips of pictures.

matplotlib's object interface with the Agg canvas, without pyplot: no window, no global state, and
the same numbers give the same bytes. Colours are Okabe and Ito's, which the colour-blind can tell
apart.
"""
from __future__ import annotations

import io
import math
from typing import Dict, Mapping, Optional, Sequence, Tuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure

COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000')
STYLE = {'font.size': 10, 'axes.titlesize': 10, 'axes.spines.top': False,
         'axes.spines.right': False, 'axes.grid': True, 'grid.color': '#e6eaef',
         'axes.axisbelow': True, 'axes.edgecolor': '#8895a5', 'legend.frameon': False,
         'legend.fontsize': 9}
NOT_CURVES = ('step', 'phase')
UNITS = {'jaccard_validation': 'J, validation (%)'}  # losses have none
SMOOTHED_FROM = 60  # points; shorter curves are drawn as they are
DOTS_PER_INCH = 110


def curves(series: Mapping[str, Sequence[dict]]) -> bytes:
    """Learning curves: one panel for each logged name, one line for each entry of `series`.

    Args:
      series: label -> rows {'step': int, 'phase': str, name: number, ...}. Where `series` has one
        entry with several phases, their bounds are drawn.
    """
    names = list(dict.fromkeys(name for rows in series.values() for row in rows
                               for name, value in row.items()
                               if name not in NOT_CURVES and _is_number(value)))
    with matplotlib.rc_context(STYLE):
        columns = min(2, max(1, len(names)))
        panel_rows = math.ceil(len(names) / columns)
        figure = Figure(figsize=(4.6 * columns, 2.5 * panel_rows + 0.5), layout='constrained')
        panels = figure.subplots(panel_rows, columns, squeeze=False).ravel()
        for panel, name in zip(panels, names):
            for number, (label, rows) in enumerate(series.items()):
                _curve(panel, rows, name, label, COLOURS[number % len(COLOURS)])
            panel.set_xlabel('step (updates)')
            panel.set_ylabel(UNITS.get(name, name.replace('_', ' ')))
        for panel in panels[len(names):]:
            panel.set_axis_off()
        if len(series) == 1:
            _draw_phases(panels[:len(names)], next(iter(series.values())))
        else:
            handles, labels = panels[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc='outside lower center', ncols=min(4, len(labels)))
        return to_png(figure)


def intervals(measured: Mapping[str, Mapping[str, Sequence[Tuple[float, float, float]]]],
              xlabel: str, reference: Optional[float] = None) -> bytes:
    """Means with their intervals: one panel for each organ, one line of points for each regime.

    Args:
      measured: organ -> regime -> (mean, low, high) of each seed, per cent; low and high may be
        NaN.
      reference: a value to mark by a line.
    """
    regimes = list(dict.fromkeys(regime for of_organ in measured.values() for regime in of_organ))
    with matplotlib.rc_context(STYLE):
        columns = min(2, len(measured))
        panel_rows = math.ceil(len(measured) / columns)
        height = (0.36 * len(regimes) + 0.9) * panel_rows
        figure = Figure(figsize=(4.6 * columns, height), layout='constrained')
        panels = figure.subplots(panel_rows, columns, squeeze=False, sharey=True).ravel()
        for panel, (organ, of_organ) in zip(panels, measured.items()):
            for number, regime in enumerate(regimes):
                seeds = of_organ.get(regime, ())
                for place, (mean, low, high) in enumerate(seeds):
                    y = number + 0.5 * ((place + 1) / (len(seeds) + 1) - 0.5)
                    colour = COLOURS[number % len(COLOURS)]
                    panel.plot([low, high], [y, y], color=colour, linewidth=1.6)
                    panel.plot(mean, y, 'o', color=colour, markersize=5)
            if reference is not None:
                panel.axvline(reference, color='#465364', linewidth=1)
            panel.set_title(organ, loc='left')
            panel.set_yticks(range(len(regimes)), regimes)
            panel.set_xlabel(xlabel)
        panels[0].invert_yaxis()  # shared: turns all
        for panel in panels[len(measured):]:
            panel.set_axis_off()
        return to_png(figure)


def sweep(lines: Mapping[str, Sequence[Tuple[int, float]]], xlabel: str) -> bytes:
    """Scores against a number of pictures, on a logarithmic axis: points, and a line of their means.

    Args:
      lines: label -> (number, per cent) of each training.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.2, 4.2), layout='constrained')
        panel = figure.subplots()
        for i, (label, points) in enumerate(lines.items()):
            colour = COLOURS[i % len(COLOURS)]
            numbers = sorted({number for number, _ in points})
            means = [np.mean([score for n, score in points if n == number]) for number in numbers]
            panel.plot(numbers, means, '-', color=colour, linewidth=1.4, label=label)
            panel.plot(*zip(*points), 'o', color=colour, markersize=4)
        panel.set_xscale('log')
        ticks = sorted({number for points in lines.values() for number, _ in points})
        panel.set_xticks(ticks, [str(tick) for tick in ticks])
        panel.minorticks_off()
        panel.set_xlabel(f'number of {xlabel}')
        panel.set_ylabel('average pooled J (%)')
        panel.legend()
        return to_png(figure)


def strip(pictures: Mapping[str, np.ndarray]) -> bytes:
    """Pictures side by side, or one below the other if they are wide, each under its label.

    Args:
      pictures: label -> uint8 [height, width, 3].
    """
    height, width = next(iter(pictures.values())).shape[:2]
    rows, columns = (len(pictures), 1) if width > 2 * height else (1, len(pictures))
    panel_height = 9.2 / columns * height / width + 0.3
    with matplotlib.rc_context({'font.size': 9}):
        figure = Figure(figsize=(9.2, rows * panel_height), layout='constrained')
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel, (label, picture) in zip(panels, pictures.items()):
            panel.imshow(picture)
            panel.set_title(label)
            panel.set_axis_off()
        return to_png(figure)


def to_png(figure: Figure) -> bytes:
    """The figure as PNG bytes, the same for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format='png', dpi=DOTS_PER_INCH, facecolor='white',
                   metadata={'Software': None})
    return buffer.getvalue()


def _curve(panel, rows: Sequence[dict], name: str, label: str, colour: str) -> None:
    points = [(row['step'], row[name]) for row in rows
              if _is_number(row.get(name)) and math.isfinite(row[name])]
    if not points:
        panel.plot([], [], color=colour, label=label)
        return
    steps, values = np.array(points, float).T
    if len(points) < SMOOTHED_FROM:
        panel.plot(steps, values, '.-', color=colour, markersize=4, linewidth=1.3, label=label)
        return
    panel.plot(steps, values, color=colour, alpha=0.25, linewidth=0.6)
    panel.plot(*_running_mean(steps, values, len(points) // 30), color=colour, linewidth=1.6,
               label=label)


def _running_mean(steps: np.ndarray, values: np.ndarray, window: int):
    kernel = np.full(window, 1 / window)
    return np.convolve(steps, kernel, 'valid'), np.convolve(values, kernel, 'valid')


def _draw_phases(panels, rows: Sequence[dict]) -> None:
    starts: Dict[str, float] = {}
    for row in rows:
        starts.setdefault(str(row.get('phase', '')), row['step'])
    if len(starts) < 2:
        return
    for panel in panels:
        for start in list(starts.values())[1:]:
            panel.axvline(start, color='#8895a5', linewidth=0.8, linestyle=':')
    for panel in panels[:2]:
        for phase, start in starts.items():
            panel.annotate(phase, (start, 1), xycoords=('data', 'axes fraction'), rotation=40,
                           fontsize=7, color='#465364', xytext=(0, 2),
                           textcoords='offset points', va='bottom', ha='left',
                           annotation_clip=False)


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
