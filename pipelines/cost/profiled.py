"""Where the time of a whole run goes: a stopwatch around its parts, each second counted once.

The parts are the run's own functions, watched from outside; the time of a part is without that of the parts within it.
What they are called by is a training or the whole run. Of what tools/profile_run.py wrote into a file:

    python -m pipelines.cost.profiled pipelines/cost/profile.json     # the tables
"""
from __future__ import annotations

import collections
import contextlib
import functools
import json
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple
from unittest import mock

from datasets.errors import InputError
from datasets.files import write_json
from pipelines.experiment import run as experiment
from pipelines.experiment import steps
from pipelines.scores.table import Table, to_markdown
from pipelines.training import checkpoints, kept, logs, loop

WHOLE = 'whole run'
FIRST, LATER, REST = 'first updates', 'updates', 'rest'
TRAINING = (LATER, FIRST, 'validation', 'saved states', REST)
WATCHED = (  # what holds a function, its name, the part
    (steps, 'prepare', 'records'), (steps, 'segmenter_task', 'networks'), (steps, 'guided_task', 'networks'),
    (loop, '_validate', 'validation'), (checkpoints.State, 'save', 'saved states'), (logs.Logs, 'sheet', 'sheets'),
    (steps, 'generate', 'samples'), (steps, 'describe_samples', 'quality of samples'), (steps, 'exported', 'export'),
    (steps.evaluation, 'evaluate', 'scores'), (steps, 'predict_some', 'examples'), (steps, 'lay_out_reading', 'examples'),
    (experiment, 'write_report', 'report'))
NOTE = (f'{LATER}: all but the first of each graph; {FIRST}: the making of the graph with them; {REST}: start, batches, sheets. '
        'Seconds of this run, whatever else the machine did meanwhile.')

Spent = Dict[Tuple[str, str], List[float]]  # (of, part) -> [seconds, times]


class Stopwatch:
    """Seconds by (of, part): the innermost part that is under way has them."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter):
        self.spent: Spent = collections.defaultdict(lambda: [0.0, 0])
        self._clock, self._under_way, self._since = clock, [], clock()

    @contextlib.contextmanager
    def on(self, part: str, of: str = '') -> Iterator[None]:
        """A part begins, and ends; `of`: a training, else that of the part around it."""
        of = of or (self._under_way[-1][0] if self._under_way else WHOLE)
        self._add()
        self._under_way.append((of, part))
        self.spent[of, part][1] += 1
        try:
            yield
        finally:
            self._add()
            self._under_way.pop()

    def _add(self) -> None:
        now = self._clock()
        if self._under_way:
            self.spent[self._under_way[-1]][0] += now - self._since
        self._since = now


def profile(job: Callable[[], None], clock: Callable[[], float] = time.perf_counter) -> Spent:
    """Runs a job, most of it a run of an experiment, and returns where its time went."""
    watch = Stopwatch(clock)
    with contextlib.ExitStack() as patches, watch.on(REST):
        for place, name, part in WATCHED:
            patches.enter_context(mock.patch.object(place, name, _timed(watch, getattr(place, name), part)))
        patches.enter_context(mock.patch.object(loop, 'train', _of_task(watch, loop.train)))
        patches.enter_context(mock.patch.object(loop, 'step_graph', _graphs(watch, loop.step_graph)))
        kept.forget()  # graphs of before are not watched
        job()
        kept.forget()
    return watch.spent


def write(path, spent: Spent, made_with: Dict[str, Any]) -> None:
    """Into a file; `made_with`: the command, the machine and versions."""
    write_json(path, {'made_with': made_with, 'rows': [
        {'of': of, 'part': part, 'seconds': round(seconds, 3), 'times': times} for (of, part), (seconds, times) in spent.items()]})


def read(path) -> Spent:
    """What `write` wrote.

    Raises:
      InputError: something else.
    """
    try:
        rows = json.loads(Path(path).read_text(encoding='utf-8'))['rows']
        return {(row['of'], row['part']): [row['seconds'], row['times']] for row in rows}
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f'{path}: expected what tools/profile_run.py --output wrote, found something else') from None


def tables(spent: Spent) -> List[Table]:
    """A line for each training, the longest first; then a line for everything else."""
    whole = sum(seconds for seconds, _ in spent.values())
    of_all = {of: sum(seconds for (other, _), (seconds, _) in spent.items() if other == of) for of, _ in spent}
    names = sorted((of for of in of_all if of != WHOLE), key=lambda of: -of_all[of])
    trained = [[of, f'{sum(times for (other, part), (_, times) in spent.items() if other == of and part in (FIRST, LATER)):,}',
                f'{of_all[of]:.0f}', f'{100 * of_all[of] / whole:.1f} %',
                *(f'{_part(spent, of, part):.1f}' for part in TRAINING)] for of in names]
    others = [[part, str(times), f'{seconds:.1f}', f'{100 * seconds / whole:.1f} %']
              for (of, part), (seconds, times) in sorted(spent.items(), key=lambda one: -one[1][0]) if of == WHOLE]
    return [Table('', ['training', 'number of updates', 'all, s', 'share', *(f'{part}, s' for part in TRAINING)], trained, []),
            Table('', ['beside the trainings', 'times', 's', 'share'], others, [NOTE])]


def _part(spent: Spent, of: str, part: str) -> float:
    """Seconds of a training's part; the rest has all that is no column."""
    return sum(seconds for (other, name), (seconds, _) in spent.items()
               if other == of and (name == part or part == REST and name not in TRAINING))


def _timed(watch: Stopwatch, function: Callable, part: str) -> Callable:
    @functools.wraps(function)
    def timed(*args, **kwargs):
        with watch.on(part):
            return function(*args, **kwargs)
    return timed


def _of_task(watch: Stopwatch, train: Callable) -> Callable:
    @functools.wraps(train)
    def timed(task, *args, **kwargs):
        with watch.on(REST, task.name):
            return train(task, *args, **kwargs)
    return timed


def _graphs(watch: Stopwatch, step_graph: Callable) -> Callable:
    """Graphs of steps, of which the first call is counted apart: it makes the graph."""
    @functools.wraps(step_graph)
    def timed(*args, **kwargs):
        graph, called = step_graph(*args, **kwargs), []

        def step(*batch):
            with watch.on(LATER if called else FIRST):
                metrics = graph(*batch)
            called[:] = [True]
            return metrics
        return step
    return timed


if __name__ == '__main__':
    print(to_markdown(tables(read(sys.argv[1]))), end='')
