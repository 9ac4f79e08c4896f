"""The reports of the studies in the repository, written once."""
import pytest

from tests.pipelines.studies import pages


@pytest.fixture(scope='package')
def reports(tmp_path_factory):
    """Markdown of every study's report, by name."""
    return pages.reports(tmp_path_factory.mktemp('studies'))
