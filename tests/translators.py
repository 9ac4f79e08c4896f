"""Two drawn hospitals, and the smallest translators between them."""
import contextlib

import numpy as np
import pytest

from datasets import readers
from datasets.phantom.phantom import open_phantom
from tests.conftest import tiny_config

SMALL = {
    'cyclegan': {'ngf': 2, 'blocks': 1, 'ndf': 2, 'layers': 1, 'pool_size': 3, 'batch_size': 2, 'epochs': 2,
                 'decay_epochs': 1, 'identity_weight': 0.0, 'learning_rate': 5e-3},
    'unit': {'width': 4, 'blocks': 1, 'ndf': 2, 'epochs': 3, 'kl_weight': 0.01, 'learning_rate': 5e-3},
    'munit': {'width': 4, 'blocks': 1, 'mlp': 4, 'style': 2, 'ndf': 2, 'epochs': 3, 'learning_rate': 5e-3}}
TWO = {'data': {'dataset': 'phantom', 'size': 32, 'num_train': 6, 'num_test': 2, 'augment': 1, 'dots_size': 16,
                'dots_radius': 1},
       'sources': {'target': {'dataset': 'dull', 'num_train': 4, 'draw': 1, 'augment': 2, 'unlabelled': True}}}


def open_dull(asked):
    """Phantoms of which the middle greys are dark: no linear change of grey makes them those of the others."""
    dataset = open_phantom(asked.split, asked.count or 1, asked.size, asked.seed)

    def load(id):
        sample = dataset.load(id)
        return sample._replace(image=np.uint8(255 * (sample.image / 255) ** 3))
    return dataset._replace(load=load)


@contextlib.contextmanager
def two_hospitals():
    """The second of them, `dull`, is a data set inside."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(readers.READERS, 'dull', readers.Reader(open_dull, is_drawn=True))
        yield


def config_of(kind='munit', **changes):
    return tiny_config(**{**TWO, kind: {**SMALL[kind], **changes}, 'regimes': ['real']})
