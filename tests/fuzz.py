"""Damages every kind of file that the program reads, and watches what its reader does.

    python -m tests.fuzz --inputs 2000      # the full run; tests/test_fuzz.py is a small one

Allowed: an InputError of one line, or the result of the undamaged file. Of files without a checksum
(pictures, configs, lists: the user's own) also another valid result. A traceback, a hang, or another
result from a file that we sealed is a failure.
"""
from __future__ import annotations

import argparse
import collections
import contextlib
import io
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, Callable, List

import numpy as np

from datasets.errors import InputError
from tests.damage import DAMAGES
from tests.fuzz_targets import Target, targets

SECONDS = 30  # for one reading


class Hang(BaseException):
    pass


def attempt(read: Callable[[], Any]):
    """-> ('result', it), ('refused', message), or ('failed', traceback or 'hang')."""
    def alarm(number, frame):
        raise Hang
    before = signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return 'result', read()
    except InputError as error:
        message = str(error)
        return ('refused', message) if '\n' not in message else ('failed', f'lines: {message!r}')
    except Hang:
        return 'failed', f'hang: more than {SECONDS} s'
    except Exception:
        return 'failed', traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fuzz(found: List[Target], inputs: int, seed: int, say=lambda line: None):
    """Damages `inputs` files, taking the targets in turn.

    Returns:
      (outcomes by target: a Counter of 'refused', 'same', 'other'; descriptions of failures).
    """
    rng = np.random.default_rng(seed)
    baselines = {target.name: attempt(target.read) for target in found}
    failures = [f'{name}: undamaged: {result[1]}' for name, result in baselines.items()
                if result[0] != 'result']
    outcomes = {target.name: collections.Counter() for target in found}
    every = [path for target in found for path in target.files]
    for number in range(inputs if not failures else 0):
        target = found[number % len(found)]
        path = target.files[rng.integers(len(target.files))]
        damage = DAMAGES[rng.integers(len(DAMAGES))]
        whole = path.read_bytes()
        path.write_bytes(damage(rng, whole, every))
        kind, result = attempt(target.read)
        outcome = kind if kind != 'result' else (
            'same' if result == baselines[target.name][1] else 'other')
        outcomes[target.name][outcome] += 1
        if outcome == 'failed' or (outcome == 'other' and target.sealed):
            failures.append(f'input {number}, {target.name}, {path.name}, {damage.__name__}: '
                            f'{outcome}: {result}')
            say(failures[-1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(whole)
    return outcomes, failures


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--inputs', type=int, default=2000)
    options.add_argument('--seed', type=int, default=0)
    arguments = options.parse_args()
    from pipelines.experiment.run import run_experiment
    from tests.conftest import tiny_config
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        run_experiment(tiny_config(), scratch / 'experiment')
        found = targets(scratch / 'experiment', scratch / 'fuzz', Path(__file__).parent / 'data')
        outcomes, failures = fuzz(found, arguments.inputs, arguments.seed, print)
    for name, counts in outcomes.items():
        print(f'{name:28} ' + ', '.join(f'{count} {kind}' for kind, count in sorted(counts.items())))
    print(f'{sum(sum(c.values()) for c in outcomes.values())} inputs, {len(failures)} failures')
    sys.exit(bool(failures))


if __name__ == '__main__':
    main()
