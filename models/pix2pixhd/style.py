"""A style beside what Pix2PixHD is given: a smooth field of noise, of which one source makes many pictures.

[ours] One number all over a picture would be lost in the first instance normalisation, which takes the mean of every channel
away; so a style is a coarse grid, spread over the picture. A generator with a reconstruction term learns to overlook
noise; mode seeking (Mao et al., "Mode seeking generative adversarial networks for diverse image synthesis", CVPR 2019,
section 3.2) rewards two styles for two pictures.
"""
from __future__ import annotations

import numpy as np
import tensorflow as tf

EPSILON = 1e-5  # of the official code


def with_style(source: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
    """[N, H, W, C] and grids [N, K, K] -> [N, H, W, C + 1]: the last channel is the grid, bilinear between its numbers."""
    rows, columns = (tf.constant(_between(source.shape[axis], style.shape[1]), style.dtype) for axis in (1, 2))
    field = tf.einsum('hk,nkl,wl->nhw', rows, style, columns)
    return tf.concat([source, tf.cast(field, source.dtype)[..., None]], -1)


def _between(side: int, count: int) -> np.ndarray:
    """[side, count]: what each number of a line, the ends of which lie on the borders, counts at each pixel."""
    places = np.linspace(0, count - 1, side)
    return np.stack([np.interp(places, np.arange(count), one) for one in np.eye(count)], -1)


def mode_seeking(pictures: tf.Tensor, others: tf.Tensor, styles: tf.Tensor, other_styles: tf.Tensor) -> tf.Tensor:
    """One over how far two pictures of each source, [N, H, W, C], lie apart for how far their styles, [N, K, K], do:
    mean absolute differences; float32 (equation 2, as the official code turns it into a loss)."""
    pictures, others = (tf.cast(values, tf.float32) for values in (pictures, others))
    apart = tf.reduce_mean(tf.abs(pictures - others)) / tf.reduce_mean(tf.abs(styles - other_styles))
    return 1.0 / (apart + EPSILON)
