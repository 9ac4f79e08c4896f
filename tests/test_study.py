"""The study in the repository: its report can be made anew, and the documents show the report's tables."""
import collections
from pathlib import Path

import pytest

from pipelines.report import report
from pipelines.runtime.json_lines import read_json_lines
from pipelines.scores import results

REPOSITORY = Path(__file__).resolve().parents[1]
STUDY = REPOSITORY / 'pipelines' / 'studies' / 'jsrt_study_cpu'
SHOWN = {'README.md': ('## Does synthesis help?', 6),
         'pipelines/studies/README.md': ('## The study, on real radiographs', 13)}


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """The lines of the report."""
    folder = tmp_path_factory.mktemp('study')
    report.write_report(STUDY, folder)
    return set((folder / 'report.md').read_text().splitlines())


@pytest.mark.parametrize('page', SHOWN)
def test_documents_show_tables_of_the_report(made, page):
    heading, rows = SHOWN[page]
    section = (REPOSITORY / page).read_text().split(heading)[1].split('\n## ')[0]
    shown = [line for line in section.splitlines() if line.startswith('|')]
    assert len(shown) >= rows + 2
    assert [line for line in shown if line not in made] == []


def test_every_result_was_scored_once():
    """No test image was looked at twice for a row: an appended line would stay in the file."""
    for path in STUDY.glob(f'*/{results.RESULTS}'):
        counts = collections.Counter(tuple(str(row.get(key)) for key in results.KEY)
                                     for _, row in read_json_lines(path))
        assert set(counts.values()) == {1}, path
    rows = results.collect(STUDY)
    assert {len(row['images']['names']) for row in rows if row['split'] == 'test'} == {62}
    assert {len(row['images']['names']) for row in rows if row['split'] == 'left_out'} == {113}
