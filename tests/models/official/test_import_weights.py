"""Files of official weights: what is written from them, and what is refused in one line."""
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import InputError
from datasets.files import read_json
from models.official.networks import build, replay
from pipelines.serving import official as files
from pipelines.training import checkpoints
from tests.models.official.test_networks import without
from tests.pipelines.serving.test_official import DATA, ROOT, arrays_of, weights_of

TOOL = ROOT / 'tools' / 'import_weights.py'

LOAD_WITHOUT_US = '''
import sys
import numpy as np, tensorflow as tf
assert not any(name.split('.')[0] in ('models', 'pipelines', 'datasets') for name in sys.modules)
model = tf.saved_model.load(sys.argv[1])
x = np.load(sys.argv[2])['x'].transpose(0, 2, 3, 1)
image = model.signatures['serving_default'](source=tf.constant(x))['image']
np.save(sys.argv[3], image.numpy().transpose(0, 3, 1, 2))
'''


def test_the_tool_turns_a_state_dict_into_a_model_that_needs_tensorflow_only(tmp_path):
    name = 'pix2pixhd_local_enhancer_two'
    np.savez(tmp_path / 'g.npz', **{f'module.{n}': array for n, array in weights_of(name).items()})
    result = subprocess.run(
        [sys.executable, str(TOOL), '--source', str(tmp_path / 'g.npz'), '--output',
         str(tmp_path / 'new' / 'out')], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert 'pix2pixhd.LocalEnhancer: input_nc 4' in result.stdout
    out = tmp_path / 'new' / 'out'
    assert sorted(path.name for path in out.iterdir()) == [
        'generator', 'network.json', 'networks.data-00000-of-00001', 'networks.index',
        'networks.json']
    assert list(out.parent.iterdir()) == [out]
    subprocess.run([sys.executable, '-I', '-c', LOAD_WITHOUT_US, str(out / 'generator' / '1'),
                    str(DATA / f'{name}.npz'), str(tmp_path / 'y.npy')], check=True, cwd=tmp_path,
                   capture_output=True)
    y = arrays_of(name)['y']
    assert np.abs(np.load(tmp_path / 'y.npy') - y).max() <= 1e-4 * np.abs(y).max()


@pytest.mark.parametrize('name', ['pggan_groups', 'pggan_fused', 'pix2pixhd_discriminator_odd'])
def test_what_is_written_computes_the_same(name, tmp_path):
    said = []
    source = files.read(DATA / f'{name}.npz')
    files.import_weights(DATA / f'{name}.npz', tmp_path / 'out', said.append)
    assert any('largest relative error' in line for line in said)
    assert read_json(tmp_path / 'out' / 'network.json') == source.meta

    networks = build(source.meta)
    checkpoints.restore_snapshot(networks, tmp_path / 'out' / checkpoints.IMPORTED)
    outputs = replay(networks, source.meta, source.arrays)

    def call(role, argument, array):
        model = tf.saved_model.load(str(tmp_path / 'out' / role / '1'))
        array = np.transpose(array, (0, 2, 3, 1)) if array.ndim == 4 else array
        return model.signatures['serving_default'](**{argument: tf.constant(array)})

    if 'generator' in networks:
        image = call('generator', 'latent', source.arrays['latents'])['image']
        np.testing.assert_allclose(np.transpose(image, (0, 3, 1, 2)), outputs['lod0.0/generated'],
                                   atol=1e-4)
        scores = call('discriminator', 'images', source.arrays['real'])['scores']
        np.testing.assert_allclose(scores, outputs['lod0.0/real_scores'], atol=1e-4)
        assert scores.shape == (len(scores), 1)
    else:
        made = call('discriminator', 'images', source.arrays['real'])
        assert len(made) == 3 * 4
        for key, array in made.items():
            key = 'real_' + key.replace('scores', 'feature3')
            np.testing.assert_allclose(np.transpose(array, (0, 3, 1, 2)), outputs[key], atol=1e-4)


def refused(source, output):
    with pytest.raises(InputError) as error:
        files.import_weights(source, output, lambda line: None)
    assert '\n' not in str(error.value)
    assert not Path(output).exists() or not list(Path(output).glob('*/1'))
    assert not list(Path(output).parent.glob('.import-*'))
    return str(error.value)


def test_files_that_cannot_be_used_are_refused_in_one_line(tmp_path):
    path, output = tmp_path / 'x.npz', tmp_path / 'out'
    assert f'--source {path}: expected an .npz file, found none' in refused(path, output)
    path.write_bytes(b'nonsense')
    assert 'cannot be read' in refused(path, output)
    path.write_bytes((DATA / 'pggan.npz').read_bytes()[:40_000])
    assert 'cannot be read' in refused(path, output)
    damaged = bytearray((DATA / 'pggan.npz').read_bytes())
    damaged[5_000:5_010] = b'0123456789'
    path.write_bytes(damaged)
    assert 'write the file anew' in refused(path, output)
    np.savez(path, **{**arrays_of('unet_oliveira_same'), 'eval/y': np.array(['a picture'])})
    assert "expected arrays of numbers, found 'eval/y' of <U9" in refused(path, output)
    np.save(tmp_path / 'one.npy', np.zeros(3))
    assert 'a single one' in refused(tmp_path / 'one.npy', output)
    np.savez(path, a=np.array([{}], object))
    assert "found 'a' that cannot be read" in refused(path, output)
    assert 'cannot be read' in refused(tmp_path, output)
    np.savez(path, meta='[1]', **weights_of('pggan'))
    assert "expected 'meta' to be a JSON object, found '[1]'" in refused(path, output)


def test_a_pytorch_file_is_told_apart(tmp_path):
    import zipfile
    with zipfile.ZipFile(tmp_path / 'net.pth', 'w') as file:
        file.writestr('archive/data.pkl', b'pickled')
    assert 'a PyTorch file?' in refused(tmp_path / 'net.pth', tmp_path / 'out')


def test_contents_that_do_not_fit_are_refused_in_one_line(tmp_path):
    path, output = tmp_path / 'x.npz', tmp_path / 'out'
    arrays = arrays_of('pix2pixhd_global_generator')
    np.savez(path, **without(arrays, 'weight/model.4.bias'))
    assert f'--source {path}: tensors: 1 missing (first: model.4.bias)' in refused(path, output)
    np.savez(path, **{**arrays, 'y': arrays['y'] + 1})
    assert 'found y off by' in refused(path, output)
    np.savez(path, **{**arrays, 'x': arrays['x'][:, :, :2]})
    assert 'height and width must be at least' in refused(path, output)
    np.savez(path, **{**arrays, 'x': arrays['x'][:, :3]})
    assert f'--source {path}' in refused(path, output)
    np.savez(path, **{**arrays, 'mystery': np.zeros(2)})
    assert "array 'mystery'" in refused(path, output)
    np.savez(path, images=np.zeros(2))
    assert 'expected the names of a network that we have' in refused(path, output)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / 'notes.txt').write_text('mine')
    assert 'expected a new or empty folder' in refused(DATA / 'pggan.npz', tmp_path)
    assert 'expected a new or empty folder' in refused(DATA / 'pggan.npz', tmp_path / 'notes.txt')
    (tmp_path / 'empty').mkdir()
    files.import_weights(DATA / 'pix2pixhd_global_generator_oblong.npz', tmp_path / 'empty',
                         lambda line: None)
    assert (tmp_path / 'empty' / 'generator' / '1' / 'saved_model.pb').is_file()


def test_the_tool_says_it_in_one_line_and_exits_with_2(tmp_path):
    result = subprocess.run([sys.executable, str(TOOL), '--source', str(tmp_path / 'no.npz'),
                             '--output', str(tmp_path / 'out')], capture_output=True, text=True)
    assert result.returncode == 2 and result.stderr.count('\n') == 1
    assert result.stderr.startswith(f'error: --source {tmp_path / "no.npz"}: expected an .npz file')
