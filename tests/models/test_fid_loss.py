"""The Frechet distance against its definition, and its gradient against finite differences, also of few samples."""
import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import InputError
from models.fid_loss import frechet_terms, side_of
from pipelines.serving import official


def drawn(count, size, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, size)) @ np.diag(np.linspace(0.2, 1.5, size)) + shift


def by_definition(synthetic, real):
    """Of the eigenvalues of S_r^(1/2) S_s S_r^(1/2)."""
    one, other = np.cov(synthetic, rowvar=False), np.cov(real, rowvar=False)
    values, vectors = np.linalg.eigh(other)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    trace = np.sqrt(np.linalg.eigvalsh(root @ one @ root).clip(0)).sum()
    return np.square(synthetic.mean(0) - real.mean(0)).sum() + np.trace(one) + np.trace(other) - 2 * trace, trace


def distance(synthetic, real):
    return frechet_terms(side_of(tf.convert_to_tensor(synthetic)), side_of(tf.convert_to_tensor(real)))


@pytest.mark.parametrize('count', [2, 5, 40])
def test_the_distance_is_that_of_its_definition(count):
    synthetic, real = drawn(count, 8, 1, 0.3), drawn(30, 8, 2)
    expected, trace = by_definition(synthetic, real)
    found, of_means, root = distance(synthetic, real)
    assert float(found) == pytest.approx(expected, rel=1e-6) and float(root) == pytest.approx(trace, rel=1e-6)
    assert float(of_means) == pytest.approx(np.square(synthetic.mean(0) - real.mean(0)).sum())
    single = distance(synthetic.astype(np.float32), real.astype(np.float32))[0]
    assert float(single) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize('count', [2, 5, 40])
def test_the_gradient_is_that_of_finite_differences(count):
    synthetic, real = drawn(count, 6, 3, 0.3), drawn(30, 6, 4)
    x = tf.Variable(synthetic)
    with tf.GradientTape() as tape:
        loss = 3 * distance(x, real)[0]
    gradient = tape.gradient(loss, x).numpy()
    for place in ((0, 0), (1, 5), (count - 1, 2)):
        step = np.zeros_like(synthetic)
        step[place] = 1e-5
        slope = 3 * float(distance(synthetic + step, real)[0] - distance(synthetic - step, real)[0]) / 2e-5
        assert gradient[place] == pytest.approx(slope, rel=1e-5, abs=1e-7)


def test_equal_sets_are_no_distance_apart():
    real = drawn(12, 5, 5)
    x = tf.Variable(real)
    with tf.GradientTape() as tape:
        loss = distance(x, real)[0]
    assert abs(float(loss)) < 1e-12 and np.abs(tape.gradient(loss, x)).max() < 1e-12


@pytest.mark.parametrize('kind', ['repeated', 'collapsed'])
@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_pictures_that_repeat_each_other_have_a_finite_gradient(kind, dtype):
    """Its pull is that of the covariance and the means alone where the distance has a kink."""
    synthetic, real = drawn(8, 12, 6).astype(dtype), drawn(20, 12, 7).astype(dtype)
    synthetic[:] = np.tile(synthetic[:4], (2, 1)) if kind == 'repeated' else synthetic[:1]
    x = tf.Variable(synthetic)
    with tf.GradientTape() as tape:
        loss = distance(x, real)[0]
    gradient = tape.gradient(loss, x).numpy()
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(gradient[:4], gradient[4:], atol=1e-5 * np.abs(gradient).max())
    if kind == 'collapsed':
        np.testing.assert_allclose(gradient, 2 / 8 * (x.numpy() - real.mean(0)), rtol=1e-4, atol=1e-6)


def test_one_picture_has_no_covariance():
    with pytest.raises(ValueError, match='features: expected at least 2 samples, found 1; raise the batch size'):
        side_of(tf.zeros([1, 4]))


def test_a_file_of_distances_is_repeated_and_is_no_network(tmp_path):
    """Equal sets too, where all that there is to compare is rounding."""
    arrays, real = {}, drawn(30, 8, 2)
    for case, synthetic in (('few', drawn(5, 8, 1, 0.3)), ('equal', real)):
        found, trace = by_definition(synthetic, real)
        arrays.update({f'input/{case}/synthetic': synthetic, f'input/{case}/real': real,
                       f'output/{case}/trace_sqrt': trace, f'output/{case}/distance': found if case == 'few' else 0.0})
    arrays['output/equal/gradient'] = np.full(real.shape, 1e-16)
    path = tmp_path / 'distances.npz'
    np.savez(path, meta='{"net": "frechet.FrechetDistance"}', **arrays)
    source = official.read(path)
    errors = official.relative_errors(source, official.load(source))
    assert len(errors) == 5 and max(errors.values()) < 1e-6
    with pytest.raises(InputError, match='expected tensors of a network, found none; save them'):
        official.import_weights(path, tmp_path / 'out', lambda line: None)
