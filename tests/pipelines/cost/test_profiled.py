"""Where the time of a run goes: each second once, by training and part."""
import json

import pytest

from datasets.errors import InputError
from pipelines.cost import profiled
from pipelines.experiment import run as experiment
from pipelines.experiment import steps
from pipelines.training import loop
from tests.pipelines.training.test_loop import task_of


def ticking():
    """A clock that a call moves by nothing, and `pass_by` by seconds."""
    now = [0.0]
    return (lambda: now[0]), lambda seconds: now.__setitem__(0, now[0] + seconds)


def test_a_second_is_the_innermost_parts():
    clock, pass_by = ticking()
    watch = profiled.Stopwatch(clock)
    pass_by(100)  # before anything is under way
    with watch.on('rest'):
        pass_by(1)
        with watch.on('rest', 'dots'):
            pass_by(2)
            with watch.on('validation'):
                pass_by(4)
            with pytest.raises(RuntimeError):
                with watch.on('validation'):
                    pass_by(8)
                    raise RuntimeError
        pass_by(16)
    assert dict(watch.spent) == {('whole run', 'rest'): [17.0, 1], ('dots', 'rest'): [2.0, 1], ('dots', 'validation'): [12.0, 2]}


def test_a_training_is_taken_apart(tmp_path, monkeypatch):
    """Two graphs, of the even and of the odd steps: two first updates of five; whatever else a run does is a part of its own."""
    clock, pass_by = ticking()
    monkeypatch.setattr(steps, 'prepare', lambda: pass_by(64))
    monkeypatch.setattr(experiment, 'write_report', lambda: pass_by(128))
    whole = loop.step_graph

    def slow(*args):
        graph = whole(*args)

        def step(batch, learning_rate):
            pass_by(1)
            return graph(batch, learning_rate)
        return step

    monkeypatch.setattr(loop, 'step_graph', slow)

    def job():
        steps.prepare()
        loop.train(task_of(), tmp_path)
        experiment.write_report()

    spent = profiled.profile(job, clock)
    assert loop.step_graph is slow  # as it was
    assert {key: tuple(value) for key, value in spent.items()} == {
        ('whole run', 'rest'): (0.0, 1), ('whole run', 'records'): (64.0, 1), ('toy', 'rest'): (0.0, 1),
        ('toy', 'first updates'): (2.0, 2), ('toy', 'updates'): (3.0, 3), ('toy', 'saved states'): (0.0, 1),
        ('whole run', 'report'): (128.0, 1)}
    trained, others = profiled.tables(spent)
    assert trained.rows == [['toy', '5', '5', '2.5 %', '3.0', '2.0', '0.0', '0.0', '0.0']]
    assert others.rows[:2] == [['report', '1', '128.0', '65.0 %'], ['records', '1', '64.0', '32.5 %']]


def test_what_was_measured_is_kept(tmp_path):
    spent = {('dots', 'updates'): [1.5, 3], ('dots', 'sheets'): [0.25, 1]}
    profiled.write(tmp_path / 'profile.json', spent, {'device': 'one'})
    assert profiled.read(tmp_path / 'profile.json') == spent and profiled.tables(spent)[0].rows[0][-1] == '0.2'
    (tmp_path / 'other.json').write_text(json.dumps({'rows': [{'of': 1}]}))
    for name in ('other.json', 'none.json'):
        with pytest.raises(InputError, match=f'{name}: expected what tools/profile_run.py --output wrote'):
            profiled.read(tmp_path / name)
