"""Exported models: nothing but TensorFlow, any size and grey scale, the evaluation's predictions."""
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
import tensorflow as tf

from datasets import files, records, writing
from datasets.errors import InputError
from datasets.files import read_json
from datasets.fitting import box_of, crop, place
from pipelines.evaluation import finders
from pipelines.plan.methods import METHODS, parse_stage
from pipelines.plan.regimes import Run, parse_regime
from pipelines.scores import overlap
from pipelines.serving import export
from tests.command import call

LOAD_WITHOUT_US = '''
import sys
import numpy as np, tensorflow as tf
assert not any(name.split('.')[0] in ('models', 'pipelines', 'datasets') for name in sys.modules)
model = tf.saved_model.load(sys.argv[1])
image = np.load(sys.argv[2])
result = model.signatures['serving_default'](image=tf.constant(image))
np.savez(sys.argv[3], **{key: value.numpy() for key, value in result.items()})
'''


@pytest.fixture(scope='module')
def model(finished):
    return finished[1] / 'exports' / 'finetune3-smanet-0' / '1'


@pytest.fixture(scope='module')
def segment(model):
    return export.load_segmenter(model)[0]


def picture(height=70, width=55, seed=0):
    rng = np.random.default_rng(seed)
    return cv2.GaussianBlur(rng.uniform(0, 255, (height, width)), (0, 0), 4)[None, ..., None].astype(
        np.float32)


def test_a_process_with_nothing_but_tensorflow_segments_another_size(model, segment, tmp_path):
    image = picture()
    np.save(tmp_path / 'image.npy', image)
    subprocess.run([sys.executable, '-I', '-c', LOAD_WITHOUT_US, str(model),
                    str(tmp_path / 'image.npy'), str(tmp_path / 'out.npz')], check=True,
                   cwd=tmp_path, capture_output=True)
    result = np.load(tmp_path / 'out.npz')
    assert result['class_map'].shape == (1, 70, 55) and result['class_map'].dtype == np.uint8
    assert result['probabilities'].shape == (1, 70, 55, 4)
    assert result['probabilities'].dtype == np.float32
    np.testing.assert_allclose(result['probabilities'].sum(-1), 1, atol=1e-5)
    assert (result['class_map'] == result['probabilities'].argmax(-1)).all()
    assert (result['class_map'] == segment(tf.constant(image))['class_map'].numpy()).mean() > 0.999


def test_any_positive_linear_grey_scale_gives_the_same_answer(segment):
    image = picture()
    plain = segment(tf.constant(image))['probabilities'].numpy()
    scaled = segment(tf.constant(image * 257 + 1000))['probabilities'].numpy()
    np.testing.assert_allclose(plain, scaled, atol=1e-3)


# TensorFlow's and OpenCV's JPEG decoders differ by a grey level here and there
@pytest.mark.parametrize('suffix, tolerance', [('.png', 1e-5), ('.jpg', 0.1)])
def test_the_signature_for_encoded_files(model, segment, suffix, tolerance):
    image = picture()[0, ..., 0].astype(np.uint8)
    data = cv2.imencode(suffix, image)[1]
    decoded = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE).astype(np.float32)
    loaded = tf.saved_model.load(str(model))
    found = loaded.signatures['encoded'](data=tf.constant(data.tobytes()))
    wanted = segment(tf.constant(decoded[None, ..., None] * 257))  # as TensorFlow widens 8 bits
    np.testing.assert_allclose(found['probabilities'], wanted['probabilities'], atol=tolerance)


def encoded(model, picture, suffix='.png'):
    data = cv2.imencode(suffix, picture)[1].tobytes()
    return tf.saved_model.load(str(model)).signatures['encoded'](data=tf.constant(data))['probabilities']


def test_encoded_files_are_read_by_the_policy_of_all_others(model):
    """Grey in three channels and behind an opaque alpha is grey; what datasets/images.py refuses is refused."""
    image = picture()[0, ..., 0].astype(np.uint8)
    plain = encoded(model, image)
    np.testing.assert_array_equal(plain, encoded(model, cv2.merge([image] * 3)))
    np.testing.assert_array_equal(plain, encoded(model, cv2.merge([image] * 3 + [np.full_like(image, 255)])))
    np.testing.assert_array_equal(plain, encoded(model, image.astype(np.uint16) * 257))
    with pytest.raises(tf.errors.InvalidArgumentError, match='expected an opaque picture, found transparent'):
        encoded(model, cv2.merge([image] * 4))
    with pytest.raises(tf.errors.InvalidArgumentError, match='expected a grey picture, as the model learned from'):
        encoded(model, cv2.merge([image, image, image // 2]))


@pytest.mark.parametrize('channels, grey, wanted', [
    (3, 'equal', [10, 100, 200]), (1, 'green', [100]), (1, 'luminance', [round(0.299 * 10 + 58.7 + 22.8)])])
def test_colours_of_an_encoded_file(channels, grey, wanted):
    from pipelines.serving.encoded import decoded
    data = cv2.imencode('.png', np.full((4, 3, 3), [200, 100, 10], np.uint8))[1].tobytes()  # blue first
    found = decoded(tf.constant(data), channels, grey)
    assert found.shape == (4, 3, channels)
    np.testing.assert_allclose(found[0, 0] / 257, wanted, atol=0.5)
    same = cv2.imencode('.png', np.full((4, 3), 7, np.uint8))[1].tobytes()
    assert (decoded(tf.constant(same), channels, grey).numpy() == 7 * 257).all()


@pytest.mark.parametrize('height, width', [(48, 31), (20, 48)])
def test_a_picture_is_segmented_as_in_its_square(segment, height, width):
    """Cut from a padded square of the training size, a picture gives what the square gives there."""
    image = picture(height, width)[0] + 1
    box = box_of(height, width, 48)
    square = place(image, box, 48, image.min())
    whole = segment(tf.constant(square[None]))['probabilities'][0].numpy()
    own = segment(tf.constant(image[None]))['probabilities'][0].numpy()
    np.testing.assert_allclose(own, crop(whole, box), atol=1e-5)


def test_predictions_equal_the_evaluations(finished, segment):
    _, workdir = finished
    scored = read_json(workdir / 'evaluations' / 'finetune3-smanet-0-test.json')
    info = records.read_info(workdir / 'records' / 'test')
    rows = records.load_arrays(info)
    for name, image, labels, counted in zip(rows['name'], rows['image'], rows['labels'],
                                            scored['images']['counts']):
        found = segment(tf.constant(image[None], tf.float32))['class_map'][0].numpy()
        own = overlap.counts(info.coding.projection[labels], found, 4)
        assert (own == np.array(counted)).all()
    assert scored['images']['names'] == [name.decode()[:-4] for name in rows['name']]


def test_the_description_tells_classes_colours_and_provenance(model):
    description = export.read_description(model)
    assert description['classes'] == ['background', 'left_lung', 'heart', 'right_lung']
    assert len(description['colours']) == 4
    assert (description['regime'], description['updates'], description['seed']) == (
        'finetune3', 7, 0)


@pytest.mark.parametrize('stage', ['dots', 'labels', 'image'])
def test_every_generator_exports(finished, tmp_path, stage):
    config, workdir = finished
    three = METHODS['three']
    path = export.export_generator(config, three, parse_stage(three, stage), workdir, tmp_path)
    draw = tf.saved_model.load(str(path)).signatures['serving_default']
    given = {'dots': ('latent', tf.zeros([2, 8])), 'labels': ('dots', tf.zeros([2, 32, 32], tf.uint8)),
             'image': ('labels', tf.zeros([2, 48, 48], tf.uint8))}[stage]
    drawn, = draw(**dict([given])).values()
    side = 32 if stage == 'dots' else 48
    assert drawn.shape == (2, side, side) and drawn.dtype == tf.uint8


def test_refusals(finished, model, tmp_path):
    config, workdir = finished
    with pytest.raises(InputError, match='expected a SavedModel folder with saved_model.pb'):
        export.load_segmenter(tmp_path)
    copy = tmp_path / 'copy'
    shutil.copytree(model, copy)
    (copy / 'saved_model.pb').write_bytes(b'nonsense')
    with pytest.raises(InputError, match='not a whole model .*saved_model.pb: damaged'):
        export.load_segmenter(copy)
    files.write_manifest(copy / export.MANIFEST, [copy / 'saved_model.pb', copy / 'assets/model.json'])
    with pytest.raises(InputError, match='the SavedModel cannot be loaded'):
        export.load_segmenter(copy)
    (copy / 'assets' / 'model.json').unlink()
    with pytest.raises(InputError, match='model.json: missing, though manifest.json names it'):
        export.load_segmenter(copy)
    (copy / export.MANIFEST).unlink()
    with pytest.raises(InputError, match='manifest.json: cannot be read'):
        export.load_segmenter(copy)
    three = METHODS['three']
    generator = export.export_generator(config, three, three.stages[0], workdir, tmp_path / 'dots')
    with pytest.raises(InputError, match='expected an exported segmenter, found a generator'):
        export.load_segmenter(generator)
    with pytest.raises(InputError, match='exists already; remove it'):
        export.export_generator(config, three, three.stages[0], workdir, tmp_path / 'dots')
    with pytest.raises(InputError, match='synth1|records'):
        export.export_segmenter(config, Run(parse_regime('synth1')),
                                workdir, tmp_path / 'x')
    assert not list(tmp_path.glob('**/.export-*'))


def test_records_of_other_classes_are_refused(finished, model, tmp_path):
    from datasets.labels import Code, LabelCoding
    from tests.datasets.test_records import example
    coding = LabelCoding('x', ('a',), (Code((), (0, 0, 0), None), Code(('a',), (1, 1, 1), 'a')),
                         ('a',))
    writing.write_dataset(records.Info(tmp_path / 'r', 'set', 'test', 16, 8, 8, coding, ['s0'], {}),
                          [lambda notes: [example(0)]])
    with pytest.raises(InputError, match='expected the classes of the model'):
        finders.of_model(model, tmp_path / 'r')


def test_the_tool_scores_an_exported_model_and_says_so(model, finished, tmp_path):
    _, workdir = finished
    output = tmp_path / 'scores.json'
    done = call('evaluate_segmenter', '--model', model, '--records', workdir / 'records' / 'test', '--output', output)
    assert done.returncode == 0, done.stderr
    scored = read_json(output)['scores']
    line = next(line for line in done.stdout.splitlines() if line.startswith('hd95_mm'))
    assert [float(v) for v in line.split()[1:]] == pytest.approx(
        [scored['hd95_mm'][o][0] for o in ('left_lung', 'heart', 'right_lung', 'average')], abs=0.006)
    assert f'3 images at 64 px: {output}' in done.stdout


@pytest.mark.parametrize('bad', [np.nan, np.inf])
def test_a_pixel_that_is_no_number_is_an_error(segment, bad):
    image = picture()
    image[0, 3, 4, 0] = bad
    with pytest.raises(tf.errors.InvalidArgumentError, match='expected finite pixels'):
        segment(tf.constant(image))
