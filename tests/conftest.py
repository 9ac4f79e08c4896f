"""TensorFlow as the tools set it up, and one tiny experiment that several tests share."""
import dataclasses
import fcntl
import os
import shutil

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import pytest

from pipelines.runtime import determinism  # before TensorFlow: it chooses its Keras
import tensorflow as tf

# two devices for the tests of strategies; everything else uses the first
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices('CPU')[0], [tf.config.LogicalDeviceConfiguration()] * 2)
determinism.setup()

# Every network and set as small as it gets; the code that runs is that of the real configs. Without fades, each a
# graph of its own: tests of them say so, with FADES.
FADES = {'fade_images': 24}
TINY = {
    'experiment': 'test', 'configuration': 'demo', 'seed': 1,
    'regimes': ['real', 'synth3', 'finetune3'],
    'data': {'dataset': 'phantom', 'size': 48, 'num_train': 4, 'num_test': 3, 'augment': 2,
             'dots_size': 32, 'dots_radius': 1},
    'labels': {'channels': 'onehot', 'clean': True, 'reject': False},
    'pggan': {'fmap_max': 8, 'latent_size': 8, 'fade_images': 0, 'stable_images': 16,
              'batch_sizes': {4: 4, 8: 4, 16: 4, 32: 4}},
    'pix2pixhd': {'ngf': 4, 'downsamplings': 2, 'blocks': 1, 'ndf': 4, 'layers': 2,
                  'batch_size': 2, 'epochs': 1, 'decay_epochs': 1},
    'generation': {'num_train': 6, 'num_validation': 3, 'block': 4, 'shard': 4},
    'segmenter': {'size': 48, 'crop': 41, 'width': 0.125, 'blocks': [1, 1, 1, 1], 'batch_size': 2,
                  'synth_steps': 4, 'finetune_steps': 3, 'validate_every': 2},
    'evaluation': {'size': 64},
    'run': {'log_every': 1, 'sheet_every': 4, 'checkpoint_seconds': 0.0},
}


def tiny_config(**sections):
    """The tiny config with keys of its sections replaced: tiny_config(data={'size': 64})."""
    from pipelines.plan.loading import from_dict
    tree = {key: {**value, **sections.pop(key, {})} if isinstance(value, dict) else value
            for key, value in TINY.items()}
    return from_dict({**tree, **sections}, 'test')


def with_kind(config, kind, **changes):
    """The config with settings of one kind of GAN replaced: with_kind(config, 'pggan', snapshot=4)."""
    return dataclasses.replace(config, kinds={
        **config.kinds, kind: dataclasses.replace(config.kinds[kind], **changes)})


def made_once(tmp_path_factory, name, make):
    """The folder that `make(folder)` fills, by the first of the workers that asks for it."""
    folder = tmp_path_factory.getbasetemp() / name
    if 'PYTEST_XDIST_WORKER' in os.environ:  # one folder below that of the whole run
        folder = folder.parents[1] / name
    done = folder.with_name(f'{name}.done')
    with open(f'{folder}.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope='session')
def finished(tmp_path_factory):
    """(config, workdir) of a whole tiny experiment, run once for all workers; each has its copy."""
    from pipelines.experiment.run import run_experiment
    config, own = tiny_config(), tmp_path_factory.mktemp('experiment') / 'run'
    shared = made_once(tmp_path_factory, 'finished', lambda folder: run_experiment(
        config, folder, say=lambda text: None))
    shutil.copytree(shared, own, symlinks=True)
    return config, own


@pytest.fixture()
def run(finished, tmp_path):
    """A copy of the finished experiment to change."""
    config, workdir = finished
    shutil.copytree(workdir, tmp_path / 'run', symlinks=True)
    return config, tmp_path / 'run'


def pytest_collection_modifyitems(items):
    """Those that need the tiny experiment first: one worker makes it while the other does the rest.

    Behind them what takes longest, so that neither waits for it in the end.
    """
    items.sort(key=lambda item: ('finished' not in item.fixturenames,
                                 item.path.name != 'test_workers.py'))
