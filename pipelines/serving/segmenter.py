"""A trained segmenter with everything that belongs to using it, as it is exported."""
from __future__ import annotations

from typing import Callable, Optional

import tensorflow as tf

from models.sliding_window import sliding_window_probabilities, window_batch_probabilities
from pipelines.data import pixels
from pipelines.data.resampling import resampled
from pipelines.segmentation.predict import predict_probabilities
from pipelines.segmentation.trained import Trained
from pipelines.serving import encoded


class Segmenter(tf.Module):
    """What is exported: a network with everything that belongs to using it.

    Args:
      size, crop: of the square that is segmented, and of the windows in it.
      fit, grey: of the section of the config whose pictures it is for, see plan.transfers.shown_as.
      threshold: above which probability a pixel is of the only class, see serving/threshold.py; None = where that is
        likelier than all else.
      by_windows: of models.sliding_window; a loop is what takes least memory.

    Attributes:
      segment: the function `serving_default`.
      without_loop: -> the same for graphs that leave TensorFlow.
    """

    def __init__(self, trained: Trained, size: int, crop: int, channels: int, fit: str = 'pad', grey: str = 'equal',
                 threshold: Optional[float] = None, by_windows: Callable = sliding_window_probabilities):
        super().__init__()
        if threshold is not None and len(trained.targets.names) > 1:
            raise ValueError(f'threshold: expected none of several classes, {trained.targets.names}')
        image = tf.TensorSpec([None, None, None, channels], tf.float32, 'image')
        self.segment = tf.function(self._segment, input_signature=[image])
        self.channels, self.fit, self.grey = channels, fit, grey
        # Only the weights are tracked: the network's own Keras functions need not be saved.
        self.weights = list(trained.variables)
        self.size, self.targets, self.threshold = size, tuple(trained.targets.names), threshold
        self.is_overlapping = trained.targets.is_overlapping
        self.predict = lambda images: predict_probabilities(trained.network, images, crop, trained.targets, by_windows)
        self.seen = trained.seen
        self.without_loop = lambda: Segmenter(
            trained, size, crop, channels, fit, grey, threshold, window_batch_probabilities)

    def _segment(self, image):
        # a NaN would spread over the picture and come back as a class
        image = tf.debugging.assert_all_finite(image, 'image: expected finite pixels, found NaN or infinity')
        height, width = tf.shape(image)[1], tf.shape(image)[2]
        small, box = pixels.fitted(image, self.size, self.fit)
        small = tf.ensure_shape(small, [None, self.size, self.size, self.channels])
        found = tf.image.crop_to_bounding_box(self.predict(self.seen(small)), *box)
        probabilities = resampled(found, height, width, is_enlarged=True)
        if not self.is_overlapping:
            found = tf.argmax(probabilities, -1) if self.threshold is None else probabilities[..., 1] > self.threshold
            return {'class_map': tf.cast(found, tf.uint8), 'probabilities': probabilities}
        above = 0.5 if self.threshold is None else self.threshold
        masks, numbers = tf.cast(probabilities > above, tf.int32), [*range(1, len(self.targets) + 1)]
        painted = tf.reduce_max(masks * numbers, axis=-1)  # later ones over earlier
        return {'class_map': tf.cast(painted, tf.uint8), 'masks': tf.cast(masks, tf.uint8),
                'probabilities': probabilities}

    @tf.function(input_signature=[tf.TensorSpec([], tf.string, 'data')])
    def segment_encoded(self, data):
        """`segment` of the bytes of one picture file."""
        return self.segment(encoded.decoded(data, self.channels, self.grey)[None])
