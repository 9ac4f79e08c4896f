"""The study in the repository: its report can be made anew, and README shows the report's tables."""
import collections
from pathlib import Path

from pipelines.report import report
from pipelines.runtime.json_lines import read_json_lines
from pipelines.scores import results

REPOSITORY = Path(__file__).resolve().parents[1]
STUDY = REPOSITORY / 'pipelines' / 'studies' / 'jsrt_study_cpu'
HEADING = '### The study, on real radiographs'


def test_readme_shows_tables_of_the_report(tmp_path):
    report.write_report(STUDY, tmp_path)
    made = set((tmp_path / 'report.md').read_text().splitlines())
    section = (REPOSITORY / 'README.md').read_text().split(HEADING)[1].split('\n### ')[0]
    shown = [line for line in section.splitlines() if line.startswith('|')]
    assert len(shown) > 10
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
