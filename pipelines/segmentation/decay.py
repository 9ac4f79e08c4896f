"""Weight decay of a segmenter, and which of its weights it is for."""
from __future__ import annotations

from typing import Tuple

import tensorflow as tf

from models.adversarial import Group, Update
from pipelines.plan.config import Segmenter

BIASES = ('bias', 'beta')  # last parts of Keras' names: biases, and the shifts of batch norm


def with_decay(updates: Tuple[Update, ...], network: tf.keras.Model, settings: Segmenter) -> Tuple[Update, ...]:
    """The updates, with the config's decay on the network's own weights; what they treat already is left to them.

    'weights': the two groups of the trainer that Oliveira and dos Santos 2018 name as their basis
    (ZijunDeng/pytorch-semantic-segmentation, train/voc-fcn): biases and shifts at twice the rate without decay, all
    else with it. [ours] It is the default, for the paper does not say.
    """
    if not settings.weight_decay:
        return updates
    own = {id(variable) for variable in network.trainable_variables}
    return tuple(update._replace(groups=update.groups + _groups(update, own, settings)) for update in updates)


def _groups(update: Update, own: set, settings: Segmenter) -> Tuple[Group, ...]:
    treated = {id(variable) for group in update.groups for variable in group.variables}
    free = [variable for variable in update.variables if id(variable) in own - treated]
    if settings.decayed == 'all':
        return (Group(free, decay=settings.weight_decay),)
    apart = [variable.name.split('/')[-1].split(':')[0] in BIASES for variable in free]
    return (Group([variable for variable, is_bias in zip(free, apart) if is_bias], rate=2.0),
            Group([variable for variable, is_bias in zip(free, apart) if not is_bias], decay=settings.weight_decay))
