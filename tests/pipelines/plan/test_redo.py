"""What no longer fits is made anew on demand, adopted, or taken from elsewhere."""
import shutil

import pytest

from datasets.errors import InputError
from pipelines.experiment import status, steps
from pipelines.experiment.opening import open_experiment
from pipelines.plan.matrix import arms_of
from pipelines.plan.methods import METHODS
from pipelines.plan.provenance import Outdated
from pipelines.scores import results
from tests.conftest import tiny_config
from tests.drawn import opened


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
