"""What segmentation networks minimise: mostly pixel-wise cross entropy, no class weights [ours]; Dice losses."""
from __future__ import annotations

from typing import Callable, Dict, Optional, Tuple

import tensorflow as tf

from models.adversarial import Batch, Update


def cross_entropy(labels: tf.Tensor, logits: tf.Tensor, ignored: Optional[tf.Tensor] = None) -> tf.Tensor:
    """Mean over all pixels of -log softmax(logits)[label], in float32.

    Args:
      labels: integers [N, H, W] in 0 .. classes - 1; others raise on CPU and give NaN on GPU.
      logits: [N, H, W, classes].
      ignored: 1 where a pixel takes no part, [N, H, W]; None = all do.
    """
    return _mean(tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.cast(labels, tf.int32), logits=tf.cast(logits, tf.float32)), ignored)


def mask_cross_entropy(masks: tf.Tensor, logits: tf.Tensor, ignored: Optional[tf.Tensor] = None) -> tf.Tensor:
    """Mean over pixels and classes of the binary cross entropy, in float32: classes may overlap.

    Args:
      masks: 0 or 1, [N, H, W, classes].
      logits: [N, H, W, classes].
      ignored: as `cross_entropy`.
    """
    return _mean(tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.cast(masks, tf.float32), logits=tf.cast(logits, tf.float32)), -1), ignored)


def pixel_accuracy(labels: tf.Tensor, logits: tf.Tensor, ignored: Optional[tf.Tensor] = None) -> tf.Tensor:
    """Fraction of pixels whose largest logit is that of their label; shapes as `cross_entropy`, or of
    those of all masks on the right side of 0, as `mask_cross_entropy`."""
    if labels.shape.rank == 4:
        return _mean(tf.reduce_mean(tf.cast(tf.equal(logits > 0, labels > 0), tf.float32), -1), ignored)
    correct = tf.equal(tf.argmax(logits, -1, output_type=tf.int32), tf.cast(labels, tf.int32))
    return _mean(tf.cast(correct, tf.float32), ignored)


def _mean(values: tf.Tensor, ignored: Optional[tf.Tensor]) -> tf.Tensor:
    """Over the pixels that take part; 0 where none does."""
    if ignored is None:
        return tf.reduce_mean(values)
    weights = tf.cast(tf.equal(ignored, 0), tf.float32)
    return tf.math.divide_no_nan(tf.reduce_sum(values * weights), tf.reduce_sum(weights))


def pixel_loss(labels: tf.Tensor, logits: tf.Tensor, ignored: Optional[tf.Tensor] = None) -> tf.Tensor:
    """`cross_entropy` of labels [N, H, W], or `mask_cross_entropy` of masks [N, H, W, classes]."""
    entropy = mask_cross_entropy if labels.shape.rank == 4 else cross_entropy
    return entropy(labels, logits, ignored)


def masks_of(labels: tf.Tensor, num_classes: int) -> tf.Tensor:
    """Labels [N, H, W] one-hot, or masks [N, H, W, classes] as they are: float32 [N, H, W, classes]."""
    if labels.shape.rank == 4:
        return tf.cast(labels, tf.float32)
    return tf.one_hot(tf.cast(labels, tf.int32), num_classes)


def probabilities_of(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Softmax of the logits where labels are [N, H, W], sigmoid where they are masks that may overlap."""
    return (tf.nn.sigmoid if labels.shape.rank == 4 else tf.nn.softmax)(logits)


def dice_per_class(labels: tf.Tensor, logits: tf.Tensor, ignored: Optional[tf.Tensor] = None) -> tf.Tensor:
    """Minus the sum over classes of 2 sum(p y) / (sum(p) + sum(y)), sums over batch and pixels, p sigmoid.

    Shapes as `pixel_loss`. Source: Novikov et al. 2018 as we read them; -classes at the best.
    """
    masks, guess = masks_of(labels, logits.shape[-1]), tf.nn.sigmoid(tf.cast(logits, tf.float32))
    if ignored is not None:
        known = tf.cast(tf.equal(ignored, 0), tf.float32)[..., tf.newaxis]
        masks, guess = known * masks, known * guess
    both = tf.reduce_sum(masks * guess, [0, 1, 2])
    return -tf.reduce_sum(tf.math.divide_no_nan(2 * both, tf.reduce_sum(masks + guess, [0, 1, 2])))


def pixel_dice_entropy(labels: tf.Tensor, logits: tf.Tensor, ignored: Optional[tf.Tensor] = None) -> tf.Tensor:
    """Mean over pixels of 1 - Dice over the pixel's classes, + cross entropy.

    Dice is (2 sum(p y) + 1) / (sum(p^2) + sum(y^2) + 1), p softmax.

    Args:
      labels, logits, ignored: as `cross_entropy`.
    """
    masks, guess = masks_of(labels, logits.shape[-1]), tf.nn.softmax(tf.cast(logits, tf.float32))
    dice = (2 * tf.reduce_sum(masks * guess, -1) + 1) / (tf.reduce_sum(masks ** 2 + guess ** 2, -1) + 1)
    return _mean(1 - dice, ignored) + cross_entropy(labels, logits, ignored)


def segmentation_updates(networks: Dict[str, tf.keras.Model]) -> Tuple[Update, ...]:
    """The updates of a segmenter that is trained by cross entropy alone; see plan/segmenters.py."""
    return (segmentation_update(networks['network']),)


def segmentation_update(network: tf.keras.Model, loss: Callable = pixel_loss) -> Update:
    """The only update of a segmentation network.

    Its batches: 'image' [N, H, W, C], 'label' uint8 or int32 [N, H, W], or masks [N, H, W, classes] of
    classes that may overlap, 'key' int32 [N, 2], one dropout key per sample, and, where some pixels take
    no part, 'ignored' uint8 [N, H, W].

    Args:
      network: called as network(image, key, training=True) -> logits [N, H, W, classes].
      loss: (labels, logits, ignored or None) -> scalar float32.
    """
    def loss_of(batch: Batch, made: Dict[str, tf.Tensor]) -> Tuple[tf.Tensor, Dict[str, tf.Tensor]]:
        del made
        logits = network(batch['image'], batch['key'], training=True)
        metrics = {'pixel_accuracy': pixel_accuracy(batch['label'], logits, batch.get('ignored'))}
        return loss(batch['label'], logits, batch.get('ignored')), metrics

    return Update('segmentation', network.trainable_variables, loss_of)
