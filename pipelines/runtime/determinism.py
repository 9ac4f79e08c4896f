"""TensorFlow set up so that the same command gives the same numbers, and what networks compute in.

Measured on TensorFlow 2.15: on CPU two undisturbed runs differ unless inter-op threads are 1 (intra-op
threads may be many and cost nothing); on GPU op determinism is needed instead.
"""
from __future__ import annotations

import contextlib
from typing import Iterator

import tensorflow as tf

from pipelines.runtime.devices import distribution


def setup(strategy: str = 'none') -> None:
    """Call once, before the first op.

    Args:
      strategy: see `distribution`; several hosts must find each other before anything else.
    """
    tf.get_logger().setLevel('ERROR')  # of its own deprecations and retracing nobody here can do anything
    tf.config.threading.set_inter_op_parallelism_threads(1)
    gpus = tf.config.list_physical_devices('GPU')
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if gpus:
        tf.config.experimental.enable_op_determinism()
    distribution(strategy)


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """Networks built inside compute in 'float32' or 'mixed_float16', weights float32, or in 'float64', with such."""
    before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy(policy)
    try:
        yield
    finally:
        tf.keras.mixed_precision.set_global_policy(before)
