import numpy as np

from pipelines.runtime.versions import versions


def test_versions_are_those_that_are_installed():
    assert versions()['numpy'] == np.__version__
