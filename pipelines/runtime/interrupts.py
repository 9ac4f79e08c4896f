"""Ctrl-C and a cluster's warning, heard where a training can be stopped without loss."""
from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import Callable, Iterator, List

SIGNALS = (signal.SIGINT, signal.SIGTERM)  # Slurm and others send SIGTERM before they kill

TOLD = (b'\nstopping: saved at the end of this step; once more stops at once, at the last saved '
        b'state\n')


class Stopped(KeyboardInterrupt):
    """A training stopped when asked to, its state saved.

    Attributes:
      exit_code: by convention 128 + the number of the signal: 130 for Ctrl-C.
    """

    def __init__(self, number: int, message: str):
        super().__init__(message)
        self.exit_code = 128 + number


@contextlib.contextmanager
def heard() -> Iterator[Callable[[], int]]:
    """Within, the first signal to stop is only remembered; a second one stops at once.

    Yields:
      A function that tells the signal's number, 0 while there was none.
    """
    received: List[int] = []

    def remember(number, frame):
        if received:
            raise Stopped(number, 'stopped at once, at the last saved state')
        received.append(number)
        os.write(2, TOLD)  # print is not safe within a signal's handler

    if threading.current_thread() is not threading.main_thread():  # signals are not ours to take
        yield lambda: 0
        return
    before = {number: signal.signal(number, remember) for number in SIGNALS}
    try:
        yield lambda: received[0] if received else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
