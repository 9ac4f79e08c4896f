"""A statistical shape model of several organs: where each lies and its signed distances, their mean and principal components.

Sources: Leventon, Grimson and Faugeras 2000, "Statistical shape influence in geodesic active contours" (components of signed
distance maps); Cootes et al. 2001, section 3 (shape and what is measured in other units in one model, of equal variance). [ours]
Of each organ the centroid counts apart from its outline, which is taken about it: else a thin one that moves is nowhere sure.
"""
from __future__ import annotations

from typing import Tuple

import cv2
import numpy as np
import tensorflow as tf

REACH = 0.125   # [ours] distances beyond it, a share of the side, count alike: what lies far away has no say in a shape


class ShapeModel(tf.keras.Model):
    """Latents [N, L] from N(0, 1) -> distances float32 [N, side, side, organs], from -1 to 1, above 0 inside.

    Args:
      side: of the maps that it knows, px.
      deviations: latents are cut there: no shape is farther from the mean, component by component.
    """

    def __init__(self, latent_size: int, num_organs: int, side: int, deviations: float):
        super().__init__()
        self.latent_size, self.side, self.deviations = latent_size, side, deviations
        shapes = {'outline': [side, side, num_organs], 'place': [num_organs, 2]}
        self.mean = {name: self._weight(f'mean_{name}', shape) for name, shape in shapes.items()}
        self.components = {name: self._weight(f'components_{name}', [latent_size, *shape]) for name, shape in shapes.items()}
        self.built = True

    def _weight(self, name: str, shape) -> tf.Variable:
        return self.add_weight(name=name, shape=shape, initializer='zeros', trainable=False)

    def call(self, latents):
        latents = tf.clip_by_value(latents, -self.deviations, self.deviations)
        outline, place = (self.mean[name] + tf.tensordot(latents, self.components[name], 1) for name in ('outline', 'place'))
        return moved(outline, place)

    def fit(self, masks: np.ndarray) -> np.ndarray:
        """Learns from masks, bool [M, side, side, organs]; where there are fewer components than latents, the others say
        nothing.

        Returns:
          The share of the variance that each component explains, float64, the largest first.
        """
        outlines, places = zip(*map(described, masks))
        found = {'outline': np.stack(outlines), 'place': np.stack(places)}
        means = {name: values.mean(0) for name, values in found.items()}
        flat = {name: (values - means[name]).reshape(len(masks), -1) for name, values in found.items()}
        total = {name: max(float(np.square(values).sum()), 1e-12) for name, values in flat.items()}
        weights = {name: 1 / np.sqrt(total[name]) for name in flat}
        both = np.concatenate([weights[name] * flat[name] for name in flat], axis=1).astype(np.float64)
        values, vectors = np.linalg.eigh(both @ both.T)
        kept = [number for number in np.argsort(-values)[:self.latent_size] if values[number] > 1e-6 * values.max()]
        for name in found:
            components = np.zeros(self.components[name].shape, np.float32)
            for at, number in enumerate(kept):  # a latent of 1 is a deviation of 1
                components[at] = (vectors[:, number] @ flat[name] / np.sqrt(len(masks))).reshape(means[name].shape)
            self.mean[name].assign(means[name])
            self.components[name].assign(components)
        return values[kept] / values.clip(0).sum()


def moved(outline: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """Distances [N, S, S, O] about the middle of the frame -> about places [N, O, 2] in shares of the side; -1 beyond."""
    side, organs = outline.shape[1], outline.shape[3]
    shifts = tf.reshape(place * side - (side - 1) / 2, [-1, 2])
    ones, zeros = tf.ones_like(shifts[:, 0]), tf.zeros_like(shifts[:, 0])
    matrices = tf.stack([ones, zeros, -shifts[:, 1], zeros, ones, -shifts[:, 0], zeros, zeros], -1)
    apart = tf.reshape(tf.transpose(outline, [0, 3, 1, 2]), [-1, side, side, 1])
    drawn = tf.raw_ops.ImageProjectiveTransformV3(images=apart, transforms=matrices, output_shape=[side, side],
                                                  interpolation='BILINEAR', fill_mode='CONSTANT', fill_value=-1.0)
    return tf.transpose(tf.reshape(drawn, [-1, organs, side, side]), [0, 2, 3, 1])


def described(masks: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Masks bool [S, S, O] -> (distances about the middle, float32 of that shape, -1 of an organ that is not there; its
    centroid (row, column) in shares of the side, float32 [O, 2], the middle of one that is not there)."""
    side, organs = masks.shape[1:]
    outline, place = np.full(masks.shape, -1, np.float32), np.full([organs, 2], (side - 1) / 2 / side, np.float32)
    for organ in range(organs):
        rows, columns = np.nonzero(masks[..., organ])
        if len(rows):
            place[organ] = rows.mean() / side, columns.mean() / side
            outline[..., organ] = moved(distances(masks[..., organ])[None, ..., None], tf.constant(
                [[((side - 1) / side) - place[organ]]], tf.float32)).numpy()[0, ..., 0]
    return outline, place


def distances(mask: np.ndarray) -> np.ndarray:
    """Signed distance to the outline, float32 [S, S]: positive inside, 1 = REACH, and at most that."""
    mask = np.pad(mask, 1).astype(np.uint8)   # beyond the frame is outside
    inside, outside = (cv2.distanceTransform(one, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for one in (mask, 1 - mask))
    signed = np.where(mask > 0, inside - 0.5, 0.5 - outside)[1:-1, 1:-1]
    return np.clip(signed / (REACH * len(signed)), -1, 1).astype(np.float32)
