import configparser
import importlib.metadata
from pathlib import Path

import numpy as np
import tensorflow as tf
import yaml

from pipelines.runtime.versions import RELEASE, versions

ROOT = Path(__file__).resolve().parents[3]


def test_one_release_everywhere():
    setup = configparser.ConfigParser()
    setup.read(ROOT / 'setup.cfg')
    assert setup['metadata']['version'] == RELEASE == versions()['multi-stage-synthesis']
    assert yaml.safe_load((ROOT / 'CITATION.cff').read_text())['version'] == RELEASE
    assert f'\n**{RELEASE}**\n' in (ROOT / 'tools' / 'README.md').read_text()


def test_versions_are_those_that_are_installed():
    assert versions()['numpy'] == np.__version__


def test_the_keras_that_computes_is_the_one_that_is_named():
    named = next(name for name in versions() if 'keras' in name)
    assert tf.keras.layers.Dense.__module__.split('.')[0] == named
    assert versions()[named] == importlib.metadata.version(named) and versions()[named].startswith('2.')
