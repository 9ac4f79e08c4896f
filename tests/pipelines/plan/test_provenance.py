"""A workdir holds what it was made with; what no longer fits is named, and made anew on demand."""
import dataclasses
import json
import shutil

import cv2
import numpy as np
import pytest
import yaml

from datasets import digests, files
from datasets.errors import InputError
from pipelines.data import sources
from pipelines.experiment import status, steps
from pipelines.experiment.opening import open_experiment
from pipelines.plan import matrix, redo
from pipelines.plan.methods import METHODS
from pipelines.plan.provenance import Outdated
from pipelines.plan.regimes import Run, parse_regime
from pipelines.plan.workdir import Workdir
from pipelines.scores import results
from tests.conftest import tiny_config


def arms_of(config):
    return matrix.arms_of(config)


def opened(config, workdir, names=None, **options):
    """What was said while it was opened."""
    said = []
    open_experiment(config, workdir, arms_of(config), names, say=said.append, **options)
    return said


@pytest.fixture
def run(finished, tmp_path):
    """A copy of the finished experiment to change."""
    config, workdir = finished
    shutil.copytree(workdir, tmp_path / 'run', symlinks=True)
    return config, tmp_path / 'run'


def test_a_finished_run_fits_its_config(run):
    config, workdir = run
    assert opened(config, workdir) == []
    notes = {str(path.relative_to(workdir)) for path in workdir.rglob('*made_with.json')}
    assert notes >= {'records/train/made_with.json', 'records/test/made_with.json',
                     'stages/dots/made_with.json', 'synthetic/three/made_with.json',
                     'segmenters/synth3-smanet-0/made_with.json', 'exports/real-smanet-0/made_with.json',
                     'evaluations/finetune3-smanet-0-test.made_with.json', 'predictions/made_with.json',
                     'reading/made_with.json'}


@pytest.mark.parametrize('changes, first, key, kept', [
    ({'seed': 2}, 'stages/dots', 'seed 1 and not 2', 'records/train'),
    ({'data': {'augment': 3}}, 'records/train', 'data.augment 2 and not 3', 'records/test'),
    ({'stages': {'dots': {'fmap_max': 4}}}, 'stages/dots', 'pggan.fmap_max 8 and not 4',
     'stages/labels_from_dots'),
    ({'pix2pixhd': {'epochs': 2}}, 'stages/labels_from_dots', 'pix2pixhd.epochs 1 and not 2', 'stages/dots'),
    ({'labels': {'warp': 0.1}}, 'synthetic/three', 'labels.warp 0.0 and not 0.1', 'stages/dots'),
    ({'generation': {'num_train': 7}}, 'synthetic/three', 'generation.num_train 6 and not 7',
     'segmenters/real-smanet-0'),
    ({'segmenter': {'batch_size': 4}}, 'segmenters/real-smanet-0', 'segmenter.batch_size 2 and not 4',
     'synthetic/three'),
    ({'segmenter': {'finetune_learning_rate': 1e-5}}, 'segmenters/finetune3-smanet-0',
     'segmenter.finetune_learning_rate', 'segmenters/real-smanet-0'),
    ({'evaluation': {'size': 32}}, 'records/test', 'evaluation.size 64 and not 32', 'records/train'),
    ({'configuration': 'other'}, 'evaluations/', 'configuration demo and not other', 'exports/')])
def test_a_changed_setting_touches_what_depends_on_it_and_no_more(run, changes, first, key, kept):
    _, workdir = run
    config = tiny_config(**changes)
    with pytest.raises(Outdated) as raised:
        opened(config, workdir)
    message = str(raised.value)
    assert f'{workdir}: {first}' in message and key in message and '\n' not in message
    assert 'repeat the command with --redo' in message
    assert not any(name.startswith(kept) for name in raised.value.redo)
    gone = redo.with_dependents([workdir], {workdir: set(raised.value.redo)})[workdir]
    assert not any(name.startswith(kept) for name in gone)
    removed = opened(config, workdir, redo=raised.value.redo)
    assert {line.split(': ')[1] for line in removed} == set(gone)
    assert opened(config, workdir) == []
    assert Workdir(workdir).results.exists()


@pytest.mark.parametrize('changes', [
    {'run': {'log_every': 7}}, {'data': {'memory_limit_mb': 1}}, {'regimes': ['real']}, {'strategy': 'mirrored'},
    {'segmenters': {'unet': {'crop': 48}}}])
def test_what_changes_no_result_may_change_at_any_time(run, changes):
    _, workdir = run
    assert opened(tiny_config(**changes), workdir) == []
    assert yaml.safe_load((workdir / 'config.yaml').read_text())['seed'] == 1


def test_a_command_asks_only_for_what_it_needs(run):
    """An error's advice, such as labels.reject=false, is taken though other samples exist."""
    _, workdir = run
    config = tiny_config(labels={'margin': 2.0}, pix2pixhd={'epochs': 3})
    assert opened(config, workdir, ['stages/dots']) == []
    with pytest.raises(Outdated, match='stages/labels_from_dots no longer fits'):
        opened(config, workdir, ['synthetic/three'])


def test_redone_scores_are_forgotten_until_they_are_made_anew(run):
    config, workdir = run
    arms = arms_of(config)
    assert status.is_done(workdir, arms)
    opened(config, workdir, redo=['segmenters/real-smanet-0'])
    assert not status.is_done(workdir, arms)
    assert [row['regime'] for row in results.read_results(workdir / 'results.jsonl')] == [
        'synth3', 'finetune3']
    assert not (workdir / 'exports' / 'real-smanet-0').exists()
    assert (workdir / 'stages' / 'dots' / 'finished.json').exists()
    with pytest.raises(InputError, match='--redo sword: expected one of records/left_out, .*such as records'):
        opened(config, workdir, redo=['stages', 'sword'])
    assert (workdir / 'stages' / 'dots' / 'finished.json').exists()  # nothing is removed for a bad name


def test_what_nobody_noted_is_adopted_or_made_anew(run):
    config, workdir = run
    for path in workdir.rglob('*made_with.json'):
        path.unlink()
    with pytest.raises(Outdated, match='nobody noted what records/train, .* was made with .*--adopt; else '
                                       'with --redo records/train') as raised:
        opened(config, workdir)
    assert raised.value.adopt
    with pytest.raises(InputError, match='--adopt: stages/dots: the config.yaml .* made with another seed'):
        opened(tiny_config(seed=3), workdir, adopt=True)
    said = opened(config, workdir, adopt=True)
    assert 'adopted: records/train' in said and 'adopted: evaluations/real-smanet-0-test' in said
    assert opened(config, workdir) == [] == opened(config, workdir, adopt=True)


def test_a_key_that_was_not_there_yet_counts_as_its_default(run):
    config, workdir = run
    path = workdir / 'synthetic' / 'three' / 'made_with.json'
    note = files.read_json(path)
    del note['settings']['labels']['warp']
    note['settings']['data'] = {'memory_limit_mb': 1}  # counted once, and matters no more
    files.write_json(path, note)
    assert opened(config, workdir) == []
    with pytest.raises(Outdated, match='labels.warp None and not 0.1'):
        opened(tiny_config(labels={'warp': 0.1}), workdir)
    note['settings']['cyclegan'] = {'epochs': 3}  # of a later version: nobody knows what it did
    files.write_json(path, note)
    with pytest.raises(Outdated, match='synthetic/three no longer fits: .*cyclegan'):
        opened(config, workdir)


def test_a_damaged_note_is_no_note(run):
    config, workdir = run
    path = workdir / 'stages' / 'dots' / 'made_with.json'
    path.write_text(path.read_text().replace('"fmap_max": 8', '"fmap_max": 4'))
    with pytest.raises(InputError, match='made_with.json: damaged or altered'):
        opened(tiny_config(stages={'dots': {'fmap_max': 4}}), workdir)
    shutil.copy(workdir / 'stages' / 'labels_from_dots' / 'made_with.json', path)
    with pytest.raises(InputError, match='expected what stages/dots was made with, found that of stages/lab'):
        opened(config, workdir)


def test_an_artefact_that_changed_touches_what_is_made_of_it(run):
    config, workdir = run
    shutil.rmtree(workdir / 'synthetic' / 'three')
    assert opened(config, workdir) == []  # it will be made anew, and compared then
    info = workdir / 'records' / 'test' / 'dataset_info.json'
    info.write_text(info.read_text() + ' ')
    with pytest.raises(Outdated, match='evaluations/real-smanet-0-test no longer fits: it was made with '
                                       'another records/test'):
        opened(config, workdir)


@pytest.mark.parametrize('name', ['log.txt', 'slurm-123.out', '.DS_Store', 'lost+found', '.ipynb_checkpoints'])
def test_what_systems_leave_about_is_no_matter(tmp_path, name):
    if '.' in name and not name.startswith('.i'):
        (tmp_path / name).write_text('x')
    else:
        (tmp_path / name).mkdir()
    opened(tiny_config(), tmp_path)
    assert (tmp_path / 'config.yaml').exists()


def test_somebody_elses_folder_is_refused(tmp_path):
    (tmp_path / 'photos').mkdir()
    with pytest.raises(InputError, match='expected a new or empty folder, or one of this program, found '
                                         'photos; choose another'):
        opened(tiny_config(), tmp_path)
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match='cannot write there'):
        opened(tiny_config(), tmp_path / 'file' / 'run')


def draw_folder(source, ids, seed=0):
    """A folder of pictures with one bright disc each, four to learn from and two to test."""
    rng = np.random.default_rng(seed)
    for name in ('images', 'masks/disc'):
        (source / name).mkdir(parents=True)
    for id in ids:
        mask = np.zeros((40, 40), np.uint8)
        cv2.circle(mask, tuple(map(int, rng.integers(14, 26, 2))), 8, 255, -1)
        cv2.imwrite(str(source / 'images' / f'{id}.png'), mask // 2 + rng.integers(0, 60, mask.shape, np.uint8))
        cv2.imwrite(str(source / 'masks' / 'disc' / f'{id}.png'), mask)
    (source / 'coding.yaml').write_text('organs: [disc]\n')
    (source / 'train.txt').write_text('\n'.join(ids[:-2]))
    (source / 'test.txt').write_text('\n'.join(ids[-2:]))
    return source


def of_folder(source):
    return tiny_config(data={'dataset': 'folder', 'source': str(source), 'num_train': None, 'num_test': None},
                       regimes=['real'])


@pytest.fixture
def prepared(tmp_path):
    """(config, workdir, source) of a folder of pictures whose records are made."""
    source = draw_folder(tmp_path / 'source', list('abcdef'))
    config, workdir = of_folder(source), tmp_path / 'run'
    opened(config, workdir)
    steps.prepare(config, workdir)
    return config, workdir, source


def test_a_moved_data_set_is_the_same(prepared, tmp_path, monkeypatch):
    config, workdir, source = prepared
    assert opened(config, workdir) == []
    source.rename(tmp_path / 'elsewhere')
    assert opened(of_folder(tmp_path / 'elsewhere'), workdir) == []
    monkeypatch.chdir(tmp_path)
    assert opened(of_folder('elsewhere/'), workdir) == []
    monkeypatch.setenv('HOME', str(tmp_path))
    assert opened(of_folder('~/elsewhere'), workdir) == []
    (tmp_path / 'elsewhere').rename(tmp_path / 'away')
    said, = opened(config, workdir)
    assert 'is not there: what was made of it is taken as it is' in said


def test_pictures_compressed_anew_are_the_same(prepared):
    config, workdir, source = prepared
    for path in source.rglob('*.png'):
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED), [cv2.IMWRITE_PNG_COMPRESSION, 0])
    assert opened(config, workdir) == []


@pytest.mark.parametrize('change, words', [
    (lambda source: cv2.imwrite(str(source / 'masks/disc/b.png'), np.eye(40, dtype=np.uint8) * 255),
     'other pictures or masks of b'),
    (lambda source: (source / 'train.txt').write_text('a\nb\nc'), r'another list of images \(with d\)'),
    (lambda source: (source / 'train.txt').write_text('b\na\nc\nd'), 'another list of images, in another order'),
    (lambda source: (source / 'coding.yaml').write_text('organs: [disc]\ncolours: [[1, 2, 3]]\n'),
     'another coding of the organs')])
def test_data_that_changed_is_named(prepared, change, words):
    config, workdir, source = prepared
    change(source)
    with pytest.raises(Outdated, match=f'records/.* no longer fits: it was made with .*{words}'):
        opened(config, workdir)
    with pytest.raises(Outdated, match=f'records/.* no longer fits: it was made with .*{words}'):
        steps.prepare(config, workdir)  # whoever asks for records is told


def test_records_are_made_anew_of_changed_data_only_when_asked(prepared):
    config, workdir, source = prepared
    before = (workdir / 'records' / 'train' / 'dataset_info.json').read_bytes()
    cv2.imwrite(str(source / 'masks/disc/b.png'), np.eye(40, dtype=np.uint8) * 255)
    assert opened(config, workdir, redo=['records/train']) == ['removed: records/train']
    steps.prepare(config, workdir)
    assert (workdir / 'records' / 'train' / 'dataset_info.json').read_bytes() != before
    assert opened(config, workdir) == []


def test_pictures_are_read_again_only_where_files_changed(prepared, monkeypatch):
    config, workdir, source = prepared
    read, of_sample = [], digests.of_sample  # of a sample, and of its picture
    monkeypatch.setattr(digests, 'of_sample', lambda sample: read.append(sample.id) or of_sample(sample))
    opened(config, workdir)
    assert read == []
    path = source / 'images' / 'c.png'
    path.write_bytes(path.read_bytes() + b' ')  # behind the end of the picture
    opened(config, workdir)
    assert set(read) == {'c'}
    (workdir / digests.CACHE).write_text('{"damaged')
    opened(config, workdir)
    assert set(read) == set('abcdef')


def test_a_step_refuses_what_was_made_with_something_else(run):
    """Where an opening could not see it: the records were away and come back as others."""
    config, workdir = run
    shutil.rmtree(workdir / 'records')
    assert opened(config, workdir) == []
    other = tiny_config(data={'draw': 7})
    steps.prepare(other, workdir)
    with pytest.raises(Outdated, match='stages/dots no longer fits: it was made with another records/train'):
        steps.train_stage(other, METHODS['three'].stages[0], workdir)


def test_stages_of_another_experiment_are_taken_where_they_fit(run, tmp_path):
    config, workdir = run
    dots, labels, _ = METHODS['three'].stages
    own = tmp_path / 'own'
    opened(config, own)
    steps.prepare(config, own)
    steps.take_stage(config, dots, own, [workdir / 'nowhere', workdir])
    assert (own / 'stages' / 'dots').resolve() == (workdir / 'stages' / 'dots').resolve()
    steps.train_stage(config, dots, own)  # nothing is left to do
    other = tiny_config(pix2pixhd={'epochs': 5})
    with pytest.raises(InputError, match='--stages-from: .*stages/labels_from_dots was made with '
                                         'pix2pixhd.epochs 1 and not 5; leave the option out'):
        steps.take_stage(other, labels, own, [workdir])
    steps.take_stage(config, dots, own, [tmp_path / 'x'])  # it is there already
    (workdir / 'stages' / 'labels_from_dots' / 'made_with.json').unlink()
    with pytest.raises(InputError, match='nobody noted what stages/labels_from_dots was made with'):
        steps.take_stage(config, labels, own, [workdir])


def test_exhibits_of_an_older_model_are_renewed_or_named(run):
    config, workdir = run
    shown = Run(parse_regime('finetune3'))
    before = (workdir / 'predictions' / 'predictions.csv').stat().st_mtime_ns
    steps.predict_some(config, shown, workdir)
    assert (workdir / 'predictions' / 'predictions.csv').stat().st_mtime_ns == before
    note = shutil.copy(workdir / 'exports' / shown.name / 'made_with.json', workdir / 'x')
    note = note.rename(workdir / 'made_with.json')
    shutil.rmtree(workdir / 'exports' / shown.name)
    shutil.copytree(workdir / 'exports' / 'real-smanet-0' / '1', workdir / 'exports' / shown.name / '1')
    shutil.copy(note, workdir / 'exports' / shown.name)
    steps.predict_some(config, shown, workdir)
    assert (workdir / 'predictions' / 'predictions.csv').stat().st_mtime_ns != before
    said = []
    steps.lay_out_reading(config, shown, workdir, said.append)
    assert 'shows another model than finetune3-smanet-0 as it is now' in said[0]


def test_arms_are_named_in_front(finished, tmp_path):
    _, workdir = finished
    config = tiny_config(matrix=[{'draws': [0, 1], 'regimes': ['real']}])
    shutil.copytree(workdir, tmp_path / 'demo-draw0')
    shutil.copy(workdir / 'config.yaml', tmp_path)
    changed = tiny_config(segmenter={'batch_size': 4}, matrix=[{'draws': [0, 1], 'regimes': ['real']}])
    assert opened(config, tmp_path) == []
    with pytest.raises(Outdated) as raised:
        opened(changed, tmp_path)
    assert raised.value.redo == ('demo-draw0/segmenters/real-smanet-0',)
    with pytest.raises(InputError, match='--redo stages: expected it behind the folder of its arm, such as '
                                         'demo-draw0/records'):
        opened(changed, tmp_path, redo=['stages'])
    assert 'removed: demo-draw0/segmenters/real-smanet-0' in opened(changed, tmp_path, redo=raised.value.redo)


def test_notes_are_plain_and_say_what_for(run):
    _, workdir = run
    note = json.loads((workdir / 'records' / 'train' / 'made_with.json').read_text())
    assert set(note) == {'artefact', 'settings', 'made_of', 'upstream', 'contents', 'seal'}
    assert set(note['contents']) == {'ids', 'coding', 'field_of_view_mm', 'samples'}
    assert 'source' not in note['settings']['data']


def test_too_few_test_images_are_told_before_anything_is_made(tmp_path):
    source = draw_folder(tmp_path / 'source', list('abcdef'))
    (source / 'test.txt').write_text('e')
    config = tiny_config(data={'dataset': 'folder', 'source': str(source), 'num_train': None, 'num_test': None},
                         regimes=['real', 'synth3'])
    with pytest.raises(InputError, match='expected at least 2 test images, to measure samples against, found 1'):
        opened(config, tmp_path / 'run')
    assert not (tmp_path / 'run').exists()
    opened(of_folder(source), tmp_path / 'run')  # REAL alone needs no samples


@pytest.mark.parametrize('folder, changes, words', [
    ('segmenters', {'segmenter': {'learning_rate': 0.01}}, 'segmenters/.* of segmenter.learning_rate'),
    ('stages', {'pggan': {'latent_size': 16}}, 'stages/dots of pggan.latent_size 8 and not 16'),
    ('synthetic', {'labels': {'clean': False}}, 'synthetic/three of labels.clean True and not False'),
    ('records/train', {'data': {'augment': 5}}, 'records/train of data.augment 2 and not 5'),
    ('records/test', {'evaluation': {'size': 32}}, 'evaluation.size 64 and not 32')])
def test_what_was_removed_to_save_space_counts_all_the_same(run, folder, changes, words):
    _, workdir = run
    shutil.rmtree(workdir / folder)
    config = tiny_config(**changes)
    with pytest.raises(Outdated, match=words) as raised:
        opened(config, workdir)
    opened(config, workdir, redo=raised.value.redo)
    assert not status.is_done(workdir, arms_of(config))


def test_a_refused_command_leaves_the_config_that_things_were_made_with(run):
    config, workdir = run
    before = (workdir / 'config.yaml').read_text()
    other = tiny_config(segmenter={'learning_rate': 0.5})
    with pytest.raises(Outdated):
        opened(other, workdir)
    assert (workdir / 'config.yaml').read_text() == before
    for path in workdir.rglob('*made_with.json'):
        path.unlink()
    with pytest.raises(Outdated, match='nobody noted'):
        opened(other, workdir)
    with pytest.raises(InputError, match='--adopt: segmenters/real-smanet-0: the config.yaml .* made with another '
                                         'segmenter.learning_rate'):
        opened(other, workdir, adopt=True)


def test_what_hangs_on_it_goes_even_where_the_command_did_not_ask_for_it(run):
    """Records made anew for REAL leave no row of synthetic pairs of the old ones beside it."""
    _, workdir = run
    config = tiny_config(data={'augment': 3}, regimes=['real'])
    removed = opened(config, workdir, redo=['records/train'])
    assert 'removed: stages/dots' in removed and 'removed: evaluations/synth3-smanet-0-test' in removed
    assert results.read_results(workdir / 'results.jsonl') == []
    assert not list((workdir / 'quality').glob('three*'))
    assert (workdir / 'reading').exists() and not (workdir / 'predictions').exists()


def test_linked_stages_are_asked_for_where_they_lie(finished, tmp_path):
    _, workdir = finished
    blocks = [{'regimes': ['real', 'synth3', 'finetune3']},
              {'arm': 'b', 'config': {'labels': {'warp': 0.1}}, 'regimes': ['synth3']}]
    config, changed = tiny_config(matrix=blocks), tiny_config(matrix=blocks, pggan={'latent_size': 16})
    shutil.copytree(workdir, tmp_path / 'demo')
    shutil.copy(workdir / 'config.yaml', tmp_path)
    arms = arms_of(config)
    opened(config, tmp_path)
    steps.prepare(arms[1].config, tmp_path / 'b')
    for stage in METHODS['three'].stages:
        steps.share_stage(arms, arms[1], stage, tmp_path)
    steps.generate(arms[1].config, METHODS['three'], tmp_path / 'b')
    assert opened(config, tmp_path) == []
    with pytest.raises(Outdated) as raised:
        opened(changed, tmp_path)
    assert raised.value.redo == ('demo/stages/dots',)
    with pytest.raises(Outdated) as raised:
        open_experiment(changed, tmp_path, arms_of(changed)[1:], say=print)
    assert raised.value.redo == ('demo/stages/dots',)
    with pytest.raises(InputError, match='--redo b/stages/dots: it is linked to .*demo/stages/dots: name it there'):
        opened(changed, tmp_path, redo=['b/stages/dots'])
    removed = opened(changed, tmp_path, redo=['demo/stages/dots'])
    assert {'removed: b/synthetic/three', 'removed: demo/synthetic/three', 'removed: b/stages/dots'} <= set(removed)
    assert opened(changed, tmp_path) == []


def test_all_of_an_arm_can_be_asked_for(run):
    config, workdir = run
    assert 'removed: records/train' in opened(config, workdir, redo=['records', 'predictions'])
    with pytest.raises(InputError, match=r"--redo mine: expected one of"):
        opened(config, workdir, redo=['mine'])


def test_targets_that_cannot_be_are_told_before_anything_is_made(tmp_path):
    config = tiny_config(segmenter={'targets': {'lungs': ['left_lung', 'nose']}})
    with pytest.raises(InputError, match='segmenter.targets.lungs: expected organs of the data set'):
        opened(config, tmp_path / 'run')
    for targets, message in (({}, 'segmenter.targets: expected at least one class'),
                             ({'a/b': ['heart']}, 'segmenter.targets.a/b: expected a name of letters')):
        with pytest.raises(InputError, match=message):
            tiny_config(segmenter={'targets': targets})


def test_no_patient_stands_on_both_sides(tmp_path):
    source = draw_folder(tmp_path / 'source', list('abcdef'))
    (source / 'patients.csv').write_text('a,1\nb,2\nc,2\nd,3\ne,4\nf,4\n')
    config = dataclasses.replace(of_folder(source), data=dataclasses.replace(
        of_folder(source).data, num_train=2, draw=0))
    drawn, left = (sources.open_split(config, split) for split in ('train', 'left_out'))
    assert not {drawn.patients[id] for id in drawn.ids} & {left.patients[id] for id in left.ids}
    (source / 'patients.csv').write_text('a,1\nb,2\nc,2\nd,4\ne,4\nf,5\n')
    with pytest.raises(InputError, match='patient 4 has pictures in both .*set data.division=folds'):
        steps.prepare(of_folder(source), tmp_path / 'run')
