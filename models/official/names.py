"""What the names and shapes of official tensors tell: which network, and its arguments.

Official tensors come under several spellings: PGGAN's with the network before them ('G/', 'D/', or
'Gs/' for the average of G) or without, Pix2PixHD's with PyTorch's DataParallel before them
('module.') or without, its discriminator with hidden features ('scale0_layer1.0') or not
('layer0.2').
"""
from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

from models.pggan.networks import level_of

Tensors = Mapping[str, np.ndarray]
Meta = Dict[str, Any]

# What official networks carry beside weights. PyTorch before 0.4 wrote running statistics even for
# instance norm, which never reads them.
STATE = ('lod', 'running_mean', 'running_var', 'num_batches_tracked')


def is_tensor(name: str) -> bool:
    """Whether this is a name of a network's tensor, and not of its input or output."""
    return re.split('[./]', name)[-1] in ('weight', 'bias') + STATE


def canonical(tensors: Tensors) -> Dict[str, np.ndarray]:
    """The weights in the one spelling that `import_pggan` and `import_pix2pixhd` know.

    Raises:
      ValueError: two spellings of one name.
    """
    weights = {name: array for name, array in tensors.items()
               if re.split('[./]', name)[-1] not in STATE}
    if any(_SIDE.search(name) for name in weights):
        spelled = {_pggan_name(name, weights): array for name, array in weights.items()}
    else:
        spelled = {_pix2pixhd_name(name): array for name, array in weights.items()}
    if len(spelled) < len(weights):
        raise ValueError("tensors: expected every name once, some come with and without 'module.'; "
                         'save one network')
    return spelled


def infer_meta(tensors: Tensors) -> Meta:
    """The `meta` of a parity file, as far as weights tell it.

    PGGAN's feature maps give an fmap_base and an fmap_max that lead to the same maps. Groups of the
    minibatch standard deviation leave no trace but the map: the official 4 is taken.

    Args:
      tensors: in any spelling.

    Raises:
      ValueError: the names are of none of the networks, or a telling tensor is missing.
    """
    tensors = canonical(tensors)
    for infer in (_pggan, _discriminator, _local_enhancer, _global_generator):
        meta = infer(tensors)
        if meta:
            return meta
    shown = ', '.join(sorted(tensors)[:3]) or 'none'
    raise ValueError(f'tensors: expected the names of a PGGAN or Pix2PixHD network, found {shown}; '
                     'save them under their official names')


_SIDE = re.compile(r'(?:^|/)(\d+)x\1/')


def _pggan_name(name: str, tensors: Tensors) -> str:
    if not any(other.startswith(('G/', 'Gs/', 'D/')) for other in tensors):
        return ('D/' if any('FromRGB' in other for other in tensors) else 'G/') + name
    if any(other.startswith('G/') for other in tensors):
        return name
    return re.sub('^Gs/', 'G/', name)


def _pix2pixhd_name(name: str) -> str:
    name = re.sub(r'^module\.', '', name)
    # One list of layers: convolution, activation, then convolution, norm, activation repeated.
    return re.sub(r'^layer(\d+)\.(\d+)\.',
                  lambda found: f'scale{found[1]}_layer{(int(found[2]) + 1) // 3}.0.', name)


def _pggan(tensors: Tensors) -> Optional[Meta]:
    sides = [int(match[1]) for match in map(_SIDE.search, tensors) if match]
    if not sides:
        return None
    top = level_of(max(sides))
    scopes = {level: f'{2**level}x{2**level}' for level in range(2, top + 1)}
    meta, maps, parts = {}, {}, []
    if any(name.startswith('G/') for name in tensors):
        parts.append('G_paper')
        meta['latent_size'] = _shape(tensors, 'G/4x4/Dense/weight', 2)[0]
        meta['num_channels'] = _shape(tensors, 'G/ToRGB_lod0/weight', 4)[3]
        for level, scope in scopes.items():
            last = 'Conv' if level == 2 else 'Conv1'
            maps[level], = _shape(tensors, f'G/{scope}/{last}/bias', 1)
    if any(name.startswith('D/') for name in tensors):
        parts.append('D_paper')
        meta['num_channels'] = _shape(tensors, 'D/FromRGB_lod0/weight', 4)[2]
        maps[1], = _shape(tensors, 'D/4x4/Dense0/bias', 1)
        for level, scope in scopes.items():
            first = 'Conv' if level == 2 else 'Conv0'
            maps[level], = _shape(tensors, f'D/{scope}/{first}/bias', 1)
        has_deviation = _shape(tensors, 'D/4x4/Conv/weight', 4)[2] > maps[2]
        meta['mbstd_group_size'] = 4 if has_deviation else 1
    fused = 'Conv1_down' if 'D_paper' in parts else 'Conv0_up'
    return {'net': f'progressive_growing_of_gans.{"/".join(parts)}', **meta,
            'resolution': 2 ** top, 'fmap_max': max(maps.values()),
            'fmap_base': max(count * 2 ** (level - 1) for level, count in maps.items()),
            'fused_scale': any(fused in name for name in tensors)}


def _discriminator(tensors: Tensors) -> Optional[Meta]:
    scales = _numbers(tensors, r'scale(\d+)_layer\d+\.0\.weight')
    if not scales:
        return None
    layers = _numbers(tensors, r'scale\d+_layer(\d+)\.0\.weight')
    ndf, input_nc, _, _ = _shape(tensors, 'scale0_layer0.0.weight', 4)
    return {'net': 'pix2pixhd.MultiscaleDiscriminator', 'input_nc': input_nc, 'ndf': ndf,
            'n_layers': len(layers) - 2, 'num_D': len(scales)}


def _local_enhancer(tensors: Tensors) -> Optional[Meta]:
    enhancers = _numbers(tensors, r'model(\d+)_1\.1\.weight')
    if not enhancers:
        return None
    _, input_nc, downsamplings, blocks, _ = _trunk(tensors)
    last = f'model{enhancers[-1]}'
    head = _numbers(tensors, rf'{last}_2\.(\d+)\.weight')[-1:]
    return {'net': 'pix2pixhd.LocalEnhancer', 'input_nc': input_nc,
            'output_nc': _shape(tensors, f'{last}_2.{head[0] if head else 0}.weight', 4)[0],
            'ngf': _shape(tensors, f'{last}_1.1.weight', 4)[0],
            'n_downsample_global': downsamplings, 'n_blocks_global': blocks,
            'n_local_enhancers': len(enhancers),
            'n_blocks_local': len(_numbers(tensors, rf'{last}_2\.(\d+)\.conv_block\.1\.weight'))}


def _global_generator(tensors: Tensors) -> Optional[Meta]:
    if 'model.1.weight' not in tensors:
        return None
    ngf, input_nc, downsamplings, blocks, last = _trunk(tensors)
    return {'net': 'pix2pixhd.GlobalGenerator', 'input_nc': input_nc,
            'output_nc': _shape(tensors, f'model.{last}.weight', 4)[0], 'ngf': ngf,
            'n_downsampling': downsamplings, 'n_blocks': blocks}


def _trunk(tensors: Tensors) -> Tuple[int, int, int, int, int]:
    """-> (ngf, input_nc, downsamplings, blocks, number of the last convolution).

    One convolution, then as many down as up, then the last one, which a local enhancer drops.
    """
    ngf, input_nc, _, _ = _shape(tensors, 'model.1.weight', 4)
    convolutions = _numbers(tensors, r'model\.(\d+)\.weight')
    _check_no_norms(tensors, convolutions)
    blocks = _numbers(tensors, r'model\.(\d+)\.conv_block\.1\.weight')
    return ngf, input_nc, (len(convolutions) - 1) // 2, len(blocks), convolutions[-1]


def _check_no_norms(tensors: Tensors, numbers: List[int]) -> None:
    for number in numbers:
        if np.ndim(tensors[f'model.{number}.weight']) == 1:
            raise ValueError(f"tensors['model.{number}.weight']: expected convolutions only, found "
                             'a norm with weights; train the network with --norm instance')


def _numbers(tensors: Tensors, pattern: str) -> List[int]:
    """The different numbers that fit the pattern's group in some name, sorted."""
    return sorted({int(match[1]) for match in (re.fullmatch(pattern, name) for name in tensors)
                   if match})


def _shape(tensors: Tensors, name: str, rank: int) -> Tuple[int, ...]:
    if name not in tensors:
        raise ValueError(f'tensors: {name!r} is missing; save all tensors of the network')
    shape = np.shape(tensors[name])
    if len(shape) != rank:
        raise ValueError(f'tensors[{name!r}]: expected {rank} axes, found shape {shape}; save the '
                         'tensors as the official code holds them')
    return shape
