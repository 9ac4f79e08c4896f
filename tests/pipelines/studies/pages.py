"""What the documents show of the studies: blocks between two marks, taken from their reports.

    python -m tests.pipelines.studies.pages       # writes the blocks anew from the results in the repository

A block stands between `<!-- STUDY: NAME -->` and `<!-- end -->`; `test_pages.py` holds it to the report. To add a
study: a row of STUDIES, and a file with its `blocks_of` and its `found`, one line for README's table.
"""
import re
import tempfile
from pathlib import Path

from pipelines.report import report
from pipelines.scores.table import Table, to_markdown
from tests.pipelines.studies import folds, hospitals, synthesis

REPOSITORY = Path(__file__).resolve().parents[3]
FOLDER = REPOSITORY / 'pipelines' / 'studies'
PAGES = [REPOSITORY / 'README.md', FOLDER / 'README.md']
BLOCK = re.compile(r'(<!-- (\w+: \w+) -->\n).*?(<!-- end -->)', re.S)
STUDIES = {  # name in marks: folder, what shows it, what README's table says was asked, heading of its page
    'study': ('jsrt_study_cpu', synthesis, 'Does synthesis from 11 radiographs help to segment radiographs?',
              'the-study-on-real-radiographs'),
    'folds': ('jsrt_folds_cpu', folds, 'Which network, in five folds of 186 radiographs?', 'which-network-in-five-folds'),
    'hospitals': ('jsrt_to_montgomery_cpu', hospitals, 'What is translation worth to a segmenter at another hospital?',
                  'to-another-hospital')}


def reports(folder) -> dict:
    """Markdown of every study's report, by name."""
    for name, (study, *_) in STUDIES.items():
        report.write_report(FOLDER / study, Path(folder) / name)
    return {name: (Path(folder) / name / 'report.md').read_text(encoding='utf-8') for name in STUDIES}


def blocks_of(markdown: dict) -> dict:
    """Block by mark, each of whole lines."""
    blocks = {f'{name}: {block}': text for name, (_, study, *_) in STUDIES.items()
              for block, text in study.blocks_of(markdown[name]).items()}
    rows = [[asked, study.found(markdown[name]), f'[page](pipelines/studies/README.md#{heading})']
            for name, (_, study, asked, heading) in STUDIES.items()]
    return {**blocks, 'studies: found': to_markdown([Table('', ['Asked', 'Found', 'All of it'], rows, [])])}


def filled(text: str, blocks: dict) -> str:
    """A page with its blocks anew."""
    return BLOCK.sub(lambda found: f'{found[1]}{blocks[found[2]]}{found[3]}', text)


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as scratch:
        made = blocks_of(reports(scratch))
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding='utf-8'), made), encoding='utf-8')
