"""Figures of a report as PNG bytes: learning curves, intervals and strips of pictures.

matplotlib's object interface with the Agg canvas, without pyplot: no window, no global state, and
the same numbers give the same bytes. Colours are Okabe and Ito's, which the colour-blind can tell
apart.
"""
from __future__ import annotations

import io
import math
from typing import Dict, Mapping, Sequence, Tuple

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
SCALE = 2                      # pixels of a picture for one of the page: sharp on fine screens
DOTS_PER_INCH = 110 * SCALE
FAR = 4.0                      # times as far from 0 as the line before: a row that leaves the scale of a figure


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


def against(ours, published, numbers: Sequence[float], xlabel: str, ylabel: str) -> bytes:
    """A score against a number, one line a way; numbers stand at equal distances, and of differences 0 is drawn.

    Args:
      ours: name -> {number: (mean, low, high, ...)}; published: name -> {number: (mean, deviation)}, dashed.
    """
    place = {at: number for number, at in enumerate(numbers)}
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.0), layout='constrained')
        axis = figure.subplots()
        for number, (name, line) in enumerate(ours.items()):
            aside = .08 * (number - (len(ours) - 1) / 2)
            xs, (means, lows, highs) = [place[at] + aside for at in line], zip(*(point[:3] for point in line.values()))
            axis.errorbar(xs, means, (np.subtract(means, lows), np.subtract(highs, means)), fmt='o-', markersize=5, linewidth=1.6,
                          color=COLOURS[number % len(COLOURS)], label=name)
        for number, (name, line) in enumerate(published.items()):
            axis.plot([place[at] for at in line], [mean for mean, _ in line.values()], 's--', markersize=4,
                      linewidth=1.1, color=('#44505e', '#8895a5', '#bcc5d0')[number % 3], label=name)
        low, high = axis.get_ylim()
        if low < 0 < high:
            axis.axhline(0, color='#1b2330', linewidth=1)
        axis.set_xticks(range(len(numbers)), [f'{at:g}' for at in numbers])
        axis.set_xlabel(xlabel)
        axis.set_ylabel(ylabel)
        figure.legend(loc='outside lower center', ncols=2)
        return to_png(figure)


def intervals(measured: Mapping[str, Mapping[str, Sequence[Tuple[float, float, float]]]], xlabel: str) -> bytes:
    """Means with their intervals: one panel for each organ, one line of points for each regime.

    Args:
      measured: organ -> regime -> (mean, low, high) of each seed, per cent; low and high may be
        NaN.
    """
    regimes = list(dict.fromkeys(regime for of_organ in measured.values() for regime in of_organ))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.2, (0.3 * len(regimes) + 0.9) * len(measured)), layout='constrained')
        panels = figure.subplots(len(measured), 1, squeeze=False, sharey=True).ravel()
        for panel, (organ, of_organ) in zip(panels, measured.items()):
            heights = [number + 0.5 * ((place + 1) / (len(of_organ.get(regime, ())) + 1) - 0.5)
                       for number, regime in enumerate(regimes) for place in range(len(of_organ.get(regime, ())))]
            means, lows, highs = zip(*[seed for regime in regimes for seed in of_organ.get(regime, ())])
            panel.hlines(heights, lows, highs, color=COLOURS[0], linewidth=1.2)
            panel.plot(means, heights, 'o', color=COLOURS[0], markersize=4)
            panel.set_title(organ, loc='left')
            panel.set_yticks(range(len(regimes)), regimes)
            panel.set_xlabel(xlabel)
        panels[0].invert_yaxis()  # shared: turns all
        return to_png(figure)


def differences(measured: Mapping[str, Mapping[str, Tuple[float, float, float, bool]]], xlabel: str) -> bytes:
    """Differences with their intervals, a panel for each baseline, which is the row at 0.

    A row that lies FAR off does not take the scale of the others: an arrow at the edge and its value stand for it.

    Args:
      measured: baseline -> line -> (value, low, high, whether it differs for sure), per cent.
    """
    sizes = [len(lines) + 1 for lines in measured.values()]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 0.3 * sum(sizes) + 0.8 * len(sizes)), layout='constrained')
        panels = figure.subplots(len(sizes), 1, squeeze=False, sharex=True,
                                 gridspec_kw={'height_ratios': sizes}).ravel()
        left, right = _scale([line for lines in measured.values() for line in lines.values()])
        for panel, (baseline, lines) in zip(panels, measured.items()):
            panel.axvline(0, color='#1b2330', linewidth=1)
            panel.plot(0, 0, 's', color='#1b2330', markersize=5)
            for number, line in enumerate(lines.values(), 1):
                _difference(panel, number, line, left, right)
            panel.set_yticks(range(len(lines) + 1), [f'{baseline} = 0', *lines])
            panel.set_ylim(len(lines) + .6, -.6)
            panel.set_xlim(left, right)
        panels[-1].set_xlabel(xlabel)
        return to_png(figure)


def _scale(lines: Sequence[Tuple[float, float, float, bool]]) -> Tuple[float, float]:
    """Both ends of the scale: over 0 and all intervals but those that lie FAR off."""
    ordered = sorted(lines, key=lambda line: max(abs(line[1]), abs(line[2])))
    left, right = 0.0, 0.0
    for _, low, high, _ in ordered:
        reach = max(-left, right)
        if reach > 0 and max(abs(low), abs(high)) > FAR * reach:
            break
        left, right = min(left, low), max(right, high)
    margin = 0.06 * (right - left) or 1.0
    return left - margin, right + margin


def _difference(panel, y: float, line: Tuple[float, float, float, bool], left: float, right: float) -> None:
    value, low, high, sure = line
    colour = COLOURS[0] if sure else '#66727f'
    if left < value < right:
        panel.plot([max(low, left), min(high, right)], [y, y], color=colour, linewidth=1.8)
        panel.plot(value, y, 'o', color=colour, markersize=5.5, markerfacecolor=colour if sure else 'white')
        return
    edge, inside, side = (.995, .86, 'right') if value > 0 else (.005, .14, 'left')
    panel.annotate(f'{value:+.2f}', (edge, y), xytext=(inside, y), xycoords=('axes fraction', 'data'),
                   textcoords=('axes fraction', 'data'), color=colour, va='center', ha=side, fontsize=9,
                   arrowprops={'arrowstyle': '-|>', 'color': colour})


def sweep(lines: Mapping[str, Sequence[Tuple[int, float]]], xlabel: str) -> bytes:
    """Scores against a number of pictures, on a logarithmic axis: points, and a line of their means.

    Args:
      lines: label -> (number, per cent) of each training.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 4.2), layout='constrained')
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
        figure.legend(loc='outside lower center')
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
