"""Updates with rates, rhythms and groups of their own, through the loop; batches of two sources."""
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from models.adversarial import Group, Update
from pipelines.data import batches
from pipelines.training import checkpoints, logs, loop
from pipelines.training.task import Phase, Task


class Weights(tf.keras.Model):
    """Three numbers that training moves."""

    def __init__(self):
        super().__init__()
        self.slow, self.fast, self.rare = (tf.Variable(0.0, name=name) for name in ('slow', 'fast', 'rare'))


def task_of(steps=5):
    network = Weights()
    often = Update('often', [network.slow, network.fast], lambda batch, made: (
        network.slow + network.fast + 0 * batch['x'], {}), rate=0.5,
        groups=(Group([network.slow], rate=0.1),))
    rare = Update('rare', [network.rare], lambda batch, made: (network.rare + 0 * batch['x'], {}), every=2)
    phase = Phase('all', steps, lambda step: 0.1, (often, rare),
                  lambda first: tf.data.Dataset.from_tensors({'x': 1.0}).repeat(),
                  {'x': tf.TensorSpec([])})
    return Task('toy', {'network': network}, (phase,), (0.0, 0.9))


def test_rates_and_rhythm(tmp_path):
    """Adam moves by its rate where the gradient is always 1: 0.1 * 0.5, a tenth of it, and 3 times of 5."""
    task = task_of()
    loop.train(task, tmp_path, log_every=1)
    network = task.networks['network']
    assert network.fast.numpy() == pytest.approx(-5 * 0.05, rel=1e-5)
    assert network.slow.numpy() == pytest.approx(-5 * 0.005, rel=1e-5)
    assert network.rare.numpy() == pytest.approx(-3 * 0.1, rel=1e-5)
    rows = logs.read_rows(tmp_path / 'losses.jsonl')
    assert ['rare_loss' in row for row in rows] == [True, False, True, False, True]


def test_the_clock_of_the_progress_bar_stands_while_graphs_are_built(tmp_path, monkeypatch):
    told = []

    class Bar:
        def __init__(self, **options):
            told.append(options['total'])

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def __getattr__(self, name):
            return lambda: told.append(name)

    monkeypatch.setattr(loop.progress, 'bar', Bar)
    task = task_of(2)
    loop.train(task._replace(phases=task.phases * 2), tmp_path)
    assert told == [4, 'unpause', 'update', 'update', 'unpause', 'update', 'update']


@pytest.mark.parametrize('takes, saved', [(0.125, range(20, 701, 20)), (6.0, [20, 320, 620, 700])])
def test_saving_takes_two_per_cent_of_the_time_at_most(tmp_path, monkeypatch, takes, saved):
    """By a clock that a step moves by a second and a save by what it takes: of 6 s each, they are 300 s apart."""
    now, found = [0.0], []

    def write(checkpoint, path):
        found.append(int(path.name.split('-')[1]))
        now[0] += takes
        path.parent.mkdir(exist_ok=True)

    def rate(step):
        now[0] += 1
        return 0.1

    monkeypatch.setattr(loop, 'time', SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(checkpoints, 'write', write)
    task = task_of(700)
    phase, = task.phases
    loop.train(task._replace(phases=(phase._replace(learning_rate=rate),)), tmp_path, checkpoint_seconds=20)
    assert found == list(saved)


def test_the_rhythm_goes_on_after_a_kill(tmp_path):
    for steps in (1, 2, 3, 4):
        loop.train(task_of(steps), tmp_path)
        (tmp_path / 'finished.json').unlink()
    task = task_of(5)
    loop.train(task, tmp_path)
    assert task.networks['network'].rare.numpy() == pytest.approx(-0.3, rel=1e-5)
    reader = tf.train.load_checkpoint(str(checkpoints.latest(tmp_path / 'checkpoints')))
    assert reader.get_tensor('step/.ATTRIBUTES/VARIABLE_VALUE') == 5


def test_two_sources_stand_side_by_side():
    def counted(first, name):
        return tf.data.Dataset.range(first, 9).map(lambda step: {name: step})

    found = batches.zipped({'train': counted(0, 'image'), 'target': counted(4, 'image')})
    rows = [{key: int(value) for key, value in row.items()} for row in found.take(2)]
    assert rows == [{'train_image': 0, 'target_image': 4}, {'train_image': 1, 'target_image': 5}]
    np.testing.assert_equal(sorted(found.element_spec), ['target_image', 'train_image'])
