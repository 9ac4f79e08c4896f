"""Versions of what decides numbers, this program among it."""
from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
from typing import Dict

RELEASE = '0.1.0'  # also in setup.cfg, CITATION.cff and tools/README.md, as a test sees


def versions() -> Dict[str, str]:
    """Versions of this program, of Python and of the packages that decide numbers, without importing them.

    Keras is named as `tf.keras` is: tf_keras where that is installed, see models/__init__.py.
    """
    found = {'multi-stage-synthesis': RELEASE, 'python': platform.python_version()}
    keras = 'tf_keras' if importlib.util.find_spec('tf_keras') else 'keras'
    for package in ('tensorflow', keras, 'numpy'):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = 'unknown'
    return found
