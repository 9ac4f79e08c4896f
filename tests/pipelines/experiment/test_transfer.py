"""A segmenter taken to another hospital, all of it: every way, to rows, report, exports, predictions; what is refused first."""
import dataclasses
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.film import box_of_film
from datasets.fitting import crop
from pipelines.data import pixels
from pipelines.data.resampling import resampled
from pipelines.data.sources import open_split
from pipelines.experiment import status
from pipelines.experiment.opening import open_experiment
from pipelines.experiment.run import run_experiment
from pipelines.plan import matrix, segmenters
from pipelines.plan.provenance import Outdated
from pipelines.plan.regimes import Run, parse_regime
from pipelines.scores import overlap, results
from pipelines.segmentation import transfer
from pipelines.segmentation.task import segmenter_task
from pipelines.serving.export import load_segmenter, read_description
from pipelines.serving.predict import some_images
from pipelines.training import loop
from tests.command import call
from tests.conftest import made_once, tiny_config
from tests.toys import segmenter

# pictures of B are told to be shown otherwise than those of A, in all that a config can say
TARGET = {'dataset': 'phantom_b', 'division': '60/20/20', 'num_train': 6, 'num_test': 4, 'augment': 1,
          'trim_borders': True, 'fit': 'stretch', 'grey': 'luminance'}
SECTIONS = {
    'regimes': ['real'],
    'data': {'size': 32, 'augment': 1, 'dots_size': 16, 'num_train': 4, 'num_test': 2},
    'sources': {'target': TARGET}, 'external': {'there': {**TARGET, 'part': 'test'}},
    'segmenter': {'targets': {'lungs': ['left_lung', 'right_lung']}},
    'segmenters': {'small': {'network': 'toynet', 'size': 32, 'crop': 32, 'learning_rate': 1e-2}},
    'cyclegan': {'ngf': 2, 'blocks': 1, 'ndf': 2, 'layers': 1, 'batch_size': 2, 'epochs': 1, 'decay_epochs': 0},
    'unit': {'width': 4, 'blocks': 0, 'ndf': 2, 'epochs': 1, 'batch_size': 2}, 'transfer': {'epochs': 1},
    'evaluation': {'size': 32}, 'run': {'sheet_every': 100}}
BLOCKS = [{'regimes': ['real'], 'segmenters': ['small'], 'score': ['test', 'there']},
          {'regimes': ['tone', 'tuned', 'scratch', 'cyclegan'], 'labelled': [0, 50], 'segmenters': ['small'], 'score': ['there']}]
WAYS = ('tone-small-0-l0', 'tuned-small-0-l50', 'scratch-small-0-l50', 'cyclegan-small-0-l0', 'cyclegan-small-0-l50')


@dataclasses.dataclass(frozen=True)
class Options:
    """Of its network there are none."""


def build(num_outputs, channels, seed):
    """Two convolutions."""
    return segmenter.build(num_outputs, channels, seed, 4)


def config_of(blocks=BLOCKS, **changes):
    return tiny_config(matrix=list(blocks), **{**SECTIONS, **changes})


def with_target(**changes):
    there = {**TARGET, **changes}
    return {'sources': {'target': there}, 'external': {'there': {**there, 'part': 'test'}}}


@pytest.fixture(scope='module', autouse=True)
def toynet():
    """A network that takes no time, as what is tested here stands around it."""
    row = segmenters.Segmenter(f'{__name__}:build', Options, segmenters.Sides(words='any number'))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(segmenters.SEGMENTERS, 'toynet', row)
        yield


@pytest.fixture(scope='module')
def made(toynet, tmp_path_factory):
    """(config, the folder of its arm) of a whole transfer, run once for all workers."""
    folder = made_once(tmp_path_factory, 'transfer', lambda folder: run_experiment(config_of(), folder, say=lambda text: None))
    return config_of(), folder / 'demo'


def model_of(folder, run):
    return folder / 'exports' / run / '1'


def test_every_way_has_its_row_and_the_report_says_what_translation_is_worth(made):
    config, folder = made
    rows = {(row['regime'], row['labelled'], row['split']): row for row in results.read_results(folder / 'results.jsonl')}
    assert set(rows) == {('real', None, 'test'), ('real', None, 'there'), ('tone', 0.0, 'there'), ('tuned', 50.0, 'there'),
                         ('scratch', 50.0, 'there'), ('cyclegan', 0.0, 'there'), ('cyclegan', 50.0, 'there')}
    told = {key: rows[key]['protocol'] for key in rows}
    assert {key[:2]: told[key]['num_labelled'] for key in told if key[0] not in ('real',)} == {
        ('tone', 0.0): 0, ('tuned', 50.0): 3, ('scratch', 50.0): 3, ('cyclegan', 0.0): 0, ('cyclegan', 50.0): 3}
    assert told['cyclegan', 0.0, 'there']['num_target'] == 6 and 'convergence' in told['cyclegan', 0.0, 'there']
    # REAL 7 updates, tuned 3 more, from scratch as many as REAL, a translator and its segmenter 6 pictures by 2
    assert [told[key]['updates'] for key in rows if key[2] == 'there'] == [7, 7, 10, 7, 10, 10]
    assert all(row['organs'] == ['lungs'] for row in rows.values())
    text = (folder.parent / 'report.md').read_text()
    for words in ('is translation worth more than the best of the other ways, with 0 % of the labels there?',
                  'how much of what the shift costs does translation recover, with 50 % of the labels there?',
                  '| CycleGAN, supervised | ', 'Have the translators converged?'):
        assert words in text
    assert status.is_done(folder.parent, matrix.arms_of(config))


def test_a_model_for_b_is_shown_pictures_as_b_is_told_to_be_and_that_of_a_as_a(made):
    _, folder = made
    told = {run: read_description(model_of(folder, run)) for run in ('real-small-0', *WAYS)}
    assert {run: (of['trim_borders'], of['fit'], of['grey']) for run, of in told.items()} == {
        'real-small-0': (False, 'pad', 'equal'), **{run: (True, 'stretch', 'luminance') for run in WAYS}}
    cards = {run: (model_of(folder, run) / 'MODEL_CARD.md').read_text() for run in told}
    assert {run: 'as those of phantom_b.' in card for run, card in cards.items()} == {run: run in WAYS for run in told}
    high = tf.constant(np.random.default_rng(0).uniform(0, 255, (1, 40, 20, 1)), tf.float32)
    square, _ = pixels.fitted(high, 32, 'stretch')
    for run, squeezed in (('real-small-0', False), ('cyclegan-small-0-l0', True)):
        segment, _ = load_segmenter(model_of(folder, run))
        whole, of_square = (segment(image)['probabilities'] for image in (high, square))
        assert np.allclose(whole, resampled(of_square, 40, 20, is_enlarged=True), atol=1e-4) == squeezed


def test_another_way_to_show_b_is_noticed(made, tmp_path):
    workdir, other = shutil.copytree(made[1].parent, tmp_path / 'run'), config_of(**with_target(grey='red'))
    with pytest.raises(Outdated, match='demo/records/target no longer fits: it was made with .*grey luminance and not red') as raised:
        open_experiment(other, workdir, matrix.arms_of(other), say=lambda text: None)
    assert 'demo/exports/tone-small-0-l0' in raised.value.redo


def test_the_tools_find_what_was_scored_with_a_translator_before_the_segmenter(made, tmp_path):
    """Scores of evaluate_segmenter are those of the run, and label maps of predict.py have their counts."""
    _, folder = made
    run, place = 'cyclegan-small-0-l50', folder / 'records' / 'there'
    scored = json.loads((folder / 'evaluations' / f'{run}-there.json').read_text())
    done = call('evaluate_segmenter', '--model', model_of(folder, run), '--records', place, '--output', tmp_path / 'out.json')
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / 'out.json').read_text())['images'] == scored['images']
    for name, image in some_images(place, 10):
        cv2.imwrite(str(tmp_path / f'{name}.png'), image)
    done = call('predict', '--model', model_of(folder, run), '--input', *sorted(tmp_path.glob('*.png')), '--no-trim-borders',
                '--output', tmp_path / 'found')
    assert done.returncode == 0, done.stderr
    info = records.read_info(place)
    counted = {}
    for row in records.read(info):
        name = Path(row['name'].decode()).stem
        found = cv2.imread(str(tmp_path / 'found' / f'{name}.png'), cv2.IMREAD_UNCHANGED)
        counted[name] = overlap.counts(np.uint8(row['labels'] > 0), found, 2).tolist()
    assert counted == dict(zip(scored['images']['names'], scored['images']['counts'])) and len(counted) == 2
    assert any(one[0][0] + one[0][1] for one in counted.values())  # something was found


def test_a_picture_of_b_with_its_borders_and_in_colours_is_cut_to_its_film(made, tmp_path):
    config, folder = made
    drawn = open_split(dataclasses.replace(config, evaluation=dataclasses.replace(config.evaluation, size=96)), 'there')
    picture = drawn.load(drawn.ids[0]).image
    picture = picture.reshape(picture.shape[:2])
    cv2.imwrite(str(tmp_path / 'a.png'), cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) + np.uint8([0, 0, 1]) * (picture[..., None] == 90))
    box, run = box_of_film(picture[..., None]), 'tuned-small-0-l50'
    assert box.height * box.width < 0.99 * picture.size
    done = call('predict', '--model', model_of(folder, run), '--input', tmp_path / 'a.png', '--output', tmp_path / 'found')
    assert done.returncode == 0, done.stderr
    found = cv2.imread(str(tmp_path / 'found' / 'a.png'), cv2.IMREAD_UNCHANGED)
    expected = np.zeros_like(found)
    segment, _ = load_segmenter(model_of(folder, run))
    crop(expected, box)[:] = segment(tf.constant(crop(picture[..., None], box)[None], tf.float32))['class_map'][0]
    assert (found != expected).mean() < 0.01 and expected.any()


def test_a_supervised_unit_is_built_and_trained(made, tmp_path, monkeypatch):
    """From an untrained translator, for one that learned alone would take as long again."""
    config, folder = made
    workdir, run = shutil.copytree(folder, tmp_path / 'run'), Run(parse_regime('unit'), 'small', labelled=50.0)
    monkeypatch.setattr(transfer, 'restore_networks', lambda networks, folder: None)
    loop.train(segmenter_task(config, run, workdir), workdir / 'segmenters' / run.name, **vars(config.run))
    lines = [json.loads(line) for line in (workdir / 'segmenters' / run.name / 'losses.jsonl').read_text().splitlines()]
    losses = [line for line in lines if 'supervised_loss' in line]
    assert [line['step'] for line in losses] == [1, 2, 3]
    assert all(np.isfinite(line[key]) for line in losses for key in ('recovered_loss', 'synthetic_loss', 'supervised_loss'))
    assert any(line['synthetic_loss'] > 0 for line in losses)


@pytest.mark.parametrize('changes, words', [
    ({**with_target(dataset='phantom_lesions', trim_borders=False), 'segmenter': {**SECTIONS['segmenter'], 'targets': None}},
     r'^sources.target: expected the classes of data, left_lung, .*, found pneumothorax; say in segmenter.targets which'),
    (with_target(dataset='phantom_lesions', trim_borders=False),
     r'^sources.target: segmenter.targets.lungs: expected organs of'),
    ({'external': {'there': {**TARGET, 'part': 'all'}}}, 'external.there.* are the same picture'),
    ({'matrix': [{**BLOCKS[1], 'labelled': [0, 5]}]}, r'^labelled .*: expected 0, or at least 16.7 %, which is 1 of the 6 ')])
def test_what_cannot_be_learned_there_is_said_in_one_line_before_any_training(tmp_path, changes, words):
    changes = dict(changes)
    config = config_of(changes.pop('matrix', BLOCKS[1:]), **changes)
    with pytest.raises(InputError, match=words) as refused:
        run_experiment(config, tmp_path / 'run', say=lambda text: None)
    assert '\n' not in str(refused.value)
    assert not list(tmp_path.glob('run/*/segmenters')) and not list(tmp_path.glob('run/*/stages'))
