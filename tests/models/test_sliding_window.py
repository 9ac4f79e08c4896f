"""Sliding windows against a plain numpy loop, and their properties."""
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings, strategies as st

from models.sliding_window import (_coverage, _starts, default_stride,
                                   sliding_window_probabilities, window_batch_probabilities, window_starts)

CLASSES = 3


def pointwise(windows):
    """Logits that depend on the pixel alone."""
    return windows * tf.constant([1.0, -2.0, 0.5])


def positional(windows):
    """Logits that also depend on the place inside the window, as a real network's do."""
    size = windows.shape[1]
    ramp = tf.linspace(-1.0, 1.0, size)
    place = tf.stack(tf.meshgrid(ramp, 2 * ramp, indexing='ij') + [tf.zeros([size, size])], -1)
    return pointwise(windows) + place


def softmax(logits):
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def reference(predict_fn, images, window, stride):
    """Plain numpy: pad, loop over the windows, add, divide, crop."""
    _, height, width, _ = images.shape
    below, right = max(window - height, 0), max(window - width, 0)
    images = np.pad(images, [(0, 0), (0, below), (0, right), (0, 0)], mode='edge')
    total = np.zeros(images.shape[:3] + (CLASSES,))
    count = np.zeros(images.shape[1:3] + (1,))
    for top in window_starts(images.shape[1], window, stride):
        for left in window_starts(images.shape[2], window, stride):
            place = np.s_[:, top:top + window, left:left + window]
            total[place] += softmax(np.asarray(predict_fn(tf.constant(images[place]))))
            count[place[1:]] += 1
    return (total / count)[:, :height, :width]


def pictures(height, width, batch=2, seed=0):
    return np.random.default_rng(seed).normal(size=[batch, height, width, 1]).astype(np.float32)


@pytest.mark.parametrize('length, window, stride, expected', [
    (512, 377, 252, [0, 135]),
    (1024, 377, 252, [0, 252, 504, 647]),
    (377, 377, 252, [0]),
    (100, 377, 252, [0]),
    (629, 377, 252, [0, 252]),  # the second window fits exactly
    (630, 377, 252, [0, 252, 253]),
])
def test_window_starts(length, window, stride, expected):
    assert window_starts(length, window, stride) == expected


@given(length=st.integers(1, 200), window=st.integers(1, 60), data=st.data())
@settings(max_examples=200, deadline=None)
def test_windows_lie_inside_and_leave_no_gap(length, window, data):
    stride = data.draw(st.integers(1, window))
    starts = window_starts(length, window, stride)
    assert starts[0] == 0 and starts == sorted(set(starts))
    assert starts[-1] == max(length - window, 0)
    assert all(b - a <= stride for a, b in zip(starts, starts[1:]))


@given(window=st.integers(1, 30), extra=st.integers(0, 100), data=st.data())
@settings(max_examples=50, deadline=None)
def test_graph_starts_and_coverage_equal_plain_python(window, extra, data):
    stride, length = data.draw(st.integers(1, window)), window + extra
    starts = window_starts(length, window, stride)
    assert _starts(tf.constant(length), window, stride).numpy().tolist() == starts
    expected = [sum(s <= pixel < s + window for s in starts) for pixel in range(length)]
    coverage = _coverage(tf.constant(starts), tf.constant(length), window)
    assert coverage.numpy().tolist() == expected


def test_default_stride_is_two_thirds_rounded_up():
    assert [default_stride(window) for window in (377, 41, 9, 1)] == [252, 28, 6, 1]


@pytest.mark.parametrize('height, width, stride', [
    (20, 31, 6), (9, 9, 6), (5, 30, 6), (4, 3, 6), (23, 17, 9), (12, 11, 1),
])
def test_equals_the_plain_loop(height, width, stride):
    images = pictures(height, width)
    ours = sliding_window_probabilities(positional, tf.constant(images), 9, CLASSES, stride)
    np.testing.assert_allclose(ours, reference(positional, images, 9, stride), atol=1e-5)


@given(height=st.integers(1, 25), width=st.integers(1, 25), window=st.integers(1, 12))
@settings(max_examples=12, deadline=None)
def test_pointwise_predictor_needs_no_windows(height, width, window):
    images = pictures(height, width)
    ours = sliding_window_probabilities(pointwise, tf.constant(images), window, CLASSES)
    np.testing.assert_allclose(ours, tf.nn.softmax(pointwise(images)), atol=1e-5)


def test_probabilities_sum_to_one_and_windows_matter():
    images = pictures(20, 20)
    ours = sliding_window_probabilities(positional, tf.constant(images), 9, CLASSES)
    np.testing.assert_allclose(tf.reduce_sum(ours, -1), np.ones([2, 20, 20]), atol=1e-5)
    assert np.abs(ours - tf.nn.softmax(pointwise(images))).max() > 0.1


def test_the_network_sees_static_windows_and_whole_batches():
    seen = []

    def spy(windows):
        seen.append(windows.shape.as_list())
        return positional(windows)

    sliding_window_probabilities(spy, tf.constant(pictures(20, 12, batch=5)), 9, CLASSES)
    assert seen == [[5, 9, 9, 1]] * (3 * 2)  # rows 0, 6, 11 and columns 0, 3
    seen.clear()
    tf.function(lambda x: sliding_window_probabilities(spy, x, 9, CLASSES)
                ).get_concrete_function(tf.TensorSpec([None, None, None, 1]))
    assert seen == [[None, 9, 9, 1]]  # traced once however many windows


class Segmenter(tf.Module):
    """A network with a variable, exported with everything dynamic."""

    def __init__(self):
        super().__init__()
        self.gain = tf.Variable(1.5)

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 1])])
    def __call__(self, images):
        return sliding_window_probabilities(lambda x: self.gain * positional(x), images, 9, CLASSES)


def test_saved_model_takes_any_size(tmp_path):
    segmenter = Segmenter()
    tf.saved_model.save(segmenter, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    for height, width, batch in [(20, 31, 1), (4, 12, 3)]:
        images = pictures(height, width, batch)
        expected = reference(lambda x: 1.5 * positional(x), images, 9, 6)
        np.testing.assert_allclose(loaded(images), expected, atol=1e-5)


def test_static_sizes_stay_known():
    traced = tf.function(lambda x: sliding_window_probabilities(positional, x, 9, CLASSES)
                         ).get_concrete_function(tf.TensorSpec([2, 20, 31, 1]))
    assert traced.output_shapes == (2, 20, 31, CLASSES)


@pytest.mark.parametrize('stride', [0, 10])
def test_strides_that_leave_gaps(stride):
    with pytest.raises(ValueError, match=f'stride: expected 1 to 9, the window, found {stride}'):
        sliding_window_probabilities(pointwise, tf.zeros([1, 9, 9, 1]), 9, CLASSES, stride)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(4, 12), st.sampled_from([None, 1, 2, 5]), st.integers(1, 3))
def test_windows_in_batches_are_the_windows_of_the_loop(height, width, window, at_once, batch):
    """Pictures smaller than the window among them."""
    images, calls = pictures(height, width, batch), []

    def spy(windows):
        calls.append(windows.shape[0] // batch)
        return positional(windows)

    found = window_batch_probabilities(spy, tf.constant(images), window, CLASSES, at_once=at_once)
    wanted = reference(positional, images, window, default_stride(window))
    np.testing.assert_allclose(found, wanted, atol=2e-6)
    count = np.prod([len(window_starts(max(side, window), window, default_stride(window))) for side in (height, width)])
    assert sum(calls) == count and len(calls) == (1 if at_once is None else -(-count // at_once))
    assert max(calls) - min(calls) <= 1


def test_windows_in_batches_make_no_loop_and_no_batch_of_more_than_memory_takes():
    spec = [tf.TensorSpec([None, 1024, 1024, 1])]
    sizes = []

    def spy(windows):
        sizes.append(windows)
        return pointwise(windows)

    graph = tf.function(lambda x: window_batch_probabilities(spy, x, 377, CLASSES),
                        input_signature=spec).get_concrete_function().graph
    assert not {op.type for op in graph.get_operations()} & {'While', 'StatelessWhile'}
    assert len(sizes) == 3  # 16 windows, of which 7 cover a megapixel
