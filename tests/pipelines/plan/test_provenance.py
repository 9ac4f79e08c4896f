"""A workdir holds what it was made with; what no longer fits is named."""
import json
import shutil

import pytest
import yaml

from datasets import files
from datasets.errors import InputError
from pipelines.experiment import steps
from pipelines.plan import redo
from pipelines.plan.methods import METHODS
from pipelines.plan.provenance import Outdated
from pipelines.plan.workdir import Workdir
from tests.conftest import tiny_config
from tests.drawn import opened


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
    {'run': {'log_every': 7}}, {'data': {'memory_limit_mb': 1}}, {'data': {'terms': 'CC BY'}}, {'regimes': ['real']}, {'strategy': 'mirrored'},
    {'segmenters': {'unet': {'crop': 48}}}])
def test_what_changes_no_result_may_change_at_any_time(run, changes):
    _, workdir = run
    assert opened(tiny_config(**changes), workdir) == []
    assert yaml.safe_load((workdir / 'config.yaml').read_text())['seed'] == 1


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


def test_a_step_refuses_what_was_made_with_something_else(run):
    """Where an opening could not see it: the records were away and come back as others."""
    config, workdir = run
    shutil.rmtree(workdir / 'records')
    assert opened(config, workdir) == []
    other = tiny_config(data={'draw': 7})
    steps.prepare(other, workdir)
    with pytest.raises(Outdated, match='stages/dots no longer fits: it was made with another records/train'):
        steps.train_stage(other, METHODS['three'].stages[0], workdir)


def test_notes_are_plain_and_say_what_for(run):
    _, workdir = run
    note = json.loads((workdir / 'records' / 'train' / 'made_with.json').read_text())
    assert set(note) == {'artefact', 'settings', 'made_of', 'upstream', 'contents', 'seal'}
    assert set(note['contents']) == {'ids', 'coding', 'field_of_view_mm', 'samples'}
    assert 'source' not in note['settings']['data']
