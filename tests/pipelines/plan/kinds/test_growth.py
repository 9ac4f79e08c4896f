"""The growth schedule as a table, counted by hand from the official settings."""
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, strategies

from datasets.errors import InputError
from pipelines.plan.kinds.growth import GrowthPhase, fade_alpha, phases


def test_official_schedule_at_64_px():
    # 600,000 images / batch, rounded up; snapshots every 160, 140, 120, 100, 80 thousand images
    assert phases(64) == (
        GrowthPhase(2, False, 4688, 128, 1e-3, 1250),
        GrowthPhase(3, True, 4688, 128, 1e-3, 1094), GrowthPhase(3, False, 4688, 128, 1e-3, 1094),
        GrowthPhase(4, True, 4688, 128, 1e-3, 938), GrowthPhase(4, False, 4688, 128, 1e-3, 938),
        GrowthPhase(5, True, 9375, 64, 1e-3, 1563), GrowthPhase(5, False, 9375, 64, 1e-3, 1563),
        GrowthPhase(6, True, 18750, 32, 1e-3, 2500), GrowthPhase(6, False, 18750, 32, 1e-3, 2500))


def test_official_schedule_at_1024_px_shows_12_million_images():
    schedule = phases(1024, total_images=12_000_000)
    assert len(schedule) == 17
    assert [phase.batch_size for phase in schedule] == (
        [128] * 5 + [64] * 2 + [32] * 2 + [16] * 2 + [8] * 2 + [4] * 4)
    assert [phase.learning_rate for phase in schedule] == [1e-3] * 15 + [1.5e-3] * 2
    assert schedule[-2] == GrowthPhase(10, True, 150_000, 4, 1.5e-3, 2500)
    assert schedule[-1] == GrowthPhase(10, False, 600_000, 4, 1.5e-3, 2500)  # the 2.4 million left
    shown = sum(phase.steps * phase.batch_size for phase in schedule)
    assert 12_000_000 <= shown < 12_000_000 + sum(phase.batch_size for phase in schedule)


def test_a_schedule_of_ones_own():
    assert phases(8, fade_images=10, stable_images=21, batch_sizes={4: 4, 8: 2},
                  learning_rate=2e-3) == (
        GrowthPhase(2, False, 6, 4, 2e-3, 40_000), GrowthPhase(3, True, 5, 2, 2e-3, 70_000),
        GrowthPhase(3, False, 11, 2, 2e-3, 70_000))


def test_4x4_alone_and_growth_without_fades():
    assert [(p.level, p.fading) for p in phases(4)] == [(2, False)]
    assert [(p.level, p.fading) for p in phases(16, fade_images=0)] == [
        (2, False), (3, False), (4, False)]


@given(strategies.integers(2, 10), strategies.integers(0, 500), strategies.integers(1, 500))
def test_every_level_fades_once_then_stays(top_level, fade_images, stable_images):
    schedule = phases(2 ** top_level, fade_images, stable_images)
    expected = [(2, False)] + [(level, fading) for level in range(3, top_level + 1)
                               for fading in (True, False) if fade_images or not fading]
    assert [(phase.level, phase.fading) for phase in schedule] == expected
    for phase in schedule:
        images = fade_images if phase.fading else stable_images
        assert 0 <= phase.steps * phase.batch_size - images < phase.batch_size


@pytest.mark.parametrize('arguments, message', [
    (dict(resolution=48), 'resolution: expected a power of two from 4 on, found 48'),
    (dict(resolution=2), 'resolution: .* found 2'),
    (dict(resolution=8, stable_images=0), 'stable_images: expected .* found 600000 and 0'),
    (dict(resolution=8, fade_images=-1), 'fade_images, .* found -1'),
    (dict(resolution=8, total_images=1_200_000), 'total_images: expected more than the 1200000'),
    (dict(resolution=8, batch_sizes={4: 8}), 'batch_sizes: expected for 8 px .* found none'),
    (dict(resolution=8, batch_sizes={4: 8, 8: 0}), 'batch_sizes: expected for 8 px .* found 0'),
    (dict(resolution=8, batch_sizes={4: 6, 8: 4}), 'for 4 px a multiple of 4 .* found 6'),
])
def test_bad_numbers_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        phases(**arguments)


def test_fade_rises_every_four_steps_to_one():
    assert [fade_alpha(step, 12) for step in range(12)] == pytest.approx(
        [1 / 3] * 4 + [2 / 3] * 4 + [1] * 4)
    assert [fade_alpha(step, 6) for step in range(6)] == [0.5] * 4 + [1.0] * 2
    assert fade_alpha(0, 1) == 1.0


@given(strategies.integers(1, 100_000), strategies.data())
def test_fade_stays_in_range(steps, data):
    step = data.draw(strategies.integers(0, steps - 1))
    assert 0 < fade_alpha(step, steps) <= 1
    assert fade_alpha(steps - 1, steps) == 1


@pytest.mark.parametrize('dtype', [tf.int32, tf.int64])
def test_fade_of_a_tensor_inside_a_graph(dtype):
    steps = 4688
    alpha = tf.function(lambda step: fade_alpha(step, steps))(tf.range(0, steps, 13, dtype))
    np.testing.assert_allclose(alpha, [fade_alpha(step, steps) for step in range(0, steps, 13)],
                               rtol=1e-12)
