"""From standardised pictures to class probabilities; the same in validation, export and benchmark."""
from __future__ import annotations

import tensorflow as tf

from models.sliding_window import sliding_window_probabilities


def predict_probabilities(network, images: tf.Tensor, crop: int, num_classes: int) -> tf.Tensor:
    """Standardised pictures [N, H, W, C] -> class probabilities by sliding window."""
    return sliding_window_probabilities(lambda windows: network(windows, training=False), images,
                                        crop, num_classes)
