"""The pool against the official procedure, one picture after the other, in plain Python."""
import numpy as np
import tensorflow as tf

from models.image_pool import ImagePool


def official(pictures, draws, size):
    """What the official code shows: fresh until full, then with probability 1/2 a kept one."""
    pool, shown = [], []
    for picture, (chance, which) in zip(pictures, draws):
        if len(pool) < size:
            pool.append(picture)
            shown.append(picture)
        elif chance > 0.5:
            index = int(which * size)
            shown.append(pool[index])
            pool[index] = picture
        else:
            shown.append(picture)
    return np.array(shown), np.array(pool)


def test_shows_and_keeps_what_the_official_pool_does():
    rng = np.random.default_rng(0)
    pictures, draws = rng.normal(size=(40, 2, 3, 1)).astype('f'), rng.uniform(size=(40, 2)).astype('f')
    pool = ImagePool(5, [2, 3, 1])
    exchange = tf.function(pool.exchange)
    shown = np.concatenate([exchange(pictures[i:i + 4], draws[i:i + 4]) for i in range(0, 40, 4)])
    expected, kept = official(pictures, draws, 5)
    np.testing.assert_array_equal(shown, expected)
    np.testing.assert_array_equal(pool.pictures, kept)
    assert 10 < (shown != pictures).any((1, 2, 3)).sum() < 30  # about half of those after the first 5
