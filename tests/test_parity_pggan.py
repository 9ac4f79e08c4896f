"""PGGAN computes what the official networks compute, at every level of detail and between.

The files hold random numbers only. `PARITY_DIR` names another folder of files of the same form.
"""
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from models import import_pggan, wgan_gp
from models.equalized import box_downscale, nearest_upscale

FOLDER = Path(os.environ.get('PARITY_DIR') or Path(__file__).parent / 'data')


def read(path):
    with np.load(path, allow_pickle=False) as arrays:
        return json.loads(str(arrays['meta'])) if 'meta' in arrays else {}, dict(arrays)


FILES = [path for path in sorted(FOLDER.glob('*.npz'))
         if read(path)[0].get('net', '').startswith('progressive_growing_of_gans')]
IDS = [path.stem for path in FILES]


def weights(arrays, network):
    prefix = f'weight/{network}/'
    return {name[len(prefix):]: array for name, array in arrays.items() if name.startswith(prefix)}


def load(path):
    meta, arrays = read(path)
    generator, discriminator = import_pggan.build_official(meta)
    import_pggan.load_generator(generator, weights(arrays, 'G'))
    import_pggan.load_discriminator(discriminator, weights(arrays, 'D'))
    return generator, discriminator, arrays


def nhwc(array):
    return tf.constant(np.transpose(array, (0, 2, 3, 1)))


def assert_close(ours, official):
    assert np.shape(ours) == official.shape
    assert np.abs(np.asarray(ours) - official).max() <= 1e-4 * np.abs(official).max()


def test_there_are_files():
    assert FILES


@pytest.mark.parametrize('path, lod', [
    pytest.param(path, lod, id=f'{path.stem}-lod{lod}')
    for path in FILES for lod in read(path)[0]['lods']])
def test_images_scores_norms_and_losses(path, lod):
    generator, discriminator, arrays = load(path)
    halvings = math.floor(lod)
    level, factor = generator.top_level - halvings, 2 ** halvings
    alpha = 1.0 if lod == halvings else tf.constant(1.0 - (lod - halvings), tf.float32)
    real, fake = (box_downscale(nhwc(arrays[name]), factor) for name in ('real', 'fake'))

    @tf.function
    def compute():
        generated = generator(arrays['latents'], level=level, alpha=alpha)
        score = lambda images: discriminator(images, level=level, alpha=alpha)
        pieces = wgan_gp.discriminator_loss(score, real, fake, arrays['mixing_factors'][:, 0, 0, 0],
                                            gradient_scale=factor)
        return nearest_upscale(generated, factor), pieces, wgan_gp.generator_loss(score, fake)

    generated, pieces, generator_loss = compute()
    official = {name.split('/')[1]: array for name, array in arrays.items()
                if name.startswith(f'lod{lod}/')}
    assert_close(np.transpose(generated, (0, 3, 1, 2)), official['generated'])
    assert_close(pieces.real_scores[:, None], official['real_scores'])
    assert_close(pieces.fake_scores[:, None], official['fake_scores'])
    assert_close(pieces.gradient_norms, official['mixed_gradient_norms'])
    assert_close(pieces.loss[:, None], official['d_loss_per_sample'])
    assert_close(generator_loss[:, None], official['g_loss_per_sample'])


@pytest.mark.parametrize('path', FILES, ids=IDS)
def test_a_wrong_set_of_tensors_is_refused_whole(path):
    generator, discriminator, arrays = load(path)
    before = discriminator.get_weights()
    tensors = weights(arrays, 'D')
    del tensors['4x4/Conv/bias']
    tensors['4x4/Foo/bias'] = np.zeros(1)
    with pytest.raises(ValueError, match='missing 4x4/Conv/bias, left over 4x4/Foo/bias; build'):
        import_pggan.load_discriminator(discriminator, tensors)

    tensors = {name: array + 1 for name, array in weights(arrays, 'D').items()}
    kernel = tensors['4x4/Dense1/weight']
    tensors['4x4/Dense1/weight'] = kernel.T
    with pytest.raises(ValueError, match='4x4/Dense1/weight.*expected shape .* found'):
        import_pggan.load_discriminator(discriminator, tensors)
    for old, new in zip(before, discriminator.get_weights()):
        np.testing.assert_array_equal(old, new)

    with pytest.raises(ValueError, match='left over'):
        import_pggan.load_generator(generator, weights(arrays, 'D'))


def test_fused_discriminator_weights_do_not_enter_an_unfused_one():
    meta, arrays = next((read(path) for path in FILES if read(path)[0]['fused_scale']), (None, {}))
    if not meta:
        pytest.skip('no file with fused_scale')
    _, discriminator = import_pggan.build_official({**meta, 'fused_scale': False})
    with pytest.raises(ValueError, match='missing .*Conv1/weight, left over .*Conv1_down.*fused'):
        import_pggan.load_discriminator(discriminator, weights(arrays, 'D'))


def test_the_state_of_an_official_network_is_no_left_over():
    meta, arrays = read(FILES[0])
    generator, _ = import_pggan.build_official(meta)
    import_pggan.load_generator(generator, {**weights(arrays, 'G'), 'lod': np.float32(0)})


def test_another_network_is_refused():
    with pytest.raises(ValueError, match=r"meta\['net'\].*found 'pix2pixhd.GlobalGenerator'"):
        import_pggan.build_official({'net': 'pix2pixhd.GlobalGenerator'})
