"""Official segmentation networks of sizes that no file has: weights tell them, runs do not meet, damage is named."""
import json

import numpy as np
import pytest
import tensorflow as tf

from models.official import networks as official
from models.official.networks import build, infer_meta, load, relative_errors, replay
from pipelines.runtime import determinism
from pipelines.serving import official as files

NET = 'pytorch_semantic_segmentation.'
# meta and the size of its pictures
CASES = {
    'fcn8s': ({'net': NET + 'FCN8s', 'input_nc': 2, 'num_classes': 3, 'width': 2, 'fc_width': 5}, (1, 9)),
    'fcn16s': ({'net': NET + 'FCN16VGG', 'input_nc': 1, 'num_classes': 5, 'width': 3, 'fc_width': 4}, (8, 3)),
    'fcn32s': ({'net': NET + 'FCN32VGG', 'input_nc': 3, 'num_classes': 2, 'width': 2, 'fc_width': 3}, (5, 5)),
    'unet': ({'net': NET + 'UNet', 'input_nc': 2, 'num_classes': 3, 'width': 2}, (19, 31)),
    'segnet': ({'net': 'segnet_pytorch.SegNet', 'input_nc': 3, 'num_classes': 5, 'width': 2}, (35, 18)),
    'segnet_zijun': ({'net': NET + 'SegNet', 'input_nc': 1, 'num_classes': 4, 'width': 2}, (32, 64)),
    'invertednet': ({'net': 'InvertedNet', 'input_nc': 3, 'num_classes': 2, 'width': 12, 'levels': 3}, (12, 8)),
    'invertednet_kth': ({'net': 'dd2424.InvertedNet', 'input_nc': 2, 'num_classes': 3, 'width': 8, 'levels': 3}, (12, 16)),
    'unetplusplus': ({'net': 'unetplusplus.UNetPlusPlus', 'color_type': 3, 'num_class': 2, 'width': 2,
                      'deep_supervision': False}, (16, 32)),
    'mtdg': ({'net': 'image_to_images_translation.pix2pix_MTdG', 'input_nc': 1, 'ngf': 2, 'ndf': 3,
              'targets_nc': [2]}, (256, 256)),
}
RUNS = {'first': {'mode': 'train'}, 'then': {'mode': 'eval'}}


def made(meta, seed=0):
    """(networks, random weights under official names for them; a module's under each of its names)."""
    networks, rng, known = build(meta), np.random.default_rng(seed), {}
    slots = official._family(meta).slots(networks, {})
    for slot in slots.values():
        value = rng.normal(size=slot.shape).astype(np.float32)
        known.setdefault(id(slot.variable), 0.3 * (np.abs(value) + 1 if len(slot.shape) == 1 else value))
    return networks, {name: known[id(slot.variable)] for name, slot in slots.items()}


def arrays_of(meta, size, seed=1):
    rng = np.random.default_rng(seed)
    channels, classes = meta.get('input_nc', meta.get('color_type')), meta.get('num_classes', meta.get('num_class'))
    arrays = {'x': rng.normal(size=(2, channels, *size)).astype(np.float32)}
    if 'targets_nc' in meta:
        return {**arrays, 'targets_1': rng.uniform(-1, 1, (2, meta['targets_nc'][0], *size)).astype(np.float32)}
    shape = (2, classes, *size) if meta['net'] in ('InvertedNet', 'unetplusplus.UNetPlusPlus') else (2, *size)
    return {**arrays, 'labels': rng.integers(0, 2, shape).astype(np.uint8)}


@pytest.mark.parametrize('name', sorted(CASES))
def test_weights_tell_networks_of_any_size_and_runs_do_not_meet(name):
    meta, size = CASES[name]
    networks, tensors = made(meta)
    assert infer_meta(tensors) == meta
    load(networks, meta, tensors)
    norms = [key[:-len('.running_var')] for key in tensors if key.endswith('.running_var')]
    told = {**meta, 'runs': RUNS, 'norms': norms, 'grad_norms': sorted(tensors)[:2]} if 'ngf' not in meta else {
        **meta, 'runs': {'train': {'mode': 'train'}}}
    arrays = arrays_of(meta, size)
    outputs = replay(networks, told, arrays)
    assert all(np.isfinite(value).all() for value in outputs.values())
    # in the other order: else a run had left its running statistics behind
    other = {**told, 'runs': dict(reversed(list(told['runs'].items())))}
    errors = relative_errors(networks, other, {**arrays, **outputs})
    assert set(errors) == set(outputs) and max(errors.values()) == 0
    if 'first/running_var' in outputs:
        assert outputs['first/running_var'].shape == (sum(len(tensors[f'{norm}.weight']) for norm in norms),)
        assert np.abs(outputs['first/y'] - outputs['then/y']).max() > 1e-3 * np.abs(outputs['then/y']).max()


def saved_by_pytorch(tensors):
    """DataParallel's names, and the counters of batches beside running statistics."""
    counters = {name.replace('running_var', 'num_batches_tracked'): np.int64(3) for name in tensors
                if name.endswith('running_var')}
    return {f'module.{name}': value for name, value in {**tensors, **counters}.items()}


def test_what_is_written_is_a_model_of_any_size(tmp_path):
    meta, (height, width) = CASES['invertednet']
    networks, tensors = made(meta)
    np.savez(tmp_path / 'x.npz', **saved_by_pytorch(tensors))
    said = []
    files.import_weights(tmp_path / 'x.npz', tmp_path / 'out', said.append)
    assert said[0].startswith('InvertedNet: input_nc 3')
    load(networks, meta, tensors)
    x = tf.constant(arrays_of(meta, (height, 2 * width))['x'].transpose(0, 2, 3, 1))
    model = tf.saved_model.load(str(tmp_path / 'out' / 'segmenter' / '1')).signatures['serving_default']
    expected = networks['segmenter'](x).numpy()
    np.testing.assert_allclose(model(image=x)['logits'], expected, atol=1e-5 * np.abs(expected).max())


def test_a_file_without_meta_keeps_running_statistics(tmp_path):
    meta, _ = CASES['segnet_zijun']
    _, tensors = made(meta)
    np.savez(tmp_path / 'x.npz', **saved_by_pytorch(tensors), **{'train/running_mean': np.zeros(2, 'f4')})
    source = files.read(tmp_path / 'x.npz')
    assert source.meta == meta and list(source.arrays) == ['train/running_mean']
    network = files.load(source)['segmenter']
    np.testing.assert_array_equal(network.decoder[0][3].norm.moving_variance, tensors['dec5.11.running_var'])


@pytest.mark.parametrize('name', ['invertednet_kth', 'mtdg'])
def test_tensorflow_names_variables_with_a_number_behind_biases_too(name, tmp_path):
    meta, _ = CASES[name]
    _, tensors = made(meta)
    np.savez(tmp_path / 'x.npz', **{f'{key}:0': value for key, value in tensors.items()})
    source = files.read(tmp_path / 'x.npz')
    assert source.meta == meta and not source.arrays
    files.load(source)


def test_a_meta_may_say_what_weights_do_not_and_no_more(tmp_path):
    meta, _ = CASES['unet']
    np.savez(tmp_path / 'x.npz', meta=json.dumps({'padding': 'valid'}), **made(meta)[1])
    source = files.read(tmp_path / 'x.npz')
    assert source.meta == {**meta, 'padding': 'valid'} and files.load(source)['segmenter'].padding == 'valid'


def spoilt(tensors, name, value):
    return {**{key: array for key, array in tensors.items() if key != name}, **({} if value is None else {name: value})}


@pytest.mark.parametrize('name, tensor, value, message', [
    ('unet', 'dec1.1.running_mean', None, r'1 missing \(first: dec1.1.running_mean\), 0 left over'),
    ('segnet_zijun', 'dec5.4.weight', np.zeros((16, 16, 3, 3), 'f4'), "numbers of 'dec5.1.weight', the same module"),
    ('invertednet_kth', 'conv2d_99/bias', np.zeros(3, 'f4'), '1 left over .first: conv2d_99/bias'),
    ('unet', 'dec4.decode.6.weight', np.zeros((16, 4, 2, 2), 'f4'), r'expected shape \(16, 8, 2, 2\), found'),
    ('fcn8s', 'score_fr.6.bias', np.full(3, np.nan, 'f4'), 'found NaN')])
def test_tensors_of_another_network_are_named_and_change_nothing(name, tensor, value, message):
    meta, _ = CASES[name]
    networks, tensors = made(meta)
    before = networks['segmenter'].get_weights()
    with pytest.raises(ValueError, match=message):
        load(networks, meta, spoilt(tensors, tensor, value))
    assert all(np.array_equal(a, b) for a, b in zip(before, networks['segmenter'].get_weights()))


@pytest.mark.parametrize('change, message', [
    ({'runs': ['eval']}, r"meta\['runs'\]: expected a mode of eval, train for each"),
    ({'runs': {'a': {'mode': 'test'}}}, r"meta\['runs'\]"),
    ({'runs': RUNS, 'grad_norms': ['nothing.weight']}, r"meta\['grad_norms'\]: expected names of tensors, found"),
    ({'runs': RUNS, 'norms': ['enc1_1']}, r"meta\['norms'\].*found 'enc1_1.running_mean'")])
def test_a_meta_that_leads_nowhere(change, message):
    meta, size = CASES['invertednet']
    with pytest.raises(ValueError, match=message):
        replay(build(meta), {**meta, **change}, arrays_of(meta, size))


@pytest.mark.parametrize('meta, message', [
    ({'net': NET + 'UNet', 'input_nc': 1, 'num_classes': 2, 'width': 2, 'padding': 'full'}, 'padding: expected one of'),
    ({'net': 'medai.ScanFCN', 'input_nc': 3, 'num_classes': 2}, r"meta\['input_nc'\]: expected 1, found 3"),
    ({'net': 'InvertedNet', 'input_nc': 1, 'num_classes': 2, 'width': 8, 'levels': 99}, r'from 1 to 12, found 99'),
    ({**CASES['mtdg'][0], 'targets_nc': 6}, r"meta\['targets_nc'\]: expected the channels of each target")])
def test_a_meta_that_builds_nothing(meta, message):
    with pytest.raises(ValueError, match=message):
        build(meta)


def at_a_tie():
    """U-Net++ where two places of each pooling window differ by less than float32 has; (meta, arrays of a file)."""
    meta = {**CASES['unetplusplus'][0], 'color_type': 2, 'runs': {'eval': {'mode': 'eval'}}}
    _, tensors = made(meta)
    for name in ('conv11_1', 'conv11_2'):
        tensors[f'{name}/kernel'], tensors[f'{name}/bias'] = np.zeros((3, 3, 2, 2), 'f4'), np.zeros(2, 'f4')
        tensors[f'{name}/kernel'][1, 1, 0, 0] = 1
    tensors['conv11_1/kernel'][1, 1, 1, 0] = 2.0 ** -30
    meta['grad_norms'] = ['conv11_1/kernel', 'conv41_1/kernel']
    arrays = arrays_of({**meta, 'input_nc': 2}, (16, 32))
    arrays['x'][:, 0], arrays['x'][:, 1] = 1, 0
    arrays['x'][:, 1, ::2, 1::2] = 1     # neither the first nor the last place of a window
    with determinism.precision('float64'):
        networks = build(meta)
        load(networks, meta, tensors)
        arrays.update(replay(networks, meta, arrays))
    return meta, {**arrays, **{f'weight/{name}': value for name, value in tensors.items()}}


def test_a_gradient_that_rounding_turns_at_a_tie_is_compared_in_float64(tmp_path):
    meta, arrays = at_a_tie()

    def errors_of(**changed):
        np.savez(tmp_path / 'x.npz', meta=json.dumps(meta), **{**arrays, **changed})
        source = files.read(tmp_path / 'x.npz')
        networks = files.load(source)
        return relative_errors(networks, meta, source.arrays), files.relative_errors(source, networks)

    in_float32, errors = errors_of()
    assert in_float32['eval/grad_x'] > 1e-2 and max(errors.values()) <= files.TOLERANCE and errors.keys() == in_float32.keys()
    assert tf.keras.mixed_precision.global_policy().name == 'float32'
    # what is wrong in both stays wrong, and outputs are those of float32 whatever the gradients
    _, errors = errors_of(**{'eval/grad_x': 1.01 * arrays['eval/grad_x'], 'eval/y': arrays['eval/y'] + 0.01})
    assert errors['eval/grad_x'] > 5e-3 and errors['eval/y'] > 5e-3
