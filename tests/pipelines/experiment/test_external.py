"""What a segmenter is worth at other hospitals: config, rows, notes, report; every refusal before training."""
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from datasets import records
from datasets.errors import InputError
from pipelines.evaluation import finders
from pipelines.evaluation.evaluate import evaluate
from pipelines.data.prepare import prepare_split
from pipelines.experiment.opening import open_experiment
from pipelines.experiment.rows import read_scores, row_of
from pipelines.experiment.run import run_experiment
from pipelines.plan import matrix
from pipelines.plan.loading import from_dict, to_dict
from pipelines.plan.provenance import Outdated
from pipelines.report.external_section import overview
from pipelines.scores import results
from tests.command import call
from tests.conftest import made_once, tiny_config
from tests.hospitals import MONTGOMERY, draw_montgomery, draw_shenzhen, lungs_of, save

LUNGS = {'lungs': ['left_lung', 'right_lung']}


def config_of(folder, **external):
    """REAL on phantoms, scored at both hospitals, whose data sets lie in `folder`."""
    return tiny_config(regimes=['real'], external={
        'montgomery': {'dataset': 'montgomery', 'source': str(folder / 'montgomery')},
        'shenzhen': {'dataset': 'shenzhen', 'source': str(folder / 'shenzhen'), 'division': '60/20/20', 'part': 'test',
                     'targets': LUNGS}, **external})


def draw(folder):
    draw_montgomery(folder / 'montgomery', MONTGOMERY[:3], swapped=MONTGOMERY[:1], bordered=MONTGOMERY[1:2])
    draw_shenzhen(folder / 'shenzhen')


@pytest.fixture(scope='module')
def made(finished, tmp_path_factory):
    """(config, workdir) of the whole experiment, which finds REAL trained by the tiny one: nothing is learned there."""
    def make(folder):
        draw(folder)
        for part in ('records', 'segmenters/real-smanet-0'):
            shutil.copytree(finished[1] / part, folder / 'run' / part)
        shutil.copy(finished[1] / 'config.yaml', folder / 'run')
        run_experiment(config_of(folder), folder / 'run', say=lambda text: None)
    folder = made_once(tmp_path_factory, 'external', make)
    return config_of(folder), folder / 'run'


def test_rows_say_where_and_what_was_scored(made):
    _, workdir = made
    rows = {row['split']: row for row in results.read_results(workdir / 'results.jsonl')}
    assert list(rows) == ['test', 'montgomery', 'shenzhen']
    there = rows['montgomery']
    assert there['organs'] == ['left_lung', 'right_lung'] and len(there['images']['names']) == 3
    assert (there['protocol']['dataset'], there['protocol']['learned_from']) == ('montgomery', 'phantom')
    assert there['division'] == 'official' and 'learned_from' not in rows['test']['protocol']
    assert rows['shenzhen']['organs'] == ['lungs'] and len(rows['shenzhen']['images']['names']) in (1, 2)
    assert rows['test']['organs'] == ['left_lung', 'heart', 'right_lung']


def test_scores_are_those_of_the_exported_model(made, tmp_path):
    """Both lungs as one class: what it finds of either lung against the mask of both."""
    _, workdir = made
    model, place = workdir / 'exports' / 'real-smanet-0' / '1', workdir / 'records' / 'montgomery'
    scored = evaluate(finders.of_model(model, place, LUNGS), tmp_path / 'out.json')
    from pipelines.serving import export
    import tensorflow as tf
    segment, info, found, _ = export.load_segmenter_on(model, place)
    counts = json.loads((tmp_path / 'out.json').read_text())['images']['counts']
    for row, ((right, invented, missed),) in zip(records.read(info), counts):
        classes = segment(tf.cast(row['image'], tf.float32)[None])['class_map'][0].numpy()
        predicted, target = np.isin(classes, (1, 3)), row['labels'] > 0   # left lung, heart, right lung
        assert (right, invented, missed) == (
            (predicted & target).sum(), (predicted & ~target).sum(), (target & ~predicted).sum())
    assert scored.left_out == ('heart',)


def test_the_report_has_a_table_and_pictures_of_it(made):
    text = (made[1] / 'report.md').read_text()
    section = text.split('## At another hospital')[1].split('\n## ')[0]
    assert 'J at home: left lung, heart, right lung (3 images)' in section
    assert 'J on montgomery: left lung, right lung (3 images)' in section and 'J on shenzhen: lungs' in section
    assert 'REAL, SMANet, seed 0, on montgomery: image, target, prediction' in text
    assert (made[1] / 'evaluations' / 'real-smanet-0-shenzhen.png').exists()


def test_notes_count_the_other_hospital_and_nothing_else_hangs_on_it(made, tmp_path):
    config, _ = made
    workdir = shutil.copytree(made[1], tmp_path / 'run')
    tree = to_dict(config)
    del tree['external']['shenzhen']['targets']
    other = from_dict(tree)
    with pytest.raises(Outdated, match='evaluations/real-smanet-0-shenzhen no longer fits: it was made with '
                                       'targets.lungs ') as raised:
        open_experiment(other, workdir, matrix.arms_of(other), say=lambda text: None)
    assert raised.value.redo == ('evaluations/real-smanet-0-shenzhen',)
    tree['external'] = {}                      # nothing was learned there: all else still fits
    open_experiment(from_dict(tree), workdir, matrix.arms_of(from_dict(tree)), say=lambda text: None)
    note = json.loads((workdir / 'records' / 'montgomery' / 'made_with.json').read_text())
    assert set(note['contents']['samples']) == set(MONTGOMERY[:3]) and note['settings']['data']['part'] == 'all'


def test_other_pictures_there_are_noticed(made, tmp_path):
    config, _ = made
    workdir = shutil.copytree(made[1], tmp_path / 'run')
    source = shutil.copytree(Path(config.external['shenzhen'].source).parent, tmp_path / 'sets',
                             ignore=shutil.ignore_patterns('run'))
    save(source / 'montgomery' / 'MontgomerySet' / 'CXR_png' / f'{MONTGOMERY[2]}.png', lungs_of(7)[0])
    save(source / 'montgomery' / 'MontgomerySet' / 'ManualMask' / 'leftMask' / f'{MONTGOMERY[2]}.png', lungs_of(7)[1])
    changed = config_of(source)
    with pytest.raises(Outdated, match='records/montgomery no longer fits: .*other pictures or masks of '
                                       + MONTGOMERY[2]):
        open_experiment(changed, workdir, matrix.arms_of(changed), say=lambda text: None)


def test_the_tool_scores_elsewhere_and_says_what_it_leaves_out(made, tmp_path):
    _, workdir = made
    command = ['evaluate_segmenter', '--model', workdir / 'exports' / 'real-smanet-0' / '1', '--records',
               workdir / 'records' / 'montgomery', '--output', tmp_path / 'out.json']
    done = call(*command, '--targets', 'lungs=left_lung,right_lung')
    assert done.returncode == 0 and 'heart' in done.stdout and json.loads(
        (tmp_path / 'out.json').read_text())['organs'] == ['lungs'], done.stderr
    done = call(*command, '--targets', 'lungs')
    assert done.returncode == 2 and done.stderr == (
        'error: --targets lungs: expected different classes, each as CLASS=ORGAN,ORGAN\n')


@pytest.mark.parametrize('changes, message', [
    ({'channels': 3}, 'external.there.channels: expected that of data, 1, for which segmenters are, found 3'),
    ({'unlabelled': True}, 'external.there.unlabelled: expected false, for nothing is scored without labels'),
    ({'part': 'half'}, "external.there.part: expected one of all, train, validation, test, found 'half'"),
    ({'part': 'validation'}, 'external.there.part: expected a part of its division, which has none for validation'),
    ({'source': None}, 'external.there.source: expected the folder of the data set'),
    ({'dataset': 'nih'}, 'external.there.dataset: expected one of phantom, phantom_b, '),
    ({'targets': {}}, 'external.there.targets: expected at least one class'),
    ({'colour': 1}, 'unknown key external.there.colour')])
def test_configs_that_cannot_be_carried_out(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        tiny_config(external={'there': {'dataset': 'montgomery', 'source': str(tmp_path), **changes}})


def test_pictures_are_shown_as_those_that_were_learned_from_unless_it_is_said():
    data = {**to_dict(tiny_config())['data'], 'fit': 'stretch', 'trim_borders': True}
    external = tiny_config(data=data, external={'as_seen': {'dataset': 'phantom'}, 'else': {
        'dataset': 'phantom', 'fit': 'pad', 'trim_borders': False}}).external
    assert [(external[name].fit, external[name].trim_borders) for name in external] == [
        ('stretch', True), ('pad', False)]


def test_rows_and_tables_say_whose_pictures_were_cut_to_the_film(made):
    config, workdir = made
    arm, = matrix.arms_of(dataclasses.replace(config, external={
        name: dataclasses.replace(data, trim_borders=name == 'montgomery') for name, data in config.external.items()}))
    run, = arm.runs
    found = {split: row_of(arm, run, split, workdir, read_scores(
        workdir / 'evaluations' / f'{run.name}-{split}.json', run, split)) for split in arm.scores[run]}
    assert {split: row['protocol'].get('trimmed') for split, row in found.items()} == {
        'test': None, 'montgomery': True, 'shenzhen': None}
    table, = overview(list(found.values()))
    assert table.notes[1:] == ['Cut to the film, and so without black borders: the pictures of montgomery.']
    assert len(overview(results.read_results(workdir / 'results.jsonl'))[0].notes) == 1


def test_names_are_those_of_no_split():
    for name in ('test', 'train', 'a-b'):
        with pytest.raises(InputError, match=f'external.{name}: expected a name of letters, digits and _, other than'):
            tiny_config(external={name: {'dataset': 'phantom'}})
    with pytest.raises(InputError, match=r'score: expected of test, left_out, there, or names in external, found '):
        tiny_config(external={'there': {'dataset': 'phantom'}}, matrix=[{'score': ['test', 'elsewhere']}])


@pytest.mark.parametrize('break_it, message', [
    (lambda folder: shutil.rmtree(folder / 'montgomery'), 'expected the folder of the data set, found none'),
    (lambda folder: shutil.rmtree(folder / 'shenzhen' / 'mask'), 'expected masks of the lungs, found none of CHNCXR_'),
    (None, r'external.montgomery.targets.heart: expected organs of the data set \(left_lung, right_lung\)')])
def test_what_is_not_there_is_said_before_training(tmp_path, break_it, message):
    draw(tmp_path)
    config = config_of(tmp_path)
    if break_it:
        break_it(tmp_path)
    else:
        config = dataclasses.replace(config, external={'montgomery': dataclasses.replace(
            config.external['montgomery'], targets={'heart': ('heart',)})})
    with pytest.raises(InputError, match=message):
        run_experiment(config, tmp_path / 'run', say=lambda text: None)
    assert not (tmp_path / 'run' / 'segmenters').exists()


def test_a_picture_that_was_learned_from_is_no_other_hospitals(tmp_path):
    """The training set itself in another folder."""
    for folder in 'ab':
        draw_montgomery(tmp_path / folder)
    config = tiny_config(regimes=['real'], data={
        'dataset': 'montgomery', 'source': str(tmp_path / 'a'), 'num_train': None, 'num_test': None,
        'division': '60/20/20'}, external={'there': {'dataset': 'montgomery', 'source': str(tmp_path / 'b')}})
    with pytest.raises(InputError, match='are the same picture .* a test picture must not be trained on'):
        run_experiment(config, tmp_path / 'run', say=lambda text: None)
    assert not (tmp_path / 'run' / 'segmenters').exists()


def test_nor_is_one_that_a_stage_learns_from_without_its_labels(tmp_path):
    """The two parts of one hospital are apart, whether or not its masks are looked at; all of it is not."""
    draw_montgomery(tmp_path / 'a')
    there = {'dataset': 'montgomery', 'source': str(tmp_path / 'a'), 'division': '60/20/20'}
    sources = {'target': {**there, 'unlabelled': True, 'num_train': None}}
    prepare_split(tiny_config(), tmp_path, 'train')
    prepare_split(tiny_config(sources=sources, external={'there': {**there, 'part': 'test'}}), tmp_path, 'there')
    with pytest.raises(InputError, match=r'external.other: montgomery_all and montgomery_all \(sources.target\): .* are the same picture'):
        prepare_split(tiny_config(sources=sources, external={'other': {**there, 'part': 'all'}}), tmp_path, 'other')
    with pytest.raises(InputError, match='external.third: montgomery_all .* are the same picture'):  # as it chooses
        prepare_split(tiny_config(sources=sources, external={'third': {**there, 'part': 'validation'}}), tmp_path, 'third')


def test_a_test_picture_at_home_is_not_learned_from_elsewhere(tmp_path):
    """Another order of the same patients as the other hospital: some that are tested here would be learned from there."""
    draw_montgomery(tmp_path / 'a')
    data = {'dataset': 'montgomery', 'source': str(tmp_path / 'a'), 'division': '60/20/20', 'num_train': None,
            'num_test': None}
    config = tiny_config(data=data, sources={'target': {'division_seed': 1, 'unlabelled': True}})
    prepare_split(config, tmp_path, 'train')
    with pytest.raises(InputError, match='are the same picture .* a test picture must not be trained on'):
        prepare_split(config, tmp_path, 'test')
    assert not (tmp_path / 'records' / 'test').exists()


def test_in_a_matrix_blocks_name_them(tmp_path):
    there = {'dataset': 'phantom', 'part': 'train', 'draw': 5, 'num_train': 3}
    config = tiny_config(external={'there': there}, matrix=[
        {'regimes': ['real'], 'score': ['test', 'there']}, {'regimes': ['real'], 'arm': 'other'}])
    assert [set(arm.scores.values()) for arm in matrix.arms_of(config)] == [{('test', 'there')}, {('test',)}]
    from pipelines.data.sources import open_split
    assert open_split(config, 'there').ids == tuple(f'phantom_5_{number:07}' for number in range(3))
