"""One thread that computes; of requests that wait, a newer one of its kind takes the place of the older."""
from __future__ import annotations

import collections
import threading
from typing import Any, Callable, Optional


class Stale(Exception):
    """A newer request came before this one's turn."""


class Job:
    """A call to make, and then its result or error."""

    def __init__(self, kind: str, call: Callable[[], Any]):
        self.kind, self.call = kind, call
        self.done, self.result, self.error = threading.Event(), None, None

    def finish(self, result: Any = None, error: Optional[BaseException] = None) -> None:
        """Wakes who waits."""
        self.result, self.error = result, error
        self.done.set()


class Worker:
    """Runs jobs one at a time, in order; `replaced` are the kinds of which only the newest counts."""

    def __init__(self, replaced):
        self.replaced, self.waiting, self.changed = set(replaced), collections.deque(), threading.Condition()
        self.is_closed = False
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def ask(self, kind: str, call: Callable[[], Any]) -> Any:
        """The result of `call`, made by the worker; what it raises is raised here.

        Raises:
          Stale: a newer request of the kind came first, or the worker was closed.
        """
        job = Job(kind, call)
        with self.changed:
            older = [other for other in self.waiting if kind in self.replaced and other.kind == kind]
            for other in older:
                self.waiting.remove(other)
                other.finish(error=Stale())
            if self.is_closed:
                raise Stale
            self.waiting.append(job)
            self.changed.notify()
        job.done.wait()
        if job.error is not None:
            raise job.error
        return job.result

    def close(self) -> None:
        """Drops what waits and lets the call that runs end."""
        with self.changed:
            self.is_closed = True
            while self.waiting:
                self.waiting.popleft().finish(error=Stale())
            self.changed.notify()
        self.thread.join()

    def _work(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.waiting or self.is_closed)
                if self.is_closed:
                    return
                job = self.waiting.popleft()
            try:
                job.finish(job.call())
            except Exception as error:  # the asker's, not the thread's
                job.finish(error=error)
