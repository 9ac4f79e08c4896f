"""The reports of the studies in the repository, written once."""
import pytest

from tests.pipelines.studies import pages


@pytest.fixture(scope='package')
def reports(tmp_path_factory):
    """Markdown of every study's report, by name."""
    return pages.reports(tmp_path_factory.mktemp('studies'))


def blocks_alone(folder, name) -> dict:
    """Blocks of the pages where `folder` holds the only study, of that name."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pages, 'FOLDER', folder)
        markdown = pages.reports(folder / 'reports')
        assert list(markdown) == [name]
        return pages.blocks_of(markdown)
