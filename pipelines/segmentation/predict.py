"""From standardised pictures to class probabilities; the same in validation, export and benchmark."""
from __future__ import annotations

from typing import Callable

import tensorflow as tf

from datasets.targets import Targets
from models.sliding_window import sliding_window_probabilities


def predict_probabilities(network, images: tf.Tensor, crop: int, targets: Targets,
                          by_windows: Callable = sliding_window_probabilities) -> tf.Tensor:
    """Standardised pictures [N, H, W, C] -> probabilities [N, H, W, outputs] by sliding window.

    They sum to 1 over the background and the classes; of classes that may overlap each is by itself.

    Args:
      by_windows: of models.sliding_window.
    """
    return by_windows(
        lambda windows: network(windows, training=False), images, crop, targets.num_outputs,
        activation=tf.nn.sigmoid if targets.is_overlapping else tf.nn.softmax)


def decided(probabilities: tf.Tensor, targets: Targets) -> tf.Tensor:
    """Probabilities -> the likeliest class of each pixel int32 [N, H, W], or of classes that may overlap
    masks int32 [N, H, W, classes], where they are likelier than not."""
    if targets.is_overlapping:
        return tf.cast(probabilities > 0.5, tf.int32)
    return tf.argmax(probabilities, -1, output_type=tf.int32)
