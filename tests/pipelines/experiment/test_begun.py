"""What an experiment with DF-GAN refuses before anything is made: lesions that are not there, sides, numbers."""
import pytest

from datasets.errors import InputError
from pipelines.experiment.possible import check_possible
from pipelines.experiment.rows import row_of
from pipelines.plan import matrix
from pipelines.plan.kinds import KINDS
from tests.conftest import tiny_config

GAN = {'levels': 5, 'layers': 2, 'ndf': 2, 'ngf': 2}


def arm_of(data={}, regime='mixedd', **sections):
    sections = {'generation': {'num_train': 4, 'num_validation': 1}, **sections}
    config = tiny_config(regimes=[regime], dfgan=GAN, pix2pix=GAN, data={'size': 48, **data}, **sections)
    return matrix.arms_of(config)[0]


SHOWN = {'dataset': 'phantom_lesions_shown'}


@pytest.mark.parametrize('data, sections, message', [
    ({'dataset': 'phantom_lesions'}, {}, 'phantom_lesions_train: expected a pneumothorax in every learning image, '
                                         'around which dfgan draws, found none in phantom_lesions_0_0000003; leave'),
    ({}, {}, 'data.organ: expected a data set of one organ, .*, found left_lung, right_lung'),
    (SHOWN, {'generation': {'num_train': 8, 'num_validation': 1}}, r'generation.num_train \+ num_validation: expected at most 8 samples of method dfgan: 4 .*, found 9'),
    ({}, {'regime': 'real', 'segmenter': {'augmentation': {'flip': 0.5}}},
     r'segmenter.augmentation.flip \(smanet\): expected 0 where organs have sides, left_lung and right_lung of '
     'phantom, found 0.5'),
    ({'size': 32}, {'regime': 'synth2', 'pix2pixhd': {'augmentation': {'flip': 1.0}}},
     'augmentation.flip of stage image_from_labels: expected 0 where organs have sides')])
def test_what_only_the_data_can_tell(data, sections, message):
    with pytest.raises(InputError, match=message):
        check_possible(arm_of(data, **sections), is_whole=False)


@pytest.mark.parametrize('data', [SHOWN, {'organ': 'heart'}])
def test_one_organ_in_every_picture_is_possible(data):
    flip = {'augmentation': {'flip': 0.5}}
    check_possible(arm_of(data, segmenter=flip), is_whole=True)


def test_results_say_how_samples_were_drawn(finished):
    """The row of a finished REAL, as if MIXED D had been scored."""
    config, workdir = finished
    arm = arm_of(SHOWN, segmenter={'augmentation': {'flip': 0.5}})
    scored = {key: None for key in ('size', 'library', 'spacing_mm', 'organs', 'images', 'scores', 'versions')}
    protocol = row_of(arm, arm.runs[0], 'test', workdir, {**scored, 'at_detector': True})['protocol']
    assert protocol['at_detector'] and 'at_detector' not in row_of(arm, arm.runs[0], 'test', workdir, scored)['protocol']
    assert protocol['drawn'] == {
        'image_from_region': {'fid_loss': 'batch', 'features': 'random', 'statistics': 'sample'}}
    assert protocol['augmented'] and protocol['updates'] == 7
    assert KINDS['pix2pix'].told(KINDS['pix2pix'].settings()) == {'fid_loss': 'none', 'statistics': 'sample'}
