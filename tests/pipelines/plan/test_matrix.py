"""The matrix of an experiment: which arms and runs a config stands for, and what they share."""
import pytest
import yaml

from datasets.errors import InputError
from pipelines.experiment import steps
from pipelines.plan import matrix
from pipelines.plan.loading import to_dict
from pipelines.plan.methods import METHODS
from pipelines.plan.regimes import Run, parse_regime, with_pretraining
from pipelines.report import report
from pipelines.scores import results
from tests.conftest import TINY, tiny_config
from tests.evaluations import make_evaluation


def names(arm):
    return [run.name for run in arm.runs]


def with_matrix(*blocks, **sections):
    return tiny_config(matrix=list(blocks), **sections)


def test_without_a_matrix_every_regime_runs_once_in_the_experiments_own_folder():
    arm, = matrix.arms_of(tiny_config(regimes=['finetune2', 'real'], data={'size': 32}))
    assert (arm.name, arm.folder) == ('demo', '')
    assert names(arm) == ['real-smanet-0', 'synth2-smanet-0', 'finetune2-smanet-0']
    assert set(arm.scores.values()) == {('test',)}


def test_a_block_is_every_combination_of_its_lists():
    arms = matrix.arms_of(with_matrix(
        {'draws': [0, 1], 'num_train': [4, 8], 'regimes': ['real', 'synth1'],
         'segmenters': ['smanet', 'unet'], 'seeds': [0, 5], 'num_synthetic': [3, 6]},
        segmenters={'unet': {'crop': 48}}, data={'size': 32}))
    assert [arm.folder for arm in arms] == ['demo-4-draw0', 'demo-4-draw1', 'demo-8-draw0',
                                            'demo-8-draw1']
    assert [(arm.config.data.num_train, arm.config.data.draw) for arm in arms] == [
        (4, 0), (4, 1), (8, 0), (8, 1)]
    # REAL knows no synthetic pairs: networks x seeds x (1 + 2)
    assert len(arms[0].runs) == 2 * 2 * 3
    assert names(arms[0])[:3] == ['real-smanet-0', 'synth1-smanet-0', 'synth1-smanet-0-n3']


def test_blocks_of_one_arm_add_up_and_finetuning_brings_its_synth():
    arm, = matrix.arms_of(with_matrix(
        {'regimes': ['real'], 'seeds': [0, 1], 'score': ['left_out']},
        {'regimes': ['finetune3'], 'score': ['left_out', 'test']},
        {'regimes': ['real']}))
    assert arm.folder == 'demo'
    assert arm.scores == {Run(parse_regime('real')): ('left_out', 'test'),
                          Run(parse_regime('real'), seed=1): ('left_out',),
                          Run(parse_regime('synth3')): ('left_out', 'test'),
                          Run(parse_regime('finetune3')): ('left_out', 'test')}


def test_pretraining_keeps_network_seed_and_number_of_pairs():
    run = Run(parse_regime('finetune1'), 'unet', 3, 100)
    assert run.name == 'finetune1-unet-3-n100'
    assert with_pretraining([run]) == [run._replace(regime=parse_regime('synth1')), run]


def test_what_learns_from_real_pairs_alone_is_trained_once_however_many_pairs_a_sweep_has():
    arm, = matrix.arms_of(with_matrix({'regimes': ['restart', 'synth3'], 'num_synthetic': [6, 2]}))
    assert [run.name for run in arm.runs] == [
        'first-smanet-0', 'restart-smanet-0', 'synth3-smanet-0', 'synth3-smanet-0-n2']
    assert [matrix.pairs_of(arm.config, run) for run in arm.runs[:2]] == [0, 0]


def test_one_folder_with_two_configs_is_refused():
    grey = {'labels': {'channels': 'grey'}}
    with pytest.raises(InputError, match=r'matrix\[1\]: demo: expected the config that an earlier'):
        matrix.arms_of(with_matrix({}, {'config': grey}))
    arms = matrix.arms_of(with_matrix({}, {'arm': 'grey', 'config': grey}))
    assert [(arm.folder, arm.config.labels.channels) for arm in arms] == [
        ('demo', 'onehot'), ('grey', 'grey')]


@pytest.mark.parametrize('block, message', [
    ({'score': ['train']}, r'matrix\[0\].score: expected of test, left_out'),
    ({'seeds': []}, r'matrix\[0\]: expected at least one of seeds and score'),
    ({'draws': [-1]}, r'matrix\[0\].draws: expected numbers from 0 on'),
    ({'num_synthetic': [7]}, r'num_synthetic: expected numbers from 1 to .* = 6, found \[7\]'),
    ({'num_synthetic': [5], 'config': {'generation': {'num_train': 2}}}, 'from 1 to .* = 2, found'),
    ({'segmenters': ['wide-net']}, 'segmenters.wide-net: expected a name of letters'),
    ({'config': {'matrix': []}}, r'matrix\[0\].config: expected no matrix inside a matrix'),
    ({'segmenters': ['segnot']}, "segmenter 'segnot': expected one of smanet, unet"),
    ({'segmenters': ['unet']}, 'segmenters.unet.crop: expected a multiple of 16'),
    ({'regimes': ['synth4']}, "regime 'synth4': expected one of real"),
    ({'folds': [0, 1]}, r'matrix\[0\].folds: expected data.division=folds with it, found official'),
    ({'arms': 'x'}, r'unknown key matrix\[0\].arms'),
    ({'arm': '../x'}, r'matrix\[0\].arm: expected a name of letters, digits and _'),
    ({'config': {'pggann': {}}}, r'matrix\[0\]: unknown key pggann')])
def test_refusals_name_block_and_key(block, message):
    with pytest.raises(InputError, match=message):
        matrix.arms_of(with_matrix(block))


def test_a_part_can_be_chosen():
    arms = matrix.arms_of(with_matrix(
        {'draws': [0, 1], 'seeds': [0, 1], 'regimes': ['real', 'finetune3']}))
    some = matrix.selected(arms, ['demo-draw1'], ['finetune3'], None, [1])
    assert [(arm.folder, names(arm)) for arm in some] == [
        ('demo-draw1', ['synth3-smanet-1', 'finetune3-smanet-1'])]
    assert matrix.selected(arms, None, None, None, None) == arms
    for options, message in (
            ((['demo'], None, None, None), "--arms demo: expected some of what this experiment has, demo-draw0, demo-draw1, found none"),
            ((None, None, ['unet'], None), '--segmenters unet: expected some .*, smanet, found'),
            ((None, None, None, [2]), '--seeds 2: expected some of what this experiment has, 0, 1, found none'),
            ((None, ['synth1'], None, None), 'nothing of this experiment fulfils them all')):
        with pytest.raises(InputError, match=message):
            matrix.selected(arms, *options)


def test_two_folders_for_the_same_rows_are_refused():
    with pytest.raises(InputError, match='demo-draw0 and demo are the same arm, real images, draw and fold'):
        matrix.arms_of(with_matrix({'draws': [0]}, {}))


def test_all_pairs_are_one_run_however_they_are_asked_for():
    arm, = matrix.arms_of(with_matrix({'regimes': ['synth3'], 'num_synthetic': [6, 2]}))
    assert names(arm) == ['synth3-smanet-0', 'synth3-smanet-0-n2']


def test_what_stands_for_an_experiment_is_the_papers_regime_of_smanet():
    arms = matrix.arms_of(with_matrix(
        {'arm': 'tried', 'regimes': ['finetune3'], 'score': ['left_out']},
        {'regimes': ['real', 'finetune3'], 'segmenters': ['unet', 'smanet'], 'seeds': [1, 2]},
        segmenters={'unet': {'crop': 48}}))
    arm, run = matrix.shown(arms)
    assert (arm.folder, run.name) == ('demo', 'finetune3-smanet-1')
    assert matrix.shown(arms[:1]) is None


def test_arms_share_the_stages_on_which_their_configs_agree(tmp_path):
    dots, labels, _ = METHODS['three'].stages
    arms = matrix.arms_of(with_matrix(
        {'regimes': ['synth3']},
        {'arm': 'reject', 'config': {'labels': {'reject': True}}, 'regimes': ['synth3']},
        {'arm': 'wide', 'config': {'stages': {'dots': {'fmap_max': 4}}}, 'regimes': ['synth3']},
        {'arm': 'draw', 'config': {'data': {'draw': 1}}, 'regimes': ['synth3']}))
    cut = matrix.selected(arms, None, None, None, [0])
    with pytest.raises(InputError, match='--arms reject: its stage dots is that of arm demo, which '
                                         'has not trained it yet; run that arm first'):
        steps.share_stage(arms, cut[1], dots, tmp_path)
    assert not (tmp_path / 'reject').exists()
    for stage in (dots, labels):
        (tmp_path / 'demo' / 'stages' / stage.folder).mkdir(parents=True)
        (tmp_path / 'demo' / 'stages' / stage.folder / 'finished.json').write_text('{}')
    for arm in cut:
        for stage in (dots, labels):
            steps.share_stage(arms, arm, stage, tmp_path)
    assert (tmp_path / 'reject' / 'stages' / 'dots' / 'finished.json').is_file()
    assert not (tmp_path / 'demo' / 'stages' / 'dots').is_symlink()
    assert (tmp_path / 'wide' / 'stages' / labels.folder).is_symlink()
    assert not (tmp_path / 'wide' / 'stages' / 'dots').exists()
    assert not (tmp_path / 'draw' / 'stages').exists()
    # a matrix that was changed: the link is no longer right, and goes
    other = matrix.arms_of(with_matrix(
        {'regimes': ['synth3']},
        {'arm': 'reject', 'config': {'pggan': {'fmap_max': 4}}, 'regimes': ['synth3']}))
    steps.share_stage(other, other[1], dots, tmp_path)
    assert not (tmp_path / 'reject' / 'stages' / 'dots').is_symlink()


def test_a_snapshot_to_draw_with_does_not_part_arms():
    one = tiny_config(pggan={'snapshot': 8})
    stage = METHODS['three'].stages[0]
    assert matrix.training_key(one, stage) == matrix.training_key(tiny_config(), stage)
    assert matrix.training_key(tiny_config(seed=9), stage) != matrix.training_key(one, stage)
    assert TINY['seed'] == 1


def test_scores_that_are_missing_are_told(tmp_path):
    arms = matrix.arms_of(with_matrix({'regimes': ['real', 'synth3'], 'score': ['left_out', 'test']}))
    rows = [make_evaluation(num_real=4, num_synthetic=9 if regime == 'synth3' else 0, regime=regime,
                            split=split) for regime in ('real', 'synth3')
            for split in ('left_out', 'test')]
    assert matrix.unscored(arms, rows) == []
    assert matrix.unscored(arms, rows[1:3]) == ['demo real-smanet-0 (left_out)',
                                                'demo synth3-smanet-0 (test)']
    for changes in ({'num_synthetic': 8}, {'seed': 1}, {'draw': 1}, {'num_real': 5}, {'arm': 'x'}):
        assert len(matrix.unscored(arms, [{**row, **changes} for row in rows[3:]])) == 4


def test_a_report_says_which_scores_are_missing(tmp_path):
    config = with_matrix({'regimes': ['real'], 'seeds': [0, 1]})
    (tmp_path / 'config.yaml').write_text(yaml.safe_dump(to_dict(config)))
    results.append_results(tmp_path / 'results.jsonl',
                           [make_evaluation(regime='real', num_real=4, seed=1)])
    report.write_report(tmp_path)
    assert ('1 of 2 scores that the config asks for are here. Missing: demo real-smanet-0 (test).'
            in (tmp_path / 'report.md').read_text())


def test_without_a_matrix_any_networks_may_be_asked_for():
    config = tiny_config(segmenters={'unet': {'crop': 48}}, regimes=['real', 'finetune3'])
    arm, = matrix.selected(matrix.arms_of(config, ['unet', 'smanet']), None, ['real'], ['unet', 'smanet'], None)
    assert (arm.folder, [run.name for run in arm.runs]) == ('', ['real-smanet-0', 'real-unet-0'])
    arm, = matrix.arms_of(config, ['unet'])
    assert [run.name for run in arm.runs] == ['real-unet-0', 'synth3-unet-0', 'finetune3-unet-0']
    assert [run.segmenter for run in matrix.arms_of(config)[0].runs] == ['smanet'] * 3
