"""A workdir opened, and a folder of drawn discs as its data set."""
import cv2
import numpy as np

from pipelines.experiment.opening import open_experiment
from pipelines.plan.matrix import arms_of
from tests.conftest import tiny_config


def opened(config, workdir, names=None, **options):
    """What was said while it was opened."""
    said = []
    open_experiment(config, workdir, arms_of(config), names, say=said.append, **options)
    return said


def draw_folder(source, ids, seed=0):
    """A folder of pictures with one bright disc each, four to learn from and two to test."""
    rng = np.random.default_rng(seed)
    for name in ('images', 'masks/disc'):
        (source / name).mkdir(parents=True)
    for id in ids:
        mask = np.zeros((40, 40), np.uint8)
        cv2.circle(mask, tuple(map(int, rng.integers(14, 26, 2))), 8, 255, -1)
        cv2.imwrite(str(source / 'images' / f'{id}.png'), mask // 2 + rng.integers(0, 60, mask.shape, np.uint8))
        cv2.imwrite(str(source / 'masks' / 'disc' / f'{id}.png'), mask)
    (source / 'coding.yaml').write_text('organs: [disc]\n')
    (source / 'train.txt').write_text('\n'.join(ids[:-2]))
    (source / 'test.txt').write_text('\n'.join(ids[-2:]))
    return source


def of_folder(source):
    return tiny_config(data={'dataset': 'folder', 'source': str(source), 'num_train': None, 'num_test': None},
                       regimes=['real'])
