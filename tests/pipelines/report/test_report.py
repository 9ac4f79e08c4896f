import base64
import html.parser
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datasets.errors import InputError
from datasets.files import write_png
from pipelines.report import exhibits, plots, report
from pipelines.scores import results
from tests.evaluations import make_evaluation
from tests.finished_run import QUALITY, write_json, write_lines, write_run

REPOSITORY = Path(__file__).resolve().parents[3]
SECTIONS = ('The answer', 'Quality of the samples', 'Scores per image', 'The method', 'Synthetic samples',
            'Picture, target, prediction', 'Predicted pictures', 'Blinded reading', 'Training of the generators',
            'Training of the segmenters', 'What was run', 'Versions')


@pytest.fixture
def workdir(tmp_path):
    return write_run(tmp_path / 'run')


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    """The path of the report of such a folder, for those who only read it."""
    return report.write_report(write_run(tmp_path_factory.mktemp('written') / 'run'))


class Page(html.parser.HTMLParser):
    """Checks that tags close in order, and gathers what the page shows and loads."""
    VOID = ('meta', 'img')

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.images, self.links, self.ids = [], [], [], [], []
        self.text = ''
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.seen.append(tag)
        self.ids += [attributes['id']] if 'id' in attributes else []
        self.links += [attributes['href']] if 'href' in attributes else []
        if tag == 'img':
            assert attributes['alt']
            self.images.append(attributes['src'])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_report_is_one_self_contained_page(written):
    assert written.parts[-2:] == ('run', 'report.html')
    source = written.read_text(encoding='utf-8')
    page = Page(source)
    assert not {'script', 'link', 'iframe'} & set(page.seen)
    assert 'http' not in re.sub('base64,[^"]*', '', source)
    assert 'name="viewport"' in source
    assert page.links and {link.lstrip('#') for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids)) == len(SECTIONS)
    assert source.index('The answer') < source.index('<nav>') < source.index('id="quality-of')
    for image in page.images:
        data = base64.b64decode(image.split('data:image/png;base64,')[1], validate=True)
        assert Image.open(io.BytesIO(data)).width <= plots.SCALE * exhibits.WIDEST


def test_report_shows_every_part_of_the_run(written):
    source = written.read_text(encoding='utf-8')
    text = Page(source).text
    for section in SECTIONS:
        assert section in text
    assert '<here>' in text and 'phantom' in text and 'secret' not in text
    assert 'step 40' in text and 'From the first to the last of 4 sheets' in text
    assert 'notes.failing' in text and '0.25' in text
    assert '90.00 [89.00, 91.00]' in text
    assert '+8.33' in text and 'scored 2 times' in text  # 91.67 against 83.33 pooled
    assert 'J is 8.33 higher [' in text and 'Cannot be told from one training each.' in text
    assert 'updates: 400 (REAL), 400 (SYNTH 3)' in text
    assert 'By FINETUNE 3, SMANet, seed 0: 1 of 1 pictures' in text
    assert 'Of the model SYNTH 3, SMANet, seed 1: reading/reading.html shows 2 test images' in text
    assert 'REAL, SMANet, seed 0: image, target, prediction' in text and 'real-smanet-0' not in text
    assert '31.2 % (0.0 to 14.0 %, above)' in text
    assert '72.0 % (2.0 to 42.0 %, above)' in text and '30.0 % (2.0 to 42.0 %)' in text
    assert 'heart area' in text
    assert 'as pairs of target and prediction' in text and 'the apex <b>' in text
    assert 'closest to a training image' in text and 'fid_random' in text
    assert 'one picture_overlay.png' in text and 'one picture.png' not in text
    assert np.__version__ in text
    assert 'class="missing"' not in source


def test_markdown_has_the_same_text_and_its_pictures_beside_it(written):
    page, workdir = Page(written.read_text(encoding='utf-8')), written.parent
    markdown = (workdir / 'report.md').read_text(encoding='utf-8')
    files = re.findall(r'\]\((report_files/[\w-]+\.png)\)', markdown)
    assert len(files) == len(set(files)) == len(page.images)
    for name, image in zip(files, page.images):
        assert (workdir / name).read_bytes() == base64.b64decode(image.split(',')[1])
    for section in SECTIONS:
        assert f'\n## {section}\n' in markdown
    assert '| SYNTH 3 | 448 | 0 | 0 | 92.50 [91.50, 93.50] |' in markdown


def test_report_of_the_same_run_has_the_same_bytes(written):
    first = written.read_bytes()
    assert report.write_report(written.parent).read_bytes() == first


def test_an_empty_workdir_gives_a_report_of_what_is_missing(tmp_path):
    page = Page(report.write_report(tmp_path).read_text(encoding='utf-8'))
    lines = re.findall('> (.*)', (tmp_path / 'report.md').read_text(encoding='utf-8'))
    nowhere = 'cannot be read: No such file or directory'
    for expected in ('config.yaml: missing', f'records/train/dataset_info.json: {nowhere}',
                     f'records/test/dataset_info.json: {nowhere}',
                     'quality/: missing; no samples were measured.',
                     'stages/: missing; no generator was trained.',
                     'synthetic/: missing; no samples were generated.',
                     'segmenters/: missing; no segmenter was trained.',
                     'evaluations/: no pictures of predictions.',
                     'predictions/: missing; no picture was predicted.'):
        assert expected in lines
    assert len(page.images) == 1  # the method


def test_damaged_files_become_a_line_each(workdir):
    damaged = {
        'evaluations/real-smanet-0-test.png': 'evaluations/real-smanet-0-test.png: not readable as a picture',
        'stages/dots/samples/step-00000040.png': 'step-00000040.png: not readable as a picture',
        'records/test/dataset_info.json': 'records/test/dataset_info.json: expected a JSON object that this program wrote',
        'results.jsonl': 'results.jsonl, line 1: expected a JSON object',
        'quality/three.json': 'quality/three.json: expected a JSON object that this program wrote',
        'stages/dots/losses.jsonl': 'stages/dots/losses.jsonl, line 1: expected a JSON object',
        'config.yaml': '# Report: run'}
    for name in damaged:
        path = workdir / name
        path.write_bytes(path.read_bytes()[:30] + b': [\n{]\n' + b'x\n')
    torn = workdir / 'synthetic' / 'three' / 'samples.png'
    torn.write_bytes(torn.read_bytes()[:-200])
    write_lines(workdir / 'segmenters' / 'real-smanet-0' / 'losses.jsonl', [])
    report.write_report(workdir)
    markdown = (workdir / 'report.md').read_text(encoding='utf-8')
    for line in (*damaged.values(), 'synthetic/three/samples.png: not readable as a picture',
                 'segmenters/real-smanet-0/losses.jsonl: no rows yet'):
        assert line in markdown


@pytest.mark.parametrize('other, is_told', [('2.15.1', False), ('2.21.0', True)])
def test_rows_of_several_tensorflows_are_told(tmp_path, other, is_told):
    results.append_results(tmp_path / results.RESULTS, [
        make_evaluation(seed=seed, versions={'python': '3.11', 'tensorflow': version})
        for seed, version in enumerate(['2.15.1', other, '2.15.1'])])
    report.write_report(tmp_path)
    told = 'Scored with several versions of TensorFlow: 2.15.1 (2 rows), 2.21.0 (1 rows).'
    assert (told in (tmp_path / 'report.md').read_text()) == is_told


def test_no_workdir_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match='--workdir .*none: expected the folder of a run'):
        report.write_report(tmp_path / 'none')


def test_report_needs_no_tensorflow():
    code = 'import sys, pipelines.report; sys.exit("tensorflow" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', code], cwd=REPOSITORY).returncode == 0


def test_results_alone_miss_nothing(tmp_path):
    results.append_results(tmp_path / 'a' / 'results.jsonl', [make_evaluation(regime='real'), make_evaluation()])
    (tmp_path / 'a' / 'config.yaml').write_text('experiment: demo\n')
    (tmp_path / 'config.yaml').write_text('experiment: demo\n')
    source = report.write_report(tmp_path).read_text()
    assert 'this folder holds the results alone' in source
    assert source.count('class="missing"') <= 1  # no samples were measured


CHEST = ('lung', 'heart', 'clavicle', 'radiograph', 'chest')


def test_another_data_set_meets_no_chests(workdir):
    """Kidneys beside the paper's chests would be compared with them."""
    (workdir / 'results.jsonl').unlink()
    scored = make_evaluation(protocol={'dataset': 'kidneys'})
    kidneys = [f'{side}_kidney' for side in ('left', 'right', 'third')]
    renamed = {metric: dict(zip([*kidneys, 'average'], [of[o] for o in [*scored['organs'], 'average']]))
               for metric, of in scored['scores'].items()}
    results.append_results(workdir / 'results.jsonl', [
        {**scored, 'organs': kidneys, 'scores': renamed, 'regime': regime} for regime in ('synth3', 'finetune3')])
    quality = {**QUALITY, 'organs': []}
    write_json(workdir / 'quality' / 'three.json', quality)
    text = Page(report.write_report(workdir).read_text()).text.lower()
    assert 'left kidney' in text and 'table 2' not in text and 'published' not in text
    assert [word for word in CHEST if word in text] == []


def test_the_papers_own_data_stands_beside_the_paper(workdir):
    results.append_results(workdir / 'results.jsonl', [
        make_evaluation(seed=9, arm='tiny', protocol={'dataset': 'jsrt', 'configuration': 'tiny'})])
    text = Page(report.write_report(workdir).read_text()).text
    assert 'Published and measured' in text and '87.27 / 80.00' in text and 'Departures from the paper' in text


def test_pictures_brought_from_another_hospital_are_shown(workdir):
    for name in ('munit-unet-0-l5', '3-nearest'):
        write_png(workdir / 'quality' / f'{name}.png', np.zeros((8, 8), np.uint8))
    section = report.write_report(workdir).with_suffix('.md').read_text(encoding='utf-8').split(
        '## Brought to another hospital')[1].split('\n## ')[0]
    assert '*MUNIT, U-Net, seed 0, 5 % labelled: a picture of A' in section and section.count('.png') == 1
