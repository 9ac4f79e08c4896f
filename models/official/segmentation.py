"""What official segmentation networks computed, anew, run by run; shared by their families.

A run has a mode: 'eval' takes stored statistics of batch norms, 'train' those of the batch, and then stores; dropout
is off in both. Every run starts from the loaded weights.
"""
from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Optional

import numpy as np
import tensorflow as tf

from models.official.tensors import Arrays, Functions, Meta, Networks, Slot, nchw, nhwc, served
from models.segmenters.losses import pixel_loss

INPUTS = ('x', 'labels')
MODES = ('eval', 'train')
Slots = Mapping[str, Slot]
# (network, run's settings, image, labels or None) -> outputs by name, with 'loss' if there are labels
Compute = Callable[[tf.keras.Model, Mapping[str, Any], tf.Tensor, Optional[tf.Tensor]], Dict[str, tf.Tensor]]


def runs_of(meta: Meta, arrays: Arrays) -> Dict[str, Mapping[str, Any]]:
    """meta['runs'], or without them the modes that arrays are named by.

    Raises:
      ValueError: a run without a mode.
    """
    runs = meta.get('runs', {mode: {'mode': mode} for mode in MODES
                             if any(name.startswith(f'{mode}/') for name in arrays)})
    if not isinstance(runs, dict) or not all(
            isinstance(run, dict) and run.get('mode') in MODES for run in runs.values()):
        raise ValueError(f"meta['runs']: expected a mode of {', '.join(MODES)} for each, found "
                         f'{str(runs)[:60]}; write {{"eval": {{"mode": "eval"}}}}')
    return runs


def logits_and_loss(network, run: Mapping[str, Any], image: tf.Tensor,
                    labels: Optional[tf.Tensor]) -> Dict[str, tf.Tensor]:
    """'y', the logits, and 'loss', the cross entropy that most segmenters train by."""
    logits = network(image, None, training=run['mode'] == 'train')
    return {'y': logits} if labels is None else {'y': logits, 'loss': pixel_loss(labels, logits)}


def replay_with(compute: Compute, slots_of: Callable[[Networks, Arrays], Slots]):
    """A family's `replay`: '<run>/<output>' of `compute`, and of the loss 'grad_x', 'grad_norms' of the tensors of
    meta['grad_norms'], and in training mode 'running_mean' and 'running_var' of the norms of meta['norms']."""
    def replay(networks: Networks, meta: Meta, arrays: Arrays) -> Dict[str, np.ndarray]:
        if 'x' not in arrays:
            return {}
        slots, network = slots_of(networks, {}), networks['segmenter']
        outputs = {}
        for name, run in runs_of(meta, arrays).items():
            before = network.get_weights()
            try:
                made = _run(compute, network, run, slots, meta, arrays)
            finally:
                network.set_weights(before)
            outputs.update({f'{name}/{key}': value for key, value in made.items()})
        return outputs
    return replay


def _run(compute: Compute, network, run, slots: Slots, meta: Meta, arrays: Arrays) -> Dict[str, np.ndarray]:
    image, labels = nhwc(arrays['x']), labels_of(arrays)
    names = meta.get('grad_norms', ())
    variables = [_slot(slots, 'grad_norms', name).variable for name in names]
    with tf.GradientTape() as tape:
        tape.watch(image)
        made = compute(network, run, image, labels)
    outputs = {name: as_official(value) for name, value in made.items()}
    if 'loss' in made:
        of_image, *of_variables = tape.gradient(made['loss'], [image, *variables],
                                                unconnected_gradients=tf.UnconnectedGradients.ZERO)
        outputs['grad_x'] = nchw(of_image)
        outputs['grad_norms'] = norms_of(of_variables)
    if run['mode'] == 'train' and meta.get('norms'):
        for end in ('running_mean', 'running_var'):
            outputs[end] = np.concatenate([_slot(slots, 'norms', f'{name}.{end}').variable.numpy()
                                           for name in meta['norms']])
    return outputs


def labels_of(arrays: Arrays) -> Optional[tf.Tensor]:
    """Classes int32 [N, H, W] or masks [N, H, W, K], None where there are none."""
    if 'labels' not in arrays:
        return None
    labels = tf.constant(arrays['labels'], tf.int32)
    return labels if labels.shape.rank == 3 else tf.transpose(labels, [0, 2, 3, 1])


def as_official(value: tf.Tensor) -> np.ndarray:
    """Maps NHWC -> NCHW; vectors and scalars as they are."""
    return nchw(value) if value.shape.rank == 4 else value.numpy()


def norms_of(gradients) -> np.ndarray:
    """The L2 norm of each, float32 [number]."""
    return np.array([tf.norm(gradient).numpy() for gradient in gradients], np.float32)


def _slot(slots: Slots, key: str, name: str) -> Slot:
    if name not in slots:
        raise ValueError(f'meta[{key!r}]: expected names of tensors, found {name!r}; take them from the weights')
    return slots[name]


def serve(networks: Networks, meta: Meta) -> Functions:
    """'segmenter': image [N, H, W, C] of any size that the network takes -> logits [N, H, W, K]."""
    channels = meta.get('input_nc', meta.get('color_type'))
    return {'segmenter': served(lambda image: {'logits': networks['segmenter'](image)},
                                [None, None, None, channels], 'image')}
