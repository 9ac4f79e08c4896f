import importlib.metadata

import numpy as np
import tensorflow as tf

from pipelines.runtime.versions import versions


def test_versions_are_those_that_are_installed():
    assert versions()['numpy'] == np.__version__


def test_the_keras_that_computes_is_the_one_that_is_named():
    named = next(name for name in versions() if 'keras' in name)
    assert tf.keras.layers.Dense.__module__.split('.')[0] == named
    assert versions()[named] == importlib.metadata.version(named) and versions()[named].startswith('2.')
