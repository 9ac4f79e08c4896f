"""TensorFlow set up so that the same command gives the same numbers.

Measured on TensorFlow 2.15: on CPU two undisturbed runs differ unless inter-op threads are 1 (intra-op
threads may be many and cost nothing); on GPU op determinism is needed instead.
"""
from __future__ import annotations

import hashlib

import tensorflow as tf


def setup() -> None:
    """Call once, before the first op."""
    tf.config.threading.set_inter_op_parallelism_threads(1)
    gpus = tf.config.list_physical_devices('GPU')
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if gpus:
        tf.config.experimental.enable_op_determinism()


def device_name() -> str:
    """The device that computes, for people."""
    gpus = tf.config.list_physical_devices('GPU')
    if not gpus:
        return 'CPU'
    return f'GPU {tf.config.experimental.get_device_details(gpus[0]).get("device_name", "")}'.strip()


def stable_seed(*parts) -> int:
    """A seed in 0..2**31-1 from any printable parts: the same in every process and version."""
    text = '/'.join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], 'big') & 0x7FFFFFFF


def stateless_seed(*parts) -> tf.Tensor:
    """int32 [2] key for `tf.random.stateless_*`, from printable parts."""
    return tf.constant([stable_seed(*parts, 'a'), stable_seed(*parts, 'b')], tf.int32)
