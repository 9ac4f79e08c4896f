"""Operations counted by hand: products, convolutions, their gradients, calls and conditions."""
import pytest
import tensorflow as tf

from pipelines.cost.graph_flops import flops


def counted(function, *specs):
    return flops(tf.function(function).get_concrete_function(*specs).graph)


def test_products():
    a, b = tf.TensorSpec([3, 5]), tf.TensorSpec([5, 7])
    assert counted(tf.matmul, a, b) == 2 * 3 * 5 * 7
    assert counted(lambda a, b: tf.matmul(a, b, transpose_a=True), tf.TensorSpec([5, 3]), b) == 210
    assert counted(tf.matmul, tf.TensorSpec([2, 3, 5]), tf.TensorSpec([2, 5, 7])) == 2 * 210


def test_a_convolution_and_its_gradients():
    image, kernel = tf.TensorSpec([2, 9, 9, 3]), tf.TensorSpec([3, 3, 3, 5])
    once = 2 * (3 * 3 * 3 * 5) * (2 * 4 * 4)  # stride 2, no padding: 4 x 4 positions

    def forward(image, kernel):
        return tf.nn.conv2d(image, kernel, 2, 'VALID')

    def backward(image, kernel):
        return tf.gradients(tf.reduce_sum(forward(image, kernel) ** 2), [image, kernel])

    assert counted(forward, image, kernel) == once
    assert counted(backward, image, kernel) == 3 * once  # itself, to the image, to the kernel


def test_a_transposed_convolution():
    # each of 4 x 4 positions is multiplied into 3 x 3 x 5 outputs
    assert counted(lambda x, k: tf.nn.conv2d_transpose(x, k, [1, 8, 8, 5], 2, 'SAME'),
                   tf.TensorSpec([1, 4, 4, 7]), tf.TensorSpec([3, 3, 5, 7])) == (
                       2 * 3 * 3 * 5 * 7 * 4 * 4)


def test_calls_count_and_of_a_condition_the_dearest_branch():
    a = tf.TensorSpec([4, 4])
    inner = tf.function(lambda a: a @ a)
    assert counted(lambda a: inner(a) + inner(a), a) == 2 * 2 * 4 ** 3
    assert counted(lambda a: tf.cond(a[0, 0] > 0, lambda: a @ a @ a, lambda: a @ a), a) == (
        2 * 2 * 4 ** 3)


def test_an_open_shape_is_refused():
    with pytest.raises(ValueError, match='expected a static shape'):
        counted(tf.matmul, tf.TensorSpec([None, 5]), tf.TensorSpec([5, 7]))
