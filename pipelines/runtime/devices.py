"""The devices that a training is spread over, one or many, on one host or several."""
from __future__ import annotations

import functools
import json
import os

import tensorflow as tf

MOST_TASKS = 64  # of Slurm on one host


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


def device_name() -> str:
    """The device that computes, for people."""
    gpus = tf.config.list_physical_devices('GPU')
    if not gpus:
        return 'CPU'
    return f'GPU {tf.config.experimental.get_device_details(gpus[0]).get("device_name", "")}'.strip()
