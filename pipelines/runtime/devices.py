"""TensorFlow set up so that the same command gives the same numbers; devices and precision.

Measured on TensorFlow 2.15: on CPU two undisturbed runs differ unless inter-op threads are 1 (intra-op
threads may be many and cost nothing); on GPU op determinism is needed instead.
"""
from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
from typing import Iterator

import tensorflow as tf

MOST_TASKS = 64  # of Slurm on one host


def setup(strategy: str = 'none') -> None:
    """Call once, before the first op.

    Args:
      strategy: see `distribution`; several hosts must find each other before anything else.
    """
    tf.config.threading.set_inter_op_parallelism_threads(1)
    gpus = tf.config.list_physical_devices('GPU')
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if gpus:
        tf.config.experimental.enable_op_determinism()
    distribution(strategy)


@functools.lru_cache(maxsize=None)
def distribution(name: str) -> tf.distribute.Strategy:
    """The engine that spreads training over devices; train inside its `scope()`.

    Args:
      name: 'none', 'mirrored' (all GPUs of this host) or 'multi_worker' (those of the hosts that
        the environment variable TF_CONFIG lists, or else of the tasks of a Slurm job step).
    """
    make = {'none': tf.distribute.get_strategy, 'mirrored': tf.distribute.MirroredStrategy,
            'multi_worker': _several_hosts}
    return make[name]()


def _several_hosts() -> tf.distribute.Strategy:
    if 'TF_CONFIG' not in os.environ and 'SLURM_PROCID' in os.environ:
        # Names the hosts only: which GPUs a task sees is left to Slurm (--gpus-per-task).
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            gpus_per_node=MOST_TASKS, gpus_per_task=1, auto_set_gpu=False)
        cluster = resolver.cluster_spec().as_dict()
        os.environ['TF_CONFIG'] = json.dumps(
            {'cluster': cluster, 'task': {'type': 'worker', 'index': resolver.task_id}})
    return tf.distribute.MultiWorkerMirroredStrategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes the files: the first of several hosts, or the only one."""
    resolver = strategy.cluster_resolver
    if resolver is None or resolver.task_type is None:
        return True
    return resolver.task_type == 'chief' or (
        resolver.task_id == 0 and 'chief' not in resolver.cluster_spec().jobs)


def agreed(strategy: tf.distribute.Strategy, wish: bool) -> bool:
    """Whether any host wishes it; all hosts must ask."""
    if strategy.cluster_resolver is None or strategy.cluster_resolver.task_type is None:
        return wish
    wishes = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(float(wish)))
    return float(strategy.reduce('SUM', wishes, axis=None)) > 0


@contextlib.contextmanager
def precision(policy: str) -> Iterator[None]:
    """Networks built inside compute in 'float32' or 'mixed_float16'; their weights are float32."""
    before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy(policy)
    try:
        yield
    finally:
        tf.keras.mixed_precision.set_global_policy(before)


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
