"""A matrix product beside what is measured: what this machine can do at that very time.

Other programs on the same cores stretch the seconds of both, and not alike; the time that the cores spend on this
program they leave nearly as it is.
"""
from __future__ import annotations

import time
from typing import Callable, List, NamedTuple, Sequence, Tuple

import tensorflow as tf

PRODUCT_SIDE, PRODUCTS = 2048, 3
SEED = (0, 0)  # of numbers that are only worked with; op determinism takes none without
LEAST_SECONDS = 6.0


class Beside(NamedTuple):
    """A call beside matrix products.

    Attributes:
      seconds, cpu: of the fastest call, and of the one that used the least of the cores' time.
      product, product_cpu: GFLOP of the best product in a second, and in a second of a core.
    """
    seconds: float
    cpu: float
    product: float
    product_cpu: float


def matrix_product() -> Callable[[], object]:
    """Some products of matrices in float32, one after the other."""
    a = tf.random.stateless_normal([PRODUCT_SIDE, PRODUCT_SIDE], SEED)
    product = tf.function(lambda: tf.reduce_sum(a @ a))
    return lambda: [product().numpy() for _ in range(PRODUCTS)]


def gflops(seconds: float) -> float:
    """GFLOP/s of a `matrix_product` that took so long."""
    return 2e-9 * PRODUCTS * PRODUCT_SIDE ** 3 / seconds


def seconds_in_turn(functions: Sequence[Callable[[], object]], repeats: int) -> List[List[float]]:
    """Seconds of each function's calls; one after the other, the first round not counted."""
    for function in functions:
        function()
    taken: List[List[float]] = [[] for _ in functions]
    for _ in range(repeats):
        for times, function in zip(taken, functions):
            times.append(taken_by(function))
    return taken


def best_beside(function: Callable[[], object]) -> Beside:
    """The best of the calls that fill LEAST_SECONDS with products in turn; `function` has been called before."""
    product = matrix_product()
    product()
    begin, calls, products = time.perf_counter(), [], [both_by(product)]
    while not calls or time.perf_counter() - begin < LEAST_SECONDS:
        calls.append(both_by(function))
        products.append(both_by(product))
    (seconds, cpu), (wall, own) = (map(min, zip(*taken)) for taken in (calls, products))
    return Beside(seconds, cpu, gflops(wall), gflops(own))


def taken_by(function: Callable[[], object]) -> float:
    """Seconds of one call."""
    return both_by(function)[0]


def both_by(function: Callable[[], object]) -> Tuple[float, float]:
    """Seconds of one call, and those of all cores that this process used for it."""
    begin, used = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - begin, time.process_time() - used
