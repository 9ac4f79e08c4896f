"""What one lane writes and the other must read: a checkpoint in mid-training, a SavedModel; and the same records.

    python -m tests.lanes      # writes those of this Python's lane anew, where their form moved on purpose
"""
import json
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import tensorflow as tf

from datasets import records
from datasets.targets import Targets
from models.adversarial import train_step
from models.segmenters.losses import segmentation_updates
from models.segmenters.unet import UNet
from pipelines.data import pixels
from pipelines.experiment import steps
from pipelines.runtime.versions import versions
from pipelines.segmentation.trained import Trained
from pipelines.serving import export
from pipelines.training import checkpoints
from tests.conftest import tiny_config

DATA = Path(__file__).parent / 'data' / 'lanes'  # a folder for each lane
TARGETS = Targets(('bright',), (('bright',),))
SIZE, DONE, MORE = 16, 3, 2                      # px; steps before and after the checkpoint


class Training:
    """The smallest U-Net, its optimiser and their checkpoint, as a training has them."""

    def __init__(self):
        self.network = UNet(TARGETS.num_outputs, levels=1, width=0.125)
        self.updates = segmentation_updates({'network': self.network})
        self.state = checkpoints.State(SimpleNamespace(
            phases=[SimpleNamespace(updates=self.updates)], betas=(0.9, 0.999), mixed_precision=False,
            extras={}, networks={'network': self.network}), Path('nowhere'))

    def walk(self, steps: int) -> list:
        """The losses of the next steps; the batch depends on the step alone."""
        losses = []
        for _ in range(steps):
            rng = np.random.default_rng(int(self.state.step))
            image = rng.normal(size=(2, SIZE, SIZE, 1)).astype(np.float32)
            metrics = train_step(self.updates, self.state.optimizers, {
                'image': tf.constant(image), 'label': tf.constant(image[..., 0] > 0.5, tf.int32),
                'key': tf.zeros([2, 2], tf.int32)})
            losses.append(float(metrics['segmentation_loss']))
            self.state.step.assign_add(1)
        return losses

    def probabilities(self) -> np.ndarray:
        """What the exported network says of a picture of another size, float32 [20, 24, 2]."""
        return self.module().segment(picture())['probabilities'][0].numpy()

    def module(self) -> export.Segmenter:
        """As it is exported."""
        trained = Trained(self.network, pixels.standardise, TARGETS, self.network.variables, None, 'standardised')
        return export.Segmenter(trained, SIZE, SIZE, 1)


def picture() -> tf.Tensor:
    """A picture whose grey is no power of anything, float32 [1, 20, 24, 1]."""
    return tf.constant(np.random.default_rng(9).uniform(0, 255, (1, 20, 24, 1)), tf.float32)


def records_made(folder: Path) -> dict:
    """sha256 of the records of drawn, turned and shrunk chests, by shard."""
    steps.prepare(tiny_config(), folder)
    return {shard['file']: shard['sha256'] for split in ('train', 'test')
            for shard in records.read_info(folder / 'records' / split).shards}


def write(folder: Path) -> None:
    """The artefacts, and what the lane that wrote them computed with them."""
    with tempfile.TemporaryDirectory() as scratch:
        (folder / 'records.json').write_text(json.dumps(records_made(Path(scratch)), indent=1))
    training = Training()
    training.walk(DONE)
    checkpoints.write(training.state.checkpoint, folder / 'checkpoints' / f'{checkpoints.PREFIX}{DONE}')
    module = training.module()
    export.save(export.Exported(module, {'serving_default': module.segment}, {
        'kind': 'segmenter', 'classes': ['background', *TARGETS.names], 'targets': TARGETS.to_dict(),
        'versions': versions()}, lambda: None), folder / 'exported')
    np.save(folder / 'probabilities.npy', training.probabilities())
    (folder / 'next.json').write_text(json.dumps(training.walk(MORE)))


if __name__ == '__main__':
    name = '.'.join(tf.__version__.split('.')[:2])
    shutil.rmtree(DATA / name, ignore_errors=True)
    (DATA / name).mkdir(parents=True)
    write(DATA / name)
