"""Official translators of sizes that no file has: weights tell them, replays are whole, damage is named in a line."""
import numpy as np
import pytest
import tensorflow as tf

from datasets.errors import InputError
from models.official import networks as official
from models.official.networks import build, infer_meta, load, replay
from models.pix2pixhd.networks import GlobalGenerator
from pipelines.serving import official as files
from pipelines.training import checkpoints
from tests.models.official.test_segmenters import made, spoilt

GEN = {'dim': 2, 'mlp_dim': 4, 'style_dim': 5, 'n_downsample': 1, 'n_res': 0}
UNIT_GEN = {'dim': 2, 'n_downsample': 3, 'n_res': 1}
DIS = {'dim': 2, 'n_layer': 1, 'num_scales': 3}
PIX2PIX = {'net': 'pix2pix.Pix2PixModel', 'input_nc': 2, 'output_nc': 1, 'ngf': 2, 'ndf': 3, 'n_layers': 2}
CYCLEGAN = {'net': 'cyclegan.CycleGANModel', 'input_nc': 1, 'output_nc': 1, 'ngf': 2, 'ndf': 2, 'n_layers': 1}
SUPERVISED = {'net': 'transfer.Supervised', 'input_nc': 2, 'width': 3, 'num_classes': 4}
# what weights tell
CASES = {
    'unet': {'net': 'pix2pix.UnetGenerator', 'input_nc': 2, 'output_nc': 3, 'num_downs': 7, 'ngf': 1,
             'norm': 'instance'},
    'unet_batch': {'net': 'pix2pix.UnetGenerator', 'input_nc': 1, 'output_nc': 2, 'num_downs': 6, 'ngf': 2,
                   'norm': 'batch'},
    'patchgan': {'net': 'pix2pix.NLayerDiscriminator', 'input_nc': 3, 'ndf': 2, 'n_layers': 4, 'norm': 'instance'},
    'patchgan_batch': {'net': 'pix2pix.NLayerDiscriminator', 'input_nc': 1, 'ndf': 3, 'n_layers': 2, 'norm': 'batch'},
    'resnet_dropout': {'net': 'cyclegan.ResnetGenerator', 'input_nc': 1, 'output_nc': 2, 'ngf': 2, 'n_blocks': 3,
                       'norm': 'batch', 'use_dropout': True},
    'pix2pix': {**PIX2PIX, 'num_downs': 5, 'norm': 'instance'},
    'pix2pix_batch': {**PIX2PIX, 'num_downs': 6, 'norm': 'batch'},
    'cyclegan': {**CYCLEGAN, 'n_blocks': 1, 'norm': 'instance', 'use_dropout': False},
    'cyclegan_batch': {**CYCLEGAN, 'n_blocks': 0, 'norm': 'batch', 'use_dropout': False},
    'cyclegan_unet': {**CYCLEGAN, 'num_downs': 5, 'norm': 'instance'},
    'munit': {'net': 'munit.MUNIT_Trainer', 'input_dim': 3, 'gen': GEN, 'dis': DIS},
    'unit': {'net': 'munit.UNIT_Trainer', 'input_dim': 2, 'gen': UNIT_GEN, 'dis': DIS},
    'munit_generator': {'net': 'munit.AdaINGen', 'input_dim': 3, 'gen': {**GEN, 'n_res': 2}},
    'unit_generator': {'net': 'munit.VAEGen', 'input_dim': 1, 'gen': UNIT_GEN},
    'munit_discriminator': {'net': 'munit.MsImageDis', 'input_dim': 2, 'dis': {**DIS, 'n_layer': 3}},
    'supervised_munit': {**SUPERVISED, 'translator': 'munit', 'config': GEN},
    'supervised_unit': {**SUPERVISED, 'translator': 'unit', 'config': UNIT_GEN},
}


def tensors_of(name):
    """Networks of a case and random weights for them, with the numbers that a dropout moves."""
    meta = CASES[name]
    networks, tensors = made(meta)
    if meta.get('use_dropout'):
        tensors = {key.replace('conv_block.6', 'conv_block.7').replace('conv_block.5', 'conv_block.6'): array
                   for key, array in tensors.items()}
    return meta, networks, tensors


@pytest.mark.parametrize('name', sorted(CASES))
def test_weights_tell_networks_of_any_size(name):
    meta, networks, tensors = tensors_of(name)
    told = infer_meta(tensors)
    assert {key: told[key] for key in meta} == meta
    load(networks, meta, tensors)
    official._family(meta).serve(networks, meta)   # of every network, whatever role it has


def inputs_of(meta, steps=2, side=32):
    rng = np.random.default_rng(1)
    channels = meta.get('input_nc', meta.get('input_dim'))
    picture = lambda count, *first: rng.normal(size=(*first, 2, count, side, side)).astype(np.float32)
    if meta['net'] in ('pix2pix.UnetGenerator', 'cyclegan.ResnetGenerator'):
        return {'x': picture(channels), 'cotangent': picture(meta['output_nc'])}
    if meta['net'] == 'pix2pix.NLayerDiscriminator':
        return {'real': picture(channels), 'fake': picture(channels)}
    if meta['net'] in (PIX2PIX['net'], CYCLEGAN['net']):
        return {'real_A': picture(channels, steps), 'real_B': picture(meta['output_nc'], steps),
                'pool_draws_A': rng.uniform(size=(steps, 2, 2)), 'pool_draws_B': rng.uniform(size=(steps, 2, 2))}
    if meta['net'].startswith('munit.MUNIT'):
        return {'x_a': picture(channels, steps), 'x_b': picture(channels, steps),
                **{f's_{name}': rng.normal(size=(steps, 2, meta['gen']['style_dim'], 1, 1)).astype(np.float32)
                   for name in ('a_dis', 'b_dis', 'a_gen', 'b_gen')}}
    halvings = meta['gen']['n_downsample'] if 'gen' in meta else 0
    code = (2 * 2 ** halvings, side >> halvings, side >> halvings)
    return {'x_a': picture(channels, steps), 'x_b': picture(channels, steps),
            **{f'n_{name}': rng.normal(size=(steps, 2, *code)).astype(np.float32)
               for name in ('a_dis', 'b_dis', 'a_gen', 'b_gen', 'a_recon_gen', 'b_recon_gen')}}


@pytest.mark.parametrize('name, more, expected', [
    ('unet_batch', {}, {'y', 'y_eval', 'grad_norm/y/model.model.0.weight'}),
    ('patchgan', {}, {'real_scores', 'lsgan/loss_D', 'vanilla/grad_norm/loss_G_GAN/input_fake'}),
    ('resnet_dropout', {}, {'y', 'grad_norm/y/model.10.conv_block.6.weight'}),
    ('pix2pix', {'modes': ['lsgan']}, {'lsgan/steps/loss_G', 'lsgan/static/grad_norm/loss_D/netD.model.0.weight'}),
    ('cyclegan_batch', {'lambda_identity': 0.0, 'pool_size': 1},
     {'steps/loss_D_B', 'static/loss_idt_A', 'static/rec_A', 'steps/state/netG_A.model.2.running_mean'}),
    ('cyclegan_unet', {'gan_mode': 'vanilla'}, {'steps/loss_D_A', 'static/idt_B'}),
    ('munit', {'weights': {'recon_x_w': 1, 'gan_w': 1}}, {'steps/loss_gen_total', 'static/loss_gen_cycrecon_x_a'}),
    ('unit', {'weights': {'recon_x_w': 1, 'gan_w': 1}}, {'steps/loss_gen_recon_kl_cyc_aba', 'static/dis_b_scale2'})])
def test_replays_of_other_sizes_are_whole_and_move_nothing(name, more, expected):
    meta, networks, tensors = tensors_of(name)
    load(networks, meta, tensors)
    before = {role: network.get_weights() for role, network in networks.items()}
    side = 64 if name in ('unet_batch', 'patchgan') else 32
    arrays = {f'input/{key}': array for key, array in inputs_of(meta, side=side).items()}
    outputs = replay(networks, {**meta, **more}, arrays)
    assert {f'output/{key}' for key in expected} <= set(outputs)
    assert all(np.isfinite(array).all() for array in outputs.values())
    assert all((a == b).all() for role, network in networks.items()
               for a, b in zip(before[role], network.get_weights()))


def test_cyclegans_generator_is_read_as_pix2pixhds():
    """With instance norm the two have the same names and compute the same."""
    meta = {**CASES['resnet_dropout'], 'norm': 'instance', 'use_dropout': False}
    networks, tensors = made(meta)
    told = infer_meta(tensors)
    assert told == {'net': 'pix2pixhd.GlobalGenerator', 'input_nc': 1, 'output_nc': 2, 'ngf': 2, 'n_downsampling': 2,
                    'n_blocks': 3}
    assert isinstance(build(told)['generator'], GlobalGenerator)
    # as PyTorch before 0.4 saved it
    old = {**tensors, 'model.2.running_mean': np.zeros(2, 'f4'), 'model.2.running_var': np.ones(2, 'f4')}
    load(networks, meta, old)


def test_given_dropout():
    meta, networks, tensors = tensors_of('resnet_dropout')
    load(networks, meta, tensors)
    arrays = {f'input/{key}': array for key, array in inputs_of(meta).items()}
    for number in range(3):
        arrays[f'input/dropout_keep_{number}'] = np.ones((2, 8, 8, 8), np.float32)
    arrays['input/dropout_keep_1'][:, :5] = 0
    dropped = replay(networks, meta, arrays)
    assert np.abs(dropped['output/y_dropout'] - dropped['output/y']).max() > 1e-2
    del arrays['input/dropout_keep_2']
    with pytest.raises(ValueError, match=r"dropout_keep_\*': expected \(2, 8, 8, 8\) \(NHWC\) next, found none"):
        replay(networks, meta, arrays)


@pytest.mark.parametrize('name, roles', [
    ('unet', {'generator': ['image']}), ('patchgan_batch', {'discriminator': ['scores']}),
    ('cyclegan', {'generator_a': ['image'], 'generator_b': ['image'], 'discriminator_a': ['scores'],
                  'discriminator_b': ['scores']}),
    ('munit', {'generator_a': ['image'], 'generator_b': ['image'], 'discriminator_a': None, 'discriminator_b': None}),
    ('unit_generator', {'generator': ['code', 'image']})])
def test_what_is_written(name, roles, tmp_path):
    meta, networks, tensors = tensors_of(name)
    load(networks, meta, tensors)
    np.savez(tmp_path / 'x.npz', **{f'module.{key}' if name == 'unet' else key: array
                                    for key, array in tensors.items()})
    files.import_weights(tmp_path / 'x.npz', tmp_path / 'out', lambda line: None)
    assert {path.name for path in (tmp_path / 'out').iterdir() if path.is_dir()} == set(roles)
    again = build(meta)
    checkpoints.restore_snapshot(again, tmp_path / 'out' / checkpoints.IMPORTED)
    for role, outputs in roles.items():
        assert all((a == b).all() for a, b in zip(again[role].get_weights(), networks[role].get_weights()))
        signature = tf.saved_model.load(str(tmp_path / 'out' / role / '1')).signatures['serving_default']
        side, channels = 128 if name == 'unet' else 32, meta.get('input_nc', meta.get('input_dim'))
        taken = {key: tf.random.stateless_normal([2, side, side, channels], [0, number])
                 for number, key in enumerate(sorted(signature.structured_input_signature[1]))}
        written = signature(**taken)
        if outputs is not None:
            assert sorted(written) == outputs
        if role == 'generator_a':
            a, b = networks['generator_a'], networks['generator_b']
            expected = a(taken['source']) if name == 'cyclegan' else a.decode(
                b.content(taken['source']), a.style(taken['example']))
            np.testing.assert_allclose(written['image'], expected, atol=1e-4)


@pytest.mark.parametrize('name, change, message', [
    ('unet', {'num_downs': 4}, r"meta\['num_downs'\]: expected at least 5, found 4"),
    ('unet', {'num_downs': 60}, r"meta\['num_downs'\]: expected a whole number from 1 to 12, found 60"),
    ('unet', {'norm': 'none'}, r"meta\['norm'\]: expected one of instance, batch, found 'none'"),
    ('cyclegan', {'n_blocks': None}, "meta: 'n_blocks': expected a whole number from 0 to 100, found None"),
    ('munit', {'gen': None}, "meta: 'dim': expected a whole number from 1 to 4096, found None"),
    ('munit', {'gen': {**GEN, 'pad_type': 'zero'}}, r"meta\['pad_type'\]: expected one of reflect, found 'zero'"),
    ('munit', {'dis': {**DIS, 'gan_type': 'nsgan'}}, r"meta\['gan_type'\]: expected one of lsgan, found 'nsgan'"),
    ('supervised_munit', {'translator': 'drit'}, r"meta\['translator'\]: expected one of munit, unit, cyclegan")])
def test_a_meta_that_builds_nothing(name, change, message):
    with pytest.raises(ValueError, match=message):
        build({**CASES[name], **change})


@pytest.mark.parametrize('name, change, message', [
    ('pix2pix', {'modes': ['wgan']}, r"meta\['modes'\]: expected some of vanilla, lsgan, found \['wgan'\]"),
    ('pix2pix', {'lambda_L1': 'much'}, "meta: 'lambda_L1': expected a number, found 'much'"),
    ('cyclegan', {'gan_mode': 'wgangp'}, r"meta\['gan_mode'\]: expected one of vanilla, lsgan"),
    ('cyclegan', {'pool_size': -1}, "meta: 'pool_size': expected a whole number from 0"),
    ('pix2pix', {'adam': {'learning_rate': None}}, "meta: 'learning_rate': expected a number, found None")])
def test_a_meta_that_trains_nothing(name, change, message):
    meta, networks, _ = tensors_of(name)
    arrays = {f'input/{key}': array for key, array in inputs_of(meta, 1).items()}
    with pytest.raises(ValueError, match=message):
        replay(networks, {**meta, **change}, arrays)


@pytest.mark.parametrize('change, message', [
    (lambda a: a.pop('input/s_b_gen'), "array 'input/s_b_gen': expected it beside the others, found none"),
    (lambda a: a.update({'input/x_b': a['input/x_b'][:1]}), 'expected .step, N, C, H, W. and as many steps of each'),
    (lambda a: a.update({'input/x_b': a['input/x_b'][0]}), 'expected .step, N, C, H, W.')])
def test_inputs_that_cannot_be_trained_on(change, message):
    meta, networks, _ = tensors_of('munit')
    arrays = {f'input/{key}': array for key, array in inputs_of(meta).items()}
    change(arrays)
    with pytest.raises(ValueError, match=message):
        replay(networks, meta, arrays)


def test_tensors_of_another_network_are_named():
    meta, networks, tensors = tensors_of('munit_generator')
    with pytest.raises(ValueError, match=r"'mlp.model.2.fc.weight'\]: expected shape \(\d+, 4\), found \(1, 4\)"):
        load(networks, meta, spoilt(tensors, 'mlp.model.2.fc.weight', np.zeros((1, 4), 'f4')))
    with pytest.raises(ValueError, match='1 missing .first: dec.model.2.norm.gamma'):
        load(networks, meta, spoilt(tensors, 'dec.model.2.norm.gamma', None))


@pytest.mark.parametrize('name, left_out', [('munit', 'dis_b'), ('cyclegan', 'netD_A')])
def test_a_training_of_which_a_network_is_missing(name, left_out):
    _, _, tensors = tensors_of(name)
    with pytest.raises(ValueError, match=f'expected .*{left_out}.*, found only some of them; save all'):
        infer_meta({key: array for key, array in tensors.items() if not key.startswith(left_out)})


def test_what_meta_does_not_say_is_read_from_the_weights(tmp_path):
    meta, _, tensors = tensors_of('supervised_munit')
    np.savez(tmp_path / 'x.npz', meta='{"net": "transfer.Supervised", "translator": "munit", "note": "more"}',
             **{f'weight/{key}': array for key, array in tensors.items()})
    assert files.read(tmp_path / 'x.npz').meta == {**meta, 'note': 'more'}
    np.savez(tmp_path / 'x.npz', meta='{"net": "pix2pix.UnetGenerator"}',
             **{f'weight/{key}': array for key, array in tensors.items()})
    with pytest.raises(InputError, match=r"meta\['input_nc'\]: expected a whole number"):
        files.load(files.read(tmp_path / 'x.npz'))
