"""A segmenter with a critic: the critic sees real masks and predicted ones, the network also wants its praise."""
from __future__ import annotations

import dataclasses

import tensorflow as tf

from models.adversarial import Update
from models.segmenters.losses import cross_entropy, mask_cross_entropy


@dataclasses.dataclass(frozen=True)
class Options:
    """Of the toy."""
    width: int = 4


class Net(tf.keras.Model):
    """Two convolutions."""

    def __init__(self, num_outputs, channels, width):
        super().__init__()
        self.layers_ = [tf.keras.layers.Conv2D(width, 3, padding='same', activation='relu'),
                        tf.keras.layers.Conv2D(num_outputs, 3, padding='same')]
        self(tf.zeros([1, 8, 8, channels]))

    def call(self, image, key=None, training=False):
        for layer in self.layers_:
            image = layer(image)
        return image


def build(num_outputs, channels, seed, width):
    """The network."""
    tf.keras.utils.set_random_seed(seed)
    return Net(num_outputs, channels, width)


def helpers(num_outputs, channels, seed, width):
    """The critic."""
    critic = tf.keras.Sequential([tf.keras.layers.Conv2D(width, 3, 2, activation='relu'),
                                  tf.keras.layers.GlobalAveragePooling2D(), tf.keras.layers.Dense(1)])
    critic.build([None, 8, 8, num_outputs])
    return {'critic': critic}


def updates(networks):
    """The critic, then the network."""
    network, critic = networks['network'], networks['critic']

    def predicted(batch):
        logits = network(batch['image'], batch['key'], training=True)
        return logits, (tf.nn.softmax if batch['label'].shape.rank == 3 else tf.nn.sigmoid)(logits)

    def real(batch, channels):
        if batch['label'].shape.rank == 4:
            return tf.cast(batch['label'], tf.float32)
        return tf.one_hot(tf.cast(batch['label'], tf.int32), channels)

    def loss_of_critic(batch, made):
        _, guess = predicted(batch)
        return tf.reduce_mean(critic(guess) ** 2 + (critic(real(batch, guess.shape[-1])) - 1) ** 2), {}

    def loss_of_network(batch, made):
        logits, guess = predicted(batch)
        entropy = cross_entropy if batch['label'].shape.rank == 3 else mask_cross_entropy
        praise = tf.reduce_mean((critic(guess) - 1) ** 2)
        return entropy(batch['label'], logits) + 0.1 * praise, {'praise': praise}

    return (Update('critic', critic.trainable_variables, loss_of_critic, every=2),
            Update('segmentation', network.trainable_variables, loss_of_network))
