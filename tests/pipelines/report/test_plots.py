"""Plots: what is drawn in which colour and scale, told from the pixels."""
import io

import numpy as np
from PIL import Image

from pipelines.report import plots


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert('RGB'))


def has_colour(png, colour):
    wanted = [int(colour[i:i + 2], 16) for i in (1, 3, 5)]
    return (pixels(png) == wanted).all(axis=-1).any()


def test_curves_draw_each_series_in_its_colour_and_each_name_in_its_panel():
    rows = [{'step': step, 'phase': 'a', 'loss': float(step)} for step in range(100)]
    one, two = plots.curves({'real': rows}), plots.curves({'real': rows, 'synth1': rows[:9]})
    assert has_colour(one, plots.COLOURS[0]) and not has_colour(one, plots.COLOURS[1])
    assert has_colour(two, plots.COLOURS[1])
    more = [{**row, 'second': 1.0, 'third': 2.0} for row in rows]
    assert pixels(plots.curves({'real': more})).shape[0] > 1.5 * pixels(one).shape[0]


def test_curves_of_nothing_finite_are_still_a_picture():
    assert pixels(plots.curves({'real': [{'step': 1, 'phase': 'a', 'loss': float('nan')}]})).size


def test_running_mean_by_hand():
    steps, values = plots._running_mean(np.arange(4.), np.array([0., 2., 4., 0.]), 2)
    np.testing.assert_allclose(steps, [.5, 1.5, 2.5])
    np.testing.assert_allclose(values, [1, 3, 2])


def test_intervals_draw_every_regime_even_without_bounds():
    png = plots.intervals({'Heart': {'real': [(90, 88, 92)],
                                     'synth3': [(80, float('nan'), float('nan'))]}}, 'J (%)')
    alone = plots.intervals({'Heart': {'real': [(90, 88, 92)], 'synth3': []}}, 'J (%)')
    assert [bands(one) for one in (png, alone)] == [2, 1]


def bands(png):
    rows = (pixels(png) == [0, 0x72, 0xb2]).all(axis=-1).any(axis=1).astype(int)
    return (np.diff(rows) == 1).sum()


def blue(png):
    return (pixels(png) == [0, 0x72, 0xb2]).all(axis=-1).sum()


def test_a_row_far_off_does_not_take_the_scale_of_the_others():
    near = {'a': (.1, -.2, .4, False), 'b': (-1.4, -2, -.8, True), 'c': (.3, -.1, .9, False)}
    far = {**near, 'd': (-11, -14, -9, True)}
    left, right = plots._scale(list(far.values()))
    assert (left, right) == plots._scale(list(near.values())) and -2.3 < left < -2 and .9 < right < 1.2
    assert plots._scale([(0, 0, 0, False)]) == (-1, 1)
    assert plots._scale([(11, 9, 14, True)])[1] > 14  # alone it is what there is to see
    shown = plots.differences({'REAL': far}, 'points')
    assert blue(shown) > blue(plots.differences({'REAL': {**far, 'd': (-11, -14, -9, False)}}, 'points')) > 0


def test_strip_stacks_wide_pictures():
    wide, tall = np.zeros((10, 100, 3), np.uint8), np.zeros((100, 100, 3), np.uint8)
    below = pixels(plots.strip({'a': wide, 'b': wide})).shape
    beside = pixels(plots.strip({'a': tall, 'b': tall})).shape
    assert below[1] == beside[1] and below[0] < beside[0]
    rows_with_ink = (pixels(plots.strip({'a': wide, 'b': wide})) == 0).all(axis=-1).sum(axis=1)
    assert (np.diff((rows_with_ink > 500).astype(int)) == 1).sum() == 2
