"""Samples that begin with learning images (DF-GAN): what they are given, whose mask they have, how many there are."""
import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from datasets.labels import CHEST, PNEUMOTHORAX
from pipelines.data.fields import field_of
from pipelines.experiment import steps
from pipelines.plan import provenance
from pipelines.plan.methods import METHODS
from pipelines.stages import pix2pix, stage
from pipelines.synthesis import generate
from pipelines.synthesis.sampling import load_sampler
from pipelines.synthesis.begun import Begun
from tests.conftest import tiny_config

METHOD, IMAGES = METHODS['dfgan'], 3
GAN = {'ngf': 2, 'levels': 5, 'ndf': 2, 'layers': 2, 'batch_size': 2, 'epochs': 1, 'decay_epochs': 0}


def config_of(**data):
    return tiny_config(
        regimes=['mixedd'], dfgan=GAN, generation={'num_train': IMAGES, 'num_validation': 0},
        data={'dataset': 'phantom_lesions_shown', 'size': 64, 'num_train': IMAGES, 'augment': 1, **data})


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    """(config, workdir) with as many samples as there are images, and the same mirrored."""
    config = config_of()
    workdir = provenance.open_workdir(config, tmp_path_factory.mktemp('begun') / 'run')
    steps.train_stage(config, METHOD.stages[0], workdir)
    generate.generate(config, METHOD, workdir, 2 * IMAGES)
    return config, workdir


def test_the_region_is_the_picture_inside_and_minus_one_outside_by_hand():
    config = config_of(size=32)
    field = field_of('region', config, PNEUMOTHORAX)
    image = np.linspace(0, 255, 32 * 32).reshape(32, 32, 1).astype(np.uint8)
    labels = np.zeros((32, 32), np.uint8)
    labels[10:12, 3:5] = 1
    given = field.prepare({'image': tf.constant(image), 'labels': tf.constant(labels)})
    whole = field_of('image', config, PNEUMOTHORAX).prepare({'image': tf.constant(image)})
    assert given.dtype == tf.float16 and given.shape == (32, 32, 1)
    np.testing.assert_array_equal(given[labels == 1], whole[labels == 1])
    assert set(given.numpy()[labels == 0].ravel()) == {-1.0} and len({*given.numpy()[labels == 1].ravel()}) > 1
    coded = field.decode(field.encode(given[None]))
    np.testing.assert_allclose(field.condition(coded, 32)[0], given, atol=.005)
    assert field.picture(coded[0].numpy()).max() > 0 and field.picture(coded[0].numpy())[labels == 0].max() == 0


def test_a_region_is_of_one_organ():
    with pytest.raises(InputError, match='data.organ: expected a data set of one organ, .*, found left_lung, right'):
        field_of('region', config_of(), CHEST)
    assert field_of('region', config_of(), CHEST.only('heart')).given_channels == 1


def test_samples_have_the_masks_of_the_learning_images_and_then_those_mirrored(drawn):
    _, workdir = drawn
    real = records.load_arrays(records.read_info(workdir / 'records/train'))
    info = records.read_info(workdir / 'synthetic/dfgan')
    made = records.load_arrays(info)
    np.testing.assert_array_equal(made['labels'][:IMAGES], real['labels'])
    np.testing.assert_array_equal(made['labels'][IMAGES:], real['labels'][:, :, ::-1])
    assert made['source_id'].tolist() == 2 * real['source_id'].tolist() and info.ids == [
        id.decode() for id in made['source_id']]
    assert made['index'].tolist() == list(range(2 * IMAGES)) and info.notes['failed_check'] == 0
    assert len({picture.tobytes() for picture in made['image']}) == 2 * IMAGES
    assert (workdir / 'synthetic/dfgan/samples.png').is_file()


def test_a_sample_is_what_the_stage_draws_of_its_region_whoever_draws_it(drawn):
    config, workdir = drawn
    sampler = load_sampler(config, METHOD, workdir, say=pytest.fail)
    info = sampler.info
    made = records.load_arrays(records.read_info(workdir / 'synthetic/dfgan'))
    real = next(records.read(info))
    field = field_of('region', config, info.coding)
    region = field.decode(field.encode(field.prepare(real)[None]))
    alone = sampler.draw['image_from_region'](region)['image'].numpy()
    assert np.abs(alone[0].astype(int) - made['image'][0, ..., 0]).max() <= 1
    again = generate.draw_block(sampler, 4)   # begins at the middle of what is mirrored; what is left begins anew
    np.testing.assert_array_equal(again['image'][:2], made['image'][4:, ..., 0])
    np.testing.assert_array_equal(again['labels'][2:], made['labels'][:2])


def test_blocks_begin_with_images_and_mirrored_ones_by_hand():
    labels = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    begun = Begun({'labels': labels}, np.array([b'a', b'b']), np.array([[4, 2], [0, 0]]))
    np.testing.assert_array_equal(begun.block(1, 3)['labels'], [[[4, 5], [6, 7]], [[1, 0], [3, 2]], [[5, 4], [7, 6]]])
    assert begun.source(3) == ('b', (0, 0)) and begun.source(2) == ('a', (4, 2))
    np.testing.assert_array_equal(begun.fields['labels'].ravel(), range(8))   # nothing was turned in place


def test_more_samples_than_images_and_mirrored_ones_are_refused(drawn):
    config, workdir = drawn
    with pytest.raises(InputError, match=r'--num \(.*\): expected at most 6 samples of method dfgan: 3 learning images '
                                         'and the same mirrored, found 7'):
        generate.generate(config, METHOD, workdir, 7)


def test_pictures_that_show_nothing_are_refused_before_the_first_step(drawn):
    """Such as a lesion that is gone at the size that is learned."""
    config, workdir = drawn
    info = records.read_info(workdir / 'records/train')
    io = stage.stage_io(config, METHOD.stages[0], info.coding)
    pix2pix.start(io, {}, {'train': info})
    other = tiny_config(data={'dataset': 'phantom_lesions', 'num_train': 4, 'augment': 1, 'size': 64}, regimes=['real'])
    path = provenance.open_workdir(other, workdir.parent / 'healthy')
    with pytest.raises(InputError, match='expected a pneumothorax in every picture, around which dfgan draws, found '
                                         'none at 64 px in phantom_lesions_0_0000003; leave'):
        pix2pix.start(io, {}, {'train': steps.prepare(other, path)})


def test_the_sheet_shows_region_real_and_drawn(drawn):
    config, workdir = drawn
    info = records.read_info(workdir / 'records/train')
    sheet = stage.stage_task(config, METHOD.stages[0], {'train': info}).phases[0].sheet(1)
    height = (sheet.shape[0] + 4) // 3  # rows: region, real, drawn
    region, real = sheet[:height - 4, :height - 4], sheet[height:2 * height - 4, :height - 4]
    assert region[:20, :20].max() == 0 and (region > 0).mean() < 0.2 and real.mean() > 60
