"""Versions of what decides numbers."""
from __future__ import annotations

import importlib.metadata
import platform
from typing import Dict


def versions() -> Dict[str, str]:
    """Versions of Python and of the packages that decide numbers, without importing them."""
    found = {'python': platform.python_version()}
    for package in ('tensorflow', 'keras', 'numpy'):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = 'unknown'
    return found
