import base64
import html.parser
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datasets.errors import InputError
from datasets.files import sealed
from pipelines.report import diagram, document, exhibits, plots, report
from pipelines.scores import results
from pipelines.scores.table import Table
from tests.evaluations import make_counts, make_evaluation

REPOSITORY = Path(__file__).resolve().parents[3]
SECTIONS = ('The answer', 'Quality of the samples', 'Scores per image', 'The method', 'Synthetic samples',
            'Picture, target, prediction', 'Predicted pictures', 'Blinded reading', 'Training of the generators',
            'Training of the segmenters', 'What was run', 'Versions')


def write_picture(path, width=64, height=48):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.arange(width * height * 3, dtype=np.uint32) % 251
    Image.fromarray(values.astype(np.uint8).reshape(height, width, 3)).save(path)


def write_lines(path, rows, tail=''):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows) + tail)


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(sealed(content)))


@pytest.fixture
def workdir(tmp_path):
    run = tmp_path / 'run'
    run.mkdir()
    (run / 'config.yaml').write_text('experiment: demo\nconfiguration: demo\n'
                                     'regimes: [real, synth3]\ndata: {source: "<here>"}\n')
    for split in ('train', 'test'):
        write_json(run / 'records' / split / 'dataset_info.json',
                   {'name': 'phantom', 'split': split, 'count': 66, 'ids': ['a', 'b'],
                    'coding': {'secret': 1}, 'made': {'noise': 'variance'}})
    write_lines(run / 'stages' / 'dots' / 'losses.jsonl',
                [{'step': step, 'phase': f'{4 + step // 50}px', 'generator': 1 / step,
                  'discriminator': None if step == 3 else float(step)} for step in range(1, 100)],
                tail='{"step": 100, "pha')
    for step in (10, 20, 30, 40):
        write_picture(run / 'stages' / 'dots' / 'samples' / f'step-{step:08d}.png')
    write_picture(run / 'synthetic' / 'three' / 'samples.png')
    write_json(run / 'synthetic' / 'three' / 'dataset_info.json', {'notes': {'failing': 0.25}})
    for name in ('real-smanet-0', 'synth3-smanet-0'):
        write_lines(run / 'segmenters' / name / 'losses.jsonl',
                    [{'step': 10, 'phase': 'train', 'loss': 2.0},
                     {'step': 10, 'phase': 'train', 'jaccard_validation': 50.0},
                     {'step': 20, 'phase': 'train', 'loss': 1.0}])
        write_picture(run / 'evaluations' / f'{name}-test.png')
    write_json(run / 'quality' / 'three.json', QUALITY)
    write_picture(run / 'quality' / 'three-nearest.png')
    write_json(run / 'reading' / 'key.json',
               {'reading': 'r1', 'model': '/w/exports/synth3-smanet-1/1', 'chosen': 'hardest, 2 of 2', 'pairs': [
                   {'pair': 1, 'image': 'image0', 'prediction': 'A'},
                   {'pair': 2, 'image': 'image1', 'prediction': 'B'}]})
    write_lines(run / 'reading' / 'answers' / 'ann.json',
                [{'reading': 'r1', 'reader': 'Ann', 'answers': {
                    '1': {'choice': 'A', 'comment': 'the apex <b>'}}}])
    write_picture(run / 'predictions' / 'one picture.png')
    write_json(run / 'predictions' / 'made_with.json', {
        'artefact': 'predictions', 'settings': {}, 'made_of': {'exports/finetune3-smanet-0': 'x', 'records/test': 'y'}})
    write_picture(run / 'predictions' / 'one picture_overlay.png', width=3000, height=20)
    results.append_results(run / 'results.jsonl', [
        make_evaluation(regime='real', distances=[[[4.0, 1.0]] * 3] * 2),
        make_evaluation(make_counts([(0.95, 0.9, 0.85), (0.9, 0.95, 0.95)]),
                        distances=[[[3.0, 0.5]] * 3] * 2)])
    return run


QUALITY = {
    'made_from': {}, 'method': 'three', 'features': 'random', 'size': 64, 'num_samples': 64, 'num_train': 96,
    'held_out': {'split': 'left_out', 'count': 24},
    'scores': {'fid_random': 12.5, 'kid_random': 0.25, 'kid_random_error': 0.0625,
               'precision': 0.75, 'recall': None, 'fid_random_to_train': 10.0,
               'check_failures_percent': 12.5, 'redrawn_percent': 12.5,
               'cleaned_pixels_percent': None, 'repeated_percent': 12.5},
    'scores_of_real': {'fid_random': 1.5, 'kid_random': 0.0, 'kid_random_error': 0.0,
                       'precision': 1.0, 'recall': 1.0},
    'organs': [{'quantity': 'heart_area', 'real_mean': 0.1, 'real_sd': 0.01, 'generated_mean': 0.12,
                'generated_sd': 0.02, 'distance': 2.0}],
    'copying': {by: {'copied_percent': 31.25, 'chance_range_percent': [0.0, 14.0], 'nearest_real': {
        'trained_percent': share, 'chance_range_percent': [2.0, 42.0]}}
        for by, share in (('features', 72.0), ('correlation', 30.0))}}


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


def test_report_is_one_self_contained_page(workdir):
    path = report.write_report(workdir)
    assert path == workdir / 'report.html'
    source = path.read_text(encoding='utf-8')
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


def test_report_shows_every_part_of_the_run(workdir):
    source = report.write_report(workdir).read_text(encoding='utf-8')
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


def test_markdown_has_the_same_text_and_its_pictures_beside_it(workdir):
    page = Page(report.write_report(workdir).read_text(encoding='utf-8'))
    markdown = (workdir / 'report.md').read_text(encoding='utf-8')
    files = re.findall(r'\]\((report_files/[\w-]+\.png)\)', markdown)
    assert len(files) == len(set(files)) == len(page.images)
    for name, image in zip(files, page.images):
        assert (workdir / name).read_bytes() == base64.b64decode(image.split(',')[1])
    for section in SECTIONS:
        assert f'\n## {section}\n' in markdown
    assert '| SYNTH 3 | 448 | 0 | 0 | 92.50 [91.50, 93.50] |' in markdown


def test_report_of_the_same_run_has_the_same_bytes(workdir):
    first = report.write_report(workdir).read_bytes()
    assert report.write_report(workdir).read_bytes() == first


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


def test_blocks_escape_what_would_be_markup():
    assert '<b>' not in document.paragraph('<b>').html
    table = document.table(Table('', ('a|b',), [('<i>',)], ['<u>']))
    assert '<i>' not in table.html and '<u>' not in table.html and r'a\|b' in table.markdown
    block = document.figure('x/../y', b'png', '"quoted" <b>')
    assert list(block.files) == ['x-y.png'] and 'alt="&quot;quoted&quot; &lt;b&gt;"' in block.html
    assert 'width' not in block.html
    assert document.code('a\n```\nb').markdown.startswith('````\n')


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert('RGB'))


def has_colour(png, colour):
    wanted = [int(colour[i:i + 2], 16) for i in (1, 3, 5)]
    return (pixels(png) == wanted).all(axis=-1).any()


def test_curves_draw_each_series_in_its_colour_and_each_name_in_its_panel():
    rows = [{'step': step, 'phase': 'a', 'loss': float(step)} for step in range(100)]
    one, two = plots.curves({'real': rows}), plots.curves({'real': rows, 'synth1': rows[:9]})
    assert has_colour(one, plots.COLOURS[0]) and not has_colour(one, plots.COLOURS[1])
    assert has_colour(two, plots.COLOURS[1])
    more = [{**row, 'second': 1.0, 'third': 2.0} for row in rows]
    assert pixels(plots.curves({'real': more})).shape[0] > 1.5 * pixels(one).shape[0]


def test_curves_of_nothing_finite_are_still_a_picture():
    assert pixels(plots.curves({'real': [{'step': 1, 'phase': 'a', 'loss': float('nan')}]})).size


def test_running_mean_by_hand():
    steps, values = plots._running_mean(np.arange(4.), np.array([0., 2., 4., 0.]), 2)
    np.testing.assert_allclose(steps, [.5, 1.5, 2.5])
    np.testing.assert_allclose(values, [1, 3, 2])


def test_intervals_draw_every_regime_even_without_bounds():
    png = plots.intervals({'Heart': {'real': [(90, 88, 92)],
                                     'synth3': [(80, float('nan'), float('nan'))]}}, 'J (%)')
    alone = plots.intervals({'Heart': {'real': [(90, 88, 92)], 'synth3': []}}, 'J (%)')
    assert [bands(one) for one in (png, alone)] == [2, 1]


def bands(png):
    rows = (pixels(png) == [0, 0x72, 0xb2]).all(axis=-1).any(axis=1).astype(int)
    return (np.diff(rows) == 1).sum()


def blue(png):
    return (pixels(png) == [0, 0x72, 0xb2]).all(axis=-1).sum()


def test_a_row_far_off_does_not_take_the_scale_of_the_others():
    near = {'a': (.1, -.2, .4, False), 'b': (-1.4, -2, -.8, True), 'c': (.3, -.1, .9, False)}
    far = {**near, 'd': (-11, -14, -9, True)}
    left, right = plots._scale(list(far.values()))
    assert (left, right) == plots._scale(list(near.values())) and -2.3 < left < -2 and .9 < right < 1.2
    assert plots._scale([(0, 0, 0, False)]) == (-1, 1)
    assert plots._scale([(11, 9, 14, True)])[1] > 14  # alone it is what there is to see
    shown = plots.differences({'REAL': far}, 'points')
    assert blue(shown) > blue(plots.differences({'REAL': {**far, 'd': (-11, -14, -9, False)}}, 'points')) > 0


def test_strip_stacks_wide_pictures():
    wide, tall = np.zeros((10, 100, 3), np.uint8), np.zeros((100, 100, 3), np.uint8)
    below = pixels(plots.strip({'a': wide, 'b': wide})).shape
    beside = pixels(plots.strip({'a': tall, 'b': tall})).shape
    assert below[1] == beside[1] and below[0] < beside[0]
    rows_with_ink = (pixels(plots.strip({'a': wide, 'b': wide})) == 0).all(axis=-1).sum(axis=1)
    assert (np.diff((rows_with_ink > 500).astype(int)) == 1).sum() == 2


def test_small_pictures_grow_by_whole_factors_and_large_ones_shrink(tmp_path):
    write_picture(tmp_path / 'small.png', 100, 10)
    write_picture(tmp_path / 'large.png', 2800, 20)
    assert exhibits._load(tmp_path / 'small.png').shape == (40, 400, 3)
    assert exhibits._load(tmp_path / 'large.png').shape == (10, 1400, 3)


def test_diagram_shows_each_organ_in_its_colour():
    from datasets.labels import CHEST
    png = diagram.pipeline()
    for colour in CHEST.dot_colours[1:]:
        assert has_colour(png, '#' + bytes(colour.tolist()).hex())


def test_figures_are_never_larger_than_their_pixels():
    png = plots.curves({'real': [{'step': 1, 'phase': 'a', 'loss': 1.0}]})
    width = Image.open(io.BytesIO(png)).width
    assert f'width="{width // 2}"' in document.figure('a', png, 'b', scale=2).html
    rules = re.findall(r'img \{([^}]*)\}', document.STYLE)
    assert rules and not any('min-width' in rule or re.search(r'(?<!-)width: 100%', rule) for rule in rules)


def test_paper_loses_no_columns():
    printed = document.STYLE.split('@media print')[1]
    assert '.scroll { overflow: visible' in printed and 'white-space: normal' in printed


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
