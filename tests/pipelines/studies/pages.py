"""What the documents show of the studies: blocks between two marks, taken from their reports.

    python -m tests.pipelines.studies.pages       # writes the blocks anew from the results in the repository

A block stands between `<!-- STUDY: NAME -->` and `<!-- end -->`; `test_pages.py` holds it to the report. To add a
study: a row of STUDIES, and a file with its `blocks_of` and its `found`, one line for README's table. Of a study whose
rows are not in the repository yet nothing is shown: its blocks are empty.
"""
import re
import tempfile
from pathlib import Path

from pipelines.report import report
from pipelines.scores.table import Table, to_markdown
from pipelines.scores.results import RESULTS
from tests.pipelines.studies import dfgan, folds, hospitals, retina, synthesis

REPOSITORY = Path(__file__).resolve().parents[3]
FOLDER = REPOSITORY / 'pipelines' / 'studies'
PAGES = [REPOSITORY / 'README.md', FOLDER / 'README.md']
BLOCK = re.compile(r'(<!-- (\w+: \w+) -->\n).*?(<!-- end -->)', re.S)
STUDIES = {  # name in marks: folder, what shows it, what README's table says was asked, heading of its page
    'study': ('jsrt_study_cpu', synthesis, 'Does synthesis from 11 radiographs help to segment radiographs?',
              'the-study-on-real-radiographs'),
    'folds': ('jsrt_folds_cpu', folds, 'Which network, in five folds of 186 radiographs?', 'which-network-in-five-folds'),
    'hospitals': ('jsrt_to_montgomery_cpu', hospitals, 'What is translation worth to a segmenter at another hospital?',
                  'to-another-hospital'),
    'lesions': ('lesions_cpu', dfgan, 'What does DF-GAN gain, and by what, on drawn lesions?', 'df-gan-on-drawn-lesions'),
    'heart': ('jsrt_heart_cpu', dfgan, 'What does DF-GAN gain, and by what, on hearts of real radiographs?',
              'df-gan-on-real-hearts'),
    'retina': ('chase_cpu', retina, 'Does multi-stage synthesis help to find vessels of the retina, more than single-stage?',
               'vessels-of-the-retina')}


def reports(folder) -> dict:
    """Markdown of every study's report, by name; of those that have rows."""
    there = {name: FOLDER / study for name, (study, *_) in STUDIES.items()
             if any((FOLDER / study).glob(f'*/{RESULTS}'))}
    for name, study in there.items():
        report.write_report(study, Path(folder) / name)
    return {name: (Path(folder) / name / 'report.md').read_text(encoding='utf-8') for name in there}


def blocks_of(markdown: dict) -> dict:
    """Block by mark, each of whole lines."""
    blocks = {f'{name}: {block}': text for name in markdown
              for block, text in STUDIES[name][1].blocks_of(markdown[name]).items()}
    rows = [[asked, study.found(markdown[name]), f'[page](pipelines/studies/README.md#{heading})']
            for name, (_, study, asked, heading) in STUDIES.items() if name in markdown]
    return {**blocks, 'studies: found': to_markdown([Table('', ['Asked', 'Found', 'All of it'], rows, [])])}


def filled(text: str, blocks: dict) -> str:
    """A page with its blocks anew."""
    there = {mark.split(':')[0] for mark in blocks}

    def anew(found):
        name = found[2].split(':')[0]
        return found[1] + ('' if name in STUDIES and name not in there else blocks[found[2]]) + found[3]

    return BLOCK.sub(anew, text)


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as scratch:
        made = blocks_of(reports(scratch))
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding='utf-8'), made), encoding='utf-8')
