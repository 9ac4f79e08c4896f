"""The Frechet distance of features and its gradient, float64: a loss without a network, by cases of meta['cases']."""
from __future__ import annotations

from typing import Dict

import numpy as np
import tensorflow as tf

from models.fid_loss import frechet_terms, side_of
from models.official.tensors import Arrays, Family, Meta, Networks
from models.official.translation import INPUTS, inputs_of

NOISE = 1e-6   # equal sets are no distance apart, and what is left of it and of its gradient is rounding


def replay(networks: Networks, meta: Meta, arrays: Arrays) -> Dict[str, np.ndarray]:
    """Of every case that has features: the distance, its gradient to the synthetic ones, and two of its terms."""
    del networks, meta
    given, outputs = inputs_of(arrays), {}
    for name in given:
        case, _, part = name.rpartition('/')
        if part != 'synthetic' or f'{case}/real' not in given:
            continue
        synthetic, real = (tf.constant(given[f'{case}/{side}'], tf.float64) for side in ('synthetic', 'real'))
        with tf.GradientTape() as tape:
            tape.watch(synthetic)
            distance, of_means, root = frechet_terms(side_of(synthetic), side_of(real))
        made = {'distance': distance, 'gradient': tape.gradient(distance, synthetic), 'mean_term': of_means,
                'trace_sqrt': root}
        outputs.update({f'output/{case}/{key}': value.numpy() for key, value in made.items()})
    return outputs


FAMILY = Family({'frechet.FrechetDistance': ()}, dict, lambda tensors: {}, lambda meta: {}, lambda *_: {}, INPUTS,
                replay, lambda *_: {}, NOISE)
