"""Our networks, losses and gradient penalty repeat every array that the official code computed.

All .npz files of tests/data, or of the folder that PARITY_DIR names: `meta`, 'weight/<name>', and
inputs and outputs under their official names. All follows from `meta`; the numbers are random.
"""
import os
import re
from pathlib import Path

import numpy as np
import pytest

from models.official import networks as networks_of
from pipelines.serving import official

FOLDER = Path(os.environ.get('PARITY_DIR') or Path(__file__).parent / 'data')
FILES = [pytest.param(path, id=path.stem) for path in sorted(FOLDER.glob('*.npz'))]
NO_OUTPUTS = re.compile(r'meta|latents|real|fake|mixing_factors|x|labels|targets_\d+|(weight|input)/.*')
# Networks of a file that holds several: their trainer's, or both of a pair.
PARTS = {'munit.AdaINGen', 'munit.VAEGen', 'munit.MsImageDis', 'progressive_growing_of_gans.G_paper',
         'progressive_growing_of_gans.D_paper'}
# What leaves no trace in weights; that a U-Net's padding does not either is why nothing is inferred for it.
UNTOLD = ('mbstd_group_size', 'targets_nc')


def assert_repeats_every_array(source, networks):
    errors = official.relative_errors(source, networks)
    with np.load(source.path, allow_pickle=False) as file:
        outputs = {name for name in file.files if not NO_OUTPUTS.fullmatch(name)}
    assert outputs and set(errors) == outputs
    assert {name: error for name, error in errors.items() if not error <= official.tolerance(name)} == {}


def test_there_are_files():
    assert FILES, f'no .npz in {FOLDER}'


def test_every_official_network_has_its_file_here():
    """What a clone proves rests on no other folder."""
    known = {net for family in networks_of._FAMILIES for net in family.nets}
    here = {official.read(path).meta['net'] for path in (Path(__file__).parent / 'data').glob('*.npz')}
    assert PARTS < known and here == known - PARTS


@pytest.mark.parametrize('path', FILES)
def test_official_arrays_are_repeated(path):
    source = official.read(path)
    assert_repeats_every_array(source, official.load(source))


@pytest.mark.parametrize('path', FILES)
def test_weights_alone_tell_the_network(path):
    source = official.read(path)
    if not source.tensors:
        pytest.skip('a loss without a network')
    meta = networks_of.infer_meta(source.tensors)
    assert set(networks_of.arguments(source.meta)) <= set(meta)
    meta.update({name: source.meta[name] for name in UNTOLD if name in meta})
    if source.meta['net'] == 'cyclegan.ResnetGenerator' and meta['net'] == 'pix2pixhd.GlobalGenerator':
        assert meta['n_downsampling'] == 2   # the same names and numbers
        meta['net'] = source.meta['net']
    inferred = source._replace(meta={**source.meta, **meta})
    if inferred.meta != source.meta:  # else it is the network that the other test puts to the proof
        assert_repeats_every_array(inferred, official.load(inferred))
