"""A model whose predictions tell images apart, and the records that it reads."""
import numpy as np
import pytest
import tensorflow as tf

from datasets.labels import CHEST
from datasets.readers import Request, open_dataset
from datasets.targets import targets_of
from pipelines.data import prepare
from pipelines.plan.config import Data
from pipelines.serving import export

COUNT, SIZE = 6, 40
TARGETS = targets_of(CHEST)
CLASSES = ['background', *CHEST.targets]


def predicted(image):
    """What the fake model says of an image [S, S]: stripes whose place tells images apart."""
    class_map = np.zeros((SIZE, SIZE), np.uint8)
    column = int(image.sum()) % (SIZE - 12)
    for value in (1, 2, 3):
        class_map[:, column + 4 * (value - 1):column + 4 * value - 1] = value
    return class_map


def fake_segment(images):
    class_maps = [predicted(image[..., 0]) for image in images.numpy()]
    return {'class_map': tf.constant(np.stack(class_maps))}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    output = tmp_path_factory.mktemp('reading') / 'records'
    phantoms = open_dataset('phantom', Request(None, 'test', count=COUNT, size=SIZE))
    prepare.write_records(phantoms, output, 'test', SIZE, 1, 0, Data('phantom'))
    return output


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setattr(export, 'load_segmenter',
                        lambda model: (fake_segment, {'classes': CLASSES}))
