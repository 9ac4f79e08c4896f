"""MIXED k and methods that begin with learning images, as plans: names, defaults, numbers, what hangs on what."""
import pytest

from datasets.errors import InputError
from datasets.labels import PNEUMOTHORAX
from pipelines.cost import operations
from pipelines.plan import artefacts, matrix
from pipelines.plan.kinds.dfgan import Settings
from pipelines.plan.loading import from_dict
from pipelines.plan.methods import METHODS, check_pairs
from pipelines.plan.regimes import Run, label_of_run, parse_regime, rank_of
from pipelines.segmentation.task import steps_of
from tests.conftest import TINY, tiny_config


def test_each_method_brings_a_mixed_regime():
    mixed = parse_regime('mixedd')
    assert (mixed.short, mixed.label, mixed.kind) == ('MIXED D', 'DF-GAN, Mixed', 'mixed')
    assert parse_regime('mixed3').short == 'MIXED 3' and parse_regime('synthp').label == 'pix2pix, Synth P'
    assert Run(mixed).pretraining is None and Run(mixed).trained == Run(mixed)
    assert label_of_run('mixedd-unetplusplus-1-n50') == 'MIXED D, U-Net++, seed 1, 50 pairs'
    ranks = [rank_of(name) for name in ('finetune3', 'mixed3', 'mixedd', 'mixedp', 'synth3', 'real', 'tuned')]
    assert ranks == sorted(ranks)


def test_defaults_are_those_that_are_printed():
    own = Settings()
    assert (own.epochs + own.decay_epochs, own.batch_size, own.l1_weight, own.fid_weight) == (2000, 16, 100.0, 1.0)
    assert (own.fid_loss, own.statistics) == ('batch', 'sample')
    assert {method.name: method.begins for method in METHODS.values() if method.begins} == {
        'dfgan': ('labels', 'region'), 'pix2pix': ('labels', 'region')}


@pytest.mark.parametrize('changes, message', [
    ({'dfgan': {'fid_loss': 'none'}}, 'dfgan.fid_loss: expected one of batch, literal, found'),
    ({'dfgan': {'batch_size': 1}}, 'dfgan.batch_size: expected a number from 2 on with fid_loss'),
    ({'generation': {'num_validation': -1}}, 'generation.num_validation: expected a number from 0 on, found -1'),
    ({'regimes': ['real', 'synthd']}, 'generation.num_validation: expected a number from 1 on with synthd, whose'),
    ({'matrix': [{'regimes': ['finetune3']}]}, 'generation.num_validation: expected a number from 1 on with finetune3'),
    ({'segmenter': {'epochs': 3}}, 'segmenter.epochs: expected null with mixedd')])
def test_what_could_not_be_carried_out_is_refused(changes, message):
    tree = {**TINY, 'regimes': ['mixedd'], 'dfgan': {'levels': 5, 'layers': 2},
            'generation': {**TINY['generation'], 'num_validation': 0}}
    from_dict(tree)
    for key, value in changes.items():
        tree[key] = {**tree.get(key, {}), **value} if isinstance(value, dict) else value
    with pytest.raises(InputError, match=message):
        from_dict(tree)


def test_pairs_are_at_most_two_for_each_image():
    check_pairs(METHODS['dfgan'], 100, 50, 'pairs')
    check_pairs(METHODS['three'], 10_000, 11, 'pairs')
    with pytest.raises(InputError, match='^pairs: expected at most 100 samples of method pix2pix: 50 learning images '
                                         'and the same mirrored, found 101'):
        check_pairs(METHODS['pix2pix'], 101, 50, 'pairs')


def test_mixed_hangs_on_real_pairs_and_samples_and_counts_no_pair_that_chooses():
    config = tiny_config()
    run, synth = Run(parse_regime('mixed3')), Run(parse_regime('synth3'))
    made = artefacts.segmenter_of(config, run)
    assert made.made_of == ('records/train', 'synthetic/three')
    assert 'finetune_steps' in made.settings['segmenter'] and 'finetune_learning_rate' not in made.settings['segmenter']
    assert (matrix.pairs_of(config, run), matrix.pairs_of(config, synth)) == (6, 9)
    assert matrix.pairs_of(config, run._replace(num_synthetic=2)) == 2
    every = artefacts.all_of(config, {run: ('test',)})
    assert [*every][:3] == ['records/train', 'records/test', 'stages/dots'] and 'synthetic/three' in every


def test_estimates_count_mixed_as_real():
    """As many updates, chosen by the same images: those held out, not the samples."""
    config = tiny_config(segmenter={'min_holdout_images': 2, 'holdout': 0.25})
    real, mixed, synth = (Run(parse_regime(name)) for name in ('real', 'mixed3', 'synth3'))
    assert steps_of(config, mixed, 8) == steps_of(config, real, 8) == 7
    assert operations.validated(config, mixed, 8) == operations.validated(config, real, 8) == 4 * 2
    assert operations.validated(config, synth, 8) == 2 * 3
    assert operations.validated(config, Run(parse_regime('first')), 8) == 2 * 2


def test_a_step_with_the_frechet_loss_is_counted():
    """With the features of drawn pictures and their gradient: more than the same pix2pix without."""
    gan = {'levels': 5, 'layers': 2, 'ngf': 2, 'ndf': 2, 'batch_size': 2, 'epochs': 1, 'decay_epochs': 0}
    config = tiny_config(dfgan=gan, pix2pix=gan, regimes=['mixedd', 'mixedp'])
    runs = [Run(parse_regime(name)) for name in ('mixedd', 'mixedp')]
    costs = {cost.training: cost for cost in operations.of_trainings(config, runs, PNEUMOTHORAX, 8)}
    assert costs['image_from_region'].operations > costs['image_from_region_plain'].operations > 0
    assert costs['image_from_region'].steps == 4 and costs['mixedd-smanet-0'].steps == 7


def test_a_tenth_chooses_of_80_10_10():
    config = tiny_config(data={'division': '80/10/10'}, segmenter={'validate_every': 7})
    assert operations.validated(config, Run(parse_regime('mixed3')), 80 * 2) == 10
