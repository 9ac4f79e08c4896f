"""Records as a segmenter is given them: pictures as it is shown them, label maps as the classes that it finds."""
from __future__ import annotations

from typing import Callable, Dict, Sequence

import tensorflow as tf

from datasets import records
from datasets.targets import Targets
from pipelines.data import pixels
from pipelines.plan.config import Segmenter
from pipelines.segmentation.network import input_deviation


def normalised(images: tf.Tensor, settings: Segmenter, bits: int) -> tf.Tensor:
    """Pictures [..., H, W, C] -> float32 as the network is given them, see the config's `segmenter.greys`.

    Args:
      bits: 8 or 16, of the files that they come from; counts where greys are shown as they are.
    """
    images = tf.cast(images, tf.float32)
    if settings.greys == 'as_is':
        return images * (2 / (2 ** bits - 1)) - 1
    return pixels.standardise(images, input_deviation(settings))


def of_drawn(pictures: tf.Tensor, settings: Segmenter) -> tf.Tensor:
    """Pictures that a generator drew, [-1, 1], as a network is given them, gradients included. [ours] Such a one is normalised
    as those of records are; where greys are shown as they are, it is already."""
    return pictures if settings.greys == 'as_is' else normalised(pictures, settings, 8)


def prepare(settings: Segmenter, info: records.Info, targets: Targets, also: Sequence[str] = (),
            has_ignored: bool = False) -> Callable:
    """Parsed record -> float16 picture and classes, at the training size.

    Beside them what `classes` makes. A picture that is learned `also` is float16 in [-1, 1], stretched by its own greys
    as a GAN's pictures are [ours].

    Args:
      has_ignored: whether what stands beside these records has pixels that take no part; here then none do.
    """
    size, labels = settings.size, classes(settings.size, info, targets, has_ignored)

    def prepared(row):
        made = {'image': normalised(pixels.resize(row['image'], size, size), settings, info.bits),
                **{name: pixels.resize(pixels.stretch(row[name]), size, size) for name in also}}
        return {**{name: tf.cast(picture, tf.float16) for name, picture in made.items()}, **labels(row)}
    return prepared


def classes(size: int, info: records.Info, targets: Targets, has_ignored: bool = False
            ) -> Callable[[Dict[str, tf.Tensor]], Dict[str, tf.Tensor]]:
    """Parsed record -> 'label', uint8: a class of each pixel [S, S], or a mask of each class [S, S, classes]; and
    'ignored', 1 where a pixel takes no part, uint8 [S, S], in records that have such pixels, or stand beside them."""
    projection, members = (tf.constant(of(info.coding)) for of in (targets.projection, targets.members))

    def masks_of(codes):
        shares = pixels.resize(tf.cast(tf.gather(members, codes), tf.float32), size, size)
        return tf.ensure_shape(tf.cast(shares >= 0.5, tf.uint8), [size, size, len(targets.names)])

    def classes_of(codes):
        found = pixels.resize_labels(tf.gather(projection, codes), size, targets.num_outputs)
        return tf.ensure_shape(found, [size, size])

    def made(row):
        codes = tf.cast(row['labels'], tf.int32)
        found = {'label': masks_of(codes) if targets.is_overlapping else classes_of(codes)}
        if info.has_ignored:
            found['ignored'] = tf.ensure_shape(pixels.resize_labels(row['ignored'], size, 2), [size, size])
        elif has_ignored:
            found['ignored'] = tf.zeros([size, size], tf.uint8)
        return found
    return made
