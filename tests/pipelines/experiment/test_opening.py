"""What is asked before anything is made, and what a command asks for."""
import shutil

import pytest

from datasets.errors import InputError
from pipelines.experiment import status, steps
from pipelines.plan.matrix import arms_of
from pipelines.plan.provenance import Outdated
from pipelines.plan.regimes import Run, parse_regime
from tests.conftest import tiny_config
from tests.drawn import draw_folder, of_folder, opened


def test_a_command_asks_only_for_what_it_needs(run):
    """An error's advice, such as labels.reject=false, is taken though other samples exist."""
    _, workdir = run
    config = tiny_config(labels={'margin': 2.0}, pix2pixhd={'epochs': 3})
    assert opened(config, workdir, ['stages/dots']) == []
    goes_on = f'to train on from it: another --workdir and --set stages.labels_from_dots.initial_weights={workdir}/stages/labels'
    with pytest.raises(Outdated, match=f'stages/labels_from_dots no longer fits.*{goes_on}'):
        opened(config, workdir, ['synthetic/three'])


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


def test_targets_that_cannot_be_are_told_before_anything_is_made(tmp_path):
    config = tiny_config(segmenter={'targets': {'lungs': ['left_lung', 'nose']}})
    with pytest.raises(InputError, match='segmenter.targets.lungs: expected organs of the data set'):
        opened(config, tmp_path / 'run')
    for targets, message in (({}, 'segmenter.targets: expected at least one class'),
                             ({'a/b': ['heart']}, 'segmenter.targets.a/b: expected a name of letters')):
        with pytest.raises(InputError, match=message):
            tiny_config(segmenter={'targets': targets})
