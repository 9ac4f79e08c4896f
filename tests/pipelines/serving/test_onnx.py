"""ONNX files: onnxruntime computes what the SavedModel computes, or there is no file."""
import dataclasses
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import tensorflow as tf

from datasets import records
from datasets.errors import InputError
from pipelines.plan.methods import Stage
from pipelines.runtime.versions import versions as versions_here
from pipelines.serving import export, onnx_file
from pipelines.serving.portable import NO_CLASS, Portable, portable_generator
from pipelines.stages import stage as stages
from tests.command import call, refused
from tests.conftest import tiny_config

onnx = pytest.importorskip('onnx')
pytest.importorskip('tf2onnx')
runtime = pytest.importorskip('onnxruntime')
README = Path(export.__file__).parent / 'README.md'
SIDES = [(33, 47), (48, 48), (41, 41), (47, 33), (70, 55), (20, 48), (97, 131), (128, 96), (200, 150), (257, 311)]


def picture(height, width, seed=0, count=1):
    rng = np.random.default_rng(seed)
    drawn = [cv2.GaussianBlur(rng.uniform(0, 255, (height, width)), (0, 0), 4)[..., None] for _ in range(count)]
    return np.stack(drawn).astype(np.float32)


@pytest.fixture(scope='module')
def written(finished, tmp_path_factory):
    """The file that the tool wrote of the run whose SavedModel is there."""
    _, workdir = finished
    path = tmp_path_factory.mktemp('onnx') / 'chest.onnx'
    done = call('export_model', '--config', workdir / 'config.yaml', '--workdir', workdir, '--regime', 'finetune3',
                '--onnx', path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f'ONNX: {path}' and not done.stderr
    return path


@pytest.fixture(scope='module')
def segment(written):
    session, _ = onnx_file.open_model(written)
    names = [output.name for output in session.get_outputs()]
    return lambda image: dict(zip(names, session.run(names, {'image': image})))


@pytest.fixture(scope='module')
def saved(finished):
    return export.load_segmenter(finished[1] / 'exports' / 'finetune3-smanet-0' / '1')


def test_class_maps_are_those_of_the_savedmodel_at_ten_sizes(segment, saved):
    """But for ties: of a network of 7 steps, a few pixels whose two likeliest classes rounding cannot tell apart."""
    ties = 0
    for seed, sides in enumerate(SIDES):
        image = picture(*sides, seed)
        found, wanted = segment(image), saved[0](tf.constant(image))
        assert found['class_map'].dtype == np.uint8 and found['class_map'].shape == (1, *sides)
        off = np.abs(found['probabilities'] - wanted['probabilities'].numpy()).max()
        assert off < 1e-4
        differs = found['class_map'] != wanted['class_map'].numpy()
        second, first = np.sort(wanted['probabilities'].numpy()[differs], -1)[:, -2:].T
        assert (first - second <= 2 * off).all(), sides
        ties += differs.sum()
        assert len(np.unique(found['class_map'])) > 1
    assert ties <= 1e-4 * sum(height * width for height, width in SIDES)


def test_each_picture_of_a_batch_is_by_itself_and_a_nan_is_no_class(segment):
    images = picture(60, 75, count=3)
    images[1, 5, 6] = np.nan
    found = segment(images)
    for number in (0, 2):
        alone = segment(images[number:number + 1])
        np.testing.assert_allclose(found['probabilities'][number], alone['probabilities'][0], atol=1e-5)
    assert (found['class_map'][1] == NO_CLASS).all() and np.isnan(found['probabilities'][1]).all()
    images[1, 5, 6] = np.inf
    assert (segment(images)['class_map'][1] == NO_CLASS).all()


def test_the_metadata_tell_what_model_json_tells_and_what_goes_in_and_out(written, saved):
    _, description = onnx_file.open_model(written)
    told, versions = description.pop('onnx'), description.pop('versions')
    assert {**description, 'versions': {**saved[1]['versions']}} == saved[1]
    assert versions == {**versions_here(), **{name: versions[name] for name in onnx_file.PACKAGES}}
    assert {'image', 'class_map', 'probabilities', 'noise'} == set(told)
    model = onnx.load(str(written))
    onnx.checker.check_model(model)
    shapes = {value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
              for value in (*model.graph.input, *model.graph.output)}
    assert shapes == {'image': ['N', 'H', 'W', 1], 'class_map': ['N', 'H', 'W'], 'probabilities': ['N', 'H', 'W', 4]}
    assert not {node.op_type for node in model.graph.node} & {'Loop', 'Scan', 'If'}


@pytest.mark.parametrize('how, message', [
    (lambda path: None, '--onnx .*: exists already; remove it'),
    (lambda path: path.parent / 'no' / 'x.onnx', 'expected a file in an existing folder; make .*no first'),
    (lambda path: path.parent, 'expected a file, found a folder')])
def test_places_that_are_refused_before_anything_is_read(finished, written, how, message):
    _, workdir = finished
    done = call('export_model', '--config', workdir / 'config.yaml', '--workdir', workdir, '--regime', 'finetune3',
                '--onnx', how(written) or written)
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(refused(done))


def test_without_extras_one_line_says_how_to_get_them(monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, 'tf2onnx', None)
        with pytest.raises(InputError, match='tf2onnx cannot be .*run `EXTRAS=1 bash tools/setup_environment.sh`'):
            onnx_file.check_can_write(tmp_path / 'x')
    monkeypatch.setattr(onnx_file, 'sys', SimpleNamespace(version_info=(3, 9, 2), version='3.9.2 (main)'))
    with pytest.raises(InputError, match='expected Python 3.10 or a later one.*found 3.9.2; .*EXTRAS=1'):
        onnx_file.check_can_write(tmp_path / 'x')


def exported_of(function, wanted, **given):
    """As an export, a function of one input x, whose SavedModel says `wanted`."""
    x = given['x']
    module = SimpleNamespace(weights=[])
    return export.Exported(module, {}, {'kind': 'test', 'versions': {}}, lambda: Portable(
        function, [tf.TensorSpec([None, *x.shape[1:]], x.dtype, 'x')], lambda _: wanted, [given], {}))


@pytest.mark.parametrize('function, message', [
    (lambda x: {'y': tf.image.resize(x, [9, 9], antialias=True)}, 'ops of ONNX alone, found ScaleAndTranslate'),
    (lambda x: {'y': x + 2e-4}, 'not written: expected y as of the SavedModel, of x .1, 4, 4, 1., found it off by up to .*in 1e.02 %'),
    (lambda x: {'y': x * np.nan}, 'found it off by up to nan.* in 1e.02 %'),
    (lambda x: {'y': x[:, :2]}, r'found float32 \[1, 2, 4, 1\]')])
def test_what_cannot_be_loaded_or_differs_leaves_no_file(tmp_path, function, message):
    x = picture(4, 4)
    with pytest.raises(InputError, match=message) as raised:
        onnx_file.write(exported_of(function, {'y': x}, x=x), tmp_path / 'x.onnx')
    assert '\n' not in str(raised.value) and '.tmp' not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_a_model_that_no_file_holds_is_refused(tmp_path):
    exported = exported_of(None, {}, x=picture(4, 4))
    exported.module.weights.append(SimpleNamespace(shape=(2 ** 29,), dtype=tf.float32))
    with pytest.raises(InputError, match='less than 2 GiB.*found 2.0 GiB of weights; use --output'):
        onnx_file.write(exported, tmp_path / 'x.onnx')


def small_model(opset=onnx_file.OPSET, op='Relu', **metadata):
    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in 'xy']
    graph = onnx.helper.make_graph([onnx.helper.make_node(op, ['x'], ['y'])], 'g', value[:1], value[1:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid('', opset)], ir_version=8)
    onnx.helper.set_model_props(model, metadata)
    return model.SerializeToString()


@pytest.mark.parametrize('content, message', [
    (None, 'expected an ONNX file of tools/export_model.py, found no file'),
    (b'nonsense', 'expected an ONNX file, found something else'),
    (small_model(13), 'expected an ONNX file of opset 17, found 13; export it again'),
    (small_model(), 'expected model.json in the metadata'),
    (small_model(op='Concat', **{'model.json': '{}'}), 'onnxruntime .* cannot load it')])
def test_files_that_are_refused(tmp_path, content, message):
    path = tmp_path / 'x.onnx'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as raised:
        onnx_file.open_model(path)
    assert '\n' not in str(raised.value)


def test_ops_that_tf2onnx_writes_otherwise_than_tensorflow_computes():
    """12 to 23 came out as 22; nearest neighbours and padded transposed convolutions were others."""
    x = np.random.default_rng(0).normal(size=(2, 12, 12, 3)).astype(np.float32)
    rng = np.random.default_rng(1)
    kernels = {size: rng.normal(size=(size, size, 5, 3)).astype(np.float32) for size in (3, 4)}

    def up(x, size):
        return tf.nn.conv2d_transpose(x, kernels[size], [tf.shape(x)[0], 24, 24, 5], 2,
                                      [[0, 0], [1, size - 3], [1, size - 3], [0, 0]])

    function = tf.function(lambda x: {
        'aligned': tf.raw_ops.ResizeBilinear(images=x, size=[23, 23], align_corners=True),
        'nearest': tf.image.resize(x, [18, 31], 'nearest'), 'three': up(x, 3), 'four': up(x, 4),
        'softmax': tf.nn.softmax(x)})
    model = onnx_file.converted(Portable(function, [tf.TensorSpec([None, 12, 12, 3], tf.float32, 'x')], None, [], {}))
    session = runtime.InferenceSession(model.SerializeToString(), providers=['CPUExecutionProvider'])
    found = dict(zip([output.name for output in session.get_outputs()], session.run(None, {'x': x})))
    for name, wanted in function(tf.constant(x)).items():
        np.testing.assert_allclose(found[name], wanted, atol=1e-5, err_msg=name)


def test_a_stage_is_written_by_the_tool(finished, tmp_path):
    _, workdir = finished
    done = call('export_model', '--config', workdir / 'config.yaml', '--workdir', workdir, '--method', 'three',
                '--stage', 'labels', '--onnx', tmp_path / 'labels.onnx', '--output', tmp_path / 'both')
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-3:-1] == [f'ONNX: {tmp_path / "labels.onnx"}', f'SavedModel: {tmp_path / "both/1"}']
    session, description = onnx_file.open_model(tmp_path / 'labels.onnx')
    assert (description['kind'], description['stage'], description['produces']) == ('generator', 'labels', ['labels'])
    draw = tf.saved_model.load(str(tmp_path / 'both' / '1')).signatures['serving_default']
    dots = records.load_arrays(records.read_info(workdir / 'records' / 'train'), ['dots'])['dots'][:3]
    found, = session.run(None, {'dots': dots})
    assert (found != draw(dots=tf.constant(dots))['labels'].numpy()).mean() < 1e-3


def test_dropout_that_draws_is_an_input(finished, tmp_path):
    """pix2pix as published: the numbers of its dropout come from outside, and count."""
    paint = Stage('image', 'pix2pix', 'labels', ('image',), 'painted')
    config = tiny_config(pix2pix={'ngf': 2, 'levels': 6, 'ndf': 2, 'layers': 2, 'batch_size': 2})
    io = stages.stage_io(config, paint, records.read_info(finished[1] / 'records' / 'train').coding)
    network = stages.stage_networks(config, io)['generator']
    portable = portable_generator(io, network)
    exported = export.Exported(SimpleNamespace(weights=network.variables), {}, {'versions': {}}, lambda: portable)
    session, description = onnx_file.open_model(onnx_file.write(exported, tmp_path / 'painted.onnx'))
    assert [value.name for value in session.get_inputs()] == ['labels', 'dropout_0']
    assert 'uniform in [0, 1)' in description['onnx']['dropout_0']
    given = portable.examples[1]
    other = {**given, 'dropout_0': 1 - given['dropout_0']}
    first, second = (session.run(None, values)[0].astype(int) for values in (given, other))
    assert np.abs(first - second).max() > 1
    still = dataclasses.replace(io.settings, dropout=False)
    assert [spec.name for spec in portable_generator(io._replace(settings=still), network).inputs] == ['labels']


def test_the_readmes_lines_run(written, segment):
    lines = README.read_text().split('## ONNX')[1].split('```python')[1].split('```')[0]
    image = picture(50, 61)
    known = {'picture': image[0, ..., 0]}
    exec(lines.replace('smanet.onnx', str(written)), known)
    assert known['model']['classes'] == ['background', 'left_lung', 'heart', 'right_lung']
    np.testing.assert_array_equal(known['class_map'], segment(image)['class_map'])
    np.testing.assert_array_equal(known['probabilities'], segment(image)['probabilities'])


def test_something_is_to_be_written(finished):
    done = call('export_model', '--config', finished[1] / 'config.yaml', '--workdir', finished[1], '--regime', 'real')
    assert done.returncode == 2 and 'expected --output, --onnx or both' in done.stderr
