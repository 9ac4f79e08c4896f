"""JSRT/SCR as PNG copies, drawn once for a module; each test may break its own copy."""
import shutil

import pytest

from tests.datasets.readers.test_jsrt import draw_converted


@pytest.fixture(scope='module')
def converted_once(tmp_path_factory):
    return draw_converted(tmp_path_factory.mktemp('converted'))


@pytest.fixture
def converted(converted_once, tmp_path):
    """A copy that a test may break."""
    return shutil.copytree(converted_once, tmp_path / 'jsrt')
